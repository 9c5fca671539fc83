package web_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/regrant/regrant/internal/web"
	"github.com/regrant/regrant/internal/web/webtest"
)

// bench is the pages on fakes.
type bench struct {
	heart  *webtest.Heart
	door   *webtest.Door
	web    *web.Web
	server *httptest.Server
}

func setup(t *testing.T) *bench {
	t.Helper()
	return setupAt(t, time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC))
}

func setupAt(t *testing.T, now time.Time) *bench {
	t.Helper()
	b := &bench{heart: webtest.NewHeart(now), door: &webtest.Door{Now: now}}
	var err error
	b.web, err = web.New(web.Config{
		Integrations: b.heart, People: b.door, Sessions: b.door, Warehouse: webtest.Rows{}, Hub: b.heart.Hub,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Dev: true, Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	b.server = httptest.NewServer(b.web)
	t.Cleanup(func() {
		b.server.CloseClientConnections()
		b.web.Stop()
		b.server.Close()
	})
	return b
}

// answer is a response, read whole.
type answer struct {
	status int
	header http.Header
	body   string
}

// as asks with a role's session; an empty role is nobody.
func (b *bench) as(t *testing.T, role, method, path string, form url.Values) answer {
	t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(t.Context(), method, b.server.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	if role != "" {
		r.AddCookie(&http.Cookie{Name: webtest.Cookie, Value: role})
	}
	return b.send(t, r)
}

func (b *bench) send(t *testing.T, r *http.Request) answer {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Timeout: 20 * time.Second}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

func (b *bench) get(t *testing.T, role, path string) answer {
	t.Helper()
	return b.as(t, role, http.MethodGet, path, nil)
}

func (b *bench) post(t *testing.T, role, path string, form url.Values) answer {
	t.Helper()
	if form == nil {
		form = url.Values{}
	}
	return b.as(t, role, http.MethodPost, path, form)
}
