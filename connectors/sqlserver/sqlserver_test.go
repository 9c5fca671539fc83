package sqlserver

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/connectortest"
	"github.com/regrant/regrant/internal/testservers/tds"
)

const (
	canary  = "canary-7f3a9c51-old"
	rotated = "canary-b80e2d64-new"
)

// smallRecord makes small tables take several batches.
const smallRecord = 500

func TestConformance(t *testing.T) {
	t.Parallel()
	b := setup(t, suiteTables()...)
	b.db.AddUser("suite", &tds.User{Password: canary})
	b.db.Change(func(db *tds.Database) {
		for _, row := range db.Find("notes").Rows {
			row[5] = db.NextVersion()
		}
	})
	connectortest.Run(t, b.harness(t))
}

func suiteTables() []*tds.Table {
	start := tds.Now().Add(-24 * time.Hour)
	notes := &tds.Table{Schema: "dbo", Name: "notes", Key: []string{"id"}, Indexes: [][]string{{"updated_at"}}, Columns: []tds.TableColumn{
		column("id", "bigint", identity), column("body", "nvarchar(200)"), column("price", "decimal(12,2)"), column("seen", "date"),
		column("updated_at", "datetime2(6)", notNull), column("version", "rowversion", notNull)}}
	plain := &tds.Table{Schema: "dbo", Name: "plain", Columns: []tds.TableColumn{column("v", "int"), column("w", "varchar(10)")}}
	named := &tds.Table{Schema: "dbo", Name: "named", Key: []string{"a", "b"}, Columns: []tds.TableColumn{column("a", "nvarchar(50)", notNull), column("b", "int", notNull), column("v", "varchar(10)")}}
	for i := range int64(1200) {
		notes.Rows = append(notes.Rows, []any{i + 1, fmt.Sprintf("body %d", i), decimal(i*33, 2), time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(i%900)), start.Add(time.Duration(i) * time.Second), nil})
		plain.Rows = append(plain.Rows, []any{i, "w"})
		letter := "Z"
		if i%2 == 0 {
			letter = "ä"
		}
		named.Rows = append(named.Rows, []any{fmt.Sprintf("%s%d", letter, i), i % 5, "v"})
	}
	shaky := &tds.Table{Schema: "dbo", Name: "shaky", View: true, Columns: []tds.TableColumn{column("v", "int")}}
	return []*tds.Table{notes, plain, named, counted("none", 0), counted("one", 1), counted("exactly", smallRecord), counted("onemore", smallRecord+1), counted("fragile", 1), shaky}
}

func counted(name string, rows int64) *tds.Table {
	t := &tds.Table{Schema: "dbo", Name: name, Key: []string{"id"}, Columns: []tds.TableColumn{column("id", "int", identity), column("v", "nvarchar(20)")}}
	for i := range rows {
		t.Rows = append(t.Rows, []any{i + 1, "x"})
	}
	return t
}

func inSmallRecords() connector.Definition {
	d := Definition
	d.Open = func(ctx context.Context, env connector.Env) (connector.Source, error) {
		s, err := open(ctx, env)
		if err == nil {
			s.(*source).rowsEach = smallRecord
		}
		return s, err
	}
	return d
}

func (b bundle) suiteEnv(password string) func(testing.TB) connector.Env {
	return func(testing.TB) connector.Env {
		return connector.Env{
			Settings: map[string]string{"host": "127.0.0.1", "port": strconv.Itoa(b.Port()), "user": "suite", "database": "shop", "tls_mode": "off"},
			Secrets:  map[string]connector.Secret{"password": connector.NewSecret(password)},
			Dial:     (&net.Dialer{}).DialContext,
		}
	}
}

func (b bundle) harness(t *testing.T) connectortest.Harness {
	other := setup(t, counted("t", 10))
	other.db.AddUser("suite", &tds.User{Password: canary})
	other.db.Change(func(db *tds.Database) { db.Broker = "11111111-2222-3333-4444-555555555555" })
	return connectortest.Harness{
		Definition: inSmallRecords(),
		Env:        b.suiteEnv(canary),
		Other:      other.suiteEnv(canary),
		Rotated: func(t testing.TB) connector.Env {
			b.db.AddUser("suite", &tds.User{Password: rotated})
			t.Cleanup(func() { b.db.AddUser("suite", &tds.User{Password: canary}) })
			return b.suiteEnv(rotated)(t)
		},
		Failures: b.failures(),
		Tables:   []string{"dbo.notes", "dbo.plain", "dbo.named"},
		Sizes: []connectortest.Size{
			{Table: "dbo.none", Rows: 0}, {Table: "dbo.one", Rows: 1},
			{Table: "dbo.exactly", Rows: smallRecord}, {Table: "dbo.onemore", Rows: smallRecord + 1},
		},
		Changes: []connectortest.Change{{Table: "dbo.notes", Make: b.change}},
		Writes:  func(testing.TB) []string { return b.db.Writes() },
		Skip: map[connectortest.Check]string{
			connectortest.Memory: "records are made of garbage-collected memory, there is no allocator to count with",
		},
	}
}

// change adds a row and updates another one, as an application would.
func (b bundle) change(testing.TB) {
	b.db.Change(func(db *tds.Database) {
		t := db.Find("notes")
		now := tds.Now()
		today := now.Truncate(24 * time.Hour)
		last := t.Rows[len(t.Rows)-1][0].(int64)
		rows := append([][]any(nil), t.Rows...)
		rows[11] = []any{rows[11][0], "changed while reading", rows[11][2], today, now, db.NextVersion()}
		t.Rows = append(rows, []any{last + 1, "made while reading", nil, today, now, db.NextVersion()})
	})
}

func (b bundle) failures() []connectortest.Failure {
	set := func(f func(*tds.Table)) func(testing.TB) {
		return func(testing.TB) { b.db.Change(func(db *tds.Database) { f(db.Find("fragile")) }) }
	}
	signIn := func(name, code string, cause connector.Cause, retry bool, errs ...tds.Error) connectortest.Failure {
		return connectortest.Failure{Name: name, At: connectortest.OnCheck, Break: func(testing.TB) { b.db.Refuse(errs...) }, Repair: func(testing.TB) { b.db.Refuse() },
			Want: cause, Code: id + "." + code, Step: connector.StepSignIn, Retry: retry}
	}
	onRead := func(name, code string, cause connector.Cause, step connector.Step, breakIt, repair func(*tds.Table)) connectortest.Failure {
		return connectortest.Failure{Name: name, At: connectortest.OnRead, Break: set(breakIt), Repair: set(repair), Table: "dbo.fragile",
			Want: cause, Code: id + "." + code, Step: step, Scope: connector.OneTable}
	}
	failing := func(e tds.Error) func(*tds.Table) { return func(t *tds.Table) { t.Broken = &e } }
	whole := func(t *tds.Table) { t.Broken = nil }
	return []connectortest.Failure{
		{Name: "password changed", At: connectortest.OnCheck, Break: func(testing.TB) { b.db.AddUser("suite", &tds.User{Password: "another"}) },
			Repair: func(testing.TB) { b.db.AddUser("suite", &tds.User{Password: canary}) }, Want: connector.AccessChanged, Code: id + ".login_refused", Step: connector.StepSignIn},
		signIn("password expired", "password_expired", connector.Expired, false, tds.Error{Number: 18487, State: 1, Class: 14, Message: "Login failed: the password of the account has expired."}),
		signIn("login disabled", "login_disabled", connector.AccessChanged, false, tds.Error{Number: 18470, State: 1, Class: 14, Message: "Login failed: the account is disabled."}),
		signIn("database refused", "database_refused", connector.AccessChanged, false, tds.Error{Number: 4060, State: 1, Class: 11, Message: "Cannot open database."}, tds.Error{Number: 18456, State: 1, Class: 14, Message: "Login failed."}),
		signIn("azure is moving the database", "azure_busy", connector.Outage, true, tds.Error{Number: 40613, State: 1, Class: 17, Message: "Database is not currently available."}),
		{Name: "server stopped", At: connectortest.OnCheck, Break: func(testing.TB) { b.Stop() }, Repair: func(t testing.TB) { mustTB(t, b.Start()) }, Want: connector.Outage, Code: "net.refused", Step: connector.StepReach},
		onRead("select denied", "table_denied", connector.AccessChanged, connector.StepPrivileges, func(t *tds.Table) { t.Denied = true }, func(t *tds.Table) { t.Denied = false }),
		onRead("select denied under our eyes", "table_denied", connector.AccessChanged, connector.StepPrivileges, failing(tds.Error{Number: 229, State: 5, Class: 14, Message: "The SELECT permission was denied."}), whole),
		onRead("every permission lost", "table_missing", connector.AccessChanged, connector.StepRead, func(t *tds.Table) { t.Hidden = true }, func(t *tds.Table) { t.Hidden = false }),
		onRead("an error nobody has seen", "error_54321", connector.Unknown, connector.StepRead, failing(tds.Error{Number: 54321, State: 1, Class: 16, Message: "Never seen."}), whole),
	}
}

func mustTB(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
