package integration

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/regrant/regrant/connector"
)

// undoFor is how long the replaced credential is kept, sealed.
const undoFor = 24 * time.Hour

// Verification is the outcome of Authorize. When Swapped is false nothing was
// changed and Checks say why.
type Verification struct {
	Swapped bool
	Checks  []Check
	View    View
}

// Authorize is Save & Test and re-authorization alike: the candidate is
// verified in memory and replaces the authorization in force only when every
// check passed. Settings, tables, positions and history stay. report may be
// nil; it is called from this goroutine.
func (s *Service) Authorize(ctx context.Context, who Person, idOrSlug string, sub Submission, report func(Check)) (Verification, error) {
	r, form, err := s.authorizable(ctx, who, idOrSlug, sub.Form)
	if err != nil {
		return Verification{}, err
	}
	if asksTooMuch(form, sub, who) {
		return Verification{}, ErrForbidden
	}
	kept, err := s.keptSecrets(ctx, r.Integration, form.ID, who)
	if err != nil {
		return Verification{}, err
	}
	merged := withKeptSettings(r.Integration, form, sub)
	if changed := newDestination(form, r.Integration, merged.Settings); changed != "" {
		if err := askAgain(form, merged, kept, changed); err != nil {
			return Verification{}, err
		}
	}
	settings, secrets, err := checkForm(form, merged, kept)
	if err != nil {
		return Verification{}, err
	}
	candidate := Authorization{
		Form: form.ID, Settings: settings, Public: publicHalves(r.Integration, sub),
		Identity: connector.Identity{Trust: r.Integration.Authorization.Identity.Trust},
	}
	return s.prove(ctx, attempt{who: who, record: r, candidate: candidate, secrets: secrets, sub: sub, report: report})
}

// Undo goes back to the authorization before the last swap, if it still works.
func (s *Service) Undo(ctx context.Context, who Person, idOrSlug string, report func(Check)) (Verification, error) {
	r, err := s.store.Record(ctx, idOrSlug)
	if err != nil {
		return Verification{}, err
	}
	if !who.Role.May(Standard) {
		return Verification{}, ErrForbidden
	}
	previous := r.Integration.Previous
	if previous == nil || s.now().After(previous.Until) {
		return Verification{}, fmt.Errorf("there is no earlier credential to go back to: %w", ErrNotFound)
	}
	secrets, err := s.vault.Open(ctx, r.Integration.ID, previous.Authorization.Version, who.Name, "undo")
	if err != nil {
		return Verification{}, err
	}
	return s.prove(ctx, attempt{who: who, record: r, candidate: previous.Authorization, secrets: secrets, report: report, undo: true})
}

func (s *Service) authorizable(ctx context.Context, who Person, idOrSlug, formID string) (Record, connector.Form, error) {
	r, err := s.store.Record(ctx, idOrSlug)
	if err != nil {
		return r, connector.Form{}, err
	}
	needed := Standard
	if !r.Integration.Finished() {
		needed = Admin
	}
	if !who.Role.May(needed) {
		return r, connector.Form{}, ErrForbidden
	}
	d, err := s.catalogue.Find(r.Integration.Connector)
	if err != nil {
		return r, connector.Form{}, fmt.Errorf("connector %q: %w", r.Integration.Connector, err)
	}
	if formID == "" {
		formID = r.Integration.Authorization.Form
	}
	form, ok := d.Form(formID)
	if !ok {
		return r, form, &FormError{map[string]string{"form": "there is no such way to authorize"}}
	}
	return r, form, nil
}

// newDestination names a field that sends secrets somewhere else than the
// authorization in force does, or "".
func newDestination(form connector.Form, in Integration, settings map[string]string) string {
	if !in.Finished() || in.Authorization.Form != form.ID {
		return ""
	}
	for _, f := range form.Fields {
		if f.Destination && settings[f.Name] != in.Authorization.Settings[f.Name] {
			return f.Label
		}
	}
	return ""
}

// askAgain takes kept secrets out, so that none is sent to an address that it
// was not entered for. A generated key is never sent; it stays.
func askAgain(form connector.Form, sub Submission, kept map[string]connector.Secret, changed string) error {
	problems := make(map[string]string)
	for _, f := range form.Fields {
		if !f.Secret || f.Generate != "" || kept[f.Name].Empty() {
			continue
		}
		delete(kept, f.Name)
		if sub.Secrets[f.Name].Empty() && f.Show.Holds(sub.Settings) {
			problems[f.Name] = fmt.Sprintf("enter it again: “%s” was changed, and a kept secret is not sent elsewhere unasked", changed)
		}
	}
	if len(problems) > 0 {
		return &FormError{problems}
	}
	return nil
}

// asksTooMuch says whether a value was entered that only an admin may enter.
func asksTooMuch(form connector.Form, sub Submission, who Person) bool {
	for _, f := range form.Fields {
		if f.Admin && sub.Settings[f.Name] != "" && !who.Role.May(Admin) {
			return true
		}
	}
	return false
}

// keptSecrets are those that stay where nothing is entered: of the credential
// in force, else of the draft.
func (s *Service) keptSecrets(ctx context.Context, in Integration, form string, who Person) (map[string]connector.Secret, error) {
	version := in.Authorization.Version
	if in.Authorization.Form != form {
		version = 0
	}
	if version == 0 && in.Draft != nil {
		version = in.Draft.Version
	}
	if version == 0 {
		return nil, nil
	}
	return s.vault.Open(ctx, in.ID, version, who.Name, "verify a new authorization")
}

// withKeptSettings fills in what is in force for fields that were not sent.
func withKeptSettings(in Integration, form connector.Form, sub Submission) Submission {
	merged := make(map[string]string)
	for _, from := range []map[string]string{draftSettings(in), in.Authorization.Settings} {
		for name, value := range from {
			if f, ok := form.Field(name); ok && !f.Secret && !f.Once {
				merged[name] = value
			}
		}
	}
	maps.Copy(merged, sub.Settings)
	sub.Settings = merged
	return sub
}

func draftSettings(in Integration) map[string]string {
	if in.Draft == nil {
		return nil
	}
	return in.Draft.Settings
}

// publicHalves keeps the public half of every generated secret that was not
// replaced by an own one.
func publicHalves(in Integration, sub Submission) map[string]string {
	public := make(map[string]string)
	if in.Draft != nil {
		maps.Copy(public, in.Draft.Public)
	}
	maps.Copy(public, in.Authorization.Public)
	for name, secret := range sub.Secrets {
		if !secret.Empty() {
			delete(public, name)
		}
	}
	return public
}

// attempt is one candidate on its way to be proven.
type attempt struct {
	who       Person
	record    Record // as it was when the attempt began
	candidate Authorization
	secrets   map[string]connector.Secret
	sub       Submission
	report    func(Check)
	undo      bool
}

// prove verifies a candidate and swaps it in when everything passed.
func (s *Service) prove(ctx context.Context, a attempt) (Verification, error) {
	limited, cancel := context.WithTimeoutCause(ctx, verifyLimit, fmt.Errorf("verification took longer than %s", verifyLimit))
	defer cancel()
	v := &verification{attempt: a}
	source, err := s.sources.OpenWith(limited, a.record.Integration, a.candidate, a.secrets)
	if err != nil {
		fault := connector.FaultOf(err)
		v.say(Check{Step: connector.StepForm, State: CheckFailed, Text: fault.Public, Fault: fault})
		v.skipAfter(connector.StepForm)
		return s.refused(ctx, v)
	}
	defer func() { _ = source.Close() }()
	v.source = source
	proven := v.run(limited)
	if err := ctx.Err(); err != nil {
		return Verification{Checks: v.checks}, err
	}
	if v.failed {
		return s.refused(ctx, v)
	}
	if err := s.swap(ctx, a, proven); err != nil {
		return Verification{Checks: v.checks}, err
	}
	view, err := s.Show(ctx, a.record.Integration.ID)
	return Verification{Swapped: true, Checks: v.checks, View: view}, err
}

// refused leaves a line in the timeline and everything else as it was. For an
// integration that is not finished it keeps what was typed, except secrets.
func (s *Service) refused(ctx context.Context, v *verification) (Verification, error) {
	id := v.record.Integration.ID
	for _, c := range v.checks { // the evidence is for the operator, not for the page
		if c.Fault != nil {
			s.log.InfoContext(ctx, "a verification failed", "integration_id", id, "step", c.Step.String(), "table", c.Table, "cause", c.Fault.Cause.String(), "code", c.Fault.Code, "error", c.Fault.Err)
		}
	}
	event := s.event(id, EventAttempt, v.who.Name, "A new credential was tried and not accepted.")
	if fault := v.firstFault(); fault != nil {
		event.Text += " " + fault.Public
		event.Facts = map[string]string{"code": fault.Code}
	}
	err := s.change(ctx, id, func(r Record) (*Change, error) {
		c := &Change{Events: []Event{event}}
		if !r.Integration.Finished() {
			in := r.Integration
			draft := Draft{}
			if in.Draft != nil {
				draft = *in.Draft
			}
			draft.Form, draft.Settings = v.candidate.Form, v.candidate.Settings
			in.Draft = &draft
			c.Integration = &in
		}
		return c, nil
	})
	if err != nil {
		return Verification{Checks: v.checks}, err
	}
	view, err := s.Show(ctx, id)
	return Verification{Checks: v.checks, View: view}, err
}
