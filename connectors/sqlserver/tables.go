package sqlserver

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
)

// public is the table as the contract knows it.
func (t *table) public() connector.Table {
	out := connector.Table{Name: t.full(), EstimatedRows: t.rows, Privilege: "SELECT on " + t.full(), Fault: t.fault()}
	for i := range t.columns {
		out.Columns = append(out.Columns, t.publicColumn(&t.columns[i]))
	}
	for _, c := range t.keyColumns() {
		out.Key = append(out.Key, c.name)
	}
	shape := sqlkit.Shape{Key: out.Key, Columns: out.Columns, EstimatedRows: t.rows}
	if c := t.counter(); c != nil {
		shape.AutoIncrement = c.name
	}
	out.Replications = sqlkit.Offer(shape)
	if c := t.version(); c != nil && len(out.Key) > 0 {
		out.Replications = slices.Insert(out.Replications, 0, connector.Replication{Method: connector.ModifiedAt, Column: c.name,
			Reason: c.name + " is a rowversion: the server itself changes it with every change of a row, and tells which changes are not committed yet"})
	}
	return out
}

func (t *table) publicColumn(c *col) connector.Column {
	return connector.Column{Name: c.name, SourceType: c.written, Type: c.form.arrow, Nullable: !c.notNull,
		Indexed: t.leading[c.number], Denied: !c.readable, Lossy: c.form.lossy}
}

// counter is the single integer key column that the server numbers by itself.
func (t *table) counter() *col {
	if len(t.key) != 1 {
		return nil
	}
	c := t.column(t.key[0])
	if c.counted && isInteger(c) {
		return c
	}
	return nil
}

func isInteger(c *col) bool {
	switch c.source.base {
	case "tinyint", "smallint", "int", "bigint":
		return true
	}
	return false
}

// version is the table's rowversion column; there is at most one.
func (t *table) version() *col {
	i := slices.IndexFunc(t.columns, func(c col) bool { return isVersion(&c) && c.readable })
	if i < 0 {
		return nil
	}
	return &t.columns[i]
}

func isVersion(c *col) bool { return c.source.base == "timestamp" || c.source.base == "rowversion" }

// fault says why the table cannot be read.
func (t *table) fault() *connector.Fault {
	if t.whole || slices.ContainsFunc(t.columns, func(c col) bool { return c.readable }) {
		return nil
	}
	return &connector.Fault{Cause: connector.AccessChanged, Code: id + ".table_denied", Step: connector.StepPrivileges, Scope: connector.OneTable, Table: t.full(),
		Public: fmt.Sprintf("The login may not read %s. Ask for: GRANT SELECT ON %s.%s TO the user.", t.full(), ident(t.schema), ident(t.name)),
		Err:    fmt.Errorf("the catalog says so of %s", t.full())}
}

// describe looks one table up afresh: a position may be older than the last
// change of the table.
func (s *source) describe(ctx context.Context, c *session, name string) (*table, error) {
	schema, rel, err := splitName(name)
	if err != nil {
		return nil, &connector.Fault{Cause: connector.Ours, Code: id + ".table_name", Step: connector.StepRead, Scope: connector.OneTable, Table: name,
			Public: "That is not the name of a table.", Err: err}
	}
	found, err := s.catalogOn(ctx, c, schema, rel)
	if err != nil {
		return nil, s.classify(ctx, err, connector.StepRead, name)
	}
	if len(found) == 0 {
		return nil, &connector.Fault{Cause: connector.AccessChanged, Code: id + ".table_missing", Step: connector.StepRead, Scope: connector.OneTable, Table: name,
			Public: name + missing, Err: errors.New("the catalog shows no such table")}
	}
	if fault := found[0].fault(); fault != nil {
		return nil, fault
	}
	return found[0], nil
}

// missing is all that SQL Server lets us know: its catalog hides what a login
// has no permission on.
const missing = " is not there any more: it was dropped or renamed, or the login has lost every permission on it, which SQL Server does not tell apart. " +
	"Ask who looks after the database; then choose the table under its new name, or have it granted again."
