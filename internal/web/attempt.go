package web

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

const (
	// maxAttempts bounds what is remembered; the oldest finished one goes first.
	maxAttempts = 200
	// maxRunning bounds what runs at once: each holds connections.
	maxRunning = 20
	// maxChecks bounds the lines of one checklist.
	maxChecks = 5000
)

// attempt is one Save & Test, followed by a page. It holds no secrets.
type attempt struct {
	id, integration string // ID
	undo            bool
	first           bool // it connects for the first time
	began           time.Time
	settings        map[string]string // as typed, to fill the form again
	form            string

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at every change
	checks  []integration.Check
	ended   time.Time
	swapped bool
	err     error
}

// attempts is those of this process. An attempt that is lost by a restart is
// no loss: nothing is changed before the swap, and the swap is one write.
type attempts struct {
	mu  sync.Mutex
	all []*attempt // oldest first
}

var errBusy = errors.New("too many attempts run at once")

func (a *attempts) add(at *attempt) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	running := 0
	for _, x := range a.all {
		if x.running() {
			running++
		}
	}
	if running >= maxRunning {
		return errBusy
	}
	a.all = append(a.all, at)
	for n := 0; n < len(a.all) && len(a.all) > maxAttempts; n++ {
		if !a.all[n].running() {
			a.all = append(a.all[:n], a.all[n+1:]...)
			n--
		}
	}
	return nil
}

func (a *attempts) find(id string) *attempt {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, x := range a.all {
		if x.id == id {
			return x
		}
	}
	return nil
}

// prover is Authorize or Undo with everything but the report filled in.
type prover func(ctx context.Context, report func(integration.Check)) (integration.Verification, error)

// try runs a prover in the background: a person may close the page, and the
// swap must not be cut off by that.
func (w *Web) try(at *attempt, prove prover) error {
	at.id, at.began, at.changed = rand.Text(), w.Now(), make(chan struct{})
	if err := w.attempts.add(at); err != nil {
		return err
	}
	w.wg.Go(func() {
		v, err := prove(w.ctx, at.report)
		at.end(w.Now(), v, err)
		if err != nil && !isForm(err) && w.ctx.Err() == nil {
			w.Log.Error("attempt failed", "integration_id", at.integration, "error", err)
		}
	})
	return nil
}

func isForm(err error) bool {
	var f *integration.FormError
	return errors.As(err, &f)
}

// report takes a line of the checklist: a new one, or a running one's outcome.
func (a *attempt) report(c integration.Check) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for n := range a.checks {
		if a.checks[n].Step == c.Step && a.checks[n].Table == c.Table && a.checks[n].State == integration.CheckRunning {
			a.checks[n] = c
			a.tell()
			return
		}
	}
	if len(a.checks) < maxChecks {
		a.checks = append(a.checks, c)
	}
	a.tell()
}

func (a *attempt) end(now time.Time, v integration.Verification, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(v.Checks) > 0 && len(v.Checks) <= maxChecks {
		a.checks = v.Checks
	}
	a.ended, a.swapped, a.err = now, v.Swapped, err
	a.tell()
}

func (a *attempt) tell() {
	close(a.changed)
	a.changed = make(chan struct{})
}

func (a *attempt) running() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ended.IsZero()
}

// wait returns when something has changed, or the channel that will say so.
func (a *attempt) wait() (<-chan struct{}, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.changed, a.ended.IsZero()
}

// settle waits a moment for the end: what is wrong in the form itself is known
// at once and belongs beside the fields.
func (a *attempt) settle(ctx context.Context, patience time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		next, running := a.wait()
		if !running {
			return
		}
		select {
		case <-next:
		case <-ctx.Done():
			return
		}
	}
}

// stepView is one step of the checklist with its tables.
type stepView struct {
	Step   connector.Step
	State  integration.CheckState // "" while it waits
	Text   string
	Fault  *connector.Fault
	Tables []integration.Check
}

// attemptView is what the page shows of an attempt.
type attemptView struct {
	ID                    string
	Undo, First           bool
	Began, Ended          time.Time
	Running, Swapped      bool
	Steps                 []stepView
	Problems              []problem // of the form, found late
	Trouble               string    // it could not be tried at all
	Failed                int
	Hosts                 *hostKeys
	OnlyTables, OnlyRetry bool
}

// hostKeys are the fingerprints of a server that presents another key.
type hostKeys struct{ Old, New string }

func hostKeysOf(facts map[string]string) *hostKeys {
	if facts["new_fingerprint"] == "" {
		return nil
	}
	return &hostKeys{facts["old_fingerprint"], facts["new_fingerprint"]}
}

func (a *attempt) view() *attemptView {
	a.mu.Lock()
	defer a.mu.Unlock()
	v := &attemptView{
		ID: a.id, Undo: a.undo, First: a.first, Began: a.began, Ended: a.ended,
		Running: a.ended.IsZero(), Swapped: a.swapped, Steps: steps(a.checks), OnlyTables: true,
	}
	for _, c := range a.checks {
		if c.State != integration.CheckFailed {
			continue
		}
		v.Failed++
		v.OnlyTables = v.OnlyTables && c.Table != ""
		if c.Fault != nil && v.Hosts == nil {
			v.Hosts = hostKeysOf(c.Fault.Facts)
		}
	}
	v.OnlyTables = v.OnlyTables && v.Failed > 0
	v.say(a.err)
	return v
}

// say puts an error of the attempt itself into words.
func (v *attemptView) say(err error) {
	var form *integration.FormError
	switch {
	case err == nil:
	case errors.As(err, &form):
		v.Problems = problems(form.Fields, nil)
	case errors.Is(err, integration.ErrConflict):
		v.Trouble = "Somebody else changed this integration at the same moment, so this attempt was set aside. Look at it as it is now; it may be repaired already."
	case errors.Is(err, integration.ErrForbidden):
		v.Trouble = "Your role may not do this. Ask an administrator."
	case errors.Is(err, integration.ErrNotFound):
		v.Trouble = "What this attempt was about is not there any more."
	case errors.Is(err, context.Canceled):
		v.Trouble = "Regrant was stopped while it tried. Nothing was changed: press Save & Test again."
	default:
		v.Trouble = "Regrant itself could not finish this. Nothing was changed. The log of this installation says why."
	}
}

// steps lays the checks out in the order of the steps, those that are still
// to come included, so that a person sees from the start what will be tried.
func steps(checks []integration.Check) []stepView {
	var out []stepView
	for step := connector.StepReach; step <= connector.StepRead; step++ {
		out = append(out, stepOf(step, checks))
	}
	if form := stepOf(connector.StepForm, checks); form.State != "" {
		out = append([]stepView{form}, out...)
	}
	return out
}

func stepOf(step connector.Step, checks []integration.Check) stepView {
	v := stepView{Step: step}
	failed := false
	for _, c := range checks {
		if c.Step != step {
			continue
		}
		failed = failed || c.State == integration.CheckFailed
		if c.Table != "" {
			v.Tables = append(v.Tables, c)
			continue
		}
		v.State, v.Text, v.Fault = c.State, c.Text, c.Fault
	}
	switch {
	case failed:
		v.State = integration.CheckFailed
	case v.State == "" && len(v.Tables) > 0:
		v.State = integration.CheckRunning
	}
	return v
}

func (w *Web) authorizing(who integration.Person, id string, sub integration.Submission) prover {
	return func(ctx context.Context, report func(integration.Check)) (integration.Verification, error) {
		return w.Integrations.Authorize(ctx, who, id, sub, report)
	}
}

func (w *Web) undoing(who integration.Person, id string) prover {
	return func(ctx context.Context, report func(integration.Check)) (integration.Verification, error) {
		return w.Integrations.Undo(ctx, who, id, report)
	}
}
