package mysql

import (
	"context"
	"net"
	"strconv"
	"testing"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/connectortest"
	"github.com/regrant/regrant/internal/testservers/mysql"
)

const (
	canary  = "canary-7f3a9c51-old"
	rotated = "canary-b80e2d64-new"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	mysql.Each(t, mysql.Config{Settings: map[string]string{"general-log": "1", "log-output": "TABLE"}}, func(t *testing.T, s *mysql.Server) {
		b := bundle{s, t}
		b.Exec(t, "CREATE USER suite@'%' IDENTIFIED BY '"+canary+"'", "CREATE DATABASE shop CHARACTER SET utf8mb4", "CREATE DATABASE other", "CREATE USER owner@localhost")
		b.run(suiteTables()...)
		for _, table := range []string{"notes", "plain", "named", "none", "one", "exactly", "onemore", "fragile", "shaky", "orphan"} {
			b.run("GRANT SELECT ON shop." + table + " TO suite@'%'")
		}
		b.ExecDB(t, "other", "CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1), (2), (3)", "GRANT SELECT ON other.* TO suite@'%'")
		connectortest.Run(t, b.harness())
	})
}

func suiteTables() []string {
	return []string{
		"CREATE TABLE notes (id bigint unsigned AUTO_INCREMENT PRIMARY KEY, body text, price decimal(12,2), seen date, tags set('a','b','c'), updated_at timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), KEY (updated_at))",
		"INSERT INTO notes (body, price, seen, tags, updated_at) SELECT CONCAT('body ', i), i / 3, '2020-01-01' + INTERVAL (i % 900) DAY, 'a,c', UTC_TIMESTAMP(6) - INTERVAL 2 DAY + INTERVAL i SECOND FROM " + series(40000),
		"CREATE TABLE plain (v int, w text)", "INSERT INTO plain SELECT i, 'w' FROM " + series(33000),
		"CREATE TABLE named (a varchar(40), b int, v text, PRIMARY KEY (a, b))", "INSERT INTO named SELECT CONCAT(IF(i % 2 = 0, 'ä', 'Z'), i), i % 5, 'v' FROM " + series(33000),
		"CREATE TABLE none (id int AUTO_INCREMENT PRIMARY KEY, v text)", "CREATE TABLE one (id int AUTO_INCREMENT PRIMARY KEY, v text)", "INSERT INTO one (v) VALUES ('x')",
		"CREATE TABLE exactly (id int AUTO_INCREMENT PRIMARY KEY)", "INSERT INTO exactly SELECT i FROM " + series(recordRows),
		"CREATE TABLE onemore (id int AUTO_INCREMENT PRIMARY KEY)", "INSERT INTO onemore SELECT i FROM " + series(recordRows+1),
		"CREATE TABLE fragile (id bigint PRIMARY KEY)", "INSERT INTO fragile VALUES (1)",
		"CREATE VIEW shaky AS SELECT id * 9223372036854775807 AS v FROM fragile",
		"GRANT SELECT ON shop.fragile TO owner@localhost", "CREATE DEFINER = owner@localhost SQL SECURITY DEFINER VIEW orphan AS SELECT id FROM fragile",
	}
}

// suiteEnv is the suite's user with a password.
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
		Definition: Definition,
		Env:        b.suiteEnv(canary, "shop"),
		Other:      b.suiteEnv(canary, "other"),
		Rotated: func(t testing.TB) connector.Env {
			b.Exec(t, "ALTER USER suite@'%' IDENTIFIED BY '"+rotated+"'")
			t.Cleanup(func() { b.Exec(t, "ALTER USER suite@'%' IDENTIFIED BY '"+canary+"'") })
			return b.suiteEnv(rotated, "shop")(t)
		},
		Failures: b.failures(),
		Tables:   []string{"shop.notes", "shop.plain", "shop.named"},
		Sizes: []connectortest.Size{
			{Table: "shop.none", Rows: 0}, {Table: "shop.one", Rows: 1},
			{Table: "shop.exactly", Rows: recordRows}, {Table: "shop.onemore", Rows: recordRows + 1},
		},
		Changes: []connectortest.Change{{Table: "shop.notes", Make: func(t testing.TB) {
			b.ExecDB(t, "shop", "INSERT INTO notes (body, seen) VALUES ('made while reading', UTC_DATE())", "UPDATE notes SET body = 'changed while reading', seen = UTC_DATE(), updated_at = UTC_TIMESTAMP(6) WHERE id = 12")
		}}},
		Writes: b.writes,
		Skip: map[connectortest.Check]string{
			connectortest.Memory: "records are made of garbage-collected memory, there is no allocator to count with",
		},
	}
}

// writes asks the server's own log for all that is not a mere question.
func (b bundle) writes(t testing.TB) []string {
	t.Helper()
	ctx := context.Background()
	root, err := b.Connect(ctx, "mysql")
	mustTB(t, err)
	defer root.Close()
	rows, err := root.All(ctx, "SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log WHERE user_host LIKE 'suite%' AND command_type = 'Query'")
	mustTB(t, err)
	if len(rows) < 20 {
		t.Errorf("the log has %d statements only", len(rows))
	}
	var writes []string
	for _, row := range rows {
		if !isQuestion(string(row[0])) {
			writes = append(writes, string(row[0]))
		}
	}
	return writes
}

func (b bundle) failures() []connectortest.Failure {
	sql := func(statements ...string) func(testing.TB) {
		return func(t testing.TB) { b.ExecDB(t, "shop", statements...) }
	}
	signIn := func(name, breakSQL, repairSQL, code string, cause connector.Cause) connectortest.Failure {
		return connectortest.Failure{Name: name, At: connectortest.OnCheck, Break: sql(breakSQL), Repair: sql(repairSQL, "FLUSH PRIVILEGES"), Want: cause, Code: "mysql." + code, Step: connector.StepSignIn}
	}
	onRead := func(name, table, breakSQL, repairSQL, code string, step connector.Step) connectortest.Failure {
		return connectortest.Failure{Name: name, At: connectortest.OnRead, Break: sql(breakSQL), Repair: sql(repairSQL), Table: table,
			Want: connector.AccessChanged, Code: "mysql." + code, Step: step, Scope: connector.OneTable}
	}
	limited := signIn("too many connections this hour", "ALTER USER suite@'%' WITH MAX_CONNECTIONS_PER_HOUR 1", "ALTER USER suite@'%' WITH MAX_CONNECTIONS_PER_HOUR 0", "resource_limit", connector.Throttled)
	limited.Retry = true
	limited.Break = func(t testing.TB) {
		b.Exec(t, "ALTER USER suite@'%' WITH MAX_CONNECTIONS_PER_HOUR 1")
		s := openEnv(t, b.suiteEnv(canary, "shop")(t)) // uses the one connection up
		_, err := s.Check(context.Background())
		mustTB(t, err)
	}
	return []connectortest.Failure{
		signIn("password changed", "ALTER USER suite@'%' IDENTIFIED BY 'another'", "ALTER USER suite@'%' IDENTIFIED BY '"+canary+"'", "login_refused", connector.AccessChanged),
		signIn("user renamed", "RENAME USER suite@'%' TO suite@'203.0.113.9'", "RENAME USER suite@'203.0.113.9' TO suite@'%'", "login_refused", connector.AccessChanged),
		signIn("password expired", "ALTER USER suite@'%' PASSWORD EXPIRE", "ALTER USER suite@'%' IDENTIFIED BY '"+canary+"' PASSWORD EXPIRE NEVER", "password_expired", connector.Expired),
		signIn("user locked", "ALTER USER suite@'%' ACCOUNT LOCK", "ALTER USER suite@'%' ACCOUNT UNLOCK", "account_locked", connector.AccessChanged),
		limited,
		{Name: "server stopped", At: connectortest.OnCheck, Break: func(t testing.TB) { mustTB(t, b.Stop(context.Background())) }, Repair: func(t testing.TB) { mustTB(t, b.Start(context.Background())) },
			Want: connector.Outage, Code: "net.refused", Step: connector.StepReach},
		onRead("select revoked", "shop.fragile", "REVOKE SELECT ON shop.fragile FROM suite@'%'", "GRANT SELECT ON shop.fragile TO suite@'%'", "table_denied", connector.StepPrivileges),
		onRead("table renamed", "shop.fragile", "RENAME TABLE fragile TO renamed", "RENAME TABLE renamed TO fragile", "table_missing", connector.StepRead),
		onRead("definer of a view dropped", "shop.orphan", "RENAME USER owner@localhost TO gone@localhost", "RENAME USER gone@localhost TO owner@localhost", "definer_gone", connector.StepPrivileges),
		{Name: "definer dropped, as listed", At: connectortest.OnTables, Table: "shop.orphan", Want: connector.AccessChanged, Code: "mysql.definer_gone", Step: connector.StepPrivileges, Scope: connector.OneTable,
			Break: sql("RENAME USER owner@localhost TO gone@localhost"), Repair: sql("RENAME USER gone@localhost TO owner@localhost")},
		{Name: "a view with an error nobody has seen", At: connectortest.OnRead, Table: "shop.shaky", Want: connector.Unknown, Step: connector.StepRead, Scope: connector.OneTable,
			Break: sql("UPDATE fragile SET id = 3"), Repair: sql("UPDATE fragile SET id = 1")},
	}
}

func mustTB(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
