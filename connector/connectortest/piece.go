package connectortest

import (
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/regrant/regrant/connector"
)

// piece is a batch taken apart: Go values that outlive the record.
type piece struct {
	rows     []row
	complete *span
	deletes  []key
	position connector.Position
}

// row is one row: its key (nil where the table has none) and its values.
type row struct {
	key    key
	values string // every value, spelled out so that equal text is equal data
}

// span is a KeyRange; a nil end is open.
type span struct{ after, through key }

// takeApart copies a batch.
func takeApart(table connector.Table, b connector.Batch) (p piece, err error) {
	p.position = b.Position
	if p.rows, err = rowsOf(table, b.Record); err != nil {
		return p, fmt.Errorf("record: %w", err)
	}
	deleted, err := rowsOf(table, b.Deletes)
	if err != nil {
		return p, fmt.Errorf("deletes: %w", err)
	}
	for _, r := range deleted {
		p.deletes = append(p.deletes, r.key)
	}
	p.complete, err = spanOf(table, b.Complete)
	return p, err
}

func rowsOf(table connector.Table, rec arrow.RecordBatch) ([]row, error) {
	if rec == nil {
		return nil, nil
	}
	keys, err := keyColumns(table, rec)
	if err != nil {
		return nil, err
	}
	rows := make([]row, rec.NumRows())
	for i := range rows {
		if rows[i].key, err = keyOrNil(keys, i); err != nil {
			return nil, err
		}
		rows[i].values = valuesAt(rec, i)
	}
	return rows, nil
}

func keyOrNil(columns []arrow.Array, i int) (key, error) {
	if len(columns) == 0 {
		return nil, nil
	}
	return keyAt(columns, i)
}

// keyColumns finds the key's columns in a record, in the key's order.
func keyColumns(table connector.Table, rec arrow.RecordBatch) ([]arrow.Array, error) {
	columns := make([]arrow.Array, len(table.Key))
	for n, name := range table.Key {
		at := rec.Schema().FieldIndices(name)
		if len(at) != 1 {
			return nil, fmt.Errorf("key column %q is there %d times", name, len(at))
		}
		columns[n] = rec.Column(at[0])
	}
	return columns, nil
}

// valuesAt spells out a row, each value with its length and its nullness.
func valuesAt(rec arrow.RecordBatch, i int) string {
	var b []byte
	for _, column := range rec.Columns() {
		b = appendPart(b, valueBytes(column, i), column.IsNull(i))
	}
	return string(b)
}

// valueBytes has short ways for the common types: a suite run compares rows
// by the million.
func valueBytes(a arrow.Array, i int) []byte {
	if a.IsNull(i) {
		return nil
	}
	switch a := a.(type) {
	case *array.String:
		return []byte(a.Value(i))
	case *array.Int64:
		return scalarBytes(a.Value(i))
	case *array.Int32:
		return scalarBytes(int64(a.Value(i)))
	case *array.Timestamp:
		return scalarBytes(int64(a.Value(i)))
	}
	return []byte(a.ValueStr(i))
}

func spanOf(table connector.Table, r *connector.KeyRange) (*span, error) {
	if r == nil {
		return nil, nil
	}
	if len(table.Key) == 0 {
		return nil, errors.New("Complete is set for a table without a key")
	}
	after, err := endOf(table, r.After)
	if err != nil {
		return nil, fmt.Errorf("Complete.After: %w", err)
	}
	through, err := endOf(table, r.Through)
	if err != nil {
		return nil, fmt.Errorf("Complete.Through: %w", err)
	}
	return &span{after: after, through: through}, nil
}

func endOf(table connector.Table, rec arrow.RecordBatch) (key, error) {
	if rec == nil {
		return nil, nil
	}
	if want := table.Schema(table.Key); rec.NumRows() != 1 || !rec.Schema().Equal(want) {
		return nil, fmt.Errorf("has %d rows of %s, want one of %s", rec.NumRows(), rec.Schema(), want)
	}
	columns, err := keyColumns(table, rec)
	if err != nil {
		return nil, err
	}
	return keyAt(columns, 0)
}

// holds says whether the key lies within the range.
func (s span) holds(k key) bool {
	return (s.after == nil || compareKeys(k, s.after) > 0) && (s.through == nil || compareKeys(k, s.through) <= 0)
}

func (s span) String() string {
	end := func(k key) string {
		if k == nil {
			return "open"
		}
		return k.String()
	}
	return end(s.after) + " to " + end(s.through)
}
