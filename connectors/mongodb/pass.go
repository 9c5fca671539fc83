package mongodb

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/regrant/regrant/connector"
)

const (
	passKeys    = "keys"
	passColumns = "columns"
)

// pass reads documents that were delivered before, in the order of their key,
// which is the warehouse's, too, for every kind that makes a table's key:
// PassColumns to compare values, PassKeys to find deleted documents.
func (r *reader) pass(ctx context.Context) error {
	if !r.keyed() {
		return r.ours("method", "This table has no key any more, so single rows cannot be compared.", errKeyKind)
	}
	p := &passer{reader: r}
	var err error
	if p.at, err = parsePass(r.req.Resume); err != nil {
		return positionFault(r.req.Table.Name, err)
	}
	name := passColumns
	if r.req.Pass == connector.PassKeys {
		name, r.cols = passKeys, r.req.Table.Key
	}
	if p.at.Pass != name {
		p.at = passPosition{Pass: name}
	}
	if p.at.Ended {
		return nil
	}
	w := walk{order: keyColumn, after: p.at.After, take: p.take}
	if w.filter, err = r.delivered(); err != nil {
		return positionFault(r.req.Table.Name, err)
	}
	if name == passKeys {
		if p.from, err = r.keyRecord(p.at.After); err != nil {
			return err
		}
	}
	if err := r.walk(ctx, w); err != nil {
		return err
	}
	return p.finish()
}

// delivered limits a PassColumns to what a first reading has behind it; what is
// newer comes whole with the next PassRows. A PassKeys is never limited: it
// promises that a key it leaves out is gone.
func (r *reader) delivered() (bson.D, error) {
	pos, err := parsePosition(r.req.Position)
	if err != nil || r.req.Pass == connector.PassKeys || pos.Run == nil || pos.Run.Phase != phaseFirst {
		return nil, err
	}
	if pos.Run.After == "" {
		return bson.D{{Key: keyColumn, Value: bson.D{{Key: "$in", Value: bson.A{}}}}}, nil
	}
	v, err := valueOf(pos.Run.After)
	return bson.D{{Key: keyColumn, Value: bson.D{{Key: "$lte", Value: v}}}}, err
}

// passer yields one piece late: the last one of a pass of keys has to say that
// its range has no end.
type passer struct {
	*reader
	at    passPosition
	from  arrow.RecordBatch // key of the last row before the next piece
	ready *piece
	last  string
}

func (p *passer) take(next piece, last string) error {
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
	b := connector.Batch{Record: ready.record, Position: p.at.text(), Bytes: ready.bytes}
	if p.req.Pass == connector.PassKeys && p.req.Limit == 0 {
		through := p.lastKey(ready.record)
		b.Complete = &connector.KeyRange{After: p.from, Through: through}
		p.from = through
	}
	return p.emit(b)
}

// finish emits the last piece; its range is open, as is that of a collection
// without documents.
func (p *passer) finish() error {
	p.at.Ended = true
	b := connector.Batch{}
	if p.ready != nil {
		p.at.After = p.last
		b.Record, b.Bytes = p.ready.record, p.ready.bytes
		p.ready = nil
	}
	b.Position = p.at.text()
	if p.req.Pass == connector.PassKeys && p.req.Limit == 0 {
		b.Complete = &connector.KeyRange{After: p.from}
	}
	return p.emit(b)
}
