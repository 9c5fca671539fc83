package api

import (
	"context"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/regrant/regrant/client"
	"github.com/regrant/regrant/internal/integration"
)

// reply is an answer with a JSON body.
type reply[T any] struct{ Body T }

func ok[T any](body T) *reply[T] { return &reply[T]{Body: body} }

// list wraps several things; an empty list is [], never null.
func list[In, Out any](in []In, show func(In) Out) *reply[client.List[Out]] {
	items := make([]Out, 0, len(in))
	for _, one := range in {
		items = append(items, show(one))
	}
	return ok(client.List[Out]{Items: items})
}

// OfIntegration is the input of routes below one integration. It is exported
// because embedded inputs are found only then.
type OfIntegration struct {
	Integration string `path:"integration" maxLength:"200" doc:"Slug or id"`
}

// route is one operation and the role that it needs.
type route struct {
	id, method, path, summary string
	role                      integration.Role
	status                    int // of success; 0: 200, or 204 without a body
}

func register[In, Out any](s *server, r route, handle func(ctx context.Context, who integration.Person, in *In) (*Out, error)) {
	op := huma.Operation{
		OperationID: r.id, Method: r.method, Path: r.path, Summary: r.summary, DefaultStatus: r.status,
		Description:  "Needs the role " + string(r.role) + ".",
		Security:     []map[string][]string{{"token": {}}},
		MaxBodyBytes: maxBody + 1, BodyReadTimeout: -1, // bounded before
		Responses:   s.problemResponses(),
		Middlewares: huma.Middlewares{s.requires(r.role)},
	}
	if r.method != http.MethodGet {
		op.Parameters = []*huma.Param{idempotencyParameter()}
	}
	huma.Register(s.api, op, func(ctx context.Context, in *In) (*Out, error) {
		out, err := handle(ctx, personOf(ctx), in)
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		return out, nil
	})
}

// problemResponses documents errors: one shape for all of them.
func (s *server) problemResponses() map[string]*huma.Response {
	schema := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[client.Problem](), true, "Problem")
	return map[string]*huma.Response{"default": {
		Description: "What went wrong and what to do",
		Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: schema}},
	}}
}

// noSuchRoute tells a wrong path from a wrong method.
func (s *server) noSuchRoute(w http.ResponseWriter, r *http.Request) {
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := s.mux.Handler(other); pattern != "/api/" && method != r.Method {
			w.Header().Add("Allow", method)
		}
	}
	if w.Header().Get("Allow") != "" {
		writeProblem(w, problemOf(http.StatusMethodNotAllowed, "method_not_allowed", "This address does not take "+r.Method+"."))
		return
	}
	writeProblem(w, problemOf(http.StatusNotFound, "no_such_address", "There is nothing at this address; /api/openapi.json lists what there is."))
}
