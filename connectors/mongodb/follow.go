package mongodb

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/regrant/regrant/connector"
)

// The phases of following a field.
const (
	phaseFirst = "first" // the whole collection, by key
	phaseNew   = "new"   // from a while before the last mark
	phaseOdd   = "odd"   // documents whose field is missing or no date
)

// How far before the last mark reading begins again. A document becomes visible
// when its transaction commits or its write reaches the secondary that is read
// from, not when its date or id was given out; a transaction of MongoDB may
// last a minute by default.
const (
	dateOverlap = 15 * time.Minute
	// Ids are given out by every application's own clock.
	idOverlap     = time.Hour
	numberOverlap = 10_000
)

// follow reads what is new since the last mark: by ModifiedAt, AddDate or
// AutoIncrement. The first time it reads the whole collection in key order, with
// the next mark taken before; what changes meanwhile is after that mark.
func (r *reader) follow(ctx context.Context) error {
	f := &follower{reader: r, field: r.req.Replication.Column}
	c, known := r.req.Table.Column(f.field)
	if f.kind = kindNamed(c.SourceType); !known || f.kind != dates && f.field != keyColumn {
		return r.ours("method", "Only dates and _id can be followed.", fmt.Errorf("column %q is %q", f.field, c.SourceType))
	}
	if !r.keyed() {
		return r.ours("method", "This table has no key any more, so it can only be read whole.", errKeyKind)
	}
	var err error
	if f.pos, err = parsePosition(r.req.Position); err == nil {
		err = f.settle()
	}
	if err != nil {
		return positionFault(r.req.Table.Name, err)
	}
	return f.run(ctx)
}

// follower follows one field.
type follower struct {
	*reader
	field string
	kind  kind
	pos   position
}

// settle makes the position one of ours and looks at the values in it.
func (f *follower) settle() error {
	method := string(f.req.Replication.Method)
	if f.pos.Method != method || f.pos.Column != f.field {
		f.pos = position{Method: method, Column: f.field}
	}
	marks := []string{f.pos.Done}
	if f.pos.Run != nil {
		marks = append(marks, f.pos.Run.Next)
		switch f.pos.Run.Phase {
		case phaseFirst:
		case phaseNew, phaseOdd:
			if f.pos.Done == "" {
				return fmt.Errorf("a position in phase %q without a mark", f.pos.Run.Phase)
			}
		default:
			return fmt.Errorf("a position in phase %.20q", f.pos.Run.Phase)
		}
	}
	for _, text := range marks {
		if text == "" {
			continue
		}
		if v, err := bsonOf(text); err != nil || !fits(f.kind, v) {
			return errors.Join(fmt.Errorf("a mark that is no %s", f.kind.form().source), err)
		}
	}
	return nil
}

// run goes through the phases, from where it was interrupted.
func (f *follower) run(ctx context.Context) error {
	if f.pos.Run == nil {
		next, err := f.mark(ctx)
		if err != nil {
			return err
		}
		f.pos.Run = &run{Next: next, Phase: phaseNew}
		if f.pos.Done == "" {
			f.pos.Run.Phase = phaseFirst
		}
	}
	for f.pos.Run.Phase != "" {
		w, err := f.walkOf(f.pos.Run)
		if err != nil {
			return positionFault(f.req.Table.Name, err)
		}
		if err := f.walk(ctx, w); err != nil {
			return err
		}
		f.pos.Run = &run{Next: f.pos.Run.Next, Phase: f.following()}
	}
	f.pos.Done, f.pos.Run = f.pos.Run.Next, nil
	return f.emit(connector.Batch{Position: f.pos.text()})
}

// following is the phase after the present one.
func (f *follower) following() string {
	if f.pos.Run.Phase == phaseNew && f.kind == dates {
		return phaseOdd
	}
	return ""
}

// walkOf is the stretch of a phase.
func (f *follower) walkOf(at *run) (walk, error) {
	w := walk{order: keyColumn, after: at.After, take: f.take}
	switch at.Phase {
	case phaseNew:
		since, err := since(f.pos.Done)
		if err != nil {
			return w, err
		}
		w.order, w.ties = f.field, f.field != keyColumn
		w.filter = bson.D{{Key: f.field, Value: bson.D{{Key: "$gte", Value: since}}}}
	case phaseOdd:
		w.filter = bson.D{{Key: f.field, Value: bson.D{{Key: "$not", Value: bson.D{{Key: "$type", Value: "date"}}}}}}
	}
	return w, nil
}

// since is where the overlap before a mark begins.
func since(mark string) (any, error) {
	v, err := valueOf(mark)
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case bson.DateTime:
		return bson.NewDateTimeFromTime(v.Time().Add(-dateOverlap)), nil
	case bson.ObjectID:
		return idAt(v.Timestamp().Add(-idOverlap)), nil
	case int64:
		if v < math.MinInt64+numberOverlap {
			return int64(math.MinInt64), nil
		}
		return v - numberOverlap, nil
	}
	return v, nil
}

// idAt is the lowest ObjectId of a second.
func idAt(t time.Time) (oid bson.ObjectID) {
	binary.BigEndian.PutUint32(oid[:4], uint32(min(max(t.Unix(), 0), math.MaxUint32)))
	return oid
}

func (f *follower) take(p piece, last string) error {
	if last != "" {
		f.pos.Run.After = last
	}
	return f.emit(connector.Batch{Record: p.record, Position: f.pos.text(), Bytes: p.bytes})
}

// mark takes the next mark, before anything is read: for dates and ids the
// server's own time, so that one date in the future does not hide what comes
// after it; for numbers the highest. Reading itself has no upper bound.
func (f *follower) mark(ctx context.Context) (string, error) {
	var next string
	err := guarded(ctx, f.c, func() error {
		if f.kind == wholes {
			v, err := f.s.keyAt(ctx, f.collection(), -1)
			if err != nil || v.Type == 0 {
				next = f.pos.Done
				return err
			}
			next, err = valueText(v)
			return err
		}
		var h hello
		if err := f.c.run(ctx, "admin", bson.D{{Key: "hello", Value: 1}}).Decode(&h); err != nil {
			return err
		}
		if h.LocalTime.IsZero() {
			return errors.New("the server does not tell its time")
		}
		next = "d:" + dateText(h.LocalTime.UnixMilli())
		if f.kind == objectIDs {
			next = "o:" + idAt(h.LocalTime).Hex()
		}
		return nil
	})
	return next, err
}
