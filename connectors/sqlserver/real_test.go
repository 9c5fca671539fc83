package sqlserver

import (
	"context"
	"net"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/regrant/regrant/connector"
)

// realVariable holds the address of a real database, as
// sqlserver://login:password@host:1433/database?tls_mode=require; further
// fields of the form may follow. Only reads are made.
const realVariable = "REGRANT_SQLSERVER_URL"

func TestRealServer(t *testing.T) {
	t.Parallel()
	address := os.Getenv(realVariable)
	if address == "" {
		t.Skipf("no real server: set %s", realVariable)
	}
	s := openEnv(t, realEnv(t, address))
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	found, err := s.Check(ctx)
	if err != nil {
		t.Fatalf("Check: %v", err)
	}
	t.Logf("%s as %s: %v %v %v", found.Account, found.User, found.Facts, found.Warnings, found.Expiries)
	tables, err := s.Tables(ctx)
	if err != nil {
		t.Fatalf("Tables: %v", err)
	}
	for _, table := range tables {
		if table.Fault == nil {
			realTable(ctx, t, s, table)
		}
	}
}

func realEnv(t *testing.T, address string) connector.Env {
	u, err := url.Parse(address)
	if err != nil {
		t.Fatalf("%s is no address", realVariable) // not its text: it holds the password
	}
	password, _ := u.User.Password()
	env := connector.Env{Settings: map[string]string{"host": u.Hostname(), "port": u.Port(), "user": u.User.Username(), "database": u.Path[min(1, len(u.Path)):]},
		Secrets: map[string]connector.Secret{"password": connector.NewSecret(password)}, Dial: (&net.Dialer{}).DialContext}
	for name, values := range u.Query() {
		env.Settings[name] = values[0]
	}
	return env
}

// realTable reads the first thousand rows by every method, and again by keys.
func realTable(ctx context.Context, t *testing.T, s connector.Source, table connector.Table) {
	for _, how := range table.Replications {
		if how.Method == connector.Paused {
			continue
		}
		req := request(table, how.Method, how.Column)
		req.Limit = 1000
		got, err := tryRead(ctx, s, req)
		if err != nil {
			t.Errorf("%s by %s: %v", table.Name, how.Method, err)
			continue
		}
		t.Logf("%s by %s: %d rows", table.Name, how.Method, len(got.rows))
	}
	if len(table.Key) == 0 {
		return
	}
	req := connector.Request{Table: table, Columns: table.Key, Replication: table.Replications[0], Pass: connector.PassKeys, Limit: 1000}
	for b, err := range s.Read(ctx, req) {
		if err != nil {
			t.Errorf("keys of %s: %v", table.Name, err)
			return
		}
		if b.Record != nil {
			exists, err := s.(connector.Verifier).Exists(ctx, table, b.Record)
			for i, there := range exists {
				if !there {
					t.Errorf("key %d of %s is said to be gone", i, table.Name)
				}
			}
			if err != nil {
				t.Errorf("Exists in %s: %v", table.Name, err)
			}
		}
		b.Release()
	}
}
