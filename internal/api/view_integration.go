package api

import (
	"time"

	"github.com/regrant/regrant/client"
	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

// moment is a time that may be absent.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// shortView is an integration as a line of a list: without tables, and without
// guides, which are long and the same for many.
func shortView(v integration.View) client.Integration {
	in := v.Integration
	out := client.Integration{
		ID: in.ID, Slug: in.Slug, Name: in.Name, Connector: in.Connector, ConnectorTitle: v.Title,
		Created: in.Created.UTC(), CreatedBy: in.CreatedBy, Paused: in.Paused,
		EverySeconds: int64(in.Every / time.Second), NextPull: moment(in.NextPull),
		Status: statusView(v.Status), Horizon: expiryView(v.Horizon),
		LastPull: summary(v.LastPull), LastGood: summary(v.LastGood), LastPoint: moment(lastPoint(v.Tables)),
	}
	if in.Finished() {
		out.Authorization = authorizationView(in.Authorization)
	} else {
		out.Draft = draftView(in)
	}
	if in.Previous != nil {
		out.UndoUntil = moment(in.Previous.Until)
	}
	return out
}

// fullView is an integration with its tables and what is open.
func (s *server) fullView(v integration.View) client.Integration {
	out := shortView(v)
	s.guide(v.Integration, out.Draft)
	out.Tables, out.LastPull, out.LastGood = tableViews(v.Record), pullPointer(v.LastPull), pullPointer(v.LastGood)
	for _, i := range v.Incidents {
		out.Incidents = append(out.Incidents, incidentView(i))
	}
	for _, g := range v.Gaps {
		out.Gaps = append(out.Gaps, gapView(g))
	}
	return out
}

func lastPoint(tables []integration.Table) (last time.Time) {
	for _, t := range tables {
		if t.LastPoint.After(last) {
			last = t.LastPoint
		}
	}
	return last
}

func statusView(s integration.Status) client.Status {
	out := client.Status{
		State: string(s.State), Word: s.Word, Since: moment(s.Since), Until: moment(s.Until), Actor: string(s.Actor), Next: s.Next,
		Problem: s.Problem(), Running: s.Running, Readable: s.Readable, Enabled: s.Enabled,
	}
	if s.Incident != nil {
		i := incidentView(*s.Incident)
		out.Incident = &i
	}
	return out
}

func authorizationView(a integration.Authorization) *client.Authorization {
	out := &client.Authorization{
		Form: a.Form, Settings: notNil(a.Settings), Public: a.Public, Account: a.Identity.Account, User: a.Identity.User,
		Fingerprint: a.Identity.Fingerprint, Facts: a.Identity.Facts, Warnings: a.Identity.Warnings,
		Granted: a.Granted.UTC(), By: a.By, Verified: moment(a.Verified),
	}
	for n := range a.Identity.Expiries {
		out.Expiries = append(out.Expiries, *expiryView(&a.Identity.Expiries[n]))
	}
	return out
}

func notNil(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func expiryView(e *connector.Expiry) *client.Expiry {
	if e == nil {
		return nil
	}
	return &client.Expiry{What: e.What, At: e.At.UTC(), Source: string(e.Source)}
}

func draftView(in integration.Integration) *client.Draft {
	if in.Draft == nil {
		return nil
	}
	return &client.Draft{Form: in.Draft.Form, Settings: in.Draft.Settings, Public: in.Draft.Public}
}

// guide adds what to do at the third party, made from what was typed and from
// the public halves of generated keys.
func (s *server) guide(in integration.Integration, draft *client.Draft) {
	d, err := s.Heart.Catalogue().Find(in.Connector)
	if err != nil || draft == nil {
		return
	}
	if form, ok := d.Form(draft.Form); ok {
		draft.Guide = guideView(form, merge(defaults(form), draft.Settings, draft.Public))
	}
}

func merge(maps ...map[string]string) map[string]string {
	out := make(map[string]string)
	for _, m := range maps {
		for k, v := range m {
			if v != "" {
				out[k] = v
			}
		}
	}
	return out
}
