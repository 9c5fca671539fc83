package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/regrant/regrant/internal/api/apitest"
)

// FuzzBodies sends anything as a body: nothing of it is our fault.
func FuzzBodies(f *testing.F) {
	for _, body := range []string{``, `{}`, `null`, `[]`, `{"connector":"shopdb","name":"x"}`, `{"settings":{"a":null}}`, `{"rechecks":{"":""},"excluded":null}`, `{"sql":"select"}`, `{"every_seconds":1e300}`, `{"name":"\u0000"}`, "\xff"} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if strings.Contains(body, "panics") || strings.Contains(body, "wait") {
			return // the fake's own words
		}
		handler, err := apitest.Handler(apitest.New(), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"POST /integrations", "POST /integrations/x/authorize", "PATCH /integrations/x", "PATCH /integrations/x/tables/y", "POST /query", "POST /tokens"} {
			method, rest, _ := strings.Cut(path, " ")
			req := httptest.NewRequest(method, "/api/v1"+rest, strings.NewReader(body))
			req.Header.Set("Authorization", "Bearer "+apitest.AdminToken)
			req.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, req)
			if w.Code >= http.StatusInternalServerError {
				t.Fatalf("%s: %d %s", path, w.Code, w.Body)
			}
		}
	})
}
