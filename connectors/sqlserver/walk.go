package sqlserver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// walk is a stretch of a table in some order, read page by page: each page is
// a short statement that goes on after the last row of the one before.
type walk struct {
	cols   []*col   // what the records hold
	order  []order  // empty: no order, one statement
	where  []string // conditions
	after  []string // of the order's columns: go on after these
	hash   bool     // sum up a hash of each row
	stream bool     // one statement without pages
	take   func(p piece, last []string) error
}

// tries is how often a page is tried that the server gives up on.
const tries = 4

// walk reads the stretch to its end.
func (r *reader) walk(ctx context.Context, w walk) error {
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
		began, bytes, handed := time.Now(), d.wire, d.handed
		d.total = 0
		err := r.c.each(ctx, w.sql(r, limit), d.row)
		if err == nil {
			err = d.flush()
		}
		if err != nil {
			d.discard()
			// Rows without an order that were handed on would come again.
			again := len(w.order) > 0 || d.handed == handed
			if failed++; !again || failed == tries || !r.calm(ctx, err) {
				return err
			}
			continue
		}
		failed = 0
		if limit == 0 || d.total < limit {
			r.note(d)
			return nil
		}
		r.size.Took(time.Since(began), d.wire-bytes)
	}
}

// calm makes ready for another try of a page, and says whether one is of use.
func (r *reader) calm(ctx context.Context, err error) bool {
	if refusesSnapshot(err) {
		return r.c.snapshot && r.plainly(ctx) == nil
	}
	if !retryable(err) {
		return false
	}
	r.size.Failed()
	return true
}

// long says that the stretch is one statement, however many rows there are.
func (w *walk) long() bool { return w.stream || len(w.order) == 0 }

// limit is the size of the next page; 0: no limit.
func (w *walk) limit(r *reader) int64 {
	switch rows := int64(r.size.Rows()); {
	case w.long():
		return max(r.left, 0)
	case r.left > 0:
		return min(r.left, rows)
	default:
		return rows
	}
}

// sql is the statement of the next page.
func (w *walk) sql(r *reader, limit int64) string {
	var b strings.Builder
	b.WriteString("SELECT ")
	if limit > 0 {
		fmt.Fprintf(&b, "TOP (%d) ", limit)
	}
	for i, c := range w.selected() {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(c.form.selected(c.ref()))
	}
	if w.hash {
		b.WriteString(", " + rowHash(w.cols))
	}
	b.WriteString(" FROM " + r.t.from())
	conditions := slices.Clone(w.where)
	if w.after != nil {
		conditions = append(conditions, "("+r.after(w.order, w.after)+")")
	}
	if len(conditions) > 0 {
		b.WriteString(" WHERE " + strings.Join(conditions, " AND "))
	}
	if len(w.order) > 0 {
		b.WriteString(" ORDER BY " + r.orderBy(w.order))
	}
	// Values stand in the statement, so its plan is of no use to the next page.
	b.WriteString(" OPTION (RECOMPILE)")
	return b.String()
}

// rowHash is a hash of the row's text, whose sum over a range tells whether
// anything in it changed.
func rowHash(cols []*col) string {
	parts := make([]string, len(cols))
	for i, c := range cols {
		parts[i] = "ISNULL(N'=' + " + c.form.exact(c.ref()) + ", N'-')"
	}
	return "CONVERT(bigint, SUBSTRING(HASHBYTES('SHA2_256', CONVERT(nvarchar(max), N'') + " + strings.Join(parts, " + N'\x1f' + ") + "), 1, 8))"
}

// selected is what is asked for: the record's columns, then those of the order
// that are not among them.
func (w *walk) selected() []*col {
	selected := slices.Clone(w.cols)
	for _, o := range w.order {
		if !slices.Contains(selected, o.c) {
			selected = append(selected, o.c)
		}
	}
	return selected
}

// decoderOf makes the columns that take the stretch in.
func (r *reader) decoderOf(w *walk) *decoder {
	selected := w.selected()
	d := &decoder{maxRows: r.s.rowsEach, maxBytes: recordBytes}
	schema := make([]arrow.Field, len(w.cols))
	for i, c := range selected {
		f := field{}
		if i < len(w.cols) {
			f.into = newBuilder(c.form)
			schema[i] = r.t.publicColumn(c).Field()
		}
		d.fields = append(d.fields, f)
	}
	for _, o := range w.order {
		at := slices.Index(selected, o.c)
		d.order = append(d.order, at)
	}
	d.hash = w.hash
	d.schema = arrow.NewSchema(schema, nil)
	d.emit = func(p piece) error { return r.handOn(w, p) }
	return d
}

// handOn writes down where the piece ends, and gives it away.
func (r *reader) handOn(w *walk, p piece) error {
	var last []string
	for i, o := range w.order {
		text, ok := o.c.form.text(p.last[i])
		if !ok {
			p.record.Release()
			return r.ours("key_value", "A key of this table has a value that Regrant cannot write down. Please report it.",
				fmt.Errorf("%w: a %T in column %s", errKeyValue, p.last[i], o.c.name))
		}
		last = append(last, text)
	}
	if r.left > 0 {
		r.left -= p.record.NumRows()
	}
	if err := w.take(p, last); err != nil {
		return err
	}
	w.after = last
	return nil
}

var errKeyValue = errors.New("no text for a key") //nolint:gochecknoglobals // a sentinel

func (r *reader) note(d *decoder) {
	for name, n := range d.lost() {
		r.lost[name] += n
	}
}
