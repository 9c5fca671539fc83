package cli

import (
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/regrant/regrant/client"
)

type connectorsCmd struct {
	ID string `arg:"" optional:"" help:"A connector."`
}

// Run shows the catalogue or one connector.
func (c *connectorsCmd) Run(ctx *runContext, a *app) error {
	server, err := a.client(ctx, true)
	if err != nil {
		return err
	}
	if c.ID != "" {
		one, err := server.Connector(ctx, c.ID)
		if err != nil {
			return err
		}
		return a.show(one, func() { a.connector(one) })
	}
	all, err := server.Connectors(ctx)
	if err != nil {
		return err
	}
	return a.show(items(all), func() {
		g := grid{fit: a.width(), head: []string{"CONNECTOR", "TITLE", "KIND", "ABOUT"}}
		for _, one := range all {
			about := one.Summary
			if one.Retired != "" {
				about = "Retired: " + one.Retired
			}
			g.add(one.ID, one.Title, one.Kind, about)
		}
		g.print(a.out)
	})
}

func (a *app) connector(c client.Connector) {
	a.say("%s (%s): %s", c.Title, c.ID, c.Summary)
	if c.Retired != "" {
		a.say("Retired: %s", c.Retired)
	}
	if c.Docs != "" {
		a.say("More: %s", c.Docs)
	}
	for n, f := range c.Forms {
		suffix := ""
		if n == 0 {
			suffix = " (used unless --form says otherwise)"
		}
		a.say("\nForm %s: %s%s\n", f.ID, f.Title, suffix)
		for _, field := range f.Fields {
			a.field(field)
		}
		a.guide(f.Guide)
	}
}

// field prints how to give a value, and below what it is.
func (a *app) field(f client.Field) {
	give := "--set " + f.Name + "=…"
	if f.Secret {
		give = "--secret " + f.Name + "=…"
	}
	var notes []string
	if f.Required && f.Default == "" {
		notes = append(notes, "needed")
	}
	if f.Show != nil {
		notes = append(notes, "when "+f.Show.Field+" is "+strings.Join(f.Show.Values, " or "))
	}
	if f.Default != "" {
		notes = append(notes, f.Default+" unless given")
	}
	if len(notes) > 0 {
		give += "  (" + strings.Join(notes, ", ") + ")"
	}
	a.say("  %s", printable(give))
	for _, line := range wrap(fieldHelp(f), 72) {
		a.say("      %s", line)
	}
}

func fieldHelp(f client.Field) string {
	help := f.Help
	if len(f.Choices) > 0 {
		choices := make([]string, 0, len(f.Choices))
		for _, o := range f.Choices {
			choices = append(choices, o.Value)
		}
		help += " One of " + strings.Join(choices, ", ") + "."
	}
	if f.Generate != "" {
		help += " Made by Regrant unless you give your own."
	}
	return printable(help)
}

// wrap breaks text between words.
func wrap(text string, width int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && runewidth.StringWidth(line)+1+runewidth.StringWidth(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// guide prints what to do at the third party. Code is printed as it is, line
// by line, so that it can be copied.
func (a *app) guide(steps []client.Instruction) {
	for n, step := range steps {
		a.say("\n%d. %s", n+1, printable(step.Title))
		for _, line := range wrap(printable(step.Text), 76) {
			a.say("   %s", line)
		}
		if step.Code == "" {
			continue
		}
		a.say("")
		for line := range strings.Lines(step.Code) {
			a.say("   %s", printable(strings.TrimRight(line, "\n")))
		}
	}
}
