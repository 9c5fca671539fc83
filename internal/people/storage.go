package people

import (
	"context"
	"time"

	"github.com/regrant/regrant/internal/integration"
)

// Storage keeps people. Every lookup returns integration.ErrNotFound for what
// does not exist; hashes are lower-case hexadecimal SHA-256.
type Storage interface {
	// Accounts lists all people, by email.
	Accounts(ctx context.Context) ([]Account, error)
	// Account finds a person by email.
	Account(ctx context.Context, email string) (Account, error)
	// SetPassword replaces a person's password, ends all sessions but the
	// one kept (may be empty), and stores the event with it.
	SetPassword(ctx context.Context, personID, password, keepSession string, event integration.Event) error

	// PutSetUpLink replaces all earlier set-up links.
	PutSetUpLink(ctx context.Context, hash string, expires time.Time) error
	// UseSetUpLink adds the account and spends the link together. It returns
	// ErrNotFound for a link that is not there or has expired, or when
	// somebody was set up before.
	UseSetUpLink(ctx context.Context, hash string, now time.Time, account Account, event integration.Event) error

	// AddSession stores a session, the event with it, and forgets sessions
	// that were created before old.
	AddSession(ctx context.Context, session StoredSession, old time.Time, event integration.Event) error
	// Session finds a session with its person.
	Session(ctx context.Context, hash string) (StoredSession, Account, error)
	// TouchSession says when it was last used.
	TouchSession(ctx context.Context, hash string, seen time.Time) error
	// DropSession forgets it; an absent one is no error.
	DropSession(ctx context.Context, hash string) error

	// AddToken stores a token; the event with it.
	AddToken(ctx context.Context, token Token, hash string, event integration.Event) error
	// Tokens lists all tokens, the newest first.
	Tokens(ctx context.Context) ([]Token, error)
	// Token finds a token by its hash.
	Token(ctx context.Context, hash string) (Token, error)
	// TouchToken says when it was last used.
	TouchToken(ctx context.Context, id string, used time.Time) error
	// DropToken revokes it; the event with it.
	DropToken(ctx context.Context, id string, event integration.Event) error

	// AddEvent stores an event by itself.
	AddEvent(ctx context.Context, event integration.Event) error
}

// Account is a person as stored.
type Account struct {
	ID       string
	Email    string // trimmed, lower-case
	Role     integration.Role
	Password string // hashed
	Created  time.Time
}

// Person is the account as somebody who acts.
func (a Account) Person() integration.Person {
	return integration.Person{ID: a.ID, Name: a.Email, Role: a.Role}
}

// StoredSession is a session as stored.
type StoredSession struct {
	Hash          string
	PersonID      string
	Created, Seen time.Time
	Remote        string // address it began from
}

// Token is an API token without the token itself.
type Token struct {
	ID       string
	Name     string // what it is for
	Role     integration.Role
	MadeBy   string
	Created  time.Time
	LastUsed time.Time // zero: never; kept to the minute
}
