package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/regrant/regrant/client"
	"github.com/regrant/regrant/internal/api"
	"github.com/regrant/regrant/internal/api/apitest"
	"github.com/regrant/regrant/internal/integration"
)

// canary is planted where secrets go; it must come out nowhere.
const canary = "c4n4ry-secret"

type bench struct {
	heart  *apitest.Heart
	server *httptest.Server
	log    *safeBuffer
}

type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func setup(t *testing.T, change func(*api.Config)) *bench {
	t.Helper()
	b := &bench{heart: apitest.New(), log: &safeBuffer{}}
	log := slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	handler, err := apitest.Handler(b.heart, log, change)
	if err != nil {
		t.Fatal(err)
	}
	b.server = httptest.NewServer(handler)
	t.Cleanup(b.server.Close)
	return b
}

func (b *bench) client(t *testing.T, token string) *client.Client {
	t.Helper()
	c, err := client.New(client.Config{BaseURL: b.server.URL, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) problem(t *testing.T) client.Problem {
	t.Helper()
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Fatalf("content type %q of %s", got, a.body)
	}
	var p client.Problem
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
	if p.Code == "" || p.Public == "" || p.Title == "" || p.Status != a.status {
		t.Fatalf("incomplete problem %s", a.body)
	}
	return p
}

func (b *bench) do(t *testing.T, token, method, path, body string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, b.server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for n := 0; n+1 < len(headers); n += 2 {
		req.Header.Set(headers[n], headers[n+1])
	}
	resp, err := http.DefaultClient.Do(req)
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

// shop connects one integration.
func (b *bench) shop(t *testing.T) {
	t.Helper()
	c := b.client(t, apitest.AdminToken)
	if _, err := c.Begin(t.Context(), client.NewIntegration{Connector: "shopdb", Name: "shop"}); err != nil {
		t.Fatal(err)
	}
	v, err := c.Authorize(t.Context(), "shop", filled(apitest.Password))
	if err != nil || !v.Swapped {
		t.Fatal(err, v)
	}
}

func filled(password string) client.Submission {
	return client.Submission{
		Form: "password", Settings: map[string]string{"host": "db.example", "user": "ro"},
		Secrets: map[string]client.Secret{"password": client.Secret(password)},
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.shop(t)
	const in = "/api/v1/integrations"
	for _, c := range []struct {
		method, path, body       string
		readOnly, standard, full int
	}{
		{"GET", "/api/v1/connectors", "", 200, 200, 200},
		{"GET", "/api/v1/connectors/shopdb", "", 200, 200, 200},
		{"GET", in, "", 200, 200, 200},
		{"GET", in + "/shop", "", 200, 200, 200},
		{"GET", in + "/shop/tables", "", 200, 200, 200},
		{"GET", "/api/v1/incidents", "", 200, 200, 200},
		{"GET", "/api/v1/gaps?open=true", "", 200, 200, 200},
		{"GET", "/api/v1/events?integration=shop", "", 200, 200, 200},
		{"GET", "/api/v1/events?audit=true", "", 403, 403, 200},
		{"GET", "/api/v1/pulls?limit=1", "", 200, 200, 200},
		{"GET", "/api/v1/progress", "", 200, 200, 200},
		{"GET", "/api/v1/doctor", "", 200, 200, 200},
		{"GET", "/metrics", "", 200, 200, 200},
		{"POST", "/api/v1/query", `{"sql":"select 1"}`, 200, 200, 200},
		{"POST", in + "/shop/updates", "", 403, 202, 202},
		{"POST", in + "/shop/probe", "", 403, 200, 200},
		{"POST", in + "/shop/discover", "", 403, 200, 200},
		{"POST", in + "/shop/pause", "", 403, 200, 200},
		{"POST", in + "/shop/resume", "", 403, 200, 200},
		{"PATCH", in + "/shop", `{"every_seconds":600}`, 403, 200, 200},
		{"PATCH", in + "/shop/tables/public.orders", `{"enabled":false}`, 403, 200, 200},
		{"POST", in + "/shop/authorize", `{"secrets":{"password":"correct"}}`, 403, 200, 200},
		{"POST", in + "/shop/undo", "", 403, 200, 200},
		{"POST", in, `{"connector":"shopdb","name":"second"}`, 403, 403, 201},
		{"DELETE", in + "/second", "", 403, 403, 204},
	} {
		for token, want := range map[string]int{"": 401, "rgt_nobody": 401, apitest.ReadOnlyToken: c.readOnly, apitest.StandardToken: c.standard, apitest.AdminToken: c.full} {
			if c.path == in+"/shop/undo" && token == apitest.AdminToken {
				continue // there is one to undo only once
			}
			got := b.do(t, token, c.method, c.path, c.body)
			if got.status != want {
				t.Errorf("%s %s as %q: %d, want %d: %s", c.method, c.path, token, got.status, want, got.body)
				continue
			}
			if want >= 400 {
				got.problem(t)
			}
			if want == 401 && got.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s %s does not ask for a token", c.method, c.path)
			}
		}
	}
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.shop(t)
	huge := `{"secrets":{"password":"` + strings.Repeat("x", 10<<20) + `"}}`
	const authorize = "/api/v1/integrations/shop/authorize"
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		code, says               string
	}{
		{"10 MB", "POST", authorize, huge, nil, 413, "body_too_large", "larger than 1048576 bytes"},
		{"no JSON", "POST", authorize, `{"secrets":` + canary, nil, 400, "request", "body"},
		{"wrong type", "POST", authorize, `{"settings":"` + canary + `"}`, nil, 422, "request", "settings"},
		{"wrong type of secret", "POST", authorize, `{"secrets":{"password":["` + canary + `"]}}`, nil, 422, "request", "secrets.password"},
		{"unknown field", "POST", authorize, `{"secret":{"password":"` + canary + `"}}`, nil, 422, "request", "unexpected property"},
		{"media type", "POST", authorize, "password=" + canary, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "media_type", ""},
		{"empty", "POST", authorize, "", nil, 400, "request", "body"},
		{"form", "POST", authorize, `{"settings":{"host":"a b"},"secrets":{"password":"` + canary + `"}}`, nil, 422, "form", "host: remove the spaces"},
		{"not there", "GET", "/api/v1/integrations/nothing", "", nil, 404, "not_found", ""},
		{"no such table", "PATCH", "/api/v1/integrations/shop/tables/nothing", `{"enabled":true}`, nil, 404, "not_found", ""},
		{"no such connector", "GET", "/api/v1/connectors/nothing", "", nil, 404, "not_found", ""},
		{"begin unknown", "POST", "/api/v1/integrations", `{"connector":"nothing","name":"x"}`, nil, 422, "form", "connector"},
		{"begin retired", "POST", "/api/v1/integrations", `{"connector":"oldshop","name":"x"}`, nil, 422, "form", "It closed in 2019"},
		{"taken", "POST", "/api/v1/integrations", `{"connector":"shopdb","name":"shop"}`, nil, 409, "name_taken", ""},
		{"interval", "PATCH", "/api/v1/integrations/shop", `{"every_seconds":1}`, nil, 422, "request", "every_seconds"},
		{"limit", "GET", "/api/v1/pulls?limit=5000", "", nil, 422, "request", "limit"},
		{"unknown parameter", "GET", "/api/v1/pulls?lmit=5", "", nil, 422, "request", "lmit"},
		{"recheck", "PATCH", "/api/v1/integrations/shop/tables/public.orders", `{"rechecks":{"id":"hourly"}}`, nil, 422, "form", "choose always"},
		{"history of nothing", "GET", "/api/v1/events?integration=nothing", "", nil, 404, "not_found", ""},
		{"writing query", "POST", "/api/v1/query", `{"sql":"drop table x"}`, nil, 422, "read_only", "only statements that read"},
		{"broken query", "POST", "/api/v1/query", `{"sql":"selekt"}`, nil, 422, "query", "Parser Error"},
		{"address", "GET", "/api/v1/nothing", "", nil, 404, "no_such_address", "/api/openapi.json"},
		{"method", "PUT", "/api/v1/integrations", `{}`, nil, 405, "method_not_allowed", "PUT"},
		{"panic", "POST", authorize, `{"settings":{"host":"panics"}}`, nil, 500, "internal", "our side"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := b.do(t, apitest.AdminToken, c.method, c.path, c.body, c.headers...)
			p := got.problem(t)
			if got.status != c.status || p.Code != c.code || !strings.Contains(strings.ToLower(p.Public), strings.ToLower(c.says)) {
				t.Fatalf("%d %s", got.status, got.body)
			}
			if strings.Contains(got.body, canary) {
				t.Fatalf("the answer repeats a secret: %s", got.body)
			}
			if p.Reference != "" && !strings.Contains(b.log.String(), p.Reference) {
				t.Fatal("the log does not know the reference")
			}
		})
	}
}

func TestFieldErrors(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.shop(t)
	_, err := b.client(t, apitest.AdminToken).Authorize(t.Context(), "shop", client.Submission{Settings: map[string]string{"host": "a b"}})
	p := client.ProblemOf(err)
	if p == nil || p.Cause != "invalid" || len(p.Errors) != 2 || p.Errors[0] != (client.FieldProblem{Field: "host", Message: "remove the spaces"}) {
		t.Fatalf("%+v", p)
	}
}

func TestUnknownErrorsAreOursAndStayInTheLog(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *api.Config) {
		c.Authenticate = func(context.Context, string) (integration.Person, error) {
			return integration.Person{}, errors.New("no such table: tokens")
		}
		c.Ready = []api.ReadyCheck{{Name: "store", Check: func(context.Context) error { return errors.New("disk on fire") }}, {Name: "warehouse", Check: func(context.Context) error { return nil }}}
	})
	ready := b.do(t, "", "GET", "/readyz", "")
	if ready.status != 503 || !strings.Contains(ready.body, `"store":"failed"`) || !strings.Contains(ready.body, `"warehouse":"ok"`) || strings.Contains(ready.body, "fire") {
		t.Fatal(ready)
	}
	if !strings.Contains(b.log.String(), "disk on fire") {
		t.Fatal("the log does not say why")
	}
	got := b.do(t, apitest.AdminToken, "GET", "/api/v1/integrations", "")
	p := got.problem(t)
	if got.status != 500 || p.Cause != "ours" || strings.Contains(got.body, "no such table") || !strings.Contains(b.log.String(), p.Reference) || !strings.Contains(b.log.String(), "no such table") {
		t.Fatal(got, b.log.String())
	}
	if health := b.do(t, "", "GET", "/healthz", ""); health.status != 200 {
		t.Fatal(health)
	}
}

func TestSecretsComeOutNowhere(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.shop(t)
	c := b.client(t, apitest.AdminToken)
	live := 0
	v, err := c.AuthorizeLive(t.Context(), "shop", filled(canary), func(client.Check) { live++ })
	if err != nil || v.Swapped || v.Cause() != "access_changed" || live != len(v.Checks) {
		t.Fatal(err, v, live)
	}
	for _, path := range []string{"/api/v1/integrations", "/api/v1/integrations/shop", "/api/v1/events", "/api/v1/incidents", "/metrics", "/api/openapi.json", "/api/v1/connectors"} {
		got := b.do(t, apitest.AdminToken, "GET", path, "")
		for _, secret := range []string{canary, `"` + apitest.Password + `"`} {
			if strings.Contains(got.body, secret) {
				t.Errorf("%s shows a secret", path)
			}
		}
	}
	text, err := json.Marshal(v)
	if err != nil || strings.Contains(string(text), canary) || strings.Contains(b.log.String(), canary) {
		t.Fatal("a secret came out")
	}
}

func TestFaultsKeepTheirCause(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.shop(t)
	for password, cause := range map[string]string{"down": "outage", "expired": "expired", "slow": "throttled", "ours": "ours", "old": "access_changed", "invalid": "invalid"} {
		v, err := b.client(t, apitest.StandardToken).Authorize(t.Context(), "shop", filled(password))
		if err != nil || v.Swapped || v.Cause() != cause {
			t.Errorf("%s: %v %+v", password, err, v.Checks)
		}
		for _, check := range v.Checks {
			if check.Fault != nil && (check.Fault.Code == "" || check.Fault.Public == "" || check.Fault.Step == "") {
				t.Errorf("%s: incomplete fault %+v", password, check.Fault)
			}
		}
	}
}
