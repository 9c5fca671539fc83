package apitest

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/regrant/regrant/client"
	"github.com/regrant/regrant/internal/api"
	"github.com/regrant/regrant/internal/integration"
)

// The tokens that Handler knows, by role.
const (
	AdminToken    = "rgt_admin"
	StandardToken = "rgt_standard"
	ReadOnlyToken = "rgt_read_only"
)

// Authenticate knows the tokens of the package.
func Authenticate(_ context.Context, token string) (integration.Person, error) {
	roles := map[string]integration.Role{AdminToken: integration.Admin, StandardToken: integration.Standard, ReadOnlyToken: integration.ReadOnly}
	role, ok := roles[token]
	if !ok {
		return integration.Person{}, integration.ErrNotFound
	}
	return integration.Person{ID: string(role), Name: string(role) + "@example.com", Role: role}, nil
}

// Handler is the API over a heart; change may be nil.
func Handler(heart *Heart, log *slog.Logger, change func(*api.Config)) (http.Handler, error) {
	c := api.Config{
		Heart: heart, Query: heart, People: &heart.Tokens, Authenticate: Authenticate, Log: log, Version: "test",
		Doctor: func(context.Context) []client.DoctorCheck {
			return []client.DoctorCheck{{Name: "clock", OK: true, Text: "the time is right"}}
		},
	}
	if change != nil {
		change(&c)
	}
	return api.New(c)
}
