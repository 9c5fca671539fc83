package integration

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/regrant/regrant/connector"
)

func fault(cause connector.Cause, step connector.Step) *connector.Fault {
	return &connector.Fault{Cause: cause, Code: "teach." + cause.String(), Public: "It is " + cause.String() + ".", Step: step, Err: errors.New("evidence")}
}

// TestCauseDecides holds each cause against what the product then does.
func TestCauseDecides(t *testing.T) {
	t.Parallel()
	cases := []struct {
		cause connector.Cause
		state State
		actor Actor
		pulls bool // goes on trying by itself
	}{
		{connector.Outage, WaitingForProvider, Nobody, true},
		{connector.Expired, NeedsReauthorizing, Somebody, false},
		{connector.AccessChanged, NeedsReauthorizing, Somebody, false},
		{connector.Invalid, NeedsConfiguration, WhoeverTyped, false},
		{connector.Ours, OurFault, Operator, true},
		{connector.Throttled, ThrottledUntil, Nobody, true},
		{connector.Unknown, StateUnknown, Operator, true},
	}
	for _, c := range cases {
		t.Run(c.cause.String(), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			v := b.connected(t)
			if v.Status.State != Healthy {
				t.Fatalf("before: %s", v.Status.State)
			}
			if _, err := b.Failed(t.Context(), v.Integration.ID, "", fault(c.cause, connector.StepSignIn)); err != nil {
				t.Fatal(err)
			}
			v, err := b.Show(t.Context(), v.Integration.ID)
			if err != nil {
				t.Fatal(err)
			}
			if v.Status.State != c.state || v.Status.Actor != c.actor || v.Status.Readable != 0 {
				t.Errorf("state %s, actor %s, %d readable", v.Status.State, v.Status.Actor, v.Status.Readable)
			}
			if got := !v.Integration.NextPull.IsZero(); got != c.pulls {
				t.Errorf("tries by itself: %v, want %v", got, c.pulls)
			}
			if len(v.Gaps) != 3 {
				t.Errorf("%d gaps are open, want one for each table", len(v.Gaps))
			}
		})
	}
}

func TestOneTableDegrades(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := b.connected(t)
	if _, err := b.Failed(t.Context(), v.Integration.ID, "public.b", deniedTable("public.b")); err != nil {
		t.Fatal(err)
	}
	v, _ = b.Show(t.Context(), v.Integration.ID)
	if v.Status.State != Degraded || v.Status.Readable != 2 || v.Status.Actor != Somebody || len(v.Gaps) != 1 {
		t.Errorf("status %+v, %d gaps", v.Status, len(v.Gaps))
	}
	// A probe finds the same; a grant and another probe end it.
	b.party.denied["public.b"] = true
	if v, _ = b.Probe(t.Context(), ada, v.Integration.ID); v.Status.State != Degraded || v.Incidents[0].Count != 2 {
		t.Errorf("after a probe: %s, %+v", v.Status.State, v.Incidents)
	}
	b.party.denied["public.b"] = false
	if v, _ = b.Probe(t.Context(), ada, v.Integration.ID); len(v.Incidents) != 0 || v.Status.State != CatchingUp {
		t.Errorf("after the grant: %s, %+v", v.Status.State, v.Incidents)
	}
}

func TestRefusedLoginIsNotRetriedInALoop(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := b.connected(t)
	probes := 0
	b.party.password = "changed"
	for day := 0; day < 10; {
		v, err := b.Probe(t.Context(), ada, v.Integration.ID)
		if err != nil {
			t.Fatal(err)
		}
		probes++
		next := v.Integration.NextProbe
		if next.IsZero() {
			break
		}
		if wait := next.Sub(b.clock); probes == 1 && wait > time.Minute {
			t.Errorf("the confirming attempt comes after %s", wait)
		} else if probes > 1 && wait < time.Hour {
			t.Errorf("attempt %d comes after %s", probes+1, wait)
		}
		b.clock = next
	}
	if probes > 26 {
		t.Errorf("%d attempts", probes)
	}
}

func TestSameIncidentGrows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := b.connected(t)
	began := b.clock
	for range 3 {
		if _, err := b.Failed(t.Context(), v.Integration.ID, "", fault(connector.Outage, connector.StepReach)); err != nil {
			t.Fatal(err)
		}
		b.clock = b.clock.Add(time.Minute)
	}
	i, err := b.Failed(t.Context(), v.Integration.ID, "", fault(connector.AccessChanged, connector.StepSignIn))
	if err != nil {
		t.Fatal(err)
	}
	v, _ = b.Show(t.Context(), v.Integration.ID)
	if len(v.Incidents) != 1 || !i.Opened.Equal(began) || v.Incidents[0].Cause != connector.AccessChanged {
		t.Errorf("open incidents %+v; broken since %s, want %s", v.Incidents, i.Opened, began)
	}
}

func TestCancelledIsNoFailure(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := b.connected(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Failed(ctx, v.Integration.ID, "", context.Canceled); err != nil {
		t.Fatal(err)
	}
	if v, _ = b.Show(t.Context(), v.Integration.ID); len(v.Incidents) != 0 {
		t.Errorf("incidents %+v", v.Incidents)
	}
}

func TestHealsAndCatchesUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := b.connected(t)
	id := v.Integration.ID
	if _, err := b.Failed(t.Context(), id, "", fault(connector.AccessChanged, connector.StepSignIn)); err != nil {
		t.Fatal(err)
	}
	if done, err := b.Authorize(t.Context(), ada, id, withPassword("right"), nil); err != nil || !done.Swapped {
		t.Fatalf("swapped %v, error %v", done.Swapped, err)
	}
	v, _ = b.Show(t.Context(), id)
	if v.Status.State != CatchingUp || len(v.Gaps) != 3 || v.Gaps[0].To.IsZero() {
		t.Fatalf("after the swap: %s, gaps %+v", v.Status.State, v.Gaps)
	}
	_, pull, err := b.PullStarted(t.Context(), id, ByRepair, "ada")
	if err != nil {
		t.Fatal(err)
	}
	receipts := v.Gaps
	for n := range receipts {
		receipts[n].Receipt = &Receipt{Pull: pull.ID, Rows: 5, SourceRows: 10, WarehouseRows: 10, Exact: true}
	}
	pull.Outcome, pull.Ended, pull.Rows = Succeeded, b.clock, 15
	if v, err = b.PullEnded(t.Context(), pull, nil, receipts); err != nil || v.Status.State != Healthy {
		t.Errorf("after the pull: %s, error %v", v.Status.State, err)
	}
}

func TestActionDue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.party.identity.Expiries = []connector.Expiry{{What: "the password of pull_ro", At: b.clock.Add(10 * 24 * time.Hour), Source: connector.PasswordValidity}}
	v := b.connected(t)
	if v.Status.State != ActionDue || v.Horizon == nil || v.Status.Actor != Somebody {
		t.Errorf("status %+v, horizon %v", v.Status, v.Horizon)
	}
	b.party.identity.Expiries[0].At = b.clock.Add(20 * 24 * time.Hour)
	if v, _ = b.Probe(t.Context(), ada, v.Integration.ID); v.Status.State != Healthy {
		t.Errorf("20 days ahead: %s", v.Status.State)
	}
}
