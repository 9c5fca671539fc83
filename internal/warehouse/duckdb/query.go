package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/regrant/regrant/internal/warehouse"
)

const (
	maxQueries     = 2 // at a time: they share DuckDB's memory with the loads
	maxQueryTime   = 60 * time.Second
	maxQueryRows   = 100_000
	maxQueryLength = 1 << 20
)

// Query runs one SELECT in a transaction that cannot write.
func (e *engine) Query(ctx context.Context, statement string, limit int) (warehouse.Result, error) {
	if len(statement) > maxQueryLength {
		return warehouse.Result{}, errors.New("the query is longer than 1 MB")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, maxQueryTime, fmt.Errorf("the query took longer than %s: %w", maxQueryTime, context.DeadlineExceeded))
	defer cancel()
	release, err := acquire(ctx, e.queries)
	if err != nil {
		return warehouse.Result{}, err
	}
	defer release()
	c, err := e.conn(ctx)
	if err != nil {
		return warehouse.Result{}, err
	}
	defer c.Close()
	result, err := e.query(ctx, c, trim(statement), min(max(limit, 0), maxQueryRows))
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return warehouse.Result{}, cause
		}
		if isOutOfMemory(err) {
			err = fmt.Errorf("it needs more memory than the warehouse may use; ask for fewer rows or columns: %w", err)
		}
		return warehouse.Result{}, e.failed(fmt.Errorf("query: %w", err))
	}
	return result, nil
}

func trim(statement string) string {
	return strings.TrimRight(strings.TrimSpace(statement), "; \t\r\n")
}

func (e *engine) query(ctx context.Context, c *sql.Conn, statement string, limit int) (warehouse.Result, error) {
	if err := allowed(ctx, c, statement); err != nil {
		return warehouse.Result{}, err
	}
	// database/sql knows no read-only transactions of DuckDB.
	if _, err := c.ExecContext(ctx, "BEGIN TRANSACTION READ ONLY"); err != nil {
		return warehouse.Result{}, err
	}
	defer func() { _, _ = c.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") }()
	var result warehouse.Result
	var err error
	if result.Columns, err = describe(ctx, c, statement); err != nil {
		return warehouse.Result{}, err
	}
	rows, err := c.QueryContext(ctx, bounded(statement, result.Columns, limit+1))
	if err != nil {
		return warehouse.Result{}, err
	}
	defer rows.Close()
	for rows.Next() {
		if len(result.Rows) == limit {
			result.Truncated = true
			break
		}
		row, err := scan(rows, len(result.Columns))
		if err != nil {
			return warehouse.Result{}, err
		}
		result.Rows = append(result.Rows, row)
	}
	return result, rows.Err()
}

// describe gives the columns without running the statement.
func describe(ctx context.Context, c *sql.Conn, statement string) ([]warehouse.Column, error) {
	rows, err := c.QueryContext(ctx, "SELECT column_name, column_type FROM (DESCRIBE "+statement+"\n)")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var columns []warehouse.Column
	for rows.Next() {
		var col warehouse.Column
		if err := rows.Scan(&col.Name, &col.Type); err != nil {
			return nil, err
		}
		columns = append(columns, col)
	}
	return columns, rows.Err()
}

// bounded wraps the statement: no more rows than wanted are made, and DuckDB
// itself writes as text what JSON has no type for.
func bounded(statement string, columns []warehouse.Column, limit int) string {
	names := make([]string, len(columns))
	exprs := make([]string, len(columns))
	for i, c := range columns {
		names[i] = fmt.Sprintf("c%d", i)
		exprs[i] = plainValue(names[i], c.Type)
	}
	return fmt.Sprintf("SELECT %s FROM (%s\n) AS q(%s) LIMIT %d", strings.Join(exprs, ", "), statement, strings.Join(names, ", "), limit)
}

func plainValue(ref, typ string) string {
	switch typ {
	case "BOOLEAN", tText:
		return ref
	case "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER":
		return ref + "::BIGINT"
	case "FLOAT", "DOUBLE":
		return ref + "::DOUBLE"
	}
	if whole, scale, ok := decimalOf(typ); ok && whole == 0 && scale < 38 {
		return fmt.Sprintf("%s::DECIMAL(%d,%d)::VARCHAR", ref, scale+1, scale) // 0.5, not .5
	}
	if strings.HasSuffix(typ, "]") || strings.HasPrefix(typ, "STRUCT(") || strings.HasPrefix(typ, "MAP(") {
		return "to_json(" + ref + ")::VARCHAR"
	}
	return ref + "::VARCHAR"
}

func scan(rows *sql.Rows, n int) ([]any, error) {
	row := make([]any, n)
	into := make([]any, n)
	for i := range row {
		into[i] = &row[i]
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	for i, v := range row {
		row[i] = jsonable(v)
	}
	return row, nil
}
