package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/regrant/regrant/internal/store"
	"github.com/regrant/regrant/internal/store/sqlite"
	"github.com/regrant/regrant/internal/store/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Open {
		path := filepath.Join(t.TempDir(), "state.db")
		return func(t *testing.T) (*store.Store, func() error) {
			db, err := sqlite.Open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			return db.Store(), db.Close
		}
	})
}
