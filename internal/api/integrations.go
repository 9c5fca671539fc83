package api

import (
	"context"
	"net/http"
	"time"

	"github.com/regrant/regrant/client"
	"github.com/regrant/regrant/internal/integration"
)

type one = reply[client.Integration]

type changeInput struct {
	OfIntegration
	Body client.IntegrationChange
}

func (s *server) integrationRoutes() {
	const path = "/integrations/{integration}"
	register(s, route{id: "list-integrations", method: http.MethodGet, path: "/integrations", summary: "Every integration, by name", role: integration.ReadOnly}, s.list)
	register(s, route{id: "get-integration", method: http.MethodGet, path: path, summary: "One integration with its tables and what is open", role: integration.ReadOnly},
		func(ctx context.Context, _ integration.Person, in *OfIntegration) (*one, error) {
			return s.shown(s.Heart.Show(ctx, in.Integration))
		})
	register(s, route{id: "change-integration", method: http.MethodPatch, path: path, summary: "Rename it or change its interval", role: integration.Standard}, s.change)
	register(s, route{id: "remove-integration", method: http.MethodDelete, path: path, summary: "Forget it; its rows stay in the warehouse", role: integration.Admin},
		func(ctx context.Context, who integration.Person, in *OfIntegration) (*struct{}, error) {
			return nil, s.Heart.Remove(ctx, who, in.Integration)
		})
	act := func(verb, summary string, do func(context.Context, integration.Person, string) (integration.View, error)) {
		register(s, route{id: verb + "-integration", method: http.MethodPost, path: path + "/" + verb, summary: summary, role: integration.Standard},
			func(ctx context.Context, who integration.Person, in *OfIntegration) (*one, error) {
				return s.shown(do(ctx, who, in.Integration))
			})
	}
	act("probe", "Prove the authorization now, on a fresh connection", s.Heart.Probe)
	act("pause", "Stop its updates", s.Heart.Pause)
	act("resume", "Begin its updates again", s.Heart.Resume)
	register(s, route{id: "update-integration", method: http.MethodPost, path: path + "/updates", status: http.StatusAccepted,
		summary: "Ask for a pull now; one that waits already is the same one", role: integration.Standard}, s.update)
}

func (s *server) shown(v integration.View, err error) (*one, error) {
	if err != nil {
		return nil, err
	}
	return ok(s.fullView(v)), nil
}

func (s *server) list(ctx context.Context, _ integration.Person, _ *struct{}) (*reply[client.List[client.Integration]], error) {
	views, err := s.Heart.List(ctx)
	if err != nil {
		return nil, err
	}
	return list(views, shortView), nil
}

func (s *server) change(ctx context.Context, who integration.Person, in *changeInput) (*one, error) {
	view, err := s.Heart.Show(ctx, in.Integration)
	if err != nil {
		return nil, err
	}
	id := view.Integration.ID // the slug may change with the name
	if in.Body.Name != nil {
		if view, err = s.Heart.Rename(ctx, who, id, *in.Body.Name); err != nil {
			return nil, err
		}
	}
	if in.Body.EverySeconds != nil {
		view, err = s.Heart.SetEvery(ctx, who, id, time.Duration(*in.Body.EverySeconds)*time.Second)
	}
	return s.shown(view, err)
}

// update answers with the integration as it was before, so that a caller can
// tell the pull asked for from the last one.
func (s *server) update(ctx context.Context, who integration.Person, in *OfIntegration) (*one, error) {
	before, err := s.Heart.Show(ctx, in.Integration)
	if err != nil {
		return nil, err
	}
	return s.shown(before, s.Heart.Update(ctx, who, before.Integration.ID))
}
