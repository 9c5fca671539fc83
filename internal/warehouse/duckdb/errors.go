package duckdb

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	dk "github.com/duckdb/duckdb-go/v2"

	"github.com/regrant/regrant/internal/warehouse"
)

// DuckDB gives a type to its errors but none that tells a full disk or a held
// lock from other input and output errors; these are the words it uses.
var (
	diskFullWords = []string{"no space left on device", "disk quota exceeded", "file too large", "not enough space", "failed to offload data block"}
	inUseWords    = []string{"could not set lock on file", "conflicting lock", "being used by another process"}
	versionWords  = []string{"trying to read a database file with version number", "serialization version", "newer version of duckdb"}
	foreignWords  = []string{"not a valid duckdb database file", "is not a valid", "corrupt database file", "checksum", "could not read enough bytes"}
)

// classify adds the error that callers act on.
func classify(err error) error {
	if err == nil {
		return nil
	}
	for _, known := range []error{warehouse.ErrDiskFull, warehouse.ErrInUse, warehouse.ErrVersion, warehouse.ErrReadOnly} {
		if errors.Is(err, known) {
			return err
		}
	}
	words := strings.ToLower(err.Error())
	switch {
	case errors.Is(err, syscall.ENOSPC), contains(words, diskFullWords):
		return fmt.Errorf("%w: %w", warehouse.ErrDiskFull, err)
	case contains(words, inUseWords):
		return fmt.Errorf("%w: %w", warehouse.ErrInUse, err)
	}
	return err
}

// classifyOpen also knows the errors that only opening a file has.
func classifyOpen(path string, err error) error {
	words := strings.ToLower(err.Error())
	switch {
	case contains(words, versionWords):
		return fmt.Errorf("%w: %s needs another version of DuckDB: %w", warehouse.ErrVersion, path, err)
	case contains(words, foreignWords):
		return fmt.Errorf("%w: %s is not a DuckDB file or is damaged: %w", warehouse.ErrVersion, path, err)
	}
	return fmt.Errorf("open warehouse %s: %w", path, classify(err))
}

// isFatal says that DuckDB refuses all further work until it is opened again,
// which it does after it could not write what it had promised.
func isFatal(err error) bool {
	var e *dk.Error
	if errors.As(err, &e) && (e.Type == dk.ErrorTypeFatal || e.Type == dk.ErrorTypeInternal) {
		return true
	}
	return err != nil && strings.Contains(strings.ToLower(err.Error()), "has been invalidated")
}

func contains(words string, any []string) bool {
	for _, w := range any {
		if strings.Contains(words, w) {
			return true
		}
	}
	return false
}
