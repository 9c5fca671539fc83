package apitest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/warehouse"
)

// Probe verifies.
func (h *Heart) Probe(_ context.Context, who integration.Person, idOrSlug string) (integration.View, error) {
	return h.with(who, integration.Standard, idOrSlug, func(r *integration.Record) error {
		r.Integration.Authorization.Verified = h.Now()
		return nil
	})
}

// Pause pauses.
func (h *Heart) Pause(_ context.Context, who integration.Person, idOrSlug string) (integration.View, error) {
	return h.with(who, integration.Standard, idOrSlug, func(r *integration.Record) error {
		r.Integration.Paused = true
		return nil
	})
}

// Resume resumes.
func (h *Heart) Resume(_ context.Context, who integration.Person, idOrSlug string) (integration.View, error) {
	return h.with(who, integration.Standard, idOrSlug, func(r *integration.Record) error {
		r.Integration.Paused = false
		return nil
	})
}

// Rename renames.
func (h *Heart) Rename(_ context.Context, who integration.Person, idOrSlug, name string) (integration.View, error) {
	return h.with(who, integration.Standard, idOrSlug, func(r *integration.Record) error {
		r.Integration.Name = name
		return nil
	})
}

// SetEvery sets the interval.
func (h *Heart) SetEvery(_ context.Context, who integration.Person, idOrSlug string, every time.Duration) (integration.View, error) {
	return h.with(who, integration.Standard, idOrSlug, func(r *integration.Record) error {
		r.Integration.Every = every
		return nil
	})
}

// Update pulls at once.
func (h *Heart) Update(_ context.Context, who integration.Person, idOrSlug string) error {
	_, err := h.with(who, integration.Standard, idOrSlug, func(r *integration.Record) error {
		if !r.Integration.Finished() {
			return &integration.FormError{Fields: map[string]string{"integration": "it was never connected; finish its form first"}}
		}
		p := integration.Pull{
			ID: h.id("pull"), Integration: r.Integration.ID, Trigger: integration.ByPerson, By: who.Name,
			Started: h.Now(), Ended: h.Now().Add(2 * time.Second), Outcome: integration.Succeeded, Rows: 1200, Bytes: 34567,
			Tables: []integration.TableResult{{Table: "public.customers", Rows: 1200, Bytes: 34567, Took: 2 * time.Second}, {Table: "public.orders", Note: "0 rows: the source is empty"}},
		}
		if h.Outcome != "" {
			p.Outcome, p.Rows = h.Outcome, 0
		} else {
			r.LastGood = &p
		}
		r.LastPull = &p
		return nil
	})
	return err
}

// Break opens an incident of the whole integration, for tests.
func (h *Heart) Break(idOrSlug string, cause connector.Cause) {
	h.Edit(idOrSlug, func(r *integration.Record) {
		r.Incidents = []integration.Incident{{
			ID: h.id("incident"), Integration: r.Integration.ID, Cause: cause, Code: "shopdb." + cause.String(), Public: "It is " + cause.String() + ".",
			Opened: h.Now().Add(-time.Hour), Last: h.Now(), Count: 3, Confidence: integration.Certain,
			Evidence: []integration.Evidence{{Kind: integration.FromFault, Text: "The server said so.", Points: integration.Supports, Seen: h.Now()}},
		}}
		r.Gaps = []integration.Gap{{ID: h.id("gap"), Integration: r.Integration.ID, Table: "public.orders", From: h.Now().Add(-time.Hour)}}
	})
}

// Discover changes nothing.
func (h *Heart) Discover(ctx context.Context, who integration.Person, idOrSlug string) (integration.View, error) {
	return h.Probe(ctx, who, idOrSlug)
}

// SetTable changes a table.
func (h *Heart) SetTable(_ context.Context, who integration.Person, idOrSlug, table string, change integration.TableChange) (integration.View, error) {
	return h.with(who, integration.Standard, idOrSlug, func(r *integration.Record) error {
		n := slices.IndexFunc(r.Tables, func(t integration.Table) bool { return t.Name == table || t.Target == table })
		if n < 0 {
			return fmt.Errorf("table %q: %w", table, integration.ErrNotFound)
		}
		t := &r.Tables[n]
		if change.Enabled != nil {
			t.Enabled = *change.Enabled
		}
		if change.Method != nil {
			t.Replication.Method = *change.Method
		}
		if change.Column != nil {
			t.Replication.Column = *change.Column
		}
		for column, every := range change.Rechecks {
			if t.Rechecks == nil {
				t.Rechecks = map[string]integration.Recheck{}
			}
			t.Rechecks[column] = integration.Recheck{Every: every}
		}
		return nil
	})
}

// Events returns events, newest first.
func (h *Heart) Events(_ context.Context, f integration.Filter) ([]integration.Event, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []integration.Event
	for _, e := range slices.Backward(h.events) {
		if (f.Integration == "" || f.Integration == e.Integration) && len(out) < f.Limit {
			out = append(out, e)
		}
	}
	return out, nil
}

// Incidents returns open incidents.
func (h *Heart) Incidents(_ context.Context, f integration.Filter) ([]integration.Incident, error) {
	return collect(h, f, func(r integration.Record) []integration.Incident { return r.Incidents })
}

// Gaps returns open gaps.
func (h *Heart) Gaps(_ context.Context, f integration.Filter) ([]integration.Gap, error) {
	return collect(h, f, func(r integration.Record) []integration.Gap { return r.Gaps })
}

// Pulls returns the last pull of each.
func (h *Heart) Pulls(_ context.Context, f integration.Filter) ([]integration.Pull, error) {
	return collect(h, f, func(r integration.Record) []integration.Pull {
		if r.LastPull == nil {
			return nil
		}
		return []integration.Pull{*r.LastPull}
	})
}

func collect[T any](h *Heart, f integration.Filter, of func(integration.Record) []T) ([]T, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []T
	for _, r := range h.records {
		if f.Integration == "" || f.Integration == r.Integration.ID {
			out = append(out, of(r)...)
		}
	}
	return out[:min(len(out), f.Limit)], nil
}

// Query answers every statement that begins with select.
func (h *Heart) Query(ctx context.Context, sql string, limit int) (warehouse.Result, error) {
	switch {
	case strings.HasPrefix(sql, "wait"):
		<-ctx.Done()
		return warehouse.Result{}, ctx.Err()
	case strings.HasPrefix(sql, "select"):
	case strings.HasPrefix(sql, "drop"):
		return warehouse.Result{}, fmt.Errorf("drop: %w", warehouse.ErrReadOnly)
	default:
		return warehouse.Result{}, fmt.Errorf("Parser Error: syntax error at or near %q", sql) //nolint:staticcheck // as the engine writes it
	}
	rows := [][]any{{int64(1), "Ada \"Countess\", London", nil}, {int64(9007199254740993), "Grüße \x1b[31mred", true}}
	truncated := len(rows) > limit
	return warehouse.Result{
		Columns: []warehouse.Column{{Name: "id", Type: "BIGINT"}, {Name: "name", Type: "VARCHAR"}, {Name: "vip", Type: "BOOLEAN"}},
		Rows:    rows[:min(len(rows), limit)], Truncated: truncated,
	}, nil
}
