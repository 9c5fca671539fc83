package browser

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
)

// Violation is a rule of WCAG that a page breaks, and where.
type Violation struct {
	ID, Help string
	Nodes    []string
}

const runAxe = `(async () => {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
  const r = await axe.run(document, { runOnly: { type: 'tag', values: tags } });
  return r.violations.map(v => ({ ID: v.id, Help: v.help, Nodes: v.nodes.map(n => n.target.join(' ') + ' | ' + (n.failureSummary || '').replace(/\s+/g, ' ')) }));
})()`

// Axe checks pages against WCAG 2.2 AA.
type Axe struct {
	source string
	proven bool
}

// NewAxe loads the checker that package.json beside this package pins.
// Without it the test is skipped, except where everything must run.
func NewAxe(t testing.TB) *Axe {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	file := filepath.Join(filepath.Dir(here), "..", "node_modules", "axe-core", "axe.min.js")
	source, err := os.ReadFile(file)
	if err != nil {
		if Required() {
			t.Fatalf("axe-core is missing; run make node-modules (%v)", err)
		}
		t.Skip("axe-core is missing; run make node-modules to check accessibility")
	}
	return &Axe{source: string(source)}
}

// Check returns what the page breaks. Before the first check it breaks the
// page itself, outside of main, which updates redraw, and expects to hear of
// it: a checker that finds nothing anywhere would be no proof.
func (a *Axe) Check(p *Page) []Violation {
	p.t.Helper()
	Ask(p, chromedp.Evaluate[any](a.source+";0"))
	if !a.proven {
		a.prove(p)
		a.proven = true
	}
	return Eval[[]Violation](p, runAxe)
}

func (a *Axe) prove(p *Page) {
	p.t.Helper()
	Eval[any](p, `document.body.insertAdjacentHTML('beforeend', '<div id="bad"><input type="text"><a href="/x"></a></div>'); 0`)
	var found []string
	for _, v := range Eval[[]Violation](p, runAxe) {
		found = append(found, v.ID)
	}
	if !slices.Contains(found, "label") || !slices.Contains(found, "link-name") {
		p.t.Fatalf("axe found only %v on a page that was broken on purpose", found)
	}
	Eval[any](p, `document.getElementById('bad').remove(); 0`)
}

// Sideways is by how many pixels the page scrolls sideways; at 320 px nothing
// may.
func (p *Page) Sideways() int {
	p.t.Helper()
	return Eval[int](p, `document.documentElement.scrollWidth - document.documentElement.clientWidth`)
}
