package sqlserver

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/regrant/regrant/connector"
)

var errNoKey = errors.New("the table has no usable key") //nolint:gochecknoglobals // a sentinel

const (
	passKeys    = "keys"
	passColumns = "columns"
)

// pass reads rows that were delivered before, in an order that the warehouse
// has, too: PassColumns to compare values, PassKeys to find deleted rows.
func (r *reader) pass(ctx context.Context) error {
	if len(r.key) == 0 {
		return r.ours("method", "This table has no key any more, so single rows cannot be compared.", errNoKey)
	}
	p, err := r.passOf()
	if err != nil || p.at.Ended {
		return err
	}
	if r.req.Pass == connector.PassKeys {
		if p.from, err = r.record(ctx, p.at.After); err != nil {
			return err
		}
	}
	w := walk{cols: r.cols, order: p.terms, after: p.at.After, where: p.where, stream: !indexed(p.terms), take: p.take}
	if err := r.walk(ctx, w); err != nil {
		return err
	}
	return p.finish()
}

// passer yields one piece late: the last one of a pass of keys has to say that
// its range has no end.
type passer struct {
	*reader
	terms []order
	where []string
	at    passPosition
	from  arrow.RecordBatch // key of the last row before the next piece
	ready *piece
	last  []string
}

func (r *reader) passOf() (*passer, error) {
	p := &passer{reader: r, terms: plainOrder(r.key)}
	var err error
	if p.at, err = parsePass(r.req.Resume); err != nil {
		return nil, positionFault(r.t.full(), err)
	}
	name := passColumns
	if r.req.Pass == connector.PassKeys {
		name = passKeys
	}
	if p.at.Pass != name {
		p.at = passPosition{Pass: name}
	}
	if n := len(p.at.After); n != 0 && n != len(p.terms) {
		return nil, positionFault(r.t.full(), fmt.Errorf("a position with %d values for a key of %d", n, len(p.terms)))
	}
	p.where, err = r.delivered()
	return p, err
}

// delivered limits a PassColumns to the rows that were read up to the request's
// position, where the position says which these are: newer ones come whole with
// the next PassRows. A PassKeys is never limited: it promises that a key it
// leaves out is gone.
func (r *reader) delivered() ([]string, error) {
	pos, err := parsePosition(r.req.Position)
	if err != nil {
		return nil, positionFault(r.t.full(), err)
	}
	if r.req.Pass == connector.PassKeys {
		return nil, nil
	}
	if pos.Run != nil && pos.Run.Phase == phaseFirst && pos.Done == nil {
		return r.readSoFar(pos.Run.After)
	}
	c := r.t.byName[pos.Column]
	if pos.Done == nil || c == nil || pos.Done.High == "" {
		return nil, nil
	}
	upTo := c.ref() + " <= " + c.literal(pos.Done.High)
	if !c.notNull {
		upTo = "(" + upTo + " OR " + c.ref() + " IS NULL)"
	}
	return []string{upTo}, nil
}

// readSoFar is the part of the table that a first reading has behind it.
func (r *reader) readSoFar(after []string) ([]string, error) {
	terms := rawOrder(r.key)
	switch len(after) {
	case 0:
		return []string{"1 = 0"}, nil
	case len(terms):
		return []string{r.upTo(terms, after)}, nil
	default:
		return nil, positionFault(r.t.full(), fmt.Errorf("a position with %d values for a key of %d", len(after), len(terms)))
	}
}

func (p *passer) take(next piece, last []string) error {
	if err := p.yield(); err != nil {
		next.record.Release()
		return err
	}
	p.ready, p.last = &next, last
	if p.req.Pass == connector.PassColumns || p.left >= 0 {
		return p.yield()
	}
	return nil
}

// yield emits the waiting piece, with the range it is whole in.
func (p *passer) yield() error {
	if p.ready == nil {
		return nil
	}
	ready := *p.ready
	p.ready = nil
	p.at.After = p.last
	b := ready.batch(p.at.text())
	if p.req.Pass == connector.PassKeys && p.req.Limit == 0 {
		through := p.lastKey(ready.record)
		b.Complete = &connector.KeyRange{After: p.from, Through: through}
		p.from = through
	}
	return p.emit(b)
}

// finish emits the last piece; its range is open, as is that of a table
// without rows.
func (p *passer) finish() error {
	p.at.Ended = true
	if p.last != nil {
		p.at.After = p.last
	}
	b := connector.Batch{Position: p.at.text()}
	if p.ready != nil {
		b = p.ready.batch(b.Position)
		p.ready = nil
	}
	if p.req.Pass == connector.PassKeys && p.req.Limit == 0 {
		b.Complete = &connector.KeyRange{After: p.from}
	}
	return p.emit(b)
}

// lastKey is the key of a record's last row, as a record of its own.
func (r *reader) lastKey(record arrow.RecordBatch) arrow.RecordBatch {
	n := record.NumRows()
	fields := make([]arrow.Field, len(r.key))
	columns := make([]arrow.Array, len(r.key))
	for i, k := range r.key {
		at := record.Schema().FieldIndices(k.name)[0]
		fields[i] = record.Schema().Field(at)
		columns[i] = copyOf(record.Column(at), n-1)
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, 1)
}

// copyOf takes one value out, so that a range does not keep a whole record alive.
func copyOf(a arrow.Array, i int64) arrow.Array {
	slice := array.NewSlice(a, i, i+1)
	defer slice.Release()
	one, err := array.Concatenate([]arrow.Array{slice}, memory.DefaultAllocator)
	if err != nil { // only for types that no key has
		slice.Retain()
		return slice
	}
	return one
}

// record gives a key as an Arrow record. The source itself converts it, so
// that it is exactly what reading that row would give.
func (r *reader) record(ctx context.Context, texts []string) (arrow.RecordBatch, error) {
	if texts == nil {
		return nil, nil
	}
	var got arrow.RecordBatch
	w := walk{cols: r.key}
	d := r.decoderOf(&w)
	d.emit = func(p piece) error {
		got = p.record
		return nil
	}
	list := make([]string, len(r.key))
	for i, k := range r.key {
		list[i] = k.form.selected(k.literal(texts[i])) + " AS " + ident(k.name)
	}
	if err := r.c.each(ctx, "SELECT "+strings.Join(list, ", "), d.row); err != nil {
		return nil, err
	}
	if err := d.flush(); err != nil {
		return nil, err
	}
	return got, nil
}
