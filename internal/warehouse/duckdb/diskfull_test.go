//go:build unix

package duckdb_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/warehouse"
	"github.com/regrant/regrant/internal/warehouse/duckdb"
)

const diskFullEnv = "REGRANT_DUCKDB_DISKFULL_CHILD"

// TestDiskFull fills the disk in the middle of a load. A limit on the size of
// files stands for the disk; it is one of the process, so the test runs in a
// process of its own. REGRANT_DISKFULL_DIR names a real small disk instead,
// on which a file "ballast" is removed to make room again.
func TestDiskFull(t *testing.T) {
	if os.Getenv(diskFullEnv) != "" {
		// Small commits go through the log, large ones into the file first.
		t.Run("small", func(t *testing.T) { diskFull(t, 30_000, 8<<20) })
		t.Run("large", func(t *testing.T) { diskFull(t, 200_000, 20<<20) })
		return
	}
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestDiskFull$", "-test.v")
	cmd.Env = append(os.Environ(), diskFullEnv+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func diskFull(t *testing.T, pieceRows int, space uint64) {
	path := filepath.Join(t.TempDir(), "full.duckdb")
	full, free := limitFiles(t, space)
	if dir := os.Getenv("REGRANT_DISKFULL_DIR"); dir != "" {
		path = filepath.Join(dir, "full.duckdb")
		full, free = func() {}, func() { _ = os.Remove(filepath.Join(dir, "ballast")) }
		if err := os.WriteFile(filepath.Join(dir, "ballast"), make([]byte, 12<<20), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w, err := duckdb.Open(t.Context(), duckdb.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	full()
	committed := fill(t, w, pieceRows)
	free()
	s, err := w.Describe(t.Context(), order().Name)
	if err != nil {
		t.Fatalf("after there is space again: %v", err)
	}
	if s.Rows != committed || string(s.Position) != fmt.Sprint(committed) {
		t.Fatalf("there are %d rows at position %q, committed were %d", s.Rows, s.Position, committed)
	}
	if err := w.Check(t.Context()); err != nil {
		t.Fatalf("check after there is space again: %v", err)
	}
	if err := pourOne(t.Context(), w, int(committed), pieceRows); err != nil {
		t.Fatalf("a load after there is space again: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w, err = duckdb.Open(t.Context(), duckdb.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if s, err := w.Describe(t.Context(), order().Name); err != nil || s.Rows != committed+int64(pieceRows) {
		t.Fatalf("reopened, there are %d rows, want %d: %v", s.Rows, committed+int64(pieceRows), err)
	}
}

// fill loads until the disk is full and returns how many rows were committed.
func fill(t *testing.T, w warehouse.Warehouse, pieceRows int) int64 {
	t.Helper()
	for i := range 100 {
		err := pourOne(t.Context(), w, i*pieceRows, pieceRows)
		if err == nil {
			continue
		}
		if !errors.Is(err, warehouse.ErrDiskFull) {
			t.Fatalf("commit %d: %v", i, err)
		}
		t.Logf("commit %d: %v", i, err)
		if i == 0 {
			t.Fatal("not even one commit passed")
		}
		// It stays so, without harm, while there is no space.
		if err := pourOne(t.Context(), w, i*pieceRows, pieceRows); err != nil && !errors.Is(err, warehouse.ErrDiskFull) {
			t.Fatalf("commit %d again: %v", i, err)
		} else if err == nil {
			i++
		}
		return int64(i * pieceRows)
	}
	t.Fatal("the disk did not fill up")
	return 0
}

func pourOne(ctx context.Context, w warehouse.Warehouse, from, pieceRows int) error {
	l, err := w.Load(ctx, order())
	if err != nil {
		return err
	}
	defer l.Close()
	if err := l.Write(ctx, connector.Batch{Record: orders(from, pieceRows, 1)}); err != nil {
		return err
	}
	_, err = l.Finish(ctx, connector.Position(fmt.Sprint(from+pieceRows)))
	return err
}

// limitFiles gives what makes larger files impossible and what
// takes that back.
func limitFiles(t *testing.T, space uint64) (full, free func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	set := func(n uint64) {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: was.Max}); err != nil {
			t.Error(err)
		}
	}
	return func() { set(space) }, func() { set(was.Cur) }
}
