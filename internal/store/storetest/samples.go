package storetest

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

// moment is a moment that every engine stores exactly.
var moment = time.Date(2026, 11, 24, 12, 0, 0, 123_456_000, time.UTC)

func newID() string { return rand.Text() }

func newIntegration(name string) integration.Integration {
	id := newID()
	return integration.Integration{
		ID: id, Slug: name + "-" + id[:6], Name: name, Connector: "postgresql", Created: moment, CreatedBy: "ada@example.com",
		Every:         time.Hour,
		Authorization: integration.Authorization{Form: "password", Settings: map[string]string{"host": "db.example.com"}},
	}
}

// full is an integration with a value in every field.
func full(name string) integration.Integration {
	in := newIntegration(name)
	in.Paused, in.NextPull, in.NextProbe, in.Attempts = true, moment.Add(time.Hour), moment.Add(time.Minute), 3
	in.Authorization = authorization(2)
	in.Previous = &integration.Previous{Authorization: authorization(1), Until: moment.Add(24 * time.Hour)}
	in.Draft = &integration.Draft{
		Form: "ssh", Settings: map[string]string{"ssh_host": "bastion"}, Public: map[string]string{"ssh_key": "ssh-ed25519 AAAA"}, Version: 3,
	}
	return in
}

func authorization(version int64) integration.Authorization {
	return integration.Authorization{
		Form: "password", Settings: map[string]string{"host": "db.example.com", "note": "ünïcode \x00 and \"quotes\""},
		Public: map[string]string{"ssh_key": "ssh-ed25519 AAAA"}, Version: version,
		Identity: connector.Identity{
			Fingerprint: "7301/shop", Account: "shop at db.example.com", User: "pull_ro", Facts: map[string]string{"server_version": "15.8"},
			Expiries: []connector.Expiry{{What: "the password of role pull_ro", At: moment.Add(30 * 24 * time.Hour), Source: connector.PasswordValidity}},
			Trust:    map[string]string{"ssh": "SHA256:abc"}, Warnings: []string{"TLS is off"},
		},
		Granted: moment, By: "ada@example.com", Verified: moment.Add(time.Second),
	}
}

func fullTable(in integration.Integration, name string) integration.Table {
	return integration.Table{
		Integration: in.ID, Name: name, Target: "orders", Enabled: true,
		Replication: connector.Replication{Method: connector.ModifiedAt, Column: "updated_at", Reason: "indexed"},
		ByPerson:    true, Excluded: []string{"card"},
		Rechecks: map[string]integration.Recheck{"status": {Every: integration.Daily, Last: moment}}, Key: []string{"id"},
		Columns:   []integration.TableColumn{{Name: "id", SourceType: "bigint", Indexed: true}, {Name: "total", SourceType: "numeric", Denied: true, Lossy: "rounded"}},
		Offers:    []connector.Replication{{Method: connector.FullTable}},
		Estimated: 5_000_000, Seen: moment, Gone: true, LastRead: moment.Add(time.Minute), LastPoint: moment.Add(2 * time.Minute), LastRows: 42, AllowEmpty: true,
	}
}

func fullIncident(in integration.Integration, opened time.Time) integration.Incident {
	return integration.Incident{
		ID: newID(), Integration: in.ID, Table: "public.orders", Cause: connector.AccessChanged, Code: "postgresql.privilege_missing",
		Public: "SELECT was revoked.", Step: connector.StepPrivileges, Facts: map[string]string{"sqlstate": "42501"},
		Confidence: integration.Certain,
		Evidence: []integration.Evidence{{
			Kind: integration.FromFault, Text: "the server refused", Points: integration.Supports, Seen: moment, Details: map[string]string{"a": "b"},
		}},
		Opened: opened, Last: opened.Add(time.Minute), Count: 7, RetryAt: opened.Add(time.Hour), Shared: "own.egress",
	}
}

func fullGap(in integration.Integration) integration.Gap {
	return integration.Gap{
		ID: newID(), Integration: in.ID, Table: "public.orders", Incident: newID(), From: moment, Position: `{"id":7}`, To: moment.Add(time.Hour),
		Receipt: &integration.Receipt{Pull: newID(), Rows: 1, Bytes: 2, SourceRows: -1, WarehouseRows: 4, Exact: true, Note: "n", At: moment},
	}
}

func fullPull(in integration.Integration, started time.Time, outcome integration.Outcome) integration.Pull {
	return integration.Pull{
		ID: newID(), Integration: in.ID, Trigger: integration.ByRepair, By: "ada@example.com", Started: started, Ended: started.Add(time.Minute),
		Outcome: outcome, Rows: 10, Bytes: 1 << 40,
		Tables: []integration.TableResult{{
			Table: "public.orders", Rows: 10, Bytes: 20, Inserted: 1, Updated: 2, Deleted: 3, Took: time.Second, Code: "c", Public: "p", Note: "n",
		}},
	}
}

func event(in integration.Integration, kind integration.EventKind, at time.Time) integration.Event {
	return integration.Event{ID: newID(), Integration: in.ID, At: at, Kind: kind, By: "ada@example.com", Text: "said", Facts: map[string]string{"a": "b"}}
}

// add stores an integration and returns it as stored.
func add(t *testing.T, b *bundle, in integration.Integration) integration.Integration {
	t.Helper()
	apply(t, b, &integration.Change{Integration: &in})
	return in
}

func apply(t *testing.T, b *bundle, c *integration.Change) {
	t.Helper()
	if err := b.Apply(t.Context(), c); err != nil {
		t.Fatalf("apply: %v", err)
	}
}

func record(t *testing.T, b *bundle, id string) integration.Record {
	t.Helper()
	r, err := b.Record(t.Context(), id)
	if err != nil {
		t.Fatalf("record: %v", err)
	}
	return r
}
