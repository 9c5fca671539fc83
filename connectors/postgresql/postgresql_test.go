package postgresql

import (
	"context"
	"net"
	"strconv"
	"testing"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/connectortest"
	"github.com/regrant/regrant/internal/testservers/postgres"
)

const (
	canary  = "canary-7f3a9c51-old"
	rotated = "canary-b80e2d64-new"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	b := bundle{postgres.Start(t), t}
	b.run("CREATE ROLE suite LOGIN PASSWORD '"+canary+"'", "CREATE DATABASE other")
	b.run(`CREATE TABLE notes (id bigserial PRIMARY KEY, body text, price numeric(12,2), seen date, tags text[], updated_at timestamptz NOT NULL DEFAULT now())`,
		"CREATE INDEX ON notes (updated_at)",
		`INSERT INTO notes (body, price, seen, tags, updated_at) SELECT 'body ' || i, i / 3.0, date '2020-01-01' + i % 900, ARRAY['a', 'b' || i], now() - interval '1 day' + i * interval '1 second' FROM generate_series(1, 2500) i`,
		"CREATE TABLE plain (v int, w text)", "INSERT INTO plain SELECT i, 'w' FROM generate_series(1, 2500) i",
		"CREATE TABLE named (a text, b int, v text, PRIMARY KEY (a, b))", "INSERT INTO named SELECT CASE WHEN i % 2 = 0 THEN 'ä' ELSE 'Z' END || i, i % 5, 'v' FROM generate_series(1, 2500) i",
		"CREATE TABLE none (id serial PRIMARY KEY, v text)", "CREATE TABLE one (id serial PRIMARY KEY, v text)", "INSERT INTO one (v) VALUES ('x')",
		"CREATE TABLE exactly (id serial PRIMARY KEY)", "INSERT INTO exactly SELECT generate_series(1, 1000)", "CREATE TABLE onemore (id serial PRIMARY KEY)", "INSERT INTO onemore SELECT generate_series(1, 1001)",
		"CREATE TABLE fragile (id int PRIMARY KEY)", "INSERT INTO fragile VALUES (1)",
		"CREATE VIEW shaky AS SELECT 1 / count(*) AS v FROM fragile",
		"GRANT SELECT ON ALL TABLES IN SCHEMA public TO suite")
	b.ExecDB(t, "other", "CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 10)", "GRANT SELECT ON t TO suite")
	connectortest.Run(t, b.harness())
}

// smallRecord makes small tables take several batches.
const smallRecord = 1000

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

// suiteEnv is the suite's role with a password.
func (b bundle) suiteEnv(password, database string) func(testing.TB) connector.Env {
	return func(testing.TB) connector.Env {
		return connector.Env{
			Settings: map[string]string{"host": "127.0.0.1", "port": strconv.Itoa(b.Port()), "user": "suite", "database": database, "tls_mode": "off"},
			Secrets:  map[string]connector.Secret{"password": connector.NewSecret(password)},
			Dial:     (&net.Dialer{}).DialContext,
		}
	}
}

func (b bundle) harness() connectortest.Harness {
	return connectortest.Harness{
		Definition: inSmallRecords(),
		Env:        b.suiteEnv(canary, "postgres"),
		Other:      b.suiteEnv(canary, "other"),
		Rotated: func(t testing.TB) connector.Env {
			b.Exec(t, "ALTER ROLE suite PASSWORD '"+rotated+"'")
			t.Cleanup(func() { b.Exec(t, "ALTER ROLE suite PASSWORD '"+canary+"'") })
			return b.suiteEnv(rotated, "postgres")(t)
		},
		Failures: b.failures(),
		Tables:   []string{"public.notes", "public.plain", "public.named"},
		Sizes: []connectortest.Size{
			{Table: "public.none", Rows: 0}, {Table: "public.one", Rows: 1},
			{Table: "public.exactly", Rows: smallRecord}, {Table: "public.onemore", Rows: smallRecord + 1},
		},
		Changes: []connectortest.Change{{Table: "public.notes", Make: func(t testing.TB) {
			b.Exec(t, "INSERT INTO notes (body, seen) VALUES ('made while reading', current_date)", "UPDATE notes SET body = 'changed while reading', updated_at = now(), seen = current_date WHERE id = 12")
		}}},
		Writes: func(t testing.TB) []string { return b.writes(t) },
		Skip: map[connectortest.Check]string{
			connectortest.Memory: "records are made of garbage-collected memory, there is no allocator to count with",
		},
	}
}

// writes asks the server itself: a transaction that wrote has a number.
func (b bundle) writes(t testing.TB) []string {
	t.Helper()
	w := openWriter(t, b)
	results, err := w.conn.Exec(context.Background(), "SELECT query FROM pg_stat_activity WHERE application_name = 'regrant' AND backend_xid IS NOT NULL").ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var writes []string
	for _, row := range results[0].Rows {
		writes = append(writes, string(row[0]))
	}
	return writes
}

func (b bundle) failures() []connectortest.Failure {
	sql := func(statements ...string) func(testing.TB) {
		return func(t testing.TB) { b.Exec(t, statements...) }
	}
	signIn := func(name, breakSQL, repairSQL, code string, cause connector.Cause) connectortest.Failure {
		return connectortest.Failure{Name: name, At: connectortest.OnCheck, Break: sql(breakSQL), Repair: sql(repairSQL), Want: cause, Code: "postgresql." + code, Step: connector.StepSignIn}
	}
	onRead := func(name, breakSQL, repairSQL, code string, step connector.Step) connectortest.Failure {
		return connectortest.Failure{Name: name, At: connectortest.OnRead, Break: sql(breakSQL), Repair: sql(repairSQL), Table: "public.fragile",
			Want: connector.AccessChanged, Code: "postgresql." + code, Step: step, Scope: connector.OneTable}
	}
	limited := signIn("too many connections", "ALTER ROLE suite CONNECTION LIMIT 0", "ALTER ROLE suite CONNECTION LIMIT -1", "too_many_connections", connector.Outage)
	limited.Retry = true
	return []connectortest.Failure{
		signIn("password changed", "ALTER ROLE suite PASSWORD 'another'", "ALTER ROLE suite PASSWORD '"+canary+"'", "login_refused", connector.AccessChanged),
		signIn("password expired", "ALTER ROLE suite VALID UNTIL '2020-01-01'", "ALTER ROLE suite VALID UNTIL 'infinity'", "login_refused", connector.AccessChanged),
		signIn("role locked", "ALTER ROLE suite NOLOGIN", "ALTER ROLE suite LOGIN", "role_disabled", connector.AccessChanged),
		limited,
		{Name: "server stopped", At: connectortest.OnCheck, Break: func(t testing.TB) { mustTB(t, b.Stop(context.Background())) }, Repair: func(t testing.TB) { mustTB(t, b.Start(context.Background())) },
			Want: connector.Outage, Code: "net.refused", Step: connector.StepReach},
		onRead("select revoked", "REVOKE SELECT ON fragile FROM suite", "GRANT SELECT ON fragile TO suite", "table_denied", connector.StepPrivileges),
		onRead("row security", "ALTER TABLE fragile ENABLE ROW LEVEL SECURITY", "ALTER TABLE fragile DISABLE ROW LEVEL SECURITY", "row_security", connector.StepPrivileges),
		onRead("table renamed", "ALTER TABLE fragile RENAME TO renamed", "ALTER TABLE renamed RENAME TO fragile", "table_missing", connector.StepRead),
		{Name: "a view with an error nobody has seen", At: connectortest.OnRead, Table: "public.shaky", Want: connector.Unknown, Step: connector.StepRead, Scope: connector.OneTable,
			Break: sql("DELETE FROM fragile"), Repair: sql("INSERT INTO fragile VALUES (1)")},
	}
}

func mustTB(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
