package mongodb

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
)

// reader is one Read: a session of its own (others may be asked while the
// consumer works on a batch), and where batches go.
type reader struct {
	s    *source
	c    *session
	req  connector.Request
	coll collection
	cols []string
	emit func(connector.Batch) error
	left int64 // rows that Request.Limit still allows; -1: any number
	lost map[string]int64
}

// errEnough ends a reading at Request.Limit.
var errEnough = errors.New("the limit of rows was reached") //nolint:gochecknoglobals // a sentinel

func (s *source) read(ctx context.Context, req connector.Request) iter.Seq2[connector.Batch, error] {
	produce := func(ctx context.Context, emit func(connector.Batch) error) error {
		r := &reader{s: s, req: req, emit: emit, cols: req.Columns, left: -1, lost: map[string]int64{}}
		if req.Limit > 0 {
			r.left = req.Limit
		}
		defer func() { s.put(r.c) }()
		err := r.run(ctx)
		if errors.Is(err, errEnough) {
			err = nil
		}
		r.reportLost()
		return err
	}
	return func(yield func(connector.Batch, error) bool) {
		for b, err := range sqlkit.Ahead(ctx, produce, connector.Batch.Release) {
			if !yield(b, s.readFault(ctx, err, req.Table.Name)) {
				return
			}
		}
	}
}

// readFault is classify with what only reading meets.
func (s *source) readFault(ctx context.Context, err error, table string) error {
	switch {
	case errors.Is(err, errKeyKind):
		return keyFault(table)
	case errors.Is(err, errDocument):
		return &connector.Fault{Cause: connector.Unknown, Code: id + ".document", Step: connector.StepRead, Scope: connector.OneTable, Table: table,
			Public: "A document of " + table + " cannot be understood. Ask who looks after the database to have the collection validated.", Err: err}
	}
	return s.classify(ctx, err, connector.StepRead, table)
}

// run prepares and goes by what is asked for.
func (r *reader) run(ctx context.Context) (err error) {
	if r.c, err = r.s.take(ctx); err != nil {
		return err
	}
	if r.coll, err = r.s.now(ctx, r.c, r.req.Table); err != nil {
		return err
	}
	if r.req.Pass != connector.PassRows {
		return r.pass(ctx)
	}
	switch r.req.Replication.Method {
	case connector.ModifiedAt, connector.AddDate, connector.AutoIncrement:
		return r.follow(ctx)
	case connector.FullTable:
		return r.full(ctx)
	case connector.Paused:
		return nil
	default:
		return r.ours("method", "This table cannot be read by that method.", fmt.Errorf("no method %q", r.req.Replication.Method))
	}
}

func (r *reader) keyed() bool { return len(r.req.Table.Key) > 0 }

func (r *reader) ours(code, public string, err error) *connector.Fault {
	return &connector.Fault{Cause: connector.Ours, Code: id + "." + code, Step: connector.StepRead, Scope: connector.OneTable, Table: r.req.Table.Name,
		Public: public, Err: err}
}

// fresh replaces a worn-out session between two cursors: a user that was
// removed must be noticed within one session's life.
func (r *reader) fresh(ctx context.Context) (err error) {
	if r.c.usable(time.Now()) {
		return nil
	}
	r.c.close()
	r.c, err = r.s.connect(ctx)
	return err
}

func (r *reader) collection() *mongo.Collection {
	return r.c.client.Database(r.s.database()).Collection(r.req.Table.Name)
}

// projection is what to ask for. Where the rest is wanted it is everything.
func (r *reader) projection(follow string) bson.D {
	fields, seen := bson.D{{Key: keyColumn, Value: 1}}, map[string]bool{keyColumn: true}
	for _, name := range append([]string{follow}, r.cols...) {
		if name == restColumn {
			return nil
		}
		if top, _, _ := strings.Cut(name, "."); top != "" && !seen[top] {
			seen[top] = true
			fields = append(fields, bson.E{Key: top, Value: 1})
		}
	}
	return fields
}

// reportLost says what had no Arrow form. The rows arrived with NULL instead.
func (r *reader) reportLost() {
	for name, n := range r.lost {
		r.s.env.Log.Warn("values without a form in the warehouse became NULL or were mended", "table", r.req.Table.Name, "column", name, "values", n)
	}
}

// lastKey is the key of a record's last row, as a record of its own.
func (r *reader) lastKey(record arrow.RecordBatch) arrow.RecordBatch {
	return sqlkit.RowOf(record, r.req.Table.Key, record.NumRows()-1)
}

// keyRecord gives a position's key as an Arrow record.
func (r *reader) keyRecord(text string) (arrow.RecordBatch, error) {
	if text == "" {
		return nil, nil
	}
	v, err := bsonOf(text)
	if err != nil {
		return nil, positionFault(r.req.Table.Name, err)
	}
	d, err := newDecoder(r.req.Table, r.req.Table.Key, nil)
	if err != nil {
		return nil, err
	}
	if !d.fill(d.key, v) {
		return nil, positionFault(r.req.Table.Name, errKeyKind)
	}
	d.rows = 1
	record, _ := d.finish()
	return record, nil
}
