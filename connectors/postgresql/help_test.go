package postgresql

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/testservers/postgres"
)

// bundle is a server of its own with a role that may only read.
type bundle struct {
	*postgres.Server
	t testing.TB
}

const (
	testRole     = "pull_ro"
	testPassword = "not-so-secret-1"
)

func setup(t testing.TB, sql ...string) bundle {
	t.Helper()
	return bundle{postgres.Start(t), t}.with(sql...)
}

func (b bundle) with(sql ...string) bundle {
	b.t.Helper()
	b.Exec(b.t, "CREATE ROLE "+testRole+" LOGIN PASSWORD '"+testPassword+"'")
	b.run(sql...)
	b.run("GRANT SELECT ON ALL TABLES IN SCHEMA public TO " + testRole)
	return b
}

func (b bundle) run(sql ...string) {
	b.t.Helper()
	for _, s := range sql {
		b.Exec(b.t, s)
	}
}

func (b bundle) env() connector.Env {
	return connector.Env{
		Settings: map[string]string{"host": "127.0.0.1", "port": strconv.Itoa(b.Port()), "user": testRole, "database": "postgres", "tls_mode": "off"},
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
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
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

// rowsOf reads to the end: rows by the text of their key, in the order of the
// last writing, and the last position.
type reading struct {
	rows    []map[string]string
	at      connector.Position
	batches int
	bytes   int64
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
		got.bytes += b.Bytes
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

// writer is a session of the superuser for transactions that stay open.
type writer struct{ conn *pgconn.PgConn }

func openWriter(t testing.TB, b bundle) writer {
	t.Helper()
	conn, err := pgconn.Connect(testContext(t), b.DSN(postgres.Superuser, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return writer{conn}
}

func (w writer) exec(ctx context.Context, sql string) error {
	_, err := w.conn.Exec(ctx, sql).ReadAll()
	return err
}

func replaceRows(sql string, rows int) string {
	return strings.ReplaceAll(sql, "$ROWS", strconv.Itoa(rows))
}
