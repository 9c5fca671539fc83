package duckdb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	dk "github.com/duckdb/duckdb-go/v2"

	"github.com/regrant/regrant/internal/warehouse"
)

// Config says which file and what it may cost.
type Config struct {
	Path        string // of the DuckDB file; it is made when missing
	MemoryLimit string // of DuckDB's own memory; "" is DefaultMemoryLimit
	Threads     int    // 0 is DefaultThreads
	TempDir     string // for what does not fit in memory; "" is beside the file
	Log         *slog.Logger
}

// DefaultMemoryLimit keeps a pull of any size within 200 MB over idle, the
// records that wait for a commit included.
const DefaultMemoryLimit = "96MB"

// DefaultThreads is one: each thread of an insert leaves a row group that is
// not full, and putting those together later costs more than the second
// thread gains. The other core decodes what comes next.
const DefaultThreads = 1

// rowGroup is how many rows DuckDB compresses and writes at once. A commit of
// fewer goes through the log and is written twice; pulls of wide tables commit
// about so many. DuckDB's own choice is twice that and takes more memory.
const rowGroup = 61_440

// block is how much DuckDB holds of each column while it appends. Its own
// choice is four times that, which makes a table of a hundred columns take
// more than a pull may.
const block = 65_536

// layoutVersion is raised when the tables of _regrant change.
const layoutVersion = 1

// engine is the open file. DuckDB refuses all work after it could not write
// what it had promised, so the file can be closed and opened again under it.
type engine struct {
	cfg  Config
	log  *slog.Logger
	lock *os.File

	mu     sync.Mutex // guards what follows
	db     *sql.DB
	name   string // DuckDB's name of the file
	broken bool   // to be opened again
	memory allowance
	closed bool

	tables  locks         // one load of a table at a time
	commits chan struct{} // one commit at a time: it keeps memory bounded
	queries chan struct{}
}

var _ warehouse.Warehouse = (*engine)(nil)

// Open opens the file or makes it. It fails with ErrInUse when somebody else
// has it open, with ErrVersion when it is not a file of this version.
func Open(ctx context.Context, cfg Config) (warehouse.Warehouse, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	memory, err := parseMemory(cfg.MemoryLimit)
	if err != nil {
		return nil, err
	}
	lock, err := lockFile(cfg.Path + ".lock")
	if err != nil {
		return nil, err
	}
	e := &engine{
		cfg: cfg, log: cfg.Log, lock: lock, memory: allowance{base: memory},
		commits: make(chan struct{}, 1),
		queries: make(chan struct{}, maxQueries),
	}
	if err := e.open(ctx); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return e, nil
}

func (c *Config) complete() error {
	if c.Path == "" || strings.ContainsAny(c.Path, "?\x00") {
		return fmt.Errorf("the path of the warehouse %q is empty or holds a question mark", c.Path)
	}
	path, err := filepath.Abs(c.Path)
	if err != nil {
		return fmt.Errorf("path of the warehouse: %w", err)
	}
	c.Path = path
	if c.MemoryLimit == "" {
		c.MemoryLimit = DefaultMemoryLimit
	}
	if c.Threads == 0 {
		c.Threads = DefaultThreads
	}
	if c.TempDir == "" {
		c.TempDir = path + ".tmp"
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// open connects to the file and prepares it; the caller holds mu or is alone.
// The file is attached to a database in memory, because how large its row
// groups are can be said only so.
func (e *engine) open(ctx context.Context) error {
	if err := checkHeader(e.cfg.Path); err != nil {
		return err
	}
	var attached atomic.Bool
	con, err := dk.NewConnector(e.cfg.dsn(e.memory.limit()), func(x driver.ExecerContext) error {
		if !attached.Load() {
			return nil
		}
		_, err := x.ExecContext(context.Background(), use(rowsDatabase), nil)
		return err
	})
	if err != nil {
		return classifyOpen(e.cfg.Path, err)
	}
	db := sql.OpenDB(con)
	db.SetMaxIdleConns(4)
	if err := prepare(ctx, db, e.cfg.Path); err != nil {
		return errors.Join(classifyOpen(e.cfg.Path, err), db.Close())
	}
	attached.Store(true)
	n, err := widest(ctx, db)
	if err == nil && n > max(e.memory.widest, usualColumns) {
		e.memory.widest = n
		err = e.memory.set(ctx, db)
	}
	if err != nil {
		return errors.Join(classifyOpen(e.cfg.Path, err), db.Close())
	}
	e.db, e.name, e.broken = db, rowsDatabase, false
	return nil
}

func use(database string) string { return "USE " + quote(database) + ".main" }

// checkHeader refuses a file of another program: DuckDB itself would look for
// an extension that reads it.
func checkHeader(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open warehouse: %w", err)
	}
	defer f.Close()
	header := make([]byte, 12) // a checksum, then the word
	n, err := io.ReadFull(f, header)
	if err == io.EOF || err == nil && string(header[8:]) == "DUCK" {
		return nil
	}
	if n == 0 {
		return fmt.Errorf("open warehouse: %w", err)
	}
	return fmt.Errorf("%w: %s is not a DuckDB file", warehouse.ErrVersion, path)
}

func (c Config) dsn(limit string) string {
	q := url.Values{
		"memory_limit":   {limit},
		"threads":        {strconv.Itoa(c.Threads)},
		"temp_directory": {c.TempDir},
		// Nothing is fetched from the network, not even at opening.
		"autoinstall_known_extensions": {"false"},
		"autoload_known_extensions":    {"false"},
	}
	return ":memory:?" + q.Encode()
}

// settings are for good: the last one locks them. The warehouse reads and
// writes its own file and nothing else, whatever a query asks for.
func settings(path string) []string {
	return []string{
		// The storage version gives better compression than what DuckDB writes
		// by default for the sake of versions before the one linked here.
		fmt.Sprintf("ATTACH %s AS %s (STORAGE_VERSION 'v1.4.0', ROW_GROUP_SIZE %d, BLOCK_SIZE %d)", text(path), quote(rowsDatabase), rowGroup, block),
		use(rowsDatabase),
		"SET GLOBAL TimeZone = 'UTC'",
		"SET GLOBAL preserve_insertion_order = false", // inserts need not buffer to keep an order
		// Row groups that are not full are put together at checkpoints; all at
		// once this takes as long as the load did, and commits wait for it.
		"SET GLOBAL max_vacuum_tasks = 1",
		"SET GLOBAL wal_autocheckpoint = '64MB'",
		"SET GLOBAL allow_community_extensions = false",
		"ATTACH ':memory:' AS " + quote(stage),
		"SET GLOBAL allowed_configs = ['memory_limit']", // see allowance
		"SET GLOBAL enable_external_access = false",
		"SET GLOBAL lock_configuration = true",
	}
}

// prepare makes what the engine needs besides the tables of the integrations.
func prepare(ctx context.Context, db *sql.DB, path string) error {
	c, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	for _, statement := range settings(path) {
		if _, err := c.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	own := quote(rowsDatabase) + "." + quote(ownSchema)
	var version int
	err = c.QueryRowContext(ctx, "SELECT max(version) FROM "+own+".layout").Scan(&version)
	switch {
	case err != nil && strings.Contains(err.Error(), "Catalog Error"):
		return create(ctx, c, own)
	case err != nil:
		return err
	case version > layoutVersion:
		return fmt.Errorf("%w: its layout is %d, this Regrant knows %d; use the newer Regrant", warehouse.ErrVersion, version, layoutVersion)
	}
	return nil
}

// create lays down our own tables in one transaction.
func create(ctx context.Context, c *sql.Conn, own string) error {
	tx, err := c.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for _, statement := range []string{
		"CREATE SCHEMA IF NOT EXISTS " + own,
		"CREATE TABLE IF NOT EXISTS " + own + ".positions (schema_name VARCHAR NOT NULL, table_name VARCHAR NOT NULL, position VARCHAR NOT NULL, moved_at TIMESTAMPTZ NOT NULL)",
		"CREATE TABLE IF NOT EXISTS " + own + ".tables (schema_name VARCHAR NOT NULL, table_name VARCHAR NOT NULL, physical VARCHAR NOT NULL)",
		"CREATE TABLE " + own + ".layout AS SELECT " + strconv.Itoa(layoutVersion) + " AS version",
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// conn gives a connection of the open file, after opening it again if needed.
func (e *engine) conn(ctx context.Context) (*sql.Conn, error) {
	db, err := e.healthy(ctx)
	if err != nil {
		return nil, err
	}
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, e.failed(fmt.Errorf("connect to the warehouse: %w", err))
	}
	return c, nil
}

func (e *engine) healthy(ctx context.Context) (*sql.DB, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, errors.New("the warehouse is closed")
	}
	if e.broken {
		// Never two at once: within a process nothing else keeps them apart.
		if e.db != nil && e.db.Stats().InUse > 0 {
			return nil, errors.New("the warehouse is opened again as soon as the work that failed has ended")
		}
		if e.db != nil {
			_ = e.db.Close()
			e.db = nil
		}
		if err := e.open(ctx); err != nil {
			return nil, fmt.Errorf("open the warehouse again: %w", err)
		}
		e.log.Info("warehouse opened again")
	}
	return e.db, nil
}

// failed notes that the file must be opened again, where the error says so,
// and adds what callers act on.
func (e *engine) failed(err error) error {
	if err == nil {
		return nil
	}
	if isFatal(err) {
		e.mu.Lock()
		e.broken = true
		e.mu.Unlock()
	}
	return classify(err)
}

// Close writes what is in the log into the file and lets go of it.
func (e *engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	var err error
	if e.db != nil {
		if !e.broken {
			_, err = e.db.ExecContext(context.Background(), "CHECKPOINT "+quote(e.name))
		}
		err = errors.Join(err, e.db.Close())
	}
	return errors.Join(classify(err), e.lock.Close())
}

// acquire waits for a place in a semaphore.
func acquire(ctx context.Context, places chan struct{}) (release func(), err error) {
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// locks holds one lock per table; the zero value is ready.
type locks struct {
	mu   sync.Mutex
	held map[string]chan struct{}
}

func (l *locks) acquire(ctx context.Context, key string) (release func(), err error) {
	for {
		l.mu.Lock()
		busy, ok := l.held[key]
		if !ok {
			if l.held == nil {
				l.held = map[string]chan struct{}{}
			}
			done := make(chan struct{})
			l.held[key] = done
			l.mu.Unlock()
			return sync.OnceFunc(func() {
				l.mu.Lock()
				delete(l.held, key)
				l.mu.Unlock()
				close(done)
			}), nil
		}
		l.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
