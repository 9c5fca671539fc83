package client

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestProblemFrom(t *testing.T) {
	t.Parallel()
	reply := func(status int, body string, header ...string) error {
		h := http.Header{}
		for n := 0; n+1 < len(header); n += 2 {
			h.Set(header[n], header[n+1])
		}
		return problemFrom(&http.Response{StatusCode: status, Status: fmt.Sprint(status, " ", http.StatusText(status)), Header: h, Body: io.NopCloser(strings.NewReader(body))})
	}
	ours := ProblemOf(reply(429, `{"code":"x","public":"Slow down.","cause":"throttled","status":200}`, "Retry-After", "7"))
	if ours == nil || ours.Status != 429 || ours.Cause != "throttled" || ours.RetryAfter != 7*time.Second || ours.Error() != "Slow down." {
		t.Fatalf("%+v", ours)
	}
	for _, body := range []string{"<html>proxy</html>", "", "{}", `{"code":1}`, strings.Repeat("[", 1<<20)} {
		p := ProblemOf(reply(502, body))
		if p == nil || p.Code != "http" || !strings.Contains(p.Error(), "502") || strings.Contains(p.Error(), "html") {
			t.Fatalf("%+v", p)
		}
	}
	if !IsNotFound(reply(404, "")) || IsNotFound(reply(410, "")) || IsNotFound(nil) {
		t.Fatal("not found is told wrongly")
	}
}

func TestSecretsTravelAndDoNotPrint(t *testing.T) {
	t.Parallel()
	s := Submission{Secrets: map[string]Secret{"password": "c4n4ry"}}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", s.Secrets["password"])
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, s) + log.String(); strings.Contains(got, "c4n4ry") {
			t.Errorf("%s prints %s", verb, got)
		}
	}
	if text, err := json.Marshal(s); err != nil || !strings.Contains(string(text), "c4n4ry") {
		t.Error("a secret that does not travel", err)
	}
}
