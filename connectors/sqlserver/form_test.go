package sqlserver

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/testservers/tds"
)

func TestFormValues(t *testing.T) {
	t.Parallel()
	good := func() connector.Env {
		return connector.Env{Settings: map[string]string{"host": "db.example.com", "port": "1433", "user": "pull_ro", "database": "shop"},
			Secrets: map[string]connector.Secret{"password": connector.NewSecret(testPassword)}, Dial: (&net.Dialer{}).DialContext}
	}
	cases := []struct {
		name string
		bad  func(connector.Env)
	}{
		{"no user", func(e connector.Env) { e.Settings["user"] = "" }},
		{"windows account", func(e connector.Env) { e.Settings["user"] = `CORP\anna` }},
		{"no database", func(e connector.Env) { e.Settings["database"] = "" }},
		{"a port that is none", func(e connector.Env) { e.Settings["port"] = "port" }},
		{"an instance in the host", func(e connector.Env) { e.Settings["host"] = "db/SQLEXPRESS" }},
		{"no password", func(e connector.Env) { delete(e.Secrets, "password") }},
		{"a copied line break", func(e connector.Env) { e.Secrets["password"] = connector.NewSecret(testPassword + "\n") }},
		{"a password that is too long", func(e connector.Env) { e.Secrets["password"] = connector.NewSecret(strings.Repeat("x", 129)) }},
		{"a CA that is none", func(e connector.Env) { e.Settings["tls_ca"] = "nonsense" }},
		{"a mode that is none", func(e connector.Env) { e.Settings["tls_mode"] = "maybe" }},
	}
	for _, c := range cases {
		env := good()
		c.bad(env)
		_, err := Definition.Open(context.Background(), env)
		if f := faultOf(t, err); f.Cause != connector.Invalid || f.Step != connector.StepForm {
			t.Errorf("%s gives %s at %s", c.name, f.Cause, f.Step)
		}
	}
	if _, err := Definition.Open(context.Background(), good()); err != nil {
		t.Errorf("good values: %v", err)
	}
}

func TestGuideQuotesWhatWasTyped(t *testing.T) {
	t.Parallel()
	var code string
	for _, step := range guide(map[string]string{"user": "a]b", "database": "shop; DROP", "host": "db"}) {
		code += step.Code + "\n"
	}
	for _, want := range []string{"[a]]b]", "USE [shop; DROP];", "db_datareader", "ALLOW_SNAPSHOT_ISOLATION"} {
		if !strings.Contains(code, want) {
			t.Errorf("no %s in:\n%s", want, code)
		}
	}
	azure := guide(map[string]string{"host": "x.database.windows.net"})
	if strings.Contains(azure[0].Code+azure[1].Code, "USE ") || strings.Contains(azure[0].Code, "LOGIN") {
		t.Errorf("Azure has neither USE nor server logins: %s", azure[0].Code+azure[1].Code)
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.db.AddUser(testLogin, &tds.User{Password: testPassword, ExpiresIn: int64(10)})
	b.db.Change(func(db *tds.Database) { db.Filters = 2 })
	s := b.open()
	one, err := s.Check(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(one.Expiries) != 1 || one.Expiries[0].Source != connector.PasswordValidity || time.Until(one.Expiries[0].At) > 11*24*time.Hour {
		t.Errorf("expiries: %+v", one.Expiries)
	}
	if !slices.ContainsFunc(one.Warnings, func(w string) bool { return strings.Contains(w, "security policy") }) {
		t.Errorf("warnings: %v", one.Warnings)
	}
	b.db.Change(func(db *tds.Database) { db.Server = "REPLICA-2" })
	if two, err := s.Check(testContext(t)); err != nil || two.Fingerprint != one.Fingerprint {
		t.Errorf("after a failover the fingerprint is %q, before %q (%v)", two.Fingerprint, one.Fingerprint, err)
	}
	b.db.Change(func(db *tds.Database) { db.Broker = "" })
	three, err := s.Check(testContext(t))
	if err != nil || three.Fingerprint == "" || three.Fingerprint == one.Fingerprint {
		t.Errorf("without an identifier: %q (%v)", three.Fingerprint, err)
	}
	b.db.Change(func(db *tds.Database) { db.Server = "ANOTHER" })
	if four, err := s.Check(testContext(t)); err != nil || four.Fingerprint == three.Fingerprint {
		t.Errorf("another server by name: %q (%v)", four.Fingerprint, err)
	}
}

func TestWithoutThePermissionToAsk(t *testing.T) {
	t.Parallel()
	b := setup(t)
	refusal := tds.Reply{Errors: []tds.Error{{Number: 229, State: 5, Class: 14, Message: "denied"}}}
	b.script.On("LOGINPROPERTY", refusal, nil)
	b.script.On("security_predicates", refusal, nil)
	if found, err := b.open().Check(testContext(t)); err != nil || len(found.Expiries) != 0 {
		t.Errorf("got %v, %v", found.Expiries, err)
	}
}

func TestDeniedColumns(t *testing.T) {
	t.Parallel()
	b := setup(t, &tds.Table{Schema: "dbo", Name: "t", Key: []string{"id"}, Columns: []tds.TableColumn{column("id", "int", identity),
		column("salary", "money", func(c *tds.TableColumn) { c.Denied = true }), column("card", "varbinary(max)", func(c *tds.TableColumn) { c.Encrypted = true })},
		Rows: [][]any{{int64(1), nil, []byte{1}}}})
	s := b.open()
	table := tableOf(t, s, "dbo.t")
	if c, _ := table.Column("salary"); !c.Denied || table.Fault != nil {
		t.Errorf("denied: %+v, fault %v", c, table.Fault)
	}
	if c, _ := table.Column("card"); c.Lossy == "" || !strings.Contains(c.SourceType, "encrypted") {
		t.Errorf("encrypted: %+v", c)
	}
	if got := read(t, s, request(table, connector.PrimaryKeyBatch, "")); len(got.rows) != 1 {
		t.Errorf("%d rows", len(got.rows))
	}
	req := request(table, connector.FullTable, "")
	req.Columns = append(req.Columns, "salary")
	_, err := tryRead(testContext(t), s, req)
	if f := faultOf(t, err); f.Code != "sqlserver.column_denied" || f.Scope != connector.OneTable {
		t.Errorf("got %s", f.Code)
	}
}
