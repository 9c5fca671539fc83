package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"

	_ "modernc.org/sqlite" // the driver

	"github.com/regrant/regrant/internal/store"
)

// DB is an open state database. Write has one connection: SQLite knows one
// writer at a time, and a queue in Go is fairer than one of busy retries. The
// job queue shares it. Read cannot change anything.
type DB struct {
	Write, Read *sql.DB
	store       *store.Store
}

// Open opens the file, creates it when it does not exist, and migrates it.
// The caller makes sure that one process at a time uses it.
func Open(ctx context.Context, path string) (*DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find the state database: %w", err)
	}
	if err := private(path); err != nil {
		return nil, fmt.Errorf("open the state database %s: %w", path, err)
	}
	db, err := connect(path)
	if err != nil {
		return nil, fmt.Errorf("open the state database %s: %w", path, err)
	}
	if err := migrate(ctx, db.Write); err != nil {
		return nil, errors.Join(fmt.Errorf("open the state database %s: %w", path, explain(err)), db.Close())
	}
	return db, nil
}

// private makes sure that only the owner can read what will be written.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func connect(path string) (*DB, error) {
	write, err := sql.Open("sqlite", address(path, "_txlock=immediate"))
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	read, err := sql.Open("sqlite", address(path, "_pragma=query_only(1)"))
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(max(4, runtime.NumCPU()))
	read.SetMaxIdleConns(4)
	state := store.New(store.Config{Write: write, Read: read, Engine: engine{write}})
	return &DB{Write: write, Read: read, store: state}, nil
}

// address names the file with what every connection needs: credentials are
// on the disk when a commit returns, and deleted ones are overwritten.
func address(path, more string) string {
	u := url.URL{Scheme: "file", Path: path}
	return u.String() + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" +
		"&_pragma=foreign_keys(1)&_pragma=secure_delete(1)&_pragma=journal_size_limit(67108864)&" + more
}

// Store returns the state kept in the database: the same one each time.
func (d *DB) Store() *store.Store { return d.store }

// Check reads the whole database and says whether it is sound. It takes as
// long as reading the file; the product goes on meanwhile.
func (d *DB) Check(ctx context.Context) error {
	var first string
	if err := d.Read.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&first); err != nil {
		return fmt.Errorf("check the state database: %w", explain(err))
	}
	if first != "ok" {
		return fmt.Errorf("check the state database: %w (%s)", ErrDamaged, first)
	}
	return nil
}

// Close closes all connections. It may be called twice.
func (d *DB) Close() error { return errors.Join(d.Read.Close(), d.Write.Close()) }
