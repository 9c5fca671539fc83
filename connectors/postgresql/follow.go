package postgresql

import (
	"context"
	"fmt"
	"strconv"

	"github.com/regrant/regrant/connector"
)

// The phases of following a column.
const (
	phaseFirst = "first" // the whole table, by key
	phaseLate  = "late"  // below the last mark: what was not visible then
	phaseNew   = "new"   // from the last mark to the next
	phaseOdd   = "odd"   // without a date, or with an infinite one
)

// follow reads what is new since the last mark: by ModifiedAt, AddDate or
// AutoIncrement. The first time it reads the whole table in key order, with the
// next mark taken before; what changes meanwhile is after that mark.
func (r *reader) follow(ctx context.Context) error {
	c := r.t.byName[r.req.Replication.Column]
	if c == nil || !c.readable {
		return r.changed("column_missing", fmt.Sprintf("The column %s, by which %s is followed, does not exist any more or may not be read.", r.req.Replication.Column, r.t.full()))
	}
	f, err := r.followerOf(c)
	if err != nil {
		return err
	}
	if f.pos, err = parsePosition(r.req.Position); err != nil {
		return positionFault(r.t.full(), err)
	}
	if f.pos.Method != string(r.req.Replication.Method) || f.pos.Column != c.name {
		f.pos = position{Method: string(r.req.Replication.Method), Column: c.name}
	}
	return f.run(ctx)
}

// follower follows one column.
type follower struct {
	*reader
	c     *col
	terms []order // the followed column, then the key
	slack slack
	pos   position
}

// slack is how the ends of the window are found for a kind of column.
type slack struct {
	next  string                               // expression: the highest value to read up to; NULL: nothing there
	older string                               // expression: well before next, where nothing is known of what is running
	below func(since string) (expr string)     // where transactions that ran at the last mark may have written
	odd   string                               // condition of values that no window has; "": there are none
	whole func(high string) (condition string) // rows up to the mark, in the first reading; nil: all
}

func (r *reader) followerOf(c *col) (*follower, error) {
	f := &follower{reader: r, c: c}
	if len(r.key) == 0 {
		return nil, r.ours("method", "This table has no key any more, so it can only be read whole.", errNoKey)
	}
	column, rel := "t."+ident(c.name), r.t.from()
	f.terms = rawOrder([]*col{c})
	for _, k := range r.key {
		if k != c {
			f.terms = append(f.terms, rawOrder([]*col{k})...)
		}
	}
	switch c.source.base {
	case "int2", "int4", "int8":
		f.slack = numberSlack(c, column, rel)
	case "timestamptz":
		// Up to this very moment: what was written by then and commits later is
		// not visible in the mark's snapshot and is found by the late phase.
		next := "now()"
		f.slack = slack{next: next, older: next + " - interval '1 day'", below: lowerBy(c, "5 minutes"), odd: oddDates(c, column)}
	case "timestamp", "date":
		// Its zone is not known: the application may write local time. So the
		// newest date is the mark, dates that no zone has yet do not count, and
		// the look back is a day longer.
		next := fmt.Sprintf("(SELECT max(%s) FROM %s WHERE %s <= (now() AT TIME ZONE 'UTC') + interval '14 hours')", column, rel, column)
		f.slack = slack{next: next, older: next + " - interval '1 day'", below: lowerBy(c, "26 hours"), odd: oddDates(c, column)}
	default:
		return nil, r.ours("method", "Only whole numbers and dates can be followed.", fmt.Errorf("column %s is %s", c.name, c.source.written))
	}
	return f, nil
}

func lowerBy(c *col, interval string) func(string) string {
	return func(since string) string {
		return fmt.Sprintf("(%s - interval '%s')", literal(since)+"::"+c.castType, interval)
	}
}

func oddDates(c *col, column string) string {
	infinite := fmt.Sprintf("%s IN ('infinity', '-infinity')", column)
	if c.notNull {
		return infinite
	}
	return "(" + column + " IS NULL OR " + infinite + ")"
}

// numberWindow is how many numbers below the mark are looked at again: numbers
// given out to transactions that had not ended, and to sessions that keep a
// few in stock (CACHE of a sequence).
const numberWindow = 10_000

func numberSlack(c *col, column, rel string) slack {
	highest := fmt.Sprintf("(SELECT max(%s) FROM %s)", column, rel)
	return slack{
		next: highest, older: highest,
		below: func(since string) string {
			n, err := strconv.ParseInt(since, 10, 64)
			if err != nil || n < -1<<63+numberWindow {
				return "'-9223372036854775808'::int8"
			}
			return literal(strconv.FormatInt(n-numberWindow, 10)) + "::int8"
		},
		whole: func(high string) string { return column + " <= " + literal(high) + "::" + c.castType },
	}
}

// run goes through the phases, from where it was interrupted.
func (f *follower) run(ctx context.Context) error {
	if f.pos.Run == nil || f.pos.Run.Next == nil {
		next, err := f.mark(ctx)
		if err != nil {
			return err
		}
		f.pos.Run = &run{Next: &next, Phase: phaseLate}
		if f.pos.Done == nil || f.pos.Done.High == "" {
			f.pos.Run.Phase = phaseFirst
		}
	}
	if f.pos.Done == nil && f.pos.Run.Phase != phaseFirst {
		return positionFault(f.t.full(), fmt.Errorf("a position in phase %q without a mark", f.pos.Run.Phase))
	}
	for f.pos.Run.Phase != "" {
		if err := f.phase(ctx); err != nil {
			return err
		}
		f.pos.Run = &run{Next: f.pos.Run.Next, Phase: f.following()}
	}
	f.pos.Done, f.pos.Run = f.pos.Run.Next, nil
	return f.emit(connector.Batch{Position: f.pos.text()})
}

// following is the phase after the present one.
func (f *follower) following() string {
	switch {
	case f.pos.Run.Phase == phaseLate:
		return phaseNew
	case f.pos.Run.Phase == phaseNew && f.slack.odd != "" && f.t.heap:
		return phaseOdd
	default:
		return ""
	}
}

// phase reads the present phase.
func (f *follower) phase(ctx context.Context) error {
	w, err := f.walkOf(f.pos.Run)
	if err != nil || w == nil {
		return err
	}
	return f.walk(ctx, *w)
}

// walkOf is the stretch of a phase; nil when there is nothing to read yet.
func (f *follower) walkOf(at *run) (*walk, error) {
	w := walk{cols: f.cols, order: f.orderOf(at.Phase), after: at.After, take: f.take}
	w.stream = !indexed(w.order)
	if n := len(w.after); n != 0 && n != len(w.order) {
		return nil, positionFault(f.t.full(), fmt.Errorf("a position with %d values for an order of %d", n, len(w.order)))
	}
	switch at.Phase {
	case phaseFirst:
		if f.slack.whole == nil {
			break
		}
		if at.Next.High == "" {
			return nil, nil // empty so far
		}
		w.where = []string{f.slack.whole(at.Next.High)}
	case phaseLate:
		w.where = []string{f.expr() + " >= " + f.slack.below(f.pos.Done.since()), f.expr() + " <= " + f.value(f.pos.Done.High)}
		w.where = append(w.where, f.unseen()...)
	case phaseNew:
		w.where = []string{f.expr() + " > " + f.value(f.pos.Done.High), f.expr() + " <= " + f.value(at.Next.High)}
	case phaseOdd:
		w.where = append([]string{f.slack.odd}, f.unseen()...)
	default:
		return nil, positionFault(f.t.full(), fmt.Errorf("a position in phase %q", at.Phase))
	}
	return &w, nil
}

func (f *follower) orderOf(phase string) []order {
	if phase == phaseFirst || phase == phaseOdd {
		return rawOrder(f.key)
	}
	return f.terms
}

func (f *follower) expr() string { return "t." + ident(f.c.name) }

func (f *follower) value(text string) string { return literal(text) + "::" + f.c.castType }

func (f *follower) take(p piece, last []string) error {
	f.pos.Run.After = last
	return f.emit(p.batch(f.pos.text()))
}

// since is where the look back begins.
func (m *mark) since() string {
	if m.Since == "" {
		return m.High
	}
	return m.Since
}

// unseen is the condition that a row was not visible to the readers of the
// last mark: its transaction's number is not below the oldest one that ran
// then. Transaction numbers of rows have 32 bits and wrap around, so they are
// compared by their distance. Savepoints have numbers of their own, above
// their transaction's, which is why the list of running transactions that
// PostgreSQL offers (pg_visible_in_snapshot) is not asked: it knows nothing of
// savepoints and would call a row of a running one visible.
//
// Without transaction numbers (foreign tables, other storage) everything in
// the window is read again; that is right, only not free.
func (f *follower) unseen() []string {
	if !f.t.heap {
		return nil
	}
	return []string{fmt.Sprintf("(t.xmin::text::int8 - %d + 4294967296) %% 4294967296 < 2147483648", f.pos.Done.Xmin&0xffffffff)}
}

// mark takes the next mark, before anything is read.
func (f *follower) mark(ctx context.Context) (mark, error) {
	// A snapshot's own upper end is no more than the newest transaction that is
	// over; younger ones may be running. age() knows the next number to give out.
	const oldest = "txid_snapshot_xmin(txid_current_snapshot())"
	const next32 = "(3 + age('3'::xid)::int8)"
	sql := fmt.Sprintf("SELECT (%s)::%s::text, (%s)::%s::text, %s, %s + ((%s - %s) %% 4294967296 + 4294967296) %% 4294967296",
		f.slack.next, f.c.castType, f.slack.older, f.c.castType, oldest, oldest, next32, oldest)
	rows, err := f.ask(ctx, sql)
	if err != nil {
		return mark{}, err
	}
	if len(rows) != 1 || len(rows[0]) != 4 {
		return mark{}, fmt.Errorf("the mark came as %d rows", len(rows))
	}
	next := mark{High: string(rows[0][0]), Xmin: uint64(number64(rows[0][2])), Xmax: uint64(number64(rows[0][3]))}
	done := f.pos.Done
	if next.High == "" && done != nil { // emptied at the source
		next.High = done.High
	}
	next.Since = sinceOf(next, done, string(rows[0][1]))
	return next, nil
}

// sinceOf finds a value of the followed column that was not yet reached when
// the oldest running transaction began: however long a transaction runs, what
// it writes is looked for from there on.
func sinceOf(next mark, done *mark, older string) string {
	switch {
	case next.Xmin == next.Xmax: // nothing is running
		return next.High
	case done == nil || done.High == "":
		return older
	case next.Xmin >= done.Xmax: // all that ran at the last mark is over
		return done.High
	default:
		return done.since()
	}
}
