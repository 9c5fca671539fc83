package mongodb

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// walk is a stretch of a collection in the order of a field, read by cursors
// that follow each other: a cursor may be forgotten by the server, and one that
// lives for hours ends with its server session.
type walk struct {
	filter bson.D
	order  string // the field; empty: no order, and no way to go on after a break
	after  string // a position's value: go on there
	// ties says that the field is no key: going on begins at After itself.
	ties bool
	take func(p piece, last string) error
}

// piece is a record with what it took on the wire.
type piece struct {
	record arrow.RecordBatch
	bytes  int64
}

const (
	tries      = 4
	cursorLife = 5 * time.Minute
	cursorRows = 2_000
)

// walk reads the stretch to its end.
func (r *reader) walk(ctx context.Context, w walk) error {
	d, err := newDecoder(r.req.Table, r.cols, func(path string, k kind) { r.s.learn(r.req.Table.Name, path, k) })
	if err != nil {
		return r.ours("columns", "The columns of this table cannot be read as they are stored. Have the list of tables read again.", err)
	}
	defer func() { r.note(d) }()
	failed := 0
	for {
		if r.left == 0 {
			return errEnough
		}
		if err := r.fresh(ctx); err != nil {
			return err
		}
		before := d.total
		more, err := r.cursor(ctx, &w, d)
		switch {
		case err == nil && !more:
			return nil
		case err == nil:
			continue
		case d.total > before:
			failed = 0
		}
		if failed++; failed == tries || w.order == "" || !retryable(err) || ctx.Err() != nil {
			return err
		}
		if codeOf(err) == 0 { // the connection is gone
			r.c.close()
			r.c = nil
			var again error
			if r.c, again = r.s.connect(ctx); again != nil {
				return again
			}
		}
	}
}

// cursor reads with one cursor, until its end or that of its life.
func (r *reader) cursor(ctx context.Context, w *walk, d *decoder) (more bool, err error) {
	limited, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	stop := context.AfterFunc(limited, r.c.lines.cut)
	defer stop()
	filter, err := w.where()
	if err != nil {
		return false, positionFault(r.req.Table.Name, err)
	}
	cursor, err := r.collection().Find(limited, filter, r.findOptions(w))
	if err != nil {
		return false, err
	}
	defer r.closeCursor(limited, cursor)
	began := time.Now()
	last := ""
	for cursor.Next(limited) {
		if err := d.add(cursor.Current); err != nil {
			return false, err
		}
		if w.order != "" {
			if at, err := lastText(cursor.Current, w.order); err == nil {
				last = at
			} else if !w.ties {
				return false, err
			}
		}
		if r.left > 0 {
			r.left--
		}
		if r.left == 0 || d.full(r.s.rowsEach) {
			if err := r.hand(w, d, last); err != nil {
				return false, err
			}
			if r.left == 0 {
				return false, errEnough
			}
			if w.order != "" && last != "" && time.Since(began) > cursorLife {
				return true, nil
			}
		}
	}
	failed := cursor.Err()
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	// What came before a break is whole; without an order it cannot be gone on
	// from, and is dropped with the reading.
	if err := r.hand(w, d, last); err != nil {
		return false, err
	}
	return false, failed
}

// closeCursor lets the server forget a cursor that was left early.
func (r *reader) closeCursor(ctx context.Context, cursor *mongo.Cursor) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	_ = cursor.Close(ctx) // the server forgets it by itself, too
}

// hand passes on what was gathered.
func (r *reader) hand(w *walk, d *decoder, last string) error {
	record, bytes := d.finish()
	if record == nil {
		return nil
	}
	if err := w.take(piece{record, bytes}, last); err != nil {
		return err
	}
	if last != "" {
		w.after = last
	}
	return nil
}

// where is the filter with the place to go on.
func (w *walk) where() (bson.D, error) {
	filter := w.filter
	if filter == nil {
		filter = bson.D{}
	}
	if w.after == "" || w.order == "" {
		return filter, nil
	}
	v, err := valueOf(w.after)
	if err != nil {
		return nil, err
	}
	operator := "$gt"
	if w.ties {
		operator = "$gte"
	}
	from := bson.D{{Key: w.order, Value: bson.D{{Key: operator, Value: v}}}}
	if len(filter) == 0 {
		return from, nil
	}
	return bson.D{{Key: "$and", Value: bson.A{filter, from}}}, nil
}

func (r *reader) findOptions(w *walk) *options.FindOptionsBuilder {
	rows := min(cursorRows, r.s.rowsEach)
	o := options.Find().SetBatchSize(int32(rows))
	if w.order != "" {
		o.SetSort(bson.D{{Key: w.order, Value: 1}})
	}
	if w.order == keyColumn && r.coll.Options.Collation == nil {
		o.SetHint(bson.D{{Key: keyColumn, Value: 1}})
	}
	if r.coll.Options.Collation != nil {
		// By bytes, as the warehouse orders, and not as some language does.
		o.SetCollation(&options.Collation{Locale: "simple"}).SetAllowDiskUse(true)
	} else if w.order != "" && w.order != keyColumn {
		o.SetAllowDiskUse(true)
	}
	if p := r.projection(w.order); p != nil {
		o.SetProjection(p)
	}
	if r.left > 0 {
		o.SetLimit(r.left)
	}
	return o
}

// lastText is the value of the ordering field of a document, for a position.
func lastText(raw bson.Raw, order string) (string, error) {
	v, err := bsoncore.Document(raw).LookupErr(strings.Split(order, ".")...)
	if err != nil {
		return "", errors.Join(errNoText, err)
	}
	return valueText(v)
}

func (r *reader) note(d *decoder) {
	for name, n := range d.lost() {
		r.lost[name] += n
	}
}
