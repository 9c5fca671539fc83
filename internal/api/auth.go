package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/regrant/regrant/internal/integration"
)

const maxToken = 512

type personKey struct{}

// personOf is who asks; the zero Person may nothing.
func personOf(ctx context.Context) integration.Person {
	who, _ := ctx.Value(personKey{}).(integration.Person)
	return who
}

// authenticated finds out who asks. Whether that suffices is decided by the
// route, since some answer everybody.
func (s *server) authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, given := bearer(r)
		if !given {
			next.ServeHTTP(w, r)
			return
		}
		who, err := s.Authenticate(r.Context(), token)
		switch {
		case errors.Is(err, integration.ErrNotFound):
			next.ServeHTTP(w, r)
		case err != nil:
			writeProblem(w, s.problem(r.Context(), err))
		default:
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), personKey{}, who)))
		}
	})
}

func bearer(r *http.Request) (string, bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > maxToken {
		return "", false
	}
	return token, true
}

// requires lets only people through whose role includes the one needed.
func (s *server) requires(role integration.Role) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		_, w := humago.Unwrap(ctx)
		if refused(w, personOf(ctx.Context()), role) {
			return
		}
		next(ctx)
	}
}

// refused answers people who may not; it says whether it did.
func refused(w http.ResponseWriter, who integration.Person, role integration.Role) bool {
	switch {
	case who.Role == "":
		w.Header().Set("WWW-Authenticate", `Bearer realm="Regrant"`)
		writeProblem(w, problemOf(http.StatusUnauthorized, "token_refused",
			"Send a valid API token as \"Authorization: Bearer …\"; the one sent (or none) is not known here."))
	case !who.Role.May(role):
		writeProblem(w, problemOf(http.StatusForbidden, "forbidden",
			"Your role is "+string(who.Role)+"; this needs "+string(role)+". Ask an admin."))
	default:
		return false
	}
	return true
}
