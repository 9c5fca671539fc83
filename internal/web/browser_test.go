package web_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/notice"
	"github.com/regrant/regrant/internal/web/sample"
	"github.com/regrant/regrant/internal/web/webtest"
	"github.com/regrant/regrant/internal/web/webtest/browser"
)

// browse opens a browser, signed in as the role.
func browse(t *testing.T, b *bench, role string) *browser.Page {
	t.Helper()
	p := browser.Open(t)
	p.Cookie(b.server.URL, webtest.Cookie, role)
	return p
}

// pages are the addresses whose looks and accessibility are checked.
func pages() map[string]string {
	return map[string]string{
		"integrations":      "/integrations",
		"integrations-none": "/integrations?q=nothing-like-this",
		"integration":       "/integrations/orders",
		"integration-well":  "/integrations/shop",
		"integration-catch": "/integrations/subscriptions",
		"tables":            "/integrations/erp/tables",
		"table":             "/integrations/erp/tables/public.orders",
		"history":           "/integrations/erp/history",
		"settings":          "/integrations/shop/settings",
		"authorize":         "/integrations/orders/authorize",
		"authorize-host":    "/integrations/billing/authorize",
		"authorize-well":    "/integrations/shop/authorize",
		"connect-form":      "/integrations/returns/authorize",
		"catalogue":         "/connect",
		"connect":           "/connect/stripe",
		"warehouse":         "/warehouse?schema=shop&table=orders",
		"people":            "/people",
		"audit":             "/audit",
		"dev":               "/dev",
		"missing":           "/nothing/here",
	}
}

// prove plays three endings, chosen by the user that is typed.
func prove(ctx context.Context, sub integration.Submission, report func(integration.Check)) (integration.Verification, error) {
	checks := sample.Checks()
	switch sub.Settings["user"] {
	case "slow":
		for _, c := range checks[:3] {
			report(c)
		}
		<-ctx.Done()
		return integration.Verification{}, ctx.Err()
	case "stranger":
		fault := &connector.Fault{Cause: connector.AccessChanged, Code: "ssh.host_key_changed", Step: connector.StepTrust, Err: errors.New("mismatch"),
			Public: "The SSH server shows another host key than the one that was enrolled. Ask whoever runs it before you accept the new key.",
			Facts:  map[string]string{"old_fingerprint": "SHA256:Zq0uV2l1yJ0K2o6yM1kq3Qf0J9cXn7sT8vB5hR4wE2A", "new_fingerprint": "SHA256:h7Tn4cPqkM9sJ2LxVd0aRf8yWb3uGz6eNi1oQmKt5Ys"}}
		checks[1] = integration.Check{Step: connector.StepTrust, State: integration.CheckFailed, Text: fault.Public, Fault: fault}
		for n := 2; n < len(checks); n++ {
			checks[n] = integration.Check{Step: checks[n].Step, State: integration.CheckSkipped, Text: "Not checked."}
		}
		return integration.Verification{Checks: checks}, nil
	case "narrow":
		checks[len(checks)-1] = integration.Check{Step: connector.StepRead, State: integration.CheckPassed, Text: "One row of 4 tables was read."}
		return integration.Verification{Checks: checks}, nil
	default:
		checks = slices.DeleteFunc(checks, func(c integration.Check) bool { return c.State == integration.CheckFailed })
		checks[len(checks)-1] = integration.Check{Step: connector.StepRead, State: integration.CheckPassed, Text: "One row of 5 tables was read."}
		return integration.Verification{Swapped: true, Checks: checks}, nil
	}
}

// attempted makes an attempt of each ending and returns their pages.
func attempted(t *testing.T, b *bench) map[string]string {
	t.Helper()
	b.heart.Prove = prove
	b.heart.Hub.Tick(notice.Tick{Integration: "0198-subscriptions", Table: "public.order_items", Rows: 481_200, Estimated: 1_204_881, Bytes: 91 << 20, RowsPerSecond: 212_400})
	b.heart.Hub.Tick(notice.Tick{Integration: "0198-subscriptions", Table: "public.sessions", Rows: 12_000, Estimated: -1, Bytes: 2 << 20, RowsPerSecond: 48_100})
	pages := make(map[string]string)
	for user, slug := range map[string]string{"slow": "subscriptions", "stranger": "billing", "narrow": "erp", "pull_ro": "stock"} {
		a := b.post(t, "admin", "/integrations/"+slug+"/authorize", fill("f.user", user, "f.password", "new"))
		if a.status != http.StatusSeeOther {
			t.Fatalf("Save & Test as %s answered %d: %s", user, a.status, a.body)
		}
		pages["attempt-"+user] = a.header.Get("Location")
	}
	return pages
}

// fill makes a complete form of the sample connector with some values changed.
func fill(changes ...string) url.Values {
	v := url.Values{
		"form": {"password"}, "action": {"save"}, "f.connection": {"direct"}, "f.host": {"db.example.com"}, "f.port": {"5432"},
		"f.database": {"shop"}, "f.user": {"pull_ro"}, "f.password": {"s3cret"}, "f.tls_mode": {"verify-full"},
	}
	for n := 0; n < len(changes); n += 2 {
		v.Set(changes[n], changes[n+1])
	}
	return v
}

// TestScreenshots writes pictures of the pages for people to look at.
// Run it with REGRANT_SCREENSHOTS=DIR.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("REGRANT_SCREENSHOTS")
	if dir == "" {
		t.Skip("set REGRANT_SCREENSHOTS to a directory to write pictures of the pages")
	}
	b := setupAt(t, time.Now())
	only := os.Getenv("REGRANT_SCREENSHOTS_ONLY")
	p := browse(t, b, "admin")
	shots := []struct {
		name          string
		width, height int64
		scheme        string
	}{{"light", 1440, 900, "light"}, {"dark", 1440, 900, "dark"}, {"phone", 375, 800, "light"}, {"phone-dark", 375, 800, "dark"}}
	all := pages()
	maps.Copy(all, attempted(t, b))
	for name, path := range all {
		if match, _ := filepath.Match(only, name); only != "" && !match {
			continue
		}
		for _, s := range shots {
			p.Size(s.width, s.height, s.scheme)
			p.Open(b.server.URL + path)
			png := p.Picture()
			if s.width < 500 { // a phone's page is long; its first screens tell enough
				png = p.Screen(2 * s.height)
			}
			if err := os.WriteFile(filepath.Join(dir, name+"-"+s.name+".png"), png, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}
