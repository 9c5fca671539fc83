package storetest

import (
	"testing"

	"github.com/regrant/regrant/internal/store"
)

// Open opens one database. Called again after close, it opens the same one:
// that is how the suite restarts.
type Open func(t *testing.T) (s *store.Store, close func() error)

// Run runs the suite. fresh gives each test a database of its own.
func Run(t *testing.T, fresh func(t *testing.T) Open) {
	t.Helper()
	for _, group := range [][]named{integrations, history, credentials, accounts, properties} {
		for _, one := range group {
			t.Run(one.name, func(t *testing.T) {
				t.Parallel()
				one.run(t, newBundle(t, fresh(t)))
			})
		}
	}
}

type named struct {
	name string
	run  func(*testing.T, *bundle)
}

// bundle is an open database that can be restarted.
type bundle struct {
	*store.Store
	open  Open
	close func() error
}

func newBundle(t *testing.T, open Open) *bundle {
	t.Helper()
	b := &bundle{open: open}
	b.Store, b.close = open(t)
	t.Cleanup(func() {
		if err := b.close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return b
}

func (b *bundle) restart(t *testing.T) {
	t.Helper()
	if err := b.close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	b.Store, b.close = b.open(t)
}
