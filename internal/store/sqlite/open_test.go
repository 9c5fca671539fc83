package sqlite_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/store/sqlite"
)

func TestOpenRefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spoil func(t *testing.T, path string)
		want  error
	}{
		"not a database": {func(t *testing.T, path string) { write(t, path, bytes.Repeat([]byte("no database "), 1000)) }, sqlite.ErrDamaged},
		"damaged pages":  {damage, sqlite.ErrDamaged},
		"newer version":  {upgrade, sqlite.ErrNewer},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "state.db")
			test.spoil(t, path)
			db, err := sqlite.Open(t.Context(), path)
			if err == nil {
				_ = db.Close()
			}
			if !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			t.Log(err)
		})
	}
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// damage overwrites all pages but the first, as a broken disk might.
func damage(t *testing.T, path string) {
	t.Helper()
	create(t, path, "")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := 4096; n < len(b); n++ {
		b[n] = 0xa5
	}
	write(t, path, b)
}

func upgrade(t *testing.T, path string) {
	t.Helper()
	create(t, path, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999999, true)`)
}

func create(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Write.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestFilesAreForTheOwnerOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) < 2 { // database and write-ahead log
		t.Fatalf("files: %v, %v", files, err)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", filepath.Base(file), info.Mode().Perm())
		}
	}
}

func TestConnectionsAreSetUp(t *testing.T) {
	t.Parallel()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "a ?#%20 b.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "secure_delete": "1", "busy_timeout": "10000",
	} {
		var got string
		if err := db.Write.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, %v; want %q", pragma, got, err, want)
		}
	}
	if _, err := db.Read.ExecContext(t.Context(), `DELETE FROM integrations`); err == nil {
		t.Error("a reading connection can change the database")
	}
}

// TestCheck damages a page that opening does not look at.
func TestCheck(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	create(t, path, `WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
		INSERT INTO setup_links (hash, expires) SELECT hex(randomblob(32)), i FROM n`)
	check(t, path, nil)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := len(b) - 4096; n < len(b); n++ {
		b[n] = 0xa5
	}
	write(t, path, b)
	check(t, path, sqlite.ErrDamaged)
}

func check(t *testing.T, path string, want error) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.Check(t.Context()); !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

func TestReadersDoNotWaitForAWriter(t *testing.T) {
	t.Parallel()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	tx, err := db.Write.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	began := time.Now()
	if _, err := db.Store().Events(t.Context(), integration.Filter{}); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("reading took %s while somebody wrote", took)
	}
}
