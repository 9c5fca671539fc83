//go:build !unix

package duckdb

import (
	"fmt"
	"os"
)

// lockFile leaves the locking to DuckDB, which holds the file exclusively.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the warehouse: %w", err)
	}
	return f, nil
}
