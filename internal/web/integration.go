package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/notice"
)

// integrationData is what the four views of one integration share.
type integrationData struct {
	View      integration.View
	Def       connector.Definition
	Tab       string
	Incidents []integration.Incident
	Gaps      []integration.Gap
	Pulls     []integration.Pull
	Events    []integration.Event
	Ticks     []notice.Tick
	Chart     chart
	Undo      *integration.Previous
	Undoable  bool

	Wrong map[string]string // of the settings
	Typed map[string]string

	Tables               []tableRow
	Query, Only          string
	Matching, Page, Last int
}

// tableRow is a table with its open incident.
type tableRow struct {
	integration.Table
	Incident *integration.Incident
	Waiting  bool // a gap is open
}

func (w *Web) load(r *http.Request, tab string) (integrationData, error) {
	view, d, err := w.find(r)
	data := integrationData{View: view, Def: d, Tab: tab}
	if p := view.Integration.Previous; err == nil && p != nil {
		data.Undo, data.Undoable = p, p.Until.After(w.Now())
	}
	return data, err
}

func (w *Web) showTab(rw http.ResponseWriter, r *http.Request, status int, name string, data integrationData) error {
	p := pageData{Title: data.View.Integration.Name, Nav: "integrations", Data: data}
	if status == http.StatusOK { // an answer with errors would lose them by asking again
		p.Live = data.View.Integration.ID
	}
	w.render(rw, r, status, name, p)
	return nil
}

func (w *Web) showIntegration(rw http.ResponseWriter, r *http.Request) error {
	data, err := w.load(r, "overview")
	if err != nil {
		return err
	}
	of := integration.Filter{Integration: data.View.Integration.ID, Limit: 12}
	if data.Events, err = w.Integrations.Events(r.Context(), of); err != nil {
		return err
	}
	of.Limit = 30
	if data.Pulls, err = w.Integrations.Pulls(r.Context(), of); err != nil {
		return err
	}
	data.Chart = newChart(data.Pulls)
	if data.View.Status.Running {
		data.Ticks = w.ticks(data.View.Integration.ID)
	}
	data.Incidents = w.authorizeData(data.View, data.Def).Incidents
	return w.showTab(rw, r, http.StatusOK, "integration", data)
}

func (w *Web) ticks(id string) []notice.Tick {
	if w.Hub == nil {
		return nil
	}
	ticks := w.Hub.Ticks(id)
	slices.SortFunc(ticks, func(a, b notice.Tick) int { return b.At.Compare(a.At) })
	return ticks[:min(len(ticks), 12)]
}

func (w *Web) showHistory(rw http.ResponseWriter, r *http.Request) error {
	data, err := w.load(r, "history")
	if err != nil {
		return err
	}
	of := integration.Filter{Integration: data.View.Integration.ID, Limit: 100}
	if data.Incidents, err = w.Integrations.Incidents(r.Context(), of); err != nil {
		return err
	}
	if data.Gaps, err = w.Integrations.Gaps(r.Context(), of); err != nil {
		return err
	}
	if data.Pulls, err = w.Integrations.Pulls(r.Context(), of); err != nil {
		return err
	}
	if data.Events, err = w.Integrations.Events(r.Context(), of); err != nil {
		return err
	}
	return w.showTab(rw, r, http.StatusOK, "history", data)
}

func (w *Web) showSettings(rw http.ResponseWriter, r *http.Request) error {
	data, err := w.load(r, "settings")
	if err != nil {
		return err
	}
	return w.showTab(rw, r, http.StatusOK, "settings", data)
}

// settle answers a change of the settings: on, or the page with what is wrong.
func (w *Web) settled(rw http.ResponseWriter, r *http.Request, what string, err error) error {
	to := "/integrations/" + r.PathValue("slug")
	var form *integration.FormError
	switch {
	case err == nil && (what == "renamed" || what == "every"):
		return done(rw, r, to+"/settings", what)
	case err == nil:
		return done(rw, r, to, what)
	case errors.As(err, &form):
		data, err := w.load(r, "settings")
		if err != nil {
			return err
		}
		data.Wrong = form.Fields
		data.Typed = map[string]string{"name": r.PostForm.Get("name"), "amount": r.PostForm.Get("amount"), "unit": r.PostForm.Get("unit")}
		return w.showTab(rw, r, http.StatusUnprocessableEntity, "settings", data)
	default:
		return err
	}
}

func parse(r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return badRequest("Regrant could not read the form. Load the page again and repeat it.", err)
	}
	return nil
}

func (w *Web) rename(rw http.ResponseWriter, r *http.Request) error {
	if err := parse(r); err != nil {
		return err
	}
	_, err := w.Integrations.Rename(r.Context(), person(r), r.PathValue("slug"), r.PostForm.Get("name"))
	return w.settled(rw, r, "renamed", err)
}

func (w *Web) setEvery(rw http.ResponseWriter, r *http.Request) error {
	if err := parse(r); err != nil {
		return err
	}
	units := map[string]time.Duration{"minutes": time.Minute, "hours": time.Hour, "days": 24 * time.Hour}
	amount, err := strconv.Atoi(r.PostForm.Get("amount"))
	unit := units[r.PostForm.Get("unit")]
	if err != nil || amount < 1 || amount > 100_000 || unit == 0 {
		return w.settled(rw, r, "", &integration.FormError{Fields: map[string]string{"every": "enter a whole number, such as 15, and choose its unit"}})
	}
	_, err = w.Integrations.SetEvery(r.Context(), person(r), r.PathValue("slug"), time.Duration(amount)*unit)
	return w.settled(rw, r, "every", err)
}

func (w *Web) pause(rw http.ResponseWriter, r *http.Request) error {
	_, err := w.Integrations.Pause(r.Context(), person(r), r.PathValue("slug"))
	return w.settled(rw, r, "paused", err)
}

func (w *Web) resume(rw http.ResponseWriter, r *http.Request) error {
	_, err := w.Integrations.Resume(r.Context(), person(r), r.PathValue("slug"))
	return w.settled(rw, r, "resumed", err)
}

func (w *Web) update(rw http.ResponseWriter, r *http.Request) error {
	return w.settled(rw, r, "update", w.Integrations.Update(r.Context(), person(r), r.PathValue("slug")))
}

func (w *Web) probe(rw http.ResponseWriter, r *http.Request) error {
	_, err := w.Integrations.Probe(r.Context(), person(r), r.PathValue("slug"))
	return w.settled(rw, r, "probed", err)
}

// remove wants the name typed: it cannot be undone.
func (w *Web) remove(rw http.ResponseWriter, r *http.Request) error {
	if err := parse(r); err != nil {
		return err
	}
	view, err := w.Integrations.Show(r.Context(), r.PathValue("slug"))
	if err != nil {
		return err
	}
	if r.PostForm.Get("confirm") != view.Integration.Name {
		return w.settled(rw, r, "", &integration.FormError{Fields: map[string]string{"confirm": "type the name exactly as it is written: " + view.Integration.Name}})
	}
	if err := w.Integrations.Remove(r.Context(), person(r), view.Integration.ID); err != nil {
		return err
	}
	return done(rw, r, "/integrations", "removed")
}

// everyParts splits an interval for its two controls.
func everyParts(d time.Duration) (amount int, unit string) {
	switch {
	case d >= 24*time.Hour && d%(24*time.Hour) == 0:
		return int(d / (24 * time.Hour)), "days"
	case d >= time.Hour && d%time.Hour == 0:
		return int(d / time.Hour), "hours"
	default:
		return int(d / time.Minute), "minutes"
	}
}
