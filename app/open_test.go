package app

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/regrant/regrant/connectors"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/store/sqlite"
	"github.com/regrant/regrant/internal/warehouse"
)

func openError(t *testing.T, dir string) error {
	t.Helper()
	p, err := open(t.Context(), integration.Catalogue(connectors.All()), settingsFor(t, dir), slog.New(slog.DiscardHandler))
	if err == nil {
		p.close()
	}
	return err
}

// TestDataDirectory opens directories that cannot be used: each is refused
// with a clear word, and nothing in it is changed.
func TestDataDirectory(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		file string
		text string
		want error
	}{
		{"a warehouse that is something else", "warehouse.duckdb", "this is no database, but long enough to be looked at " + string(make([]byte, 8192)), warehouse.ErrVersion},
		{"a state that is something else", "state.db", "this is no database, but long enough to be looked at " + string(make([]byte, 8192)), sqlite.ErrDamaged},
		{"a master key of another form", "master.key", "too short", nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, c.file)
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			err := openError(t, dir)
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if after, _ := os.ReadFile(path); string(after) != c.text {
				t.Error("the file was changed")
			}
		})
	}
}

func TestDataDirectoryInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, _ := openProduct(t, dir)
	if err := openError(t, dir); !errors.Is(err, errInUse) {
		t.Errorf("error %v, want %v", err, errInUse)
	}
	first.close()
	if err := openError(t, dir); err != nil {
		t.Errorf("after the first has ended: %v", err)
	}
}

// TestMasterKeyOfAnother keeps a data directory from being used with another
// installation's key: it would look like lost authorizations.
func TestMasterKeyOfAnother(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, _ := openProduct(t, dir)
	if _, err := p.heart.Begin(t.Context(), ada, "postgresql", "Shop", ""); err != nil {
		t.Fatal(err)
	}
	p.close()
	if err := os.Remove(filepath.Join(dir, "master.key")); err != nil {
		t.Fatal(err)
	}
	if err := openError(t, dir); err == nil {
		t.Error("another master key was taken")
	}
}
