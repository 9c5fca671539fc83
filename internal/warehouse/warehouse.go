// Package warehouse is where pulled rows live. It holds the contract that
// every engine keeps; engines are folders below, the suite they all pass is
// warehousetest. It knows nothing of third parties, schedules or credentials.
package warehouse

import (
	"context"
	"errors"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/regrant/regrant/connector"
)

// Warehouse keeps tables and, beside their rows, how far each has been read.
// All methods may be called from many goroutines; loads of different tables
// run side by side, of one table one at a time.
type Warehouse interface {
	// Describe returns what the warehouse holds of the table.
	// A table that was never loaded is zero State, not an error.
	Describe(ctx context.Context, name Name) (State, error)

	// Load begins a load. It creates the table when it is missing and widens
	// it to the spec's columns; a column is never dropped and never narrowed.
	Load(ctx context.Context, spec Spec) (Load, error)

	// SetPosition replaces the position without rows ("" reads from the start
	// again, over the rows that are there).
	SetPosition(ctx context.Context, name Name, position connector.Position) error

	// Drop removes a table and its position.
	Drop(ctx context.Context, name Name) error

	// DropSchema removes all tables and positions of an integration.
	DropSchema(ctx context.Context, schema string) error

	// Query runs one statement that only reads and yields at most limit rows.
	// A statement that would write is refused with ErrReadOnly.
	Query(ctx context.Context, sql string, limit int) (Result, error)

	// Check proves that the warehouse can be written to (disk, permissions).
	Check(ctx context.Context) error

	Close() error
}

// Name is a table in the warehouse: schema is the integration's slug.
type Name struct{ Schema, Table string }

// Spec is what a load will write.
type Spec struct {
	Name    Name
	Key     []string // columns; empty only with Replace
	Columns []connector.Column
	Replace bool // build the table anew beside the old one, swap at the last Commit
}

// Load collects batches and commits them together with a position. It is used
// by one goroutine.
type Load interface {
	// Write takes over the batch (rows are inserted or, by key, overwritten;
	// within one load a later row wins) and may keep it in memory, bounded.
	// It releases the batch's records when it is done with them.
	Write(ctx context.Context, batch connector.Batch) error

	// Update takes over rows of key and some columns and changes those columns
	// of rows that are there and differ. It inserts nothing.
	Update(ctx context.Context, batch connector.Batch) error

	// Missing returns the keys (key columns only, at most limit rows, then
	// truncated is true) that the warehouse has alive within batch.Complete
	// and that batch.Record lacks. It writes nothing and does not release.
	Missing(ctx context.Context, batch connector.Batch, limit int) (keys arrow.RecordBatch, truncated bool, err error)

	// Delete marks the rows with these keys as deleted
	// (_regrant_deleted_at); the load does not release keys.
	Delete(ctx context.Context, keys arrow.RecordBatch) error

	// Pending is how much was written since the last Commit.
	Pending() Volume

	// Commit makes everything since the last Commit visible together with the
	// position, in one transaction, and returns what changed. The load can go
	// on after it. With Replace nothing is visible before Finish.
	Commit(ctx context.Context, position connector.Position) (Counts, error)

	// Finish is the last Commit: with Replace it swaps the new table in.
	Finish(ctx context.Context, position connector.Position) (Counts, error)

	// Close discards what was not committed. It may be called at any time,
	// twice, and after Finish.
	Close() error
}

// Volume is an amount of rows.
type Volume struct{ Rows, Bytes int64 }

// Counts is what a commit changed.
type Counts struct{ Inserted, Updated, Deleted int64 }

// Add adds.
func (c Counts) Add(d Counts) Counts {
	return Counts{c.Inserted + d.Inserted, c.Updated + d.Updated, c.Deleted + d.Deleted}
}

// State is what the warehouse holds of a table.
type State struct {
	Exists    bool
	Rows      int64 // alive; rows marked as deleted are not counted
	Deleted   int64 // marked as deleted
	Position  connector.Position
	Moved     time.Time // when the position last moved; zero: never
	Columns   []Column
	LastPoint time.Time // newest _regrant_pulled_at
}

// Column is a column of a warehouse table.
type Column struct{ Name, Type string }

// Result is what a query gave. Values are what JSON can hold: string, float64,
// int64, bool, nil; dates and decimals are strings.
type Result struct {
	Columns   []Column
	Rows      [][]any
	Truncated bool
}

// The columns every table has beside its own.
const (
	PulledAt  = "_regrant_pulled_at"
	DeletedAt = "_regrant_deleted_at"
)

// Errors that callers act on.
var (
	// ErrReadOnly refuses a query that would write.
	ErrReadOnly = errors.New("only statements that read are allowed")
	// ErrVersion means that the warehouse was written by a version of the
	// engine or of Regrant that this one cannot read.
	ErrVersion = errors.New("the warehouse was written by another version")
	// ErrDiskFull means that there is no space left.
	ErrDiskFull = errors.New("no space left for the warehouse")
	// ErrInUse means that another process holds the warehouse.
	ErrInUse = errors.New("the warehouse is in use by another process")
)
