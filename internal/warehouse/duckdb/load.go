package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/warehouse"
)

// What a load keeps in memory before it moves it into a temporary table,
// which DuckDB keeps on disk when it must. Callers commit before that.
const (
	maxPendingBytes = 64 << 20
	maxPendingRows  = 500_000
)

// kind is what an operation does with its rows.
type kind uint8

const (
	upsert kind = iota
	update
	remove
)

// operation is a run of records of one schema and one kind. Operations are
// applied in the order in which they were asked for.
type operation struct {
	kind    kind
	columns []column
	keys    []column // the part of columns that is the key
	records []arrow.RecordBatch
	rows    int64
	bytes   int64
	spilled string // temporary table that holds the rows instead of records

	hasNulls bool // in the key; known once the rows are distinct
}

func (o *operation) release() {
	for _, r := range o.records {
		r.Release()
	}
	o.records = nil
}

// load is one load of one table, on a connection of its own.
type load struct {
	e       *engine
	spec    warehouse.Spec
	table   *table
	conn    *sql.Conn
	views   *viewer
	unlock  func()
	ops     []*operation
	volume  warehouse.Volume
	held    warehouse.Volume // the part of volume that is in memory
	spills  int
	before  int64 // with Replace: rows of the old table
	written int64 // with Replace: rows of the new table
	done    bool
	failed  bool
}

// Load begins a load once no other load of the table is going on.
func (e *engine) Load(ctx context.Context, spec warehouse.Spec) (warehouse.Load, error) {
	if err := checkSpec(spec); err != nil {
		return nil, err
	}
	unlock, err := e.tables.acquire(ctx, lockKey(spec.Name))
	if err != nil {
		return nil, err
	}
	l := &load{e: e, spec: spec, unlock: unlock}
	if err := l.begin(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("load %s.%s: %w", spec.Name.Schema, spec.Name.Table, err), l.Close())
	}
	return l, nil
}

// lockKey ignores case, as DuckDB's names do.
func lockKey(name warehouse.Name) string {
	return strings.ToLower(name.Schema) + "\x00" + strings.ToLower(name.Table)
}

func checkSpec(spec warehouse.Spec) error {
	if err := checkName(spec.Name); err != nil {
		return err
	}
	if len(spec.Columns) == 0 {
		return errors.New("a load needs columns")
	}
	if len(spec.Key) == 0 && !spec.Replace {
		return errors.New("a table without a key can only be replaced")
	}
	names := map[string]bool{}
	for _, c := range spec.Columns {
		if c.Type == nil || c.Name == "" || names[c.Name] {
			return fmt.Errorf("column %q has no name or no type, or comes twice", c.Name)
		}
		names[c.Name] = true
	}
	for _, k := range spec.Key {
		if !names[k] {
			return fmt.Errorf("the key column %q is not among the columns", k)
		}
	}
	return nil
}

func (l *load) begin(ctx context.Context) (err error) {
	if l.conn, err = l.e.conn(ctx); err != nil {
		return err
	}
	if l.views, err = newViewer(ctx, l.conn); err != nil {
		return l.e.failed(err)
	}
	if l.table, err = l.e.fit(ctx, l.conn, l.spec); err != nil {
		return err
	}
	if l.spec.Replace {
		l.before, err = l.e.alive(ctx, l.conn, l.spec.Name)
	}
	return err
}

// Write keeps the rows for the next commit.
func (l *load) Write(ctx context.Context, batch connector.Batch) error {
	if batch.Deletes != nil {
		defer batch.Deletes.Release()
	}
	if batch.Record != nil {
		if err := l.add(ctx, upsert, batch.Record); err != nil {
			return err
		}
	}
	if batch.Deletes != nil {
		return l.Delete(ctx, batch.Deletes)
	}
	return nil
}

// Update keeps the changes for the next commit.
func (l *load) Update(ctx context.Context, batch connector.Batch) error {
	if batch.Deletes != nil {
		defer batch.Deletes.Release()
	}
	if batch.Record == nil {
		return nil
	}
	return l.add(ctx, update, batch.Record)
}

// Delete keeps the keys for the next commit.
func (l *load) Delete(ctx context.Context, keys arrow.RecordBatch) error {
	if keys == nil {
		return nil
	}
	keys.Retain()
	return l.add(ctx, remove, keys)
}

// add takes over the record, whatever happens.
func (l *load) add(ctx context.Context, k kind, r arrow.RecordBatch) error {
	if err := l.usable(); err != nil {
		r.Release()
		return err
	}
	if r.NumRows() == 0 {
		r.Release()
		return nil
	}
	op, err := l.operationFor(k, r)
	if err != nil {
		r.Release()
		return err
	}
	size := sizeOf(r)
	op.records = append(op.records, r)
	op.rows += r.NumRows()
	op.bytes += size
	l.volume.Rows += r.NumRows()
	l.volume.Bytes += size
	l.held.Rows += r.NumRows()
	l.held.Bytes += size
	if l.held.Bytes > maxPendingBytes || l.held.Rows > maxPendingRows {
		if err := l.spill(ctx); err != nil {
			l.failed = true
			return err
		}
	}
	return nil
}

// usable refuses work after rows were lost.
func (l *load) usable() error {
	switch {
	case l.done:
		return errors.New("the load is closed")
	case l.failed:
		return errors.New("the load has failed before")
	}
	return nil
}

// operationFor continues the last operation or begins one.
func (l *load) operationFor(k kind, r arrow.RecordBatch) (*operation, error) {
	if n := len(l.ops); n > 0 {
		last := l.ops[n-1]
		if last.kind == k && last.spilled == "" && last.records[0].Schema().Equal(r.Schema()) {
			return last, nil
		}
	}
	op, err := l.newOperation(k, r.Schema())
	if err != nil {
		return nil, err
	}
	l.ops = append(l.ops, op)
	return op, nil
}

func (l *load) newOperation(k kind, schema *arrow.Schema) (*operation, error) {
	if k != upsert && len(l.spec.Key) == 0 {
		return nil, errors.New("a table without a key has no rows to find")
	}
	var only []string
	if k == remove {
		only = l.spec.Key
	}
	columns, err := l.table.columnsOf(schema, only)
	if err != nil {
		return nil, err
	}
	keys, err := l.keysOf(columns)
	if err != nil {
		return nil, err
	}
	return &operation{kind: k, columns: columns, keys: keys}, nil
}

// keysOf gives the key's part of the columns, in the key's order.
func (l *load) keysOf(columns []column) ([]column, error) {
	keys := make([]column, 0, len(l.spec.Key))
	for _, k := range l.spec.Key {
		i := indexOf(columns, k)
		if i < 0 {
			return nil, fmt.Errorf("a record lacks the key column %q", k)
		}
		keys = append(keys, columns[i])
	}
	return keys, nil
}

func indexOf(columns []column, field string) int {
	for i, c := range columns {
		if c.field.Name == field {
			return i
		}
	}
	return -1
}

// spill moves what is in memory into temporary tables.
func (l *load) spill(ctx context.Context) error {
	for _, op := range l.ops {
		if op.spilled != "" {
			continue
		}
		op.distinct()
		src, err := l.views.view(ctx, op.columns, op.records)
		if err != nil {
			return l.e.failed(err)
		}
		l.spills++
		name := fmt.Sprintf("temp.main.spill_%d", l.spills)
		_, err = l.conn.ExecContext(ctx, "CREATE TEMP TABLE "+name+" AS SELECT * FROM "+src.from)
		src.release()
		if err != nil {
			return l.e.failed(fmt.Errorf("keep rows until the commit: %w", err))
		}
		op.spilled = name
		op.release()
	}
	l.held = warehouse.Volume{}
	return nil
}

// Pending is what the next commit will write.
func (l *load) Pending() warehouse.Volume { return l.volume }

// Close lets go of everything that was not committed.
func (l *load) Close() error {
	if l.unlock == nil {
		return nil
	}
	l.done = true
	var err error
	ctx := context.Background()
	if l.conn != nil {
		l.forget(ctx)
		if l.spec.Replace && l.table != nil && l.table.shadow {
			_, err = l.conn.ExecContext(ctx, "DROP TABLE IF EXISTS "+l.table.sql())
			if isFatal(err) { // it is dropped at the next load
				_, err = l.e.failed(err), nil
			}
		}
		// Back to the pool as it came, so that the next owner finds no stage.
		_, _ = l.conn.ExecContext(ctx, use(l.e.name))
		if closed := l.conn.Close(); !errors.Is(closed, sql.ErrConnDone) { // a cancelled call has given it up already
			err = errors.Join(err, closed)
		}
	}
	l.unlock()
	l.unlock = nil
	if err != nil {
		l.e.log.Warn("close a load", slog.Any("error", err))
	}
	return err
}

// forget drops what is pending.
func (l *load) forget(ctx context.Context) {
	for _, op := range l.ops {
		op.release()
		if op.spilled != "" {
			_, _ = l.conn.ExecContext(ctx, "DROP TABLE IF EXISTS "+op.spilled)
		}
	}
	l.ops, l.volume, l.held = nil, warehouse.Volume{}, warehouse.Volume{}
}
