package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/warehouse"
)

// Missing looks at what is committed; what is pending does not count.
func (l *load) Missing(ctx context.Context, batch connector.Batch, limit int) (arrow.RecordBatch, bool, error) {
	if err := l.usable(); err != nil {
		return nil, false, err
	}
	if batch.Complete == nil || len(l.spec.Key) == 0 {
		return nil, false, errors.New("only a complete range of keys can miss something")
	}
	keys, err := l.rangeKeys(batch)
	if err != nil {
		return nil, false, err
	}
	where, err := within(keys, *batch.Complete)
	if err != nil {
		return nil, false, err
	}
	if batch.Record != nil && batch.Record.NumRows() > 0 {
		src, err := l.views.view(ctx, keys, []arrow.RecordBatch{batch.Record})
		if err != nil {
			return nil, false, l.e.failed(err)
		}
		defer src.release()
		p := &prepared{operation: &operation{keys: keys}}
		where += " AND NOT EXISTS (SELECT 1 FROM " + src.from + " AS v WHERE " + p.match() + ")"
	}
	r, truncated, err := l.selectKeys(ctx, keys, where, limit)
	if err != nil {
		return nil, false, l.e.failed(fmt.Errorf("compare keys of %s.%s: %w", l.spec.Name.Schema, l.spec.Name.Table, err))
	}
	return r, truncated, nil
}

// rangeKeys plans the key columns as the batch writes them.
func (l *load) rangeKeys(batch connector.Batch) ([]column, error) {
	for _, r := range []arrow.RecordBatch{batch.Record, batch.Complete.After, batch.Complete.Through} {
		if r == nil {
			continue
		}
		columns, err := l.table.columnsOf(r.Schema(), l.spec.Key)
		if err != nil {
			return nil, err
		}
		return l.keysOf(columns)
	}
	columns, err := l.table.columnsOf(l.keySchema(), l.spec.Key)
	if err != nil {
		return nil, err
	}
	return l.keysOf(columns)
}

func (l *load) keySchema() *arrow.Schema {
	return connector.Table{Columns: l.spec.Columns}.Schema(l.spec.Key)
}

// within is the condition that a row is alive and its key in the range.
func within(keys []column, r connector.KeyRange) (string, error) {
	where := "t." + quote(warehouse.DeletedAt) + " IS NULL"
	for _, side := range []struct {
		bound          arrow.RecordBatch
		strict, orLike string
	}{{r.After, ">", ">"}, {r.Through, "<", "<="}} {
		if side.bound == nil {
			continue
		}
		c, err := beyond(keys, side.bound, side.strict, side.orLike)
		if err != nil {
			return "", err
		}
		where += " AND " + c
	}
	return where, nil
}

// beyond compares column by column: a > 1 OR a = 1 AND (b > 2). The first
// column is compared once more on its own, which lets DuckDB skip the parts
// of the table that are out of range.
func beyond(keys []column, bound arrow.RecordBatch, strict, last string) (string, error) {
	if bound.NumRows() != 1 {
		return "", fmt.Errorf("a range's end has %d rows instead of one", bound.NumRows())
	}
	condition := ""
	for i := len(keys) - 1; i >= 0; i-- {
		value, err := literal(bound, keys[i])
		if err != nil {
			return "", err
		}
		ours := keys[i].ours()
		if i == len(keys)-1 {
			condition = ours + " " + last + " " + value
			continue
		}
		condition = fmt.Sprintf("(%[1]s %[2]s %[3]s OR (%[1]s = %[3]s AND %[4]s))", ours, strict, value, condition)
		if i == 0 {
			condition = fmt.Sprintf("(%s %s= %s AND %s)", ours, strict, value, condition)
		}
	}
	return condition, nil
}

// ours is the table's column in the source's type, in whose order the range is.
func (c column) ours() string {
	ref := "t." + quote(c.name)
	if from := c.ordered(); from != c.into {
		return "TRY_CAST(" + ref + " AS " + from + ")"
	}
	return ref
}

// ordered is the type whose order the source has.
func (c column) ordered() string {
	if isUUID(c.plain()) {
		return tUUID
	}
	return stored(c.plain())
}

// literal writes the bound's value of a key column.
func literal(bound arrow.RecordBatch, c column) (string, error) {
	i := bound.Schema().FieldIndices(c.field.Name)
	if len(i) != 1 {
		return "", fmt.Errorf("a range's end lacks the key column %q", c.field.Name)
	}
	a := bound.Column(i[0])
	if e, ok := a.(array.ExtensionArray); ok {
		a = e.Storage()
	}
	if a.IsNull(0) {
		return "", fmt.Errorf("a range's end has no value in the key column %q", c.field.Name)
	}
	return fmt.Sprintf("CAST(%s AS %s)", valueLiteral(a, c.ordered()), c.ordered()), nil
}

// selectKeys reads the keys back in the types in which the source has them.
func (l *load) selectKeys(ctx context.Context, keys []column, where string, limit int) (arrow.RecordBatch, bool, error) {
	exprs := make([]string, len(keys))
	order := make([]string, len(keys))
	fields := make([]arrow.Field, len(keys))
	for i, k := range keys {
		exprs[i], order[i], fields[i] = k.read(), k.ours(), k.field
	}
	query := fmt.Sprintf("SELECT %s FROM %s AS t WHERE %s ORDER BY %s LIMIT %d",
		strings.Join(exprs, ", "), l.table.sql(), where, strings.Join(order, ", "), limit+1)
	rows, err := l.conn.QueryContext(ctx, query)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	n := 0
	for ; n < limit && rows.Next(); n++ {
		if err := appendRow(rows, b, keys); err != nil {
			return nil, false, err
		}
	}
	truncated := n == limit && rows.Next()
	if err := rows.Err(); err != nil {
		return nil, false, err
	}
	return b.NewRecordBatch(), truncated, nil
}

func appendRow(rows *sql.Rows, b *array.RecordBuilder, keys []column) error {
	values := make([]sql.NullString, len(keys))
	into := make([]any, len(keys))
	for i := range values {
		into[i] = &values[i]
	}
	if err := rows.Scan(into...); err != nil {
		return err
	}
	for i, v := range values {
		if !v.Valid {
			b.Field(i).AppendNull()
			continue
		}
		if err := appendKey(b.Field(i), v.String); err != nil {
			return fmt.Errorf("key column %q: %w", keys[i].name, err)
		}
	}
	return nil
}
