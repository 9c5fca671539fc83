package browser

import (
	"context"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

const (
	chromium = "/usr/bin/chromium"
	// within is how long one action may take, on a busy machine.
	within = 40 * time.Second
)

// Page is a tab.
type Page struct {
	t   testing.TB
	ctx context.Context //nolint:containedctx // the lifetime of the tab
}

// Required says whether a missing browser or checker fails a test instead of
// skipping it.
func Required() bool {
	return os.Getenv("CI") == "true" || os.Getenv("REGRANT_REQUIRE_SERVERS") != ""
}

// Open starts a browser. Without chromium the test is skipped, except where
// everything must run.
func Open(t testing.TB) *Page {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser is not started in short tests")
	}
	if _, err := os.Stat(chromium); err != nil {
		if Required() {
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
	p := &Page{t: t, ctx: ctx}
	p.watch()
	return p
}

// Tab opens another tab of the same browser.
func (p *Page) Tab() *Page {
	p.t.Helper()
	ctx, cancel := chromedp.NewContext(p.ctx)
	p.t.Cleanup(cancel)
	tab := &Page{t: p.t, ctx: ctx}
	tab.watch()
	return tab
}

// watch fails the test on a script's error, on what the content policy
// blocked, and on a page that the server could not draw.
func (p *Page) watch() {
	p.t.Helper()
	err := chromedp.Listen(p.ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			p.t.Errorf("the page's script failed: %s %+v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception)
		case *log.EventEntryAdded:
			if strings.Contains(e.Entry.Text, "Content Security Policy") {
				p.t.Errorf("the browser blocked something: %s", e.Entry.Text)
			}
		case *network.EventResponseReceived:
			if e.Response.Status >= 500 {
				p.t.Errorf("%s answered %d", e.Response.URL, e.Response.Status)
			}
		}
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.Do(Command(network.Enable, network.EnableParams{}), Command(log.Enable, cdp.Empty{}))
}

// Command makes an action of a command of the protocol.
func Command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, c, params)
		return err
	})
}

// Do runs actions.
func (p *Page) Do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, within)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// Ask runs an action that answers.
func Ask[T any](p *Page, a chromedp.Action[T]) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, within)
	defer cancel()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		p.t.Fatal(err)
	}
	return v
}

// Eval evaluates an expression in the page.
func Eval[T any](p *Page, expression string) T {
	p.t.Helper()
	return Ask(p, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// Is evaluates a condition.
func (p *Page) Is(expression string) bool {
	p.t.Helper()
	return Eval[bool](p, `!!(`+expression+`)`)
}

// Open loads an address.
func (p *Page) Open(address string) {
	p.t.Helper()
	p.Do(chromedp.Navigate(address), chromedp.WaitReady(chromedp.CSS("main")))
}

// Cookie sets a cookie for the server at base.
func (p *Page) Cookie(base, name, value string) {
	p.t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		p.t.Fatal(err)
	}
	p.Do(Command(network.SetCookie, network.SetCookieParams{Name: name, Value: value, Domain: u.Hostname(), Path: "/"}))
}

// Size sets the window and the colour scheme.
func (p *Page) Size(width, height int64, scheme string) {
	p.t.Helper()
	p.Do(
		Command(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1}),
		Command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}}),
	)
}

// Type writes text into whatever has the focus.
func (p *Page) Type(text string) {
	p.t.Helper()
	p.Do(Command(input.InsertText, input.InsertTextParams{Text: text}))
}

// Press presses keys.
func (p *Page) Press(keys string) {
	p.t.Helper()
	p.Do(chromedp.KeyEvent(keys))
}

// Fill replaces the value of a field.
func (p *Page) Fill(selector, text string) {
	p.t.Helper()
	p.Until(`document.querySelector(` + quote(selector) + `)`)
	p.Do(chromedp.Focus(chromedp.CSS(selector)))
	p.Is(`document.activeElement.select && (document.activeElement.select(), true)`)
	p.Type(text)
}

// Click clicks what the selector finds.
func (p *Page) Click(selector string) {
	p.t.Helper()
	p.Until(`document.querySelector(` + quote(selector) + `)`)
	p.Do(chromedp.Click(chromedp.CSS(selector)))
}

func quote(s string) string { return "`" + strings.ReplaceAll(s, "`", "\\`") + "`" }

// Until waits for a condition, across loads of other pages, and returns how
// long that took.
func (p *Page) Until(condition string) time.Duration {
	p.t.Helper()
	return p.Within(20*time.Second, condition)
}

// Within is Until with a deadline of its own.
func (p *Page) Within(limit time.Duration, condition string) time.Duration {
	p.t.Helper()
	began := time.Now()
	var err error
	for time.Since(began) < limit {
		var holds bool
		holds, err = chromedp.Run(p.ctx, chromedp.Evaluate[bool](`document.readyState !== 'loading' && !!(`+condition+`)`))
		if err == nil && holds {
			return time.Since(began)
		}
		<-time.After(20 * time.Millisecond) // a page cannot signal a test; this polls it
	}
	where, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string](`location.pathname + " " + document.getElementById("main").innerText.slice(0, 900)`))
	p.t.Fatalf("after %s it does not hold: %s (%v)\nthe page is %s", limit, condition, err, where)
	return 0
}

// Screen returns the top of the page as a PNG.
func (p *Page) Screen(height int64) []byte {
	p.t.Helper()
	width := Eval[int64](p, `innerWidth`)
	p.Do(Command(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1}))
	return Ask(p, chromedp.CaptureScreenshot())
}

// Picture returns the whole page as a PNG.
func (p *Page) Picture() []byte {
	p.t.Helper()
	return Ask(p, chromedp.FullScreenshot(100))
}
