package mysql

import (
	"context"
	"errors"
	"fmt"

	"github.com/regrant/regrant/connector"
)

// The phases of following a column.
const (
	phaseFirst = "first" // the whole table, by key
	phaseLate  = "late"  // the window below the last mark, if it changed since
	phaseNew   = "new"   // from the last mark to the next
	phaseOdd   = "odd"   // without a date, or with one that no calendar has, if these changed
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
	if f.pos, err = parsePosition(r.req.Position); err == nil {
		err = f.settle()
	}
	if err != nil {
		return positionFault(r.t.full(), err)
	}
	return f.run(ctx)
}

// follower follows one column.
type follower struct {
	*reader
	by    *col
	terms []order // the followed column, then the key
	kind  kind
	pos   position
}

func (r *reader) followerOf(c *col) (*follower, error) {
	f := &follower{reader: r, by: c}
	if len(r.t.key) == 0 {
		return nil, r.ours("method", "This table has no key any more, so it can only be read whole.", errNoKey)
	}
	f.terms = rawOrder([]*col{c})
	for _, k := range r.t.key {
		if k != c {
			f.terms = append(f.terms, rawOrder([]*col{k})...)
		}
	}
	switch base := c.source.base; {
	case isWholeType(base):
		f.kind = numbers
	case base == "timestamp":
		f.kind = instants
	case base == "datetime":
		f.kind = localTimes
	case base == "date":
		f.kind = days
	default:
		return nil, r.ours("method", "Only whole numbers and dates can be followed.", fmt.Errorf("column %s is %s", c.name, c.source.written))
	}
	return f, nil
}

// settle makes the position one of ours and looks at the values in it.
func (f *follower) settle() error {
	method := string(f.req.Replication.Method)
	if f.pos.Method != method || f.pos.Column != f.by.name {
		f.pos = position{Method: method, Column: f.by.name}
	}
	marks := []*mark{f.pos.Done}
	if f.pos.Run != nil {
		marks = append(marks, f.pos.Run.Next)
		if !areHeaps(f.pos.Run.Heaps) {
			return errors.New("a position with heaps that are none")
		}
	}
	for _, m := range marks {
		if m == nil {
			continue
		}
		values := []string{m.High, m.Since}
		for _, past := range m.Past {
			values = append(values, past.High)
		}
		for _, v := range values {
			if v == "" {
				continue
			}
			if err := checkTexts(f.terms[:1], []string{v}); err != nil {
				return err
			}
		}
	}
	return nil
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
	case f.pos.Run.Phase == phaseNew && f.kind != numbers:
		return phaseOdd
	default:
		return ""
	}
}

// phase reads the present phase.
func (f *follower) phase(ctx context.Context) error {
	if same, err := f.unchanged(ctx, f.pos.Run); same || err != nil {
		return err
	}
	w, err := f.walkOf(f.pos.Run)
	if err != nil || w == nil {
		return err
	}
	return f.walk(ctx, *w)
}

// unchanged says that a window looks as it did at the last mark, so that
// nothing in it is new; else it notes which heaps do not. Those that are being
// read are read to the end.
func (f *follower) unchanged(ctx context.Context, at *run) (bool, error) {
	of := f.hashedBy()
	if at.After != nil && (at.Of == of || at.Of == "") {
		return false, nil
	}
	at.After, at.Of = nil, "" // other columns are read now: the heaps are others
	done := f.pos.Done
	switch at.Phase {
	case phaseLate:
		if done.Since == "" {
			return true, nil // the table was empty
		}
		now, err := f.tally(ctx, f.window(done.Since, done.High))
		if err != nil {
			return false, err
		}
		at.Heaps, at.Of = changedHeaps(done.Window, now), of
		return len(at.Heaps) == 0, nil
	case phaseOdd:
		// The mark knows already how they look now.
		at.Of = of
		if at.Heaps = nil; done.Of != of || at.Next.Of != of {
			return len(at.Next.Odd) == 0, nil // the heaps are others: all rows
		}
		at.Heaps = changedHeaps(done.Odd, at.Next.Odd)
		return len(at.Heaps) == 0, nil
	}
	return false, nil
}

// walkOf is the stretch of a phase; nil when there is nothing to read yet.
func (f *follower) walkOf(at *run) (*walk, error) {
	w := walk{cols: f.cols, order: f.terms, after: at.After, take: f.take}
	switch at.Phase {
	case phaseFirst:
		w.order = rawOrder(f.t.key)
		if f.kind == numbers {
			if at.Next.High == "" {
				return nil, nil // empty so far
			}
			w.where = []string{f.expr() + " <= " + f.value(at.Next.High)}
		}
	case phaseLate:
		w.where = []string{f.window(f.pos.Done.Since, f.pos.Done.High), f.inHeaps(at.Heaps)}
	case phaseNew:
		w.where = []string{f.expr() + " > " + f.value(f.pos.Done.High), f.expr() + " <= " + f.value(at.Next.High)}
	case phaseOdd:
		w.order = rawOrder(f.t.key)
		w.where = []string{f.odd(), f.inHeaps(at.Heaps)}
	default:
		return nil, positionFault(f.t.full(), fmt.Errorf("a position in phase %q", at.Phase))
	}
	return &w, nil
}

func (f *follower) expr() string { return "t." + ident(f.by.name) }

func (f *follower) value(text string) string { return f.by.form.key.literal(text) }

// window is the condition of the rows of a mark's window.
func (f *follower) window(since, high string) string {
	return "(" + f.expr() + " >= " + f.value(since) + " AND " + f.expr() + " <= " + f.value(high) + ")"
}

// odd is the condition of rows that no window has. A DATE that is NOT NULL and
// 0000-00-00 is also NULL to MySQL, which does no harm here.
func (f *follower) odd() string {
	return "(" + f.expr() + " IS NULL OR " + f.expr() + " < '0000-01-01')"
}

func (f *follower) take(p piece, last []string) error {
	f.pos.Run.After = last
	return f.emit(p.batch(f.pos.text()))
}
