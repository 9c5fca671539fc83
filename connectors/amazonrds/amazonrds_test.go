package amazonrds

import (
	"context"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/connectortest"
	"github.com/regrant/regrant/internal/testservers/postgres"
)

// rows of a record of the connector for PostgreSQL.
const recordRows = 32 << 10

const (
	canary  = "canary-7f3a9c51-old"
	rotated = "canary-b80e2d64-new"
)

// bundle is a PostgreSQL that looks like one on RDS, and the Amazon before it.
type bundle struct {
	*postgres.Server
	*amazon
	directory string // port of the judge
	t         testing.TB
}

// setup makes the role "suite" sign in with tokens, as RDS does by PAM, here by
// LDAP: the server hands the token on and says 28000 when it is refused. The
// role "plain" signs in with a password.
func setup(t testing.TB) bundle {
	t.Helper()
	a := newAmazon(t)
	host, port, err := net.SplitHostPort(directory(t, a.judge))
	must(t, err)
	s := postgres.Start(t, postgres.WithTLS(testHost), postgres.WithHBA(
		"hostssl all suite 127.0.0.1/32 ldap ldapserver="+host+" ldapport="+port+` ldapprefix="cn=" ldapsuffix=",dc=rds"`,
		"hostssl all plain 127.0.0.1/32 scram-sha-256"))
	b := bundle{Server: s, amazon: a, directory: port, t: t}
	b.Exec(t, "CREATE ROLE suite LOGIN", "CREATE ROLE plain LOGIN PASSWORD '"+canary+"'", "CREATE DATABASE other")
	return b
}

func (b bundle) tables() {
	b.Exec(b.t, `CREATE TABLE notes (id bigserial PRIMARY KEY, body text, price numeric(12,2), updated_at timestamptz NOT NULL DEFAULT now())`,
		"CREATE INDEX ON notes (updated_at)",
		`INSERT INTO notes (body, price, updated_at) SELECT 'body ' || i, i / 3.0, now() - interval '2 days' + i * interval '1 second' FROM generate_series(1, 40000) i`,
		"CREATE TABLE plain (v int)", "INSERT INTO plain SELECT i FROM generate_series(1, 33000) i",
		"CREATE TABLE none (id serial PRIMARY KEY)", "CREATE TABLE one (id serial PRIMARY KEY, v text)", "INSERT INTO one (v) VALUES ('x')",
		"CREATE TABLE exactly (id int PRIMARY KEY)", "INSERT INTO exactly SELECT generate_series(1, "+strconv.Itoa(recordRows)+")",
		"CREATE TABLE onemore (id int PRIMARY KEY)", "INSERT INTO onemore SELECT generate_series(1, "+strconv.Itoa(recordRows+1)+")",
		"CREATE TABLE fragile (id int PRIMARY KEY)", "INSERT INTO fragile VALUES (1)", "CREATE VIEW shaky AS SELECT 1 / count(*) AS v FROM fragile",
		"GRANT SELECT ON ALL TABLES IN SCHEMA public TO suite, plain")
	b.ExecDB(b.t, "other", "CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 10)", "GRANT SELECT ON t TO suite, plain")
}

// TestConformance signs in with IAM: a fresh token for every session.
func TestConformance(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.tables()
	h := b.harness()
	h.Env = func(testing.TB) connector.Env { return b.iamEnv() }
	h.Other = func(testing.TB) connector.Env { return with(b.iamEnv(), "database", "other") }
	h.Rotated = func(testing.TB) connector.Env {
		env := with(b.iamEnv(), "aws_access_key_id", otherKey)
		env.Secrets = map[string]connector.Secret{"aws_secret_access_key": connector.NewSecret(otherPlain)}
		return env
	}
	h.Failures = append(h.Failures, b.iamFailures()...)
	connectortest.Run(t, h)
}

// TestConformanceWithPassword does the same with a password.
func TestConformanceWithPassword(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.tables()
	h := b.harness()
	h.Env = func(testing.TB) connector.Env { return b.passwordEnv(canary) }
	h.Other = func(testing.TB) connector.Env { return with(b.passwordEnv(canary), "database", "other") }
	h.Rotated = func(t testing.TB) connector.Env {
		b.Exec(t, "ALTER ROLE plain PASSWORD '"+rotated+"'")
		t.Cleanup(func() { b.Exec(t, "ALTER ROLE plain PASSWORD '"+canary+"'") })
		return b.passwordEnv(rotated)
	}
	h.Failures = append(h.Failures, connectortest.Failure{Name: "password changed", At: connectortest.OnCheck, Break: b.sql("ALTER ROLE plain PASSWORD 'another'"), Repair: b.sql("ALTER ROLE plain PASSWORD '" + canary + "'"),
		Want: connector.AccessChanged, Code: "postgresql.login_refused", Step: connector.StepSignIn})
	connectortest.Run(t, h)
}

func (b bundle) iamEnv() connector.Env { return b.amazon.env("postgresql", b.Port(), b.CAPEM()) }

func (b bundle) passwordEnv(password string) connector.Env {
	return connector.Env{
		Settings: map[string]string{"engine": "postgresql", "host": "127.0.0.1", "endpoint": testHost, "port": strconv.Itoa(b.Port()), "user": "plain", "database": "postgres", "tls_ca": b.CAPEM()},
		Secrets:  map[string]connector.Secret{"password": connector.NewSecret(password)},
		Dial:     (&net.Dialer{}).DialContext,
	}
}

func with(env connector.Env, name, value string) connector.Env {
	settings := map[string]string{name: value}
	for k, v := range env.Settings {
		if k != name {
			settings[k] = v
		}
	}
	env.Settings = settings
	return env
}

func (b bundle) sql(statements ...string) func(testing.TB) {
	return func(t testing.TB) { b.Exec(t, statements...) }
}

func (b bundle) harness() connectortest.Harness {
	onRead := func(name, breakSQL, repairSQL, code string, step connector.Step) connectortest.Failure {
		return connectortest.Failure{Name: name, At: connectortest.OnRead, Break: b.sql(breakSQL), Repair: b.sql(repairSQL), Table: "public.fragile",
			Want: connector.AccessChanged, Code: "postgresql." + code, Step: step, Scope: connector.OneTable}
	}
	return connectortest.Harness{
		Definition: Definition,
		Failures: []connectortest.Failure{
			{Name: "instance stopped", At: connectortest.OnCheck, Break: func(t testing.TB) { must(t, b.Stop(context.Background())) }, Repair: func(t testing.TB) { must(t, b.Start(context.Background())) },
				Want: connector.Outage, Code: "net.refused", Step: connector.StepReach},
			onRead("select revoked", "REVOKE SELECT ON fragile FROM suite, plain", "GRANT SELECT ON fragile TO suite, plain", "table_denied", connector.StepPrivileges),
			onRead("table renamed", "ALTER TABLE fragile RENAME TO renamed", "ALTER TABLE renamed RENAME TO fragile", "table_missing", connector.StepRead),
			{Name: "a view with an error nobody has seen", At: connectortest.OnRead, Table: "public.shaky", Want: connector.Unknown, Step: connector.StepRead, Scope: connector.OneTable,
				Break: b.sql("DELETE FROM fragile"), Repair: b.sql("INSERT INTO fragile VALUES (1)")},
		},
		Tables: []string{"public.notes", "public.plain"},
		Sizes: []connectortest.Size{
			{Table: "public.none", Rows: 0}, {Table: "public.one", Rows: 1},
			{Table: "public.exactly", Rows: recordRows}, {Table: "public.onemore", Rows: recordRows + 1},
		},
		Changes: []connectortest.Change{{Table: "public.notes", Make: func(t testing.TB) {
			b.Exec(t, "INSERT INTO notes (body) VALUES ('made while reading')", "UPDATE notes SET body = 'changed while reading', updated_at = now() WHERE id = 12")
		}}},
		Writes: b.writes,
		Skip: map[connectortest.Check]string{
			connectortest.Memory: "records are made of garbage-collected memory, there is no allocator to count with",
		},
	}
}

// writes asks the server itself: a transaction that wrote has a number.
func (b bundle) writes(t testing.TB) []string {
	t.Helper()
	ctx := context.Background()
	conn, err := pgconn.Connect(ctx, "host="+b.Dir()+" port="+strconv.Itoa(b.Port())+" user=postgres dbname=postgres password="+b.Password())
	must(t, err)
	defer conn.Close(ctx)
	results, err := conn.Exec(ctx, "SELECT query FROM pg_stat_activity WHERE application_name = 'regrant' AND backend_xid IS NOT NULL").ReadAll()
	must(t, err)
	var writes []string
	for _, row := range results[0].Rows {
		writes = append(writes, string(row[0]))
	}
	return writes
}

// iamFailures are what AWS can do to an authorization.
func (b bundle) iamFailures() []connectortest.Failure {
	a := b.amazon
	aws := func(name string, breakIt, repair func(), cause connector.Cause, code string) connectortest.Failure {
		return connectortest.Failure{Name: name, At: connectortest.OnCheck, Want: cause, Code: code, Step: connector.StepSignIn,
			Break: func(testing.TB) { a.set(breakIt) }, Repair: func(testing.TB) { a.set(repair) }}
	}
	return []connectortest.Failure{
		aws("access key deleted", func() { delete(a.keys, testKey) }, func() { a.keys[testKey] = testSecret }, connector.AccessChanged, "amazonrds.aws_key_gone"),
		aws("another secret", func() { a.keys[testKey] = "another" }, func() { a.keys[testKey] = testSecret }, connector.AccessChanged, "amazonrds.aws_secret_wrong"),
		aws("session ended", func() { a.ended[testKey] = true }, func() { a.ended[testKey] = false }, connector.Expired, "amazonrds.aws_session_expired"),
		aws("policy taken away", func() { a.policy = false }, func() { a.policy = true }, connector.AccessChanged, "amazonrds.iam_denied"),
		aws("our clock is wrong", func() { a.ahead = 20 * time.Minute }, func() { a.ahead = 0 }, connector.Ours, "amazonrds.clock_wrong"),
		aws("refused while AWS does not answer", func() { a.policy, a.down = false, true }, func() { a.policy, a.down = true, false }, connector.AccessChanged, "amazonrds.iam_refused"),
		{Name: "role locked", At: connectortest.OnCheck, Break: b.sql("ALTER ROLE suite NOLOGIN"), Repair: b.sql("ALTER ROLE suite LOGIN"), Want: connector.AccessChanged, Code: "postgresql.role_disabled", Step: connector.StepSignIn},
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
