package integration

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"github.com/regrant/regrant/connector"
)

// Begin makes an integration that is not finished: it has a name and, where
// the form wants it, generated keys whose public halves can be installed at
// the third party before the first test. Authorize finishes it.
func (s *Service) Begin(ctx context.Context, who Person, connectorID, name, formID string) (View, error) {
	if !who.Role.May(Admin) {
		return View{}, ErrForbidden
	}
	d, err := s.catalogue.Find(connectorID)
	if err != nil {
		return View{}, fmt.Errorf("connector %q: %w", connectorID, err)
	}
	if d.Retired != "" {
		return View{}, &FormError{map[string]string{"connector": d.Retired}}
	}
	name = strings.TrimSpace(name)
	if problem := checkName(name); problem != "" {
		return View{}, &FormError{map[string]string{"name": problem}}
	}
	if formID == "" {
		formID = d.Forms[0].ID
	}
	form, ok := d.Form(formID)
	if !ok {
		return View{}, &FormError{map[string]string{"form": "there is no such way to authorize"}}
	}
	in := Integration{
		ID: newID(), Slug: slugOf(name), Name: name, Connector: d.ID, Every: s.every,
		Created: s.now(), CreatedBy: who.Name,
		Authorization: Authorization{Form: form.ID},
	}
	if in.Draft, err = s.draft(ctx, in.ID, form); err != nil {
		return View{}, err
	}
	change := &Change{Integration: &in, Events: []Event{s.event(in.ID, EventCreated, who.Name, d.Title+" was added and waits for its credential.")}}
	if err := s.apply(ctx, change); err != nil {
		return View{}, err
	}
	return s.Show(ctx, in.ID)
}

// draft generates the secrets that the form wants generated.
func (s *Service) draft(ctx context.Context, id string, form connector.Form) (*Draft, error) {
	draft := &Draft{Form: form.ID, Public: map[string]string{}}
	secrets := map[string]connector.Secret{}
	for _, f := range form.Fields {
		if f.Generate == "" || s.generate == nil {
			continue
		}
		private, public, err := s.generate(f.Generate)
		if err != nil {
			return nil, fmt.Errorf("generating %s: %w", f.Name, err)
		}
		secrets[f.Name], draft.Public[f.Name] = private, public
	}
	if len(secrets) == 0 {
		return draft, nil
	}
	version, err := s.vault.Seal(ctx, id, secrets)
	if err != nil {
		return nil, fmt.Errorf("sealing generated keys: %w", err)
	}
	draft.Version = version
	return draft, nil
}

func checkName(name string) string {
	switch {
	case name == "":
		return "fill this in"
	case len(name) > 80:
		return "at most 80 bytes are taken"
	case strings.ContainsAny(name, "\r\n\x00"):
		return "enter it on one line"
	case slugOf(name) == "":
		return "use at least one letter or digit"
	}
	return ""
}

var notInSlug = regexp.MustCompile(`[^a-z0-9]+`)

// reserved names mean something to the warehouse or to the command line.
var reserved = map[string]bool{"main": true, "temp": true, "system": true, "information_schema": true, "pg_catalog": true, "regrant": true, "new": true}

// slugOf makes the name of a schema: lower-case letters, digits, underscores.
func slugOf(name string) string {
	slug := strings.Trim(notInSlug.ReplaceAllString(strings.ToLower(name), "_"), "_")
	if slug == "" {
		return ""
	}
	if slug[0] >= '0' && slug[0] <= '9' || reserved[slug] {
		slug = "i_" + slug
	}
	return slug
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func (s *Service) event(integrationID string, kind EventKind, by, text string) Event {
	return Event{ID: newID(), Integration: integrationID, At: s.now(), Kind: kind, By: by, Text: text}
}
