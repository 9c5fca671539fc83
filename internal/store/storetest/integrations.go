package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regrant/regrant/internal/integration"
)

var integrations = []named{
	{"FullValuesComeBack", fullValuesComeBack},
	{"RestartKeepsEverything", restartKeepsEverything},
	{"RevisionConflict", revisionConflict},
	{"SlugIsTaken", slugIsTaken},
	{"AllOrNothing", allOrNothing},
	{"PartsAreReplacedByID", partsAreReplaced},
	{"MissingIntegration", missingIntegration},
	{"RemoveTakesEverythingButTheAudit", removeTakesEverything},
	{"ParallelApply", parallelApply},
	{"RecordsByName", recordsByName},
	{"RecordsSeeEveryChange", recordsSeeEveryChange},
	{"Due", due},
	{"CancelledContext", cancelledContext},
}

func fullChange(in *integration.Integration) *integration.Change {
	pull := fullPull(*in, moment, integration.Partly)
	return &integration.Change{
		Integration: in,
		Tables:      []integration.Table{fullTable(*in, "public.b"), fullTable(*in, "public.a")},
		Incidents:   []integration.Incident{fullIncident(*in, moment.Add(time.Hour)), fullIncident(*in, moment)},
		Gaps:        []integration.Gap{fullGap(*in), fullGap(*in)},
		Pull:        &pull,
		Events:      []integration.Event{event(*in, integration.EventCreated, moment)},
	}
}

func wantRecord(c *integration.Change) integration.Record {
	return integration.Record{
		Integration: *c.Integration,
		Tables:      []integration.Table{c.Tables[1], c.Tables[0]},          // by name
		Incidents:   []integration.Incident{c.Incidents[1], c.Incidents[0]}, // oldest first
		Gaps:        c.Gaps, LastPull: c.Pull, LastGood: c.Pull,
	}
}

func fullValuesComeBack(t *testing.T, b *bundle) {
	in := full("Shop")
	c := fullChange(&in)
	apply(t, b, c)
	if in.Revision != 1 {
		t.Errorf("the revision in place is %d, want 1", in.Revision)
	}
	same(t, "record by ID", record(t, b, in.ID), wantRecord(c))
	same(t, "record by slug", record(t, b, in.Slug), wantRecord(c))
	all, err := b.Records(t.Context())
	ok(t, err)
	same(t, "all records", all, []integration.Record{wantRecord(c)})
	events, err := b.Events(t.Context(), integration.Filter{Integration: in.ID})
	ok(t, err)
	same(t, "events", events, c.Events)
}

func restartKeepsEverything(t *testing.T, b *bundle) {
	in := full("Shop")
	c := fullChange(&in)
	apply(t, b, c)
	b.restart(t)
	same(t, "record after restart", record(t, b, in.ID), wantRecord(c))
}

func revisionConflict(t *testing.T, b *bundle) {
	in := add(t, b, newIntegration("Shop"))
	older := in
	in.Name = "Shop 2"
	apply(t, b, &integration.Change{Integration: &in})
	older.Name = "Shop 3"
	wantError(t, "an older revision", b.Apply(t.Context(), &integration.Change{Integration: &older}), integration.ErrConflict)
	if older.Revision != 1 {
		t.Errorf("a refused change advanced the revision to %d", older.Revision)
	}
	again := newIntegration("Other")
	again.ID = in.ID
	wantError(t, "an ID twice", b.Apply(t.Context(), &integration.Change{Integration: &again}), integration.ErrConflict)
	gone := newIntegration("Gone")
	gone.Revision = 4
	wantError(t, "a removed one", b.Apply(t.Context(), &integration.Change{Integration: &gone}), integration.ErrConflict)
	if got := record(t, b, in.ID).Integration; got.Name != "Shop 2" || got.Revision != 2 {
		t.Errorf("stored is %q of revision %d", got.Name, got.Revision)
	}
}

func slugIsTaken(t *testing.T, b *bundle) {
	first, second := add(t, b, newIntegration("Shop")), newIntegration("Shop")
	second.Slug = first.Slug
	wantError(t, "insert with a taken slug", b.Apply(t.Context(), &integration.Change{Integration: &second}), integration.ErrTaken)
	second.Slug = "free"
	second = add(t, b, second)
	second.Slug = first.Slug
	wantError(t, "update to a taken slug", b.Apply(t.Context(), &integration.Change{Integration: &second}), integration.ErrTaken)
	first.Name = "renamed" // keeps its slug
	apply(t, b, &integration.Change{Integration: &first})
}

func allOrNothing(t *testing.T, b *bundle) {
	in := full("Shop")
	c := fullChange(&in)
	apply(t, b, c)
	before := record(t, b, in.ID)
	bad := func(change func(*integration.Change)) {
		t.Helper()
		changed := in
		changed.Name = "changed"
		c := fullChange(&changed)
		change(c)
		if err := b.Apply(t.Context(), c); err == nil {
			t.Fatal("a change with a bad part was taken")
		}
		same(t, "record after a refused change", record(t, b, in.ID), before)
	}
	bad(func(c *integration.Change) { c.Tables[1].Integration = "nobody" })
	bad(func(c *integration.Change) { c.Incidents[1].Integration = "nobody" })
	bad(func(c *integration.Change) { c.Gaps[1].Integration = "nobody" })
	bad(func(c *integration.Change) { c.Pull.Integration = "nobody" })
	bad(func(c *integration.Change) { c.Events = append(c.Events, integration.Event{Integration: in.ID}) }) // no ID
	events, err := b.Events(t.Context(), integration.Filter{Integration: in.ID})
	ok(t, err)
	same(t, "events after refused changes", len(events), 1)
}

func partsAreReplaced(t *testing.T, b *bundle) {
	in := full("Shop")
	c := fullChange(&in)
	apply(t, b, c)
	c.Integration = nil
	c.Tables[0].Enabled, c.Tables[0].Columns = false, nil
	c.Incidents[0].Closed, c.Incidents[0].Resolution = moment.Add(2*time.Hour), integration.Healed
	c.Gaps[0].Closed = moment.Add(2 * time.Hour)
	c.Pull.Outcome, c.Pull.Rows = integration.Failed, 99
	apply(t, b, c)
	got := record(t, b, in.ID)
	same(t, "tables", got.Tables, []integration.Table{c.Tables[1], c.Tables[0]})
	same(t, "open incidents", got.Incidents, c.Incidents[1:])
	same(t, "open gaps", got.Gaps, c.Gaps[1:])
	same(t, "last pull", got.LastPull, c.Pull)
	if got.LastGood != nil {
		t.Error("a pull that turned out to have failed is still the last good one")
	}
	all, err := b.Incidents(t.Context(), integration.Filter{Integration: in.ID})
	ok(t, err)
	same(t, "all incidents", all, []integration.Incident{c.Incidents[0], c.Incidents[1]})
}

func missingIntegration(t *testing.T, b *bundle) {
	_, err := b.Record(t.Context(), "nobody")
	wantError(t, "record", err, integration.ErrNotFound)
	wantError(t, "remove", b.Apply(t.Context(), &integration.Change{Remove: "nobody"}), integration.ErrNotFound)
	table := fullTable(integration.Integration{ID: "nobody"}, "a")
	wantError(t, "a part", b.Apply(t.Context(), &integration.Change{Tables: []integration.Table{table}}), integration.ErrNotFound)
}

func removeTakesEverything(t *testing.T, b *bundle) {
	in, other := full("Shop"), full("Other")
	apply(t, b, fullChange(&in))
	kept := fullChange(&other)
	apply(t, b, kept)
	seal(t, b, in.ID, "secret")
	apply(t, b, &integration.Change{Events: []integration.Event{
		event(in, integration.EventPull, moment), event(in, integration.EventSecretOpened, moment.Add(time.Second)),
	}})
	apply(t, b, &integration.Change{Remove: in.ID, Events: []integration.Event{event(in, integration.EventRemoved, moment.Add(time.Minute))}})

	_, err := b.Record(t.Context(), in.ID)
	wantError(t, "record", err, integration.ErrNotFound)
	of := integration.Filter{Integration: in.ID, Audit: true}
	incidents, err := b.Incidents(t.Context(), of)
	ok(t, err)
	gaps, err := b.Gaps(t.Context(), of)
	ok(t, err)
	pulls, err := b.Pulls(t.Context(), of)
	ok(t, err)
	same(t, "what is left", len(incidents)+len(gaps)+len(pulls), 0)
	events, err := b.Events(t.Context(), of)
	ok(t, err)
	same(t, "the audit", kinds(events), []integration.EventKind{integration.EventRemoved, integration.EventSecretOpened, integration.EventCreated})
	_, err = b.TakeSealed(t.Context(), in.ID, 1, event(in, integration.EventSecretOpened, moment))
	wantError(t, "the credential", err, integration.ErrNotFound)
	same(t, "the other one", record(t, b, other.ID), wantRecord(kept))
}

func kinds(events []integration.Event) []integration.EventKind {
	var all []integration.EventKind
	for _, e := range events {
		all = append(all, e.Kind)
	}
	return all
}

func parallelApply(t *testing.T, b *bundle) {
	in := add(t, b, newIntegration("Shop"))
	const callers, each = 16, 10
	var all sync.WaitGroup
	var conflicts atomic.Int64
	for n := range callers {
		all.Go(func() {
			for range each {
				for !count(t, b, in.ID, n) {
					conflicts.Add(1)
				}
			}
		})
	}
	all.Wait()
	got := record(t, b, in.ID)
	if got.Integration.Attempts != callers*each || got.Integration.Revision != 1+callers*each {
		t.Errorf("%d changes made %d attempts of revision %d", callers*each, got.Integration.Attempts, got.Integration.Revision)
	}
	if len(got.Tables) != callers {
		t.Errorf("%d tables, want %d", len(got.Tables), callers)
	}
	t.Logf("%d changes met %d conflicts", callers*each, conflicts.Load())
}

// count adds one to the attempts, and says whether nobody else was faster.
func count(t *testing.T, b *bundle, id string, n int) bool {
	r, err := b.Record(t.Context(), id)
	if err != nil {
		t.Error(err)
		return true
	}
	r.Integration.Attempts++
	err = b.Apply(t.Context(), &integration.Change{
		Integration: &r.Integration,
		Tables:      []integration.Table{fullTable(r.Integration, fmt.Sprint("t", n))},
		Events:      []integration.Event{event(r.Integration, integration.EventSettings, moment)},
	})
	if err != nil && !errors.Is(err, integration.ErrConflict) {
		t.Error(err)
		return true
	}
	return err == nil
}

func recordsByName(t *testing.T, b *bundle) {
	for _, name := range []string{"b", "A", "c", "a"} {
		add(t, b, newIntegration(name))
	}
	all, err := b.Records(t.Context())
	ok(t, err)
	var names string
	for _, r := range all {
		names += r.Integration.Name
	}
	if names != "Aabc" && names != "aAbc" {
		t.Errorf("the order is %q", names)
	}
}

// recordsSeeEveryChange holds what may be cached against what is stored.
func recordsSeeEveryChange(t *testing.T, b *bundle) {
	in := add(t, b, newIntegration("Shop"))
	incident, gap := fullIncident(in, moment), fullGap(in)
	running := fullPull(in, moment, integration.Running)
	changes := []*integration.Change{
		{Tables: []integration.Table{fullTable(in, "a")}},
		{Incidents: []integration.Incident{incident}},
		{Gaps: []integration.Gap{gap}},
		{Pull: &running},
		{Events: []integration.Event{event(in, integration.EventPull, moment)}},
	}
	for n, c := range changes {
		apply(t, b, c)
		all, err := b.Records(t.Context())
		ok(t, err)
		same(t, fmt.Sprint("all records after change ", n), all, []integration.Record{record(t, b, in.ID)})
	}
	for range 60 { // more than are loaded one by one
		add(t, b, full("Many"))
	}
	all, err := b.Records(t.Context())
	ok(t, err)
	for _, r := range all {
		same(t, "one of many", r, record(t, b, r.Integration.ID))
	}
	apply(t, b, &integration.Change{Remove: in.ID})
	all, err = b.Records(t.Context())
	ok(t, err)
	same(t, "records after a removal", len(all), 60)
}

func due(t *testing.T, b *bundle) {
	pull, probe, never := newIntegration("pull"), newIntegration("probe"), newIntegration("never")
	pull.NextPull, pull.NextProbe = moment, moment.Add(time.Microsecond)
	probe.NextPull, probe.NextProbe = moment.Add(time.Hour), moment.Add(-time.Hour)
	pull, probe, never = add(t, b, pull), add(t, b, probe), add(t, b, never)
	pulls, probes, err := b.Due(t.Context(), moment)
	ok(t, err)
	same(t, "due pulls", pulls, []string{pull.ID})
	same(t, "due probes", probes, []string{probe.ID})
	pull.NextPull = time.Time{}
	apply(t, b, &integration.Change{Integration: &pull})
	pulls, _, err = b.Due(t.Context(), moment.Add(time.Minute))
	ok(t, err)
	same(t, "due pulls", len(pulls), 0)
}

func cancelledContext(t *testing.T, b *bundle) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	in := newIntegration("Shop")
	wantError(t, "apply", b.Apply(ctx, &integration.Change{Integration: &in}), context.Canceled)
	_, err := b.Record(ctx, in.ID)
	wantError(t, "record", err, context.Canceled)
	_, err = b.Records(ctx)
	wantError(t, "all records", err, context.Canceled)
	_, err = b.Record(t.Context(), in.ID)
	wantError(t, "record of a cancelled change", err, integration.ErrNotFound)
	in = add(t, b, in) // the connections are still good
	all, err := b.Records(t.Context())
	ok(t, err)
	same(t, "records", len(all), 1)
}
