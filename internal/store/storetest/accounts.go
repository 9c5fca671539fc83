package storetest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/people"
)

var accounts = []named{
	{"SetUpLink", setUpLink},
	{"Sessions", sessions},
	{"Tokens", tokens},
}

func happened(kind integration.EventKind) integration.Event {
	return event(integration.Integration{}, kind, moment)
}

func admin(email string) people.Account {
	return people.Account{ID: newID(), Email: email, Role: integration.Admin, Password: "$argon2id$", Created: moment}
}

func setUpLink(t *testing.T, b *bundle) {
	use := func(hash string, now time.Time, a people.Account) error {
		return b.UseSetUpLink(t.Context(), hash, now, a, happened(integration.EventSettings))
	}
	ok(t, b.PutSetUpLink(t.Context(), "older", moment.Add(time.Hour)))
	ok(t, b.PutSetUpLink(t.Context(), "newer", moment.Add(time.Hour)))
	ada := admin("ada@example.com")
	wantError(t, "a replaced link", use("older", moment, ada), integration.ErrNotFound)
	wantError(t, "an expired link", use("newer", moment.Add(time.Hour), ada), integration.ErrNotFound)
	var used atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if use("newer", moment, admin(newID()+"@example.com")) == nil {
				used.Add(1)
			}
		})
	}
	all.Wait()
	same(t, "times used", used.Load(), 1)
	ok(t, b.PutSetUpLink(t.Context(), "late", moment.Add(time.Hour)))
	wantError(t, "a link after the first admin", use("late", moment, ada), integration.ErrNotFound)
	people, err := b.Accounts(t.Context())
	ok(t, err)
	same(t, "people", len(people), 1)
	got, err := b.Account(t.Context(), people[0].Email)
	ok(t, err)
	same(t, "account", got, people[0])
	_, err = b.Account(t.Context(), "nobody@example.com")
	wantError(t, "nobody", err, integration.ErrNotFound)
}

func newAdmin(t *testing.T, b *bundle) people.Account {
	t.Helper()
	a := admin("ada@example.com")
	ok(t, b.PutSetUpLink(t.Context(), "link", moment.Add(time.Hour)))
	ok(t, b.UseSetUpLink(t.Context(), "link", moment, a, happened(integration.EventSettings)))
	return a
}

func sessions(t *testing.T, b *bundle) {
	a := newAdmin(t, b)
	session := func(hash string, created time.Time) people.StoredSession {
		return people.StoredSession{Hash: hash, PersonID: a.ID, Created: created, Seen: created, Remote: "192.0.2.1"}
	}
	old, one, two := session("old", moment.Add(-time.Hour)), session("one", moment), session("two", moment)
	for _, s := range []people.StoredSession{old, one, two} {
		ok(t, b.AddSession(t.Context(), s, s.Created.Add(-time.Minute), happened(integration.EventSignedIn)))
	}
	_, _, err := b.Session(t.Context(), "old")
	wantError(t, "a forgotten session", err, integration.ErrNotFound)
	ok(t, b.TouchSession(t.Context(), "one", moment.Add(time.Hour)))
	one.Seen = moment.Add(time.Hour)
	b.restart(t)
	got, who, err := b.Session(t.Context(), "one")
	ok(t, err)
	same(t, "session", got, one)
	same(t, "its person", who, a)
	ok(t, b.SetPassword(t.Context(), a.ID, "new", "one", happened(integration.EventSettings)))
	_, _, err = b.Session(t.Context(), "two")
	wantError(t, "another session after a new password", err, integration.ErrNotFound)
	_, who, err = b.Session(t.Context(), "one")
	ok(t, err)
	same(t, "password", who.Password, "new")
	ok(t, b.DropSession(t.Context(), "one"))
	ok(t, b.DropSession(t.Context(), "one"))
	_, _, err = b.Session(t.Context(), "one")
	wantError(t, "a dropped session", err, integration.ErrNotFound)
	wantError(t, "nobody's password", b.SetPassword(t.Context(), "nobody", "x", "", happened(integration.EventSettings)), integration.ErrNotFound)
	ok(t, b.AddEvent(t.Context(), happened(integration.EventSignedIn)))
}

func tokens(t *testing.T, b *bundle) {
	older := people.Token{ID: newID(), Name: "older", Role: integration.ReadOnly, MadeBy: "ada", Created: moment}
	newer := people.Token{ID: newID(), Name: "newer", Role: integration.Admin, MadeBy: "ada", Created: moment.Add(time.Second)}
	ok(t, b.AddToken(t.Context(), older, "h1", happened(integration.EventSettings)))
	ok(t, b.AddToken(t.Context(), newer, "h2", happened(integration.EventSettings)))
	ok(t, b.TouchToken(t.Context(), older.ID, moment.Add(time.Hour)))
	older.LastUsed = moment.Add(time.Hour)
	all, err := b.Tokens(t.Context())
	ok(t, err)
	same(t, "tokens", all, []people.Token{newer, older})
	got, err := b.Token(t.Context(), "h1")
	ok(t, err)
	same(t, "token", got, older)
	ok(t, b.DropToken(t.Context(), older.ID, happened(integration.EventSettings)))
	_, err = b.Token(t.Context(), "h1")
	wantError(t, "a dropped token", err, integration.ErrNotFound)
	wantError(t, "dropped twice", b.DropToken(t.Context(), older.ID, happened(integration.EventSettings)), integration.ErrNotFound)
}
