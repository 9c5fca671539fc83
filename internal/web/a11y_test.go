package web_test

import (
	"context"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

const axeFile = "webtest/node_modules/axe-core/axe.min.js"

// violation is a rule that a page breaks, and where.
type violation struct {
	ID, Help string
	Nodes    []string
}

const runAxe = `(async () => {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
  const r = await axe.run(document, { runOnly: { type: 'tag', values: tags } });
  return r.violations.map(v => ({ ID: v.id, Help: v.help, Nodes: v.nodes.map(n => n.target.join(' ') + ' | ' + (n.failureSummary || '').replace(/\s+/g, ' ')) }));
})()`

// proveAxe breaks the page and expects to hear of it: a checker that finds
// nothing anywhere would be no proof.
func proveAxe(t *testing.T, ctx context.Context) {
	t.Helper()
	ask(t, ctx, chromedp.Evaluate[any](`document.getElementById('main').insertAdjacentHTML('beforeend', '<div id="bad"><input type="text"><a href="/x"></a></div>'); 0`))
	var found []string
	for _, v := range ask(t, ctx, chromedp.Evaluate[[]violation](runAxe, chromedp.EvalAwaitPromise)) {
		found = append(found, v.ID)
	}
	if !slices.Contains(found, "label") || !slices.Contains(found, "link-name") {
		t.Fatalf("axe found only %v on a page that was broken on purpose", found)
	}
	ask(t, ctx, chromedp.Evaluate[any](`document.getElementById('bad').remove(); 0`))
}

// overflow finds pages that scroll sideways: at 320 px nothing may.
const overflow = `document.documentElement.scrollWidth - document.documentElement.clientWidth`

// TestAccessibility runs axe over every page in light and dark, wide and at
// 320 px.
func TestAccessibility(t *testing.T) {
	axe, err := os.ReadFile(axeFile)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is missing; run make node-modules", axeFile)
		}
		t.Skipf("%s is missing; run make node-modules to check accessibility", axeFile)
	}
	proven := false
	b := setupAt(t, time.Now())
	all := pages()
	maps.Copy(all, attempted(t, b))
	for _, who := range []struct {
		role  string
		pages map[string]string
	}{{"admin", all}, {"read_only", map[string]string{"table": "/integrations/erp/tables/public.orders", "authorize": "/integrations/orders/authorize", "catalogue": "/connect"}},
		{"", map[string]string{"sign-in": "/sign-in", "set-up": "/set-up?token=first"}}} {
		ctx := browse(t, b, who.role)
		for _, name := range slices.Sorted(maps.Keys(who.pages)) {
			for _, look := range []struct {
				width  int64
				scheme string
			}{{1440, "light"}, {1440, "dark"}, {320, "light"}} {
				do(t, ctx, size(look.width, 900, look.scheme), chromedp.Navigate(b.server.URL+who.pages[name]), chromedp.WaitReady(chromedp.CSS("main")))
				ask(t, ctx, chromedp.Evaluate[any](string(axe)+";0"))
				if !proven {
					proveAxe(t, ctx)
					proven = true
				}
				for _, v := range ask(t, ctx, chromedp.Evaluate[[]violation](runAxe, chromedp.EvalAwaitPromise)) {
					t.Errorf("%s (%s, %d px): %s\n\t%s", name, look.scheme, look.width, v.Help, strings.Join(v.Nodes, "\n\t"))
				}
				if wide := ask(t, ctx, chromedp.Evaluate[int](overflow)); wide > 0 {
					t.Errorf("%s (%d px) scrolls sideways by %d px", name, look.width, wide)
				}
			}
		}
	}
}
