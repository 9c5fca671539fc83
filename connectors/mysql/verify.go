package mysql

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

const (
	// mostKeys is what Exists takes at once, lookup what one statement asks for.
	mostKeys = 10_000
	lookup   = 500
)

// Exists looks single keys up by the table's own index. The source may find a
// key that only its collation takes for the same; the answer is about the very
// bytes, which is how the warehouse compares.
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
	cols, texts, err := keyTexts(t, keys)
	if err != nil {
		return nil, fail(err)
	}
	for from := 0; from < len(texts); from += lookup {
		to := min(len(texts), from+lookup)
		found, err := c.lookUp(ctx, t, cols, texts[from:to])
		if err != nil {
			return nil, fail(err)
		}
		for i := from; i < to; i++ {
			exists[i] = found[joined(texts[i])]
		}
	}
	return exists, nil
}

// lookUp gives the keys that are there, of those asked for and perhaps more.
func (c *session) lookUp(ctx context.Context, t *table, cols []*col, texts [][]string) (map[string]bool, error) {
	terms := rawOrder(cols)
	names := make([]string, len(cols))
	for i, k := range cols {
		names[i] = "t." + ident(k.name)
	}
	rows, err := c.All(ctx, "SELECT "+strings.Join(names, ", ")+" FROM "+t.from()+" WHERE "+anyOf(terms, texts))
	if err != nil {
		return nil, err
	}
	found := make(map[string]bool, len(rows))
	for _, r := range rows {
		key := make([]string, len(cols))
		for i, k := range cols {
			text, ok := k.form.key.text(r[i])
			if !ok {
				return nil, fmt.Errorf("%w: column %s", errKeyValue, k.name)
			}
			key[i] = text
		}
		found[joined(key)] = true
	}
	return found, nil
}

// anyOf is the condition that a row has one of the keys.
func anyOf(terms []order, texts [][]string) string {
	list := make([]string, len(texts))
	for i, key := range texts {
		values := make([]string, len(terms))
		for k, o := range terms {
			values[k] = o.literal(key[k])
			if len(terms) > 1 {
				values[k] = o.expr() + " = " + values[k]
			}
		}
		list[i] = strings.Join(values, " AND ")
	}
	if len(terms) == 1 {
		return terms[0].expr() + " IN (" + strings.Join(list, ", ") + ")"
	}
	return "(" + strings.Join(list, ") OR (") + ")"
}

// joined makes one text of several, so that no two lists look alike.
func joined(key []string) string {
	var b strings.Builder
	for _, k := range key {
		b.WriteString(strconv.Itoa(len(k)) + ":" + k)
	}
	return b.String()
}

// keyTexts writes the keys of the warehouse as positions write them.
func keyTexts(t *table, keys arrow.RecordBatch) ([]*col, [][]string, error) {
	cols := make([]*col, keys.NumCols())
	for i, f := range keys.Schema().Fields() {
		if cols[i] = t.byName[f.Name]; cols[i] == nil || cols[i].form.key.text == nil {
			return nil, nil, fmt.Errorf("no key column %s", f.Name)
		}
	}
	texts := make([][]string, keys.NumRows())
	for row := range texts {
		texts[row] = make([]string, len(cols))
		for i := range cols {
			text, err := textOf(keys.Column(i), row)
			if err == nil {
				_, err = cols[i].form.key.wire(text)
			}
			if err != nil {
				return nil, nil, err
			}
			texts[row][i] = text
		}
	}
	return cols, texts, nil
}

// textOf writes a value of the warehouse as the source writes it.
func textOf(a arrow.Array, i int) (string, error) {
	if a.IsNull(i) {
		return "", fmt.Errorf("a key with NULL")
	}
	switch a := a.(type) {
	case *array.Boolean:
		if a.Value(i) {
			return "1", nil
		}
		return "0", nil
	case *array.Binary:
		return hex.EncodeToString(a.Value(i)), nil
	case *array.LargeBinary:
		return hex.EncodeToString(a.Value(i)), nil
	case *array.Date32:
		return dateText(int64(a.Value(i))), nil
	case *array.Timestamp:
		kind := a.DataType().(*arrow.TimestampType)
		if kind.Unit != arrow.Microsecond {
			return "", fmt.Errorf("a key in %s", kind)
		}
		return momentText(int64(a.Value(i))), nil
	case *array.Decimal128:
		return a.Value(i).ToString(a.DataType().(*arrow.Decimal128Type).Scale), nil
	default: // integers, strings
		return a.ValueStr(i), nil
	}
}

// A table above this size is not counted on the source just for a receipt.
const (
	countRows = 20_000_000
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
	sql, err := tallySQL(t, pos)
	if err != nil {
		return connector.Tally{}, positionFault(ct.Name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, countTime)
	defer cancel()
	rows, err := c.All(ctx, sql)
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
func tallySQL(t *table, pos position) (string, error) {
	c := t.byName[pos.Column]
	if c == nil || c.form.key.text == nil || pos.Done == nil || pos.Done.High == "" {
		return "SELECT COUNT(*), 0 FROM " + t.from(), nil
	}
	terms := rawOrder([]*col{c})
	if err := checkTexts(terms, []string{pos.Done.High}); err != nil {
		return "", err
	}
	newer := after(terms, []string{pos.Done.High})
	if pos.Method == string(connector.AutoIncrement) {
		return "SELECT COUNT(*), 0 FROM " + t.from() + " WHERE NOT " + newer, nil
	}
	return "SELECT COUNT(*), COALESCE(SUM(" + newer + "), 0) FROM " + t.from(), nil
}
