package mysql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/regrant/regrant/connector"
)

// Bounds of what a position keeps and of what one statement compares.
const (
	mostRanges   = 4096
	compareGroup = 32
)

// batches is PrimaryKeyBatch: for each range of keys the source counts the rows
// and folds a hash of them. A range that differs from what the position
// remembers is read again, whole.
func (r *reader) batches(ctx context.Context) error {
	if len(r.t.key) == 0 {
		return r.ours("method", "This table has no key any more, so it can only be read whole.", errNoKey)
	}
	b := &batcher{reader: r, terms: plainOrder(r.t.key)}
	var err error
	if b.pos, err = parsePosition(r.req.Position); err == nil {
		err = b.settle()
	}
	if err != nil {
		return positionFault(r.t.full(), err)
	}
	return b.run(ctx)
}

type batcher struct {
	*reader
	terms []order
	pos   position
}

// settle makes the position one of ours: at least one range, the last one
// open, all with a key that fits.
func (b *batcher) settle() error {
	if b.pos.Method != string(connector.PrimaryKeyBatch) || len(b.pos.Ranges) == 0 {
		// One range that can have no such count: it will differ.
		b.pos = position{Method: string(connector.PrimaryKeyBatch), Ranges: []span{{Rows: -1}}}
	}
	if b.pos.Run == nil {
		b.pos.Run = &run{}
	}
	last := len(b.pos.Ranges) - 1
	for i, s := range b.pos.Ranges {
		if (i == last) != (len(s.Through) == 0) {
			return fmt.Errorf("range %d of %d ends with %d values", i, last+1, len(s.Through))
		}
		if i < last {
			if err := checkTexts(b.terms, s.Through); err != nil {
				return err
			}
		}
	}
	return nil
}

// run settles range after range, and leaves out those that are as before.
func (b *batcher) run(ctx context.Context) error {
	for b.pos.Run.Index < len(b.pos.Ranges) {
		from, to := b.pos.Run.Index, len(b.pos.Ranges)
		if indexed(b.terms) {
			to = min(to, from+compareGroup)
		}
		group := slices.Clone(b.pos.Ranges[from:to])
		now, err := b.tally(ctx, group)
		if err != nil {
			return err
		}
		for i := range group {
			if group[i].Rows == now[i].Rows && group[i].Sum == now[i].Sum {
				b.pos.Run.Index++
				continue
			}
			if err := b.again(ctx); err != nil {
				return err
			}
		}
	}
	b.pos.Ranges = merged(b.pos.Ranges)
	b.pos.Run = nil
	return b.emit(connector.Batch{Position: b.pos.text()})
}

// before is where the range at Index begins; nil: at the first key.
func (b *batcher) before() []string {
	if b.pos.Run.Index == 0 {
		return nil
	}
	return b.pos.Ranges[b.pos.Run.Index-1].Through
}

// tally counts and sums the ranges of a group at the source.
func (b *batcher) tally(ctx context.Context, group []span) ([]span, error) {
	now := make([]span, len(group))
	if len(group) == 1 && group[0].Rows < 0 {
		return now, nil // never read: no need to count
	}
	sql := b.tallySQL(group)
	if !indexed(b.terms) {
		sql = b.sortedTallySQL(group)
	}
	rows, err := b.ask(ctx, sql)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		i := number64(row[0])
		if i < 0 || i >= int64(len(now)) {
			return nil, fmt.Errorf("the source counted range %d of %d", i, len(now))
		}
		now[i].Rows = number64(row[1])
		if now[i].Sum, err = strconv.ParseUint(string(row[2]), 10, 64); err != nil {
			return nil, fmt.Errorf("the hash of a range: %w", err)
		}
	}
	return now, nil
}

// tallySQL asks for each range by itself: an index finds it.
func (b *batcher) tallySQL(group []span) string {
	parts := make([]string, len(group))
	begin := b.before()
	for i, s := range group {
		var where []string
		if begin != nil {
			where = append(where, after(b.terms, begin))
		}
		if s.Through != nil {
			where = append(where, through(b.terms, s.Through))
		}
		parts[i] = fmt.Sprintf("SELECT %d, COUNT(*), %s FROM %s", i, foldedHash(b.cols), b.t.from())
		if len(where) > 0 {
			parts[i] += " WHERE " + strings.Join(where, " AND ")
		}
		begin = s.Through
	}
	return strings.Join(parts, " UNION ALL ")
}

// sortedTallySQL is for an order that no index has: one scan, in which each row
// finds its range by halving.
func (b *batcher) sortedTallySQL(group []span) string {
	where := ""
	if begin := b.before(); begin != nil {
		where = " WHERE " + after(b.terms, begin)
	}
	return "SELECT " + b.rangeOf(group, 0) + " AS i, COUNT(*), " + foldedHash(b.cols) + " FROM " + b.t.from() + where + " GROUP BY i"
}

func (b *batcher) rangeOf(group []span, first int) string {
	if len(group) == 1 {
		return strconv.Itoa(first)
	}
	middle := (len(group) - 1) / 2
	return "IF(" + through(b.terms, group[middle].Through) + ", " + b.rangeOf(group[:middle+1], first) + ", " + b.rangeOf(group[middle+1:], first+middle+1) + ")"
}

// again reads the range at Index anew. Each record becomes a range of its own;
// the last one ends where the old range ended.
func (b *batcher) again(ctx context.Context) error {
	old := b.pos.Ranges[b.pos.Run.Index]
	from, err := b.record(b.before())
	if err != nil {
		return err
	}
	end, err := b.record(old.Through)
	if err != nil {
		return err
	}
	g := &rereading{batcher: b, old: old, from: from}
	w := walk{cols: b.cols, order: b.terms, after: b.before(), hash: true, take: g.take}
	if old.Through != nil {
		w.where = []string{through(b.terms, old.Through)}
	}
	err = b.walk(ctx, w)
	if errors.Is(err, errEnough) && g.ready != nil { // the rest of the range is not known
		return errors.Join(g.yield(*g.ready, g.last, b.lastKey(g.ready.record)), err)
	}
	if err != nil {
		g.drop()
		return err
	}
	return g.finish(end)
}

// rereading yields one piece late, because the last one ends the range.
type rereading struct {
	*batcher
	old   span
	from  arrow.RecordBatch
	ready *piece
	last  []string
}

func (g *rereading) take(next piece, last []string) error {
	if g.ready != nil {
		ready := *g.ready
		g.ready = nil
		if err := g.yield(ready, g.last, g.lastKey(ready.record)); err != nil {
			next.record.Release()
			return err
		}
	}
	g.ready, g.last = &next, last
	return nil
}

// drop releases a piece that will not be yielded.
func (g *rereading) drop() {
	if g.ready != nil {
		g.ready.record.Release()
		g.ready = nil
	}
}

// yield puts a new range before the one that is read again.
func (g *rereading) yield(p piece, last []string, end arrow.RecordBatch) error {
	i := g.pos.Run.Index
	g.pos.Ranges = slices.Insert(g.pos.Ranges, i, span{Through: last, Rows: p.record.NumRows(), Sum: p.sum})
	g.pos.Ranges[i+1].Rows = -1 // what is left of the old range is not known
	g.pos.Run.Index++
	b := p.batch(g.pos.text())
	b.Complete = &connector.KeyRange{After: g.from, Through: end}
	g.from = end
	return g.emit(b)
}

// finish settles the rest of the range: the last piece, or no rows at all.
func (g *rereading) finish(end arrow.RecordBatch) error {
	i := g.pos.Run.Index
	settled := span{Through: g.old.Through}
	b := connector.Batch{}
	if g.ready != nil {
		settled.Rows, settled.Sum = g.ready.record.NumRows(), g.ready.sum
		b = g.ready.batch("")
		g.ready = nil
	}
	g.pos.Ranges[i] = settled
	g.pos.Run.Index++
	b.Position = g.pos.text()
	b.Complete = &connector.KeyRange{After: g.from, Through: end}
	return g.emit(b)
}

// merged joins neighbours that are nearly empty and, where there are too many
// ranges, every two: counts add up, and so do hashes folded by exclusive or.
func merged(ranges []span) []span {
	out := make([]span, 0, len(ranges))
	for i, s := range ranges {
		n := len(out)
		crowded := len(ranges) > mostRanges && i%2 == 1
		if n > 0 && (crowded || out[n-1].Rows+s.Rows <= recordRows/8) {
			out[n-1] = span{Through: s.Through, Rows: out[n-1].Rows + s.Rows, Sum: out[n-1].Sum ^ s.Sum}
			continue
		}
		out = append(out, s)
	}
	return out
}
