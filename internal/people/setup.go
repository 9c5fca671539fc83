package people

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"github.com/regrant/regrant/internal/integration"
)

// SetUpValid is how long a set-up link can be used.
const SetUpValid = 24 * time.Hour

// SetUpToken returns a new one-time token for the set-up link while nobody
// was set up, and "" afterwards. Earlier ones stop working.
func (s *Service) SetUpToken(ctx context.Context) (string, error) {
	needed, err := s.SetUpNeeded(ctx)
	if err != nil || !needed {
		return "", err
	}
	token := newToken("")
	if err := s.storage.PutSetUpLink(ctx, hash(token), s.now().Add(SetUpValid)); err != nil {
		return "", fmt.Errorf("store the set-up link: %w", err)
	}
	return token, nil
}

// SetUpNeeded says whether there is no admin yet.
func (s *Service) SetUpNeeded(ctx context.Context) (bool, error) {
	accounts, err := s.storage.Accounts(ctx)
	if err != nil {
		return false, fmt.Errorf("look for an admin: %w", err)
	}
	for _, a := range accounts {
		if a.Role == integration.Admin {
			return false, nil
		}
	}
	return true, nil
}

// SetUp makes the first admin. It returns ErrLink when the token cannot be
// used, or an *InputError.
func (s *Service) SetUp(ctx context.Context, token, email, password string) (integration.Person, error) {
	email, err := cleanEmail(email)
	if err != nil {
		return integration.Person{}, err
	}
	if err := checkPassword(password, email); err != nil {
		return integration.Person{}, err
	}
	account := Account{ID: newID(), Email: email, Role: integration.Admin, Created: s.now()}
	err = s.hashed(ctx, func() (err error) {
		account.Password, err = hashPassword(password, s.cost)
		return err
	})
	if err != nil {
		return integration.Person{}, fmt.Errorf("hash a password: %w", err)
	}
	event := s.event(integration.EventSettings, email, "The first admin was set up.", nil)
	err = s.storage.UseSetUpLink(ctx, hash(token), s.now(), account, event)
	if errors.Is(err, integration.ErrNotFound) {
		return integration.Person{}, ErrLink
	}
	if err != nil {
		return integration.Person{}, fmt.Errorf("store the first admin: %w", err)
	}
	return account.Person(), nil
}

func cleanEmail(email string) (string, error) {
	email = strings.ToLower(strings.TrimSpace(email))
	parsed, err := mail.ParseAddress(email)
	if err != nil || parsed.Address != email || len(email) > 254 {
		return "", &InputError{"email", "this is not an email address; write it like ada@example.com"}
	}
	return email, nil
}
