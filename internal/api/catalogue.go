package api

import (
	"context"
	"net/http"

	"github.com/regrant/regrant/client"
	"github.com/regrant/regrant/internal/integration"
)

type ofConnector struct {
	Connector string `path:"connector" maxLength:"64"`
}

func (s *server) catalogueRoutes() {
	register(s, route{id: "list-connectors", method: http.MethodGet, path: "/connectors", summary: "The catalogue", role: integration.ReadOnly},
		func(context.Context, integration.Person, *struct{}) (*reply[client.List[client.Connector]], error) {
			return list(s.Heart.Catalogue(), connectorView), nil
		})
	register(s, route{id: "get-connector", method: http.MethodGet, path: "/connectors/{connector}", summary: "One connector with its forms", role: integration.ReadOnly},
		func(_ context.Context, _ integration.Person, in *ofConnector) (*reply[client.Connector], error) {
			d, err := s.Heart.Catalogue().Find(in.Connector)
			if err != nil {
				return nil, problemOf(http.StatusNotFound, "not_found", "There is no such connector; the catalogue lists those there are.")
			}
			return ok(connectorView(d)), nil
		})
}
