package integration

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/regrant/regrant/connector"
)

// Pause stops pulling until Resume; nothing is forgotten.
func (s *Service) Pause(ctx context.Context, who Person, idOrSlug string) (View, error) {
	return s.changed(ctx, who, Standard, idOrSlug, func(r Record) (*Change, error) {
		in := r.Integration
		if in.Paused {
			return nil, nil
		}
		in.Paused, in.NextPull, in.NextProbe = true, time.Time{}, time.Time{}
		return &Change{Integration: &in, Events: []Event{s.event(in.ID, EventPaused, who.Name, "It was paused.")}}, nil
	})
}

// Resume ends a pause; the next pull goes on where the last one ended.
func (s *Service) Resume(ctx context.Context, who Person, idOrSlug string) (View, error) {
	return s.changed(ctx, who, Standard, idOrSlug, func(r Record) (*Change, error) {
		in := r.Integration
		if !in.Paused {
			return nil, nil
		}
		in.Paused, in.NextProbe = false, s.now()
		if in.Finished() && wholeIncident(r.Incidents) == nil {
			in.NextPull = s.now()
		}
		return &Change{Integration: &in, Events: []Event{s.event(in.ID, EventResumed, who.Name, "It was resumed.")}}, nil
	})
}

// Rename changes what people call it; its slug stays, so that queries and
// scripts go on working.
func (s *Service) Rename(ctx context.Context, who Person, idOrSlug, name string) (View, error) {
	name = strings.TrimSpace(name)
	if problem := checkName(name); problem != "" {
		return View{}, &FormError{map[string]string{"name": problem}}
	}
	return s.changed(ctx, who, Standard, idOrSlug, func(r Record) (*Change, error) {
		in := r.Integration
		text := fmt.Sprintf("It was renamed from %q to %q.", in.Name, name)
		in.Name = name
		return &Change{Integration: &in, Events: []Event{s.event(in.ID, EventSettings, who.Name, text)}}, nil
	})
}

// The bounds of SetEvery.
const (
	shortest = time.Minute
	longest  = 31 * 24 * time.Hour
)

// SetEvery changes the interval between updates.
func (s *Service) SetEvery(ctx context.Context, who Person, idOrSlug string, every time.Duration) (View, error) {
	if every < shortest || every > longest {
		return View{}, &FormError{map[string]string{"every": fmt.Sprintf("choose between %s and %s", shortest, longest)}}
	}
	return s.changed(ctx, who, Standard, idOrSlug, func(r Record) (*Change, error) {
		in := r.Integration
		in.Every = every
		if !in.NextPull.IsZero() && in.NextPull.After(s.now().Add(every)) {
			in.NextPull = s.now().Add(every)
		}
		return &Change{Integration: &in, Events: []Event{s.event(in.ID, EventSettings, who.Name, "It is updated every "+every.String()+" from now on.")}}, nil
	})
}

// Remove forgets an integration and destroys its credentials. Rows that were
// pulled stay in the warehouse.
func (s *Service) Remove(ctx context.Context, who Person, idOrSlug string) error {
	if !who.Role.May(Admin) {
		return ErrForbidden
	}
	r, err := s.store.Record(ctx, idOrSlug)
	if err != nil {
		return err
	}
	id := r.Integration.ID
	event := s.event("", EventRemoved, who.Name, r.Integration.Name+" was removed. Its rows stay in the warehouse.")
	event.Facts = map[string]string{"integration": id, "slug": r.Integration.Slug}
	if err := s.apply(ctx, &Change{Remove: id, Events: []Event{event}}); err != nil {
		return err
	}
	versions := staleVersions(Integration{}, max(r.Integration.Authorization.Version, draftVersion(r.Integration))+1)
	s.destroy(ctx, id, versions)
	return nil
}

func draftVersion(in Integration) int64 {
	if in.Draft == nil {
		return 0
	}
	return in.Draft.Version
}

// Update asks for a pull now. Asked while one runs, another follows it: rows
// that came after a table was read are wanted, too.
func (s *Service) Update(ctx context.Context, who Person, idOrSlug string) error {
	view, err := s.changed(ctx, who, Standard, idOrSlug, func(r Record) (*Change, error) {
		in := r.Integration
		switch {
		case !in.Finished():
			return nil, &FormError{map[string]string{"integration": "it was never connected; finish its form first"}}
		case in.Paused:
			return nil, &FormError{map[string]string{"integration": "it is paused; resume it first"}}
		}
		in.NextPull = s.now()
		return &Change{Integration: &in}, nil
	})
	if err != nil {
		return err
	}
	return s.jobs.Pull(ctx, view.Integration.ID, ByPerson, who.Name)
}

// Discover lists the tables afresh. New ones are offered, not enabled.
func (s *Service) Discover(ctx context.Context, who Person, idOrSlug string) (View, error) {
	return s.Probe(ctx, who, idOrSlug)
}

// TableChange is what a person changes of a table; nil parts stay.
type TableChange struct {
	Enabled    *bool
	Method     *connector.Method
	Column     *string // that the method follows
	Excluded   *[]string
	Rechecks   map[string]RecheckEvery // "" removes
	AllowEmpty *bool
}

// SetTable changes how a table is read.
func (s *Service) SetTable(ctx context.Context, who Person, idOrSlug, table string, change TableChange) (View, error) {
	return s.changed(ctx, who, Standard, idOrSlug, func(r Record) (*Change, error) {
		t, err := findTable(r, table)
		if err != nil {
			return nil, err
		}
		if err := change.apply(&t); err != nil {
			return nil, err
		}
		in := r.Integration
		c := &Change{Tables: []Table{t}, Events: []Event{s.event(in.ID, EventTables, who.Name, "The settings of "+t.Name+" were changed.")}}
		if !t.Enabled || t.Replication.Method == connector.Paused {
			s.closeIncidents(c, r.Incidents, Withdrawn, func(i Incident) bool { return i.Table == t.Name })
			s.withdrawGaps(c, r.Gaps, t.Name)
		}
		return c, nil
	})
}

// findTable takes the name at the source or in the warehouse.
func findTable(r Record, name string) (Table, error) {
	n := slices.IndexFunc(r.Tables, func(t Table) bool { return t.Name == name })
	if n < 0 {
		n = slices.IndexFunc(r.Tables, func(t Table) bool { return t.Target == name })
	}
	if n < 0 {
		return Table{}, fmt.Errorf("table %q: %w", name, ErrNotFound)
	}
	return r.Tables[n], nil
}

func (s *Service) withdrawGaps(c *Change, open []Gap, table string) {
	for _, g := range open {
		if g.Table == table {
			g.Closed = s.now()
			g.Receipt = &Receipt{SourceRows: -1, WarehouseRows: -1, At: s.now(), Note: "The table is not pulled any more; what was missing was not read."}
			c.Gaps = append(c.Gaps, g)
		}
	}
}

func (c TableChange) apply(t *Table) error {
	if c.Enabled != nil {
		t.Enabled = *c.Enabled
	}
	if c.AllowEmpty != nil {
		t.AllowEmpty = *c.AllowEmpty
	}
	if err := c.applyMethod(t); err != nil {
		return err
	}
	if c.Excluded != nil {
		for _, column := range *c.Excluded {
			if !t.has(column) {
				return &FormError{map[string]string{"excluded": fmt.Sprintf("%s has no column %q", t.Name, column)}}
			}
			if slices.Contains(t.Key, column) {
				return &FormError{map[string]string{"excluded": column + " is part of the key and must be read"}}
			}
		}
		t.Excluded = *c.Excluded
	}
	return c.applyRechecks(t)
}

// applyMethod takes only what the source offers.
func (c TableChange) applyMethod(t *Table) error {
	if c.Method == nil && c.Column == nil {
		return nil
	}
	method, column := t.Replication.Method, ""
	if c.Method != nil {
		method = *c.Method
	}
	if c.Column != nil {
		column = *c.Column
	}
	if method == connector.Paused {
		t.Replication, t.ByPerson = connector.Replication{Method: connector.Paused, Reason: "chosen by a person"}, true
		return nil
	}
	var offered []string
	for _, o := range t.Offers {
		if o.Method == method && (column == "" || o.Column == column) {
			t.Replication, t.ByPerson = o, true
			return nil
		}
		offered = append(offered, strings.TrimSuffix(string(o.Method)+" "+o.Column, " "))
	}
	return &FormError{map[string]string{"method": fmt.Sprintf("%s does not offer that; choose one of: %s", t.Name, strings.Join(offered, ", "))}}
}

func (c TableChange) applyRechecks(t *Table) error {
	rechecks := maps.Clone(t.Rechecks)
	if rechecks == nil {
		rechecks = make(map[string]Recheck)
	}
	for column, every := range c.Rechecks {
		switch every {
		case "":
			delete(rechecks, column)
		case Always, Daily, Weekly, Monthly, Once:
			if !t.has(column) {
				return &FormError{map[string]string{"recheck": fmt.Sprintf("%s has no column %q", t.Name, column)}}
			}
			rechecks[column] = Recheck{Every: every}
		default:
			return &FormError{map[string]string{"recheck": "choose always, daily, weekly, monthly or once"}}
		}
	}
	t.Rechecks = rechecks
	return nil
}

func (t Table) has(column string) bool {
	return slices.ContainsFunc(t.Columns, func(c TableColumn) bool { return c.Name == column })
}
