package web

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/regrant/regrant/internal/integration"
)

// handler is a page action. What it returns becomes an error page.
type handler func(http.ResponseWriter, *http.Request) error

// httpError is an error with a status and words for the person.
type httpError struct {
	status int
	title  string
	text   string
	err    error
}

func (e *httpError) Error() string {
	if e.err != nil {
		return e.title + ": " + e.err.Error()
	}
	return e.title
}

func (e *httpError) Unwrap() error { return e.err }

func forbidden(text string) error {
	return &httpError{status: http.StatusForbidden, title: "Not yours to do", text: text}
}

func badRequest(text string, err error) error {
	return &httpError{status: http.StatusBadRequest, title: "That did not arrive whole", text: text, err: err}
}

type personKey struct{}

// person returns who asks; the zero Person when nobody is signed in.
func person(r *http.Request) integration.Person {
	p, _ := r.Context().Value(personKey{}).(integration.Person)
	return p
}

// page is the one adapter from handlers to http: it finds the person, checks
// the role, and makes an error a page.
func (w *Web) page(needed integration.Role, h handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		who, ok := w.Sessions.Person(r)
		if ok {
			r = r.WithContext(context.WithValue(r.Context(), personKey{}, who))
		}
		var err error
		switch {
		case needed == nobody || ok && who.Role.May(needed):
			err = h(rw, r)
		case !ok:
			signInFirst(rw, r)
			return
		default:
			err = forbidden("Your role, " + roleWord(who.Role) + ", may look at this but not change it. Ask an administrator.")
			if needed == integration.Admin && r.Method == http.MethodGet {
				err = forbidden("Only administrators see this page. Your role is " + roleWord(who.Role) + ".")
			}
		}
		if err != nil {
			w.fail(rw, r, err)
		}
	})
}

// signInFirst sends the person to sign in, and back to where they wanted to go.
func signInFirst(rw http.ResponseWriter, r *http.Request) {
	to := "/sign-in"
	if r.Method == http.MethodGet && r.URL.Path != "/" && r.URL.Path != "/live" {
		to += "?next=" + url.QueryEscape(r.URL.RequestURI())
	}
	if r.URL.Path == "/live" {
		http.Error(rw, "sign in first", http.StatusUnauthorized)
		return
	}
	http.Redirect(rw, r, to, http.StatusSeeOther)
}

// fail writes the page of an error. What the person should not read goes to
// the log under the same reference.
func (w *Web) fail(rw http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return
	}
	e := describe(err)
	ref := strings.ToLower(rand.Text()[:10])
	if e.status >= http.StatusInternalServerError {
		w.Log.ErrorContext(r.Context(), "page failed", "reference", ref, "method", r.Method, "path", r.URL.Path, "error", err)
	} else {
		w.Log.DebugContext(r.Context(), "page refused", "reference", ref, "method", r.Method, "path", r.URL.Path, "error", err)
	}
	w.render(rw, r, e.status, "error", pageData{
		Title: e.title,
		Data:  map[string]any{"Status": e.status, "Text": e.text, "Reference": ref},
	})
}

func describe(err error) *httpError {
	var e *httpError
	var tooBig *http.MaxBytesError
	switch {
	case errors.As(err, &tooBig):
		return &httpError{http.StatusRequestEntityTooLarge, "That is too much at once",
			"What was sent is larger than " + bytesText(tooBig.Limit) + ", the most that a form may hold. Nothing was changed. Shorten it and send it again.", err}
	case errors.As(err, &e):
		return e
	case errors.Is(err, integration.ErrNotFound):
		return &httpError{http.StatusNotFound, "There is nothing here", "The page does not exist, or what it showed was removed.", err}
	case errors.Is(err, integration.ErrForbidden):
		return &httpError{http.StatusForbidden, "Not yours to do", "Your role may look at this but not change it. Ask an administrator.", err}
	case errors.Is(err, integration.ErrConflict):
		return &httpError{http.StatusConflict, "Somebody was faster", "It was changed meanwhile. Go back, load the page again, and repeat your change.", err}
	default:
		return &httpError{http.StatusInternalServerError, "This is our fault", "Regrant could not do that. Nothing was changed. The log of this installation holds the details under the reference below.", err}
	}
}
