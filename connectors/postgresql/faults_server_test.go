package postgresql

import (
	"context"
	"net"
	"testing"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/testservers/postgres"
)

// expect runs Check and compares the fault; code "" wants none.
func (b bundle) expect(env connector.Env, cause connector.Cause, code string, step connector.Step) {
	b.t.Helper()
	_, err := openEnv(b.t, env).Check(testContext(b.t))
	if code == "" {
		if err != nil {
			b.t.Errorf("Check: %v", err)
		}
		return
	}
	if err == nil {
		b.t.Errorf("Check passed, want %s", code)
		return
	}
	f := faultOf(b.t, err)
	if f.Cause != cause || f.Code != code || f.Step != step || f.Scope != connector.WholeAuthorization {
		b.t.Errorf("got %s %s at %s: %v; want %s %s at %s", f.Cause, f.Code, f.Step, f.Err, cause, code, step)
	}
}

// TestSignIn breaks and mends the authorization in the ways that a real server
// gives on demand.
func TestSignIn(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE DATABASE shut", "CREATE DATABASE small")
	env := b.env()
	const role = testRole
	changed := connector.AccessChanged
	b.expect(env, 0, "", 0)

	wrong := b.env()
	wrong.Secrets = map[string]connector.Secret{"password": connector.NewSecret("wrong")}
	b.expect(wrong, changed, "postgresql.login_refused", connector.StepSignIn)
	nobody := b.env()
	nobody.Settings["user"] = "nobody_here"
	b.expect(nobody, changed, "postgresql.login_refused", connector.StepSignIn)
	gone := b.env()
	gone.Settings["database"] = "gone"
	b.expect(gone, changed, "postgresql.database_missing", connector.StepSignIn)

	b.run("ALTER ROLE " + role + " VALID UNTIL '2020-01-01'")
	b.expect(env, changed, "postgresql.login_refused", connector.StepSignIn)
	b.run("ALTER ROLE " + role + " VALID UNTIL 'infinity' NOLOGIN")
	b.expect(env, changed, "postgresql.role_disabled", connector.StepSignIn)
	b.run("ALTER ROLE "+role+" LOGIN", "REVOKE CONNECT ON DATABASE shut FROM PUBLIC")
	shut := b.env()
	shut.Settings["database"] = "shut"
	b.expect(shut, changed, "postgresql.connect_denied", connector.StepPrivileges)
	b.run("GRANT CONNECT ON DATABASE shut TO PUBLIC", "ALTER DATABASE shut ALLOW_CONNECTIONS false")
	b.expect(shut, changed, "postgresql.database_closed", connector.StepPrivileges)

	b.run("ALTER ROLE " + role + " CONNECTION LIMIT 1")
	held := openEnv(t, env).(*source)
	if _, err := held.Tables(testContext(t)); err != nil {
		t.Fatal(err)
	}
	b.expect(env, connector.Outage, "postgresql.too_many_connections", connector.StepSignIn)
	must(t, held.Close())
	b.run("ALTER ROLE " + role + " CONNECTION LIMIT -1")
	b.expect(env, 0, "", 0)

	must(t, b.SetHBA(testContext(t), "host all postgres 127.0.0.1/32 scram-sha-256"))
	b.expect(env, changed, "postgresql.host_refused", connector.StepSignIn)
	must(t, b.SetHBA(testContext(t), postgres.DefaultHBA()...))
	must(t, b.Stop(testContext(t)))
	b.expect(env, connector.Outage, "net.refused", connector.StepReach)
	must(t, b.Start(testContext(t)))
	b.expect(env, 0, "", 0)
}

// TestFreshConnection: a session that is open does not notice a new password,
// Check must.
func TestFreshConnection(t *testing.T) {
	t.Parallel()
	b := setup(t, ordersSQL)
	s := b.open()
	if _, err := s.Check(testContext(t)); err != nil {
		t.Fatal(err)
	}
	table := tableOf(t, s, "public.orders") // now a session is open
	b.run("ALTER ROLE " + testRole + " PASSWORD 'other'")
	if _, err := tryRead(testContext(t), s, request(table, connector.AutoIncrement, "id")); err != nil {
		t.Errorf("the open session: %v", err)
	}
	_, err := s.Check(testContext(t))
	if f := faultOf(t, err); f.Code != "postgresql.login_refused" {
		t.Errorf("Check: %s", f.Code)
	}
}

func TestExpiryAndIdentity(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE DATABASE second", "ALTER ROLE "+testRole+" VALID UNTIL '2099-01-02 03:04:05+00'")
	first, err := b.open().Check(testContext(t))
	must(t, err)
	if len(first.Expiries) != 1 || first.Expiries[0].At.Year() != 2099 || first.Expiries[0].Source != connector.PasswordValidity {
		t.Errorf("expiries: %v", first.Expiries)
	}
	again, err := b.open().Check(testContext(t))
	must(t, err)
	env := b.env()
	env.Settings["database"] = "second"
	other, err := openEnv(t, env).Check(testContext(t))
	must(t, err)
	if first.Fingerprint == "" || first.Fingerprint != again.Fingerprint || first.Fingerprint == other.Fingerprint {
		t.Errorf("fingerprints %s %s %s", first.Fingerprint, again.Fingerprint, other.Fingerprint)
	}
	if len(first.Warnings) != 1 || first.User != testRole || first.Facts["standby"] != "false" {
		t.Errorf("identity: %+v", first)
	}

	b.run("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
	plain, err := b.open().Check(testContext(t))
	must(t, err)
	if plain.Fingerprint == first.Fingerprint || plain.Facts["identified_by"] == first.Facts["identified_by"] {
		t.Errorf("without the system identifier: %s, %s", plain.Fingerprint, plain.Facts["identified_by"])
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	b := bundle{postgres.Start(t, postgres.WithTLS(), postgres.WithHBA("hostssl all all 127.0.0.1/32 scram-sha-256")), t}.with()
	with := func(mode, ca, name string) connector.Env {
		env := b.env()
		env.Settings["tls_mode"], env.Settings["tls_ca"], env.Settings["tls_server_name"] = mode, ca, name
		return env
	}
	changed := connector.AccessChanged
	b.expect(with("off", "", ""), changed, "postgresql.tls_demanded", connector.StepSignIn)
	b.expect(with("prefer", "", ""), 0, "", 0)
	b.expect(with("require", "", ""), 0, "", 0)
	b.expect(with("verify-ca", b.CAPEM(), ""), 0, "", 0)
	b.expect(with("verify-full", b.CAPEM(), ""), 0, "", 0)
	b.expect(with("verify-full", b.CAPEM(), "db.example.com"), changed, "tls.wrong_name", connector.StepTrust)
	b.expect(with("verify-full", "", ""), changed, "tls.unknown_authority", connector.StepTrust)

	must(t, b.SetHBA(testContext(t), postgres.DefaultHBA()...))
	must(t, b.Set(testContext(t), "ssl", "off"))
	b.expect(with("require", "", ""), changed, "tls.not_offered", connector.StepTrust)
	b.expect(with("prefer", "", ""), 0, "", 0)
}

// TestPrivileges: what may not be read is marked so, by table and column, and
// reading says the same.
func TestPrivileges(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE TABLE open (id int PRIMARY KEY, v text)", "CREATE TABLE closed (id int PRIMARY KEY, v text)", "CREATE TABLE part (id int PRIMARY KEY, v text, secret text)",
		"CREATE TABLE hidden (id int PRIMARY KEY, v text)", "INSERT INTO hidden VALUES (1, 'a')", "CREATE SCHEMA away", "CREATE TABLE away.t (id int PRIMARY KEY)")
	b.run("REVOKE SELECT ON closed, part FROM "+testRole, "GRANT SELECT (id, v) ON part TO "+testRole, "ALTER TABLE hidden ENABLE ROW LEVEL SECURITY", "GRANT SELECT ON away.t TO "+testRole)
	s := b.open()
	for name, code := range map[string]string{"public.open": "", "public.closed": "table_denied", "public.part": "", "public.hidden": "row_security", "away.t": "schema_denied"} {
		table := tableOf(t, s, name)
		if (table.Fault == nil) != (code == "") || table.Fault != nil && (table.Fault.Code != "postgresql."+code || table.Fault.Table != name || table.Fault.Scope != connector.OneTable) {
			t.Errorf("%s: %v", name, table.Fault)
		}
		_, err := tryRead(testContext(t), s, request(table, connector.FullTable, ""))
		if (err == nil) != (code == "") {
			t.Errorf("reading %s: %v", name, err)
		}
	}
	part := tableOf(t, s, "public.part")
	if c, _ := part.Column("secret"); !c.Denied {
		t.Error("the column secret is not marked")
	}
	req := request(part, connector.FullTable, "")
	req.Columns = []string{"id", "secret"}
	_, err := tryRead(testContext(t), s, req)
	if f := faultOf(t, err); f.Code != "postgresql.column_denied" || f.Scope != connector.OneTable {
		t.Errorf("a denied column: %s", f.Code)
	}
}

// TestSchemaChanges: what vanished is a fault of its table only.
func TestSchemaChanges(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE TABLE a (id int PRIMARY KEY, v text)", "CREATE TABLE base (id int)", "CREATE VIEW v AS SELECT * FROM base")
	s := b.open()
	a := tableOf(t, s, "public.a")
	b.run("ALTER TABLE a DROP COLUMN v")
	_, err := tryRead(testContext(t), s, request(a, connector.FullTable, ""))
	if f := faultOf(t, err); f.Code != "postgresql.column_missing" || f.Scope != connector.OneTable || f.Cause != connector.AccessChanged {
		t.Errorf("column: %v", f)
	}
	b.run("DROP TABLE a")
	_, err = tryRead(testContext(t), s, request(a, connector.FullTable, ""))
	if f := faultOf(t, err); f.Code != "postgresql.table_missing" || f.Table != "public.a" {
		t.Errorf("table: %v", f)
	}
}

// TestTerminated cuts the session in the middle of a page; going on from the
// last position gives the same rows.
func TestTerminated(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE TABLE big (id int PRIMARY KEY, v text)", "INSERT INTO big SELECT i, repeat('x', 200) FROM generate_series(1, 200000) i")
	s := b.open()
	req := request(tableOf(t, s, "public.big"), connector.AutoIncrement, "id")
	seen := warehouse{}
	var failure error
	for batch, err := range s.Read(testContext(t), req) {
		if err != nil {
			failure = err
			break
		}
		if batch.Record != nil {
			seen.take(reading{rows: rowsOf(batch.Record)}, "id")
		}
		req.Position = batch.Position
		batch.Release()
		if len(seen) < 40_000 {
			b.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'regrant'")
		}
	}
	f := faultOf(t, failure)
	if f.Cause != connector.Outage || f.Scope != connector.WholeAuthorization {
		t.Errorf("%s %s", f.Cause, f.Code)
	}
	seen.take(read(t, s, req), "id")
	if len(seen) != 200_000 {
		t.Errorf("%d rows in the end", len(seen))
	}
}

// TestNetwork: names and dials that fail are no reason to re-authorize.
func TestNetwork(t *testing.T) {
	t.Parallel()
	b := bundle{nil, t}
	env := connector.Env{Settings: map[string]string{"host": "db.invalid", "port": "5432", "user": "u", "database": "d", "tls_mode": "off"},
		Secrets: map[string]connector.Secret{"password": connector.NewSecret(testPassword)}}
	env.Dial = func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "db.invalid", IsNotFound: true}}
	}
	b.expect(env, connector.Outage, "net.name_not_found", connector.StepReach)
	refused := &connector.Fault{Cause: connector.Invalid, Code: "egress.address_refused", Step: connector.StepReach, Public: "not allowed", Err: net.ErrClosed}
	env.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, refused }
	b.expect(env, connector.Invalid, "egress.address_refused", connector.StepReach)
}
