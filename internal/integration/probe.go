package integration

import (
	"context"
	"errors"

	"github.com/regrant/regrant/connector"
)

// Probe proves an integration on a fresh connection now: sign-in, account and
// privileges of every enabled table. It opens and closes incidents.
func (s *Service) Probe(ctx context.Context, who Person, idOrSlug string) (View, error) {
	if !who.Role.May(Standard) {
		return View{}, ErrForbidden
	}
	r, err := s.store.Record(ctx, idOrSlug)
	if err != nil {
		return View{}, err
	}
	if !r.Integration.Finished() {
		return s.view(r), nil
	}
	id := r.Integration.ID
	identity, tables, err := s.look(ctx, r.Integration, who)
	if ctx.Err() != nil {
		return View{}, ctx.Err()
	}
	if err != nil {
		if _, err := s.Failed(ctx, id, "", err); err != nil {
			return View{}, err
		}
		return s.Show(ctx, id)
	}
	if err := s.probed(ctx, id, identity, tables); err != nil {
		return View{}, err
	}
	return s.Show(ctx, id)
}

// look makes the checks of a probe.
func (s *Service) look(ctx context.Context, in Integration, who Person) (connector.Identity, []connector.Table, error) {
	source, err := s.sources.Open(ctx, in, who.Name, "probe")
	if err != nil {
		return connector.Identity{}, nil, err
	}
	defer func() { _ = source.Close() }()
	identity, err := source.Check(ctx)
	if err != nil {
		return identity, nil, err
	}
	if fault := SameAccount(in.Authorization.Identity, identity); fault != nil {
		return identity, nil, fault
	}
	tables, err := source.Tables(ctx)
	return identity, tables, err
}

// SameAccount is the guard that every use of a credential passes: it returns
// a Fault when found is another account than known.
func SameAccount(known, found connector.Identity) *connector.Fault {
	if known.Fingerprint == "" || known.Fingerprint == found.Fingerprint {
		return nil
	}
	return &connector.Fault{
		Cause: connector.AccessChanged, Code: "account.different", Step: connector.StepAccount,
		Public: "This opens " + found.Account + ", but the integration reads " + known.Account + ". Its rows and positions belong to that account. " +
			"Enter a credential for it, or connect the other account as a new integration.",
		Facts: map[string]string{"expected": known.Fingerprint, "found": found.Fingerprint},
		Err:   errors.New("the account's fingerprint is another one"),
	}
}

// probed takes in a probe that signed in: what works is closed, a table that
// cannot be read gets its incident.
func (s *Service) probed(ctx context.Context, id string, identity connector.Identity, tables []connector.Table) error {
	faults := make(map[string]*connector.Fault)
	var was Record
	err := s.change(ctx, id, func(r Record) (*Change, error) {
		was = r
		in := r.Integration
		c := &Change{Integration: &in, Tables: mergeTables(r, tables, s.now())}
		clear(faults)
		for name, fault := range unreadable(r, tables) {
			faults[name] = fault
		}
		s.healed(c, r, identity, func(i Incident) bool {
			return provenByProbe(i) && (i.Table == "" || faults[i.Table] == nil)
		})
		return c, nil
	})
	if err != nil {
		return err
	}
	for _, name := range sortedNames(faults) {
		if _, err := s.Failed(ctx, id, name, faults[name]); err != nil {
			return err
		}
	}
	s.forgetPrevious(ctx, id)
	if wholeIncident(was.Incidents) != nil && !was.Integration.Paused {
		return s.jobs.Pull(ctx, id, ByRepair, "probe")
	}
	return nil
}

// provenByProbe says whether signing in again disproves the incident. What
// happened while rows were read, or before the source was asked at all (our
// disk), is disproved only by a pull.
func provenByProbe(i Incident) bool {
	if i.Cause == connector.Ours && i.Step == connector.StepForm {
		return i.Code == "credential.unreadable" || i.Code == "connector.missing"
	}
	return i.Step <= connector.StepPrivileges
}

// unreadable is the enabled tables that the catalogue says cannot be read.
func unreadable(r Record, tables []connector.Table) map[string]*connector.Fault {
	found := make(map[string]connector.Table, len(tables))
	for _, t := range tables {
		found[t.Name] = t
	}
	faults := make(map[string]*connector.Fault)
	for _, t := range r.Tables {
		if !t.Enabled || t.Replication.Method == connector.Paused {
			continue
		}
		if fault := missingPrivilege(found, t.Name); fault != nil {
			scoped := *fault
			scoped.Scope, scoped.Table = connector.OneTable, t.Name
			faults[t.Name] = &scoped
		}
	}
	return faults
}

// healed closes what a success disproves and plans the next probe and pull.
func (s *Service) healed(c *Change, r Record, identity connector.Identity, match func(Incident) bool) {
	in := c.Integration
	trust := in.Authorization.Identity.Trust
	in.Authorization.Identity, in.Authorization.Verified = identity, s.now()
	if len(identity.Trust) == 0 {
		in.Authorization.Identity.Trust = trust
	}
	in.Attempts, in.NextProbe = 0, s.now().Add(probeEvery)
	if in.NextPull.IsZero() && !in.Paused {
		in.NextPull = s.now()
	}
	s.closeIncidents(c, r.Incidents, Healed, match)
	broken := make(map[string]bool)
	for _, i := range r.Incidents {
		if !match(i) {
			broken[i.Table] = true
		}
	}
	s.reachGaps(c, r.Gaps, func(g Gap) bool { return !broken[g.Table] })
}

// Enroll takes in that a pull signed in: identity, trust and known expiries
// are stored, and an incident of the whole authorization is over.
func (s *Service) Enroll(ctx context.Context, id string, identity connector.Identity) error {
	return s.change(ctx, id, func(r Record) (*Change, error) {
		in := r.Integration
		c := &Change{Integration: &in}
		s.healed(c, r, identity, func(i Incident) bool { return i.Table == "" && provenByProbe(i) && i.Step <= connector.StepAccount })
		return c, nil
	})
}

// forgetPrevious destroys a replaced credential when its day is over.
func (s *Service) forgetPrevious(ctx context.Context, id string) {
	var version int64
	err := s.change(ctx, id, func(r Record) (*Change, error) {
		in := r.Integration
		if in.Previous == nil || s.now().Before(in.Previous.Until) {
			return nil, nil
		}
		version = in.Previous.Authorization.Version
		in.Previous = nil
		return &Change{Integration: &in}, nil
	})
	if err == nil && version > 0 {
		s.destroy(ctx, id, []int64{version})
	}
}
