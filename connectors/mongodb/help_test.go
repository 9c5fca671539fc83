package mongodb

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/testservers/mongo"
)

// bundle is a server of its own with a user that reads.
type bundle struct {
	*mongo.Server
	t testing.TB
}

const (
	testUser     = "pull_ro"
	testPassword = "Not-so-secret-1!"
)

func setup(t testing.TB, cfg mongo.Config) bundle {
	t.Helper()
	b := bundle{mongo.Start(t, cfg), t}
	must(t, b.CreateUser(testContext(t), testUser, testPassword, "readAnyDatabase:admin"))
	return b
}

func (b bundle) insert(collection string, documents ...any) {
	b.t.Helper()
	if _, err := b.coll(collection).InsertMany(testContext(b.t), documents); err != nil {
		b.t.Fatal(err)
	}
}

func (b bundle) coll(name string) *driver.Collection {
	return b.Client().Database("shop").Collection(name)
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

func dialer() func(context.Context, string, string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext
}

func openEnv(t testing.TB, env connector.Env) connector.Source {
	t.Helper()
	s, err := Definition.Open(context.Background(), env)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func tableOf(t testing.TB, s connector.Source, name string) connector.Table {
	t.Helper()
	tables, err := s.Tables(testContext(t))
	must(t, err)
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
		names = append(names, c.Name)
	}
	return names
}

type reading struct {
	rows    []map[string]string
	at      connector.Position
	batches int
}

func read(t testing.TB, s connector.Source, req connector.Request) reading {
	t.Helper()
	got, err := tryRead(testContext(t), s, req)
	must(t, err)
	return got
}

func tryRead(ctx context.Context, s connector.Source, req connector.Request) (reading, error) {
	got := reading{at: req.Position}
	for b, err := range s.Read(ctx, req) {
		if err != nil {
			return got, err
		}
		got.batches++
		got.at = b.Position
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

func (r reading) by(column string) map[string]map[string]string {
	out := map[string]map[string]string{}
	for _, row := range r.rows {
		out[row[column]] = row
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

func oid(n int, at time.Time) bson.ObjectID {
	id := idAt(at)
	id[9], id[10], id[11] = byte(n>>16), byte(n>>8), byte(n)
	return id
}
