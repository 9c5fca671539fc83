package storetest

import (
	"testing"
	"time"

	"github.com/regrant/regrant/internal/integration"
)

var history = []named{
	{"EventsFilter", eventsFilter},
	{"Limits", limits},
	{"OpenOnly", openOnly},
	{"LastGoodPull", lastGoodPull},
}

func eventsFilter(t *testing.T, b *bundle) {
	in, other := add(t, b, newIntegration("Shop")), add(t, b, newIntegration("Other"))
	opened := event(in, integration.EventSecretOpened, moment.Add(2*time.Second))
	pulled, probed := event(in, integration.EventPull, moment.Add(time.Second)), event(other, integration.EventProbe, moment)
	signed := event(integration.Integration{}, integration.EventSignedIn, moment.Add(3*time.Second))
	tie := event(in, integration.EventPaused, pulled.At) // stored later: newer
	apply(t, b, &integration.Change{Events: []integration.Event{opened, pulled, probed, signed, tie}})
	for name, one := range map[string]struct {
		filter integration.Filter
		want   []integration.Event
	}{
		"all":             {integration.Filter{}, []integration.Event{tie, pulled, probed}},
		"all, audit":      {integration.Filter{Audit: true}, []integration.Event{signed, opened, tie, pulled, probed}},
		"one":             {integration.Filter{Integration: in.ID}, []integration.Event{tie, pulled}},
		"one, audit":      {integration.Filter{Integration: in.ID, Audit: true}, []integration.Event{opened, tie, pulled}},
		"one, limited":    {integration.Filter{Integration: in.ID, Limit: 1}, []integration.Event{tie}},
		"of nobody":       {integration.Filter{Integration: "nobody"}, nil},
		"audit, limited":  {integration.Filter{Audit: true, Limit: 2}, []integration.Event{signed, opened}},
		"negative limit":  {integration.Filter{Integration: other.ID, Limit: -1}, []integration.Event{probed}},
		"quoted injected": {integration.Filter{Integration: `' OR '1'='1`}, nil},
	} {
		got, err := b.Events(t.Context(), one.filter)
		ok(t, err)
		same(t, name, got, one.want)
	}
}

func limits(t *testing.T, b *bundle) {
	in := add(t, b, newIntegration("Shop"))
	var many []integration.Event
	for n := range 1100 {
		many = append(many, event(in, integration.EventPull, moment.Add(time.Duration(n)*time.Second)))
	}
	apply(t, b, &integration.Change{Events: many})
	for limit, want := range map[int]int{0: 100, 5: 5, 1000: 1000, 1_000_000: 1000} {
		got, err := b.Events(t.Context(), integration.Filter{Limit: limit})
		ok(t, err)
		same(t, "events", len(got), want)
		same(t, "the newest", got[0], many[1099])
	}
}

func openOnly(t *testing.T, b *bundle) {
	in := add(t, b, newIntegration("Shop"))
	open, closed := fullIncident(in, moment), fullIncident(in, moment.Add(time.Hour))
	closed.Closed, closed.Resolution = moment.Add(2*time.Hour), integration.Withdrawn
	openGap, closedGap := fullGap(in), fullGap(in)
	closedGap.Closed = moment
	apply(t, b, &integration.Change{Incidents: []integration.Incident{open, closed}, Gaps: []integration.Gap{openGap, closedGap}})
	running := fullPull(in, moment, integration.Running)
	running.Ended = time.Time{}
	done := fullPull(in, moment.Add(time.Hour), integration.Succeeded)
	apply(t, b, &integration.Change{Pull: &running})
	apply(t, b, &integration.Change{Pull: &done})

	all, only := integration.Filter{Integration: in.ID}, integration.Filter{OpenOnly: true}
	incidents, err := b.Incidents(t.Context(), all)
	ok(t, err)
	same(t, "incidents", incidents, []integration.Incident{closed, open})
	incidents, err = b.Incidents(t.Context(), only)
	ok(t, err)
	same(t, "open incidents", incidents, []integration.Incident{open})
	gaps, err := b.Gaps(t.Context(), all)
	ok(t, err)
	same(t, "gaps", gaps, []integration.Gap{closedGap, openGap})
	gaps, err = b.Gaps(t.Context(), only)
	ok(t, err)
	same(t, "open gaps", gaps, []integration.Gap{openGap})
	pulls, err := b.Pulls(t.Context(), all)
	ok(t, err)
	same(t, "pulls", pulls, []integration.Pull{done, running})
	pulls, err = b.Pulls(t.Context(), only)
	ok(t, err)
	same(t, "running pulls", pulls, []integration.Pull{running})
}

func lastGoodPull(t *testing.T, b *bundle) {
	in := add(t, b, newIntegration("Shop"))
	for _, one := range []struct {
		outcome integration.Outcome
		good    bool
	}{
		{integration.Failed, false}, {integration.Succeeded, true}, {integration.Interrupted, false},
		{integration.Partly, true}, {integration.Failed, false}, {integration.Running, false},
	} {
		good := record(t, b, in.ID).LastGood
		moment := moment.Add(time.Since(moment)) // later than the one before
		p := fullPull(in, moment.Truncate(time.Microsecond), one.outcome)
		if one.good {
			good = &p
		}
		apply(t, b, &integration.Change{Pull: &p})
		got := record(t, b, in.ID)
		same(t, "last pull", got.LastPull, &p)
		same(t, "last good pull", got.LastGood, good)
	}
}
