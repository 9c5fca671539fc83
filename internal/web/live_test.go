package web_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/notice"
	"github.com/regrant/regrant/internal/web/webtest"
	"github.com/regrant/regrant/internal/web/webtest/browser"
)

// listen opens /live and returns the names of its events.
func listen(t *testing.T, b *bench, query string) <-chan string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.server.URL+"/live?"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: webtest.Cookie, Value: "admin"})
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	events := make(chan string, 16)
	go func() {
		defer close(events)
		defer func() { _ = resp.Body.Close() }()
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				events <- name
			}
		}
	}()
	if first := <-events; first != "hello" {
		t.Fatalf("the stream begins with %q", first)
	}
	return events
}

func TestLiveTellsOfWhatThePageShows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one, all := listen(t, b, "of=0198-orders"), listen(t, b, "of=*")
	b.heart.Hub.Changed("0198-shop", nil)                       // all
	b.heart.Hub.Tick(notice.Tick{Integration: "0198-orders"})   // one
	b.heart.Hub.Changed("0198-orders", []integration.Event{{}}) // both
	for _, want := range []<-chan string{all, one, one, all} {
		select {
		case name := <-want:
			if name != "changed" {
				t.Errorf("heard %q", name)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("nothing was told")
		}
	}
	b.heart.Hub.Close()
	if _, open := <-one; open {
		t.Error("the stream goes on after the hub was closed")
	}
}

const listed = `document.querySelector('[data-key="r-0198-orders"] .badge').textContent`

func TestAnOpenListTurnsHealthyByItself(t *testing.T) {
	b := setupAt(t, time.Now())
	p := browse(t, b, "admin")
	p.Open(b.server.URL + "/integrations")
	p.Until(`'fresh' in document.body.dataset`) // it listens
	p.Fill("#q", "half a wo")
	browser.Eval[any](p, `window.kept = document.querySelector('[data-key="r-0198-orders"]'); 0`)
	if was := browser.Eval[string](p, listed); was != "Needs re-authorization" {
		t.Fatalf("the row begins as %q", was)
	}
	b.heart.Heal("orders")
	took := p.Until(listed + ` === 'Healthy'`)
	t.Logf("healthy in the open page after %s", took.Round(time.Millisecond))
	if took > 2*time.Second {
		t.Errorf("it took %s", took)
	}
	for what, expression := range map[string]string{
		"focus":      `document.activeElement.id === 'q'`,
		"typed text": `document.getElementById('q').value === 'half a wo'`,
		"the row":    `window.kept.isConnected`,
		"headline":   `document.querySelector('.headline h2').textContent === '5 integrations need you'`,
		"announced":  `document.getElementById('said').textContent.includes('5 integrations need you')`,
		"card gone":  `!document.querySelector('[data-key="c-i-orders"]')`,
	} {
		if !p.Is(expression) {
			t.Errorf("lost or wrong: %s", what)
		}
	}
}

func TestTypingInAFormSurvivesUpdates(t *testing.T) {
	b := setupAt(t, time.Now())
	p := browse(t, b, "admin")
	p.Open(b.server.URL + "/integrations/orders/authorize")
	p.Until(`'fresh' in document.body.dataset`)
	p.Fill("#f-password", "typ1ng")
	b.heart.Change("orders", func(r *integration.Record) { r.Incidents[0].Public = "Something else was found." })
	p.Until(`document.querySelector('.lead').textContent.includes('Something else')`)
	if !p.Is(`document.activeElement.id === 'f-password' && document.activeElement.value === 'typ1ng'`) {
		t.Error("the update took the focus or what was typed")
	}
}

// tabTo walks with the Tab key until the expression holds for the element with
// the focus. A person without a mouse has no other way.
func tabTo(t *testing.T, p *browser.Page, expression string) {
	t.Helper()
	for range 80 {
		p.Press(kb.Tab)
		if p.Is(`(e => !!e && !!(` + expression + `))(document.activeElement)`) {
			if !p.Is(visibleFocus) {
				t.Errorf("the focus on %s cannot be seen", expression)
			}
			return
		}
	}
	t.Fatalf("Tab never reaches %s", expression)
}

// visibleFocus holds when the focused element has an outline and lies within
// the window, under nothing.
const visibleFocus = `(() => {
  const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
  const seen = s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2;
  const top = document.elementFromPoint(r.left + r.width / 2, r.top + r.height / 2);
  return seen && r.top >= 0 && r.bottom <= innerHeight + 1 && !!top && (e === top || e.contains(top) || top.contains(e));
})()`

// TestReauthorizingWithTheKeyboard walks the whole way from the list to
// healthy without a mouse.
func TestReauthorizingWithTheKeyboard(t *testing.T) {
	b := setupAt(t, time.Now())
	p := browse(t, b, "standard")
	p.Size(1280, 800, "light")
	p.Open(b.server.URL + "/integrations")
	tabTo(t, p, `e.closest('tr') && e.textContent === 'Orders database'`)
	p.Press(kb.Enter)
	p.Until(`document.querySelector("#f-password")`)
	tabTo(t, p, `e.id === 'f-password'`)
	p.Type("the new one")
	p.Press(kb.Enter)
	p.Until(`document.querySelector('#attempt-title')?.textContent.trim() === 'Proven and in force'`)
	if got := b.heart.Submissions()[0].Secrets["password"].Reveal(); got != "the new one" {
		t.Errorf("the password arrived as %q", got)
	}
	tabTo(t, p, `e.textContent.trim() === 'Open Orders database'`)
	p.Press(kb.Enter)
	p.Until(`document.querySelector(".hero")`)
	if got := browser.Eval[string](p, `document.querySelector(".hero .badge").textContent.trim()`); got != "Healthy" {
		t.Errorf("it ends as %q", got)
	}
}

// TestConnectingWithTheKeyboard goes from the catalogue to connected, through
// an error and a choice that shows more fields.
func TestConnectingWithTheKeyboard(t *testing.T) {
	b := setupAt(t, time.Now())
	p := browse(t, b, "admin")
	typed := func(id, text string) {
		tabTo(t, p, `e.id === '`+id+`'`)
		p.Type(text)
	}
	p.Size(1280, 800, "dark")
	p.Open(b.server.URL + "/connect")
	tabTo(t, p, `e.matches('.choice') && e.textContent.includes('PostgreSQL')`)
	p.Press(kb.Enter)
	p.Until(`document.querySelector("#f-name")`)
	typed("f-name", "Web shop")
	p.Press(kb.Enter)
	p.Until(`document.querySelector("#f-connection")`)
	tabTo(t, p, `e.id === 'f-connection'`)
	p.Press(kb.ArrowDown) // through an SSH server
	p.Until(`!document.getElementById('f-ssh_host').closest('.field').hidden`)
	typed("f-host", "db.internal")
	typed("f-database", "web")
	typed("f-user", "reader")
	p.Until(`document.getElementById('guide').textContent.includes('GRANT CONNECT ON DATABASE "web" TO "reader"')`)
	p.Press(kb.Enter) // too early: no password, no SSH host
	p.Until(`document.activeElement.id === 'problems'`)
	tabTo(t, p, `e.closest('.summary') && e.textContent === 'Password'`)
	p.Press(kb.Enter)
	p.Until(`document.activeElement.id === 'f-password'`)
	p.Type("pw")
	typed("f-ssh_host", "bastion")
	typed("f-ssh_user", "tunnel")
	tabTo(t, p, `e.tagName === 'BUTTON' && e.textContent.trim() === 'Save & Test'`)
	p.Press(" ")
	p.Until(`document.querySelector('#attempt-title')?.textContent.trim() === 'Connected'`)
	subs := b.heart.Submissions()
	last := subs[len(subs)-1]
	if last.Settings["ssh_host"] != "bastion" || last.Settings["host"] != "db.internal" || last.Secrets["password"].Reveal() != "pw" {
		t.Errorf("what arrived: %v", last.Settings)
	}
}

// TestTheChecklistFollowsTheAttempt watches checks arrive in an open page.
func TestTheChecklistFollowsTheAttempt(t *testing.T) {
	b := setupAt(t, time.Now())
	steps, finish := make(chan integration.Check), make(chan struct{})
	b.heart.Prove = func(ctx context.Context, _ integration.Submission, report func(integration.Check)) (integration.Verification, error) {
		for {
			select {
			case c := <-steps:
				report(c)
			case <-finish:
				return integration.Verification{Swapped: true}, nil
			case <-ctx.Done():
				return integration.Verification{}, ctx.Err()
			}
		}
	}
	to := b.post(t, "admin", "/integrations/orders/authorize", fill()).header.Get("Location")
	p := browse(t, b, "admin")
	p.Open(b.server.URL + to)
	p.Until(`'fresh' in document.body.dataset`)
	state := func(step string) string {
		return `document.querySelector('[data-key="step-` + step + `"] .state').textContent`
	}
	steps <- integration.Check{Step: 1, State: integration.CheckRunning}
	p.Until(state("reach") + ` === 'running'`)
	steps <- integration.Check{Step: 1, State: integration.CheckPassed, Text: "The server answers."}
	p.Until(state("reach") + ` === 'passed'`)
	if got := browser.Eval[string](p, state("sign_in")); got != "waiting" {
		t.Errorf("signing in is %q before it was tried", got)
	}
	close(finish)
	p.Until(`document.querySelector('#attempt-title').textContent.trim() === 'Proven and in force'`)
}

// TestAPageFindsItsServerAgain cuts all connections, changes something
// meanwhile, and expects the open page to show it.
func TestAPageFindsItsServerAgain(t *testing.T) {
	b := setupAt(t, time.Now())
	p := browse(t, b, "admin")
	p.Open(b.server.URL + "/integrations")
	p.Until(`'fresh' in document.body.dataset`)
	b.server.CloseClientConnections()
	b.heart.Heal("orders")
	p.Until(listed + ` === 'Healthy'`)
	p.Until(`document.getElementById('offline').hidden`)
}
