package web_test

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

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
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(chromium), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("hide-scrollbars", true), chromedp.UserDataDir(t.TempDir()),
		chromedp.WindowSize(1440, 900), chromedp.WSURLReadTimeout(60 * time.Second),
	}
	allocated, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocated)
	t.Cleanup(cancel)
	if err := chromedp.Run(ctx); err != nil { // starts the browser without a deadline that would end it
		t.Fatal(err)
	}
	ctx, cancel = context.WithTimeout(ctx, 4*time.Minute)
	t.Cleanup(cancel)
	watchPage(t, ctx)
	u, err := url.Parse(b.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	run(t, ctx, network.SetCookie(webtest.Cookie, role).WithDomain(u.Hostname()).WithPath("/"))
	return ctx
}

// watchPage fails the test on a script's error and on anything that the
// content policy blocked.
func watchPage(t *testing.T, ctx context.Context) {
	chromedp.ListenTarget(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("the page's script failed: %s", e.ExceptionDetails.Error())
		case *network.EventResponseReceived:
			if e.Response.Status >= 500 {
				t.Errorf("%s answered %d", e.Response.URL, e.Response.Status)
			}
		}
	})
}

func run(t *testing.T, ctx context.Context, actions ...chromedp.Action) {
	t.Helper()
	if err := chromedp.Run(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// size sets the window and the colour scheme.
func size(width, height int64, scheme string) chromedp.Action {
	return chromedp.Tasks{
		emulation.SetDeviceMetricsOverride(width, height, 1, false),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}),
	}
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
	for name, path := range pages() {
		if match, _ := filepath.Match(only, name); only != "" && !match {
			continue
		}
		for _, s := range shots {
			var png []byte
			run(t, ctx, size(s.width, s.height, s.scheme), chromedp.Navigate(b.server.URL+path), chromedp.WaitReady("main"), chromedp.Sleep(300*time.Millisecond), chromedp.FullScreenshot(&png, 100))
			if err := os.WriteFile(filepath.Join(dir, name+"-"+s.name+".png"), png, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}
