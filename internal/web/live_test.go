package web_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/notice"
	"github.com/regrant/regrant/internal/web/webtest"
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

// until waits for an expression to become true in the page, across loads of
// other pages, and returns how long that took.
func until(t *testing.T, ctx context.Context, expression string) time.Duration {
	t.Helper()
	began := time.Now()
	var err error
	for time.Since(began) < 15*time.Second {
		var holds bool
		holds, err = chromedp.Run(ctx, chromedp.Evaluate[bool](`document.readyState !== 'loading' && !!(`+expression+`)`))
		if err == nil && holds {
			return time.Since(began)
		}
		if ctx.Err() != nil {
			break
		}
		<-time.After(20 * time.Millisecond) // the page cannot signal a test; this polls it
	}
	where, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`location.pathname + " " + document.getElementById("main").innerText.slice(0, 600)`))
	t.Fatalf("it never holds: %s (%v) at %s", expression, err, where)
	return 0
}

// shown waits for an element of the page that comes next.
func shown(t *testing.T, ctx context.Context, selector string) {
	t.Helper()
	until(t, ctx, `document.querySelector('`+selector+`')`)
}

const listed = `document.querySelector('[data-key="r-0198-orders"] .badge').textContent`

func TestAnOpenListTurnsHealthyByItself(t *testing.T) {
	b := setupAt(t, time.Now())
	ctx := browse(t, b, "admin")
	do(t, ctx, chromedp.Navigate(b.server.URL+"/integrations"), chromedp.WaitReady(chromedp.CSS("#q")))
	until(t, ctx, `'fresh' in document.body.dataset`) // it listens
	do(t, ctx, chromedp.Focus(chromedp.CSS("#q")), chromedp.SendKeys(chromedp.CSS("#q"), "half a wo"))
	ask(t, ctx, chromedp.Evaluate[any](`window.kept = document.querySelector('[data-key="r-0198-orders"]'); 0`))
	if was := ask(t, ctx, chromedp.Evaluate[string](listed)); was != "Needs re-authorization" {
		t.Fatalf("the row begins as %q", was)
	}
	b.heart.Heal("orders")
	took := until(t, ctx, listed+` === 'Healthy'`)
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
		if !ask(t, ctx, chromedp.Evaluate[bool](expression)) {
			t.Errorf("lost or wrong: %s", what)
		}
	}
}

func TestTypingInAFormSurvivesUpdates(t *testing.T) {
	b := setupAt(t, time.Now())
	ctx := browse(t, b, "admin")
	do(t, ctx, chromedp.Navigate(b.server.URL+"/integrations/orders/authorize"), chromedp.WaitReady(chromedp.CSS("#f-password")))
	until(t, ctx, `'fresh' in document.body.dataset`)
	do(t, ctx, chromedp.SendKeys(chromedp.CSS("#f-password"), "typ1ng"))
	b.heart.Change("orders", func(r *integration.Record) { r.Incidents[0].Public = "Something else was found." })
	until(t, ctx, `document.querySelector('.lead').textContent.includes('Something else')`)
	if !ask(t, ctx, chromedp.Evaluate[bool](`document.activeElement.id === 'f-password' && document.activeElement.value === 'typ1ng'`)) {
		t.Error("the update took the focus or what was typed")
	}
}

// press sends keys to whatever has the focus.
func press(keys string) chromedp.Action[chromedp.Void] { return chromedp.KeyEvent(keys) }

// tabTo walks with the Tab key until the expression holds for the element with
// the focus. A person without a mouse has no other way.
func tabTo(t *testing.T, ctx context.Context, expression string) {
	t.Helper()
	for range 80 {
		do(t, ctx, press(kb.Tab))
		if ask(t, ctx, chromedp.Evaluate[bool](`(e => !!e && !!(`+expression+`))(document.activeElement)`)) {
			if !ask(t, ctx, chromedp.Evaluate[bool](visibleFocus)) {
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
	ctx := browse(t, b, "standard")
	do(t, ctx, size(1280, 800, "light"), chromedp.Navigate(b.server.URL+"/integrations"), chromedp.WaitReady(chromedp.CSS("#main")))
	tabTo(t, ctx, `e.closest('tr') && e.textContent === 'Orders database'`)
	do(t, ctx, press(kb.Enter))
	shown(t, ctx, "#f-password")
	tabTo(t, ctx, `e.id === 'f-password'`)
	do(t, ctx, command(input.InsertText, input.InsertTextParams{Text: "the new one"}), press(kb.Enter))
	until(t, ctx, `document.querySelector('#attempt-title')?.textContent.trim() === 'Proven and in force'`)
	if got := b.heart.Submissions()[0].Secrets["password"].Reveal(); got != "the new one" {
		t.Errorf("the password arrived as %q", got)
	}
	tabTo(t, ctx, `e.textContent.trim() === 'Open Orders database'`)
	do(t, ctx, press(kb.Enter))
	shown(t, ctx, ".hero")
	if got := ask(t, ctx, chromedp.Text(chromedp.CSS(".hero .badge"))); got != "Healthy" {
		t.Errorf("it ends as %q", got)
	}
}

// TestConnectingWithTheKeyboard goes from the catalogue to connected, through
// an error and a choice that shows more fields.
func TestConnectingWithTheKeyboard(t *testing.T) {
	b := setupAt(t, time.Now())
	ctx := browse(t, b, "admin")
	typed := func(id, text string) {
		tabTo(t, ctx, `e.id === '`+id+`'`)
		do(t, ctx, command(input.InsertText, input.InsertTextParams{Text: text}))
	}
	do(t, ctx, size(1280, 800, "dark"), chromedp.Navigate(b.server.URL+"/connect"), chromedp.WaitReady(chromedp.CSS(".choices")))
	tabTo(t, ctx, `e.matches('.choice') && e.textContent.includes('PostgreSQL')`)
	do(t, ctx, press(kb.Enter))
	shown(t, ctx, "#f-name")
	typed("f-name", "Web shop")
	do(t, ctx, press(kb.Enter))
	shown(t, ctx, "#f-connection")
	tabTo(t, ctx, `e.id === 'f-connection'`)
	do(t, ctx, press(kb.ArrowDown)) // through an SSH server
	until(t, ctx, `!document.getElementById('f-ssh_host').closest('.field').hidden`)
	typed("f-host", "db.internal")
	typed("f-database", "web")
	typed("f-user", "reader")
	until(t, ctx, `document.getElementById('guide').textContent.includes('GRANT CONNECT ON DATABASE "web" TO "reader"')`)
	do(t, ctx, press(kb.Enter)) // too early: no password, no SSH host
	until(t, ctx, `document.activeElement.id === 'problems'`)
	tabTo(t, ctx, `e.closest('.summary') && e.textContent === 'Password'`)
	do(t, ctx, press(kb.Enter))
	until(t, ctx, `document.activeElement.id === 'f-password'`)
	do(t, ctx, command(input.InsertText, input.InsertTextParams{Text: "pw"}))
	typed("f-ssh_host", "bastion")
	typed("f-ssh_user", "tunnel")
	tabTo(t, ctx, `e.tagName === 'BUTTON' && e.textContent.trim() === 'Save & Test'`)
	do(t, ctx, press(" "))
	until(t, ctx, `document.querySelector('#attempt-title')?.textContent.trim() === 'Connected' || document.querySelector('#attempt-title')?.textContent.trim() === 'Proven and in force'`)
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
	ctx := browse(t, b, "admin")
	do(t, ctx, chromedp.Navigate(b.server.URL+to), chromedp.WaitReady(chromedp.CSS(".checklist")))
	until(t, ctx, `'fresh' in document.body.dataset`)
	state := func(step string) string {
		return `document.querySelector('[data-key="step-` + step + `"] .state').textContent`
	}
	steps <- integration.Check{Step: 1, State: integration.CheckRunning}
	until(t, ctx, state("reach")+` === 'running'`)
	steps <- integration.Check{Step: 1, State: integration.CheckPassed, Text: "The server answers."}
	until(t, ctx, state("reach")+` === 'passed'`)
	if got := ask(t, ctx, chromedp.Evaluate[string](state("sign_in"))); got != "waiting" {
		t.Errorf("signing in is %q before it was tried", got)
	}
	close(finish)
	until(t, ctx, `document.querySelector('#attempt-title').textContent.trim() === 'Proven and in force'`)
}
