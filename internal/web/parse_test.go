package web

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/notice"
	"github.com/regrant/regrant/internal/web/sample"
)

// FuzzSafeNext: whatever follows a sign-in stays on this site.
func FuzzSafeNext(f *testing.F) {
	for _, s := range []string{"/audit", "//evil.example", `/\evil.example`, "https://evil.example", "/sign-in", "/%2f%2fevil.example", "/\t/evil", "javascript:alert(1)", "/a?b=//c"} {
		f.Add(s)
	}
	base, err := url.Parse("https://regrant.example/sign-in")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, next string) {
		got := safeNext(next)
		to, err := base.Parse(got)
		if err != nil {
			t.Fatalf("%q leads to %q: %v", next, got, err)
		}
		if to.Host != base.Host || to.Scheme != base.Scheme || strings.HasPrefix(got, "//") || strings.ContainsAny(got, "\\\r\n") {
			t.Errorf("%q leads to %q", next, got)
		}
	})
}

// FuzzReadForm: a body of any bytes gives known fields only, secrets apart
// from settings.
func FuzzReadForm(f *testing.F) {
	form := sample.Catalogue()[0].Forms[0]
	for _, s := range []string{"f.host=a&f.password=b", "f.connection=ssh&f.ssh_host=x&f.ssh_keepalive=false&f.ssh_keepalive=true", "f.port=%zz", "form=x;y", "f.password=&f.host", "f.ssh_private_key=a%0d%0ab&f.connection=ssh"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		sub, err := readForm(r, form)
		if err != nil {
			return
		}
		for name := range sub.Settings {
			if field, ok := form.Field(name); !ok || field.Secret {
				t.Errorf("%q arrived as a setting", name)
			}
		}
		for name, secret := range sub.Secrets {
			if field, ok := form.Field(name); !ok || !field.Secret || secret.Empty() {
				t.Errorf("%q arrived as a secret", name)
			}
		}
	})
}

func TestSpansReadWell(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for want, at := range map[string]time.Time{
		"just now": now.Add(-9 * time.Second), "in 30 s": now.Add(30 * time.Second), "89 s ago": now.Add(-89 * time.Second), "2 min ago": now.Add(-90 * time.Second),
		"90 min ago": now.Add(-89*time.Minute - 40*time.Second), "2 h ago": now.Add(-2 * time.Hour), "36 h ago": now.Add(-35*time.Hour - 50*time.Minute), "2 days ago": now.Add(-40 * time.Hour), "3 months ago": now.Add(-90 * 24 * time.Hour),
	} {
		if got := relative(at, now); got != want {
			t.Errorf("%s is %q, want %q", now.Sub(at), got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -4200: "−4,200"} {
		if got := number(n); got != want {
			t.Errorf("%d is %q", n, got)
		}
	}
	for n, want := range map[int64]string{0: "0 bytes", 999: "999 bytes", 1 << 20: "1 MB", 1536: "1.5 KB", 91 << 20: "91 MB"} {
		if got := bytesText(n); got != want {
			t.Errorf("%d is %q", n, got)
		}
	}
}

func TestAttemptsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		w := &Web{Config: Config{Now: time.Now}, ctx: ctx, stop: stop}
		defer w.Stop()
		hang := func(ctx context.Context, _ func(integration.Check)) (integration.Verification, error) {
			<-ctx.Done()
			return integration.Verification{}, ctx.Err()
		}
		end := make(chan struct{})
		short := func(context.Context, func(integration.Check)) (integration.Verification, error) {
			<-end
			return integration.Verification{Swapped: true}, nil
		}
		for range maxRunning - 1 {
			if err := w.try(&attempt{}, hang); err != nil {
				t.Fatal(err)
			}
		}
		last := &attempt{}
		if err := w.try(last, short); err != nil {
			t.Fatal(err)
		}
		if err := w.try(&attempt{}, short); !errors.Is(err, errBusy) {
			t.Fatalf("one attempt too many: %v", err)
		}
		close(end)
		synctest.Wait()
		if v := last.view(); v.Running || !v.Swapped {
			t.Errorf("the attempt that ended is %+v", v)
		}
		for range maxAttempts * 2 {
			if err := w.try(&attempt{}, short); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if n := len(w.attempts.all); n > maxAttempts {
			t.Errorf("%d attempts are kept", n)
		}
	})
}

func TestChecksKeepTheirOrderAndOutcome(t *testing.T) {
	t.Parallel()
	a := &attempt{changed: make(chan struct{})}
	a.report(integration.Check{Step: connector.StepReach, State: integration.CheckRunning})
	a.report(integration.Check{Step: connector.StepReach, State: integration.CheckPassed, Text: "ok"})
	a.report(integration.Check{Step: connector.StepPrivileges, Table: "orders", State: integration.CheckFailed})
	a.report(integration.Check{Step: connector.StepPrivileges, State: integration.CheckPassed, Text: "1 table can be read."})
	v := a.view()
	states := make(map[connector.Step]integration.CheckState)
	for _, s := range v.Steps {
		states[s.Step] = s.State
	}
	if states[connector.StepReach] != integration.CheckPassed || states[connector.StepPrivileges] != integration.CheckFailed || states[connector.StepRead] != "" {
		t.Errorf("the steps are %v", states)
	}
	if !v.OnlyTables || v.Failed != 1 {
		t.Errorf("only tables failed, but the view says %v, %d", v.OnlyTables, v.Failed)
	}
	if len(v.Steps) != 6 {
		t.Errorf("%d steps", len(v.Steps))
	}
}

func TestLiveStreamsAreBounded(t *testing.T) {
	t.Parallel()
	w := &Web{Config: Config{Now: time.Now, Hub: notice.New()}, ctx: t.Context()}
	w.open.Store(maxStreams)
	rec := httptest.NewRecorder()
	if err := w.live(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/live", nil)); err != nil {
		t.Fatal(err)
	}
	if rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Retry-After") == "" {
		t.Errorf("one stream too many answered %d", rec.Code)
	}
	if n := w.open.Load(); n != maxStreams {
		t.Errorf("the refused stream is still counted: %d", n)
	}
}
