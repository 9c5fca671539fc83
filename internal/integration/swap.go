package integration

import (
	"context"
	"fmt"
	"slices"
)

// swap puts a proven authorization in force. The secrets are sealed durably
// first; the one write that names their version is the swap itself, so that a
// crash at any point leaves either the old or the new authorization whole.
func (s *Service) swap(ctx context.Context, a attempt, p proof) error {
	began, candidate, id := a.record, a.candidate, a.record.Integration.ID
	version, err := s.vault.Seal(ctx, id, a.secrets)
	if err != nil {
		return fmt.Errorf("sealing the new credential: %w", err)
	}
	candidate.Version, candidate.Identity = version, p.identity
	candidate.Granted, candidate.By, candidate.Verified = s.now(), a.who.Name, s.now()
	candidate.Settings = s.withoutOnce(began.Integration.Connector, candidate)
	if len(candidate.Identity.Trust) == 0 {
		candidate.Identity.Trust = began.Integration.Authorization.Identity.Trust
	}
	var stale []int64
	err = s.change(ctx, id, func(r Record) (*Change, error) {
		if r.Integration.Authorization.Version != began.Integration.Authorization.Version {
			return nil, fmt.Errorf("somebody else re-authorized it: %w", ErrConflict)
		}
		stale = staleVersions(r.Integration, version)
		return s.swapped(r, a, candidate, p), nil
	})
	if err != nil {
		return s.abandon(ctx, id, version, err)
	}
	s.destroy(ctx, id, stale)
	return s.jobs.Pull(ctx, id, ByRepair, a.who.Name)
}

// abandon destroys a sealed version that did not come into force.
func (s *Service) abandon(ctx context.Context, id string, version int64, err error) error {
	s.destroy(ctx, id, []int64{version})
	return err
}

// destroy is best effort: a version that nothing names is of no use to anyone
// but stays sealed, and the next swap tries again.
func (s *Service) destroy(ctx context.Context, id string, versions []int64) {
	if len(versions) == 0 {
		return
	}
	if err := s.vault.Destroy(ctx, id, versions...); err != nil {
		s.log.ErrorContext(ctx, "destroying replaced credentials", "integration_id", id, "error", err)
	}
}

// staleVersions are all below the new one except the one in force, which is
// kept for undo: the older previous, the draft, and leftovers of a crash.
func staleVersions(in Integration, next int64) []int64 {
	var stale []int64
	for v := next - 1; v >= 1 && v > next-16; v-- {
		if v != in.Authorization.Version {
			stale = append(stale, v)
		}
	}
	return stale
}

func (s *Service) withoutOnce(connectorID string, a Authorization) map[string]string {
	d, err := s.catalogue.Find(connectorID)
	if err != nil {
		return a.Settings
	}
	form, _ := d.Form(a.Form)
	settings := make(map[string]string, len(a.Settings))
	for name, value := range a.Settings {
		if f, ok := form.Field(name); !ok || !f.Once {
			settings[name] = value
		}
	}
	return settings
}

// swapped is the change that a swap writes, whole.
func (s *Service) swapped(r Record, a attempt, candidate Authorization, p proof) *Change {
	in := r.Integration
	first := !in.Finished()
	if !first {
		in.Previous = &Previous{Authorization: in.Authorization, Until: s.now().Add(undoFor)}
	}
	in.Authorization, in.Draft, in.Attempts = candidate, nil, 0
	in.NextPull, in.NextProbe = s.now(), s.now().Add(probeEvery)
	c := &Change{Integration: &in, Tables: mergeTables(r, p.tables, s.now())}
	switch {
	case first:
		enable(c.Tables, p.enabled, true)
		c.Events = append(c.Events, s.event(in.ID, EventConnected, a.who.Name,
			fmt.Sprintf("Connected to %s as %s. %s will be pulled.", p.identity.Account, p.identity.User, count(len(p.enabled), "table"))))
	case a.undo:
		c.Events = append(c.Events, s.event(in.ID, EventUndone, a.who.Name, "The earlier credential was proven again and is back in force."))
	default:
		enable(c.Tables, p.paused, false)
		c.Events = append(c.Events, s.event(in.ID, EventReauthorized, a.who.Name, "A new credential was proven and is in force. Nothing else was changed."))
	}
	s.closeIncidents(c, r.Incidents, Reauthorized, func(i Incident) bool {
		return i.Table == "" || slices.Contains(p.enabled, i.Table) || slices.Contains(p.paused, i.Table)
	})
	s.reachGaps(c, r.Gaps, func(g Gap) bool { return slices.Contains(p.enabled, g.Table) })
	return c
}

func enable(tables []Table, names []string, on bool) {
	for n := range tables {
		if slices.Contains(names, tables[n].Name) {
			tables[n].Enabled = on
		}
	}
}
