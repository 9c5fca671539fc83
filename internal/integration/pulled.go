package integration

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/regrant/regrant/connector"
)

// PullStarted stores that a pull begins. A pull left running by a process
// that died is marked as interrupted. It refuses what must not be pulled.
func (s *Service) PullStarted(ctx context.Context, id string, trigger Trigger, by string) (Record, Pull, error) {
	r, err := s.store.Record(ctx, id)
	if err != nil {
		return r, Pull{}, err
	}
	if !r.Integration.Finished() || r.Integration.Paused {
		return r, Pull{}, fmt.Errorf("%s is paused or not finished: %w", r.Integration.Slug, ErrNotFound)
	}
	if last := r.LastPull; last != nil && last.Outcome == Running {
		dead := *last
		dead.Outcome, dead.Ended = Interrupted, s.now()
		if err := s.apply(ctx, &Change{Pull: &dead}); err != nil {
			return r, Pull{}, err
		}
	}
	pull := Pull{ID: newID(), Integration: id, Trigger: trigger, By: by, Started: s.now(), Outcome: Running}
	return r, pull, s.apply(ctx, &Change{Pull: &pull})
}

// TableRead stores that a table was read to its end and closes its incident.
func (s *Service) TableRead(ctx context.Context, id string, table Table, result TableResult) error {
	return s.change(ctx, id, func(r Record) (*Change, error) {
		t, ok := r.Table(table.Name)
		if !ok {
			return nil, nil // removed meanwhile
		}
		t.LastRead, t.LastRows = s.now(), result.Rows
		if result.Rows > 0 {
			t.LastPoint = t.LastRead
		}
		if result.Confirmed {
			t.AllowEmpty = false // a confirmation holds for one update
		}
		if !t.ByPerson && table.Replication.Method != "" {
			t.Replication = table.Replication // its column may have gone
		}
		t.Rechecks = passedRechecks(t.Rechecks, table.Rechecks)
		c := &Change{Tables: []Table{t}}
		s.closeIncidents(c, r.Incidents, Healed, func(i Incident) bool { return i.Table == t.Name })
		s.reachGaps(c, r.Gaps, func(g Gap) bool { return g.Table == t.Name })
		return c, nil
	})
}

// passedRechecks takes over when each was last made; what a person changed
// meanwhile stays, and one that is due once is over.
func passedRechecks(current, made map[string]Recheck) map[string]Recheck {
	out := maps.Clone(current)
	for column, m := range made {
		c, ok := out[column]
		if !ok || !m.Last.After(c.Last) {
			continue
		}
		if c.Every == Once {
			delete(out, column)
			continue
		}
		c.Last = m.Last
		out[column] = c
	}
	return out
}

// PullEnded stores how a pull ended, what the source lists now (nil: it was
// not listed) and the receipts of gaps that it filled, and plans the next.
func (s *Service) PullEnded(ctx context.Context, pull Pull, tables []connector.Table, receipts []Gap) (View, error) {
	err := s.change(ctx, pull.Integration, func(r Record) (*Change, error) {
		in := r.Integration
		c := &Change{Integration: &in, Pull: &pull}
		if tables != nil {
			c.Tables = mergeTables(r, tables, s.now())
		}
		s.fillGaps(c, r, receipts)
		broken := wholeIncident(r.Incidents) != nil
		if pull.Outcome == Succeeded || pull.Outcome == Partly {
			// Rows arrived: whatever stopped everything before is over.
			s.closeIncidents(c, r.Incidents, Healed, func(i Incident) bool { return i.Table == "" })
			broken = false
		}
		switch {
		case in.Paused || broken: // the incident has planned what comes next
		case pull.Outcome == Interrupted || askedMeanwhile(in, pull, s.now()):
			in.NextPull = s.now()
		default:
			in.NextPull, in.Attempts = onTime(in, pull.Started, s.now()), 0
		}
		if pull.Rows > 0 || pull.Outcome != Succeeded || pull.Trigger != ByPlan {
			c.Events = append(c.Events, s.pullEvent(pull))
		}
		return c, nil
	})
	if err != nil {
		return View{}, err
	}
	return s.Show(ctx, pull.Integration)
}

// askedMeanwhile says whether an update was asked for while the pull ran.
func askedMeanwhile(in Integration, pull Pull, now time.Time) bool {
	return in.NextPull.After(pull.Started) && !in.NextPull.After(now)
}

func (s *Service) fillGaps(c *Change, r Record, receipts []Gap) {
	for _, filled := range receipts {
		n := slices.IndexFunc(r.Gaps, func(g Gap) bool { return g.ID == filled.ID })
		if n < 0 || filled.Receipt == nil {
			continue
		}
		g := r.Gaps[n]
		g.Receipt, g.Closed = filled.Receipt, s.now()
		if g.To.IsZero() {
			g.To = s.now()
		}
		c.Gaps = append(c.Gaps, g)
		text := fmt.Sprintf("%s is complete again: %d rows were read", g.Table, g.Receipt.Rows)
		if g.Receipt.SourceRows >= 0 {
			text += fmt.Sprintf(", source %d, warehouse %d", g.Receipt.SourceRows, g.Receipt.WarehouseRows)
		}
		event := s.event(r.Integration.ID, EventGapClosed, "pull", text+".")
		event.Facts = map[string]string{"gap": g.ID, "table": g.Table}
		c.Events = append(c.Events, event)
	}
}

func (s *Service) pullEvent(p Pull) Event {
	words := map[Outcome]string{Succeeded: "was pulled", Partly: "was pulled in part", Failed: "could not be pulled", Interrupted: "was interrupted and goes on"}
	e := s.event(p.Integration, EventPull, string(p.Trigger), fmt.Sprintf("It %s: %d rows.", words[p.Outcome], p.Rows))
	e.Facts = map[string]string{"pull": p.ID, "by": p.By}
	return e
}

// DueNow lists integrations whose pull or probe is due.
func (s *Service) DueNow(ctx context.Context) (pulls, probes []string, err error) {
	return s.store.Due(ctx, s.now())
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
