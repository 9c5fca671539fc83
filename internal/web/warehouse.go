package web

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/warehouse"
)

const (
	// maxQuery bounds what may be typed as a query.
	maxQuery = 32 << 10
	// previewRows bounds what a query shows.
	previewRows = 200
	// maxSchemas bounds the tables listed beside the query.
	maxListed = 500
)

type warehouseData struct {
	Schemas []schemaView
	More    int
	SQL     string
	Wrong   string
	Result  *warehouse.Result
	Columns []warehouse.Column // of a table that is looked at
	Schema  string             // that is looked at
	Looked  string
	State   warehouse.State
	Limit   int
}

// schemaView is what one integration has in the warehouse.
type schemaView struct {
	View   integration.View
	Tables []integration.Table
}

func (w *Web) showWarehouse(rw http.ResponseWriter, r *http.Request) error {
	data, err := w.warehouseData(r.Context())
	if err != nil {
		return err
	}
	q := r.URL.Query()
	if schema, table := q.Get("schema"), q.Get("table"); schema != "" && table != "" {
		name := warehouse.Name{Schema: schema, Table: table}
		if data.State, err = w.Warehouse.Describe(r.Context(), name); err != nil {
			return err
		}
		data.Schema, data.Looked, data.Columns = schema, schema+"."+table, data.State.Columns
		data.SQL = "select *\nfrom " + quoteName(schema) + "." + quoteName(table) + "\nlimit 50"
	}
	return w.show(rw, r, "warehouse", pageData{Title: "Data Warehouse", Nav: "warehouse", Data: data})
}

func quoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func (w *Web) warehouseData(ctx context.Context) (warehouseData, error) {
	data := warehouseData{Limit: previewRows}
	views, err := w.Integrations.List(ctx)
	if err != nil {
		return data, err
	}
	listed := 0
	for _, v := range views {
		s := schemaView{View: v}
		for _, t := range v.Tables {
			if !t.Enabled && t.LastRead.IsZero() {
				continue
			}
			if listed++; listed > maxListed {
				data.More++
				continue
			}
			s.Tables = append(s.Tables, t)
		}
		if len(s.Tables) > 0 {
			data.Schemas = append(data.Schemas, s)
		}
	}
	return data, nil
}

func (w *Web) queryWarehouse(rw http.ResponseWriter, r *http.Request) error {
	if err := parse(r); err != nil {
		return err
	}
	data, err := w.warehouseData(r.Context())
	if err != nil {
		return err
	}
	status := http.StatusOK
	data.SQL = strings.ReplaceAll(r.PostForm.Get("sql"), "\r\n", "\n")
	if data.Result, data.Wrong, err = w.preview(r.Context(), data.SQL); err != nil {
		return err
	}
	if data.Wrong != "" {
		status = http.StatusUnprocessableEntity
	}
	w.render(rw, r, status, "warehouse", pageData{Title: "Data Warehouse", Nav: "warehouse", Data: data})
	return nil
}

// preview answers a query, or says in words what is wrong with it.
func (w *Web) preview(ctx context.Context, sql string) (*warehouse.Result, string, error) {
	switch {
	case strings.TrimSpace(sql) == "":
		return nil, "Type a query, for example: select 1", nil
	case len(sql) > maxQuery:
		return nil, "The query is longer than " + bytesText(maxQuery) + ". Shorten it.", nil
	}
	result, err := w.Warehouse.Query(ctx, sql, previewRows)
	switch {
	case err == nil:
		return &result, "", nil
	case errors.Is(err, warehouse.ErrReadOnly):
		return nil, "Only statements that read are allowed here. The warehouse is written by updates alone.", nil
	case errors.Is(err, warehouse.ErrInUse), errors.Is(err, warehouse.ErrDiskFull), errors.Is(err, context.Canceled):
		return nil, "", err
	}
	if fault := (*connector.Fault)(nil); errors.As(err, &fault) {
		return nil, fault.Public, nil
	}
	// The engine's own text names the word that it stumbled over.
	return nil, err.Error(), nil
}
