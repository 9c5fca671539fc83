package api_test

import (
	"strings"
	"testing"

	"github.com/regrant/regrant/client"
	"github.com/regrant/regrant/internal/api"
	"github.com/regrant/regrant/internal/api/apitest"
	"github.com/regrant/regrant/internal/people"
)

var _ api.People = (*people.Service)(nil)

func TestTokens(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	c, ctx := b.client(t, apitest.AdminToken), client.WithIdempotencyKey(t.Context(), "k")
	made, err := c.CreateToken(ctx, client.NewToken{Name: "ci", Role: "read_only"})
	if err != nil || made.Text == "" || made.Role != "read_only" || made.MadeBy != "admin@example.com" {
		t.Fatal(err, made)
	}
	if again, err := c.CreateToken(ctx, client.NewToken{Name: "ci", Role: "read_only"}); err != nil || again.ID == made.ID {
		t.Fatal("the text of a token was kept", err, again)
	}
	got := b.do(t, apitest.AdminToken, "GET", "/api/v1/tokens", "")
	if got.status != 200 || strings.Contains(got.body, made.Text) {
		t.Fatal(got)
	}
	if got := b.do(t, apitest.AdminToken, "GET", "/api/v1/people", ""); !strings.Contains(got.body, "ada@example.com") || strings.Contains(got.body, "argon2id") {
		t.Fatal(got)
	}
	if _, err := c.CreateToken(t.Context(), client.NewToken{Name: " ", Role: "admin"}); client.ProblemOf(err) == nil || client.ProblemOf(err).Code != "form" {
		t.Fatal(err)
	}
	if _, err := c.CreateToken(t.Context(), client.NewToken{Name: "x", Role: "root"}); client.ProblemOf(err) == nil {
		t.Fatal(err)
	}
	if err := c.RevokeToken(t.Context(), made.ID); err != nil {
		t.Fatal(err)
	}
	if err := c.RevokeToken(t.Context(), made.ID); !client.IsNotFound(err) {
		t.Fatal(err)
	}
	for _, path := range []string{"/api/v1/tokens", "/api/v1/people"} {
		if got := b.do(t, apitest.StandardToken, "GET", path, ""); got.status != 403 {
			t.Fatal(path, got)
		}
	}
}
