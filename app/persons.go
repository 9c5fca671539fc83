package app

import (
	"context"
	"errors"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/people"
	"github.com/regrant/regrant/internal/web"
)

// persons fills web.People: it turns the words of package people into those
// of the pages.
type persons struct{ service *people.Service }

func isToken(err error) bool { return errors.Is(err, people.ErrToken) }

// pages is who lists people and tokens; the page itself admits admins only.
func pages() integration.Person { return integration.System("pages") }

func (p persons) SetUp(ctx context.Context, token, email, password string) (integration.Person, error) {
	who, err := p.service.SetUp(ctx, token, email, password)
	return who, forPages(err)
}

func (p persons) SetUpNeeded(ctx context.Context) (bool, error) { return p.service.SetUpNeeded(ctx) }

func (p persons) SignIn(ctx context.Context, email, password, remote string) (integration.Person, error) {
	who, err := p.service.SignIn(ctx, email, password, remote)
	return who, forPages(err)
}

func (p persons) Accounts(ctx context.Context) ([]web.Account, error) {
	found, err := p.service.People(ctx, pages())
	accounts := make([]web.Account, 0, len(found))
	for _, a := range found {
		accounts = append(accounts, web.Account{ID: a.ID, Email: a.Email, Role: a.Role, Created: a.Created})
	}
	return accounts, err
}

func (p persons) Tokens(ctx context.Context) ([]web.Token, error) {
	found, err := p.service.Tokens(ctx, pages())
	tokens := make([]web.Token, 0, len(found))
	for _, t := range found {
		tokens = append(tokens, web.Token{ID: t.ID, Name: t.Name, Role: t.Role, By: t.MadeBy, Created: t.Created, LastUsed: t.LastUsed})
	}
	return tokens, err
}

func (p persons) CreateToken(ctx context.Context, who integration.Person, name string, role integration.Role) (connector.Secret, error) {
	_, plain, err := p.service.CreateToken(ctx, who, name, role)
	return connector.NewSecret(plain), forPages(err)
}

func (p persons) RevokeToken(ctx context.Context, who integration.Person, id string) error {
	return forPages(p.service.RevokeToken(ctx, who, id))
}

// forPages keeps the text of errors that are meant for the person.
func forPages(err error) error {
	var input *people.InputError
	var throttled *people.ThrottledError
	switch {
	case errors.Is(err, people.ErrSignIn):
		return web.ErrRefused
	case errors.Is(err, people.ErrLink):
		return &web.Refusal{Text: err.Error(), Err: web.ErrLinkOver}
	case errors.As(err, &throttled):
		return &web.Refusal{Text: throttled.Error(), Retry: max(time.Until(throttled.Until), time.Second), Err: err}
	case errors.As(err, &input) && input.Field == "password":
		return &web.Refusal{Text: input.Text, Err: web.ErrWeak}
	case errors.As(err, &input):
		return &web.Refusal{Text: input.Text, Err: err}
	}
	return err
}
