package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/warehouse"
)

// table is a table of the file as it is now.
type table struct {
	database string
	name     warehouse.Name // as the source writes it
	physical string         // as it is called in the schema
	shadow   bool
	columns  []warehouse.Column
	mapped   map[string]string // source's column name → ours
}

func (t *table) sql() string {
	return quote(t.database) + "." + quote(t.name.Schema) + "." + quote(t.inSchema())
}

func (t *table) inSchema() string {
	if t.shadow {
		return shadowTag + t.physical
	}
	return t.physical
}

// typeOf gives the type of one of our columns.
func (t *table) typeOf(name string) (string, bool) {
	for _, c := range t.columns {
		if c.Name == name {
			return c.Type, true
		}
	}
	return "", false
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// find looks the table up; without columns it does not exist. Our own list
// says how a table is called: DuckDB's catalog builds the texts of all tables
// and columns to answer for one.
func (e *engine) find(ctx context.Context, q querier, name warehouse.Name) (*table, error) {
	t := &table{database: e.name, name: name}
	err := q.QueryRowContext(ctx, "SELECT physical FROM "+e.own("tables")+" WHERE schema_name = ? AND table_name = ?", name.Schema, name.Table).Scan(&t.physical)
	switch {
	case err == nil:
		t.columns, err = tableColumns(ctx, q, t.sql())
		return t, err
	case !errors.Is(err, sql.ErrNoRows):
		return nil, fmt.Errorf("find table: %w", err)
	}
	taken, err := tableNames(ctx, q, e.own("tables"), name.Schema)
	if err != nil {
		return nil, err
	}
	t.physical = apart(name.Table, taken)
	return t, nil
}

// own is one of our own tables.
func (e *engine) own(table string) string {
	return quote(e.name) + "." + quote(ownSchema) + "." + quote(table)
}

// register notes how the table is called.
func (e *engine) register(t *table) string {
	return fmt.Sprintf("INSERT INTO %[1]s SELECT %[2]s, %[3]s, %[4]s WHERE NOT EXISTS (SELECT 1 FROM %[1]s WHERE schema_name = %[2]s AND table_name = %[3]s)",
		e.own("tables"), text(t.name.Schema), text(t.name.Table), text(t.physical))
}

func tableNames(ctx context.Context, q querier, list, schema string) (map[string]string, error) {
	rows, err := q.QueryContext(ctx, "SELECT physical FROM "+list+" WHERE lower(schema_name) = lower(?)", schema)
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	defer rows.Close()
	names := map[string]string{}
	for rows.Next() {
		var n string
		if err := rows.Scan(&n); err != nil {
			return nil, fmt.Errorf("list tables: %w", err)
		}
		names[strings.ToLower(n)] = n
	}
	return names, rows.Err()
}

func tableColumns(ctx context.Context, q querier, table string) ([]warehouse.Column, error) {
	rows, err := q.QueryContext(ctx, "SELECT column_name, column_type FROM (DESCRIBE "+table+")")
	if err != nil {
		return nil, fmt.Errorf("list columns: %w", err)
	}
	defer rows.Close()
	var columns []warehouse.Column
	for rows.Next() {
		var c warehouse.Column
		if err := rows.Scan(&c.Name, &c.Type); err != nil {
			return nil, fmt.Errorf("list columns: %w", err)
		}
		columns = append(columns, c)
	}
	return columns, rows.Err()
}

// fit makes the table or widens it, in one transaction. The shadow of a
// Replace starts with all columns that the old table has.
func (e *engine) fit(ctx context.Context, c *sql.Conn, spec warehouse.Spec) (*table, error) {
	t, err := e.find(ctx, c, spec.Name)
	if err != nil {
		return nil, err
	}
	changes, err := plan(ctx, c, t, spec.Columns)
	if err != nil {
		return nil, err
	}
	if err := e.makeRoom(ctx, c, len(t.columns)); err != nil {
		return nil, err
	}
	var statements []string
	switch {
	case spec.Replace:
		t.shadow = true
		statements = append(statements, createSchema(t), "DROP TABLE IF EXISTS "+t.sql(), t.create())
	case changes.isNew:
		statements = append(statements, createSchema(t), t.create(), e.register(t))
	default:
		statements = changes.alter
	}
	return t, e.inTransaction(ctx, c, statements)
}

func createSchema(t *table) string {
	return "CREATE SCHEMA IF NOT EXISTS " + quote(t.database) + "." + quote(t.name.Schema)
}

func (t *table) create() string {
	columns := make([]string, len(t.columns))
	for i, c := range t.columns {
		columns[i] = quote(c.Name) + " " + c.Type
	}
	return "CREATE TABLE " + t.sql() + " (" + strings.Join(columns, ", ") + ")"
}

// changes is what makes a table fit a spec.
type changes struct {
	isNew bool
	alter []string
}

// plan brings t.columns to what the spec needs and says how the table gets
// there.
func plan(ctx context.Context, q querier, t *table, columns []connector.Column) (changes, error) {
	ch := changes{isNew: len(t.columns) == 0}
	if ch.isNew {
		t.columns = []warehouse.Column{{Name: warehouse.PulledAt, Type: tTimestampTZ}, {Name: warehouse.DeletedAt, Type: tTimestampTZ}}
	}
	taken := make(map[string]string, len(t.columns))
	at := make(map[string]int, len(t.columns))
	for i, c := range t.columns {
		taken[strings.ToLower(c.Name)], at[c.Name] = c.Name, i
	}
	// What is ours stays ours, should a source have a column of that name.
	taken[warehouse.PulledAt], taken[warehouse.DeletedAt] = "", ""
	t.mapped = make(map[string]string, len(columns))
	var added []warehouse.Column
	for _, col := range columns {
		f := col.Field()
		f.Type = bare(f.Type)
		typ, err := canonical(ctx, q, stored(f))
		if err != nil {
			return ch, fmt.Errorf("type of column %q: %w", col.Name, err)
		}
		name := apart(col.Name, taken)
		t.mapped[col.Name] = name
		i, exists := at[name]
		if !exists {
			taken[strings.ToLower(name)] = name
			added = append(added, warehouse.Column{Name: name, Type: typ})
			ch.alter = append(ch.alter, fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s", t.sql(), quote(name), typ))
			continue
		}
		if wide := widen(t.columns[i].Type, typ); wide != t.columns[i].Type {
			t.columns[i].Type = wide
			ch.alter = append(ch.alter, fmt.Sprintf("ALTER TABLE %s ALTER COLUMN %s TYPE %s", t.sql(), quote(name), wide))
		}
	}
	if ch.isNew { // the source's columns come first, ours last
		t.columns = append(added, t.columns...)
		return ch, nil
	}
	t.columns = append(t.columns, added...)
	return ch, nil
}

// canonical is the type as DuckDB writes it, so that it can be compared.
func canonical(ctx context.Context, q querier, t string) (string, error) {
	if !strings.ContainsAny(t, "([") || strings.HasPrefix(t, "DECIMAL(") {
		return t, nil
	}
	var out string
	err := q.QueryRowContext(ctx, "SELECT typeof(NULL::"+t+")").Scan(&out)
	return out, err
}

// columnsOf plans the way of a record's columns into the table.
func (t *table) columnsOf(schema *arrow.Schema, only []string) ([]column, error) {
	wanted := map[string]bool{}
	for _, name := range only {
		wanted[name] = true
	}
	var columns []column
	for i, f := range schema.Fields() {
		if only != nil && !wanted[f.Name] {
			continue
		}
		name, ok := t.mapped[f.Name]
		if !ok {
			return nil, fmt.Errorf("a record has the column %q, which the load was not told of", f.Name)
		}
		into, _ := t.typeOf(name)
		columns = append(columns, newColumn(i, len(columns), f, name, into))
		delete(wanted, f.Name)
	}
	for name := range wanted {
		return nil, fmt.Errorf("a record lacks the key column %q", name)
	}
	return columns, nil
}

// inTransaction runs statements as one.
func (e *engine) inTransaction(ctx context.Context, c *sql.Conn, statements []string) error {
	if len(statements) == 0 {
		return nil
	}
	release, err := acquire(ctx, e.commits)
	if err != nil {
		return err
	}
	defer release()
	tx, err := c.BeginTx(ctx, nil)
	if err != nil {
		return e.failed(err)
	}
	defer func() { _ = tx.Rollback() }()
	for _, s := range statements {
		if _, err := tx.ExecContext(ctx, s); err != nil {
			return e.failed(fmt.Errorf("change the warehouse: %w", err))
		}
	}
	return e.failed(tx.Commit())
}
