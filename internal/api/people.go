package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/regrant/regrant/client"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/people"
)

// People lists who signs in and keeps API tokens; *people.Service fills it.
type People interface {
	People(ctx context.Context, who integration.Person) ([]people.Account, error)
	Tokens(ctx context.Context, who integration.Person) ([]people.Token, error)
	CreateToken(ctx context.Context, who integration.Person, name string, role integration.Role) (people.Token, string, error)
	RevokeToken(ctx context.Context, who integration.Person, id string) error
}

const tokensPath = "/tokens"

type newTokenInput struct{ Body client.NewToken }

type ofToken struct {
	Token string `path:"token" maxLength:"100"`
}

func (s *server) peopleRoutes() {
	if s.People == nil {
		return
	}
	register(s, route{id: "list-people", method: http.MethodGet, path: "/people", summary: "Who signs in", role: integration.Admin},
		func(ctx context.Context, who integration.Person, _ *struct{}) (*reply[client.List[client.Account]], error) {
			found, err := s.People.People(ctx, who)
			if err != nil {
				return nil, err
			}
			return list(found, func(a people.Account) client.Account {
				return client.Account{ID: a.ID, Email: a.Email, Role: string(a.Role), Created: a.Created.UTC()}
			}), nil
		})
	register(s, route{id: "list-tokens", method: http.MethodGet, path: tokensPath, summary: "API tokens, without their text", role: integration.Admin},
		func(ctx context.Context, who integration.Person, _ *struct{}) (*reply[client.List[client.Token]], error) {
			found, err := s.People.Tokens(ctx, who)
			if err != nil {
				return nil, err
			}
			return list(found, tokenView), nil
		})
	register(s, route{id: "create-token", method: http.MethodPost, path: tokensPath, summary: "Make an API token; its text is shown only this once", role: integration.Admin, status: http.StatusCreated}, s.createToken)
	register(s, route{id: "revoke-token", method: http.MethodDelete, path: tokensPath + "/{token}", summary: "End an API token at once", role: integration.Admin},
		func(ctx context.Context, who integration.Person, in *ofToken) (*struct{}, error) {
			return nil, s.People.RevokeToken(ctx, who, in.Token)
		})
}

func (s *server) createToken(ctx context.Context, who integration.Person, in *newTokenInput) (*reply[client.MadeToken], error) {
	made, text, err := s.People.CreateToken(ctx, who, in.Body.Name, integration.Role(in.Body.Role))
	var input *people.InputError
	if errors.As(err, &input) {
		return nil, &integration.FormError{Fields: map[string]string{input.Field: input.Text}}
	}
	if err != nil {
		return nil, err
	}
	return ok(client.MadeToken{Token: tokenView(made), Text: text}), nil
}

func tokenView(t people.Token) client.Token {
	return client.Token{ID: t.ID, Name: t.Name, Role: string(t.Role), MadeBy: t.MadeBy, Created: t.Created.UTC(), LastUsed: moment(t.LastUsed)}
}
