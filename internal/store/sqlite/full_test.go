package sqlite_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/store"
	"github.com/regrant/regrant/internal/store/sqlite"
)

// TestFullDisk bounds the file instead of filling a disk: SQLite gives the
// same error.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	limit := func(pages int) {
		t.Helper()
		if _, err := db.Write.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
			t.Fatal(err)
		}
	}
	limit(1) // as many as there are
	add := func(n int) error {
		return db.Store().Apply(t.Context(), &integration.Change{Integration: &integration.Integration{
			ID: fmt.Sprint(n), Slug: fmt.Sprint(n), Name: strings.Repeat("x", 1000),
		}})
	}
	stored := 0
	for ; err == nil; stored++ {
		err = add(stored)
	}
	stored--
	if !errors.Is(err, store.ErrFull) {
		t.Fatalf("got %v, want %v", err, store.ErrFull)
	}
	all, err := db.Store().Records(t.Context())
	if err != nil || len(all) != stored {
		t.Errorf("%d integrations are there, want %d: %v", len(all), stored, err)
	}
	limit(1 << 20) // there is room again
	if err := add(stored); err != nil {
		t.Error(err)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
}
