package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	lib "modernc.org/sqlite/lib"
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrNewer means that a newer version of the product wrote the database.
var ErrNewer = errors.New("it was written by a newer version of Regrant; start that version, or restore a backup made before the upgrade")

// ErrDamaged means that the file is not a database, or not a whole one.
var ErrDamaged = errors.New("the file is damaged or is not a state database; restore it from a backup, or start with an empty data directory")

// migrate brings the database to this version: ours first, then the queue's.
func migrate(ctx context.Context, db *sql.DB) error {
	numbered, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	ours, err := goose.NewProvider(goose.DialectSQLite3, db, numbered, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("prepare migrations: %w", err)
	}
	has, knows, err := ours.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("ask for its version: %w", err)
	}
	if has > knows {
		return ErrNewer
	}
	if _, err := ours.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return migrateQueue(ctx, db)
}

func migrateQueue(ctx context.Context, db *sql.DB) error {
	queue, err := rivermigrate.New(riversqlite.New(db), nil)
	if err != nil {
		return fmt.Errorf("prepare the queue's migrations: %w", err)
	}
	if _, err := queue.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate the queue: %w", err)
	}
	return nil
}

// explain puts a sentence for people before what the driver says.
func explain(err error) error {
	if is(err, lib.SQLITE_NOTADB) || is(err, lib.SQLITE_CORRUPT) {
		return fmt.Errorf("%w (%w)", ErrDamaged, err)
	}
	return err
}
