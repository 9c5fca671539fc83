package amazonrds

import (
	"strings"
	"testing"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/testservers/mysql"
)

// TestMySQL signs in to a MariaDB and a MySQL with tokens and reads a table.
func TestMySQL(t *testing.T) {
	t.Parallel()
	mysql.Each(t, mysql.Config{}, func(t *testing.T, s *mysql.Server) {
		a := newAmazon(t)
		s.Exec(t, "CREATE USER suite@'%' IDENTIFIED BY '"+behind+"'", "CREATE DATABASE shop", "GRANT SELECT ON shop.* TO suite@'%'")
		s.ExecDB(t, "shop", "CREATE TABLE orders (id int AUTO_INCREMENT PRIMARY KEY, v text)", "INSERT INTO orders (v) VALUES ('a'), ('b'), ('c')")
		g := newMySQLGate(t, s, a.judge)
		env := with(a.env(string(s.Flavour()), g.port, g.ca), "database", "shop")

		source := openEnv(t, env)
		id, err := source.Check(testContext(t))
		must(t, err)
		if id.User != "suite@%" || id.Facts["tls"] != "true" || id.Facts["rds_engine"] != string(s.Flavour()) {
			t.Errorf("identity %+v", id)
		}
		if rows := count(t, source, "shop.orders"); rows != 3 {
			t.Errorf("%d rows, want 3", rows)
		}
		if _, ok := source.(connector.Verifier); !ok {
			t.Error("the power to verify was lost")
		}

		a.set(func() { a.policy = false })
		_, err = check(t, env)
		if f := wantFault(t, err, connector.AccessChanged, "amazonrds.iam_denied"); f.Facts["errno"] != "1045" || !strings.Contains(f.Public, "AWSAuthenticationPlugin") {
			t.Error(f.Public, f.Facts)
		}
		a.set(func() { a.policy, a.keys[testKey] = true, "another" })
		_, err = check(t, env)
		wantFault(t, err, connector.AccessChanged, "amazonrds.aws_secret_wrong")
		a.set(func() { a.keys[testKey] = testSecret })
		_, err = check(t, env)
		must(t, err)

		// A certificate of somebody else gets no token.
		asked := len(a.tokens)
		_, err = check(t, with(env, "tls_ca", otherCA(t)))
		wantFault(t, err, connector.AccessChanged, "tls.unknown_authority")
		if len(a.tokens) != asked {
			t.Error("a token went to a server that was not checked")
		}
	})
}

// TestMariaDBGuide pastes the statements for a user, with a plugin in the place
// of Amazon's that takes any text, and names that need quotes.
func TestMariaDBGuide(t *testing.T) {
	t.Parallel()
	s := mysql.Start(t, mysql.Config{Flavour: mysql.MariaDB, TLS: true})
	s.Exec(t, "CREATE DATABASE `My``Shop`")
	step := guide(map[string]string{"engine": "mariadb", "sign_in": withKeys, "host": testHost, "user": `pull'ro\`, "database": "My`Shop"})[0]
	code := strings.Replace(step.Code, "AWSAuthenticationPlugin", "unix_socket", 1)
	for _, statement := range strings.Split(strings.TrimSuffix(code, ";"), ";\n") {
		s.Exec(t, statement)
	}
	root, err := s.Connect(testContext(t), "mysql")
	must(t, err)
	defer root.Close()
	rows, err := root.All(testContext(t), `SHOW GRANTS FOR 'pull''ro\\'@'%'`)
	must(t, err)
	var grants strings.Builder
	for _, row := range rows {
		grants.Write(row[0])
	}
	for _, want := range []string{"REQUIRE SSL", "MAX_USER_CONNECTIONS 6", "GRANT SELECT, SHOW VIEW ON `My``Shop`.*"} {
		if !strings.Contains(grants.String(), want) {
			t.Errorf("%s is not in %s", want, grants.String())
		}
	}
}

func count(t testing.TB, s connector.Source, name string) (rows int64) {
	t.Helper()
	tables, err := s.Tables(testContext(t))
	must(t, err)
	for _, table := range tables {
		if table.Name != name {
			continue
		}
		req := connector.Request{Table: table, Columns: []string{"id", "v"}, Replication: connector.Replication{Method: connector.FullTable}}
		for b, err := range s.Read(testContext(t), req) {
			must(t, err)
			if b.Record != nil {
				rows += b.Record.NumRows()
			}
			b.Release()
		}
		return rows
	}
	t.Fatalf("no table %s among %d", name, len(tables))
	return 0
}
