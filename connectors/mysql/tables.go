package mysql

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/mysqlwire"
	"github.com/regrant/regrant/connector/sqlkit"
)

// mostViews is how many views are tried one by one; a view can be listed and
// yet refer to what is gone.
const mostViews = 500

// Tables lists tables and views, what may not be read marked so. A table for
// which the user has no privilege at all does not show.
func (s *source) Tables(ctx context.Context) ([]connector.Table, error) {
	c, err := s.take(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { s.put(c) }()
	found, err := s.catalog(ctx, c, "", "")
	if err != nil {
		return nil, s.classify(ctx, err, connector.StepPrivileges, "")
	}
	views := 0
	tables := make([]connector.Table, 0, len(found))
	for _, t := range found {
		t.fault = t.privilegeFault()
		if t.view && t.fault == nil && views < mostViews {
			views++
			if err := s.try(ctx, c, t); err != nil {
				return nil, err
			}
		}
		tables = append(tables, t.public())
	}
	return tables, nil
}

// try asks a view for no rows, which is enough to find out what it lacks.
func (s *source) try(ctx context.Context, c *session, t *table) error {
	err := c.Exec(ctx, t.probeSQL())
	if err == nil {
		return nil
	}
	fault := s.classify(ctx, err, connector.StepRead, t.full())
	var f *connector.Fault
	if !errors.As(fault, &f) || f.Scope != connector.OneTable {
		return fault
	}
	t.fault = f
	return nil
}

func (t *table) probeSQL() string {
	var names []string
	for _, c := range t.columns {
		if c.readable {
			names = append(names, "t."+ident(c.name))
		}
	}
	if len(names) == 0 {
		names = []string{"1"}
	}
	return "SELECT " + strings.Join(names, ", ") + " FROM " + t.from() + " LIMIT 0"
}

// public is the table as the contract knows it.
func (t *table) public() connector.Table {
	out := connector.Table{Name: t.full(), EstimatedRows: t.rows, Privilege: "SELECT on " + t.full(), Fault: t.fault}
	shape := sqlkit.Shape{EstimatedRows: t.rows, Touched: map[string]bool{}}
	for i := range t.columns {
		c := &t.columns[i]
		out.Columns = append(out.Columns, t.publicColumn(c))
		if c.touched {
			shape.Touched[c.name] = true
		}
	}
	for _, c := range t.key {
		out.Key = append(out.Key, c.name)
	}
	shape.Key, shape.Columns = out.Key, out.Columns
	if c := t.counter(); c != nil {
		shape.AutoIncrement = c.name
	}
	out.Replications = sqlkit.Offer(shape)
	return out
}

func (t *table) publicColumn(c *col) connector.Column {
	return connector.Column{Name: c.name, SourceType: c.source.written, Type: c.form.arrow, Nullable: !c.notNull,
		Indexed: t.leading[c.name], Denied: !c.readable, Lossy: c.form.lossy}
}

// counter is the single integer key column that the server numbers by itself.
func (t *table) counter() *col {
	if len(t.key) == 1 && t.key[0].counted && isWholeType(t.key[0].source.base) {
		return t.key[0]
	}
	return nil
}

func isWholeType(base string) bool {
	switch base {
	case "tinyint", "smallint", "mediumint", "int", "integer", "bigint":
		return true
	}
	return false
}

// privilegeFault says that no column may be read, although the table shows.
func (t *table) privilegeFault() *connector.Fault {
	for _, c := range t.columns {
		if c.readable {
			return nil
		}
	}
	if len(t.columns) == 0 && t.view {
		return nil // its probe says why
	}
	return t.accessFault("table_denied", fmt.Sprintf("The user may not read %s. Ask for: GRANT SELECT ON %s.%s TO the user.", t.full(), ident(t.schema), ident(t.name)), errors.New("the catalog lists no column with SELECT"))
}

func (t *table) accessFault(code, public string, err error) *connector.Fault {
	return &connector.Fault{Cause: connector.AccessChanged, Code: id + "." + code, Public: public, Step: connector.StepPrivileges,
		Scope: connector.OneTable, Table: t.full(), Err: err}
}

// describe looks one table up afresh: a position may be older than the last
// change of the table.
func (s *source) describe(ctx context.Context, c *session, name string) (*table, error) {
	schema, rel, err := splitName(name)
	if err != nil {
		return nil, &connector.Fault{Cause: connector.Ours, Code: id + ".table_name", Step: connector.StepRead, Scope: connector.OneTable, Table: name,
			Public: "That is not the name of a table.", Err: err}
	}
	found, err := s.catalog(ctx, c, schema, rel)
	if err != nil {
		return nil, s.classify(ctx, err, connector.StepRead, name)
	}
	if len(found) == 0 {
		return nil, s.absent(ctx, c, &table{schema: schema, name: rel})
	}
	t := found[0]
	if f := t.privilegeFault(); f != nil {
		return nil, f
	}
	if len(t.columns) == 0 {
		return nil, s.absent(ctx, c, t)
	}
	return t, nil
}

// absent asks the server itself why the catalog does not show a table: it may
// be gone, or the privilege is.
func (s *source) absent(ctx context.Context, c *session, t *table) error {
	err := c.Exec(ctx, t.probeSQL())
	if err == nil {
		err = &mysqlwire.Error{Code: errNoSuchTable, State: "42S02", Message: "the catalog does not list the table"}
	}
	return s.classify(ctx, err, connector.StepRead, t.full())
}
