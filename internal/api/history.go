package api

import (
	"context"
	"net/http"

	"github.com/regrant/regrant/client"
	"github.com/regrant/regrant/internal/integration"
)

// FilterInput selects history. It is exported because embedded inputs are
// found only then.
type FilterInput struct {
	Integration string `query:"integration" maxLength:"200" doc:"Slug or id; absent: all"`
	Limit       int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

type openInput struct {
	FilterInput
	Open bool `query:"open" doc:"Only open ones"`
}

type eventsInput struct {
	FilterInput
	Audit bool `query:"audit" doc:"With those that only an audit wants; needs the role admin"`
}

func (s *server) historyRoutes() {
	register(s, route{id: "list-incidents", method: http.MethodGet, path: "/incidents", summary: "Incidents, newest first", role: integration.ReadOnly},
		func(ctx context.Context, _ integration.Person, in *openInput) (*reply[client.List[client.Incident]], error) {
			return history(ctx, s, in.filter(in.Open), s.Heart.Incidents, incidentView)
		})
	register(s, route{id: "list-gaps", method: http.MethodGet, path: "/gaps", summary: "Gaps and their receipts, newest first", role: integration.ReadOnly},
		func(ctx context.Context, _ integration.Person, in *openInput) (*reply[client.List[client.Gap]], error) {
			return history(ctx, s, in.filter(in.Open), s.Heart.Gaps, gapView)
		})
	register(s, route{id: "list-pulls", method: http.MethodGet, path: "/pulls", summary: "Pulls, newest first", role: integration.ReadOnly},
		func(ctx context.Context, _ integration.Person, in *FilterInput) (*reply[client.List[client.Pull]], error) {
			return history(ctx, s, in.filter(false), s.Heart.Pulls, pullView)
		})
	register(s, route{id: "list-events", method: http.MethodGet, path: "/events", summary: "The timeline, newest first", role: integration.ReadOnly},
		func(ctx context.Context, who integration.Person, in *eventsInput) (*reply[client.List[client.Event]], error) {
			f := in.filter(false)
			if f.Audit = in.Audit; f.Audit && !who.Role.May(integration.Admin) {
				return nil, integration.ErrForbidden
			}
			return history(ctx, s, f, s.Heart.Events, eventView)
		})
}

func (in FilterInput) filter(open bool) integration.Filter {
	return integration.Filter{Integration: in.Integration, OpenOnly: open, Limit: in.Limit}
}

// history asks for what the filter selects; a slug becomes an id first.
func history[T, V any](ctx context.Context, s *server, f integration.Filter,
	ask func(context.Context, integration.Filter) ([]T, error), show func(T) V,
) (*reply[client.List[V]], error) {
	if f.Integration != "" {
		v, err := s.Heart.Show(ctx, f.Integration)
		if err != nil {
			return nil, err
		}
		f.Integration = v.Integration.ID
	}
	found, err := ask(ctx, f)
	if err != nil {
		return nil, err
	}
	return list(found, show), nil
}
