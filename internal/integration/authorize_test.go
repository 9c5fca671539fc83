package integration

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regrant/regrant/connector"
)

func TestConnect(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, err := b.Begin(t.Context(), ada, "teach", "Shop DB", "")
	if err != nil {
		t.Fatal(err)
	}
	if v.Status.State != NotFinished || v.Integration.Draft.Public["key"] != "ssh-ed25519 AAAA" {
		t.Fatalf("begun: state %s, draft %+v", v.Status.State, v.Integration.Draft)
	}
	var live []Check
	done, err := b.Authorize(t.Context(), ada, "shop_db", withPassword("right"), func(c Check) { live = append(live, c) })
	if err != nil || !done.Swapped {
		t.Fatalf("swapped %v, error %v", done.Swapped, err)
	}
	if len(live) <= len(done.Checks) {
		t.Errorf("%d checks were reported live, want more than the %d final ones", len(live), len(done.Checks))
	}
	enabled := 0
	for _, table := range done.View.Tables {
		if table.Enabled {
			enabled++
		}
	}
	if enabled != 3 || b.jobs.pulls != 1 || done.View.Status.State != CatchingUp {
		t.Errorf("%d tables enabled, %d pulls asked for, state %s", enabled, b.jobs.pulls, done.View.Status.State)
	}
	if done.View.Integration.Authorization.Settings["port"] != "5432" {
		t.Error("a default was not filled in")
	}
	if _, kept := done.View.Integration.Authorization.Settings["accept"]; kept {
		t.Error("a value that holds once was stored")
	}
}

func TestWrongCredentialChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	before := b.connected(t)
	sealed := b.vault.sealed
	done, err := b.Authorize(t.Context(), ada, "shop_db", withPassword("wrong"), nil)
	if err != nil || done.Swapped {
		t.Fatalf("swapped %v, error %v", done.Swapped, err)
	}
	if b.vault.sealed != sealed {
		t.Error("the refused credential was sealed")
	}
	if got := done.View.Integration.Authorization.Version; got != before.Integration.Authorization.Version {
		t.Errorf("version %d, want %d", got, before.Integration.Authorization.Version)
	}
	want := []CheckState{CheckPassed, CheckPassed, CheckFailed, CheckSkipped, CheckSkipped, CheckSkipped}
	for n, c := range done.Checks {
		if c.State != want[n] {
			t.Errorf("check %s is %s, want %s", c.Step, c.State, want[n])
		}
	}
}

func TestAnotherAccountIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connected(t)
	sealed := b.vault.sealed
	b.party.identity.Fingerprint = "system-2"
	done, err := b.Authorize(t.Context(), ada, "shop_db", withPassword("right"), nil)
	if err != nil || done.Swapped || b.vault.sealed != sealed {
		t.Fatalf("swapped %v, error %v, sealed %d more", done.Swapped, err, b.vault.sealed-sealed)
	}
	n := slices.IndexFunc(done.Checks, func(c Check) bool { return c.Step == connector.StepAccount })
	if done.Checks[n].State != CheckFailed || done.Checks[n].Fault.Code != "account.different" {
		t.Errorf("account check: %+v", done.Checks[n])
	}
}

func TestFewerPrivilegesAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connected(t)
	b.party.denied["public.a"], b.party.hidden["public.c"] = true, true
	done, err := b.Authorize(t.Context(), ada, "shop_db", withPassword("right"), nil)
	if err != nil || done.Swapped {
		t.Fatalf("swapped %v, error %v", done.Swapped, err)
	}
	var failed []string // all of them at once: of the catalogue and of reading
	for _, c := range done.Checks {
		if c.State == CheckFailed {
			failed = append(failed, c.Table)
		}
	}
	if !slices.Equal(failed, []string{"public.a", "public.c"}) {
		t.Errorf("failed tables %v", failed)
	}
	b.party.hidden["public.c"] = false
	sub := withPassword("right")
	sub.PauseUnreadable = true
	done, err = b.Authorize(t.Context(), ada, "shop_db", sub, nil)
	if err != nil || !done.Swapped {
		t.Fatalf("with the table given up: swapped %v, error %v", done.Swapped, err)
	}
	if a, _ := done.View.Table("public.a"); a.Enabled {
		t.Error("the unreadable table is still enabled")
	}
}

func TestEmptySecretsAreKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connected(t)
	done, err := b.Authorize(t.Context(), ada, "shop_db", Submission{}, nil)
	if err != nil || !done.Swapped {
		t.Fatalf("swapped %v, error %v, %+v", done.Swapped, err, done.Checks)
	}
}

// TestKeptSecretsStayHome keeps a secret from being sent to a server that it
// was not entered for.
func TestKeptSecretsStayHome(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connected(t)
	opened := b.party.opened
	elsewhere := Submission{Settings: map[string]string{"host": "evil.example.com"}}
	_, err := b.Authorize(t.Context(), ada, "shop_db", elsewhere, nil)
	var form *FormError
	if !errors.As(err, &form) || !strings.Contains(form.Fields["password"], "enter it again") || b.party.opened != opened {
		t.Errorf("error %v, opened %d times more", err, b.party.opened-opened)
	}
	elsewhere.Secrets = map[string]connector.Secret{"password": connector.NewSecret("right")}
	if done, err := b.Authorize(t.Context(), ada, "shop_db", elsewhere, nil); err != nil || !done.Swapped {
		t.Errorf("with the password entered again: swapped %v, error %v", done.Swapped, err)
	}
}

func TestUndo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connected(t)
	b.party.password = "newer"
	if done, err := b.Authorize(t.Context(), ada, "shop_db", withPassword("newer"), nil); err != nil || !done.Swapped {
		t.Fatalf("swapped %v, error %v", done.Swapped, err)
	}
	if done, err := b.Undo(t.Context(), ada, "shop_db", nil); err != nil || done.Swapped {
		t.Fatalf("undo to a password that does not work: swapped %v, error %v", done.Swapped, err)
	}
	b.party.password = "right"
	done, err := b.Undo(t.Context(), ada, "shop_db", nil)
	if err != nil || !done.Swapped {
		t.Fatalf("undo: swapped %v, error %v", done.Swapped, err)
	}
	b.clock = b.clock.Add(25 * time.Hour)
	if _, err := b.Undo(t.Context(), ada, "shop_db", nil); !errors.Is(err, ErrNotFound) {
		t.Errorf("undo after a day: %v", err)
	}
}

func TestSwapOutlivesConflicts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connected(t)
	b.store.conflicts = 3 // a pull writes at the same time
	if done, err := b.Authorize(t.Context(), ada, "shop_db", withPassword("right"), nil); err != nil || !done.Swapped {
		t.Fatalf("swapped %v, error %v", done.Swapped, err)
	}
}

func TestOldVersionsAreDestroyed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := b.connected(t)
	for range 4 {
		if done, err := b.Authorize(t.Context(), ada, "shop_db", withPassword("right"), nil); err != nil || !done.Swapped {
			t.Fatalf("swapped %v, error %v", done.Swapped, err)
		}
	}
	if n := len(b.vault.versions[v.Integration.ID]); n != 2 {
		t.Errorf("%d sealed versions are left, want the one in force and the one before", n)
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connected(t)
	looker := Person{Name: "look", Role: ReadOnly}
	if _, err := b.Authorize(t.Context(), looker, "shop_db", withPassword("right"), nil); !errors.Is(err, ErrForbidden) {
		t.Errorf("read-only re-authorizes: %v", err)
	}
	accepting := withPassword("right")
	accepting.Settings["accept"] = "SHA256:new"
	if _, err := b.Authorize(t.Context(), Person{Role: Standard}, "shop_db", accepting, nil); !errors.Is(err, ErrForbidden) {
		t.Errorf("standard accepts a host key: %v", err)
	}
	if _, err := b.Begin(t.Context(), Person{Role: Standard}, "teach", "x", ""); !errors.Is(err, ErrForbidden) {
		t.Errorf("standard connects: %v", err)
	}
	if err := b.Remove(t.Context(), Person{Role: Standard}, "shop_db"); !errors.Is(err, ErrForbidden) {
		t.Errorf("standard removes: %v", err)
	}
	if _, err := b.Pause(t.Context(), Person{}, "shop_db"); !errors.Is(err, ErrForbidden) {
		t.Errorf("nobody pauses: %v", err)
	}
}

func TestFormProblems(t *testing.T) {
	t.Parallel()
	secret := func(s string) map[string]connector.Secret {
		return map[string]connector.Secret{"password": connector.NewSecret(s)}
	}
	cases := []struct {
		name     string
		settings map[string]string
		secrets  map[string]connector.Secret
		field    string
		says     string
	}{
		{"half filled", map[string]string{}, secret("x"), "host", "fill this in"},
		{"no secret", map[string]string{"host": "h"}, nil, "password", "fill this in"},
		{"trailing newline", map[string]string{"host": "h"}, secret("x\n"), "password", "ends with a line break"},
		{"newline inside", map[string]string{"host": "h"}, secret("x\ny"), "password", "holds a line break"},
		{"NUL", map[string]string{"host": "h"}, secret("x\x00y"), "password", "NUL"},
		{"10 MB", map[string]string{"host": "h"}, secret(strings.Repeat("x", 10<<20)), "password", "at most"},
		{"not a number", map[string]string{"host": "h", "port": "5432a"}, secret("x"), "port", "whole number"},
		{"unknown key", map[string]string{"host": "h", "hots": "h"}, secret("x"), "hots", "there is no such field"},
		{"secret as setting", map[string]string{"host": "h", "password": "x"}, secret("x"), "password", "must be given as one"},
		{"toggle", map[string]string{"host": "h", "tunnel": "maybe"}, secret("x"), "tunnel", "true or false"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			if _, err := b.Begin(t.Context(), ada, "teach", "Shop DB", ""); err != nil {
				t.Fatal(err)
			}
			_, err := b.Authorize(t.Context(), ada, "shop_db", Submission{Settings: c.settings, Secrets: c.secrets}, nil)
			var form *FormError
			if !errors.As(err, &form) || !strings.Contains(form.Fields[c.field], c.says) {
				t.Errorf("error %v, want %q about %s", err, c.says, c.field)
			}
			if b.party.opened != 0 {
				t.Error("the third party was contacted")
			}
		})
	}
}
