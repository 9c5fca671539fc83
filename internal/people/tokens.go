package people

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/regrant/regrant/internal/integration"
)

// TokenPrefix begins every API token, so that scanners find leaked ones.
const TokenPrefix = "rgt_"

// newToken has 256 random bits; hashing it once is enough to store it.
func newToken(prefix string) string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return prefix + base64.RawURLEncoding.EncodeToString(b)
}

func newID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

func hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// touchEvery is how exactly the last use of a token or session is kept; not
// every request becomes a write.
const touchEvery = time.Minute

// Token returns who acts with an API token or the local token, or ErrToken.
func (s *Service) Token(ctx context.Context, plain string) (integration.Person, error) {
	if len(plain) > 256 || plain == "" {
		return integration.Person{}, ErrToken
	}
	sum := hash(plain)
	if s.local != "" && subtle.ConstantTimeCompare([]byte(sum), []byte(s.local)) == 1 {
		return integration.Person{ID: "local", Name: "command line", Role: integration.Admin}, nil
	}
	t, err := s.storage.Token(ctx, sum)
	if errors.Is(err, integration.ErrNotFound) {
		return integration.Person{}, ErrToken
	}
	if err != nil {
		return integration.Person{}, fmt.Errorf("look a token up: %w", err)
	}
	if now := s.now(); now.Sub(t.LastUsed) >= touchEvery {
		if err := s.storage.TouchToken(ctx, t.ID, now); err != nil {
			s.log.WarnContext(ctx, "the last use of a token was not stored", "token_id", t.ID, "error", err)
		}
	}
	return integration.Person{ID: "token:" + t.ID, Name: "token " + t.Name, Role: t.Role}, nil
}

// CreateToken makes an API token; plain is shown once and not kept. Nobody
// can make one that may do more than themselves.
func (s *Service) CreateToken(ctx context.Context, who integration.Person, name string, role integration.Role) (t Token, plain string, err error) {
	if !who.Role.May(integration.Admin) {
		return Token{}, "", integration.ErrForbidden
	}
	name = strings.TrimSpace(name)
	if name == "" || len(name) > 100 {
		return Token{}, "", &InputError{"name", "say in 1 to 100 characters what the token is for"}
	}
	if !role.May(integration.ReadOnly) {
		return Token{}, "", &InputError{"role", "choose read_only, standard or admin"}
	}
	plain = newToken(TokenPrefix)
	t = Token{ID: newID(), Name: name, Role: role, MadeBy: who.Name, Created: s.now()}
	event := s.event(integration.EventSettings, who.Name, "API token "+name+" was created.", map[string]string{"token": t.ID, "role": string(role)})
	if err := s.storage.AddToken(ctx, t, hash(plain), event); err != nil {
		return Token{}, "", fmt.Errorf("store a token: %w", err)
	}
	return t, plain, nil
}

// Tokens lists the API tokens, the newest first.
func (s *Service) Tokens(ctx context.Context, who integration.Person) ([]Token, error) {
	if !who.Role.May(integration.Admin) {
		return nil, integration.ErrForbidden
	}
	return s.storage.Tokens(ctx)
}

// RevokeToken makes a token useless from now on. It returns
// integration.ErrNotFound when there is none.
func (s *Service) RevokeToken(ctx context.Context, who integration.Person, id string) error {
	if !who.Role.May(integration.Admin) {
		return integration.ErrForbidden
	}
	event := s.event(integration.EventSettings, who.Name, "An API token was revoked.", map[string]string{"token": id})
	if err := s.storage.DropToken(ctx, id, event); err != nil {
		return fmt.Errorf("revoke a token: %w", err)
	}
	return nil
}
