//go:build unix

package duckdb

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/regrant/regrant/internal/warehouse"
)

// lockFile keeps a second Regrant away. DuckDB's own lock does not see a
// second opening in the same process.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the warehouse: %w", classify(err))
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("%w: stop the other Regrant or choose another data directory", warehouse.ErrInUse)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	return f, nil
}
