package postgresql

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
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
	held bool  // a transaction is open over several statements
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
			return nil, r.changed("column_denied", fmt.Sprintf("The role may not read the column %s of %s any more. Ask for: GRANT SELECT (%s) ON %s.%s TO the role.",
				name, r.t.full(), ident(name), ident(r.t.schema), ident(r.t.name)))
		}
		cols = append(cols, c)
	}
	return cols, nil
}

func (r *reader) changed(code, public string) *connector.Fault {
	return &connector.Fault{Cause: connector.AccessChanged, Code: "postgresql." + code, Step: connector.StepRead, Scope: connector.OneTable, Table: r.t.full(),
		Public: public, Err: errors.New("the catalog says so")}
}

func (r *reader) ours(code, public string, err error) *connector.Fault {
	return &connector.Fault{Cause: connector.Ours, Code: "postgresql." + code, Step: connector.StepRead, Scope: connector.OneTable, Table: r.req.Table.Name,
		Public: public, Err: err}
}

// giveBack keeps the session for the next call, unless it is of no use.
func (r *reader) giveBack() {
	if r.held {
		r.c.recover(context.Background())
	}
	r.s.put(r.c)
}

// fresh replaces a worn-out session between two pages: a role that may not
// log in any more must be noticed within one session's life.
func (r *reader) fresh(ctx context.Context) (err error) {
	if r.held || r.c.usable(time.Now()) {
		return nil
	}
	r.c.close()
	r.c, err = r.s.connect(ctx)
	return err
}

// ask asks one statement on the reading's session.
func (r *reader) ask(ctx context.Context, sql string) ([][][]byte, error) {
	if err := r.fresh(ctx); err != nil {
		return nil, err
	}
	if r.held {
		return r.c.rowsWithin(ctx, sql)
	}
	return r.c.rows(ctx, sql)
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

// order is one column by which rows are put in order.
type order struct {
	c    *col
	text bool // by the bytes of the column's text, not by the source's own order
}

// rawOrder follows the source's own order, which its indexes have. Types whose
// operators may be off the search path are compared as text.
func rawOrder(cols []*col) []order {
	terms := make([]order, len(cols))
	for i, c := range cols {
		terms[i] = order{c, c.form.foreign}
	}
	return terms
}

// plainOrder follows an order that the warehouse has, too: numbers and dates
// by value, text by its bytes.
func plainOrder(cols []*col) []order {
	terms := make([]order, len(cols))
	for i, c := range cols {
		terms[i] = order{c, !c.form.native}
	}
	return terms
}

// indexed says whether an index on the columns would have this order.
func indexed(terms []order) bool {
	return !slices.ContainsFunc(terms, func(o order) bool { return o.text && !o.c.native() })
}

// native says whether the column's own order is that of its text's bytes.
func (c *col) native() bool {
	return c.bytewise && c.form.cast == "" && c.source.namespace == "pg_catalog"
}

func (o order) expr() string {
	switch name := "t." + ident(o.c.name); {
	case !o.text, o.c.native():
		return name
	case o.c.form.cast == "":
		return name + ` COLLATE pg_catalog."C"`
	default:
		return "(" + name + `::text) COLLATE pg_catalog."C"`
	}
}

func (o order) literal(text string) string {
	if o.text && !o.c.native() {
		return literal(text) + "::text"
	}
	return literal(text) + "::" + o.c.castType
}

// tuple writes the order's columns as one value to compare.
func tuple(terms []order, write func(int) string) string {
	list := ""
	for i := range terms {
		if i > 0 {
			list += ", "
		}
		list += write(i)
	}
	if len(terms) == 1 {
		return list
	}
	return "ROW(" + list + ")"
}

func left(terms []order) string { return tuple(terms, func(i int) string { return terms[i].expr() }) }

func right(terms []order, texts []string) string {
	return tuple(terms, func(i int) string { return terms[i].literal(texts[i]) })
}

func orderBy(terms []order) string {
	list := ""
	for i, o := range terms {
		if i > 0 {
			list += ", "
		}
		list += o.expr()
	}
	return list
}
