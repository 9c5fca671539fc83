package connectortest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	. "github.com/regrant/regrant/connector/connectortest"
)

// ask makes a request and gives the status and the body.
func ask(t *testing.T, method, address string) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

func TestScriptGivesRepliesInTurn(t *testing.T) {
	t.Parallel()
	s := NewScript(t)
	s.On("GET /v1/customers", JSON(200, "first"), JSON(200, "later"))
	s.On("GET /v1/customers?page=2", JSON(200, "second page"))
	var got []string
	for _, query := range []string{"", "", "", "?page=2&size=5"} {
		_, body, err := ask(t, http.MethodGet, s.URL()+"/v1/customers"+query)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, body)
	}
	if diff := cmp.Diff([]string{`"first"`, `"later"`, `"later"`, `"second page"`}, got); diff != "" {
		t.Error(diff)
	}
	if n := s.Count("GET /v1/customers?page=2"); n != 1 {
		t.Errorf("counted %d requests for page 2, want 1", n)
	}
	if n := s.Count(""); n != 4 {
		t.Errorf("counted %d requests, want 4", n)
	}
}

func TestScriptRefusesWrites(t *testing.T) {
	t.Parallel()
	s := NewScript(t)
	s.Allow("POST /oauth/token")
	s.On("POST /oauth/token", JSON(200, "token"))
	if status, _, _ := ask(t, http.MethodPost, s.URL()+"/oauth/token"); status != 200 {
		t.Errorf("an allowed POST gets %d", status)
	}
	if status, _, _ := ask(t, http.MethodDelete, s.URL()+"/v1/customers/1"); status != 405 {
		t.Errorf("a DELETE gets %d, want 405", status)
	}
	if diff := cmp.Diff([]string{"DELETE /v1/customers/1"}, s.Writes(t)); diff != "" {
		t.Error(diff)
	}
}

func TestScriptBreaksAndRepairs(t *testing.T) {
	t.Parallel()
	s := NewScript(t)
	s.On("GET /a", JSON(200, "a"))
	s.On("GET /b", JSON(200, "b"))
	s.BreakOn("GET /a", TooMany(7*time.Second))(t)
	if status, _, _ := ask(t, http.MethodGet, s.URL()+"/a"); status != 429 {
		t.Errorf("the broken page gives %d, want 429", status)
	}
	if status, _, _ := ask(t, http.MethodGet, s.URL()+"/b"); status != 200 {
		t.Errorf("its neighbour gives %d, want 200", status)
	}
	s.Break(HTML(200))(t)
	if _, body, _ := ask(t, http.MethodGet, s.URL()+"/b"); !strings.Contains(body, "<html>") {
		t.Errorf("the firewall's page is %q", body)
	}
	s.Repair(t)
	if status, _, _ := ask(t, http.MethodGet, s.URL()+"/a"); status != 200 {
		t.Errorf("the repaired page gives %d, want 200", status)
	}
}

func TestScriptCutsAndDrops(t *testing.T) {
	t.Parallel()
	s := NewScript(t)
	s.On("GET /cut", Reply{Body: `{"rows":[1,2,3]}`, Cut: true})
	s.On("GET /drop", Reply{Drop: true})
	if status, body, err := ask(t, http.MethodGet, s.URL()+"/cut"); status != 200 || !errors.Is(err, io.ErrUnexpectedEOF) || body != `{"rows":` {
		t.Errorf("a cut reply gives status %d, body %q, error %v", status, body, err)
	}
	if _, _, err := ask(t, http.MethodGet, s.URL()+"/drop"); err == nil {
		t.Error("a dropped connection gives an answer")
	}
}

func TestScriptDelayEndsWithTheRequest(t *testing.T) {
	t.Parallel()
	s := NewScript(t)
	s.On("GET /slow", Reply{Delay: time.Hour})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL()+"/slow", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err == nil {
		_ = resp.Body.Close()
		t.Fatal("a reply that takes an hour is there at once")
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want a deadline", err)
	}
}

func TestReplay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"1-customers.http": "GET /v1/customers\nHTTP/1.1 200 OK\nContent-Type: application/json\nX-Rate: 9\nSet-Cookie: a=b\n\n{\"page\": 1}\n",
		"2-customers.http": "GET /v1/customers\r\nHTTP/1.1 200 OK\r\n\r\n{\"page\": 2}\r\n",
		"revoked_key.http": "HTTP/1.1 401 Unauthorized\nContent-Type: application/json\nContent-Length: 999\n\n{\"error\": \"revoked\"}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := Replay(t, dir)
	for _, want := range []string{`{"page": 1}`, `{"page": 2}`, `{"page": 2}`} {
		if _, body, err := ask(t, http.MethodGet, s.URL()+"/v1/customers"); err != nil || body != want {
			t.Errorf("replayed %q, error %v, want %q", body, err, want)
		}
	}
	s.BreakNamed("revoked_key")(t)
	if status, body, err := ask(t, http.MethodGet, s.URL()+"/v1/customers"); err != nil || status != 401 || body != `{"error": "revoked"}` {
		t.Errorf("the named reply gives %d %q, error %v", status, body, err)
	}
}
