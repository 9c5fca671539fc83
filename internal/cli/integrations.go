package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/regrant/regrant/client"
	"github.com/regrant/regrant/internal/settings"
)

type listCmd struct{}

// Run shows every integration.
func (listCmd) Run(ctx *runContext, a *app) error {
	server, err := a.client(ctx, false)
	if err != nil {
		return err
	}
	all, err := server.Integrations(ctx)
	if err != nil {
		return err
	}
	return a.show(items(all), func() { a.list(all) })
}

func (a *app) list(all []client.Integration) {
	if len(all) == 0 {
		a.say("Nothing is connected yet. Begin with: regrant connectors")
		return
	}
	g := grid{fit: a.width(), head: []string{"NAME", "CONNECTOR", "STATE", "TABLES", "LAST ROW", "NEXT"}}
	g.ink = func(row, column int) string {
		if column != 2 || !a.colour {
			return ""
		}
		return colourOf(all[row].Status)
	}
	for _, in := range all {
		g.add(in.Slug, in.ConnectorTitle, stateWord(in.Status), fmt.Sprintf("%d of %d", in.Status.Readable, in.Status.Enabled), a.ago(in.LastPoint), nextStep(in))
	}
	g.print(a.out)
}

func stateWord(s client.Status) string {
	if s.Running {
		return s.Word + " (pulling)"
	}
	return s.Word
}

// nextStep is what to do, as a command where there is one: the heart's words
// are those of the pages.
func nextStep(in client.Integration) string {
	switch in.Status.State {
	case "needs_reauthorization", "needs_configuration", "not_finished":
		return "regrant reauthorize " + in.Slug + " --secret …"
	case "degraded":
		return in.Status.Next + " Look at: regrant show " + in.Slug
	case "unknown":
		return "Look at the evidence: regrant show " + in.Slug
	case "paused":
		return "regrant resume " + in.Slug
	}
	return in.Status.Next
}

type showCmd struct{ named }

// Run shows one integration in full.
func (c *showCmd) Run(ctx *runContext, a *app) error {
	server, err := a.client(ctx, false)
	if err != nil {
		return err
	}
	in, err := server.Integration(ctx, c.Name)
	if err != nil {
		return a.noIntegration(ctx, server, c.Name, err)
	}
	return a.show(in, func() { a.integration(in) })
}

// line prints a label and a text when there is one.
func (a *app) line(label, text string) {
	if text != "" {
		a.say("%-16s %s", label, printable(text))
	}
}

func (a *app) integration(in client.Integration) {
	a.say("%s (%s), %s", printable(in.Name), in.Slug, in.ConnectorTitle)
	a.say("%-16s %s", "State", a.paint(colourOf(in.Status), stateWord(in.Status)))
	a.line("Next step", nextStep(in))
	if auth := in.Authorization; auth != nil {
		a.line("Account", auth.Account)
		a.line("As", auth.User)
		a.line("Proven", a.ago(auth.Verified))
		for _, w := range auth.Warnings {
			a.line("Warning", w)
		}
	}
	if in.Horizon != nil {
		a.line("Authorized until", in.Horizon.At.Format(time.DateOnly)+": "+in.Horizon.What)
	}
	if in.UndoUntil != nil {
		a.line("Undo until", in.UndoUntil.Format(time.RFC3339))
	}
	a.line("Every", (time.Duration(in.EverySeconds) * time.Second).String())
	a.line("Next pull", a.ago(in.NextPull))
	a.line("Last row", a.ago(in.LastPoint))
	for _, i := range in.Incidents {
		a.incident(i)
	}
	if len(in.Tables) > 0 {
		a.say("")
		a.tables(in.Tables)
	}
	if in.Draft != nil {
		a.publicKeys(in.Draft.Public)
		a.guide(in.Draft.Guide)
	}
}

func (a *app) incident(i client.Incident) {
	where := "the whole integration"
	if i.Table != "" {
		where = i.Table
	}
	a.say("\n%s", a.paint(red, fmt.Sprintf("Since %s, %s (%s, %s):", a.ago(&i.Opened), printable(where), i.Cause, printable(i.Code))))
	a.say("  %s", printable(i.Public))
	for _, e := range i.Evidence {
		a.say("  - %s (%s)", printable(e.Text), e.Points)
	}
}

// noIntegration helps with a name that is not there.
func (a *app) noIntegration(ctx context.Context, server *client.Client, name string, err error) error {
	p := client.ProblemOf(err)
	if p == nil || p.Code != "not_found" {
		return err
	}
	all, listErr := server.Integrations(ctx)
	if listErr != nil {
		return err
	}
	names := make([]string, 0, len(all))
	for _, in := range all {
		if in.Slug == name || in.ID == name {
			return err // it is there: something of it is not
		}
		names = append(names, in.Slug)
	}
	hint := "regrant list shows those there are"
	if near := settings.Nearest(name, names); near != "" {
		hint = "did you mean " + near + "?"
	}
	return fmt.Errorf("there is no integration %q: %s", printable(name), hint)
}

// one runs an action on one integration and shows what became of it.
func (a *app) one(ctx context.Context, name string, do func(*client.Client) (client.Integration, error)) (client.Integration, error) {
	server, err := a.client(ctx, false)
	if err != nil {
		return client.Integration{}, err
	}
	in, err := do(server)
	if err != nil {
		return in, a.noIntegration(ctx, server, name, err)
	}
	return in, a.show(in, func() {
		a.say("%s: %s. %s", in.Slug, a.paint(colourOf(in.Status), stateWord(in.Status)), printable(nextStep(in)))
		for _, i := range in.Incidents {
			a.incident(i)
		}
	})
}

type probeCmd struct{ named }

// Run proves an authorization now; the status says what came out.
func (c *probeCmd) Run(ctx *runContext, a *app) error {
	in, err := a.one(ctx, c.Name, func(s *client.Client) (client.Integration, error) { return s.Probe(ctx, c.Name) })
	if err != nil {
		return err
	}
	return told(byState(in.Status))
}

type pauseCmd struct{ named }

// Run pauses.
func (c *pauseCmd) Run(ctx *runContext, a *app) error {
	_, err := a.one(ctx, c.Name, func(s *client.Client) (client.Integration, error) { return s.Pause(ctx, c.Name) })
	return err
}

type resumeCmd struct{ named }

// Run resumes.
func (c *resumeCmd) Run(ctx *runContext, a *app) error {
	_, err := a.one(ctx, c.Name, func(s *client.Client) (client.Integration, error) { return s.Resume(ctx, c.Name) })
	return err
}

type removeCmd struct {
	named
	Yes bool `help:"Do not ask."`
}

// Run forgets an integration once the person has typed its name.
func (c *removeCmd) Run(ctx *runContext, a *app) error {
	server, err := a.client(ctx, false)
	if err != nil {
		return err
	}
	in, err := server.Integration(ctx, c.Name)
	if err != nil {
		return a.noIntegration(ctx, server, c.Name, err)
	}
	if !c.Yes {
		if err := a.confirm(in); err != nil {
			return err
		}
	}
	if err := server.Remove(ctx, in.ID); err != nil {
		return err
	}
	return a.show(map[string]string{"removed": in.Slug}, func() {
		a.say("%s is removed. Its rows stay in the warehouse, in the schema %s.", printable(in.Name), in.Slug)
	})
}

func (a *app) confirm(in client.Integration) error {
	if !isTerminal(a.env.Stdin) {
		return usage(errors.New("nobody can be asked here: repeat it with --yes"))
	}
	a.note("This forgets %s with its settings, history and credential. Its rows stay.\nType %s to go on:", printable(in.Name), in.Slug)
	typed, err := bufio.NewReader(a.env.Stdin).ReadString('\n')
	if err != nil || strings.TrimSpace(typed) != in.Slug {
		return errors.New("nothing was removed")
	}
	return nil
}
