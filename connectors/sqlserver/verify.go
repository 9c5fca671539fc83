package sqlserver

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/regrant/regrant/connector"
)

// mostKeys is what Exists takes at once, keysEach what one statement asks.
const (
	mostKeys = 10_000
	keysEach = 200
)

// Exists looks single keys up by the table's own index. The answers are
// compared here, byte by byte: to the source “a” and “A” are often the same
// key, to the warehouse they are two.
func (s *source) Exists(ctx context.Context, ct connector.Table, keys arrow.RecordBatch) ([]bool, error) {
	exists := make([]bool, keys.NumRows())
	fail := func(err error) error { return s.classify(ctx, err, connector.StepRead, ct.Name) }
	if len(exists) > mostKeys {
		return nil, fail(fmt.Errorf("%d keys at once, at most %d are looked up", len(exists), mostKeys))
	}
	if len(exists) == 0 {
		return exists, nil
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
	for from := 0; from < len(exists); from += keysEach {
		to := min(from+keysEach, len(exists))
		if err := c.lookUp(ctx, t, keys, from, exists[from:to]); err != nil {
			return nil, fail(err)
		}
	}
	return exists, nil
}

func (c *session) lookUp(ctx context.Context, t *table, keys arrow.RecordBatch, from int, exists []bool) error {
	cols, selected := make([]*col, keys.NumCols()), make([]string, keys.NumCols())
	for i, f := range keys.Schema().Fields() {
		if cols[i] = t.byName[f.Name]; cols[i] == nil || cols[i].form.text == nil {
			return fmt.Errorf("no key column %s", f.Name)
		}
		selected[i] = cols[i].form.selected(cols[i].ref())
	}
	at := map[string]int{}
	conditions := make([]string, len(exists))
	for i := range exists {
		texts := make([]string, len(cols))
		equal := make([]string, len(cols))
		for k, col := range cols {
			text, err := col.keyText(keys.Column(k), from+i)
			if err != nil {
				return err
			}
			texts[k], equal[k] = text, col.ref()+" = "+col.literal(text)
		}
		at[joined(texts)] = i
		conditions[i] = "(" + strings.Join(equal, " AND ") + ")"
	}
	sql := "SELECT " + strings.Join(selected, ", ") + " FROM " + t.from() + " WHERE " + strings.Join(conditions, " OR ") + " OPTION (RECOMPILE)"
	rows, err := c.rows(ctx, sql)
	if err != nil {
		return err
	}
	for _, row := range rows {
		texts := make([]string, len(cols))
		for k, col := range cols {
			texts[k], _ = col.form.text(row[k])
		}
		if i, ok := at[joined(texts)]; ok {
			exists[i] = true
		}
	}
	return nil
}

func joined(texts []string) string {
	var b strings.Builder
	for _, t := range texts {
		b.WriteString(strconv.Itoa(len(t)) + ":" + t)
	}
	return b.String()
}

// keyText writes a value of the warehouse exactly as a position would.
func (c *col) keyText(a arrow.Array, i int) (string, error) {
	if a.IsNull(i) {
		return "", fmt.Errorf("a key with NULL")
	}
	if s, ok := a.(*array.String); ok {
		return s.Value(i), nil
	}
	v, err := sourceValue(a, i)
	if err != nil {
		return "", err
	}
	text, ok := c.form.text(v)
	if !ok {
		return "", fmt.Errorf("a key of type %s in column %s", a.DataType(), c.name)
	}
	return text, nil
}

// sourceValue is a value as the driver would have given it.
func sourceValue(a arrow.Array, i int) (driver.Value, error) {
	switch a := a.(type) {
	case *array.Uint8:
		return int64(a.Value(i)), nil
	case *array.Int16:
		return int64(a.Value(i)), nil
	case *array.Int32:
		return int64(a.Value(i)), nil
	case *array.Int64:
		return a.Value(i), nil
	case *array.Uint64:
		return binary.BigEndian.AppendUint64(nil, a.Value(i)), nil
	case *array.Binary:
		return a.Value(i), nil
	case *array.Boolean:
		return a.Value(i), nil
	case *array.Date32:
		return a.Value(i).ToTime(), nil
	case *array.Time64:
		return a.Value(i).ToTime(a.DataType().(*arrow.Time64Type).Unit), nil
	case *array.Timestamp:
		return a.Value(i).ToTime(a.DataType().(*arrow.TimestampType).Unit), nil
	case *array.Decimal128:
		return []byte(allDigits(a.Value(i), a.DataType().(*arrow.Decimal128Type).Scale)), nil
	case *array.Float32:
		return float64(a.Value(i)), nil
	case *array.Float64:
		return a.Value(i), nil
	}
	return nil, fmt.Errorf("a key of type %s", a.DataType())
}

// allDigits writes every digit of the scale, as the driver does.
func allDigits(n decimal128.Num, scale int32) string {
	whole := n.BigInt()
	text := new(big.Int).Abs(whole).String()
	if missing := int(scale) + 1 - len(text); missing > 0 {
		text = strings.Repeat("0", missing) + text
	}
	if at := len(text) - int(scale); scale > 0 {
		text = text[:at] + "." + text[at:]
	}
	if whole.Sign() < 0 {
		return "-" + text
	}
	return text
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
	counting, cancel := context.WithTimeout(ctx, countTime)
	defer cancel()
	rows, err := c.rows(counting, tallySQL(t, pos))
	if err != nil {
		return connector.Tally{}, s.classify(ctx, err, connector.StepRead, ct.Name)
	}
	all, after := number64(rows[0][0]), number64(rows[0][1])
	if pos.Method == string(connector.AutoIncrement) {
		all, after = all-after, 0
	}
	return connector.Tally{Rows: all, Exact: after == 0 && (pos.Run == nil || pos.Method == string(connector.FullTable))}, nil
}

func tallyOf(ranges []span) connector.Tally {
	tally := connector.Tally{Exact: true}
	for _, s := range ranges {
		tally.Rows += s.Rows
	}
	return tally
}

// tallySQL counts all rows, and those after the mark.
func tallySQL(t *table, pos position) string {
	c := t.byName[pos.Column]
	if c == nil || pos.Done == nil || pos.Done.High == "" || c.form.cast == "" {
		return "SELECT COUNT_BIG(*), CONVERT(bigint, 0) FROM " + t.from()
	}
	beyond := " > "
	if isVersion(c) {
		beyond = " >= "
	}
	return "SELECT COUNT_BIG(*), COUNT_BIG(CASE WHEN " + c.ref() + beyond + c.literal(pos.Done.High) + " THEN 1 END) FROM " + t.from()
}
