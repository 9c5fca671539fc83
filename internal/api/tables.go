package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/regrant/regrant/client"
	"github.com/regrant/regrant/internal/integration"
)

type tables = reply[client.List[client.Table]]

type tableInput struct {
	OfIntegration
	Table string `path:"table" maxLength:"1000" doc:"Its name at the source, or in the warehouse"`
	Body  client.TableChange
}

func (s *server) tableRoutes() {
	const path = "/integrations/{integration}"
	register(s, route{id: "list-tables", method: http.MethodGet, path: path + "/tables", summary: "Its tables and how they are read", role: integration.ReadOnly},
		func(ctx context.Context, _ integration.Person, in *OfIntegration) (*tables, error) {
			return tablesOf(s.Heart.Show(ctx, in.Integration))
		})
	register(s, route{id: "discover-tables", method: http.MethodPost, path: path + "/discover", summary: "List the source's tables afresh", role: integration.Standard},
		func(ctx context.Context, who integration.Person, in *OfIntegration) (*tables, error) {
			return tablesOf(s.Heart.Discover(ctx, who, in.Integration))
		})
	register(s, route{id: "change-table", method: http.MethodPatch, path: path + "/tables/{table}", summary: "Change how a table is read", role: integration.Standard}, s.setTable)
}

func tablesOf(v integration.View, err error) (*tables, error) {
	if err != nil {
		return nil, err
	}
	return ok(client.List[client.Table]{Items: tableViews(v.Record)}), nil
}

func (s *server) setTable(ctx context.Context, who integration.Person, in *tableInput) (*reply[client.Table], error) {
	change, err := tableChange(in.Body)
	if err != nil {
		return nil, err
	}
	v, err := s.Heart.SetTable(ctx, who, in.Integration, in.Table, change)
	if err != nil {
		return nil, err
	}
	all := tableViews(v.Record)
	n := slices.IndexFunc(all, func(t client.Table) bool { return t.Name == in.Table })
	if n < 0 { // as the heart does: the name at the source goes first
		n = slices.IndexFunc(all, func(t client.Table) bool { return t.Target == in.Table })
	}
	if n < 0 {
		return nil, integration.ErrNotFound
	}
	return ok(all[n]), nil
}
