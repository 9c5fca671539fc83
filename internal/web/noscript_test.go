package web_test

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/web/webtest/browser"
)

// TestWithoutScript connects and follows the checklist in a browser that runs
// no script at all.
func TestWithoutScript(t *testing.T) {
	b := setupAt(t, time.Now())
	finish := make(chan struct{})
	b.heart.Prove = func(ctx context.Context, _ integration.Submission, report func(integration.Check)) (integration.Verification, error) {
		report(integration.Check{Step: connector.StepReach, State: integration.CheckPassed, Text: "The server answers."})
		select {
		case <-finish:
			return integration.Verification{Swapped: true, Checks: []integration.Check{{Step: connector.StepReach, State: integration.CheckPassed}}}, nil
		case <-ctx.Done():
			return integration.Verification{}, ctx.Err()
		}
	}
	p := browse(t, b, "admin")
	p.Do(browser.Command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	p.Open(b.server.URL + "/integrations/returns/authorize")
	if p.Is(`'fresh' in document.body.dataset || document.querySelector('.copy')`) {
		t.Fatal("the page runs script")
	}
	p.Fill("#f-host", "db.internal")
	p.Fill("#f-database", "web")
	p.Fill("#f-user", "reader")
	p.Is(`(document.getElementById('f-connection').value = 'ssh', true)`)
	p.Click(`noscript button[value=refresh]`)
	p.Until(`!document.getElementById('f-ssh_host').closest('.field').hidden`)
	if got := browser.Eval[string](p, `document.getElementById('f-host').value`); got != "db.internal" {
		t.Errorf("the host became %q", got)
	}
	p.Fill("#f-ssh_host", "bastion")
	p.Fill("#f-ssh_user", "tunnel")
	p.Fill("#f-password", "pw")
	p.Click("#authorize .form-end .primary")
	p.Until(`document.querySelector('#attempt-title')?.textContent.trim() === 'Testing' && document.querySelector('[data-key=step-reach] .state').textContent === 'passed'`)
	close(finish)
	p.Until(`document.querySelector('#attempt-title')?.textContent.trim() === 'Connected'`) // the page loads itself again
	last := b.heart.Submissions()[0]
	if last.Settings["ssh_host"] != "bastion" || last.Settings["connection"] != "ssh" || last.Secrets["password"].Reveal() != "pw" {
		t.Errorf("what arrived: %v", last.Settings)
	}
}
