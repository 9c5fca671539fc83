package webtest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/notice"
	"github.com/regrant/regrant/internal/warehouse"
	"github.com/regrant/regrant/internal/web"
	"github.com/regrant/regrant/internal/web/sample"
)

// Heart is a fake of the heart: views in memory, and calls written down.
type Heart struct {
	mu    sync.Mutex
	views []integration.View
	calls []string
	subs  []integration.Submission

	// Prove plays Authorize and Undo; nil: everything passes and the
	// integration becomes healthy.
	Prove func(ctx context.Context, sub integration.Submission, report func(integration.Check)) (integration.Verification, error)
	// Err is what every change returns, when set.
	Err error
	Hub *notice.Hub
	Now time.Time
}

// NewHeart has one integration of every state.
func NewHeart(now time.Time) *Heart {
	return &Heart{views: sample.Views(now), Now: now, Hub: notice.New()}
}

// Calls returns what was asked for, such as "pause orders".
func (h *Heart) Calls() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.calls)
}

// Submissions returns what was submitted.
func (h *Heart) Submissions() []integration.Submission {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.subs)
}

// Replace puts other views in place.
func (h *Heart) Replace(views []integration.View) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.views = views
}

// Change changes one view and tells the hub.
func (h *Heart) Change(slug string, change func(*integration.Record)) {
	h.mu.Lock()
	id := ""
	for n := range h.views {
		if h.views[n].Integration.Slug == slug {
			r := h.views[n].Record
			change(&r)
			h.views[n] = sample.View(r, "", h.Now)
			id = r.Integration.ID
		}
	}
	h.mu.Unlock()
	h.Hub.Changed(id, nil)
}

// Heal makes an integration healthy.
func (h *Heart) Heal(slug string) {
	h.Change(slug, func(r *integration.Record) {
		r.Incidents, r.Gaps = nil, nil
		r.Integration.Draft = nil
		r.Integration.Authorization.Version++
		r.Integration.Authorization.Verified = h.Now
		if r.LastGood == nil {
			r.LastGood = &integration.Pull{Outcome: integration.Succeeded, Started: h.Now, Ended: h.Now}
		}
	})
}

// Catalogue fills web.Integrations.
func (h *Heart) Catalogue() integration.Catalogue { return sample.Catalogue() }

// List fills web.Integrations.
func (h *Heart) List(context.Context) ([]integration.View, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.views), nil
}

// Show fills web.Integrations.
func (h *Heart) Show(_ context.Context, idOrSlug string) (integration.View, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, v := range h.views {
		if v.Integration.ID == idOrSlug || v.Integration.Slug == idOrSlug {
			return v, nil
		}
	}
	return integration.View{}, integration.ErrNotFound
}

// Events fills web.Integrations.
func (h *Heart) Events(_ context.Context, f integration.Filter) ([]integration.Event, error) {
	return sample.Events(h.Now, f), nil
}

// Incidents fills web.Integrations.
func (h *Heart) Incidents(ctx context.Context, f integration.Filter) ([]integration.Incident, error) {
	v, err := h.Show(ctx, f.Integration)
	return v.Record.Incidents, err
}

// Gaps fills web.Integrations.
func (h *Heart) Gaps(ctx context.Context, f integration.Filter) ([]integration.Gap, error) {
	v, err := h.Show(ctx, f.Integration)
	return append(slices.Clone(v.Record.Gaps), sample.Filled(h.Now, f.Integration)), err
}

// Pulls fills web.Integrations.
func (h *Heart) Pulls(_ context.Context, f integration.Filter) ([]integration.Pull, error) {
	return sample.Pulls(h.Now, f.Integration), nil
}

func (h *Heart) call(who integration.Person, needed integration.Role, what, idOrSlug string) (integration.View, error) {
	if !who.Role.May(needed) {
		return integration.View{}, integration.ErrForbidden
	}
	v, err := h.Show(context.Background(), idOrSlug)
	if err != nil {
		return v, err
	}
	h.mu.Lock()
	h.calls = append(h.calls, strings.TrimSpace(what)+" "+v.Integration.Slug)
	h.mu.Unlock()
	return v, h.Err
}

// Begin fills web.Integrations.
func (h *Heart) Begin(_ context.Context, who integration.Person, connectorID, name, formID string) (integration.View, error) {
	name = strings.TrimSpace(name)
	switch {
	case !who.Role.May(integration.Admin):
		return integration.View{}, integration.ErrForbidden
	case name == "":
		return integration.View{}, &integration.FormError{Fields: map[string]string{"name": "fill this in"}}
	}
	slug := strings.ReplaceAll(strings.ToLower(name), " ", "_")
	if _, err := h.Show(context.Background(), slug); err == nil {
		return integration.View{}, integration.ErrTaken
	}
	r := integration.Record{Integration: integration.Integration{ID: "new-" + slug, Slug: slug, Name: name, Connector: connectorID, Created: h.Now, Every: time.Hour,
		Authorization: integration.Authorization{Form: formID},
		Draft:         &integration.Draft{Form: formID, Version: 1, Public: map[string]string{"ssh_private_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHk2gJmPq0cT8vXlRz5bN1sYwEoD7uKfAhC4tQ9iMjLp regrant"}}}}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, "begin "+slug)
	h.views = append(h.views, sample.View(r, "", h.Now))
	return h.views[len(h.views)-1], nil
}

// Authorize fills web.Integrations.
func (h *Heart) Authorize(ctx context.Context, who integration.Person, idOrSlug string, sub integration.Submission, report func(integration.Check)) (integration.Verification, error) {
	v, err := h.call(who, integration.Standard, "authorize", idOrSlug)
	if err != nil {
		return integration.Verification{}, err
	}
	h.mu.Lock()
	h.subs = append(h.subs, sub)
	h.mu.Unlock()
	if err := h.checkRequired(v, sub); err != nil {
		return integration.Verification{}, err
	}
	return h.prove(ctx, v, sub, report)
}

func (h *Heart) checkRequired(v integration.View, sub integration.Submission) error {
	d, err := h.Catalogue().Find(v.Integration.Connector)
	if err != nil {
		return err
	}
	form, _ := d.Form(sub.Form)
	wrong := make(map[string]string)
	for _, f := range form.Fields {
		kept := f.Secret && v.Integration.Finished()
		if f.Required && f.Show.Holds(sub.Settings) && sub.Settings[f.Name] == "" && sub.Secrets[f.Name].Empty() && !kept {
			wrong[f.Name] = "fill this in"
		}
		if len(sub.Settings[f.Name]) > connector.DefaultMaxBytes || len(sub.Secrets[f.Name].Reveal()) > connector.DefaultMaxBytes {
			wrong[f.Name] = "this is too long"
		}
	}
	if len(wrong) > 0 {
		return &integration.FormError{Fields: wrong}
	}
	return nil
}

func (h *Heart) prove(ctx context.Context, v integration.View, sub integration.Submission, report func(integration.Check)) (integration.Verification, error) {
	if h.Prove != nil {
		ver, err := h.Prove(ctx, sub, report)
		if ver.Swapped {
			h.Heal(v.Integration.Slug)
		}
		return ver, err
	}
	var checks []integration.Check
	for step := connector.StepReach; step <= connector.StepRead; step++ {
		c := integration.Check{Step: step, State: integration.CheckPassed, Text: "It works."}
		checks = append(checks, c)
		report(c)
	}
	h.Heal(v.Integration.Slug)
	return integration.Verification{Swapped: true, Checks: checks}, nil
}

// Undo fills web.Integrations.
func (h *Heart) Undo(ctx context.Context, who integration.Person, idOrSlug string, report func(integration.Check)) (integration.Verification, error) {
	v, err := h.call(who, integration.Standard, "undo", idOrSlug)
	if err != nil {
		return integration.Verification{}, err
	}
	return h.prove(ctx, v, integration.Submission{}, report)
}

// Probe fills web.Integrations.
func (h *Heart) Probe(_ context.Context, who integration.Person, idOrSlug string) (integration.View, error) {
	return h.call(who, integration.Standard, "probe", idOrSlug)
}

// Pause fills web.Integrations.
func (h *Heart) Pause(_ context.Context, who integration.Person, idOrSlug string) (integration.View, error) {
	v, err := h.call(who, integration.Standard, "pause", idOrSlug)
	if err == nil {
		h.Change(v.Integration.Slug, func(r *integration.Record) { r.Integration.Paused = true })
	}
	return v, err
}

// Resume fills web.Integrations.
func (h *Heart) Resume(_ context.Context, who integration.Person, idOrSlug string) (integration.View, error) {
	v, err := h.call(who, integration.Standard, "resume", idOrSlug)
	if err == nil {
		h.Change(v.Integration.Slug, func(r *integration.Record) { r.Integration.Paused = false })
	}
	return v, err
}

// Rename fills web.Integrations.
func (h *Heart) Rename(_ context.Context, who integration.Person, idOrSlug, name string) (integration.View, error) {
	if strings.TrimSpace(name) == "" {
		return integration.View{}, &integration.FormError{Fields: map[string]string{"name": "fill this in"}}
	}
	return h.call(who, integration.Standard, "rename "+name, idOrSlug)
}

// SetEvery fills web.Integrations.
func (h *Heart) SetEvery(_ context.Context, who integration.Person, idOrSlug string, every time.Duration) (integration.View, error) {
	return h.call(who, integration.Standard, "every "+every.String(), idOrSlug)
}

// Remove fills web.Integrations.
func (h *Heart) Remove(_ context.Context, who integration.Person, idOrSlug string) error {
	_, err := h.call(who, integration.Admin, "remove", idOrSlug)
	return err
}

// Update fills web.Integrations.
func (h *Heart) Update(_ context.Context, who integration.Person, idOrSlug string) error {
	_, err := h.call(who, integration.Standard, "update", idOrSlug)
	return err
}

// Discover fills web.Integrations.
func (h *Heart) Discover(_ context.Context, who integration.Person, idOrSlug string) (integration.View, error) {
	return h.call(who, integration.Standard, "discover", idOrSlug)
}

// SetTable fills web.Integrations.
func (h *Heart) SetTable(_ context.Context, who integration.Person, idOrSlug, table string, c integration.TableChange) (integration.View, error) {
	method := connector.Method("")
	if c.Method != nil {
		method = *c.Method
	}
	return h.call(who, integration.Standard, fmt.Sprintf("table %s enabled=%v method=%s excluded=%v rechecks=%v", table, *c.Enabled, method, *c.Excluded, c.Rechecks), idOrSlug)
}

// Rows is a fake warehouse.
type Rows struct{}

// Describe fills web.Warehouse.
func (Rows) Describe(_ context.Context, n warehouse.Name) (warehouse.State, error) {
	return warehouse.State{Exists: true, Rows: 402310, Deleted: 12, Columns: []warehouse.Column{{Name: "id", Type: "BIGINT"}, {Name: "total", Type: "DECIMAL(12,2)"}, {Name: "notes", Type: "VARCHAR"}, {Name: "updated_at", Type: "TIMESTAMP WITH TIME ZONE"}}}, nil
}

// Query fills web.Warehouse.
func (Rows) Query(_ context.Context, sql string, limit int) (warehouse.Result, error) {
	if !strings.HasPrefix(strings.TrimSpace(strings.ToLower(sql)), "select") {
		return warehouse.Result{}, warehouse.ErrReadOnly
	}
	r := warehouse.Result{Columns: []warehouse.Column{{Name: "id", Type: "BIGINT"}, {Name: "total", Type: "DECIMAL(12,2)"}, {Name: "notes", Type: "VARCHAR"}}, Truncated: true}
	for n := range min(limit, 24) {
		row := []any{int64(1000 + n), fmt.Sprintf("%d.%02d", 20+n*7, n*13%100), any(nil)}
		if n%3 == 0 {
			row[2] = "deliver <before> noon & ring twice"
		}
		r.Rows = append(r.Rows, row)
	}
	return r, nil
}

// Door is a fake of people and sessions: the cookie holds the role.
type Door struct {
	mu     sync.Mutex
	tokens []web.Token
	Now    time.Time
	Empty  bool // nobody was set up yet
}

// Token is what CreateToken returns.
const Token = "rgt_" + "5q0f3c7d1e9a4b8c" //nolint:gosec // not a credential, a fake

// SetUp fills web.People.
func (d *Door) SetUp(_ context.Context, token, email, password string) (integration.Person, error) {
	switch {
	case token != "first":
		return integration.Person{}, web.ErrLinkOver
	case len(password) < 12:
		return integration.Person{}, &web.Refusal{Text: "The password is too short. Use at least 12 characters.", Err: web.ErrWeak}
	}
	return integration.Person{ID: "admin", Name: email, Role: integration.Admin}, nil
}

// SetUpNeeded fills web.SetUpAsker.
func (d *Door) SetUpNeeded(context.Context) (bool, error) { return d.Empty, nil }

// SignIn fills web.People.
func (d *Door) SignIn(_ context.Context, email, password, _ string) (integration.Person, error) {
	if password == "slow down" {
		return integration.Person{}, &web.Refusal{Text: "Too many attempts. Try again in 30 seconds.", Retry: 30 * time.Second}
	}
	if password != "correct horse" {
		return integration.Person{}, web.ErrRefused
	}
	return integration.Person{ID: "admin", Name: email, Role: integration.Admin}, nil
}

// Accounts fills web.People.
func (d *Door) Accounts(context.Context) ([]web.Account, error) {
	return []web.Account{
		{ID: "1", Email: "ada@example.com", Role: integration.Admin, Created: d.Now.Add(-300 * 24 * time.Hour)},
		{ID: "2", Email: "grace@example.com", Role: integration.Standard, Created: d.Now.Add(-40 * 24 * time.Hour)},
	}, nil
}

// Tokens fills web.People.
func (d *Door) Tokens(context.Context) ([]web.Token, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]web.Token{{ID: "t1", Name: "nightly report", Role: integration.ReadOnly, By: "ada@example.com", Created: d.Now.Add(-9 * 24 * time.Hour), LastUsed: d.Now.Add(-7 * time.Hour)}}, d.tokens...), nil
}

// CreateToken fills web.People.
func (d *Door) CreateToken(_ context.Context, who integration.Person, name string, role integration.Role) (connector.Secret, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tokens = append(d.tokens, web.Token{ID: fmt.Sprint(len(d.tokens) + 2), Name: name, Role: role, By: who.Name, Created: d.Now})
	return connector.NewSecret(Token), nil
}

// RevokeToken fills web.People.
func (d *Door) RevokeToken(context.Context, integration.Person, string) error { return nil }

// Cookie is the name of the session's cookie.
const Cookie = "as"

// Wrap fills web.Sessions.
func (d *Door) Wrap(next http.Handler) http.Handler { return next }

// Begin fills web.Sessions.
func (d *Door) Begin(w http.ResponseWriter, _ *http.Request, who integration.Person) error {
	http.SetCookie(w, &http.Cookie{Name: Cookie, Value: string(who.Role), Path: "/", HttpOnly: true})
	return nil
}

// Person fills web.Sessions.
func (d *Door) Person(r *http.Request) (integration.Person, bool) {
	c, err := r.Cookie(Cookie)
	if err != nil || c.Value == "" {
		return integration.Person{}, false
	}
	return integration.Person{ID: c.Value, Name: "ada@example.com", Role: integration.Role(c.Value)}, true
}

// End fills web.Sessions.
func (d *Door) End(w http.ResponseWriter, _ *http.Request) error {
	http.SetCookie(w, &http.Cookie{Name: Cookie, Path: "/", MaxAge: -1})
	return nil
}
