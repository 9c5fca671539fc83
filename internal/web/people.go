package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/regrant/regrant/internal/integration"
)

type peopleData struct {
	Accounts []Account
	Tokens   []Token
	Plain    string // of a token made just now; shown this once
	Made     string
	Name     string
	Wrong    string
}

func (w *Web) peopleData(r *http.Request) (peopleData, error) {
	accounts, err := w.People.Accounts(r.Context())
	if err != nil {
		return peopleData{}, err
	}
	tokens, err := w.People.Tokens(r.Context())
	return peopleData{Accounts: accounts, Tokens: tokens}, err
}

func (w *Web) peoplePage(rw http.ResponseWriter, r *http.Request, status int, data peopleData) error {
	w.render(rw, r, status, "people", pageData{Title: "People and tokens", Nav: "people", Data: data})
	return nil
}

func (w *Web) showPeople(rw http.ResponseWriter, r *http.Request) error {
	data, err := w.peopleData(r)
	if err != nil {
		return err
	}
	return w.peoplePage(rw, r, http.StatusOK, data)
}

// createToken shows the plain token in the answer itself, once: a redirect
// would have to keep it somewhere.
func (w *Web) createToken(rw http.ResponseWriter, r *http.Request) error {
	if err := parse(r); err != nil {
		return err
	}
	name, role := strings.TrimSpace(r.PostForm.Get("name")), integration.Role(r.PostForm.Get("role"))
	wrong := ""
	switch {
	case name == "":
		wrong = "Give the token a name that says what will use it."
	case len(name) > 80:
		wrong = "The name may be at most 80 bytes long."
	case !role.May(integration.ReadOnly):
		wrong = "Choose what the token may do."
	}
	made := ""
	if wrong == "" {
		plain, err := w.People.CreateToken(r.Context(), person(r), name, role)
		var refusal *Refusal
		switch {
		case errors.As(err, &refusal):
			wrong = refusal.Text
		case err != nil:
			return err
		}
		made = plain.Reveal()
	}
	data, err := w.peopleData(r)
	if err != nil {
		return err
	}
	data.Wrong, data.Plain, data.Made, data.Name = wrong, made, name, name
	if wrong != "" {
		return w.peoplePage(rw, r, http.StatusUnprocessableEntity, data)
	}
	data.Name = ""
	return w.peoplePage(rw, r, http.StatusOK, data)
}

func (w *Web) revokeToken(rw http.ResponseWriter, r *http.Request) error {
	if err := parse(r); err != nil {
		return err
	}
	if err := w.People.RevokeToken(r.Context(), person(r), r.PostForm.Get("id")); err != nil {
		return err
	}
	return done(rw, r, "/people", "revoked")
}

type auditData struct {
	Events []integration.Event
	Names  map[string]string // of integrations, by ID
	Full   bool
}

// auditLimit is how many lines the page shows.
const auditLimit = 500

func (w *Web) showAudit(rw http.ResponseWriter, r *http.Request) error {
	events, err := w.Integrations.Events(r.Context(), integration.Filter{Audit: true, Limit: auditLimit})
	if err != nil {
		return err
	}
	views, err := w.Integrations.List(r.Context())
	if err != nil {
		return err
	}
	data := auditData{Events: events, Names: make(map[string]string, len(views)), Full: len(events) == auditLimit}
	for _, v := range views {
		data.Names[v.Integration.ID] = v.Integration.Name
	}
	return w.show(rw, r, "audit", pageData{Title: "Audit", Nav: "audit", Live: "*", Data: data})
}
