package integration

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/regrant/regrant/connector"
)

// Failed takes in that something could not be read. It diagnoses, opens an
// incident or adds to an open one, opens gaps, and plans the next try. table
// is empty for the whole authorization. A cancelled context is no failure:
// it returns a zero Incident.
func (s *Service) Failed(ctx context.Context, id, table string, err error) (Incident, error) {
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return Incident{}, nil
	}
	fault := connector.FaultOf(err)
	if fault.Scope == connector.WholeAuthorization {
		table = ""
	}
	r, err := s.store.Record(ctx, id)
	if err != nil {
		return Incident{}, err
	}
	failure, err := s.failure(ctx, r, table, fault)
	if err != nil {
		return Incident{}, err
	}
	verdict := s.diagnose.Diagnose(ctx, failure)
	s.log.WarnContext(ctx, "a read failed", "integration_id", id, "table", table, "cause", verdict.Cause.String(), "code", verdict.Code, "error", fault.Err)
	var incident Incident
	err = s.change(ctx, id, func(r Record) (*Change, error) {
		c := &Change{}
		incident = s.record(c, r, table, fault, verdict)
		return c, nil
	})
	return incident, err
}

// failure gathers what diagnosis wants to know.
func (s *Service) failure(ctx context.Context, r Record, table string, fault *connector.Fault) (Failure, error) {
	f := Failure{Integration: r.Integration, Table: table, Fault: fault, At: s.now(), WorkedAt: workedAt(r)}
	all, err := s.store.Records(ctx)
	if err != nil {
		return f, err
	}
	for _, other := range all {
		if other.Integration.ID == r.Integration.ID || !other.Integration.Finished() || other.Integration.Paused {
			continue
		}
		n := Neighbour{Integration: other.Integration.ID, Connector: other.Integration.Connector, WorkedAt: workedAt(other)}
		if whole := wholeIncident(other.Incidents); whole != nil {
			n.Broken, n.Failing = true, whole.Cause
		}
		f.Others = append(f.Others, n)
	}
	return f, nil
}

func workedAt(r Record) time.Time {
	worked := r.Integration.Authorization.Verified
	if r.LastGood != nil && r.LastGood.Ended.After(worked) {
		worked = r.LastGood.Ended
	}
	return worked
}

// record writes the verdict into the change.
func (s *Service) record(c *Change, r Record, table string, fault *connector.Fault, v Verdict) Incident {
	in := r.Integration
	i := s.incident(c, r, table, v)
	i.Step, i.Facts, i.Last, i.Count = fault.Step, fault.Facts, s.now(), i.Count+1
	i.Confidence, i.Evidence, i.Shared, i.Public = v.Confidence, v.Evidence, v.Shared, v.Public
	if table == "" {
		i.RetryAt = plan(&in, v.Cause, fault, s.now())
		c.Integration = &in
	} else if fault.Retry > 0 {
		i.RetryAt = s.now().Add(fault.Retry)
	}
	c.Incidents = append(c.Incidents, i)
	s.openGaps(c, r, i)
	return i
}

// incident is the open one of the same place and kind, or a new one that
// takes over since when it is broken.
func (s *Service) incident(c *Change, r Record, table string, v Verdict) Incident {
	fresh := Incident{ID: newID(), Integration: r.Integration.ID, Table: table, Cause: v.Cause, Code: v.Code, Opened: s.now()}
	for _, open := range r.Incidents {
		if open.Table != table {
			continue
		}
		if open.Cause == v.Cause && open.Code == v.Code {
			return open
		}
		fresh.Opened = open.Opened
		open.Closed, open.Resolution = s.now(), Reclassified
		c.Incidents = append(c.Incidents, open)
	}
	about := "It cannot be read"
	if table != "" {
		about = table + " cannot be read"
	}
	event := s.event(r.Integration.ID, EventIncidentOpen, "diagnosis", about+": "+v.Public)
	event.Facts = map[string]string{"cause": v.Cause.String(), "code": v.Code, "incident": fresh.ID}
	c.Events = append(c.Events, event)
	return fresh
}

// openGaps begins a gap for each enabled table that the incident keeps from
// being read and that has none open.
func (s *Service) openGaps(c *Change, r Record, i Incident) {
	has := make(map[string]bool, len(r.Gaps))
	for _, g := range r.Gaps {
		has[g.Table] = true
		if !g.To.IsZero() && (i.Table == "" || i.Table == g.Table) {
			g.To = time.Time{} // broken again before it was filled
			c.Gaps = append(c.Gaps, g)
		}
	}
	opened := 0
	for _, t := range r.Tables {
		if !t.Enabled || has[t.Name] || t.LastRead.IsZero() || (i.Table != "" && i.Table != t.Name) {
			continue // a table that was never read has no gap: its first pull is still to come
		}
		c.Gaps = append(c.Gaps, Gap{ID: newID(), Integration: r.Integration.ID, Table: t.Name, Incident: i.ID, From: t.LastRead})
		opened++
	}
	if opened > 0 {
		c.Events = append(c.Events, s.event(r.Integration.ID, EventGapOpen, "diagnosis",
			fmt.Sprintf("Rows of %s are waiting at the source. They will be read when it works again.", count(opened, "table"))))
	}
}
