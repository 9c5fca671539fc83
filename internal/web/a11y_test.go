package web_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regrant/regrant/internal/web/webtest/browser"
)

// TestAccessibility runs axe over every page in light and dark, wide and at
// 320 px.
func TestAccessibility(t *testing.T) {
	axe := browser.NewAxe(t)
	b := setupAt(t, time.Now())
	all := pages()
	maps.Copy(all, attempted(t, b))
	for _, who := range []struct {
		role  string
		pages map[string]string
	}{
		{"admin", all},
		{"read_only", map[string]string{"table": "/integrations/erp/tables/public.orders", "authorize": "/integrations/orders/authorize", "catalogue": "/connect"}},
		{"", map[string]string{"sign-in": "/sign-in", "set-up": "/set-up?token=first"}},
	} {
		p := browse(t, b, who.role)
		for _, name := range slices.Sorted(maps.Keys(who.pages)) {
			for _, look := range []struct {
				width  int64
				scheme string
			}{{1440, "light"}, {1440, "dark"}, {320, "light"}} {
				p.Size(look.width, 900, look.scheme)
				p.Open(b.server.URL + who.pages[name])
				for _, v := range axe.Check(p) {
					t.Errorf("%s (%s, %d px): %s\n\t%s", name, look.scheme, look.width, v.Help, strings.Join(v.Nodes, "\n\t"))
				}
				if wide := p.Sideways(); wide > 0 {
					t.Errorf("%s (%d px) scrolls sideways by %d px", name, look.width, wide)
				}
			}
		}
	}
}
