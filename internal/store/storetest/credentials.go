package storetest

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"github.com/regrant/regrant/internal/credential"
	"github.com/regrant/regrant/internal/integration"
)

var credentials = []named{
	{"SealedVersions", sealedVersions},
	{"SealedInParallel", sealedInParallel},
	{"SealedAuditOrNothing", sealedAuditOrNothing},
	{"SealedSwap", sealedSwap},
}

func seal(t *testing.T, b *bundle, id, sealed string) int64 {
	t.Helper()
	v, err := b.AddSealed(t.Context(), id, func(int64) ([]byte, error) { return []byte(sealed), nil })
	ok(t, err)
	return v
}

func take(t *testing.T, b *bundle, id string, version int64) ([]byte, error) {
	t.Helper()
	return b.TakeSealed(t.Context(), id, version, event(integration.Integration{ID: id}, integration.EventSecretOpened, moment))
}

func sealedVersions(t *testing.T, b *bundle) {
	same(t, "first version", seal(t, b, "a", "one"), 1) // needs no integration
	same(t, "second version", seal(t, b, "a", "two"), 2)
	same(t, "another's first", seal(t, b, "b", "three"), 1)
	got, err := take(t, b, "a", 2)
	ok(t, err)
	same(t, "taken", string(got), "two")
	ok(t, b.DropSealed(t.Context(), "a", 2, 7, 2))
	_, err = take(t, b, "a", 2)
	wantError(t, "a dropped version", err, integration.ErrNotFound)
	same(t, "a number is not given again", seal(t, b, "a", "four"), 3)
	boom := errors.New("boom")
	_, err = b.AddSealed(t.Context(), "a", func(int64) ([]byte, error) { return nil, boom })
	wantError(t, "a failing seal", err, boom)
	b.restart(t)
	same(t, "after a restart", seal(t, b, "a", "five"), 4)
	all, err := b.ListSealed(t.Context(), credential.Sealed{}, 10)
	ok(t, err)
	same(t, "all", all, []credential.Sealed{
		{Integration: "a", Version: 1, Bytes: []byte("one")}, {Integration: "a", Version: 3, Bytes: []byte("four")},
		{Integration: "a", Version: 4, Bytes: []byte("five")}, {Integration: "b", Version: 1, Bytes: []byte("three")},
	})
	rest, err := b.ListSealed(t.Context(), all[1], 1)
	ok(t, err)
	same(t, "the next one", rest, all[2:3])
	ok(t, b.Scrub(t.Context()))
}

func sealedInParallel(t *testing.T, b *bundle) {
	const callers = 16
	var mu sync.Mutex
	seen := make(map[int64]bool)
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			var given int64
			v, err := b.AddSealed(t.Context(), "a", func(version int64) ([]byte, error) {
				given = version
				return []byte{byte(version)}, nil
			})
			if err != nil || v != given {
				t.Errorf("version %d was given for %d: %v", given, v, err)
			}
			mu.Lock()
			defer mu.Unlock()
			seen[v] = true
		})
	}
	all.Wait()
	same(t, "different versions", len(seen), callers)
	for v := range seen {
		got, err := take(t, b, "a", v)
		ok(t, err)
		if !bytes.Equal(got, []byte{byte(v)}) {
			t.Errorf("version %d holds %v", v, got)
		}
	}
}

func sealedAuditOrNothing(t *testing.T, b *bundle) {
	seal(t, b, "a", "one")
	got, err := b.TakeSealed(t.Context(), "a", 1, integration.Event{Integration: "a"}) // no ID: cannot be stored
	if err == nil || got != nil {
		t.Errorf("a version was taken without an audit line: %q, %v", got, err)
	}
	_, err = take(t, b, "a", 9)
	wantError(t, "a missing version", err, integration.ErrNotFound)
	events, err := b.Events(t.Context(), integration.Filter{Audit: true})
	ok(t, err)
	same(t, "audit lines", len(events), 0)
	_, err = take(t, b, "a", 1)
	ok(t, err)
	events, err = b.Events(t.Context(), integration.Filter{Audit: true})
	ok(t, err)
	same(t, "audit lines", len(events), 1)
}

func sealedSwap(t *testing.T, b *bundle) {
	seal(t, b, "a", "one")
	old := credential.Sealed{Integration: "a", Version: 1, Bytes: []byte("one")}
	swapped, err := b.SwapSealed(t.Context(), old, []byte("two"))
	ok(t, err)
	same(t, "swapped", swapped, true)
	swapped, err = b.SwapSealed(t.Context(), old, []byte("three"))
	ok(t, err)
	same(t, "swapped again", swapped, false)
	got, err := take(t, b, "a", 1)
	ok(t, err)
	same(t, "taken", string(got), "two")
}
