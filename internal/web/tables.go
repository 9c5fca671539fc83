package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

func (w *Web) showTables(rw http.ResponseWriter, r *http.Request) error {
	data, err := w.load(r, "tables")
	if err != nil {
		return err
	}
	q := r.URL.Query()
	data.Query, data.Only = strings.TrimSpace(q.Get("q")), q.Get("only")
	rows := tableRows(data.View)
	rows = slices.DeleteFunc(rows, func(t tableRow) bool {
		return !strings.Contains(strings.ToLower(t.Name), strings.ToLower(data.Query)) ||
			data.Only == "pulled" && !t.Enabled || data.Only == "offered" && t.Enabled || data.Only == "trouble" && t.Incident == nil
	})
	data.Matching = len(rows)
	data.Last = max(1, (len(rows)+perPage-1)/perPage)
	data.Page, _ = strconv.Atoi(q.Get("page"))
	data.Page = min(max(1, data.Page), data.Last)
	data.Tables = rows[(data.Page-1)*perPage : min(data.Page*perPage, len(rows))]
	return w.showTab(rw, r, http.StatusOK, "tables", data)
}

// tableRows puts what is pulled first, and of that what has trouble.
func tableRows(v integration.View) []tableRow {
	rows := make([]tableRow, 0, len(v.Tables))
	for _, t := range v.Tables {
		rows = append(rows, newTableRow(v, t))
	}
	rank := func(t tableRow) int {
		switch {
		case t.Enabled && t.Incident != nil:
			return 0
		case t.Enabled:
			return 1
		default:
			return 2
		}
	}
	slices.SortStableFunc(rows, func(a, b tableRow) int { return rank(a) - rank(b) })
	return rows
}

func newTableRow(v integration.View, t integration.Table) tableRow {
	row := tableRow{Table: t}
	for n := range v.Incidents {
		if v.Incidents[n].Table == t.Name {
			row.Incident = &v.Incidents[n]
		}
	}
	row.Waiting = slices.ContainsFunc(v.Gaps, func(g integration.Gap) bool { return g.Table == t.Name })
	return row
}

// tableData is the page of one table's settings.
type tableData struct {
	View    integration.View
	Table   tableRow
	Chosen  string // method and column
	Offers  []offer
	Columns []columnRow
	Wrong   []problem
}

type offer struct {
	Value string
	connector.Replication
}

type columnRow struct {
	integration.TableColumn
	Key, Read bool
	Recheck   integration.RecheckEvery
}

func offerValue(o connector.Replication) string { return string(o.Method) + " " + o.Column }

func (w *Web) showTable(rw http.ResponseWriter, r *http.Request) error {
	return w.tablePage(rw, r, http.StatusOK, nil)
}

func (w *Web) tablePage(rw http.ResponseWriter, r *http.Request, status int, wrong map[string]string) error {
	view, _, err := w.find(r)
	if err != nil {
		return err
	}
	t, ok := view.Table(r.PathValue("table"))
	if !ok {
		return integration.ErrNotFound
	}
	data := tableData{View: view, Table: newTableRow(view, t), Chosen: offerValue(t.Replication), Wrong: problems(wrong, nil)}
	for _, o := range t.Offers {
		data.Offers = append(data.Offers, offer{offerValue(o), o})
	}
	paused := connector.Replication{Method: connector.Paused, Reason: "Nothing is read. What is in the warehouse stays."}
	if !slices.ContainsFunc(t.Offers, func(o connector.Replication) bool { return o.Method == connector.Paused }) {
		data.Offers = append(data.Offers, offer{offerValue(paused), paused})
	}
	for _, c := range t.Columns {
		data.Columns = append(data.Columns, columnRow{
			TableColumn: c, Key: slices.Contains(t.Key, c.Name),
			Read: !slices.Contains(t.Excluded, c.Name), Recheck: t.Rechecks[c.Name].Every,
		})
	}
	w.render(rw, r, status, "table", pageData{Title: t.Name, Nav: "integrations", Live: "", Data: data})
	return nil
}

// changeTable reads the whole form of a table: what is not ticked is off.
func (w *Web) changeTable(rw http.ResponseWriter, r *http.Request) error {
	if err := parse(r); err != nil {
		return err
	}
	view, err := w.Integrations.Show(r.Context(), r.PathValue("slug"))
	if err != nil {
		return err
	}
	t, ok := view.Table(r.PathValue("table"))
	if !ok {
		return integration.ErrNotFound
	}
	_, err = w.Integrations.SetTable(r.Context(), person(r), view.Integration.ID, t.Name, tableChange(r, t))
	var form *integration.FormError
	if errors.As(err, &form) {
		return w.tablePage(rw, r, http.StatusUnprocessableEntity, form.Fields)
	}
	if err != nil {
		return err
	}
	return done(rw, r, "/integrations/"+view.Integration.Slug+"/tables", "table")
}

func tableChange(r *http.Request, t integration.Table) integration.TableChange {
	enabled := r.PostForm.Get("enabled") == "true"
	empty := r.PostForm.Get("allow_empty") == "true"
	change := integration.TableChange{Enabled: &enabled, AllowEmpty: &empty}
	method, column, _ := strings.Cut(r.PostForm.Get("method"), " ")
	if chosen := (connector.Replication{Method: connector.Method(method), Column: column}); method != "" && offerValue(chosen) != offerValue(t.Replication) {
		change.Method, change.Column = &chosen.Method, &chosen.Column
	}
	excluded, rechecks := []string{}, make(map[string]integration.RecheckEvery)
	for _, c := range t.Columns {
		if !slices.Contains(r.PostForm["read"], c.Name) && !slices.Contains(t.Key, c.Name) && !c.Denied {
			excluded = append(excluded, c.Name)
		}
		if every := integration.RecheckEvery(r.PostForm.Get("recheck." + c.Name)); every != t.Rechecks[c.Name].Every {
			rechecks[c.Name] = every
		}
	}
	change.Excluded, change.Rechecks = &excluded, rechecks
	return change
}

func (w *Web) discover(rw http.ResponseWriter, r *http.Request) error {
	view, err := w.Integrations.Discover(r.Context(), person(r), r.PathValue("slug"))
	if err != nil {
		return w.settled(rw, r, "", err)
	}
	return done(rw, r, "/integrations/"+view.Integration.Slug+"/tables", "discovered")
}
