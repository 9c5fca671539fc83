package web

import (
	"errors"
	"net/http"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

// patience is how long Save & Test waits before it turns to the live page.
const patience = 400 * time.Millisecond

// authorizeData is the page on which an integration is connected for the
// first time or re-authorized.
type authorizeData struct {
	View       integration.View
	Definition connector.Definition
	Form       formView
	Incidents  []integration.Incident // open, the deciding one first
	Waiting    []integration.Gap
	Kept       keptView
	Healthy    bool
	Attempt    *attemptView
	ReadOnly   bool
	Undo       *integration.Previous
	Filled     []integration.Gap // closed with receipts since the attempt
}

// keptView counts what a re-authorization does not touch.
type keptView struct {
	Tables int
	Rows   int64
}

func (w *Web) find(r *http.Request) (integration.View, connector.Definition, error) {
	view, err := w.Integrations.Show(r.Context(), r.PathValue("slug"))
	if err != nil {
		return view, connector.Definition{}, err
	}
	d, err := w.Integrations.Catalogue().Find(view.Integration.Connector)
	if err != nil {
		d = connector.Definition{ID: view.Integration.Connector, Title: view.Title, Retired: "This connector is not part of this version."}
		err = nil
	}
	return view, d, err
}

// formOf is the form that is asked for, else the one in force, else the first.
func formOf(d connector.Definition, view integration.View, asked string) (connector.Form, error) {
	for _, id := range []string{asked, draftForm(view.Integration), view.Integration.Authorization.Form} {
		if form, ok := d.Form(id); ok {
			return form, nil
		}
	}
	if len(d.Forms) == 0 {
		return connector.Form{}, &httpError{http.StatusConflict, "It cannot be authorized", d.Title + ": " + d.Retired, nil}
	}
	return d.Forms[0], nil
}

func draftForm(in integration.Integration) string {
	if in.Draft == nil {
		return ""
	}
	return in.Draft.Form
}

func (w *Web) showAuthorize(rw http.ResponseWriter, r *http.Request) error {
	view, d, err := w.find(r)
	if err != nil {
		return err
	}
	form, err := formOf(d, view, r.URL.Query().Get("form"))
	if err != nil {
		return err
	}
	data := w.authorizeData(view, d)
	data.ReadOnly = !mayAuthorize(person(r), view)
	data.Form = newFormView(d, form, view.Integration, nil, nil, hostsOfIncidents(data.Incidents))
	return w.showForm(rw, r, http.StatusOK, data)
}

func mayAuthorize(p integration.Person, view integration.View) bool {
	if !view.Integration.Finished() {
		return p.Role.May(integration.Admin)
	}
	return p.Role.May(integration.Standard)
}

func hostsOfIncidents(open []integration.Incident) *hostKeys {
	for _, i := range open {
		if h := hostKeysOf(i.Facts); h != nil {
			return h
		}
	}
	return nil
}

func (w *Web) authorizeData(view integration.View, d connector.Definition) authorizeData {
	data := authorizeData{View: view, Definition: d, Incidents: view.Incidents, Waiting: view.Gaps}
	if first := view.Status.Incident; first != nil {
		data.Incidents = []integration.Incident{*first}
		for _, i := range view.Incidents {
			if i.ID != first.ID {
				data.Incidents = append(data.Incidents, i)
			}
		}
	}
	for _, t := range view.Tables {
		if t.Enabled {
			data.Kept.Tables++
			data.Kept.Rows += max(0, t.LastRows)
		}
	}
	data.Healthy = view.Integration.Finished() && len(view.Incidents) == 0
	if p := view.Integration.Previous; p != nil && p.Until.After(w.Now()) {
		data.Undo = p
	}
	return data
}

func (w *Web) showForm(rw http.ResponseWriter, r *http.Request, status int, data authorizeData) error {
	data.Form.hint(data.Incidents)
	title := "Re-authorize " + data.View.Integration.Name
	if !data.View.Integration.Finished() || data.Attempt != nil && data.Attempt.First {
		title = "Connect " + data.View.Integration.Name
	}
	p := pageData{Title: title, Nav: "integrations", Data: data}
	if r.Method == http.MethodGet { // an answer with errors would lose them by asking again
		p.Live = data.View.Integration.ID
	}
	if data.Attempt != nil {
		p.Watch = data.Attempt.ID
		p.Refresh = data.Attempt.Running
	}
	w.render(rw, r, status, "authorize", p)
	return nil
}

// authorize is Save & Test. What is wrong in the form is shown beside its
// fields at once; everything else is followed on the attempt's page.
func (w *Web) authorize(rw http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return badRequest("Regrant could not read the form. Load the page again and repeat it.", err)
	}
	view, d, err := w.find(r)
	if err != nil {
		return err
	}
	if !mayAuthorize(person(r), view) {
		return forbidden("Only administrators connect an integration for the first time. Your role is " + roleWord(person(r).Role) + ".")
	}
	form, err := formOf(d, view, r.PostForm.Get("form"))
	if err != nil {
		return err
	}
	sub, err := readForm(r, form)
	if err != nil {
		return err
	}
	again := func(status int, wrong map[string]string) error {
		data := w.authorizeData(view, d)
		data.Form = newFormView(d, form, view.Integration, sub.Settings, wrong, hostsOfIncidents(data.Incidents))
		data.Form.Partial = sub.PauseUnreadable
		return w.showForm(rw, r, status, data)
	}
	if r.PostForm.Get("action") == "refresh" {
		return again(http.StatusOK, nil)
	}
	if sub.Settings[acceptHostKey] != "" && !person(r).Role.May(integration.Admin) {
		return again(http.StatusForbidden, map[string]string{acceptHostKey: "only administrators accept a new host key; ask one to look at the fingerprints"})
	}
	at := &attempt{integration: view.Integration.ID, settings: sub.Settings, form: form.ID, first: !view.Integration.Finished()}
	err = w.try(at, w.authorizing(person(r), view.Integration.ID, sub))
	if err != nil {
		return again(http.StatusServiceUnavailable, map[string]string{"Regrant": "is busy with other attempts; wait a minute and press Save & Test again"})
	}
	at.settle(r.Context(), patience)
	if wrong := at.formError(); wrong != nil {
		return again(http.StatusUnprocessableEntity, wrong)
	}
	http.Redirect(rw, r, "/integrations/"+view.Integration.Slug+"/attempts/"+at.id, http.StatusSeeOther)
	return nil
}

func (a *attempt) formError() map[string]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var form *integration.FormError
	if errors.As(a.err, &form) {
		return form.Fields
	}
	return nil
}

func (w *Web) undo(rw http.ResponseWriter, r *http.Request) error {
	view, _, err := w.find(r)
	if err != nil {
		return err
	}
	if p := view.Integration.Previous; p == nil || p.Until.Before(w.Now()) {
		return &httpError{http.StatusConflict, "There is nothing to undo", "The earlier credential was kept for 24 hours and is destroyed now.", nil}
	}
	at := &attempt{integration: view.Integration.ID, undo: true}
	if err := w.try(at, w.undoing(person(r), view.Integration.ID)); err != nil {
		return &httpError{http.StatusServiceUnavailable, "Regrant is busy", "Other attempts are running. Wait a minute and try again.", err}
	}
	at.settle(r.Context(), patience)
	http.Redirect(rw, r, "/integrations/"+view.Integration.Slug+"/attempts/"+at.id, http.StatusSeeOther)
	return nil
}

// showAttempt follows an attempt: the checklist first, and when it failed the
// form below it, filled with everything but the secrets.
func (w *Web) showAttempt(rw http.ResponseWriter, r *http.Request) error {
	view, d, err := w.find(r)
	if err != nil {
		return err
	}
	at := w.attempts.find(r.PathValue("attempt"))
	if at == nil || at.integration != view.Integration.ID {
		http.Redirect(rw, r, "/integrations/"+view.Integration.Slug+"/authorize", http.StatusSeeOther)
		return nil
	}
	form, err := formOf(d, view, at.form)
	if err != nil {
		return err
	}
	data := w.authorizeData(view, d)
	data.Attempt = at.view()
	data.ReadOnly = !mayAuthorize(person(r), view)
	hosts := data.Attempt.Hosts
	if hosts == nil {
		hosts = hostsOfIncidents(data.Incidents)
	}
	data.Form = newFormView(d, form, view.Integration, at.settings, nil, hosts)
	data.Form.Partial = data.Attempt.OnlyTables
	if data.Attempt.Swapped {
		data.Filled = w.filledSince(r, view, at.began)
	}
	return w.showForm(rw, r, http.StatusOK, data)
}

func (w *Web) filledSince(r *http.Request, view integration.View, since time.Time) []integration.Gap {
	gaps, err := w.Integrations.Gaps(r.Context(), integration.Filter{Integration: view.Integration.ID})
	if err != nil {
		return nil
	}
	var filled []integration.Gap
	for _, g := range gaps {
		if !g.Open() && g.Receipt != nil && g.Closed.After(since) {
			filled = append(filled, g)
		}
	}
	return filled
}

// guide draws the instructions anew from what was typed so far. The script
// sends no secrets, and if they came they would not be looked at.
func (w *Web) guide(rw http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return badRequest("Regrant could not read the form.", err)
	}
	view, d, err := w.find(r)
	if err != nil {
		return err
	}
	form, err := formOf(d, view, r.PostForm.Get("form"))
	if err != nil {
		return err
	}
	sub, err := readForm(r, form)
	if err != nil {
		return err
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	fv := newFormView(d, form, view.Integration, sub.Settings, nil, nil)
	return w.pages["authorize"].ExecuteTemplate(rw, "guide", fv)
}
