package mysql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/regrant/regrant/connector"
)

// walk is a stretch of a table in some order, read page by page: each page is
// a short statement that goes on after the last row of the one before.
type walk struct {
	cols  []*col   // what the records hold
	order []order  // empty: no order, one statement
	where []string // conditions
	after []string // of the order's columns: go on after these
	hash  bool     // fold a hash of each row
	take  func(p piece, last []string) error
}

// tries is how often a page is tried that the server gives up on.
const tries = 4

// walk reads the stretch to its end. Where no index has its order, the whole
// of it is one statement: each page would sort the rest again.
func (r *reader) walk(ctx context.Context, w walk) error {
	if err := checkTexts(w.order, w.after); err != nil {
		return positionFault(r.t.full(), err)
	}
	d := r.decoderOf(&w)
	failed := 0
	for {
		if r.left == 0 {
			return errEnough
		}
		if err := r.fresh(ctx); err != nil {
			return err
		}
		limit := w.limit(r)
		began, bytes := time.Now(), r.c.Received()
		d.begin()
		err := r.c.Query(ctx, w.sql(r.t, limit), d)
		if err == nil {
			err = d.flush()
		}
		if err != nil {
			d.discard()
			if failed++; r.held || failed == tries || !retryable(err) {
				return err
			}
			r.size.Failed()
			continue
		}
		failed = 0
		if limit == 0 || d.total < limit {
			r.note(d)
			return nil
		}
		r.size.Took(time.Since(began), r.c.Received()-bytes)
	}
}

// limit is the size of the next page; 0: no limit.
func (w *walk) limit(r *reader) int64 {
	switch rows := int64(r.size.Rows()); {
	case len(w.order) == 0 || !indexed(w.order):
		return max(r.left, 0)
	case r.left > 0:
		return min(r.left, rows)
	default:
		return rows
	}
}

// sql is the statement of the next page.
func (w *walk) sql(t *table, limit int64) string {
	var b strings.Builder
	b.WriteString("SELECT ")
	for i, c := range w.selected() {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(c.expr())
	}
	if w.hash {
		b.WriteString(", " + rowHash(w.cols))
	}
	b.WriteString(" FROM " + t.from())
	conditions := w.where
	if w.after != nil {
		conditions = append(conditions[:len(conditions):len(conditions)], after(w.order, w.after))
	}
	if len(conditions) > 0 {
		b.WriteString(" WHERE " + strings.Join(conditions, " AND "))
	}
	if len(w.order) > 0 {
		b.WriteString(" ORDER BY " + orderBy(w.order))
	}
	if limit > 0 {
		fmt.Fprintf(&b, " LIMIT %d", limit)
	}
	return b.String()
}

// selected is what is asked for: the record's columns, then those of the order
// that are not among them.
func (w *walk) selected() []*col {
	selected := w.cols[:len(w.cols):len(w.cols)]
	for _, o := range w.order {
		if slices.Index(selected, o.c) < 0 {
			selected = append(selected, o.c)
		}
	}
	return selected
}

// decoderOf makes the columns that take the stretch in.
func (r *reader) decoderOf(w *walk) *decoder {
	selected := w.selected()
	fields := make([]field, len(selected), len(selected)+1)
	schema := make([]arrow.Field, len(w.cols))
	for i, c := range selected {
		if i < len(w.cols) {
			fields[i].into = c.form.make()
			schema[i] = r.t.publicColumn(c).Field()
		}
	}
	at := make([]int, len(w.order)) // where each column of the order is selected
	for i, o := range w.order {
		at[i] = slices.Index(selected, o.c)
		fields[at[i]].keep = true
	}
	if w.hash {
		fields = append(fields, field{sum: true})
	}
	emit := func(p piece) error {
		last, err := r.textsOf(w.order, at, p)
		if err == nil {
			err = r.wholeKeys(p.record)
		}
		if err != nil {
			p.record.Release()
			return err
		}
		if r.left > 0 {
			r.left -= p.record.NumRows()
		}
		if err := w.take(p, last); err != nil {
			return err
		}
		if w.after = last; len(w.order) == 0 {
			w.after = nil
		}
		return nil
	}
	return newDecoder(arrow.NewSchema(schema, nil), fields, emit)
}

var errKeyValue = errors.New("no text for a key") //nolint:gochecknoglobals // a sentinel

// textsOf writes the order's columns of a piece's last row as they go into a
// position.
func (r *reader) textsOf(terms []order, at []int, p piece) ([]string, error) {
	last := make([]string, len(terms))
	for i, o := range terms {
		raw := p.last[at[i]]
		text, ok := "", false
		if raw != nil {
			text, ok = o.c.form.key.text(raw)
		}
		if !ok {
			return nil, r.ours("key_value", "A key of this table has a value that Regrant cannot write down. Please report it.",
				fmt.Errorf("%w: %d bytes in column %s", errKeyValue, len(raw), o.c.name))
		}
		last[i] = text
	}
	return last, nil
}

// wholeKeys refuses keys that have no Arrow form (0000-00-00): as NULL they
// could not be told apart. A table that is read whole does not need them.
func (r *reader) wholeKeys(record arrow.RecordBatch) error {
	if r.req.Pass == connector.PassRows && r.req.Replication.Method == connector.FullTable {
		return nil
	}
	for _, k := range r.t.key {
		at := record.Schema().FieldIndices(k.name)
		if len(at) == 1 && record.Column(at[0]).NullN() > 0 {
			return &connector.Fault{Cause: connector.AccessChanged, Code: id + ".key_without_value", Step: connector.StepRead, Scope: connector.OneTable, Table: r.t.full(),
				Public: fmt.Sprintf("The key column %s of %s holds a date that no calendar has, such as 0000-00-00, by which no row can be told from another. Ask who looks after the database to mend those rows, or read the table whole.", k.name, r.t.full()),
				Err:    errKeyValue}
		}
	}
	return nil
}

// checkTexts holds the values of a position against the columns they are of.
func checkTexts(terms []order, texts []string) error {
	if texts == nil {
		return nil
	}
	if len(texts) != len(terms) {
		return fmt.Errorf("a position with %d values for an order of %d", len(texts), len(terms))
	}
	for i, o := range terms {
		if _, err := o.c.form.key.wire(texts[i]); err != nil {
			return fmt.Errorf("column %s: %w", o.c.name, err)
		}
	}
	return nil
}

// record gives a key as an Arrow record, as reading that row would.
func (r *reader) record(texts []string) (arrow.RecordBatch, error) {
	if texts == nil {
		return nil, nil
	}
	if err := checkTexts(rawOrder(r.t.key), texts); err != nil {
		return nil, positionFault(r.t.full(), err)
	}
	columns := make([]arrow.Array, len(r.t.key))
	fields := make([]arrow.Field, len(r.t.key))
	for i, k := range r.t.key {
		raw, err := k.form.key.wire(texts[i])
		if err != nil {
			return nil, positionFault(r.t.full(), err)
		}
		into := k.form.make()
		into.Add(raw)
		columns[i], fields[i] = into.Finish(), r.t.publicColumn(k).Field()
	}
	record := array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, 1)
	for _, c := range columns {
		c.Release()
	}
	return record, nil
}

func (r *reader) note(d *decoder) {
	for name, n := range d.lost() {
		r.lost[name] += n
	}
}
