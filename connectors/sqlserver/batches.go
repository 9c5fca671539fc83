package sqlserver

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/regrant/regrant/connector"
)

// Bounds of what a position keeps and of what one statement compares.
const (
	mostRanges   = 4096
	compareGroup = 64
	compareMost  = 256
)

// batches is PrimaryKeyBatch: for each range of keys the source counts the rows
// and sums up a hash of them. A range that differs from what the position
// remembers is read again, whole.
func (r *reader) batches(ctx context.Context) error {
	if len(r.key) == 0 {
		return r.ours("method", "This table has no key any more, so it can only be read whole.", errNoKey)
	}
	b := &batcher{reader: r, terms: plainOrder(r.key)}
	var err error
	if b.pos, err = parsePosition(r.req.Position); err != nil {
		return positionFault(r.t.full(), err)
	}
	if err := b.prepare(); err != nil {
		return err
	}
	return b.run(ctx)
}

type batcher struct {
	*reader
	terms []order
	pos   position
}

// prepare makes the position one of ours: at least one range, the last one
// open, all with a key of the right size.
func (b *batcher) prepare() error {
	if b.pos.Method != string(connector.PrimaryKeyBatch) || len(b.pos.Ranges) == 0 {
		// One range that can have no such count: it will differ.
		b.pos = position{Method: string(connector.PrimaryKeyBatch), Ranges: []span{{Rows: -1}}}
	}
	if b.pos.Run == nil {
		b.pos.Run = &run{}
	}
	last := len(b.pos.Ranges) - 1
	for i, s := range b.pos.Ranges {
		if (i == last) != (len(s.Through) == 0) || i < last && len(s.Through) != len(b.terms) {
			return positionFault(b.t.full(), fmt.Errorf("range %d ends with %d values for a key of %d", i, len(s.Through), len(b.terms)))
		}
	}
	return nil
}

// run settles range after range, and leaves out those that are as before.
func (b *batcher) run(ctx context.Context) error {
	for b.pos.Run.Index < len(b.pos.Ranges) {
		from := b.pos.Run.Index
		size := compareGroup
		if !indexed(b.terms) { // each statement reads all that is left
			size = compareMost
		}
		to := min(len(b.pos.Ranges), from+size)
		group := slices.Clone(b.pos.Ranges[from:to])
		now, err := b.tally(ctx, group)
		if err != nil {
			return err
		}
		if err := b.settle(ctx, group, now); err != nil {
			return err
		}
	}
	b.pos.Ranges = merged(b.pos.Ranges)
	b.pos.Run = nil
	return b.emit(connector.Batch{Position: b.pos.text()})
}

// settle passes over the ranges that are as before and reads the others again,
// neighbours together: without a fitting index each reading is a sort.
func (b *batcher) settle(ctx context.Context, was, now []span) error {
	same := func(i int) bool { return was[i].Rows == now[i].Rows && was[i].Sum == now[i].Sum }
	for i := 0; i < len(was); {
		if same(i) {
			b.pos.Run.Index++
			i++
			continue
		}
		first := i
		for i < len(was) && !same(i) {
			i++
		}
		at := b.pos.Run.Index
		b.pos.Ranges = slices.Delete(b.pos.Ranges, at, at+i-first-1)
		if err := b.again(ctx); err != nil {
			return err
		}
	}
	return nil
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
	rows, err := b.ask(ctx, b.tallySQL(group))
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		i := int(number64(row[0]))
		if i < 0 || i >= len(now) {
			return nil, fmt.Errorf("the source counted range %d of %d", i, len(now))
		}
		now[i].Rows = number64(row[1])
		now[i].Sum = modulo64(textOf(row[2]))
	}
	return now, nil
}

// tallySQL finds for each row the range it is in: the first one whose end is
// not below its key. An end belongs to the range that it ends.
func (b *batcher) tallySQL(group []span) string {
	var where []string
	if after := b.before(); after != nil {
		where = append(where, b.after(b.terms, after))
	}
	last := group[len(group)-1].Through
	if len(last) > 0 { // the group has an end
		where = append(where, b.upTo(b.terms, last))
	}
	in := "0"
	if len(group) > 1 {
		in = "CASE"
		for i, s := range group[:len(group)-1] {
			in += fmt.Sprintf(" WHEN %s THEN %d", b.upTo(b.terms, s.Through), i)
		}
		in += fmt.Sprintf(" ELSE %d END", len(group)-1)
	}
	sql := "SELECT x.i, COUNT_BIG(*), SUM(CONVERT(decimal(38,0), x.h)) FROM (SELECT " + in + " AS i, " + rowHash(b.cols) + " AS h FROM " + b.t.from()
	if len(where) > 0 {
		sql += " WHERE " + strings.Join(where, " AND ")
	}
	return sql + ") AS x GROUP BY x.i OPTION (RECOMPILE)"
}

// modulo64 reads a sum of any size modulo 2^64, as the decoder sums.
func modulo64(text string) uint64 {
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return 0
	}
	modulus := new(big.Int).Lsh(big.NewInt(1), 64)
	return n.Mod(n, modulus).Uint64()
}

// again reads the range at Index anew. Each record becomes a range of its own;
// the last one ends where the old range ended.
func (b *batcher) again(ctx context.Context) error {
	old := b.pos.Ranges[b.pos.Run.Index]
	from, err := b.record(ctx, b.before())
	if err != nil {
		return err
	}
	through, err := b.record(ctx, old.Through)
	if err != nil {
		return err
	}
	g := &rereading{batcher: b, old: old, from: from}
	w := walk{cols: b.cols, order: b.terms, after: b.before(), hash: true, stream: !indexed(b.terms), take: g.take}
	if old.Through != nil {
		w.where = []string{b.upTo(b.terms, old.Through)}
	}
	err = b.walk(ctx, w)
	if errors.Is(err, errEnough) && g.ready != nil { // the rest of the range is not known
		return errors.Join(g.yield(*g.ready, g.last, b.lastKey(g.ready.record)), err)
	}
	if err != nil {
		return err
	}
	return g.finish(through)
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
		if err := g.yield(*g.ready, g.last, g.lastKey(g.ready.record)); err != nil {
			next.record.Release()
			return err
		}
	}
	g.ready, g.last = &next, last
	return nil
}

// yield puts a new range before the one that is read again.
func (g *rereading) yield(p piece, last []string, through arrow.RecordBatch) error {
	i := g.pos.Run.Index
	g.pos.Ranges = slices.Insert(g.pos.Ranges, i, span{Through: last, Rows: p.record.NumRows(), Sum: p.sum})
	g.pos.Ranges[i+1].Rows = -1 // what is left of the old range is not known
	g.pos.Run.Index++
	b := p.batch(g.pos.text())
	b.Complete = &connector.KeyRange{After: g.from, Through: through}
	g.from = through
	return g.emit(b)
}

// finish settles the rest of the range: the last piece, or no rows at all.
func (g *rereading) finish(through arrow.RecordBatch) error {
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
	b.Complete = &connector.KeyRange{After: g.from, Through: through}
	return g.emit(b)
}

// merged joins neighbours that are nearly empty and, where there are too many
// ranges, every two: counts and sums simply add up.
func merged(ranges []span) []span {
	out := make([]span, 0, len(ranges))
	for i, s := range ranges {
		n := len(out)
		crowded := len(ranges) > mostRanges && i%2 == 1
		if n > 0 && (crowded || out[n-1].Rows+s.Rows <= recordRows/8) {
			out[n-1] = span{Through: s.Through, Rows: out[n-1].Rows + s.Rows, Sum: out[n-1].Sum + s.Sum}
			continue
		}
		out = append(out, s)
	}
	return out
}
