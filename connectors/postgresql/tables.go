package postgresql

import (
	"context"
	"errors"
	"fmt"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
)

// Tables lists tables, views, materialized views and foreign tables, what may
// not be read marked so.
func (s *source) Tables(ctx context.Context) ([]connector.Table, error) {
	found, err := s.catalog(ctx, anyRelation, connector.StepPrivileges, "")
	if err != nil {
		return nil, err
	}
	tables := make([]connector.Table, 0, len(found))
	for _, t := range found {
		tables = append(tables, t.public())
	}
	return tables, nil
}

// public is the table as the contract knows it.
func (t *table) public() connector.Table {
	out := connector.Table{Name: t.full(), EstimatedRows: t.rows, Privilege: "SELECT on " + t.full(), Fault: t.fault()}
	for i := range t.columns {
		out.Columns = append(out.Columns, t.publicColumn(&t.columns[i]))
	}
	shape := sqlkit.Shape{Columns: out.Columns, EstimatedRows: t.rows, Touched: nil}
	for _, c := range t.keyColumns() {
		out.Key = append(out.Key, c.name)
	}
	shape.Key = out.Key
	if c := t.counter(); c != nil {
		shape.AutoIncrement = c.name
	}
	out.Replications = sqlkit.Offer(shape)
	return out
}

func (t *table) publicColumn(c *col) connector.Column {
	return connector.Column{Name: c.name, SourceType: c.source.written, Type: c.form.arrow, Nullable: !c.notNull,
		Indexed: t.leading[c.number], Denied: !c.readable || !t.schemaOK, Lossy: c.form.lossy}
}

// counter is the single integer key column that the server numbers by itself.
func (t *table) counter() *col {
	if len(t.key) != 1 {
		return nil
	}
	c := t.column(t.key[0])
	switch c.source.base {
	case "int2", "int4", "int8":
		if c.counted {
			return c
		}
	}
	return nil
}

// fault says why the table cannot be read, or cannot be read whole.
func (t *table) fault() *connector.Fault {
	switch {
	case !t.schemaOK:
		return t.privilegeFault("schema_denied", fmt.Sprintf("The role may not use the schema %s. Ask for: GRANT USAGE ON SCHEMA %s TO the role.", t.schema, ident(t.schema)))
	case !t.someColumns:
		return t.privilegeFault("table_denied", fmt.Sprintf("The role may not read %s. Ask for: GRANT SELECT ON %s.%s TO the role.", t.full(), ident(t.schema), ident(t.name)))
	case t.filtered:
		return t.privilegeFault("row_security", fmt.Sprintf(hiddenRows, t.full()))
	default:
		return nil
	}
}

func (t *table) privilegeFault(code, public string) *connector.Fault {
	return &connector.Fault{Cause: connector.AccessChanged, Code: "postgresql." + code, Public: public, Step: connector.StepPrivileges,
		Scope: connector.OneTable, Table: t.full(), Err: fmt.Errorf("the catalog says so of %s", t.full())}
}

// describe looks one table up afresh: a position may be older than the last
// change of the table.
func (s *source) describe(ctx context.Context, c *session, name string) (*table, error) {
	schema, rel, err := splitName(name)
	if err != nil {
		return nil, &connector.Fault{Cause: connector.Ours, Code: "postgresql.table_name", Step: connector.StepRead, Scope: connector.OneTable, Table: name,
			Public: "That is not the name of a table.", Err: err}
	}
	found, err := s.catalogOn(ctx, c, oneRelation(schema, rel), connector.StepRead, name)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, &connector.Fault{Cause: connector.AccessChanged, Code: "postgresql.table_missing", Step: connector.StepRead, Scope: connector.OneTable, Table: name,
			Public: name + " does not exist any more. If it was renamed, choose it under its new name.", Err: errors.New("the catalog has no such table")}
	}
	if fault := found[0].fault(); fault != nil {
		return nil, fault
	}
	return found[0], nil
}
