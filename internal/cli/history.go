package cli

import (
	"context"
	"fmt"

	"github.com/regrant/regrant/client"
)

// about narrows history to one integration.
type about struct {
	Name  string `arg:"" optional:"" help:"Only of this integration."`
	Limit int    `default:"50" help:"At most so many, the newest (1,000)."`
}

func (c about) filter() client.Filter {
	return client.Filter{Integration: c.Name, Limit: min(max(c.Limit, 1), 1000)}
}

// names translates ids to slugs for people.
func names(ctx context.Context, server *client.Client) map[string]string {
	out := make(map[string]string)
	all, err := server.Integrations(ctx)
	if err != nil {
		return out // ids are shown then
	}
	for _, in := range all {
		out[in.ID] = in.Slug
	}
	return out
}

func known(all map[string]string, id string) string {
	if slug, ok := all[id]; ok {
		return slug
	}
	return id
}

// history asks, and shows what came as a table.
func history[T any](ctx context.Context, a *app, f client.Filter, ask func(*client.Client, client.Filter) ([]T, error),
	empty string, head []string, row func(names map[string]string, one T) []string,
) error {
	server, err := a.client(ctx, false)
	if err != nil {
		return err
	}
	found, err := ask(server, f)
	if err != nil {
		return a.noIntegration(ctx, server, f.Integration, err)
	}
	return a.show(items(found), func() {
		if len(found) == 0 {
			a.say("%s", empty)
			return
		}
		slugs := names(ctx, server)
		g := grid{fit: a.width(), head: head}
		for _, one := range found {
			g.add(row(slugs, one)...)
		}
		g.print(a.out)
	})
}

type incidentsCmd struct {
	about
	All bool `help:"With those that are over."`
}

// Run shows incidents.
func (c *incidentsCmd) Run(ctx *runContext, a *app) error {
	f := c.filter()
	f.OpenOnly = !c.All
	return history(ctx, a, f, func(s *client.Client, f client.Filter) ([]client.Incident, error) { return s.Incidents(ctx, f) },
		"Nothing is wrong.", []string{"INTEGRATION", "TABLE", "CAUSE", "WHO ACTS", "SINCE", "OVER", "WHAT"},
		func(slugs map[string]string, i client.Incident) []string {
			over := "no"
			if i.Closed != nil {
				over = i.Resolution
			}
			return []string{known(slugs, i.Integration), orAll(i.Table), i.Cause, i.Actor, a.ago(&i.Opened), over, i.Public}
		})
}

func orAll(table string) string {
	if table == "" {
		return "all"
	}
	return table
}

type gapsCmd struct {
	about
	All bool `help:"With those that are filled."`
}

// Run shows gaps and receipts.
func (c *gapsCmd) Run(ctx *runContext, a *app) error {
	f := c.filter()
	f.OpenOnly = !c.All
	return history(ctx, a, f, func(s *client.Client, f client.Filter) ([]client.Gap, error) { return s.Gaps(ctx, f) },
		"Nothing is missing.", []string{"INTEGRATION", "TABLE", "FROM", "TO", "FILLED", "RECEIPT"},
		func(slugs map[string]string, g client.Gap) []string {
			filled, receipt := "not yet", ""
			if g.Closed != nil {
				filled = a.ago(g.Closed)
			}
			if r := g.Receipt; r != nil {
				receipt = count(r.Rows) + " rows"
				if r.SourceRows >= 0 {
					receipt += fmt.Sprintf("; source %s, warehouse %s", count(r.SourceRows), count(r.WarehouseRows))
				}
				if r.Note != "" {
					receipt += "; " + r.Note
				}
			}
			to := "still open"
			if g.To != nil {
				to = a.ago(g.To)
			}
			return []string{known(slugs, g.Integration), g.Table, a.ago(g.From), to, filled, receipt}
		})
}

type eventsCmd struct {
	about
	Audit bool `help:"With those that only an audit wants (admin)."`
}

// Run shows the timeline.
func (c *eventsCmd) Run(ctx *runContext, a *app) error {
	f := c.filter()
	f.Audit = c.Audit
	return history(ctx, a, f, func(s *client.Client, f client.Filter) ([]client.Event, error) { return s.Events(ctx, f) },
		"Nothing has happened yet.", []string{"WHEN", "INTEGRATION", "BY", "WHAT"},
		func(slugs map[string]string, e client.Event) []string {
			return []string{a.ago(&e.At), known(slugs, e.Integration), e.By, e.Text}
		})
}

type pullsCmd struct{ about }

// Run shows pulls.
func (c *pullsCmd) Run(ctx *runContext, a *app) error {
	return history(ctx, a, c.filter(), func(s *client.Client, f client.Filter) ([]client.Pull, error) { return s.Pulls(ctx, f) },
		"Nothing was pulled yet.", []string{"STARTED", "INTEGRATION", "WHY", "OUTCOME", "ROWS", "BYTES", "TOOK"},
		func(slugs map[string]string, p client.Pull) []string {
			took := ""
			if p.Ended != nil {
				took = p.Ended.Sub(p.Started).Round(100_000_000).String()
			}
			return []string{a.ago(&p.Started), known(slugs, p.Integration), p.Trigger, p.Outcome, count(p.Rows), size(p.Bytes), took}
		})
}
