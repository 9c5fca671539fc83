package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/regrant/regrant/client"
	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

type beginInput struct{ Body client.NewIntegration }

type authorizeInput struct {
	OfIntegration
	Accept string `header:"Accept" doc:"text/event-stream: every check as it is made, then the result"`
	Body   client.Submission
}

type undoInput struct {
	OfIntegration
	Accept string `header:"Accept" doc:"text/event-stream: every check as it is made, then the result"`
}

// prove is a verification that reports its checks.
type prove func(ctx context.Context, report func(integration.Check)) (integration.Verification, error)

func (s *server) connectRoutes() {
	register(s, route{id: "begin-integration", method: http.MethodPost, path: "/integrations", summary: "Begin a connection", role: integration.Admin, status: http.StatusCreated},
		func(ctx context.Context, who integration.Person, in *beginInput) (*one, error) {
			if _, err := s.Heart.Catalogue().Find(in.Body.Connector); err != nil {
				return nil, &integration.FormError{Fields: map[string]string{"connector": "there is no such connector; the catalogue lists those there are"}}
			}
			return s.shown(s.Heart.Begin(ctx, who, in.Body.Connector, in.Body.Name, in.Body.Form))
		})
	register(s, route{id: "authorize-integration", method: http.MethodPost, path: "/integrations/{integration}/authorize",
		summary: "Prove a filled form and swap it in when every check passed", role: integration.Standard},
		func(ctx context.Context, who integration.Person, in *authorizeInput) (*huma.StreamResponse, error) {
			sub := submission(in.Body)
			return s.verification(ctx, in.Accept, func(ctx context.Context, report func(integration.Check)) (integration.Verification, error) {
				return s.Heart.Authorize(ctx, who, in.Integration, sub, report)
			})
		})
	register(s, route{id: "undo-authorization", method: http.MethodPost, path: "/integrations/{integration}/undo",
		summary: "Go back to the authorization before, proven first", role: integration.Standard},
		func(ctx context.Context, who integration.Person, in *undoInput) (*huma.StreamResponse, error) {
			return s.verification(ctx, in.Accept, func(ctx context.Context, report func(integration.Check)) (integration.Verification, error) {
				return s.Heart.Undo(ctx, who, in.Integration, report)
			})
		})
	s.documentVerification("/integrations/{integration}/authorize", "/integrations/{integration}/undo")
}

func submission(in client.Submission) integration.Submission {
	out := integration.Submission{Form: in.Form, Settings: in.Settings, Tables: in.Tables, PauseUnreadable: in.PauseUnreadable}
	out.Secrets = make(map[string]connector.Secret, len(in.Secrets))
	for name, value := range in.Secrets {
		out.Secrets[name] = connector.NewSecret(string(value))
	}
	return out
}

// verification answers with the result at the end, or streams the checks.
func (s *server) verification(ctx context.Context, accept string, run prove) (*huma.StreamResponse, error) {
	if strings.Contains(accept, "text/event-stream") {
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			_, w := humago.Unwrap(hc)
			s.streamVerification(ctx, w, run)
		}}, nil
	}
	v, err := run(ctx, nil)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		_, w := humago.Unwrap(hc)
		writeJSON(w, s.verificationView(v))
	}}, nil
}

func (s *server) verificationView(v integration.Verification) client.Verification {
	out := client.Verification{Swapped: v.Swapped, Integration: s.fullView(v.View), Checks: make([]client.Check, 0, len(v.Checks))}
	for _, c := range v.Checks {
		out.Checks = append(out.Checks, checkView(c))
	}
	return out
}

// streamVerification begins the stream with the first check, so that what is
// refused before still answers with its own status.
func (s *server) streamVerification(ctx context.Context, w http.ResponseWriter, run prove) {
	var out *stream
	open := func() *stream {
		if out == nil {
			out = newStream(w)
		}
		return out
	}
	v, err := run(ctx, func(c integration.Check) { open().send("check", checkView(c)) })
	switch {
	case err != nil && out == nil:
		writeProblem(w, s.problem(ctx, err))
	case err != nil:
		out.send("problem", s.problem(ctx, err))
	default:
		open().send("done", s.verificationView(v))
	}
}
