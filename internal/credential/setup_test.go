package credential_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/credential"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/store"
	"github.com/regrant/regrant/internal/store/sqlite"
)

// bundle is a vault on a real database in a directory of its own.
type bundle struct {
	*credential.Vault
	dir, key string // key: the master key's file
	db       *sqlite.DB
	store    *store.Store
}

func setup(t *testing.T) *bundle {
	t.Helper()
	dir := t.TempDir()
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "state.db"))
	ok(t, err)
	t.Cleanup(func() { _ = db.Close() })
	master, key, err := credential.LoadMaster(dir, noEnv)
	ok(t, err)
	s := db.Store()
	return &bundle{Vault: credential.New(s, master), dir: dir, key: key, db: db, store: s}
}

func noEnv(string) string { return "" }

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for n := 0; n < len(pairs); n += 2 {
			if pairs[n] == name {
				return pairs[n+1]
			}
		}
		return ""
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func secrets(password string) map[string]connector.Secret {
	return map[string]connector.Secret{"password": connector.NewSecret(password), "empty": connector.NewSecret("")}
}

func (b *bundle) seal(t *testing.T, id, password string) int64 {
	t.Helper()
	v, err := b.Seal(t.Context(), id, secrets(password))
	ok(t, err)
	return v
}

func (b *bundle) wantOpen(t *testing.T, id string, version int64, password string) {
	t.Helper()
	got, err := b.Open(t.Context(), id, version, "ada", "test")
	ok(t, err)
	if got["password"].Reveal() != password || len(got) != 2 {
		t.Errorf("%s version %d opened as %d secrets, with another password", id, version, len(got))
	}
}

func (b *bundle) audit(t *testing.T) []integration.Event {
	t.Helper()
	events, err := b.store.Events(t.Context(), integration.Filter{Audit: true, Limit: 1000})
	ok(t, err)
	return events
}

// files are all bytes that the database has on the disk.
func (b *bundle) files(t *testing.T) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(b.dir, "state.db*"))
	ok(t, err)
	var all strings.Builder
	for _, path := range paths {
		content, err := os.ReadFile(path)
		ok(t, err)
		all.Write(content)
	}
	return all.String()
}
