package credential_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/credential"
	"github.com/regrant/regrant/internal/integration"
)

func TestSealAndOpen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for n, password := range []string{"one", "two", "", "ünïcode \x00\n"} {
		if v := b.seal(t, "a", password); v != int64(n+1) {
			t.Errorf("version %d, want %d", v, n+1)
		}
		b.wantOpen(t, "a", int64(n+1), password)
	}
	b.wantOpen(t, "a", 1, "one")
	if _, err := b.Open(t.Context(), "b", 1, "ada", "test"); !errors.Is(err, integration.ErrNotFound) {
		t.Errorf("another integration's: %v", err)
	}
}

func TestOpenLeavesAnAuditLine(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.seal(t, "a", "one")
	_, err := b.Open(t.Context(), "a", 1, "ada@example.com", "pull")
	ok(t, err)
	lines := b.audit(t)
	if len(lines) != 1 {
		t.Fatalf("%d audit lines, want 1", len(lines))
	}
	got := lines[0]
	if got.Kind != integration.EventSecretOpened || got.By != "ada@example.com" || got.Integration != "a" ||
		got.Facts["why"] != "pull" || got.Facts["version"] != "1" || got.At.IsZero() {
		t.Errorf("the audit line is %+v", got)
	}
}

// mute is a store that cannot write audit lines.
type mute struct{ credential.Records }

func (m mute) TakeSealed(ctx context.Context, id string, version int64, _ integration.Event) ([]byte, error) {
	return m.Records.TakeSealed(ctx, id, version, integration.Event{})
}

func TestNothingOpensWithoutAnAuditLine(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.seal(t, "a", "one")
	master, _, err := credential.LoadMaster(b.dir, noEnv)
	ok(t, err)
	got, err := credential.New(mute{b.store}, master).Open(t.Context(), "a", 1, "ada", "test")
	if err == nil || got != nil {
		t.Error("it was opened although the audit line was not stored")
	}
}

func TestChangedAndMovedRowsDoNotOpen(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"cut short":             `UPDATE credentials SET sealed = substr(sealed, 1, 20) WHERE integration = 'a' AND version = 2`,
		"empty":                 `UPDATE credentials SET sealed = x'' WHERE integration = 'a' AND version = 2`,
		"another version's":     `UPDATE credentials SET sealed = (SELECT sealed FROM credentials WHERE integration = 'a' AND version = 1) WHERE integration = 'a' AND version = 2`,
		"another integration's": `UPDATE credentials SET sealed = (SELECT sealed FROM credentials WHERE integration = 'b' AND version = 2) WHERE integration = 'a' AND version = 2`,
	}
	for name, statement := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			for _, id := range []string{"a", "b"} {
				b.seal(t, id, "one")
				b.seal(t, id, "two")
			}
			_, err := b.db.Write.ExecContext(t.Context(), statement)
			ok(t, err)
			got, err := b.Open(t.Context(), "a", 2, "ada", "test")
			if got != nil || !errors.Is(err, credential.ErrSealed) {
				t.Errorf("opened %d secrets, %v", len(got), err)
			}
			if strings.Contains(fmt.Sprint(err), "two") {
				t.Errorf("the error tells the secret: %v", err)
			}
			b.wantOpen(t, "a", 1, "one")
		})
	}
}

func TestEveryFlippedBitIsNoticed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.seal(t, "a", "one")
	all, err := b.store.ListSealed(t.Context(), credential.Sealed{}, 1)
	ok(t, err)
	good := all[0]
	for n := range good.Bytes {
		bad := append([]byte(nil), good.Bytes...)
		bad[n] ^= 1
		swapped, err := b.store.SwapSealed(t.Context(), good, bad)
		ok(t, err)
		if !swapped {
			t.Fatal("not swapped")
		}
		if _, err := b.Open(t.Context(), "a", 1, "ada", "test"); !errors.Is(err, credential.ErrSealed) {
			t.Errorf("bit of byte %d: %v", n, err)
		}
		_, err = b.store.SwapSealed(t.Context(), credential.Sealed{Integration: "a", Version: 1, Bytes: bad}, good.Bytes)
		ok(t, err)
	}
	b.wantOpen(t, "a", 1, "one")
}

func TestDestroy(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.seal(t, "a", "one")
	b.seal(t, "a", "two")
	sealed, err := b.store.ListSealed(t.Context(), credential.Sealed{}, 1)
	ok(t, err)
	if !strings.Contains(b.files(t), string(sealed[0].Bytes)) {
		t.Fatal("the sealed bytes are not in the files: the test proves nothing")
	}
	ok(t, b.Destroy(t.Context(), "a", 1, 5))
	ok(t, b.Destroy(t.Context(), "a", 1))
	ok(t, b.Destroy(t.Context(), "a"))
	if _, err := b.Open(t.Context(), "a", 1, "ada", "test"); !errors.Is(err, integration.ErrNotFound) {
		t.Errorf("a destroyed version: %v", err)
	}
	if strings.Contains(b.files(t), string(sealed[0].Bytes)) {
		t.Error("the sealed bytes are still in the files")
	}
	b.wantOpen(t, "a", 2, "two")
	if v := b.seal(t, "a", "three"); v != 3 {
		t.Errorf("the next version is %d", v)
	}
}

func TestSecretsAreNowhereInTheFiles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const canary = "canary-b8f1d2-never-on-the-disk"
	for n := range 20 {
		id := fmt.Sprint("integration-", n)
		b.seal(t, id, strings.Repeat(canary, 200))
		b.wantOpen(t, id, 1, strings.Repeat(canary, 200))
		if n%2 == 0 {
			ok(t, b.Destroy(t.Context(), id, 1))
		}
	}
	for _, form := range []string{canary, "Y2FuYXJ5LWI4ZjFkMi1uZXZlci1vbi10aGUtZGlza", "63616e6172792d623866316432"} {
		if strings.Contains(b.files(t), form) {
			t.Errorf("the secret is in the files as %q", form)
		}
	}
}

func TestTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.Seal(t.Context(), "a", map[string]connector.Secret{"x": connector.NewSecret(strings.Repeat("s", 2<<20))})
	if err == nil || strings.Contains(err.Error(), "sss") {
		t.Errorf("2 MiB: %v", err)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var all sync.WaitGroup
	for n := range 16 {
		all.Go(func() {
			id, password := fmt.Sprint("i", n%4), fmt.Sprint("p", n)
			v, err := b.Seal(t.Context(), id, secrets(password))
			if err != nil {
				t.Error(err)
				return
			}
			for range 5 {
				got, err := b.Open(t.Context(), id, v, "ada", "test")
				if err != nil || got["password"].Reveal() != password {
					t.Errorf("%s version %d: %v", id, v, err)
				}
			}
		})
	}
	all.Wait()
	if lines := b.audit(t); len(lines) != 16*5 {
		t.Errorf("%d audit lines, want %d", len(lines), 16*5)
	}
}
