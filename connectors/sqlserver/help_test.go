package sqlserver

import (
	"context"
	"fmt"
	"math/big"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/testservers/tds"
)

const (
	testLogin    = "pull_ro"
	testPassword = "not-so-secret-1"
)

// bundle is a server of its own with a login that may only read.
type bundle struct {
	*tds.Server
	db     *tds.Database
	script *tds.Script
	t      testing.TB
}

func setup(t testing.TB, tables ...*tds.Table) bundle {
	t.Helper()
	db := tds.NewDatabase("shop")
	db.AddUser(testLogin, &tds.User{Password: testPassword})
	for _, table := range tables {
		db.Add(table)
	}
	script := &tds.Script{Next: db}
	b := bundle{&tds.Server{Backend: script}, db, script, t}
	if err := b.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Stop)
	return b
}

func (b bundle) env() connector.Env {
	return connector.Env{
		Settings: map[string]string{"host": "127.0.0.1", "port": strconv.Itoa(b.Port()), "user": testLogin, "database": "shop", "tls_mode": "off"},
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

func request(table connector.Table, method connector.Method, column string) connector.Request {
	return connector.Request{Table: table, Columns: all(table), Replication: connector.Replication{Method: method, Column: column}}
}

// reading is what a Read gave.
type reading struct {
	rows []map[string]string
	at   connector.Position
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
	got := reading{at: req.Position}
	for b, err := range s.Read(ctx, req) {
		if err != nil {
			return got, err
		}
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

// column makes a column of a fake table.
func column(name, kind string, how ...func(*tds.TableColumn)) tds.TableColumn {
	c := tds.TableColumn{Column: tds.Column{Name: name, Type: typed(kind)}}
	for _, f := range how {
		f(&c)
	}
	return c
}

func notNull(c *tds.TableColumn)  { c.NotNull = true }
func identity(c *tds.TableColumn) { c.Identity, c.NotNull = true, true }

// typed reads "decimal(12,2)".
func typed(text string) tds.Type {
	name, rest, _ := strings.Cut(strings.TrimSuffix(text, ")"), "(")
	kind := tds.Type{Name: name, Size: 8}
	first, second, _ := strings.Cut(rest, ",")
	n, _ := strconv.Atoi(first)
	switch {
	case first == "max":
		kind.Size = -1
	case name == "decimal":
		kind.Prec = n
		kind.Scale, _ = strconv.Atoi(second)
	case name == "time", name == "datetime2", name == "datetimeoffset":
		kind.Scale = n
	case rest != "":
		kind.Size = n
	}
	return kind
}

func decimal(n int64, scale int) tds.Decimal { return tds.Decimal{N: big.NewInt(n), Scale: scale} }
