package mysql

import (
	"context"
	"fmt"
	"net"
	"testing"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/testservers/mysql"
)

// expect runs Check and compares the fault; code "" wants none.
func (b bundle) expect(env connector.Env, cause connector.Cause, code string, step connector.Step) {
	b.t.Helper()
	s, err := Definition.Open(context.Background(), env)
	must(b.t, err)
	defer s.Close()
	_, err = s.Check(testContext(b.t))
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

// with is an authorization with some values changed.
func (b bundle) with(pairs ...string) connector.Env {
	env := b.env()
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i] == "password" {
			env.Secrets["password"] = connector.NewSecret(pairs[i+1])
			continue
		}
		env.Settings[pairs[i]] = pairs[i+1]
	}
	return env
}

// TestSignIn breaks and mends the authorization in the ways that a real server
// gives on demand.
func TestSignIn(t *testing.T) {
	t.Parallel()
	const signIn, changed = connector.StepSignIn, connector.AccessChanged
	each(t, mysql.Config{}, func(t *testing.T, b bundle) {
		who := testUser + "@'%'"
		b.expect(b.env(), 0, "", 0)
		b.expect(b.with("password", "wrong"), changed, "mysql.login_refused", signIn)
		b.expect(b.with("user", "nobody_here"), changed, "mysql.login_refused", signIn)
		b.expect(b.with("database", "gone"), changed, "mysql.database_denied", connector.StepPrivileges)

		b.Exec(t, "CREATE USER wide@'%' IDENTIFIED BY 'wide-secret'", "GRANT SELECT ON *.* TO wide@'%'")
		b.expect(b.with("user", "wide", "password", "wide-secret", "database", "gone"), changed, "mysql.database_missing", signIn)

		b.Exec(t, "ALTER USER "+who+" ACCOUNT LOCK")
		b.expect(b.env(), changed, "mysql.account_locked", signIn)
		b.Exec(t, "ALTER USER "+who+" ACCOUNT UNLOCK", "ALTER USER "+who+" PASSWORD EXPIRE")
		b.expect(b.env(), connector.Expired, "mysql.password_expired", signIn)
		b.Exec(t, "ALTER USER "+who+" IDENTIFIED BY '"+testPassword+"'", "RENAME USER "+who+" TO "+testUser+"@'203.0.113.9'")
		b.expect(b.env(), changed, "mysql.login_refused", signIn)
		b.Exec(t, "RENAME USER "+testUser+"@'203.0.113.9' TO "+who)
		b.expect(b.env(), 0, "", 0)
		b.tooMany(who)
		b.offline()

		must(t, b.Stop(testContext(t)))
		b.expect(b.env(), connector.Outage, "net.refused", connector.StepReach)
		must(t, b.Start(testContext(t)))
		b.expect(b.env(), 0, "", 0)
	})
}

// tooMany exhausts what the user and the server allow.
func (b bundle) tooMany(who string) {
	b.t.Helper()
	if b.Flavour() == mysql.MySQL { // MariaDB would have to be started with a limit
		b.Exec(b.t, "ALTER USER "+who+" WITH MAX_USER_CONNECTIONS 1")
		held, err := b.open().(*source).connect(testContext(b.t))
		must(b.t, err)
		b.expect(b.env(), connector.Throttled, "mysql.resource_limit", connector.StepSignIn)
		held.close()
		b.Exec(b.t, "ALTER USER "+who+" WITH MAX_USER_CONNECTIONS 0")
	}
	b.Exec(b.t, "SET GLOBAL max_connections = 10")
	var held []*session
	s := b.open().(*source)
	for range 12 { // the last one is kept for the administrator
		c, err := s.connect(testContext(b.t))
		if err != nil {
			break
		}
		held = append(held, c)
	}
	b.expect(b.env(), connector.Outage, "mysql.too_many_connections", connector.StepSignIn)
	for _, c := range held {
		c.close()
	}
	b.Exec(b.t, "SET GLOBAL max_connections = 60")
}

// offline is the administrator's own way to keep everybody out; MySQL only.
func (b bundle) offline() {
	b.t.Helper()
	if b.Flavour() != mysql.MySQL {
		return
	}
	b.Exec(b.t, "SET GLOBAL offline_mode = ON")
	b.expect(b.env(), connector.Outage, "mysql.offline", connector.StepSignIn)
	b.Exec(b.t, "SET GLOBAL offline_mode = OFF")
}

// TestPlugins signs in by every method that the servers offer.
func TestPlugins(t *testing.T) {
	t.Parallel()
	each(t, mysql.Config{TLS: true}, func(t *testing.T, b bundle) {
		plugins := []string{"caching_sha2_password", "sha256_password"}
		if b.Flavour() == mysql.MariaDB {
			plugins = []string{"mysql_native_password"}
			if err := b.ExecIn(testContext(t), "", "INSTALL SONAME 'auth_ed25519'"); err == nil {
				plugins = append(plugins, "ed25519")
			} else {
				t.Logf("without ed25519: %v", err)
			}
		}
		for i, plugin := range plugins {
			name := fmt.Sprintf("u%d", i)
			with := "WITH " + plugin + " BY 'pass-word-4'"
			if b.Flavour() == mysql.MariaDB {
				with = "VIA " + plugin + " USING PASSWORD('pass-word-4')"
			}
			b.Exec(t, "CREATE USER "+name+"@'%' IDENTIFIED "+with, "GRANT SELECT ON shop.* TO "+name+"@'%'")
			for _, mode := range []string{"off", "require", "off"} { // a sign-in over TLS fills the server's cache
				b.expect(b.with("user", name, "password", "pass-word-4", "tls_mode", mode), 0, "", 0)
				b.expect(b.with("user", name, "password", "wrong", "tls_mode", mode), connector.AccessChanged, "mysql.login_refused", connector.StepSignIn)
			}
		}
	})
}

// TestFreshConnection: a session that is open does not notice a new password,
// Check must.
func TestFreshConnection(t *testing.T) {
	t.Parallel()
	each(t, mysql.Config{}, func(t *testing.T, b bundle) {
		b.run(ordersSQL()...)
		s := b.open()
		_, err := s.Check(testContext(t))
		must(t, err)
		table := tableOf(t, s, "shop.orders") // now a session is open
		b.Exec(t, "ALTER USER "+testUser+"@'%' IDENTIFIED BY 'other'")
		if _, err := tryRead(testContext(t), s, request(table, connector.AutoIncrement, "id")); err != nil {
			t.Errorf("the open session: %v", err)
		}
		_, err = s.Check(testContext(t))
		if f := faultOf(t, err); f.Code != "mysql.login_refused" {
			t.Errorf("Check: %s", f.Code)
		}
	})
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	each(t, mysql.Config{}, func(t *testing.T, b bundle) {
		b.Exec(t, "CREATE DATABASE second", "GRANT SELECT ON second.* TO "+testUser+"@'%'")
		first, err := b.open().Check(testContext(t))
		must(t, err)
		must(t, b.Restart(testContext(t)))
		again, err := b.open().Check(testContext(t))
		must(t, err)
		other, err := openEnv(t, b.with("database", "second")).Check(testContext(t))
		must(t, err)
		if first.Fingerprint == "" || first.Fingerprint != again.Fingerprint || first.Fingerprint == other.Fingerprint {
			t.Errorf("fingerprints %s %s %s", first.Fingerprint, again.Fingerprint, other.Fingerprint)
		}
		if len(first.Expiries) != 0 || len(first.Warnings) != 1 || first.User != testUser+"@%" {
			t.Errorf("identity: %+v", first)
		}
		b.Exec(t, "GRANT SELECT ON mysql.* TO "+testUser+"@'%'", "ALTER USER "+testUser+"@'%' PASSWORD EXPIRE INTERVAL 90 DAY")
		known, err := b.open().Check(testContext(t))
		must(t, err)
		if known.Facts["grants_hash"] == first.Facts["grants_hash"] {
			t.Error("new grants are not seen")
		}
		if len(known.Expiries) != 1 || known.Expiries[0].Source != connector.PasswordValidity || daysUntil(known.Expiries[0]) != 90 {
			t.Errorf("expiries: %v", known.Expiries)
		}
		b.Exec(t, "REVOKE SELECT ON mysql.* FROM "+testUser+"@'%'")
		rule, err := b.open().Check(testContext(t))
		must(t, err)
		if len(rule.Expiries) != 0 || len(rule.Warnings) != 2 || rule.Facts["password_lifetime_days"] != "90" {
			t.Errorf("where only the rule is known: %+v", rule)
		}
	})
}

// TestTLS: every mode against a server that can and one that demands.
func TestTLS(t *testing.T) {
	t.Parallel()
	const changed, trust = connector.AccessChanged, connector.StepTrust
	each(t, mysql.Config{TLS: true}, func(t *testing.T, b bundle) {
		b.Exec(t, "ALTER USER "+testUser+"@'%' REQUIRE SSL")
		b.expect(b.with("tls_mode", "off"), changed, "mysql.tls_demanded", connector.StepSignIn)
		b.expect(b.with("tls_mode", "prefer"), 0, "", 0)
		b.expect(b.with("tls_mode", "require"), 0, "", 0)
		b.expect(b.with("tls_mode", "verify-ca", "tls_ca", b.CAPEM()), 0, "", 0)
		b.expect(b.with("tls_mode", "verify-full", "tls_ca", b.CAPEM()), 0, "", 0)
		b.expect(b.with("tls_mode", "verify-full", "tls_ca", b.CAPEM(), "tls_server_name", "db.example.com"), changed, "tls.wrong_name", trust)
		b.expect(b.with("tls_mode", "verify-full"), changed, "tls.unknown_authority", trust)

		b.Exec(t, "ALTER USER "+testUser+"@'%' REQUIRE NONE", "SET GLOBAL require_secure_transport = ON")
		b.expect(b.with("tls_mode", "off"), changed, "mysql.tls_demanded", connector.StepSignIn)
		b.Exec(t, "SET GLOBAL require_secure_transport = OFF")
		b.expect(b.with("tls_mode", "off"), 0, "", 0)
	})
}

func TestTLSNotOffered(t *testing.T) {
	t.Parallel()
	each(t, mysql.Config{}, func(t *testing.T, b bundle) {
		b.expect(b.with("tls_mode", "require"), connector.AccessChanged, "tls.not_offered", connector.StepTrust)
		b.expect(b.with("tls_mode", "prefer"), 0, "", 0)
	})
}

// TestClientCertificate: REQUIRE X509, and a certificate rotation by the server.
func TestClientCertificate(t *testing.T) {
	t.Parallel()
	each(t, mysql.Config{TLS: true}, func(t *testing.T, b bundle) {
		b.Exec(t, "ALTER USER "+testUser+"@'%' REQUIRE X509")
		b.expect(b.with("tls_mode", "verify-full", "tls_ca", b.CAPEM()), connector.AccessChanged, "mysql.login_refused", connector.StepSignIn)
		pair, err := b.CA().Client("pull")
		must(t, err)
		env := b.with("tls_mode", "verify-full", "tls_ca", b.CAPEM(), "tls_cert", string(pair.CertPEM))
		env.Secrets["tls_key"] = connector.NewSecret(string(pair.KeyPEM))
		b.expect(env, 0, "", 0)
		id, err := openEnv(t, env).Check(testContext(t))
		must(t, err)
		if len(id.Expiries) != 1 || id.Expiries[0].Source != connector.Certificate {
			t.Errorf("expiries: %v", id.Expiries)
		}
	})
}

// TestPrivileges: what may not be read is marked so, by table and column, and
// reading says the same.
func TestPrivileges(t *testing.T) {
	t.Parallel()
	each(t, mysql.Config{}, func(t *testing.T, b bundle) {
		who := testUser + "@'%'"
		b.run("CREATE TABLE open (id int PRIMARY KEY, v text)", "CREATE TABLE closed (id int PRIMARY KEY, v text)", "CREATE TABLE hidden (id int PRIMARY KEY)",
			"CREATE TABLE part (id int PRIMARY KEY, v text, secret text)", "REVOKE ALL ON shop.* FROM "+who)
		b.run("GRANT SELECT ON shop.open TO "+who, "GRANT INSERT ON shop.closed TO "+who, "GRANT SELECT (id, v) ON shop.part TO "+who)
		s := b.open()
		for name, code := range map[string]string{"shop.open": "", "shop.closed": "mysql.table_denied", "shop.part": ""} {
			table := tableOf(t, s, name)
			if (table.Fault == nil) != (code == "") || table.Fault != nil && (table.Fault.Code != code || table.Fault.Table != name) {
				t.Errorf("%s: %v", name, table.Fault)
			}
			_, err := tryRead(testContext(t), s, request(table, connector.FullTable, ""))
			if (err == nil) != (code == "") {
				t.Errorf("reading %s: %v", name, err)
			}
		}
		for name, code := range map[string]string{"shop.hidden": "mysql.table_denied", "shop.nothing": "mysql.table_denied", "nothing": "mysql.table_name"} {
			_, err := tryRead(testContext(t), s, connector.Request{Table: connector.Table{Name: name}, Columns: []string{"id"}, Replication: connector.Replication{Method: connector.FullTable}})
			if f := faultOf(t, err); f.Code != code || f.Scope != connector.OneTable || f.Table != name {
				t.Errorf("%s: %v", name, f)
			}
		}
		req := request(tableOf(t, s, "shop.part"), connector.FullTable, "")
		req.Columns = []string{"id", "secret"}
		_, err := tryRead(testContext(t), s, req)
		if f := faultOf(t, err); f.Cause != connector.AccessChanged || f.Scope != connector.OneTable {
			t.Errorf("a denied column: %v", f)
		}
	})
}

// TestSchemaChanges: what vanished is a fault of its table only.
func TestSchemaChanges(t *testing.T) {
	t.Parallel()
	each(t, mysql.Config{}, func(t *testing.T, b bundle) {
		b.run("CREATE TABLE a (id int PRIMARY KEY, v text)", "CREATE TABLE base (id int)", "CREATE VIEW v AS SELECT * FROM base")
		s := b.open()
		a, v := tableOf(t, s, "shop.a"), tableOf(t, s, "shop.v")
		b.run("ALTER TABLE a DROP COLUMN v", "DROP TABLE base")
		_, err := tryRead(testContext(t), s, request(a, connector.FullTable, ""))
		if f := faultOf(t, err); f.Code != "mysql.column_missing" || f.Scope != connector.OneTable || f.Cause != connector.AccessChanged {
			t.Errorf("column: %v", f)
		}
		_, err = tryRead(testContext(t), s, request(v, connector.FullTable, ""))
		if f := faultOf(t, err); f.Code != "mysql.view_broken" || f.Table != "shop.v" {
			t.Errorf("view: %v", f)
		}
		if f := tableOf(t, s, "shop.v").Fault; f == nil || f.Code != "mysql.view_broken" {
			t.Errorf("the list says of the view: %v", f)
		}
		b.run("DROP TABLE a")
		_, err = tryRead(testContext(t), s, request(a, connector.FullTable, ""))
		if f := faultOf(t, err); f.Code != "mysql.table_missing" || f.Table != "shop.a" {
			t.Errorf("table: %v", f)
		}
	})
}

// TestDefinerGone: the server says 1045 in the middle of a sound session. That
// is one view's trouble and no reason to ask for a password.
func TestDefinerGone(t *testing.T) {
	t.Parallel()
	each(t, mysql.Config{}, func(t *testing.T, b bundle) {
		b.run("CREATE TABLE base (id int PRIMARY KEY)", "INSERT INTO base VALUES (1)", "CREATE USER owner@localhost", "GRANT SELECT ON shop.* TO owner@localhost",
			"CREATE DEFINER = owner@localhost SQL SECURITY DEFINER VIEW v AS SELECT id FROM base")
		s := b.open()
		v, base := tableOf(t, s, "shop.v"), tableOf(t, s, "shop.base")
		b.Exec(t, "RENAME USER owner@localhost TO other@localhost")
		_, err := tryRead(testContext(t), s, request(v, connector.FullTable, ""))
		f := faultOf(t, err)
		if f.Code != "mysql.definer_gone" || f.Scope != connector.OneTable || f.Table != "shop.v" {
			t.Errorf("the view: %v", f)
		}
		t.Logf("the server's number is %s", f.Facts["errno"])
		if got := read(t, s, request(base, connector.FullTable, "")); len(got.rows) != 1 {
			t.Errorf("the table beside it: %d rows", len(got.rows))
		}
		if _, err := s.Check(testContext(t)); err != nil {
			t.Errorf("Check: %v", err)
		}
	})
}

// TestKilled cuts the session in the middle of a reading; going on from the
// last position gives the same rows.
func TestKilled(t *testing.T) {
	t.Parallel()
	each(t, mysql.Config{}, func(t *testing.T, b bundle) {
		b.run("CREATE TABLE big (id int AUTO_INCREMENT PRIMARY KEY, v text)", "INSERT INTO big SELECT i, REPEAT('x', 200) FROM "+series(150_000))
		root := b.writer()
		s := b.open()
		req := request(tableOf(t, s, "shop.big"), connector.AutoIncrement, "id")
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
				rows, err := root.All(testContext(t), "SELECT id FROM information_schema.processlist WHERE user = '"+testUser+"'")
				must(t, err)
				for _, r := range rows {
					_ = root.Exec(testContext(t), "KILL CONNECTION "+string(r[0]))
				}
			}
		}
		f := faultOf(t, failure)
		if f.Cause != connector.Outage || f.Scope != connector.WholeAuthorization {
			t.Errorf("%s %s", f.Cause, f.Code)
		}
		seen.take(read(t, s, req), "id")
		if len(seen) != 150_000 {
			t.Errorf("%d rows in the end", len(seen))
		}
	})
}

// TestStatementTimeout: a page that takes too long is tried again smaller, and
// in the end it is said that it was the time.
func TestStatementTimeout(t *testing.T) {
	t.Parallel()
	each(t, mysql.Config{}, func(t *testing.T, b bundle) {
		b.run("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t SELECT i FROM "+series(20), "CREATE VIEW slow AS SELECT id, SLEEP(0.3) AS v FROM t")
		s := b.open().(*source)
		c, err := s.connect(testContext(t))
		must(t, err)
		limit := "max_execution_time = 400"
		if b.Flavour() == mysql.MariaDB {
			limit = "max_statement_time = 0.4"
		}
		must(t, c.Exec(testContext(t), "SET SESSION "+limit))
		table := tableOf(t, s, "shop.t")
		_ = table
		s.put(c)
		_, err = tryRead(testContext(t), s, connector.Request{Table: connector.Table{Name: "shop.slow"}, Columns: []string{"id", "v"}, Replication: connector.Replication{Method: connector.FullTable}})
		if err == nil {
			t.Skip("the server let SLEEP end early without an error")
		}
		f := faultOf(t, err)
		if f.Code != "mysql.statement_timeout" && f.Code != "mysql.statement_cancelled" || f.Cause != connector.Ours {
			t.Errorf("%v", f)
		}
	})
}

// TestNetwork: names and dials that fail are no reason to re-authorize.
func TestNetwork(t *testing.T) {
	t.Parallel()
	b := bundle{nil, t}
	env := connector.Env{Settings: map[string]string{"host": "db.invalid", "port": "3306", "user": "u", "database": "d", "tls_mode": "off"},
		Secrets: map[string]connector.Secret{"password": connector.NewSecret(testPassword)}}
	env.Dial = func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "db.invalid", IsNotFound: true}}
	}
	b.expect(env, connector.Outage, "net.name_not_found", connector.StepReach)
	refused := &connector.Fault{Cause: connector.Invalid, Code: "egress.address_refused", Step: connector.StepReach, Public: "not allowed", Err: net.ErrClosed}
	env.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, refused }
	b.expect(env, connector.Invalid, "egress.address_refused", connector.StepReach)
}
