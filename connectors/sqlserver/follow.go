package sqlserver

import (
	"context"
	"fmt"
	"strconv"

	"github.com/regrant/regrant/connector"
)

// The phases of following a column.
const (
	phaseFirst = "first" // the whole table, by key
	phaseNew   = "new"   // from a little before the last mark to the next
	phaseOdd   = "odd"   // without a date
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
//
// Rows become visible when their transaction commits, not when their date or
// number is given out; so "greater than the last one" misses late commits. Only
// a rowversion settles it, because the server tells the lowest one that is not
// committed. Otherwise the window begins some way before the last mark, and
// what is read twice is simply written again.
type slack struct {
	next    string              // expression: the value to read up to; NULL: nothing there
	from    func(string) string // where the window begins, given the last mark
	through string              // " <= " or " < "
	limited bool                // the first reading ends at the mark, too
}

// How far the window reaches back, as arguments of DATEADD.
const (
	// A moment with its offset: only late commits matter.
	backExact = "minute, -15"
	// One without: the clock may be a local one that is set back by an hour.
	backLocal = "minute, -75"
	backDate  = "day, -2"
	// Numbers given out to transactions that had not ended.
	backNumber = 1000
)

func (r *reader) followerOf(c *col) (*follower, error) {
	f := &follower{reader: r, c: c}
	if len(r.key) == 0 {
		return nil, r.ours("method", "This table has no key any more, so it can only be read whole.", errNoKey)
	}
	f.terms = rawOrder([]*col{c})
	for _, k := range r.key {
		if k != c {
			f.terms = append(f.terms, rawOrder([]*col{k})...)
		}
	}
	highest := "(SELECT MAX(" + c.ref() + ") FROM " + r.t.from()
	switch {
	case isVersion(c):
		f.slack = slack{next: "MIN_ACTIVE_ROWVERSION()", from: c.literal, through: " < "}
	case isInteger(c):
		f.slack = slack{next: highest + ")", from: func(mark string) string { return c.literal(lowered(mark)) }, through: " <= ", limited: true}
	case c.source.base == "datetimeoffset":
		f.slack = dateSlack(c, highest, backExact)
	case c.source.base == "datetime", c.source.base == "datetime2", c.source.base == "smalldatetime":
		f.slack = dateSlack(c, highest, backLocal)
	case c.source.base == "date":
		f.slack = dateSlack(c, highest, backDate)
	default:
		return nil, r.ours("method", "Only whole numbers, dates and rowversions can be followed.", fmt.Errorf("column %s is %s", c.name, c.written))
	}
	return f, nil
}

// dateSlack leaves out dates that no time zone has yet.
func dateSlack(c *col, highest, back string) slack {
	return slack{
		next:    highest + " WHERE " + c.ref() + " <= CONVERT(" + c.written + ", DATEADD(hour, 14, SYSUTCDATETIME())))",
		from:    func(mark string) string { return "DATEADD(" + back + ", " + c.literal(mark) + ")" },
		through: " <= ",
	}
}

// lowered is a number a window further down.
func lowered(text string) string {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < backNumber { // below zero numbers are given out downwards, or by hand
		return text
	}
	return strconv.FormatInt(n-backNumber, 10)
}

// run goes through the phases, from where it was interrupted.
func (f *follower) run(ctx context.Context) error {
	if f.pos.Run == nil || f.pos.Run.Next == nil {
		next, err := f.mark(ctx)
		if err != nil {
			return err
		}
		f.pos.Run = &run{Next: &next, Phase: phaseNew}
		if f.pos.Done == nil || f.pos.Done.High == "" {
			f.pos.Run.Phase = phaseFirst
		}
	}
	if f.pos.Done == nil && f.pos.Run.Phase != phaseFirst {
		return positionFault(f.t.full(), fmt.Errorf("a position in phase %q without a mark", f.pos.Run.Phase))
	}
	for f.pos.Run.Phase != "" {
		w, err := f.walkOf(f.pos.Run)
		if err != nil {
			return err
		}
		if w != nil {
			if err := f.walk(ctx, *w); err != nil {
				return err
			}
		}
		f.pos.Run = &run{Next: f.pos.Run.Next, Phase: f.following()}
	}
	f.pos.Done, f.pos.Run = f.pos.Run.Next, nil
	return f.emit(connector.Batch{Position: f.pos.text()})
}

// following is the phase after the present one. Rows without a date are read
// each time: nothing else would tell that one of them changed.
func (f *follower) following() string {
	if f.pos.Run.Phase == phaseNew && !f.c.notNull {
		return phaseOdd
	}
	return ""
}

// walkOf is the stretch of a phase; nil when there is nothing to read yet.
func (f *follower) walkOf(at *run) (*walk, error) {
	w := walk{cols: f.cols, order: f.terms, after: at.After, take: f.take}
	if at.Phase == phaseFirst || at.Phase == phaseOdd {
		w.order = rawOrder(f.key)
	}
	if n := len(w.after); n != 0 && n != len(w.order) {
		return nil, positionFault(f.t.full(), fmt.Errorf("a position with %d values for an order of %d", n, len(w.order)))
	}
	switch at.Phase {
	case phaseFirst:
		if !f.slack.limited {
			break
		}
		if at.Next.High == "" {
			return nil, nil // empty so far
		}
		w.where = []string{f.c.ref() + f.slack.through + f.c.literal(at.Next.High)}
	case phaseNew:
		w.where = []string{f.c.ref() + " >= " + f.slack.from(f.pos.Done.High), f.c.ref() + f.slack.through + f.c.literal(at.Next.High)}
	case phaseOdd:
		w.where = []string{f.c.ref() + " IS NULL"}
	default:
		return nil, positionFault(f.t.full(), fmt.Errorf("a position in phase %q", at.Phase))
	}
	return &w, nil
}

func (f *follower) take(p piece, last []string) error {
	f.pos.Run.After = last
	return f.emit(p.batch(f.pos.text()))
}

// mark takes the next mark, before anything is read.
func (f *follower) mark(ctx context.Context) (mark, error) {
	rows, err := f.ask(ctx, "SELECT "+f.slack.next)
	if err != nil {
		return mark{}, err
	}
	if len(rows) != 1 || len(rows[0]) != 1 {
		return mark{}, fmt.Errorf("the mark came as %d rows", len(rows))
	}
	next := mark{}
	if rows[0][0] != nil {
		text, ok := f.c.form.text(rows[0][0])
		if !ok {
			return mark{}, fmt.Errorf("the mark of %s came as %T", f.c.name, rows[0][0])
		}
		next.High = text
	}
	if done := f.pos.Done; next.High == "" && done != nil { // emptied at the source
		next.High = done.High
	}
	return next, nil
}
