package people_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/regrant/regrant/internal/people"
)

func TestBrowserSession(t *testing.T) {
	t.Parallel()
	for name, secure := range map[string]bool{"http": false, "https": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			who := b.admin(t)
			browser := people.Browser{Service: b.Service, Secure: secure}

			planted := &http.Cookie{Name: people.CookieName(secure), Value: "planted"}
			first := begin(t, browser, who.ID, b, planted)
			if !first.HttpOnly || first.Secure != secure || first.SameSite != http.SameSiteLaxMode || first.Path != "/" || first.Value == "planted" {
				t.Errorf("the cookie is %+v", first)
			}
			wantPerson(t, browser, planted, false)
			wantPerson(t, browser, first, true)
			second := begin(t, browser, who.ID, b, first)
			wantPerson(t, browser, first, false) // ended by signing in again
			wantPerson(t, browser, second, true)

			w := httptest.NewRecorder()
			ok(t, browser.End(w, request(t, second)))
			if gone := w.Result().Cookies()[0]; gone.MaxAge >= 0 || gone.Value != "" {
				t.Errorf("signing out leaves %+v", gone)
			}
			wantPerson(t, browser, second, false)
			wantPerson(t, browser, nil, false)
			ok(t, browser.End(httptest.NewRecorder(), request(t, nil)))
		})
	}
}

func request(t *testing.T, cookie *http.Cookie) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	if cookie != nil {
		r.AddCookie(cookie)
	}
	return r
}

func begin(t *testing.T, browser people.Browser, id string, b *bundle, had *http.Cookie) *http.Cookie {
	t.Helper()
	who, err := b.SignIn(t.Context(), email, password, remote)
	ok(t, err)
	if who.ID != id {
		t.Fatalf("signed in as %s", who.ID)
	}
	w := httptest.NewRecorder()
	ok(t, browser.Begin(w, request(t, had), who))
	return w.Result().Cookies()[0]
}

func wantPerson(t *testing.T, browser people.Browser, cookie *http.Cookie, want bool) {
	t.Helper()
	who, got := browser.Person(request(t, cookie))
	if got != want || got && who.Name != email {
		t.Errorf("got %v, %v; want %v", who, got, want)
	}
}
