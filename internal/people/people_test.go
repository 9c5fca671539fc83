package people_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/people"
	"github.com/regrant/regrant/internal/store"
	"github.com/regrant/regrant/internal/store/sqlite"
)

const (
	email    = "ada@example.com"
	password = "correct horse battery staple"
	remote   = "192.0.2.1"
)

// bundle is a service on a real database.
type bundle struct {
	*people.Service
	store *store.Store
}

func setup(t *testing.T) *bundle {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"))
	ok(t, err)
	t.Cleanup(func() { _ = db.Close() })
	s := db.Store()
	return &bundle{Service: service(t, s, ""), store: s}
}

func service(t *testing.T, storage people.Storage, local string) *people.Service {
	t.Helper()
	s, err := people.New(people.Config{Storage: storage, Local: local, Cost: people.Cost{Time: 1, Memory: 64, Threads: 1}})
	ok(t, err)
	return s
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", what, got, want)
	}
}

// admin sets the first admin up.
func (b *bundle) admin(t *testing.T) integration.Person {
	t.Helper()
	token, err := b.SetUpToken(t.Context())
	ok(t, err)
	who, err := b.SetUp(t.Context(), token, " Ada@Example.com ", password)
	ok(t, err)
	return who
}

func TestSetUpOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	older, err := b.SetUpToken(t.Context())
	ok(t, err)
	token, err := b.SetUpToken(t.Context()) // as after a restart
	ok(t, err)
	_, err = b.SetUp(t.Context(), older, email, password)
	wantError(t, "a replaced link", err, people.ErrLink)
	_, err = b.SetUp(t.Context(), "", email, password)
	wantError(t, "no link", err, people.ErrLink)
	who, err := b.SetUp(t.Context(), token, email, password)
	ok(t, err)
	if who.Name != email || who.Role != integration.Admin || who.ID == "" {
		t.Errorf("the first admin is %+v", who)
	}
	_, err = b.SetUp(t.Context(), token, "eve@example.com", password)
	wantError(t, "a used link", err, people.ErrLink)
	token, err = b.SetUpToken(t.Context())
	ok(t, err)
	if token != "" {
		t.Error("there is a link although there is an admin")
	}
}

func TestSetUpChecksTheForm(t *testing.T) {
	t.Parallel()
	b := setup(t)
	token, err := b.SetUpToken(t.Context())
	ok(t, err)
	tests := map[string]struct{ email, password, field string }{
		"no email":            {"", password, "email"},
		"not an email":        {"ada", password, "email"},
		"name and email":      {"Ada <ada@example.com>", password, "email"},
		"two emails":          {"a@b.c,d@e.f", password, "email"},
		"long email":          {strings.Repeat("a", 251) + "@b.c", password, "email"},
		"short password":      {email, "short", "password"},
		"eleven letters":      {email, "äöüäöüäöüäö", "password"},
		"email as password":   {"ada@example.com", "ADA@example.com", "password"},
		"10 MB password":      {email, strings.Repeat("p", 10<<20), "password"},
		"password not in UTF": {email, strings.Repeat("\xff", 20), "password"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := b.SetUp(t.Context(), token, test.email, test.password)
			var input *people.InputError
			if !errors.As(err, &input) || input.Field != test.field {
				t.Errorf("got %v, want an error of field %s", err, test.field)
			}
		})
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	want := b.admin(t)
	got, err := b.SignIn(t.Context(), " ADA@example.com", password, remote)
	ok(t, err)
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	_, err = b.SignIn(t.Context(), email, password+"x", remote)
	wantError(t, "a wrong password", err, people.ErrSignIn)
	_, err = b.SignIn(t.Context(), "eve@example.com", password, remote)
	wantError(t, "a wrong email", err, people.ErrSignIn)
	_, err = b.SignIn(t.Context(), email, strings.Repeat("x", 10<<20), remote)
	wantError(t, "a huge password", err, people.ErrSignIn)
	_, err = b.SignIn(t.Context(), email, password, remote)
	ok(t, err)
}

func TestSignInIsThrottled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.admin(t)
	var wait *people.ThrottledError
	for n := range 100 {
		_, err := b.SignIn(t.Context(), email, "wrong password", remote)
		if errors.As(err, &wait) {
			if n < 5 {
				t.Errorf("throttled after %d attempts", n)
			}
			break
		}
		wantError(t, "a wrong password", err, people.ErrSignIn)
	}
	if wait == nil {
		t.Fatal("100 attempts were not throttled")
	}
	_, err := b.SignIn(t.Context(), email, password, "198.51.100.7")
	if !errors.As(err, &wait) {
		t.Errorf("the account is open from another address: %v", err)
	}
}

func TestParallelGuessesAreThrottled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.admin(t)
	var mu sync.Mutex
	tried := 0
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			if _, err := b.SignIn(t.Context(), email, "wrong password", remote); errors.Is(err, people.ErrSignIn) {
				mu.Lock()
				defer mu.Unlock()
				tried++
			}
		})
	}
	all.Wait()
	if tried > 8 {
		t.Errorf("%d guesses at once were tried", tried)
	}
}

// broken is a storage that fails.
type broken struct{ people.Storage }

func (broken) Account(context.Context, string) (people.Account, error) {
	return people.Account{}, errors.New("disk full")
}

func TestOurFailuresAreNotCounted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := service(t, broken{b.store}, "")
	for range 30 {
		_, err := s.SignIn(t.Context(), email, password, remote)
		if err == nil || errors.Is(err, people.ErrSignIn) || !strings.Contains(err.Error(), "disk full") {
			t.Fatalf("got %v", err)
		}
	}
}

func TestPasswordsAndTokensAreHashed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	who := b.admin(t)
	_, plain, err := b.CreateToken(t.Context(), who, "ci", integration.ReadOnly)
	ok(t, err)
	session, err := b.BeginSession(t.Context(), who, remote, "")
	ok(t, err)
	account, err := b.store.Account(t.Context(), email)
	ok(t, err)
	if !strings.HasPrefix(account.Password, "$argon2id$v=19$") || strings.Contains(account.Password, password) {
		t.Errorf("the password is stored as %q", account.Password)
	}
	for _, token := range []string{plain, session.Token} {
		if _, err := b.store.Token(t.Context(), token); err == nil {
			t.Error("a token is stored as it is")
		}
		if _, _, err := b.store.Session(t.Context(), token); err == nil {
			t.Error("a session is stored as it is")
		}
	}
	listed, err := b.People(t.Context(), who)
	ok(t, err)
	if len(listed) != 1 || listed[0].Password != "" {
		t.Errorf("the list is %+v", listed)
	}
	events, err := b.store.Events(t.Context(), integration.Filter{Audit: true})
	ok(t, err)
	for _, e := range events {
		for _, secret := range []string{plain, session.Token, password} {
			if strings.Contains(e.Text, secret) {
				t.Errorf("an event tells a secret: %s", e.Kind)
			}
		}
	}
	if len(events) != 3 || events[0].Kind != integration.EventSignedIn || events[0].Facts["remote"] != remote {
		t.Errorf("the audit is %+v", events)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin := b.admin(t)
	made, plain, err := b.CreateToken(t.Context(), admin, " ci ", integration.Standard)
	ok(t, err)
	if !strings.HasPrefix(plain, people.TokenPrefix) || made.Name != "ci" {
		t.Errorf("made %+v", made)
	}
	who, err := b.Token(t.Context(), plain)
	ok(t, err)
	if who.Role != integration.Standard || who.Name != "token ci" {
		t.Errorf("it acts as %+v", who)
	}
	listed, err := b.Tokens(t.Context(), admin)
	ok(t, err)
	if len(listed) != 1 || listed[0].LastUsed.IsZero() || listed[0].MadeBy != email {
		t.Errorf("listed %+v", listed)
	}
	_, _, err = b.CreateToken(t.Context(), who, "more", integration.Admin)
	wantError(t, "a token that makes tokens", err, integration.ErrForbidden)
	_, err = b.Tokens(t.Context(), who)
	wantError(t, "listing", err, integration.ErrForbidden)
	wantError(t, "revoking", b.RevokeToken(t.Context(), who, made.ID), integration.ErrForbidden)
	ok(t, b.RevokeToken(t.Context(), admin, made.ID))
	wantError(t, "revoking again", b.RevokeToken(t.Context(), admin, made.ID), integration.ErrNotFound)
	for name, token := range map[string]string{"revoked": plain, "empty": "", "another": plain + "x", "huge": strings.Repeat("x", 10<<20)} {
		_, err := b.Token(t.Context(), token)
		wantError(t, name, err, people.ErrToken)
	}
	var input *people.InputError
	for _, bad := range []struct {
		name string
		role integration.Role
	}{{"", integration.Admin}, {strings.Repeat("x", 101), integration.Admin}, {"ci", ""}, {"ci", "root"}} {
		if _, _, err := b.CreateToken(t.Context(), admin, bad.name, bad.role); !errors.As(err, &input) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	b := setup(t)
	who := b.admin(t)
	mine, err := b.BeginSession(t.Context(), who, remote, "")
	ok(t, err)
	other, err := b.BeginSession(t.Context(), who, remote, "")
	ok(t, err)
	var input *people.InputError
	if err := b.ChangePassword(t.Context(), who, "wrong", "another good password", mine.Token); !errors.As(err, &input) || input.Field != "old_password" {
		t.Errorf("a wrong password: %v", err)
	}
	if err := b.ChangePassword(t.Context(), who, password, "short", mine.Token); !errors.As(err, &input) {
		t.Errorf("a short password: %v", err)
	}
	ok(t, b.ChangePassword(t.Context(), who, password, "another good password", mine.Token))
	_, err = b.Session(t.Context(), mine.Token)
	ok(t, err)
	_, err = b.Session(t.Context(), other.Token)
	wantError(t, "another session", err, people.ErrSignedOut)
	_, err = b.SignIn(t.Context(), email, password, remote)
	wantError(t, "the old password", err, people.ErrSignIn)
	_, err = b.SignIn(t.Context(), email, "another good password", remote)
	ok(t, err)
}
