package web

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// doorData is the pages on which nobody is signed in yet.
type doorData struct {
	Token, Email, Next string
	Wrong              string
	Nobody             bool // there is no administrator yet
}

func (w *Web) showSetUp(rw http.ResponseWriter, r *http.Request) error {
	data := doorData{Token: r.URL.Query().Get("token")}
	if data.Token == "" {
		http.Redirect(rw, r, "/sign-in", http.StatusSeeOther)
		return nil
	}
	return w.show(rw, r, "setup", pageData{Title: "Set up Regrant", Data: data})
}

func (w *Web) setUp(rw http.ResponseWriter, r *http.Request) error {
	if err := parse(r); err != nil {
		return err
	}
	f := r.PostForm
	again := func(status int, text string) error {
		w.render(rw, r, status, "setup", pageData{Title: "Set up Regrant", Data: doorData{Token: f.Get("token"), Email: f.Get("email"), Wrong: text}})
		return nil
	}
	if f.Get("password") != f.Get("again") {
		return again(http.StatusUnprocessableEntity, "The two passwords differ. Type the same one twice.")
	}
	who, err := w.People.SetUp(r.Context(), f.Get("token"), f.Get("email"), f.Get("password"))
	var refusal *Refusal
	switch {
	case errors.Is(err, ErrLinkOver):
		return again(http.StatusGone, "This link was used already or has ended. While there is no administrator, Regrant prints a new one each time it starts.")
	case errors.As(err, &refusal):
		return again(http.StatusUnprocessableEntity, refusal.Text)
	case err != nil:
		return err
	}
	if err := w.Sessions.Begin(rw, r, who); err != nil {
		return err
	}
	http.Redirect(rw, r, "/integrations", http.StatusSeeOther)
	return nil
}

func (w *Web) showSignIn(rw http.ResponseWriter, r *http.Request) error {
	next := safeNext(r.URL.Query().Get("next"))
	if _, in := w.Sessions.Person(r); in {
		http.Redirect(rw, r, next, http.StatusSeeOther)
		return nil
	}
	data := doorData{Next: next}
	if asker, ok := w.People.(SetUpAsker); ok {
		var err error
		if data.Nobody, err = asker.SetUpNeeded(r.Context()); err != nil {
			return err
		}
	}
	return w.show(rw, r, "signin", pageData{Title: "Sign in", Data: data})
}

func (w *Web) signIn(rw http.ResponseWriter, r *http.Request) error {
	if err := parse(r); err != nil {
		return err
	}
	f := r.PostForm
	next := safeNext(f.Get("next"))
	again := func(status int, text string) error {
		w.render(rw, r, status, "signin", pageData{Title: "Sign in", Data: doorData{Email: f.Get("email"), Next: next, Wrong: text}})
		return nil
	}
	who, err := w.People.SignIn(r.Context(), f.Get("email"), f.Get("password"), remoteOf(r))
	var refusal *Refusal
	switch {
	case errors.As(err, &refusal) && refusal.Retry > 0:
		return again(http.StatusTooManyRequests, refusal.Text)
	case errors.As(err, &refusal):
		return again(http.StatusUnprocessableEntity, refusal.Text)
	case errors.Is(err, ErrRefused):
		return again(http.StatusUnprocessableEntity, "This email and password do not belong together. Check both and try again.")
	case err != nil:
		return err
	}
	if err := w.Sessions.Begin(rw, r, who); err != nil {
		return err
	}
	http.Redirect(rw, r, next, http.StatusSeeOther)
	return nil
}

func (w *Web) signOut(rw http.ResponseWriter, r *http.Request) error {
	if err := w.Sessions.End(rw, r); err != nil {
		return err
	}
	return done(rw, r, "/sign-in", "signedout")
}

func remoteOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// safeNext keeps a person on this site after signing in.
func safeNext(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(u.Path, "/") ||
		strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") || strings.HasPrefix(u.Path, "/sign-") {
		return "/integrations"
	}
	return next
}
