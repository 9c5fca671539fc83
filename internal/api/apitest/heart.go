package apitest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

// Password is what sign in accepts. Other passwords have a meaning each:
// "expired", "down", "slow" and "ours" give that cause, "old" is accepted but
// cannot read every table, everything else is refused.
const Password = "correct"

// PublicKey is what every generated key has as its public half.
const PublicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFake regrant"

// Heart keeps integrations in memory. Its fields may be set before use.
type Heart struct {
	Now func() time.Time
	// Seen receives every submission, so that a test can look what arrived.
	Seen func(integration.Submission)
	// Outcome of pulls; empty: succeeded.
	Outcome integration.Outcome

	// Tokens are the API tokens beside it.
	Tokens Tokens

	mu      sync.Mutex
	records []integration.Record
	events  []integration.Event
	ids     int
}

// New makes an empty heart.
func New() *Heart { return &Heart{Now: time.Now} }

func (h *Heart) id(kind string) string {
	h.ids++
	return fmt.Sprintf("%s-%d", kind, h.ids)
}

// Catalogue is the package's.
func (h *Heart) Catalogue() integration.Catalogue { return Catalogue() }

func (h *Heart) view(r integration.Record) integration.View {
	d, err := Catalogue().Find(r.Integration.Connector)
	if err != nil {
		d.Retired = "It is gone."
	}
	return integration.View{
		Record: r, Title: d.Title, Status: integration.Derive(r, d.Retired, h.Now()),
		Horizon: integration.NextExpiry(r.Integration.Authorization.Identity.Expiries),
	}
}

func (h *Heart) find(idOrSlug string) (*integration.Record, error) {
	for n := range h.records {
		if in := h.records[n].Integration; in.ID == idOrSlug || in.Slug == idOrSlug {
			return &h.records[n], nil
		}
	}
	return nil, fmt.Errorf("integration %q: %w", idOrSlug, integration.ErrNotFound)
}

// List returns all.
func (h *Heart) List(context.Context) ([]integration.View, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []integration.View
	for _, r := range h.records {
		out = append(out, h.view(r))
	}
	return out, nil
}

// Show returns one.
func (h *Heart) Show(_ context.Context, idOrSlug string) (integration.View, error) {
	return h.with(integration.Person{Role: integration.ReadOnly}, integration.ReadOnly, idOrSlug, func(*integration.Record) error { return nil })
}

// Edit changes a record behind the heart's back, for tests.
func (h *Heart) Edit(idOrSlug string, edit func(*integration.Record)) {
	_, err := h.with(integration.System("test"), integration.Admin, idOrSlug, func(r *integration.Record) error { edit(r); return nil })
	if err != nil {
		panic(err)
	}
}

func (h *Heart) with(who integration.Person, needed integration.Role, idOrSlug string, do func(*integration.Record) error) (integration.View, error) {
	if !who.Role.May(needed) {
		return integration.View{}, integration.ErrForbidden
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	r, err := h.find(idOrSlug)
	if err != nil {
		return integration.View{}, err
	}
	if err := do(r); err != nil {
		return integration.View{}, err
	}
	return h.view(*r), nil
}

func (h *Heart) event(r *integration.Record, kind integration.EventKind, who integration.Person, text string) {
	h.events = append(h.events, integration.Event{ID: h.id("event"), Integration: r.Integration.ID, At: h.Now(), Kind: kind, By: who.Name, Text: text})
}

// Begin makes one that is not finished.
func (h *Heart) Begin(_ context.Context, who integration.Person, connectorID, name, formID string) (integration.View, error) {
	if !who.Role.May(integration.Admin) {
		return integration.View{}, integration.ErrForbidden
	}
	d, err := Catalogue().Find(connectorID)
	if err != nil {
		return integration.View{}, err
	}
	if d.Retired != "" {
		return integration.View{}, &integration.FormError{Fields: map[string]string{"connector": d.Retired}}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	slug := strings.ReplaceAll(strings.ToLower(name), " ", "_")
	if _, err := h.find(slug); err == nil {
		return integration.View{}, integration.ErrTaken
	}
	if formID == "" {
		formID = d.Forms[0].ID
	}
	r := integration.Record{Integration: integration.Integration{
		ID: h.id("integration"), Slug: slug, Name: name, Connector: connectorID, Created: h.Now(), CreatedBy: who.Name, Every: time.Hour,
		Authorization: integration.Authorization{Form: formID},
		Draft:         &integration.Draft{Form: formID, Public: map[string]string{"ssh_key": PublicKey}},
	}}
	h.event(&r, integration.EventCreated, who, d.Title+" was added.")
	h.records = append(h.records, r)
	return h.view(r), nil
}

// Authorize accepts Password.
func (h *Heart) Authorize(ctx context.Context, who integration.Person, idOrSlug string, sub integration.Submission, report func(integration.Check)) (integration.Verification, error) {
	if h.Seen != nil {
		h.Seen(sub)
	}
	var v integration.Verification
	view, err := h.with(who, integration.Standard, idOrSlug, func(r *integration.Record) error {
		if strings.ContainsAny(sub.Settings["host"], " ") {
			return &integration.FormError{Fields: map[string]string{"host": "remove the spaces", "user": "fill this in"}}
		}
		if sub.Settings["host"] == "panics" {
			panic("the heart stumbled")
		}
		v.Checks = checks(sub, r)
		v.Swapped = !slices.ContainsFunc(v.Checks, func(c integration.Check) bool { return c.State == integration.CheckFailed })
		if v.Swapped {
			h.swap(r, who, sub)
		}
		return nil
	})
	if err != nil {
		return v, err
	}
	for _, c := range v.Checks {
		if report != nil {
			report(c)
		}
	}
	v.View = view
	return v, ctx.Err()
}

func (h *Heart) swap(r *integration.Record, who integration.Person, sub integration.Submission) {
	in := &r.Integration
	if in.Finished() {
		in.Previous = &integration.Previous{Authorization: in.Authorization, Until: h.Now().Add(24 * time.Hour)}
	}
	in.Authorization = integration.Authorization{
		Form: sub.Form, Settings: sub.Settings, Version: in.Authorization.Version + 1, Granted: h.Now(), By: who.Name, Verified: h.Now(),
		Identity: connector.Identity{Account: "shop at " + sub.Settings["host"], User: sub.Settings["user"], Fingerprint: "f1"},
	}
	in.Draft, r.Incidents = nil, nil
	if r.Tables == nil {
		r.Tables = tables(in.ID)
	}
	h.event(r, integration.EventConnected, who, "A credential was proven.")
}

func tables(id string) []integration.Table {
	replication := connector.Replication{Method: connector.ModifiedAt, Column: "updated_at", Reason: "it moves with every change"}
	column := []integration.TableColumn{{Name: "id", SourceType: "bigint", Indexed: true}, {Name: "updated_at", SourceType: "timestamptz"}}
	return []integration.Table{
		{Integration: id, Name: "public.customers", Target: "customers", Enabled: true, Replication: replication, Key: []string{"id"}, Columns: column, Estimated: 1200},
		{Integration: id, Name: "public.orders", Target: "orders", Enabled: true, Replication: replication, Offers: []connector.Replication{replication}, Key: []string{"id"}, Columns: column, Estimated: -1},
	}
}

// Undo goes back.
func (h *Heart) Undo(_ context.Context, who integration.Person, idOrSlug string, report func(integration.Check)) (integration.Verification, error) {
	v := integration.Verification{Swapped: true, Checks: []integration.Check{{Step: connector.StepSignIn, State: integration.CheckPassed, Text: "Signed in."}}}
	view, err := h.with(who, integration.Standard, idOrSlug, func(r *integration.Record) error {
		if r.Integration.Previous == nil {
			return fmt.Errorf("nothing to go back to: %w", integration.ErrNotFound)
		}
		r.Integration.Authorization, r.Integration.Previous = r.Integration.Previous.Authorization, nil
		return nil
	})
	if err != nil {
		return integration.Verification{}, err
	}
	if report != nil {
		report(v.Checks[0])
	}
	v.View = view
	return v, nil
}

// Remove forgets.
func (h *Heart) Remove(_ context.Context, who integration.Person, idOrSlug string) error {
	view, err := h.with(who, integration.Admin, idOrSlug, func(*integration.Record) error { return nil })
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.records = slices.DeleteFunc(h.records, func(r integration.Record) bool { return r.Integration.ID == view.Integration.ID })
	return nil
}
