package sqlite_test

import (
	"context"
	"database/sql"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/store/sqlite"
)

var update = flag.Bool("update", false, "write the dump of this version's database")

// thisVersion is the number of the newest migration. A release freezes its
// dump: a new migration raises the number and leaves the older files alone.
const thisVersion = "00001"

// TestUpgrade opens the database of every released version and finds all that
// was stored in it. It is also what keeps stored names: renaming a field that
// is stored as JSON loses its value here first.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	if *update {
		dump(t, filepath.Join("testdata", thisVersion+".sql"))
	}
	dumps, err := filepath.Glob("testdata/*.sql")
	if err != nil || len(dumps) == 0 {
		t.Fatalf("dumps: %v, %v", dumps, err)
	}
	newest, err := filepath.Glob("migrations/*.sql")
	if err != nil || len(newest) != len(dumps) || !strings.HasPrefix(filepath.Base(newest[len(newest)-1]), thisVersion) {
		t.Errorf("%d migrations, %d dumps: each version needs one (%v)", len(newest), len(dumps), err)
	}
	for _, file := range dumps {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "state.db")
			restore(t, file, path)
			db, err := sqlite.Open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			got, err := db.Store().Record(t.Context(), "shop")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(golden(), got); diff != "" {
				t.Errorf("record differs (-want +got):\n%s", diff)
			}
		})
	}
}

func restore(t *testing.T, file, path string) {
	t.Helper()
	statements, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), string(statements)); err != nil {
		t.Fatal(err)
	}
}

// dump writes the schema and rows of a database that holds golden.
func dump(t *testing.T, file string) {
	t.Helper()
	ctx := t.Context()
	db, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	g := golden()
	g.Integration.Revision = 0
	change := &integration.Change{Integration: &g.Integration, Tables: g.Tables, Incidents: g.Incidents, Gaps: g.Gaps, Pull: g.LastPull,
		Events: []integration.Event{{ID: "e1", Integration: "i1", At: g.Integration.Created, Kind: integration.EventCreated, By: "ada@example.com", Text: "Created."}}}
	if err := db.Store().Apply(ctx, change); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(dumped(ctx, t, db.Read)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func dumped(ctx context.Context, t *testing.T, db *sql.DB) string {
	t.Helper()
	var b strings.Builder
	schema := texts(ctx, t, db, `SELECT sql || ';' FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY type DESC, rowid`)
	b.WriteString(strings.Join(schema, "\n") + "\n")
	for _, table := range texts(ctx, t, db, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid`) {
		columns := texts(ctx, t, db, `SELECT 'quote("' || name || '")' FROM pragma_table_info('`+table+`')`)
		rows := texts(ctx, t, db, `SELECT 'INSERT INTO `+table+` VALUES (' || `+strings.Join(columns, ` || ', ' || `)+` || ');' FROM `+table)
		for _, row := range rows {
			b.WriteString(row + "\n")
		}
	}
	return b.String()
}

func texts(ctx context.Context, t *testing.T, db *sql.DB, query string) (all []string) {
	t.Helper()
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// golden has a value in every stored field.
func golden() integration.Record {
	at := time.Date(2026, 11, 24, 12, 0, 0, 123_456_000, time.UTC)
	authorization := integration.Authorization{
		Form: "password", Settings: map[string]string{"host": "db.example.com"}, Public: map[string]string{"ssh_key": "ssh-ed25519 AAAA"}, Version: 2,
		Identity: connector.Identity{
			Fingerprint: "7301/shop", Account: "shop at db.example.com", User: "pull_ro", Facts: map[string]string{"server_version": "15.8"},
			Expiries: []connector.Expiry{{What: "the password of role pull_ro", At: at, Source: connector.PasswordValidity}},
			Trust:    map[string]string{"ssh": "SHA256:abc"}, Warnings: []string{"TLS is off"},
		},
		Granted: at, By: "ada@example.com", Verified: at,
	}
	pull := &integration.Pull{
		ID: "p1", Integration: "i1", Trigger: integration.ByPlan, By: "schedule", Started: at, Ended: at, Outcome: integration.Partly, Rows: 10, Bytes: 20,
		Tables: []integration.TableResult{{Table: "public.orders", Rows: 1, Bytes: 2, Inserted: 3, Updated: 4, Deleted: 5, Took: 6, Code: "c", Public: "p", Note: "n"}},
	}
	return integration.Record{
		Integration: integration.Integration{
			ID: "i1", Slug: "shop", Name: "Shop", Connector: "postgresql", Revision: 1, Created: at, CreatedBy: "ada@example.com", Paused: true, Every: time.Hour,
			NextPull: at, NextProbe: at, Attempts: 3, Authorization: authorization,
			Previous: &integration.Previous{Authorization: authorization, Until: at},
			Draft:    &integration.Draft{Form: "ssh", Settings: map[string]string{"a": "b"}, Public: map[string]string{"c": "d"}, Version: 4},
		},
		Tables: []integration.Table{{
			Integration: "i1", Name: "public.orders", Target: "orders", Enabled: true,
			Replication: connector.Replication{Method: connector.ModifiedAt, Column: "updated_at", Reason: "indexed"}, ByPerson: true, Excluded: []string{"card"},
			Rechecks: map[string]integration.Recheck{"status": {Every: integration.Daily, Last: at}}, Key: []string{"id"},
			Columns: []integration.TableColumn{{Name: "id", SourceType: "bigint", Indexed: true, Denied: true, Lossy: "rounded"}},
			Offers:  []connector.Replication{{Method: connector.FullTable, Column: "x", Reason: "y"}}, Estimated: 5, Seen: at, Gone: true,
			LastRead: at, LastPoint: at, LastRows: 6, AllowEmpty: true,
		}},
		Incidents: []integration.Incident{{
			ID: "n1", Integration: "i1", Table: "public.orders", Cause: connector.AccessChanged, Code: "postgresql.privilege_missing", Public: "SELECT was revoked.",
			Step: connector.StepPrivileges, Facts: map[string]string{"sqlstate": "42501"}, Confidence: integration.Certain,
			Evidence: []integration.Evidence{{Kind: integration.FromFault, Text: "refused", Points: integration.Supports, Seen: at, Details: map[string]string{"a": "b"}}},
			Opened:   at, Last: at, Count: 7, RetryAt: at, Shared: "own.egress", Resolution: integration.Withdrawn,
		}},
		Gaps: []integration.Gap{{
			ID: "g1", Integration: "i1", Table: "public.orders", Incident: "n1", From: at, Position: `{"id":7}`, To: at,
			Receipt: &integration.Receipt{Pull: "p1", Rows: 1, Bytes: 2, SourceRows: -1, WarehouseRows: 4, Exact: true, Note: "n", At: at},
		}},
		LastPull: pull, LastGood: pull,
	}
}
