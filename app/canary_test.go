package app

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/people"
)

const (
	canary      = "canary-7f3a91-right"
	wrongCanary = "canary-7f3a91-wrong"
)

// forms is how a secret could be spelled where it leaked.
func forms(secret string) []string {
	quoted, _ := json.Marshal(secret)
	return []string{secret, url.QueryEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret)), strings.Trim(string(quoted), `"`), fmt.Sprintf("%x", secret)}
}

func mustNotHold(t *testing.T, where string, content []byte) {
	t.Helper()
	for _, secret := range []string{canary, wrongCanary} {
		for _, form := range forms(secret) {
			if bytes.Contains(content, []byte(form)) {
				t.Errorf("%s holds a secret", where)
			}
		}
	}
}

// TestCanary plants secrets in every secret field, lets everything happen
// that makes products print them, and looks everywhere.
func TestCanary(t *testing.T) {
	t.Parallel()
	b := setup(t, canary)
	v := b.connect(t, canary)
	id := v.Integration.ID
	wrong := b.submission(wrongCanary) // refused: its fault is shown on the page
	if done, err := b.heart.Authorize(t.Context(), ada, id, wrong, nil); err != nil || done.Swapped {
		t.Fatalf("the wrong password: swapped %v, error %v", done.Swapped, err)
	}
	half := b.submission(wrongCanary + "\n") // refused by the form
	if _, err := b.heart.Authorize(t.Context(), ada, id, half, nil); err == nil {
		t.Fatal("a password with a line break was taken")
	} else {
		mustNotHold(t, "the form's error", []byte(err.Error()))
	}
	b.pg.Exec(t, "ALTER ROLE pull_ro PASSWORD 'other'")
	if _, err := b.heart.Probe(t.Context(), ada, id); err != nil {
		t.Fatal(err)
	}
	b.until(t, "broken", func(v integration.View) bool { return v.Status.State == integration.NeedsReauthorizing })

	for _, path := range []string{"/api/v1/integrations", "/api/v1/integrations/shop", "/api/v1/incidents", "/api/v1/events?audit=true&limit=1000", "/api/v1/pulls", "/api/v1/gaps",
		"/api/v1/connectors/postgresql", "/api/v1/doctor", "/metrics", "/api/openapi.json"} {
		mustNotHold(t, path, b.get(t, path, http.Header{"Authorization": {"Bearer " + b.local}}))
	}
	session := b.signIn(t)
	for _, path := range []string{"/integrations", "/integrations/shop", "/integrations/shop/authorize", "/integrations/shop/history", "/integrations/shop/settings", "/integrations/shop/tables", "/audit", "/people"} {
		mustNotHold(t, "page "+path, b.get(t, path, session))
	}
	mustNotHold(t, "the log at debug", []byte(b.logs.String()))
	dir := b.settings.Data
	mustNotHoldFiles(t, dir)
	b.close()
	mustNotHoldFiles(t, dir)
}

func mustNotHoldFiles(t *testing.T, dir string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		files++
		mustNotHold(t, filepath.Base(path), content)
		return err
	})
	if err != nil || files < 4 {
		t.Errorf("looked at %d files, error %v", files, err)
	}
}

// signIn makes the first administrator and returns the header of a session.
func (b *bundle) signIn(t *testing.T) http.Header {
	t.Helper()
	token, err := b.people.SetUpToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	who, err := b.people.SetUp(t.Context(), token, "ada@example.com", "a long enough password")
	if err != nil {
		t.Fatal(err)
	}
	session, err := b.people.BeginSession(t.Context(), who, "test", "")
	if err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	request.AddCookie(people.Cookie(session, false))
	return request.Header
}

func (b *bundle) get(t *testing.T, path string, header http.Header) []byte {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	request.Header = header.Clone()
	recorder := httptest.NewRecorder()
	b.handler.ServeHTTP(recorder, request)
	if recorder.Code != http.StatusOK {
		t.Errorf("%s: status %d", path, recorder.Code)
	}
	return recorder.Body.Bytes()
}
