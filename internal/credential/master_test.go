package credential_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/credential"
)

func TestLoadMaster(t *testing.T) {
	t.Parallel()
	first, second := credential.NewMasterKey().Reveal(), credential.NewMasterKey().Reveal()
	named := filepath.Join(t.TempDir(), "key")
	ok(t, os.WriteFile(named, []byte("# ours\n"+first+"\n"), 0o600))
	open := filepath.Join(t.TempDir(), "open")
	ok(t, os.WriteFile(open, []byte(first), 0o640)) //nolint:gosec // that is the test
	tests := map[string]struct {
		env  func(string) string
		path string
		err  string // part of it; empty: none
	}{
		"environment":        {env(credential.EnvMaster, first), "", ""},
		"two keys":           {env(credential.EnvMaster, first+","+second), "", ""},
		"file":               {env(credential.EnvMasterFile, named), named, ""},
		"both":               {env(credential.EnvMaster, first, credential.EnvMasterFile, named), "", "both"},
		"readable by others": {env(credential.EnvMasterFile, open), open, "chmod 600"},
		"missing file":       {env(credential.EnvMasterFile, named+"x"), named + "x", "no such file"},
		"not base64":         {env(credential.EnvMaster, "!!!canary"), "", "openssl rand"},
		"too short":          {env(credential.EnvMaster, "Y2FuYXJ5"), "", "openssl rand"},
		"the same twice":     {env(credential.EnvMaster, first+" "+first), "", "twice"},
		"blank":              {env(credential.EnvMaster, " \n"), "", "no key"},
		"many":               {env(credential.EnvMaster, strings.Repeat(first+" ", 17)), "", "more than"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, path, err := credential.LoadMaster(t.TempDir(), test.env)
			switch {
			case test.err == "" && (err != nil || m == nil || path != test.path):
				t.Errorf("got %v from %q, %v", m, path, err)
			case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
				t.Errorf("got error %v, want one about %q", err, test.err)
			}
			if err != nil && (strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "Y2FuYXJ5") || strings.Contains(err.Error(), first)) {
				t.Errorf("the error tells the key: %v", err)
			}
		})
	}
}

func TestFirstStartMakesTheKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, path, err := credential.LoadMaster(dir, noEnv)
	ok(t, err)
	info, err := os.Stat(path)
	ok(t, err)
	if path != filepath.Join(dir, credential.MasterFile) || info.Mode().Perm() != 0o600 {
		t.Errorf("%s has mode %o", path, info.Mode().Perm())
	}
	before, err := os.ReadFile(path)
	ok(t, err)
	_, _, err = credential.LoadMaster(dir, noEnv)
	ok(t, err)
	after, err := os.ReadFile(path)
	ok(t, err)
	if string(before) != string(after) {
		t.Error("the second start made another key")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	ok(t, err)
	hidden, err := filepath.Glob(filepath.Join(dir, ".*"))
	ok(t, err)
	if len(files)+len(hidden) != 1 {
		t.Errorf("left behind: %v %v", files, hidden)
	}
	ok(t, os.Chmod(path, 0o604)) //nolint:gosec // that is the test
	if _, _, err := credential.LoadMaster(dir, noEnv); err == nil {
		t.Error("a key that others can read was taken")
	}
}

func TestWrongMaster(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other, _, err := credential.LoadMaster(t.TempDir(), noEnv)
	ok(t, err)
	wrong := credential.New(b.store, other)
	ok(t, wrong.Verify(t.Context())) // nothing is sealed yet
	b.seal(t, "a", "one")
	ok(t, b.Verify(t.Context()))
	if err := wrong.Verify(t.Context()); !errors.Is(err, credential.ErrSealed) {
		t.Errorf("verify: %v", err)
	}
	if _, err := wrong.Open(t.Context(), "a", 1, "ada", "test"); !errors.Is(err, credential.ErrSealed) {
		t.Errorf("open: %v", err)
	}
	if lines := b.audit(t); len(lines) != 1 { // the attempt; verifying opens nothing for anybody
		t.Errorf("%d audit lines, want 1", len(lines))
	}
}

func TestRekey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const many = 250
	for range many {
		b.seal(t, "a", "one")
	}
	old, err := os.ReadFile(b.key)
	ok(t, err)
	n, err := b.Rekey(t.Context(), b.key)
	ok(t, err)
	if n != many {
		t.Errorf("%d versions were sealed again, want %d", n, many)
	}
	master, _, err := credential.LoadMaster(b.dir, noEnv)
	ok(t, err)
	b.Vault = credential.New(b.store, master)
	b.wantOpen(t, "a", 1, "one")
	b.wantOpen(t, "a", many, "one")
	former, err := credential.ParseMaster(connector.NewSecret(string(old)))
	ok(t, err)
	if _, err := credential.New(b.store, former).Open(t.Context(), "a", 1, "ada", "test"); !errors.Is(err, credential.ErrSealed) {
		t.Errorf("the old key still opens: %v", err)
	}
}

// failing stops in the middle, as a crash does.
type failing struct {
	credential.Records
	left int
}

func (f *failing) SwapSealed(ctx context.Context, old credential.Sealed, replacement []byte) (bool, error) {
	if f.left--; f.left < 0 {
		return false, errors.New("crash")
	}
	return f.Records.SwapSealed(ctx, old, replacement)
}

func crashing(t *testing.T, b *bundle) *credential.Vault {
	t.Helper()
	master, _, err := credential.LoadMaster(b.dir, noEnv)
	ok(t, err)
	return credential.New(&failing{b.store, 1}, master)
}

// TestRekeyWhileOthersWork seals and opens during changes of the key: nothing
// may be left behind that the last key does not open.
func TestRekeyWhileOthersWork(t *testing.T) {
	t.Parallel()
	b := setup(t)
	done := make(chan struct{})
	var sealed atomic.Int64
	var all sync.WaitGroup
	for n := range 4 {
		all.Go(func() {
			for id := fmt.Sprint("i", n); ; {
				v, err := b.Seal(t.Context(), id, secrets("one"))
				if err != nil {
					t.Error(err)
					return
				}
				sealed.Add(1)
				if _, err := b.Open(t.Context(), id, v, "ada", "test"); err != nil {
					t.Error(err)
				}
				if err := b.Destroy(t.Context(), id, v-1); err != nil {
					t.Error(err)
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for range 20 {
		_, err := b.Rekey(t.Context(), b.key)
		ok(t, err)
	}
	close(done)
	all.Wait()
	master, _, err := credential.LoadMaster(b.dir, noEnv)
	ok(t, err)
	b.Vault = credential.New(b.store, master)
	left, err := b.store.ListSealed(t.Context(), credential.Sealed{}, 1000)
	ok(t, err)
	if len(left) != 4 {
		t.Errorf("%d versions are left, want the last of each", len(left))
	}
	for _, s := range left {
		b.wantOpen(t, s.Integration, s.Version, "one")
	}
	t.Logf("%d versions were sealed meanwhile", sealed.Load())
}

func TestRekeyAfterACrash(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 5 {
		b.seal(t, "a", "one")
	}
	for range 4 { // each time one version further
		if _, err := crashing(t, b).Rekey(t.Context(), b.key); err == nil {
			t.Fatal("it did not crash")
		}
		master, _, err := credential.LoadMaster(b.dir, noEnv)
		ok(t, err)
		b.Vault = credential.New(b.store, master)
		for v := range 5 {
			b.wantOpen(t, "a", int64(v+1), "one")
		}
	}
	n, err := b.Rekey(t.Context(), b.key)
	ok(t, err)
	text, err := os.ReadFile(b.key)
	ok(t, err)
	if keys := strings.Count(string(text), "=\n"); n != 1 || keys != 1 { // the others were done
		t.Errorf("%d sealed again, %d keys left", n, keys)
	}
	master, _, err := credential.LoadMaster(b.dir, noEnv)
	ok(t, err)
	b.Vault = credential.New(b.store, master)
	for v := range 5 {
		b.wantOpen(t, "a", int64(v+1), "one")
	}
}

func TestResealWithAKeyFromTheEnvironment(t *testing.T) {
	t.Parallel()
	b := setup(t)
	older, newer := credential.NewMasterKey().Reveal(), credential.NewMasterKey().Reveal()
	vault := func(keys string) *credential.Vault {
		m, _, err := credential.LoadMaster(b.dir, env(credential.EnvMaster, keys))
		ok(t, err)
		return credential.New(b.store, m)
	}
	b.Vault = vault(older)
	b.seal(t, "a", "one")
	n, err := vault(newer + "," + older).Reseal(t.Context())
	ok(t, err)
	if n != 1 {
		t.Errorf("%d sealed again", n)
	}
	b.Vault = vault(newer)
	b.wantOpen(t, "a", 1, "one")
	if _, err := b.Rekey(t.Context(), ""); err == nil {
		t.Error("a key of the environment was changed in a file")
	}
}
