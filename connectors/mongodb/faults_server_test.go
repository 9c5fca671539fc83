package mongodb

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/testservers/mongo"
	"github.com/regrant/regrant/internal/testservers/opmsg"
)

// proxied is a server with a proxy before it, whose answers a test changes.
func proxied(t *testing.T) (bundle, *opmsg.Server, connector.Env) {
	t.Helper()
	b := setup(t, mongo.Config{})
	b.insert("orders", bson.D{{Key: "_id", Value: 1}, {Key: "v", Value: "a"}}, bson.D{{Key: "_id", Value: 2}, {Key: "v", Value: "b"}})
	b.insert("others", bson.D{{Key: "_id", Value: 1}})
	p := opmsg.StartProxy(t, b.Address(), nil)
	env := b.env()
	env.Settings["port"] = fmt.Sprint(p.Port())
	return b, p, env
}

// findOn refuses to find in one collection.
func findOn(collection string, reply any) opmsg.Answer {
	return func(name string, command bson.Raw) any {
		if name == "find" && command.Lookup("find").StringValue() == collection {
			return reply
		}
		return nil
	}
}

// TestCodes: each code of the table, at signing in and at reading, has its
// cause, and what nobody has seen before is unknown.
func TestCodes(t *testing.T) {
	t.Parallel()
	_, p, env := proxied(t)
	table := tableOf(t, openEnv(t, env), "orders")
	const unauthorized = "not authorized on shop to execute command { find: \"orders\" }"
	for _, c := range []struct {
		code     int32
		text     string
		signedIn bool
		want     connector.Cause
		name     string
		step     connector.Step
		scope    connector.Scope
		retry    bool
	}{
		{code: 18, want: connector.AccessChanged, name: "login_refused", step: connector.StepSignIn},
		{code: 11, want: connector.AccessChanged, name: "login_refused", step: connector.StepSignIn},
		{code: 8000, text: "bad auth : authentication failed", want: connector.AccessChanged, name: "login_refused", step: connector.StepSignIn},
		{code: 8000, text: "connection quota reached", want: connector.Throttled, name: "atlas_limit", step: connector.StepSignIn, retry: true},
		{code: 8000, text: "something new", want: connector.Unknown, name: "atlas_error", step: connector.StepSignIn},
		{code: 334, want: connector.AccessChanged, name: "mechanism_unavailable", step: connector.StepSignIn},
		{code: 214, want: connector.AccessChanged, name: "host_refused", step: connector.StepSignIn},
		{code: 391, want: connector.Expired, name: "token_expired", step: connector.StepSignIn},
		{code: 91, want: connector.Outage, name: "shutting_down", step: connector.StepSignIn, retry: true},
		{code: 11600, want: connector.Outage, name: "shutting_down", step: connector.StepSignIn, retry: true},
		{code: 777, want: connector.Unknown, name: "code_777", step: connector.StepSignIn},

		{code: 13, text: unauthorized, signedIn: true, want: connector.AccessChanged, name: "table_denied", step: connector.StepPrivileges, scope: connector.OneTable},
		{code: 13, text: "command find requires authentication", signedIn: true, want: connector.AccessChanged, name: "signed_out", step: connector.StepSignIn},
		{code: 18, signedIn: true, want: connector.AccessChanged, name: "login_refused", step: connector.StepSignIn},
		{code: 26, signedIn: true, want: connector.AccessChanged, name: "table_missing", step: connector.StepRead, scope: connector.OneTable},
		{code: 59, signedIn: true, want: connector.Ours, name: "not_supported", step: connector.StepRead, scope: connector.OneTable},
		{code: 43, signedIn: true, want: connector.Outage, name: "cursor_lost", step: connector.StepRead, scope: connector.OneTable, retry: true},
		{code: 50, signedIn: true, want: connector.Outage, name: "time_limit", step: connector.StepRead, scope: connector.OneTable, retry: true},
		{code: 239, signedIn: true, want: connector.Outage, name: "snapshot_gone", step: connector.StepRead, scope: connector.OneTable, retry: true},
		{code: 246, signedIn: true, want: connector.Outage, name: "snapshot_gone", step: connector.StepRead, scope: connector.OneTable, retry: true},
		{code: 391, signedIn: true, want: connector.Expired, name: "token_expired", step: connector.StepSignIn},
		{code: 189, signedIn: true, want: connector.Outage, name: "not_primary", step: connector.StepRead, retry: true},
		{code: 10107, signedIn: true, want: connector.Outage, name: "not_primary", step: connector.StepRead, retry: true},
		{code: 11602, signedIn: true, want: connector.Outage, name: "not_primary", step: connector.StepRead, retry: true},
		{code: 13435, signedIn: true, want: connector.Outage, name: "not_primary", step: connector.StepRead, retry: true},
		{code: 13436, signedIn: true, want: connector.Outage, name: "not_primary", step: connector.StepRead, retry: true},
		{code: 133, signedIn: true, want: connector.Outage, name: "no_member", step: connector.StepRead, retry: true},
		{code: 6, signedIn: true, want: connector.Outage, name: "member_unreachable", step: connector.StepRead, retry: true},
		{code: 462, signedIn: true, want: connector.Throttled, name: "overloaded", step: connector.StepRead, retry: true},
		{code: 261, signedIn: true, want: connector.Outage, name: "too_many_sessions", step: connector.StepRead, retry: true},
		{code: 8000, text: "user is not allowed to do action [find]", signedIn: true, want: connector.AccessChanged, name: "atlas_denied", step: connector.StepRead},
		{code: 777, signedIn: true, want: connector.Unknown, name: "code_777", step: connector.StepRead, scope: connector.OneTable},
	} {
		reply := opmsg.Error(c.code, "Code", c.text)
		var err error
		if c.signedIn {
			p.Set(findOn("orders", reply))
			_, err = tryRead(testContext(t), openEnv(t, env), request(table, connector.FullTable, ""))
		} else {
			p.Set(func(name string, _ bson.Raw) any {
				switch name {
				case "saslStart":
					return reply
				case "hello", "isMaster", "ismaster": // signing in begins within it, or else by itself
					return opmsg.Plain(name)
				}
				return nil
			})
			_, err = openEnv(t, env).Check(testContext(t))
		}
		p.Set(nil)
		f := faultOf(t, err)
		if f.Cause != c.want || f.Code != "mongodb."+c.name || f.Step != c.step || f.Scope != c.scope || (f.Retry > 0) != c.retry {
			t.Errorf("%d %q (signed in: %t): %s %s at %s, scope %d, retry %s; want %s %s at %s, scope %d: %v", c.code, c.text, c.signedIn,
				f.Cause, f.Code, f.Step, f.Scope, f.Retry, c.want, c.name, c.step, c.scope, f.Err)
		}
		if c.scope == connector.OneTable && f.Table != "orders" {
			t.Errorf("%d: of table %q", c.code, f.Table)
		}
	}
}

// TestRoleLost: one collection that may not be read leaves the others alone,
// and a user that may list nothing still sees what it may read.
func TestRoleLost(t *testing.T) {
	t.Parallel()
	_, p, env := proxied(t)
	p.Set(findOn("orders", opmsg.Error(13, "Unauthorized", "not authorized on shop")))
	s := openEnv(t, env)
	lost := tableOf(t, s, "orders")
	if lost.Fault == nil || lost.Fault.Code != "mongodb.table_denied" || lost.Fault.Scope != connector.OneTable || lost.Fault.Table != "orders" {
		t.Errorf("orders: %v", lost.Fault)
	}
	if other := tableOf(t, s, "others"); other.Fault != nil {
		t.Errorf("others: %v", other.Fault)
	}
	p.Set(func(name string, command bson.Raw) any {
		if _, err := command.LookupErr("authorizedCollections"); name == "listCollections" && err != nil {
			return opmsg.Error(13, "Unauthorized", "not authorized on shop")
		}
		return nil
	})
	if got := read(t, s, request(tableOf(t, s, "orders"), connector.FullTable, "")); len(got.rows) != 2 {
		t.Errorf("%d rows", len(got.rows))
	}
	p.Set(func(name string, _ bson.Raw) any {
		if name == "listCollections" {
			return opmsg.Error(13, "Unauthorized", "not authorized on shop")
		}
		return nil
	})
	_, err := openEnv(t, env).Check(testContext(t))
	if f := faultOf(t, err); f.Cause != connector.AccessChanged || f.Step != connector.StepPrivileges || f.Scope != connector.WholeAuthorization {
		t.Errorf("no right at all: %s %s at %s: %v", f.Cause, f.Code, f.Step, f.Err)
	}
}

// TestGoesOn: a forgotten cursor, a step-down and a cut connection in the
// middle of a reading are made good within it.
func TestGoesOn(t *testing.T) {
	t.Parallel()
	b, p, env := proxied(t)
	const rows = 5000
	list := make([]any, rows)
	for i := range list {
		list[i] = bson.D{{Key: "_id", Value: i}, {Key: "v", Value: strings.Repeat("x", 50)}}
	}
	b.insert("big", list...)
	s := openEnv(t, env)
	req := request(tableOf(t, s, "big"), connector.AutoIncrement, "_id")
	for name, reply := range map[string]any{
		"cursor":    opmsg.Error(43, "CursorNotFound", "cursor id 1 not found"),
		"step-down": opmsg.Error(11602, "InterruptedDueToReplStateChange", "operation was interrupted"),
		"cut":       opmsg.Cut{},
	} {
		var broken atomic.Int32
		p.Set(func(command string, _ bson.Raw) any {
			if command == "getMore" && broken.Add(1) == 1 {
				return reply
			}
			return nil
		})
		got := read(t, s, req)
		if len(got.rows) != rows || len(got.by("_id")) != rows {
			t.Errorf("%s: %d rows, %d keys", name, len(got.rows), len(got.by("_id")))
		}
		if broken.Load() == 0 {
			t.Errorf("%s: nothing was broken", name)
		}
	}
}

// TestOnlyReads: of all that the connector asks, nothing writes.
func TestOnlyReads(t *testing.T) {
	t.Parallel()
	_, p, env := proxied(t)
	s := openEnv(t, env)
	if _, err := s.Check(testContext(t)); err != nil {
		t.Fatal(err)
	}
	table := tableOf(t, s, "orders")
	for _, r := range table.Replications {
		read(t, s, request(table, r.Method, r.Column))
	}
	keys := request(table, connector.AutoIncrement, "_id")
	keys.Pass, keys.Columns = connector.PassKeys, table.Key
	read(t, s, keys)
	harmless := " aggregate buildInfo connectionStatus count endSessions find getMore hello isMaster ismaster killCursors listCollections listIndexes ping saslContinue saslStart "
	for _, name := range p.Seen() {
		if !strings.Contains(harmless, " "+name+" ") {
			t.Errorf("the server was asked to %s", name)
		}
	}
}
