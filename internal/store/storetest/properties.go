package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

var properties = []named{
	{"AnyValuesComeBack", anyValuesComeBack},
}

// anyValuesComeBack stores whatever the types can hold and reads it again,
// with all that was stored before still in place.
func anyValuesComeBack(t *testing.T, b *bundle) {
	ctx := t.Context()
	rapid.Check(t, func(rt *rapid.T) {
		in := anyIntegration(rt)
		c := anyParts(rt, in)
		c.Integration = &in
		if err := b.Apply(ctx, c); err != nil {
			rt.Fatalf("apply: %v", err)
		}
		stored(ctx, rt, b, c)
		in.Name, in.Previous = anyText.Draw(rt, "new name"), nil
		if err := b.Apply(ctx, &integration.Change{Integration: &in}); err != nil {
			rt.Fatalf("apply again: %v", err)
		}
		stored(ctx, rt, b, c)
	})
}

func stored(ctx context.Context, t *rapid.T, b *bundle, c *integration.Change) {
	got, err := b.Record(ctx, c.Integration.ID)
	if err != nil {
		t.Fatalf("record: %v", err)
	}
	want := integration.Record{Integration: *c.Integration, Tables: c.Tables, LastPull: c.Pull}
	for _, i := range c.Incidents {
		if i.Open() {
			want.Incidents = append(want.Incidents, i)
		}
	}
	for _, g := range c.Gaps {
		if g.Open() {
			want.Gaps = append(want.Gaps, g)
		}
	}
	if c.Pull.Outcome == integration.Succeeded || c.Pull.Outcome == integration.Partly {
		want.LastGood = c.Pull
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("record differs (-want +got):\n%s", diff)
	}
}

var (
	anyText   = rapid.String()
	someTexts = rapid.SliceOfN(anyText, 0, 3)
	facts     = rapid.MapOfN(anyText, anyText, 0, 3)
	anyCause  = rapid.Map(rapid.IntRange(0, 6), func(n int) connector.Cause { return connector.Cause(n) })
	anyStep   = rapid.Map(rapid.IntRange(0, 6), func(n int) connector.Step { return connector.Step(n) })
	// anyTime is a moment as exact as is stored, or none.
	anyTime = rapid.Map(rapid.Int64Range(-1, 1<<50), func(n int64) time.Time {
		if n < 0 {
			return time.Time{}
		}
		return time.UnixMicro(n).UTC()
	})
	anyMethod = rapid.SampledFrom([]connector.Method{connector.ModifiedAt, connector.FullTable, connector.Paused, ""})
	anyCopy   = rapid.Custom(func(t *rapid.T) connector.Replication {
		return connector.Replication{Method: anyMethod.Draw(t, "method"), Column: anyText.Draw(t, "column"), Reason: anyText.Draw(t, "reason")}
	})
	anyExpiry = rapid.Custom(func(t *rapid.T) connector.Expiry {
		return connector.Expiry{What: anyText.Draw(t, "what"), At: anyTime.Draw(t, "at"), Source: connector.Certificate}
	})
	anyEvidence = rapid.Custom(func(t *rapid.T) integration.Evidence {
		return integration.Evidence{Kind: integration.FromControl, Text: anyText.Draw(t, "text"), Points: integration.Contradicts, Seen: anyTime.Draw(t, "seen"), Details: facts.Draw(t, "details")}
	})
	anyColumn = rapid.Custom(func(t *rapid.T) integration.TableColumn {
		return integration.TableColumn{Name: anyText.Draw(t, "name"), SourceType: anyText.Draw(t, "type"), Indexed: rapid.Bool().Draw(t, "indexed"), Denied: rapid.Bool().Draw(t, "denied"), Lossy: anyText.Draw(t, "lossy")}
	})
	anyRecheck = rapid.Custom(func(t *rapid.T) integration.Recheck {
		return integration.Recheck{Every: integration.Weekly, Last: anyTime.Draw(t, "last")}
	})
	anyResult = rapid.Custom(func(t *rapid.T) integration.TableResult {
		return integration.TableResult{Table: anyText.Draw(t, "table"), Rows: rapid.Int64().Draw(t, "rows"), Took: time.Duration(rapid.Int64().Draw(t, "took")), Note: anyText.Draw(t, "note")}
	})
	anyOutcome = rapid.SampledFrom([]integration.Outcome{integration.Running, integration.Succeeded, integration.Partly, integration.Failed, integration.Interrupted})
)

func anyAuthorization(t *rapid.T) integration.Authorization {
	return integration.Authorization{
		Form: anyText.Draw(t, "form"), Settings: facts.Draw(t, "settings"), Public: facts.Draw(t, "public"), Version: rapid.Int64().Draw(t, "version"),
		Identity: connector.Identity{
			Fingerprint: anyText.Draw(t, "fingerprint"), Account: anyText.Draw(t, "account"), User: anyText.Draw(t, "user"), Facts: facts.Draw(t, "facts"),
			Expiries: rapid.SliceOfN(anyExpiry, 0, 2).Draw(t, "expiries"), Trust: facts.Draw(t, "trust"), Warnings: someTexts.Draw(t, "warnings"),
		},
		Granted: anyTime.Draw(t, "granted"), By: anyText.Draw(t, "by"), Verified: anyTime.Draw(t, "verified"),
	}
}

func anyIntegration(t *rapid.T) integration.Integration {
	in := integration.Integration{
		ID: newID(), Slug: newID(), Name: anyText.Draw(t, "name"), Connector: anyText.Draw(t, "connector"), Created: anyTime.Draw(t, "created"),
		CreatedBy: anyText.Draw(t, "created by"), Paused: rapid.Bool().Draw(t, "paused"), Every: time.Duration(rapid.Int64().Draw(t, "every")),
		NextPull: anyTime.Draw(t, "next pull"), NextProbe: anyTime.Draw(t, "next probe"), Attempts: rapid.Int().Draw(t, "attempts"),
		Authorization: anyAuthorization(t),
	}
	if rapid.Bool().Draw(t, "has previous") {
		in.Previous = &integration.Previous{Authorization: anyAuthorization(t), Until: anyTime.Draw(t, "until")}
	}
	if rapid.Bool().Draw(t, "has draft") {
		in.Draft = &integration.Draft{Form: anyText.Draw(t, "draft form"), Settings: facts.Draw(t, "draft settings"), Public: facts.Draw(t, "draft public"), Version: 1}
	}
	return in
}

func anyParts(t *rapid.T, in integration.Integration) *integration.Change {
	c := &integration.Change{}
	for n := range rapid.IntRange(0, 2).Draw(t, "tables") {
		c.Tables = append(c.Tables, anyTable(t, in, fmt.Sprint(n)))
	}
	for n := range rapid.IntRange(0, 2).Draw(t, "incidents") {
		c.Incidents = append(c.Incidents, anyIncident(t, in, moment.Add(time.Duration(n)*time.Second)))
	}
	for range rapid.IntRange(0, 2).Draw(t, "gaps") {
		g := integration.Gap{
			ID: newID(), Integration: in.ID, Table: anyText.Draw(t, "gap of"), Incident: anyText.Draw(t, "incident"), From: anyTime.Draw(t, "from"),
			Position: connector.Position(anyText.Draw(t, "position")), To: anyTime.Draw(t, "to"), Closed: anyTime.Draw(t, "gap closed"),
		}
		if rapid.Bool().Draw(t, "has receipt") {
			g.Receipt = &integration.Receipt{Pull: anyText.Draw(t, "pull"), Rows: rapid.Int64().Draw(t, "receipt rows"), At: anyTime.Draw(t, "receipt at")}
		}
		c.Gaps = append(c.Gaps, g)
	}
	c.Pull = &integration.Pull{
		ID: newID(), Integration: in.ID, Trigger: integration.ByRetry, By: anyText.Draw(t, "pulled by"), Started: anyTime.Draw(t, "started"), Ended: anyTime.Draw(t, "ended"),
		Outcome: anyOutcome.Draw(t, "outcome"), Rows: rapid.Int64().Draw(t, "pull rows"), Bytes: rapid.Int64().Draw(t, "pull bytes"),
		Tables: rapid.SliceOfN(anyResult, 0, 2).Draw(t, "results"),
	}
	return c
}

func anyTable(t *rapid.T, in integration.Integration, name string) integration.Table {
	return integration.Table{
		Integration: in.ID, Name: name, Target: anyText.Draw(t, "target"), Enabled: rapid.Bool().Draw(t, "enabled"), Replication: anyCopy.Draw(t, "replication"),
		ByPerson: rapid.Bool().Draw(t, "by person"), Excluded: someTexts.Draw(t, "excluded"), Rechecks: rapid.MapOfN(anyText, anyRecheck, 0, 2).Draw(t, "rechecks"),
		Key: someTexts.Draw(t, "key"), Columns: rapid.SliceOfN(anyColumn, 0, 2).Draw(t, "columns"), Offers: rapid.SliceOfN(anyCopy, 0, 2).Draw(t, "offers"),
		Estimated: rapid.Int64().Draw(t, "estimated"), Seen: anyTime.Draw(t, "table seen"), Gone: rapid.Bool().Draw(t, "gone"), LastRead: anyTime.Draw(t, "last read"),
		LastPoint: anyTime.Draw(t, "last point"), LastRows: rapid.Int64().Draw(t, "last rows"), AllowEmpty: rapid.Bool().Draw(t, "allow empty"),
	}
}

func anyIncident(t *rapid.T, in integration.Integration, opened time.Time) integration.Incident {
	return integration.Incident{
		ID: newID(), Integration: in.ID, Table: anyText.Draw(t, "incident of"), Cause: anyCause.Draw(t, "cause"), Code: anyText.Draw(t, "code"), Public: anyText.Draw(t, "incident public"),
		Step: anyStep.Draw(t, "step"), Facts: facts.Draw(t, "incident facts"), Confidence: integration.Unsure, Evidence: rapid.SliceOfN(anyEvidence, 0, 2).Draw(t, "evidence"),
		Opened: opened, Last: anyTime.Draw(t, "last"), Count: rapid.Int().Draw(t, "count"), RetryAt: anyTime.Draw(t, "retry"), Shared: anyText.Draw(t, "shared"),
		Closed: anyTime.Draw(t, "closed"), Resolution: integration.Healed,
	}
}
