package store_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/store"
	"github.com/regrant/regrant/internal/store/sqlite"
)

func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"))
	ok(t, err)
	t.Cleanup(func() { _ = db.Close() })
	s := db.Store()
	store.PruneAlways(s, 20, 10)
	in := integration.Integration{ID: "i", Slug: "shop", Name: "Shop"}
	ok(t, s.Apply(t.Context(), &integration.Change{Integration: &in}))
	ok(t, s.Apply(t.Context(), &integration.Change{Events: []integration.Event{{ID: "first", Integration: "i", Kind: integration.EventCreated}}}))
	opened := integration.Incident{ID: "open", Integration: "i", Opened: time.Unix(1, 0)}
	ok(t, s.Apply(t.Context(), &integration.Change{Incidents: []integration.Incident{opened}}))

	for n := range 50 {
		ok(t, s.Apply(t.Context(), change(n)))
	}
	audit, err := s.Events(t.Context(), integration.Filter{Integration: "i", Audit: true})
	ok(t, err)
	timeline, err := s.Events(t.Context(), integration.Filter{Integration: "i"})
	ok(t, err)
	if len(timeline) != 20 || len(audit) != 40 || timeline[0].ID != "pulled49" || audit[0].ID != "opened49" {
		t.Errorf("%d events in the timeline, %d with the audit; the newest is %s", len(timeline), len(audit), timeline[0].ID)
	}
	pulls, err := s.Pulls(t.Context(), integration.Filter{Integration: "i"})
	ok(t, err)
	if len(pulls) != 11 || pulls[10].ID != "p0" { // the newest ten, and the last good one
		t.Errorf("%d pulls are kept, the oldest is %s", len(pulls), pulls[len(pulls)-1].ID)
	}
	incidents, err := s.Incidents(t.Context(), integration.Filter{Integration: "i"})
	ok(t, err)
	if len(incidents) != 21 || incidents[20].ID != "open" { // and the open one
		t.Errorf("%d incidents are kept, the oldest is %s", len(incidents), incidents[len(incidents)-1].ID)
	}
	r, err := s.Record(t.Context(), "i")
	ok(t, err)
	if r.LastPull.ID != "p49" || r.LastGood.ID != "p0" || len(r.Incidents) != 1 {
		t.Errorf("the record has last pull %s, last good pull %s, %d open incidents", r.LastPull.ID, r.LastGood.ID, len(r.Incidents))
	}
}

// change is one of many pulls, of which only the first is a good one.
func change(n int) *integration.Change {
	at := time.Unix(int64(1000+n), 0)
	outcome := integration.Failed
	if n == 0 {
		outcome = integration.Succeeded
	}
	return &integration.Change{
		Pull:      &integration.Pull{ID: fmt.Sprint("p", n), Integration: "i", Started: at, Outcome: outcome},
		Incidents: []integration.Incident{{ID: fmt.Sprint("n", n), Integration: "i", Opened: at, Closed: at}},
		Events: []integration.Event{
			{ID: fmt.Sprint("pulled", n), Integration: "i", At: at, Kind: integration.EventPull},
			{ID: fmt.Sprint("opened", n), Integration: "i", At: at, Kind: integration.EventSecretOpened},
		},
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
