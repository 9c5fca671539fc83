package sqlserver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/testservers/tds"
)

// verdicts is the fact sheet's table: a number, the step it comes at, and what
// is made of it.
type verdictCase struct {
	number int32
	class  uint8
	cause  connector.Cause
	code   string
	step   connector.Step
	retry  bool
}

func refusals() []verdictCase {
	changed, out := connector.AccessChanged, connector.Outage
	list := func(cause connector.Cause, code string, retry bool, numbers ...int32) []verdictCase {
		var all []verdictCase
		for _, n := range numbers {
			all = append(all, verdictCase{n, 14, cause, code, connector.StepSignIn, retry})
		}
		return all
	}
	return slices.Concat(
		list(changed, "login_refused", false, 18456), list(changed, "windows_only", false, 18452), list(changed, "login_disabled", false, 18470),
		list(changed, "login_locked", false, 18486), list(connector.Expired, "password_expired", false, 18487), list(connector.Expired, "password_must_change", false, 18488),
		list(out, "not_ready", true, 18451, 18461, 18401, 17142, 17187, 17188, 17189), list(out, "licence_limit", true, 18458, 18459, 18460), list(out, "too_many_connections", true, 17809),
		list(changed, "database_refused", false, 4060), list(changed, "default_database", false, 4064), list(changed, "no_user", false, 916), list(changed, "database_missing", false, 911),
		list(changed, "server_name", false, 40532, 40531), list(changed, "firewall", false, 40615, 40914, 47073),
		list(out, "azure_busy", true, 40613, 40197, 49918, 49919, 49920, 4221, 615, 926), list(out, "azure_limit", true, 40501, 10928, 10929),
		list(out, "connection_lost", true, 233, 10053, 10054, 10060), list(changed, "read_intent", false, 976), list(out, "replica_unavailable", true, 978, 983),
		list(out, "database_unavailable", true, 924, 927, 942, 945), list(out, "server_exhausted", true, 701),
		list(connector.Unknown, "error_64000", false, 64000))
}

func TestRefusalsOfALogin(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := b.open()
	for _, c := range refusals() {
		b.db.Refuse(tds.Error{Number: c.number, State: 1, Class: c.class, Message: "as the server says it"})
		_, err := s.Check(testContext(t))
		c.hold(t, faultOf(t, err), connector.WholeAuthorization)
	}
	b.db.Refuse()
	if _, err := s.Check(testContext(t)); err != nil {
		t.Errorf("when all is well again: %v", err)
	}
}

func (c verdictCase) hold(t *testing.T, f *connector.Fault, scope connector.Scope) {
	t.Helper()
	if f.Cause != c.cause || f.Code != id+"."+c.code || f.Step != c.step || f.Scope != scope || (f.Retry > 0) != c.retry {
		t.Errorf("%d gives cause %s, code %s, step %s, scope %d, retry %s; want %s, %s, %s, %d, %t", c.number, f.Cause, f.Code, f.Step, f.Scope, f.Retry, c.cause, c.code, c.step, scope, c.retry)
	}
	if f.Facts["number"] != fmt.Sprint(c.number) {
		t.Errorf("%d is not in the facts: %v", c.number, f.Facts)
	}
}

func TestErrorsOfAReading(t *testing.T) {
	t.Parallel()
	whole, one := connector.WholeAuthorization, connector.OneTable
	changed, out, ours := connector.AccessChanged, connector.Outage, connector.Ours
	cases := []struct {
		verdictCase
		scope connector.Scope
	}{
		{verdictCase{229, 14, changed, "table_denied", connector.StepPrivileges, false}, one},
		{verdictCase{230, 14, changed, "column_denied", connector.StepPrivileges, false}, one},
		{verdictCase{262, 14, changed, "permission_missing", connector.StepPrivileges, false}, one},
		{verdictCase{297, 16, changed, "permission_missing", connector.StepPrivileges, false}, one},
		{verdictCase{300, 14, changed, "permission_missing", connector.StepPrivileges, false}, one},
		{verdictCase{208, 16, changed, "table_missing", connector.StepRead, false}, one},
		{verdictCase{207, 16, changed, "column_missing", connector.StepRead, false}, one},
		{verdictCase{3966, 16, out, "read_conflict", connector.StepRead, true}, one},
		{verdictCase{3967, 16, out, "read_conflict", connector.StepRead, true}, one},
		{verdictCase{3960, 16, out, "read_conflict", connector.StepRead, true}, one},
		{verdictCase{3961, 16, out, "read_conflict", connector.StepRead, true}, one},
		{verdictCase{1205, 13, out, "deadlock", connector.StepRead, true}, one},
		{verdictCase{1222, 16, out, "table_locked", connector.StepRead, true}, one},
		{verdictCase{102, 15, ours, "statement_refused", connector.StepRead, false}, one},
		{verdictCase{916, 14, changed, "no_user", connector.StepRead, false}, whole},
		{verdictCase{976, 14, changed, "read_intent", connector.StepRead, false}, whole},
		{verdictCase{983, 14, out, "replica_unavailable", connector.StepRead, true}, whole},
		{verdictCase{942, 14, out, "database_unavailable", connector.StepRead, true}, whole},
		{verdictCase{40613, 17, out, "azure_busy", connector.StepRead, true}, whole},
		{verdictCase{10928, 16, out, "azure_limit", connector.StepRead, true}, whole},
		{verdictCase{701, 17, out, "server_exhausted", connector.StepRead, true}, whole},
		{verdictCase{8645, 17, out, "server_exhausted", connector.StepRead, true}, whole},
		{verdictCase{8651, 17, out, "server_exhausted", connector.StepRead, true}, whole},
		{verdictCase{9002, 17, out, "server_exhausted", connector.StepRead, true}, whole},
		{verdictCase{596, 21, out, "terminated", connector.StepRead, true}, whole},
		{verdictCase{6005, 21, out, "terminated", connector.StepRead, true}, whole},
		{verdictCase{65000, 21, out, "terminated", connector.StepRead, true}, whole},
		{verdictCase{65000, 16, connector.Unknown, "error_65000", connector.StepRead, false}, one},
	}
	b := setup(t, counted("broken", 3), counted("sound", 3))
	s := b.open()
	broken, sound := tableOf(t, s, "dbo.broken"), tableOf(t, s, "dbo.sound")
	for _, c := range cases {
		b.db.Change(func(db *tds.Database) {
			db.Find("broken").Broken = &tds.Error{Number: c.number, State: 1, Class: c.class, Message: "as the server says it"}
		})
		_, err := tryRead(testContext(t), s, request(broken, connector.FullTable, ""))
		c.hold(t, faultOf(t, err), c.scope)
		if got := read(t, s, request(sound, connector.FullTable, "")); len(got.rows) != 3 {
			t.Fatalf("after %d the other table gives %d rows", c.number, len(got.rows))
		}
	}
}

// A database that is refused comes as two errors, and the driver puts the
// second one first.
func TestDatabaseRefusedIsNoWrongPassword(t *testing.T) {
	t.Parallel()
	b := setup(t)
	env := b.env()
	env.Settings["database"] = "elsewhere"
	_, err := openEnv(t, env).Check(testContext(t))
	f := faultOf(t, err)
	if f.Code != "sqlserver.database_refused" || !strings.Contains(f.Public, "password is right") {
		t.Errorf("got %s: %s", f.Code, f.Public)
	}
}

func TestFirewallShowsOurAddress(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.db.Refuse(tds.Error{Number: 40615, State: 1, Class: 14, Message: "Cannot open server 'shop' requested by the login. Client with IP address '203.0.113.7' is not allowed to access the server."})
	_, err := b.open().Check(testContext(t))
	if f := faultOf(t, err); f.Facts["address_seen"] != "203.0.113.7" || !strings.Contains(f.Public, "203.0.113.7") {
		t.Errorf("got %v: %s", f.Facts, f.Public)
	}
}

func TestHangUpDuringLogin(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.db.Refuse(tds.Error{Number: tds.HangUp})
	_, err := b.open().Check(testContext(t))
	if f := faultOf(t, err); f.Cause != connector.Outage || f.Scope != connector.WholeAuthorization {
		t.Errorf("got %s, %s: %v", f.Cause, f.Code, err)
	}
}

// Rows before the error are good, and reading goes on behind them.
func TestErrorAfterRows(t *testing.T) {
	t.Parallel()
	b := setup(t, counted("t", 1000))
	b.db.Change(func(db *tds.Database) {
		db.Find("t").Broken, db.Find("t").AfterRows = &tds.Error{Number: 596, State: 1, Class: 21, Message: "Cannot continue: the session is in the kill state."}, 700
	})
	s := b.open()
	s.(*source).rowsEach = 300
	req := request(tableOf(t, s, "dbo.t"), connector.AutoIncrement, "id")
	begun, err := tryRead(testContext(t), s, req)
	if f := faultOf(t, err); f.Code != "sqlserver.terminated" || f.Retry == 0 {
		t.Errorf("got %s, retry %s", f.Code, f.Retry)
	}
	if len(begun.rows) != 600 {
		t.Errorf("%d rows arrived before the error, want the 600 of whole records", len(begun.rows))
	}
	b.db.Change(func(db *tds.Database) { db.Find("t").Broken = nil })
	req.Position = begun.at
	if rest := read(t, s, req); len(rest.rows) != 400 || rest.rows[0]["id"] != "601" {
		t.Errorf("the rest has %d rows", len(rest.rows))
	}
}

func TestWithoutSnapshotIsolation(t *testing.T) {
	t.Parallel()
	b := setup(t, counted("t", 10))
	s := b.open()
	table := tableOf(t, s, "dbo.t") // and with it a session that reads under snapshot isolation
	b.db.Change(func(db *tds.Database) { db.Snapshot = false })
	for _, how := range []connector.Method{connector.FullTable, connector.PrimaryKeyBatch, connector.AutoIncrement} {
		if got := read(t, s, request(table, how, "id")); len(got.rows) != 10 {
			t.Errorf("%s gives %d rows", how, len(got.rows))
		}
	}
	found, err := s.Check(testContext(t))
	if err != nil || !slices.ContainsFunc(found.Warnings, func(w string) bool { return strings.Contains(w, "ALLOW_SNAPSHOT_ISOLATION") }) {
		t.Errorf("got %v, %v", found.Warnings, err)
	}
}

func TestContextEnds(t *testing.T) {
	t.Parallel()
	b := setup(t, counted("t", 10))
	s := b.open()
	req := request(tableOf(t, s, "dbo.t"), connector.FullTable, "")
	ctx, cancel := context.WithCancel(testContext(t))
	b.script.On("[dbo].[t]", tds.Reply{Delay: time.Hour}, cancel)
	_, err := tryRead(ctx, s, req)
	if f := faultOf(t, err); !errors.Is(err, context.Canceled) || f.Cause != connector.Ours {
		t.Errorf("got %s: %v", f.Cause, err)
	}
}
