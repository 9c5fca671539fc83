package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/regrant/regrant/client"
)

type addCmd struct {
	filling
	Connector string   `arg:"" help:"What to connect; regrant connectors lists them."`
	Name      string   `required:"" placeholder:"NAME" help:"What to call it."`
	Table     []string `sep:"none" placeholder:"TABLE" help:"Pull only these tables; repeat it (all that can be read)."`
	Prepare   bool     `help:"Only begin: print what to do at the third party, and the public key to install."`
}

// Run begins an integration and proves its authorization.
func (c *addCmd) Run(ctx *runContext, a *app) error {
	server, err := a.client(ctx, true)
	if err != nil {
		return err
	}
	kind, err := server.Connector(ctx, c.Connector)
	if err != nil {
		return noConnector(ctx, server, c.Connector, err)
	}
	form, err := formOf(kind, c.Form)
	if err != nil {
		return err
	}
	sub, err := c.submission(a, form)
	if err != nil {
		return err
	}
	if lacking := missing(form, sub, nil); len(lacking) > 0 && !c.Prepare {
		return usage(fmt.Errorf("%s needs also %s; regrant connectors %s explains them", kind.Title, strings.Join(lacking, " "), kind.ID))
	}
	sub.Tables = c.Table
	begun, err := server.Begin(ctx, client.NewIntegration{Connector: kind.ID, Name: c.Name, Form: form.ID})
	if err != nil {
		return err
	}
	if c.Prepare {
		return a.show(begun, func() { a.prepared(begun) })
	}
	a.keys(begun, form, sub)
	return a.authorize(ctx, server, begun.Slug, sub)
}

func noConnector(ctx context.Context, server *client.Client, id string, err error) error {
	all, listErr := server.Connectors(ctx)
	if !client.IsNotFound(err) || listErr != nil {
		return err
	}
	ids := make([]string, 0, len(all))
	for _, one := range all {
		ids = append(ids, one.ID)
	}
	return usage(fmt.Errorf("there is no connector %q: there are %s", printable(id), strings.Join(ids, ", ")))
}

func (a *app) prepared(begun client.Integration) {
	a.say("%s is begun and not finished; its name here is %s.", begun.Name, begun.Slug)
	if begun.Draft != nil {
		a.publicKeys(begun.Draft.Public)
		a.guide(begun.Draft.Guide)
	}
	a.say("\nThen finish it:\n   regrant reauthorize %s --set … --secret …", begun.Slug)
}

// keys prints the public halves that the form as filled will use.
func (a *app) keys(begun client.Integration, form client.Form, sub client.Submission) {
	if a.json || begun.Draft == nil {
		return
	}
	values := make(map[string]string)
	for _, f := range form.Fields {
		values[f.Name] = f.Default
	}
	maps.Copy(values, sub.Settings)
	needed := make(map[string]string)
	for name, public := range begun.Draft.Public {
		for _, f := range form.Fields {
			if f.Name == name && f.Show.Holds(values) && sub.Secrets[name] == "" {
				needed[name] = public
			}
		}
	}
	a.publicKeys(needed)
}

func (a *app) publicKeys(public map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(public)) {
		a.say("\nThe public key (%s) to install at the third party, one line:\n\n%s\n", name, printable(strings.TrimSpace(public[name])))
	}
}

type reauthorizeCmd struct {
	named
	filling
	PauseUnreadable bool `help:"Go on without the tables that the new credential cannot read."`
}

// Run proves a new credential and swaps it in.
func (c *reauthorizeCmd) Run(ctx *runContext, a *app) error {
	server, err := a.client(ctx, false)
	if err != nil {
		return err
	}
	at, err := server.Integration(ctx, c.Name)
	if err != nil {
		return a.noIntegration(ctx, server, c.Name, err)
	}
	kind, err := server.Connector(ctx, at.Connector)
	if err != nil {
		return err
	}
	form, err := formOf(kind, c.Form, formInForce(at))
	if err != nil {
		return err
	}
	sub, err := c.submission(a, form)
	if err != nil {
		return err
	}
	sub.PauseUnreadable = c.PauseUnreadable
	return a.authorize(ctx, server, at.Slug, sub)
}

func formInForce(in client.Integration) string {
	switch {
	case in.Authorization != nil:
		return in.Authorization.Form
	case in.Draft != nil:
		return in.Draft.Form
	}
	return ""
}

func (a *app) authorize(ctx context.Context, server *client.Client, slug string, sub client.Submission) error {
	a.hint = "When that is mended, go on with: regrant reauthorize " + slug + " --set … --secret …"
	v, err := server.AuthorizeLive(ctx, slug, sub, a.check)
	if err != nil {
		return err
	}
	return a.verified(v, "connected")
}

type undoCmd struct{ named }

// Run goes back to the credential before.
func (c *undoCmd) Run(ctx *runContext, a *app) error {
	server, err := a.client(ctx, false)
	if err != nil {
		return err
	}
	v, err := server.Undo(ctx, c.Name, a.check)
	if err != nil {
		return a.noIntegration(ctx, server, c.Name, err)
	}
	return a.verified(v, "back on the credential before")
}

// check prints one line of the checklist as soon as it is known.
func (a *app) check(c client.Check) {
	if a.json {
		return
	}
	if c.State == "running" || c.State == "waiting" {
		a.working(c)
		return
	}
	a.cleared()
	word, colour := map[string]string{"passed": "ok", "failed": "FAILED", "skipped": "skipped"}[c.State], ""
	switch c.State {
	case "passed":
		colour = green
	case "failed":
		colour = red
	case "skipped":
		colour = dim
	default:
		word = c.State
	}
	what := stepWord(c.Step)
	if c.Table != "" {
		what += " " + c.Table
	}
	a.say("%s  %s  %s", a.paint(colour, fmt.Sprintf("%-7s", word)), printable(what), printable(c.Text))
}

// working shows on a terminal what is being checked, on a line of its own
// that the result replaces: reaching a dead server takes half a minute.
func (a *app) working(c client.Check) {
	if !a.terminal {
		return
	}
	a.cleared()
	text := printable(strings.TrimSpace(stepWord(c.Step) + " " + c.Table))
	_, _ = fmt.Fprint(a.out, a.paint(dim, "...      "+text))
	a.open = true
}

// cleared takes the line of working away.
func (a *app) cleared() {
	if a.open {
		_, _ = fmt.Fprint(a.out, "\r\x1b[K")
		a.open = false
	}
}

// verified tells how it ended and how to go on.
func (a *app) verified(v client.Verification, done string) error {
	if err := a.show(v, func() {
		if v.Swapped {
			a.say("\n%s is %s.", printable(v.Integration.Name), done)
			return
		}
		a.say("\nNothing was changed.")
	}); err != nil {
		return err
	}
	if v.Swapped {
		return nil
	}
	return told(max(byCause(v.Cause()), exitFailed))
}
