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
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/web/sample"
	"github.com/regrant/regrant/internal/web/webtest"
)

const chromium = "/usr/bin/chromium"

// browse starts a browser of its own, signed in as the role. Without chromium
// the test is skipped, except where everything must run.
func browse(t *testing.T, b *bench, role string) context.Context {
	t.Helper()
	if _, err := os.Stat(chromium); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is missing; install the package chromium", chromium)
		}
		t.Skipf("%s is missing; install the package chromium to run browser tests", chromium)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("hide-scrollbars", true),
		chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1440, 900), chromedp.WSURLReadTimeout(60*time.Second))
	allocated, cancel := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocated)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits for the browser, so that its profile can be removed
		cancel()
	})
	watchPage(t, ctx)
	u, err := url.Parse(b.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	do(t, ctx, command(network.SetCookie, network.SetCookieParams{Name: webtest.Cookie, Value: role, Domain: u.Hostname(), Path: "/"}))
	return ctx
}

// watchPage fails the test on a script's error and on a page that the server
// could not draw.
func watchPage(t *testing.T, ctx context.Context) {
	t.Helper()
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("the page's script failed: %s %+v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception)
		case *log.EventEntryAdded:
			if strings.Contains(e.Entry.Text, "Content Security Policy") {
				t.Errorf("the browser blocked something: %s", e.Entry.Text)
			}
		case *network.EventResponseReceived:
			if e.Response.Status >= 500 {
				t.Errorf("%s answered %d", e.Response.URL, e.Response.Status)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	do(t, ctx, command(network.Enable, network.EnableParams{}), command(log.Enable, cdp.Empty{}))
}

// command makes an action of a command of the protocol.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, c, params)
		return err
	})
}

// within is how long one group of actions may take.
const within = 30 * time.Second

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

func ask[T any](t *testing.T, ctx context.Context, a chromedp.Action[T]) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// size sets the window and the colour scheme.
func size(width, height int64, scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Steps(
		command(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1}),
		command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}}),
	)
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
	ctx := browse(t, b, "admin")
	shots := []struct {
		name          string
		width, height int64
		scheme        string
	}{{"light", 1440, 900, "light"}, {"dark", 1440, 900, "dark"}, {"phone", 375, 800, "light"}}
	all := pages()
	maps.Copy(all, attempted(t, b))
	for name, path := range all {
		if match, _ := filepath.Match(only, name); only != "" && !match {
			continue
		}
		for _, s := range shots {
			do(t, ctx, size(s.width, s.height, s.scheme), chromedp.Navigate(b.server.URL+path), chromedp.WaitReady(chromedp.CSS("main")))
			png := ask(t, ctx, chromedp.FullScreenshot(100))
			if err := os.WriteFile(filepath.Join(dir, name+"-"+s.name+".png"), png, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}
