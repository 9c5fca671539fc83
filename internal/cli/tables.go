package cli

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/regrant/regrant/client"
)

type tablesCmd struct {
	Name struct {
		Name string        `arg:"" help:"Its name as list shows it."`
		List tablesListCmd `cmd:"" default:"1" help:"List the tables."`
		Find tablesFindCmd `cmd:"" help:"Look at the source for new tables."`
		Set  tablesSetCmd  `cmd:"" help:"Change how a table is read."`
	} `arg:""`
}

type tablesListCmd struct{}

// Run lists the tables.
func (tablesListCmd) Run(ctx *runContext, a *app, g *grammar) error {
	server, err := a.client(ctx, false)
	if err != nil {
		return err
	}
	all, err := server.Tables(ctx, g.Tables.Name.Name)
	if err != nil {
		return a.noIntegration(ctx, server, g.Tables.Name.Name, err)
	}
	return a.show(items(all), func() { a.tables(all) })
}

type tablesFindCmd struct{}

// Run lists the source's tables afresh.
func (tablesFindCmd) Run(ctx *runContext, a *app, g *grammar) error {
	server, err := a.client(ctx, false)
	if err != nil {
		return err
	}
	all, err := server.Discover(ctx, g.Tables.Name.Name)
	if err != nil {
		return a.noIntegration(ctx, server, g.Tables.Name.Name, err)
	}
	return a.show(items(all), func() { a.tables(all) })
}

func (a *app) tables(all []client.Table) {
	if len(all) == 0 {
		a.say("No tables are known yet.")
		return
	}
	g := grid{fit: a.width(), head: []string{"TABLE", "PULLED", "METHOD", "RECHECKS", "ROWS", "LAST READ"}}
	for _, t := range all {
		g.add(t.Name, pulled(t), methodWord(t), rechecks(t), estimate(t.Estimated), a.ago(t.LastRead))
	}
	g.print(a.out)
}

func pulled(t client.Table) string {
	switch {
	case !t.Enabled:
		return "no"
	case t.Gone:
		return "gone at the source"
	case !t.Readable:
		return "cannot be read"
	}
	return "yes"
}

func methodWord(t client.Table) string {
	if t.Column != "" {
		return t.Method + " (" + t.Column + ")"
	}
	return t.Method
}

func rechecks(t client.Table) string {
	parts := make([]string, 0, len(t.Rechecks))
	for _, column := range slices.Sorted(maps.Keys(t.Rechecks)) {
		parts = append(parts, column+" "+t.Rechecks[column].Every)
	}
	return strings.Join(parts, ", ")
}

func estimate(rows int64) string {
	if rows < 0 {
		return "not known"
	}
	return "about " + count(rows)
}

type tablesSetCmd struct {
	Table      string   `arg:"" help:"Its name at the source."`
	Pull       *bool    `negatable:"" help:"Pull it, or do not."`
	Method     string   `placeholder:"M" help:"modified_at, auto_increment, add_date, primary_key_batch, full_table or paused."`
	Key        string   `placeholder:"COL" help:"The column that the method follows."`
	Recheck    []string `sep:"none" placeholder:"COL=EVERY" help:"Compare a column always, daily, weekly, monthly, once or never."`
	Exclude    []string `sep:"none" placeholder:"COL" help:"Do not read this column; repeat it. An empty one reads all."`
	AllowEmpty *bool    `negatable:"" help:"Confirm that the source may be empty."`
}

// Run changes how a table is read.
func (c *tablesSetCmd) Run(ctx *runContext, a *app, g *grammar) error {
	change, err := c.change()
	if err != nil {
		return usage(err)
	}
	server, err := a.client(ctx, false)
	if err != nil {
		return err
	}
	t, err := server.SetTable(ctx, g.Tables.Name.Name, c.Table, change)
	if err != nil {
		if err := a.noIntegration(ctx, server, g.Tables.Name.Name, err); !client.IsNotFound(err) {
			return err
		}
		return fmt.Errorf("%s has no table %q: regrant tables %s lists them", g.Tables.Name.Name, printable(c.Table), g.Tables.Name.Name)
	}
	return a.show(t, func() { a.tables([]client.Table{t}) })
}

func (c *tablesSetCmd) change() (client.TableChange, error) {
	out := client.TableChange{Enabled: c.Pull, AllowEmpty: c.AllowEmpty}
	if c.Method != "" {
		out.Method = &c.Method
	}
	if c.Key != "" {
		out.Column = &c.Key
	}
	if len(c.Exclude) > 0 {
		excluded := slices.DeleteFunc(slices.Clone(c.Exclude), func(s string) bool { return s == "" })
		out.Excluded = &excluded
	}
	for _, given := range c.Recheck {
		column, every, ok := strings.Cut(given, "=")
		if !ok || column == "" {
			return out, errors.New("--recheck takes COLUMN=daily (always, daily, weekly, monthly, once, never)")
		}
		if every == "never" {
			every = ""
		}
		if out.Rechecks == nil {
			out.Rechecks = make(map[string]string)
		}
		out.Rechecks[column] = every
	}
	if out.Enabled == nil && out.AllowEmpty == nil && out.Method == nil && out.Column == nil && out.Excluded == nil && out.Rechecks == nil {
		return out, errors.New("say what to change: --[no-]pull, --method, --key, --recheck, --exclude or --[no-]allow-empty")
	}
	return out, nil
}
