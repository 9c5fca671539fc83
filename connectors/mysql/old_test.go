package mysql

import (
	"runtime"
	"slices"
	"testing"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/testservers/mysql"
)

// TestOldServer does everything once with MySQL 5.6, which knows neither time
// limits of statements nor TLS here.
func TestOldServer(t *testing.T) {
	t.Parallel()
	if runtime.GOARCH != "amd64" {
		t.Skip("MySQL 5.6 is to be had for amd64 only")
	}
	b := bundle{mysql.Start(t, mysql.Config{Flavour: mysql.MySQL56, Zone: "America/New_York"}), t}
	b.Exec(t, "CREATE DATABASE shop CHARACTER SET utf8mb4", "CREATE USER "+testUser+"@'127.0.0.1' IDENTIFIED BY '"+testPassword+"'", "GRANT SELECT, SHOW VIEW ON shop.* TO "+testUser+"@'127.0.0.1'")
	b.exec(ordersSQL()...)
	b.exec("CREATE TABLE named (k varchar(20), n int, v text, PRIMARY KEY (k, n))", "INSERT INTO named SELECT CONCAT(IF(i % 2, 'x', 'Y'), i), i, 'v' FROM "+series(2000))
	b.expect(b.env(), 0, "", 0)
	b.expect(b.with("password", "wrong"), connector.AccessChanged, "mysql.login_refused", connector.StepSignIn)
	b.expect(b.with("tls_mode", "require"), connector.AccessChanged, "tls.not_offered", connector.StepTrust)
	b.expect(b.with("tls_mode", "prefer"), 0, "", 0)
	s := b.open()
	orders := tableOf(t, s, "shop.orders")
	for _, how := range orders.Replications {
		if how.Method == connector.Paused {
			continue
		}
		req := request(orders, how.Method, how.Column)
		first := read(t, s, req)
		req.Position = first.at
		if idle := read(t, s, req); how.Method != connector.FullTable && (len(first.rows) != 5000 || len(idle.rows) != 0) {
			t.Errorf("%s: %d rows, then %d", how.Method, len(first.rows), len(idle.rows))
		}
	}
	checkKeys(t, b, "shop.orders_keys", "CREATE TABLE orders_keys (k varchar(20), n decimal(6,2), v int, PRIMARY KEY (k, n))", "INSERT INTO orders_keys VALUES ('a', 1.5, 1), ('B', -2, 2), ('ä', 3, 3), ('a', -9, 4)")
	whole := read(t, s, request(tableOf(t, s, "shop.named"), connector.PrimaryKeyBatch, ""))
	if got := whole.texts("k"); len(got) != 2000 || !slices.IsSorted(got) {
		t.Errorf("%d rows, in the order of bytes: %v", len(got), slices.IsSorted(got))
	}
	id, err := s.Check(testContext(t))
	must(t, err)
	if id.Facts["identified_by"] != "server_uuid and database" {
		t.Errorf("%v", id.Facts)
	}
}
