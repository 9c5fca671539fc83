package people

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/regrant/regrant/internal/integration"
)

// Errors that callers act on. Their text is for people.
var (
	// ErrSignIn means that email and password do not belong together. It does
	// not tell which of them is wrong.
	ErrSignIn = errors.New("the email or the password is not right")
	// ErrSignedOut means that there is no such session, or not any more.
	ErrSignedOut = errors.New("you are signed out: sign in again")
	// ErrToken means that there is no such token, or not any more.
	ErrToken = errors.New("the token is not valid: it was mistyped or revoked")
	// ErrLink means that a set-up link cannot be used.
	ErrLink = errors.New("this link was used, is older than 24 hours, or was replaced by a newer one: restart Regrant, or look into its output, for a new one")
)

// ThrottledError means that there were too many failed attempts.
type ThrottledError struct{ Until time.Time }

func (e *ThrottledError) Error() string {
	return "there were too many attempts: wait until " + e.Until.UTC().Format("15:04:05 UTC") + " and try again"
}

// InputError says what to change in a form.
type InputError struct {
	Field string // "email", "password", "name", "role"
	Text  string
}

func (e *InputError) Error() string { return e.Text }

// Config wires a Service.
type Config struct {
	Storage Storage
	Log     *slog.Logger
	// Local is the token of the command line on the same machine, as read or
	// made by LocalToken; empty: none is accepted.
	Local string
	// Cost of hashing a password; the zero Cost is right for everything but
	// tests.
	Cost Cost
}

// Service is what pages, API and start-up ask about people. It is safe for
// many callers at once.
type Service struct {
	storage  Storage
	log      *slog.Logger
	local    string // hash
	cost     Cost
	decoy    string // a hash that no password has; see SignIn
	hashing  chan struct{}
	accounts *throttle
	remotes  *throttle
	now      func() time.Time
}

// New makes a Service.
func New(c Config) (*Service, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Cost = c.Cost.orDefault()
	decoy, err := decoyHash(c.Cost)
	if err != nil {
		return nil, fmt.Errorf("start people: %w", err)
	}
	s := &Service{
		storage: c.Storage, log: c.Log, cost: c.Cost, decoy: decoy, now: time.Now,
		hashing:  make(chan struct{}, hashesAtOnce),
		accounts: newThrottle(freeAttemptsOfAccount), remotes: newThrottle(freeAttemptsOfRemote),
	}
	if c.Local != "" {
		s.local = hash(c.Local)
	}
	return s, nil
}

// hashesAtOnce bounds the memory that sign-ins can take: one hash needs
// Cost.Memory.
const hashesAtOnce = 2

// hashed runs do when few enough passwords are being hashed.
func (s *Service) hashed(ctx context.Context, do func() error) error {
	select {
	case s.hashing <- struct{}{}:
		defer func() { <-s.hashing }()
		return do()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Service) event(kind integration.EventKind, by, text string, facts map[string]string) integration.Event {
	return integration.Event{ID: newID(), At: s.now(), Kind: kind, By: by, Text: text, Facts: facts}
}
