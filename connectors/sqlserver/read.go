package sqlserver

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
)

// reader is one Read: a session of its own (others may be asked while the
// consumer works on a batch), the table as it is now, and where batches go.
type reader struct {
	s    *source
	c    *session
	req  connector.Request
	t    *table
	cols []*col // the requested columns
	key  []*col
	emit func(connector.Batch) error
	size *sqlkit.PageSize
	left int64 // rows that Request.Limit still allows; -1: any number
	lost map[string]int64
}

// errEnough ends a reading at Request.Limit.
var errEnough = errors.New("the limit of rows was reached") //nolint:gochecknoglobals // a sentinel

func (s *source) read(ctx context.Context, req connector.Request) iter.Seq2[connector.Batch, error] {
	produce := func(ctx context.Context, emit func(connector.Batch) error) error {
		r := &reader{s: s, req: req, emit: emit, size: s.pageSize(req.Table.Name), left: -1, lost: map[string]int64{}}
		if req.Limit > 0 {
			r.left = req.Limit
		}
		defer r.giveBack()
		err := r.run(ctx)
		if errors.Is(err, errEnough) {
			err = nil
		}
		r.reportLost()
		return err
	}
	return func(yield func(connector.Batch, error) bool) {
		for b, err := range sqlkit.Ahead(ctx, produce, connector.Batch.Release) {
			if !yield(b, s.classify(ctx, err, connector.StepRead, req.Table.Name)) {
				return
			}
		}
	}
}

// run prepares and goes by what is asked for.
func (r *reader) run(ctx context.Context) (err error) {
	if r.c, err = r.s.take(ctx); err != nil {
		return err
	}
	if r.t, err = r.s.describe(ctx, r.c, r.req.Table.Name); err != nil {
		return err
	}
	r.key = r.t.keyColumns()
	if r.cols, err = r.choose(r.req.Columns); err != nil {
		return err
	}
	switch {
	case r.req.Pass == connector.PassKeys:
		r.cols = r.key
		return r.pass(ctx)
	case r.req.Pass == connector.PassColumns:
		return r.pass(ctx)
	}
	switch r.req.Replication.Method {
	case connector.ModifiedAt, connector.AddDate, connector.AutoIncrement:
		return r.follow(ctx)
	case connector.PrimaryKeyBatch:
		return r.batches(ctx)
	case connector.FullTable:
		return r.full(ctx)
	case connector.Paused:
		return nil
	default:
		return r.ours("method", "This table cannot be read by that method.", fmt.Errorf("no method %q", r.req.Replication.Method))
	}
}

// choose finds the requested columns in the table as it is now.
func (r *reader) choose(names []string) ([]*col, error) {
	cols := make([]*col, 0, len(names))
	for _, name := range names {
		c := r.t.byName[name]
		if c == nil {
			return nil, r.changed("column_missing", fmt.Sprintf("The column %s of %s does not exist any more.", name, r.t.full()))
		}
		if !c.readable {
			return nil, r.changed("column_denied", fmt.Sprintf("The login may not read the column %s of %s any more. Ask for: GRANT SELECT ON %s.%s (%s) TO the user.",
				name, r.t.full(), ident(r.t.schema), ident(r.t.name), ident(name)))
		}
		cols = append(cols, c)
	}
	return cols, nil
}

func (r *reader) changed(code, public string) *connector.Fault {
	return &connector.Fault{Cause: connector.AccessChanged, Code: id + "." + code, Step: connector.StepRead, Scope: connector.OneTable, Table: r.t.full(),
		Public: public, Err: errors.New("the catalog says so")}
}

func (r *reader) ours(code, public string, err error) *connector.Fault {
	return &connector.Fault{Cause: connector.Ours, Code: id + "." + code, Step: connector.StepRead, Scope: connector.OneTable, Table: r.req.Table.Name,
		Public: public, Err: err}
}

// giveBack keeps the session for the next call, unless it is of no use.
func (r *reader) giveBack() { r.s.put(r.c) }

// fresh replaces a worn-out session between two pages: a login that was
// disabled must be noticed within one session's life.
func (r *reader) fresh(ctx context.Context) (err error) {
	if r.c.usable(time.Now()) {
		return nil
	}
	r.c.close()
	r.c, err = r.s.connect(ctx)
	return err
}

// ask asks one statement on the reading's session.
func (r *reader) ask(ctx context.Context, sql string) ([][]driver.Value, error) {
	if err := r.fresh(ctx); err != nil {
		return nil, err
	}
	rows, err := r.c.rows(ctx, sql)
	if refusesSnapshot(err) && r.c.snapshot {
		if err := r.plainly(ctx); err != nil {
			return nil, err
		}
		return r.c.rows(ctx, sql)
	}
	return rows, err
}

// plainly goes on without snapshot isolation.
func (r *reader) plainly(ctx context.Context) error {
	if err := r.fresh(ctx); err != nil {
		return err
	}
	return r.c.withoutSnapshot(ctx)
}

// reportLost says what had no Arrow form. The rows arrived with NULL instead.
func (r *reader) reportLost() {
	for name, n := range r.lost {
		r.s.env.Log.Warn("values without a form in the warehouse became NULL", "table", r.req.Table.Name, "column", name, "values", n)
	}
}

// batch is a piece as the contract knows it.
func (p piece) batch(at connector.Position) connector.Batch {
	return connector.Batch{Record: p.record, Position: at, Bytes: p.bytes}
}
