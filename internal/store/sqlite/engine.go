package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

type engine struct{ write *sql.DB }

// Unique says whether the error is a broken unique constraint.
func (engine) Unique(err error) bool {
	return is(err, lib.SQLITE_CONSTRAINT_UNIQUE) || is(err, lib.SQLITE_CONSTRAINT_PRIMARYKEY)
}

// Foreign says whether the error is a reference to a missing row.
func (engine) Foreign(err error) bool { return is(err, lib.SQLITE_CONSTRAINT_FOREIGNKEY) }

// Full says whether the error is that there is no room on the disk.
func (engine) Full(err error) bool { return is(err, lib.SQLITE_FULL) }

// Scrub moves the write-ahead log into the database and empties it, so that
// it keeps no copy of pages that were overwritten. A reader that is still
// busy with the log makes it stay for the next time.
func (e engine) Scrub(ctx context.Context) error {
	var busy, pages, moved int
	err := e.write.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &pages, &moved)
	if err != nil {
		return fmt.Errorf("empty the write-ahead log: %w", err)
	}
	return nil
}

func is(err error, code int) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code() == code
}
