package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/regrant/regrant/client"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/warehouse"
)

const (
	queryLimit = 1000
	queryTime  = 60 * time.Second
)

type queryInput struct{ Body client.Query }

func same[T any](v T) T { return v }

func (s *server) operateRoutes() {
	register(s, route{id: "get-progress", method: http.MethodGet, path: "/progress", summary: "How far running pulls are", role: integration.ReadOnly},
		func(context.Context, integration.Person, *struct{}) (*reply[client.List[client.Progress]], error) {
			return list(s.progress(), same[client.Progress]), nil
		})
	register(s, route{id: "stream", method: http.MethodGet, path: "/stream", summary: "Live: what changed, and progress", role: integration.ReadOnly},
		func(context.Context, integration.Person, *struct{}) (*huma.StreamResponse, error) {
			return &huma.StreamResponse{Body: func(hc huma.Context) {
				_, w := humago.Unwrap(hc)
				s.live(hc.Context(), w)
			}}, nil
		})
	s.document("/stream", "Events: changed, progress, resync (StreamEvent)", map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: "string"}}})
	register(s, route{id: "query", method: http.MethodPost, path: "/query", summary: "Run one statement that only reads", role: integration.ReadOnly}, s.query)
	register(s, route{id: "doctor", method: http.MethodGet, path: "/doctor", summary: "What the server finds when it looks at itself", role: integration.ReadOnly},
		func(ctx context.Context, _ integration.Person, _ *struct{}) (*reply[client.List[client.DoctorCheck]], error) {
			var found []client.DoctorCheck
			if s.Doctor != nil {
				found = s.Doctor(ctx)
			}
			return list(found, same[client.DoctorCheck]), nil
		})
}

func (s *server) progress() []client.Progress {
	if s.Progress == nil {
		return nil
	}
	return s.Progress()
}

func (s *server) query(ctx context.Context, _ integration.Person, in *queryInput) (*reply[client.QueryResult], error) {
	limit := in.Body.Limit
	if limit == 0 {
		limit = queryLimit
	}
	limited, cancel := context.WithTimeout(ctx, queryTime)
	defer cancel()
	result, err := s.Query.Query(limited, in.Body.SQL, limit)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil, err
	case limited.Err() != nil:
		return nil, problemOf(http.StatusUnprocessableEntity, "query_time", "The statement took longer than a minute and was ended: ask for less.")
	default:
		return nil, queryProblem(err)
	}
	out := client.QueryResult{Columns: make([]client.QueryColumn, 0, len(result.Columns)), Rows: result.Rows, Truncated: result.Truncated}
	for _, c := range result.Columns {
		out.Columns = append(out.Columns, client.QueryColumn{Name: c.Name, Type: c.Type})
	}
	if out.Rows == nil {
		out.Rows = [][]any{}
	}
	return ok(out), nil
}

// queryProblem shows the engine's words about the person's own statement.
func queryProblem(err error) error {
	for _, ours := range []error{warehouse.ErrReadOnly, warehouse.ErrVersion, warehouse.ErrInUse, warehouse.ErrDiskFull} {
		if errors.Is(err, ours) {
			return err
		}
	}
	p := problemOf(http.StatusUnprocessableEntity, "query", "The warehouse does not accept this statement.")
	text := []rune(strings.ToValidUTF8(err.Error(), "?"))
	p.Detail = string(text[:min(len(text), 2000)])
	p.Public += " " + p.Detail
	return p
}
