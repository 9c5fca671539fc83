package integration

import (
	"fmt"
	"time"

	"github.com/regrant/regrant/connector"
)

// State is what an integration is in: exactly one at a time.
type State string

// The states, in the order in which they are looked for.
const (
	Retired            State = "retired"
	NotFinished        State = "not_finished"
	StatePaused        State = "paused"
	OurFault           State = "our_fault"
	NeedsReauthorizing State = "needs_reauthorization"
	NeedsConfiguration State = "needs_configuration"
	WaitingForProvider State = "waiting"
	ThrottledUntil     State = "throttled"
	StateUnknown       State = "unknown"
	Degraded           State = "degraded"
	InBlackout         State = "blackout"
	CatchingUp         State = "catching_up"
	Checking           State = "checking"
	ActionDue          State = "action_due"
	Healthy            State = "healthy"
)

// HorizonNotice is how long before a known expiry a person is asked to act.
const HorizonNotice = 14 * 24 * time.Hour

// Status is what a person sees of an integration. It is derived, never stored.
type Status struct {
	State    State
	Word     string // "Needs re-authorization"
	Since    time.Time
	Until    time.Time // of throttled, action due; zero: not known
	Actor    Actor
	Next     string    // the next step, in words
	Incident *Incident // the one that decides; nil when nothing is wrong
	Running  bool      // a pull is under way; shown beside the state
	Readable int       // enabled tables without an open incident
	Enabled  int
}

// Problem says whether clicking the name should begin a re-authorization.
func (s Status) Problem() bool {
	switch s.State {
	case NeedsReauthorizing, NeedsConfiguration, NotFinished, ActionDue, Degraded:
		return true
	default:
		return false
	}
}

// Derive is the one definition of every state.
func Derive(r Record, retired string, now time.Time) Status {
	s := Status{Actor: Nobody, Running: r.LastPull != nil && r.LastPull.Outcome == Running}
	s.countTables(r)
	switch whole := wholeIncident(r.Incidents); {
	case retired != "":
		s.State, s.Word, s.Next = Retired, "Retired by the provider", retired
	case !r.Integration.Finished():
		s.State, s.Word, s.Next = NotFinished, "Not finished", "Finish connecting: fill the form and press Save & Test."
		s.Actor, s.Since = WhoeverTyped, r.Integration.Created
	case r.Integration.Paused:
		s.State, s.Word, s.Next = StatePaused, "Paused", "Resume it when rows should be pulled again."
	case whole != nil:
		s.ofIncident(*whole)
	case len(r.Incidents) > 0:
		s.degraded(r.Incidents)
	case len(r.Gaps) > 0 || r.LastGood == nil:
		s.State, s.Word, s.Next = CatchingUp, "Catching up", "Nothing to do: rows are being pulled."
		if len(r.Gaps) > 0 {
			s.Since = r.Gaps[0].From
		}
	case neverVerified(r):
		s.State, s.Word, s.Next = Checking, "Checking", "Nothing to do: the next probe decides."
	default:
		s.healthy(r, now)
	}
	return s
}

func (s *Status) countTables(r Record) {
	broken := make(map[string]bool, len(r.Incidents))
	whole := false
	for _, i := range r.Incidents {
		broken[i.Table] = true
		whole = whole || i.Table == ""
	}
	for _, t := range r.Tables {
		if !t.Enabled {
			continue
		}
		s.Enabled++
		if !whole && !broken[t.Name] && !t.Gone {
			s.Readable++
		}
	}
}

// wholeIncident is the open incident of the whole authorization that decides:
// ours before the person's, the person's before waiting.
func wholeIncident(open []Incident) *Incident {
	rank := map[connector.Cause]int{
		connector.Ours: 0, connector.Expired: 1, connector.AccessChanged: 1, connector.Invalid: 1,
		connector.Outage: 2, connector.Throttled: 3, connector.Unknown: 4,
	}
	var best *Incident
	for n := range open {
		if open[n].Table != "" {
			continue
		}
		if best == nil || rank[open[n].Cause] < rank[best.Cause] {
			best = &open[n]
		}
	}
	return best
}

func (s *Status) ofIncident(i Incident) {
	s.Incident, s.Since, s.Actor, s.Until = &i, i.Opened, i.Actor(), i.RetryAt
	switch i.Cause {
	case connector.Ours:
		s.State, s.Word = OurFault, "Our fault"
		s.Next = "The operator of this installation must act; nobody has to re-authorize."
	case connector.Outage:
		s.State, s.Word = WaitingForProvider, "Waiting for the provider"
		s.Next = "Nothing to do: it is tried again by itself."
	case connector.Throttled:
		s.State, s.Word = ThrottledUntil, "Throttled"
		s.Next = "Nothing to do: it goes on by itself."
	case connector.Expired, connector.AccessChanged:
		s.State, s.Word, s.Next = NeedsReauthorizing, "Needs re-authorization", "Re-authorize it: click the name."
	case connector.Invalid:
		s.State, s.Word, s.Next = NeedsConfiguration, "Needs configuration", "Correct what was entered: click the name."
	default:
		s.State, s.Word = StateUnknown, "Unknown"
		s.Next = "The operator should look at the evidence; it was never seen before."
	}
}

func (s *Status) degraded(open []Incident) {
	s.State, s.Word = Degraded, "Degraded"
	s.Incident, s.Since, s.Actor = &open[0], open[0].Opened, open[0].Actor()
	for n := range open { // a person's task before one that passes by itself
		if open[n].Actor() == Somebody {
			s.Incident, s.Since, s.Actor = &open[n], open[n].Opened, Somebody
			break
		}
	}
	s.Next = fmt.Sprintf("%d of %d tables can be read; the others wait.", s.Readable, s.Enabled)
}

func (s *Status) healthy(r Record, now time.Time) {
	s.State, s.Word, s.Since = Healthy, "Healthy", r.Integration.Authorization.Verified
	if next := NextExpiry(r.Integration.Authorization.Identity.Expiries); next != nil && next.At.Sub(now) <= HorizonNotice {
		s.State, s.Word, s.Actor, s.Until = ActionDue, "Action due by "+next.At.UTC().Format("2 January 2006"), Somebody, next.At
		s.Next = "Re-authorize before then: " + next.What + " ends."
	}
}

func neverVerified(r Record) bool { return r.Integration.Authorization.Verified.IsZero() }

// NextExpiry is the earliest date on which a person will be needed, or nil.
func NextExpiry(all []connector.Expiry) *connector.Expiry {
	var next *connector.Expiry
	for n := range all {
		if next == nil || all[n].At.Before(next.At) {
			next = &all[n]
		}
	}
	return next
}
