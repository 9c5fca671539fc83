package people

import (
	"net"
	"net/http"

	"github.com/regrant/regrant/internal/integration"
)

// Browser keeps a Service's sessions in cookies.
type Browser struct {
	Service *Service
	// Secure says whether people come by https, so that the cookie is sent
	// over nothing else. It belongs to the installation, not to a request.
	Secure bool
}

// Wrap returns next: a session needs nothing around a request.
func (b Browser) Wrap(next http.Handler) http.Handler { return next }

// Begin begins a session for somebody who just proved who they are, with a
// new token, and ends the one that the browser had.
func (b Browser) Begin(w http.ResponseWriter, r *http.Request, who integration.Person) error {
	session, err := b.Service.BeginSession(r.Context(), who, remote(r), b.token(r))
	if err != nil {
		return err
	}
	http.SetCookie(w, Cookie(session, b.Secure))
	return nil
}

// Person returns who is signed in. An error of the storage means nobody, and
// is logged.
func (b Browser) Person(r *http.Request) (integration.Person, bool) {
	token := b.token(r)
	if token == "" {
		return integration.Person{}, false
	}
	who, err := b.Service.Session(r.Context(), token)
	if err != nil {
		b.Service.logUnlessSignedOut(r.Context(), err)
		return integration.Person{}, false
	}
	return who, true
}

// End signs out and deletes the cookie.
func (b Browser) End(w http.ResponseWriter, r *http.Request) error {
	http.SetCookie(w, Cookie(Session{}, b.Secure))
	return b.Service.SignOut(r.Context(), b.token(r))
}

func (b Browser) token(r *http.Request) string {
	c, err := r.Cookie(CookieName(b.Secure))
	if err != nil {
		return ""
	}
	return c.Value
}

// remote is the address without the port. Headers of proxies are not read:
// anyone can write them.
func remote(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
