package postgresql

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/regrant/regrant/connector"
)

// mostKeys is what Exists takes at once.
const mostKeys = 10_000

// Exists looks single keys up by the table's own index.
func (s *source) Exists(ctx context.Context, ct connector.Table, keys arrow.RecordBatch) ([]bool, error) {
	exists := make([]bool, keys.NumRows())
	if len(exists) == 0 {
		return exists, nil
	}
	fail := func(err error) error { return s.classify(ctx, err, connector.StepRead, ct.Name) }
	if len(exists) > mostKeys {
		return nil, fail(fmt.Errorf("%d keys at once, at most %d are looked up", len(exists), mostKeys))
	}
	c, err := s.take(ctx)
	if err != nil {
		return nil, fail(err)
	}
	defer func() { s.put(c) }()
	t, err := s.describe(ctx, c, ct.Name)
	if err != nil {
		return nil, err
	}
	sql, err := existsSQL(t, keys)
	if err != nil {
		return nil, fail(err)
	}
	rows, err := c.rows(ctx, sql)
	if err != nil {
		return nil, fail(err)
	}
	for _, r := range rows {
		if i := number64(r[0]); i >= 0 && i < int64(len(exists)) {
			exists[i] = true
		}
	}
	return exists, nil
}

func existsSQL(t *table, keys arrow.RecordBatch) (string, error) {
	names, equal := make([]string, keys.NumCols()), make([]string, keys.NumCols())
	cols := make([]*col, keys.NumCols())
	for i, f := range keys.Schema().Fields() {
		if cols[i] = t.byName[f.Name]; cols[i] == nil {
			return "", fmt.Errorf("no column %s", f.Name)
		}
		names[i] = "k" + strconv.Itoa(i)
		o := rawOrder(cols[i : i+1])[0]
		equal[i] = o.expr() + " = v." + names[i]
	}
	var b strings.Builder
	b.WriteString("SELECT v.i FROM (VALUES ")
	for row := range int(keys.NumRows()) {
		if row > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "(%d", row)
		for i, c := range cols {
			text, err := textOf(keys.Column(i), row)
			if err != nil {
				return "", err
			}
			b.WriteString(", " + rawOrder([]*col{c})[0].literal(text))
		}
		b.WriteString(")")
	}
	b.WriteString(") v(i, " + strings.Join(names, ", ") + ") WHERE EXISTS (SELECT 1 FROM " + t.from() + " WHERE " + strings.Join(equal, " AND ") + ")")
	return b.String(), nil
}

// textOf writes a value of the warehouse as text that the source reads back.
func textOf(a arrow.Array, i int) (string, error) {
	if a.IsNull(i) {
		return "", fmt.Errorf("a key with NULL")
	}
	switch a := a.(type) {
	case *array.Binary:
		return `\x` + hex.EncodeToString(a.Value(i)), nil
	case *array.LargeBinary:
		return `\x` + hex.EncodeToString(a.Value(i)), nil
	case *array.Date32:
		return calendar(int64(a.Value(i)) - daysTo2000), nil
	case *array.Time64:
		return clock(int64(a.Value(i))), nil
	case *array.Timestamp:
		return timestampText(a, i)
	case *array.Decimal128:
		return a.Value(i).ToString(a.DataType().(*arrow.Decimal128Type).Scale), nil
	case *array.Float32:
		return floatText(float64(a.Value(i)), 32), nil
	case *array.Float64:
		return floatText(a.Value(i), 64), nil
	default: // integers, booleans, strings
		return a.ValueStr(i), nil
	}
}

func timestampText(a *array.Timestamp, i int) (string, error) {
	kind := a.DataType().(*arrow.TimestampType)
	if kind.Unit != arrow.Microsecond {
		return "", fmt.Errorf("a key in %s", kind)
	}
	zone := ""
	if kind.TimeZone != "" {
		zone = "+00"
	}
	return momentOf(int64(a.Value(i))-microsTo2000, zone), nil
}

// A table above this size is not counted on the source just for a receipt.
const (
	countRows = 50_000_000
	countTime = 2 * time.Minute
)

// Tally counts the rows of the table at the source. It is exact when nothing
// changed since the position.
func (s *source) Tally(ctx context.Context, ct connector.Table, how connector.Replication, at connector.Position) (connector.Tally, error) {
	pos, err := parsePosition(at)
	if err != nil {
		return connector.Tally{}, positionFault(ct.Name, err)
	}
	if how.Method == connector.PrimaryKeyBatch && pos.Run == nil && len(pos.Ranges) > 0 {
		return tallyOf(pos.Ranges), nil
	}
	c, err := s.take(ctx)
	if err != nil {
		return connector.Tally{}, err
	}
	defer func() { s.put(c) }()
	t, err := s.describe(ctx, c, ct.Name)
	if err != nil {
		return connector.Tally{}, err
	}
	if t.rows > countRows {
		return connector.Tally{Rows: t.rows}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, countTime)
	defer cancel()
	rows, err := c.rows(ctx, tallySQL(t, pos))
	if err != nil {
		return connector.Tally{}, s.classify(ctx, err, connector.StepRead, ct.Name)
	}
	return connector.Tally{Rows: number64(rows[0][0]), Exact: number64(rows[0][1]) == 0 && (pos.Run == nil || pos.Method == string(connector.FullTable))}, nil
}

func tallyOf(ranges []span) connector.Tally {
	tally := connector.Tally{Exact: true}
	for _, s := range ranges {
		tally.Rows += s.Rows
	}
	return tally
}

// tallySQL counts what is up to the mark, and what is after it.
func tallySQL(t *table, pos position) string {
	c := t.byName[pos.Column]
	if c == nil || pos.Done == nil || pos.Done.High == "" {
		return "SELECT count(*), 0 FROM " + t.from()
	}
	after := fmt.Sprintf("t.%s > %s::%s", ident(c.name), literal(pos.Done.High), c.castType)
	if pos.Method == string(connector.AutoIncrement) {
		return "SELECT count(*), 0 FROM " + t.from() + " WHERE NOT (" + after + ")"
	}
	return "SELECT count(*), count(*) FILTER (WHERE " + after + ") FROM " + t.from()
}
