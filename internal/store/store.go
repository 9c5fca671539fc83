package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/regrant/regrant/internal/integration"
)

// Config is what an engine hands in.
type Config struct {
	Write *sql.DB // transactions on it exclude each other's changes
	Read  *sql.DB // sees everything committed; nil: the same as Write

	// Engine knows what the statements cannot say in one dialect.
	Engine Engine
}

// Engine is the part of a database that differs between engines.
type Engine interface {
	// Unique says whether the error is a broken unique constraint.
	Unique(error) bool
	// Foreign says whether the error is a reference to a missing row.
	Foreign(error) bool
	// Full says whether the error is that there is no room on the disk.
	Full(error) bool
	// Scrub removes what deleted rows left behind in files beside the
	// database; it is called after sealed credentials were destroyed.
	Scrub(context.Context) error
}

// Store fills the storage interfaces of integration, credential and people.
type Store struct {
	write, read *sql.DB
	engine      Engine
	cache       cache
	prune       func() bool // whether this change also prunes history
	limits      limits
}

// limits bound the history that is kept of one integration.
type limits struct{ events, pulls int }

// ErrFull means that a change could not be stored for want of room.
var ErrFull = errors.New("the disk that holds the state is full: free some space; nothing is lost meanwhile")

// pruneOneIn is how many changes share the cost of one pruning, on average.
const pruneOneIn = 64

// New makes a Store on a migrated database.
func New(c Config) *Store {
	if c.Read == nil {
		c.Read = c.Write
	}
	return &Store{
		write: c.Write, read: c.Read, engine: c.Engine,
		prune:  func() bool { return rand.IntN(pruneOneIn) == 0 },
		limits: limits{events: 10_000, pulls: 1_000},
	}
}

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	if err := s.read.QueryRowContext(ctx, `SELECT 1`).Scan(&one); err != nil {
		return fmt.Errorf("ask the state database: %w", err)
	}
	return nil
}

// inTx runs do in one transaction: all of it is stored, or nothing.
func (s *Store) inTx(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin a change: %w", s.explain(err))
	}
	if err := do(tx); err != nil {
		_ = tx.Rollback() // the first error tells more
		return s.explain(err)
	}
	if err := tx.Commit(); err != nil {
		_ = tx.Rollback() // a connection must not keep a change that failed
		return fmt.Errorf("commit a change: %w", s.explain(err))
	}
	return nil
}

// inSnapshot runs do on one consistent view of the database.
func (s *Store) inSnapshot(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("begin to read: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was changed
	return do(tx)
}

// explain turns an error of the engine into one that callers act on.
func (s *Store) explain(err error) error {
	if s.engine.Full(err) {
		return fmt.Errorf("%w (%w)", ErrFull, err)
	}
	if s.engine.Foreign(err) {
		return fmt.Errorf("%w: the integration does not exist", integration.ErrNotFound)
	}
	return err
}

// changed returns ErrNotFound when a statement met no row.
func changed(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err != nil {
		return err
	}
	if n == 0 {
		return integration.ErrNotFound
	}
	return nil
}

// noRow turns sql.ErrNoRows into the error that callers act on.
func noRow(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return integration.ErrNotFound
	}
	return err
}
