package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	dk "github.com/duckdb/duckdb-go/v2"
)

// DuckDB holds blocks per column while it appends and while it writes a
// checkpoint, so what it needs grows with the width of the widest table; a
// limit that is ample for usual tables fails those of hundreds of columns.
const (
	usualColumns   = 50      // of a table that the configured limit suffices for
	memoryOfColumn = 1 << 20 // of each column more
	memorySteps    = 3       // how often the limit is doubled should that not do
)

// allowance is DuckDB's memory limit as it is now. It only grows: a checkpoint
// of the wide table can come at any time after.
type allowance struct {
	base    int64 // configured
	widest  int   // columns of the widest table
	doubled int
}

func (a allowance) limit() string {
	n := a.base + int64(max(a.widest-usualColumns, 0))*memoryOfColumn
	return fmt.Sprintf("%dMB", n<<a.doubled/1e6)
}

// makeRoom raises the limit for a table of so many columns.
func (e *engine) makeRoom(ctx context.Context, c querier, columns int) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if columns <= max(e.memory.widest, usualColumns) {
		return nil
	}
	e.memory.widest = columns
	return e.memory.set(ctx, c)
}

// makeMoreRoom doubles the limit after DuckDB ran out of it; false when that
// was done often enough.
func (e *engine) makeMoreRoom(ctx context.Context, c querier) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.memory.doubled == memorySteps {
		return false
	}
	e.memory.doubled++
	e.log.Warn("the warehouse needs more memory than it was given", slog.String("limit", e.memory.limit()))
	return e.memory.set(ctx, c) == nil
}

func (a allowance) set(ctx context.Context, c querier) error {
	if _, err := c.ExecContext(ctx, "SET GLOBAL memory_limit = "+text(a.limit())); err != nil {
		return fmt.Errorf("set the memory limit: %w", err)
	}
	return nil
}

// widest counts the columns of the widest table of the file.
func widest(ctx context.Context, c querier) (int, error) {
	var n sql.NullInt64
	err := c.QueryRowContext(ctx, "SELECT max(column_count) FROM duckdb_tables() WHERE database_name = ?", rowsDatabase).Scan(&n)
	return int(n.Int64), err
}

func isOutOfMemory(err error) bool {
	var e *dk.Error
	if errors.As(err, &e) && e.Type == dk.ErrorTypeOutOfMemory {
		return true
	}
	return err != nil && contains(strings.ToLower(err.Error()), []string{"out of memory error", "failed to pin block", "could not allocate block", "failed to allocate data"})
}

// parseMemory reads "96MB", "1GB" or "1GiB".
func parseMemory(s string) (int64, error) {
	var n float64
	var unit string
	if _, err := fmt.Sscanf(strings.TrimSpace(s), "%f%s", &n, &unit); err != nil {
		return 0, fmt.Errorf("the memory limit %q is not like \"96MB\"", s)
	}
	factor := map[string]float64{"KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40}[strings.ToUpper(unit)]
	if factor == 0 || n <= 0 {
		return 0, fmt.Errorf("the memory limit %q is not like \"96MB\"", s)
	}
	return int64(n * factor), nil
}
