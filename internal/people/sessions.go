package people

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/regrant/regrant/internal/integration"
)

// How long a session lasts.
const (
	SessionIdle = 12 * time.Hour     // without a request
	SessionLife = 7 * 24 * time.Hour // at most
)

// Session is a new session: Token goes into the browser's cookie and is kept
// nowhere else.
type Session struct {
	Token   string
	Expires time.Time
}

// BeginSession begins a session for somebody who just proved who they are. A
// session that the browser had before is ended (previous, may be empty), so
// that a token planted before signing in is worth nothing.
func (s *Service) BeginSession(ctx context.Context, who integration.Person, remote, previous string) (Session, error) {
	if err := s.SignOut(ctx, previous); err != nil {
		return Session{}, err
	}
	now := s.now()
	token := newToken("")
	stored := StoredSession{Hash: hash(token), PersonID: who.ID, Created: now, Seen: now, Remote: remote}
	event := s.event(integration.EventSignedIn, who.Name, "Signed in.", map[string]string{"remote": remote})
	if err := s.storage.AddSession(ctx, stored, now.Add(-SessionLife), event); err != nil {
		return Session{}, fmt.Errorf("begin a session: %w", err)
	}
	return Session{Token: token, Expires: now.Add(SessionLife)}, nil
}

// Session returns who the session belongs to, or ErrSignedOut.
func (s *Service) Session(ctx context.Context, token string) (integration.Person, error) {
	if token == "" || len(token) > 256 {
		return integration.Person{}, ErrSignedOut
	}
	stored, account, err := s.storage.Session(ctx, hash(token))
	if errors.Is(err, integration.ErrNotFound) {
		return integration.Person{}, ErrSignedOut
	}
	if err != nil {
		return integration.Person{}, fmt.Errorf("look a session up: %w", err)
	}
	now := s.now()
	if now.Sub(stored.Seen) >= SessionIdle || now.Sub(stored.Created) >= SessionLife {
		return integration.Person{}, errors.Join(ErrSignedOut, s.storage.DropSession(ctx, stored.Hash))
	}
	if now.Sub(stored.Seen) >= touchEvery {
		if err := s.storage.TouchSession(ctx, stored.Hash, now); err != nil {
			s.log.WarnContext(ctx, "the last use of a session was not stored", "error", err)
		}
	}
	return account.Person(), nil
}

// SignOut ends a session; one that does not exist is no error.
func (s *Service) SignOut(ctx context.Context, token string) error {
	if token == "" {
		return nil
	}
	if err := s.storage.DropSession(ctx, hash(token)); err != nil {
		return fmt.Errorf("end a session: %w", err)
	}
	return nil
}

// CookieName is the name of the session's cookie. Over https the prefix
// __Host- keeps other hosts of the same domain from setting it.
func CookieName(secure bool) string {
	if secure {
		return "__Host-regrant"
	}
	return "regrant"
}

// Cookie is the cookie that carries a session; secure when people come by
// https. The zero Session makes one that deletes it.
func Cookie(session Session, secure bool) *http.Cookie {
	c := &http.Cookie{
		Name: CookieName(secure), Value: session.Token, Path: "/", Expires: session.Expires,
		HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	}
	if session.Token == "" {
		c.MaxAge = -1
	}
	return c
}

func (s *Service) logUnlessSignedOut(ctx context.Context, err error) {
	if !errors.Is(err, ErrSignedOut) && ctx.Err() == nil {
		s.log.ErrorContext(ctx, "a session could not be looked up", "error", err)
	}
}
