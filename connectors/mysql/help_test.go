package mysql

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/mysqlwire"
	"github.com/regrant/regrant/internal/testservers/mysql"
)

// bundle is a server of its own with a user that may only read.
type bundle struct {
	*mysql.Server
	t testing.TB
}

const (
	testUser     = "pull_ro"
	testPassword = "not-so-secret-1"
)

// each runs a test against a MariaDB and a MySQL of its own, with a database
// "shop" in which the user may read.
func each(t *testing.T, cfg mysql.Config, test func(*testing.T, bundle)) {
	t.Helper()
	mysql.Each(t, cfg, func(t *testing.T, s *mysql.Server) {
		b := bundle{s, t}
		b.Exec(t, "CREATE DATABASE shop CHARACTER SET utf8mb4", "CREATE USER "+testUser+"@'%' IDENTIFIED BY '"+testPassword+"'", "GRANT SELECT, SHOW VIEW ON shop.* TO "+testUser+"@'%'")
		test(t, b)
	})
}

// run runs statements in the database "shop", as root.
func (b bundle) run(sql ...string) {
	b.t.Helper()
	b.ExecDB(b.t, "shop", sql...)
}

func (b bundle) env() connector.Env {
	return connector.Env{
		Settings: map[string]string{"host": "127.0.0.1", "port": strconv.Itoa(b.Port()), "user": testUser, "database": "shop", "tls_mode": "off"},
		Secrets:  map[string]connector.Secret{"password": connector.NewSecret(testPassword)},
		Dial:     (&net.Dialer{}).DialContext,
	}
}

func (b bundle) open() connector.Source {
	b.t.Helper()
	return openEnv(b.t, b.env())
}

func openEnv(t testing.TB, env connector.Env) connector.Source {
	t.Helper()
	s, err := Definition.Open(context.Background(), env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func tableOf(t testing.TB, s connector.Source, name string) connector.Table {
	t.Helper()
	tables, err := s.Tables(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		if table.Name == name {
			return table
		}
	}
	t.Fatalf("no table %s among %d", name, len(tables))
	return connector.Table{}
}

func all(table connector.Table) []string {
	var names []string
	for _, c := range table.Columns {
		if !c.Denied {
			names = append(names, c.Name)
		}
	}
	return names
}

// reading is what a Read gave: rows as text, and the last position.
type reading struct {
	rows    []map[string]string
	at      connector.Position
	batches int
	ranges  []*connector.KeyRange
}

func read(t testing.TB, s connector.Source, req connector.Request) reading {
	t.Helper()
	got, err := tryRead(testContext(t), s, req)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func tryRead(ctx context.Context, s connector.Source, req connector.Request) (reading, error) {
	var got reading
	got.at = req.Position
	if req.Pass != connector.PassRows {
		got.at = req.Resume
	}
	for b, err := range s.Read(ctx, req) {
		if err != nil {
			return got, err
		}
		got.batches++
		got.at = b.Position
		if b.Complete != nil {
			got.ranges = append(got.ranges, b.Complete)
		}
		if b.Record != nil {
			got.rows = append(got.rows, rowsOf(b.Record)...)
		}
		b.Release()
	}
	return got, nil
}

func rowsOf(r arrow.RecordBatch) []map[string]string {
	rows := make([]map[string]string, r.NumRows())
	for i := range rows {
		rows[i] = map[string]string{}
		for c, f := range r.Schema().Fields() {
			text := "NULL"
			if !r.Column(c).IsNull(i) {
				text = r.Column(c).ValueStr(i)
			}
			rows[i][f.Name] = text
		}
	}
	return rows
}

// texts writes rows as "a|b|c" of the columns named.
func (r reading) texts(columns ...string) []string {
	out := make([]string, len(r.rows))
	for i, row := range r.rows {
		parts := make([]string, len(columns))
		for k, c := range columns {
			parts[k] = row[c]
		}
		out[i] = strings.Join(parts, "|")
	}
	return out
}

func request(table connector.Table, method connector.Method, column string) connector.Request {
	return connector.Request{Table: table, Columns: all(table), Replication: connector.Replication{Method: method, Column: column}}
}

func faultOf(t testing.TB, err error) *connector.Fault {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	f := connector.FaultOf(err)
	if f.Public == "" || f.Err == nil {
		t.Errorf("a fault without text or evidence: %#v", f)
	}
	if s := fmt.Sprint(err, f.Public, f.Facts); strings.Contains(s, testPassword) {
		t.Errorf("the password is in %s", s)
	}
	return f
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// writer is a session of root for transactions that stay open.
func (b bundle) writer() *mysqlwire.Conn {
	b.t.Helper()
	c, err := b.Connect(testContext(b.t), "shop")
	must(b.t, err)
	b.t.Cleanup(func() { _ = c.Close() })
	return c
}

// series is a table of the numbers from 1 to n, in a way that every version knows.
func series(n int) string {
	digit := "(SELECT 0 d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)"
	sum, from := "1", ""
	for place, name := 1, 'a'; place < n; place, name = place*10, name+1 {
		sum += fmt.Sprintf(" + %c.d * %d", name, place)
		if from != "" {
			from += ", "
		}
		from += digit + " " + string(name)
	}
	return fmt.Sprintf("(SELECT %s AS i FROM %s HAVING i <= %d ORDER BY i) n", sum, from, n)
}

// isQuestion says that a statement only asks, or sets something of its own session.
func isQuestion(sql string) bool {
	for _, begin := range []string{"SELECT ", "SHOW ", "SET NAMES ", "SET SESSION ", "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY", "COMMIT", "ROLLBACK"} {
		if strings.HasPrefix(sql, begin) {
			return true
		}
	}
	return false
}
