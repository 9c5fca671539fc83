package mysql

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

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
	if len(r.t.key) == 0 {
		return r.ours("method", "This table has no key any more, so single rows cannot be compared.", errNoKey)
	}
	p, err := r.passOf()
	if err != nil {
		return positionFault(r.t.full(), err)
	}
	if p.at.Ended {
		return nil
	}
	if r.req.Pass == connector.PassKeys {
		if p.from, err = r.record(p.at.After); err != nil {
			return err
		}
	}
	if err := r.walk(ctx, walk{cols: r.cols, order: p.terms, after: p.at.After, where: p.where, take: p.take}); err != nil {
		p.drop()
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
	p := &passer{reader: r, terms: plainOrder(r.t.key)}
	var err error
	if p.at, err = parsePass(r.req.Resume); err != nil {
		return nil, err
	}
	name := passColumns
	if r.req.Pass == connector.PassKeys {
		name = passKeys
	}
	if p.at.Pass != name {
		p.at = passPosition{Pass: name}
	}
	if err := checkTexts(p.terms, p.at.After); err != nil {
		return nil, err
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
	if err != nil || r.req.Pass == connector.PassKeys {
		return nil, err
	}
	if pos.Run != nil && pos.Run.Phase == phaseFirst && pos.Done == nil {
		return r.readSoFar(pos.Run.After)
	}
	c := r.t.byName[pos.Column]
	if pos.Done == nil || c == nil || c.form.key.text == nil || pos.Done.High == "" {
		return nil, nil
	}
	terms := rawOrder([]*col{c})
	if err := checkTexts(terms, []string{pos.Done.High}); err != nil {
		return nil, err
	}
	upTo := through(terms, []string{pos.Done.High})
	if !c.notNull {
		upTo = fmt.Sprintf("(%s OR t.%s IS NULL)", upTo, ident(c.name))
	}
	return []string{upTo}, nil
}

// readSoFar is the part of the table that a first reading has behind it.
func (r *reader) readSoFar(last []string) ([]string, error) {
	if len(last) == 0 {
		return []string{"FALSE"}, nil
	}
	terms := rawOrder(r.t.key)
	if err := checkTexts(terms, last); err != nil {
		return nil, err
	}
	return []string{through(terms, last)}, nil
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

// drop releases a piece that will not be yielded.
func (p *passer) drop() {
	if p.ready != nil {
		p.ready.record.Release()
		p.ready = nil
	}
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
		end := p.lastKey(ready.record)
		b.Complete = &connector.KeyRange{After: p.from, Through: end}
		p.from = end
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
