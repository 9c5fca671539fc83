package postgresql

import (
	"context"
	"errors"
	"fmt"
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
	major  int      // of the server, for the hash
	stream bool     // one statement without pages: the order is not that of an index
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
		began, bytes := time.Now(), d.wire
		err := r.copy(ctx, d, w.sql(r.t, limit), w.long())
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
		r.size.Took(time.Since(began), d.wire-bytes)
	}
}

func (r *reader) copy(ctx context.Context, d *decoder, query string, long bool) error {
	if r.held {
		return r.c.copyWithin(ctx, d, query, long)
	}
	return r.c.copyTo(ctx, d, query, long)
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
func (w *walk) sql(t *table, limit int64) string {
	var b strings.Builder
	b.WriteString("SELECT ")
	for i, c := range w.selected() {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("t." + ident(c.name) + c.form.cast)
	}
	if w.hash {
		b.WriteString(", " + rowHash(w.cols, w.major))
	}
	b.WriteString(" FROM " + t.from())
	conditions := w.where
	if w.after != nil {
		conditions = append(conditions[:len(conditions):len(conditions)], left(w.order)+" > "+right(w.order, w.after))
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

// rowHash is a hash of the row's text, whose sum over a range tells whether
// anything in it changed.
func rowHash(cols []*col, major int) string {
	parts := make([]string, len(cols))
	for i, c := range cols {
		parts[i] = "t." + ident(c.name)
	}
	row := "ROW(" + strings.Join(parts, ", ") + ")::text"
	if major < 11 {
		return "('x' || pg_catalog.substr(pg_catalog.md5(" + row + "), 1, 16))::bit(64)::int8"
	}
	return "pg_catalog.hashtextextended(" + row + ", 0)"
}

// selected is what is asked for: the record's columns, then those of the order
// that are not among them.
func (w *walk) selected() []*col {
	selected := w.cols[:len(w.cols):len(w.cols)]
	for _, o := range w.order {
		if indexOf(selected, o.c) < 0 {
			selected = append(selected, o.c)
		}
	}
	return selected
}

func indexOf(cols []*col, c *col) int {
	for i := range cols {
		if cols[i] == c {
			return i
		}
	}
	return -1
}

// decoderOf makes the columns that take the stretch in.
func (r *reader) decoderOf(w *walk) *decoder {
	selected := w.selected()
	fields := make([]field, len(selected), len(selected)+1)
	schema := make([]arrow.Field, len(w.cols))
	for i, c := range selected {
		if i < len(w.cols) {
			fields[i].into = c.form.make(r.c.utf8())
			schema[i] = r.t.publicColumn(c).Field()
		}
	}
	at := make([]int, len(w.order)) // where each column of the order is among the kept ones
	for i, o := range w.order {
		at[i] = indexOf(selected, o.c)
		fields[at[i]].keep = true
	}
	if w.hash {
		fields = append(fields, field{sum: true})
	}
	rank := rankOf(fields)
	emit := func(p piece) error {
		last := make([]string, len(w.order))
		for i, o := range w.order {
			raw := p.last[rank[at[i]]]
			text, ok := "", false
			if raw != nil {
				text, ok = o.c.form.text(raw)
			}
			if !ok {
				p.record.Release()
				return r.ours("key_value", "A key of this table has a value that Regrant cannot write down. Please report it.",
					fmt.Errorf("%w: %d bytes in column %s", errKeyValue, len(raw), o.c.name))
			}
			last[i] = text
		}
		if r.left > 0 {
			r.left -= p.record.NumRows()
		}
		if err := w.take(p, last); err != nil {
			return err
		}
		w.after = last
		if len(w.order) == 0 {
			w.after = nil
		}
		return nil
	}
	d := newDecoder(arrow.NewSchema(schema, nil), fields, emit)
	d.maxRows = r.s.rowsEach
	return d
}

var errKeyValue = errors.New("no text for a key") //nolint:gochecknoglobals // a sentinel

// rankOf numbers the kept fields in their order.
func rankOf(fields []field) map[int]int {
	rank := map[int]int{}
	for i, f := range fields {
		if f.keep {
			rank[i] = len(rank)
		}
	}
	return rank
}

func (r *reader) note(d *decoder) {
	for name, n := range d.lost() {
		r.lost[name] += n
	}
}
