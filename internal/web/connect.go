package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

type catalogueData struct {
	Query     string
	Databases []connector.Definition
	Accounts  []connector.Definition
	Total     int
}

func (w *Web) catalogue(rw http.ResponseWriter, r *http.Request) error {
	data := catalogueData{Query: strings.TrimSpace(r.URL.Query().Get("q"))}
	for _, d := range w.Integrations.Catalogue() {
		data.Total++
		if !strings.Contains(strings.ToLower(d.Title+" "+d.ID+" "+d.Summary), strings.ToLower(data.Query)) {
			continue
		}
		if d.Kind == connector.Database {
			data.Databases = append(data.Databases, d)
		} else {
			data.Accounts = append(data.Accounts, d)
		}
	}
	return w.show(rw, r, "catalogue", pageData{Title: "Connect", Nav: "connect", Data: data})
}

type connectData struct {
	Definition connector.Definition
	Name, Form string
	Wrong      []problem
	NameError  string
}

func (w *Web) showConnect(rw http.ResponseWriter, r *http.Request) error {
	d, err := w.Integrations.Catalogue().Find(r.PathValue("connector"))
	if err != nil {
		return err
	}
	data := connectData{Definition: d, Name: d.Title}
	return w.show(rw, r, "connect", pageData{Title: "Connect " + d.Title, Nav: "connect", Data: data})
}

// connect begins an integration: from here on it has a row, so that a person
// who is interrupted finds it again.
func (w *Web) connect(rw http.ResponseWriter, r *http.Request) error {
	if err := parse(r); err != nil {
		return err
	}
	d, err := w.Integrations.Catalogue().Find(r.PathValue("connector"))
	if err != nil {
		return err
	}
	name, formID := r.PostForm.Get("name"), r.PostForm.Get("form")
	view, err := w.Integrations.Begin(r.Context(), person(r), d.ID, name, formID)
	var form *integration.FormError
	switch {
	case errors.Is(err, integration.ErrTaken):
		form = &integration.FormError{Fields: map[string]string{"name": "another integration has this name; choose one of its own, such as " + d.Title + " shop"}}
	case errors.As(err, &form):
	case err != nil:
		return err
	default:
		http.Redirect(rw, r, "/integrations/"+view.Integration.Slug+"/authorize", http.StatusSeeOther)
		return nil
	}
	data := connectData{Definition: d, Name: name, Form: formID, NameError: form.Fields["name"], Wrong: problems(form.Fields, nil)}
	w.render(rw, r, http.StatusUnprocessableEntity, "connect", pageData{Title: "Connect " + d.Title, Nav: "connect", Data: data})
	return nil
}
