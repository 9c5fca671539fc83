package diagnose

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

// at is when everything in these tests fails.
func at() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }

// fault makes one; facts are pairs.
func fault(cause connector.Cause, code string, step connector.Step, facts ...string) *connector.Fault {
	f := &connector.Fault{Cause: cause, Code: code, Step: step, Public: "what the connector says", Err: errors.New(code), Facts: map[string]string{}}
	for n := 0; n+1 < len(facts); n += 2 {
		f.Facts[facts[n]] = facts[n+1]
	}
	return f
}

func because(f *connector.Fault, err error) *connector.Fault {
	f.Err = fmt.Errorf("dial: %w", err)
	return f
}

func ofTable(f *connector.Fault) *connector.Fault {
	f.Scope, f.Table = connector.OneTable, "public.orders"
	return f
}

// circumstance changes the failure or the observations.
type circumstance func(*integration.Failure, *observations)

func controls(before, now bool, addresses ...string) circumstance {
	return func(_ *integration.Failure, o *observations) {
		for _, a := range addresses {
			o.self.controls = append(o.self.controls, control{address: a, before: before, now: now, operator: true})
		}
	}
}

func up(addresses ...string) circumstance          { return controls(true, true, addresses...) }
func down(addresses ...string) circumstance        { return controls(true, false, addresses...) }
func neverWorked(addresses ...string) circumstance { return controls(false, false, addresses...) }

func silent(of ...string) circumstance {
	return func(f *integration.Failure, o *observations) {
		f.Integration.Authorization.Settings = map[string]string{"host": "db", "port": "5432"}
		for _, id := range of {
			o.self.controls = append(o.self.controls, control{address: id + ".example:5432", before: true, integration: id})
		}
	}
}

func sameHost(_ *integration.Failure, o *observations) {
	o.self.controls = append(o.self.controls, control{address: "db:5433", before: true, integration: "i9"})
}

func ladderOK() circumstance {
	return func(_ *integration.Failure, o *observations) {
		o.ladder = ladder{tested: true, address: "db:5432", name: true, tcp: true}
	}
}

func ladderDown(named bool) circumstance {
	return func(_ *integration.Failure, o *observations) {
		o.ladder = ladder{tested: true, address: "db:5432", name: named, why: "it does not answer"}
	}
}

func namesLost() circumstance {
	return func(_ *integration.Failure, o *observations) {
		o.self.names = []name{{host: "control.example", before: true}}
	}
}

func namesWork() circumstance {
	return func(_ *integration.Failure, o *observations) {
		o.self.names = []name{{host: "control.example", before: true, now: true}}
	}
}

func clockWrong() circumstance {
	return func(_ *integration.Failure, o *observations) {
		o.self.clock = clock{wrong: true, why: "it shows 1970"}
	}
}

func diskFull() circumstance {
	return func(_ *integration.Failure, o *observations) {
		o.self.disk = disk{tested: true, full: true, why: "no space"}
	}
}

func first(f *integration.Failure, _ *observations)    { f.WorkedAt = time.Time{} }
func database(_ *integration.Failure, o *observations) { o.databases = true }

func expiry(at time.Time) circumstance {
	return func(f *integration.Failure, _ *observations) {
		f.Integration.Authorization.Identity.Expiries = []connector.Expiry{{What: "the password of role pull_ro", At: at, Source: connector.PasswordValidity}}
	}
}

func neighbours(connectorID string, n int, cause connector.Cause, broken bool) circumstance {
	return func(f *integration.Failure, _ *observations) {
		for i := range n {
			f.Others = append(f.Others, integration.Neighbour{
				Integration: fmt.Sprintf("%s-%d", connectorID, i), Connector: connectorID, Broken: broken, Failing: cause, WorkedAt: at().Add(-5 * time.Minute),
			})
		}
	}
}

type situation struct {
	name       string
	fault      *connector.Fault
	with       []circumstance
	cause      connector.Cause
	actor      integration.Actor
	confidence integration.Confidence
	code       string // "": that of the fault
	shared     string
}

const (
	certain = integration.Certain
	likely  = integration.Likely
	unsure  = integration.Unsure
)

func situations() []situation {
	const (
		outage  = connector.Outage
		changed = connector.AccessChanged
		ours    = connector.Ours
		reach   = connector.StepReach
		signIn  = connector.StepSignIn
		read    = connector.StepRead
	)
	refused := func() *connector.Fault {
		return fault(outage, "net.refused", reach, "errno", "ECONNREFUSED", "phase", "tcp")
	}
	login := func() *connector.Fault {
		return fault(changed, "postgresql.login_refused", signIn, "sqlstate", "28P01")
	}
	past, future := at().Add(-time.Hour), at().Add(time.Hour)
	return []situation{
		// Out of reach.
		{"server down, our network works", refused(), []circumstance{up("c1:443"), ladderDown(true)}, outage, integration.Nobody, certain, "", ""},
		{"server down, one of two controls works", refused(), []circumstance{up("c1:443"), down("c2:443"), ladderDown(true)}, outage, integration.Nobody, certain, "", ""},
		{"server down, nothing to compare with", refused(), []circumstance{ladderDown(true)}, outage, integration.Nobody, likely, "", ""},
		{"server down, controls that never worked", refused(), []circumstance{neverWorked("c1:443", "c2:443"), ladderDown(true)}, outage, integration.Nobody, likely, "", ""},
		{"server back already", refused(), []circumstance{up("c1:443"), ladderOK()}, outage, integration.Nobody, likely, "", ""},
		{"server starting up", fault(outage, "postgresql.starting", signIn, "sqlstate", "57P03"), []circumstance{up("c1:443"), ladderOK()}, outage, integration.Nobody, certain, "", ""},
		{"server says it is starting while controls are down", fault(outage, "postgresql.starting", signIn, "sqlstate", "57P03"), []circumstance{down("c1:443")}, outage, integration.Nobody, certain, "", ""},
		{"connection lost while reading, controls fine", fault(outage, "postgresql.connection_lost", read), []circumstance{up("c1:443"), ladderOK()}, outage, integration.Nobody, likely, "", ""},
		{"behind a bastion that answers", fault(outage, "ssh.target_unreachable", reach), []circumstance{up("c1:443"), ladderOK()}, outage, integration.Nobody, likely, "", ""},
		{"timeout, both controls time out", fault(outage, "net.timeout", reach), []circumstance{down("c1:443", "c2:443"), ladderDown(true)}, ours, integration.Operator, certain, "own.egress", "own.egress"},
		{"timeout, the only control times out", fault(outage, "net.timeout", reach), []circumstance{down("c1:443"), ladderDown(true)}, ours, integration.Operator, likely, "own.egress", "own.egress"},
		{"refused, both controls refused", refused(), []circumstance{down("c1:443", "c2:443"), ladderDown(true)}, ours, integration.Operator, certain, "own.egress", "own.egress"},
		{"connection lost while reading, controls lost", fault(outage, "postgresql.connection_lost", read), []circumstance{down("c1:443", "c2:443")}, ours, integration.Operator, certain, "own.egress", "own.egress"},

		{"two healthy neighbours silent as well", fault(outage, "net.timeout", reach), []circumstance{silent("i2", "i3")}, ours, integration.Operator, certain, "own.egress", "own.egress"},
		{"the only neighbour silent as well", fault(outage, "net.timeout", reach), []circumstance{silent("i2")}, ours, integration.Operator, unsure, "own.egress", "own.egress"},
		{"a neighbour silent, but broken for long", fault(outage, "net.timeout", reach), []circumstance{silent("mysql-0"), neighbours("mysql", 1, outage, true)}, outage, integration.Nobody, likely, "", ""},
		{"a neighbour silent that was blamed on us", fault(outage, "net.timeout", reach), []circumstance{silent("mysql-0"), neighbours("mysql", 1, ours, true)}, ours, integration.Operator, unsure, "own.egress", "own.egress"},
		{"a neighbour on the same host silent", fault(outage, "net.timeout", reach), []circumstance{silent(), sameHost}, outage, integration.Nobody, likely, "", ""},

		// What our own operating system says.
		{"no network, no controls", because(fault(ours, "net.network_unreachable", reach, "errno", "ENETUNREACH", "local", "true"), syscall.ENETUNREACH), nil, ours, integration.Operator, likely, "own.egress", "own.egress"},
		{"no network, control down", because(fault(ours, "net.network_unreachable", reach, "errno", "ENETUNREACH", "local", "true"), syscall.ENETUNREACH), []circumstance{down("c1:443")}, ours, integration.Operator, certain, "own.egress", "own.egress"},
		{"no way to IPv6 only, control fine", because(fault(ours, "net.network_unreachable", reach, "errno", "ENETUNREACH", "local", "true"), syscall.ENETUNREACH), []circumstance{up("c1:443")}, ours, integration.Operator, likely, "", ""},
		{"host unreachable, control fine", because(fault(outage, "net.host_unreachable", reach, "errno", "EHOSTUNREACH"), syscall.EHOSTUNREACH), []circumstance{up("c1:443"), ladderDown(true)}, outage, integration.Nobody, certain, "", ""},
		{"host unreachable, no controls", because(fault(outage, "net.host_unreachable", reach, "errno", "EHOSTUNREACH"), syscall.EHOSTUNREACH), nil, ours, integration.Operator, likely, "own.egress", "own.egress"},
		{"unclassified, but the system said no network", because(fault(connector.Unknown, "unclassified", reach), syscall.ENETUNREACH), nil, ours, integration.Operator, likely, "own.egress", "own.egress"},
		{"too many files open", fault(ours, "net.too_many_files", reach, "errno", "EMFILE", "local", "true"), []circumstance{up("c1:443")}, ours, integration.Operator, certain, "", ""},
		{"blocked by our firewall", fault(ours, "net.blocked_here", reach, "errno", "EPERM", "local", "true"), nil, ours, integration.Operator, certain, "", ""},

		// Names.
		{"name not found, names work", fault(outage, "net.name_not_found", reach, "phase", "resolve"), []circumstance{up("c1:443"), namesWork(), ladderDown(false)}, outage, integration.Nobody, certain, "", ""},
		{"name lookup fails, all names fail", fault(outage, "net.name_lookup_failed", reach, "phase", "resolve"), []circumstance{namesLost(), ladderDown(false)}, ours, integration.Operator, certain, "own.dns", "own.dns"},
		{"name lookup fails, all names fail, a control by address works", fault(outage, "net.name_lookup_failed", reach, "phase", "resolve"), []circumstance{up("192.0.2.1:443"), namesLost(), ladderDown(false)}, ours, integration.Operator, certain, "own.dns", "own.dns"},

		// Disk, clock, warehouse, bugs.
		{"disk full at a commit", fault(ours, "warehouse.disk_full", read), []circumstance{diskFull()}, ours, integration.Operator, certain, "", "own.disk"},
		{"disk full, and freed meanwhile", fault(ours, "warehouse.disk_full", read), nil, ours, integration.Operator, certain, "", "own.disk"},
		{"unclassified, but the system said no space", because(fault(connector.Unknown, "unclassified", read), syscall.ENOSPC), []circumstance{diskFull()}, ours, integration.Operator, certain, "own.disk", "own.disk"},
		{"disk full does not explain a refused login", login(), []circumstance{diskFull()}, changed, integration.Somebody, likely, "", ""},
		{"warehouse of another version", fault(ours, "warehouse.version", read), nil, ours, integration.Operator, certain, "", "own.warehouse"},
		{"sealed credential cannot be opened", fault(ours, "credential.unreadable", connector.StepForm), nil, ours, integration.Operator, certain, "", "own.credentials"},
		{"panic", fault(ours, "internal.panic", read), []circumstance{down("c1:443")}, ours, integration.Operator, certain, "", ""},
		{"certificate not yet valid, clock wrong", fault(changed, "tls.server_certificate_not_yet_valid", connector.StepTrust), []circumstance{clockWrong()}, ours, integration.Operator, certain, "own.clock", "own.clock"},
		{"certificate expired, clock wrong", fault(connector.Expired, "tls.server_certificate_expired", connector.StepTrust, "not_after", "2026"), []circumstance{clockWrong()}, ours, integration.Operator, certain, "own.clock", "own.clock"},
		{"certificate expired, clock right", fault(connector.Expired, "tls.server_certificate_expired", connector.StepTrust, "not_after", "2026"), nil, connector.Expired, integration.Somebody, certain, "", ""},
		{"outage while the clock is wrong", refused(), []circumstance{up("c1:443"), ladderDown(true), clockWrong()}, outage, integration.Nobody, certain, "", ""},

		// Signing in.
		{"password refused", login(), nil, changed, integration.Somebody, likely, "", ""},
		{"password refused, its date has passed", login(), []circumstance{expiry(past)}, connector.Expired, integration.Somebody, certain, "postgresql.credential_expired", ""},
		{"password refused, its date is to come", login(), []circumstance{expiry(future)}, changed, integration.Somebody, likely, "", ""},
		{"password refused, ends within the skew of clocks", login(), []circumstance{expiry(at().Add(30 * time.Second))}, connector.Expired, integration.Somebody, certain, "postgresql.credential_expired", ""},
		{"password refused, ends beyond the skew of clocks", login(), []circumstance{expiry(at().Add(2 * time.Minute))}, changed, integration.Somebody, likely, "", ""},
		{"password refused, ends this second", login(), []circumstance{expiry(at())}, connector.Expired, integration.Somebody, certain, "postgresql.credential_expired", ""},
		{"password refused the first time", login(), []circumstance{first}, connector.Invalid, integration.WhoeverTyped, likely, "", ""},
		{"password refused while our network is down", login(), []circumstance{down("c1:443", "c2:443")}, changed, integration.Somebody, likely, "", ""},
		{"password refused while neighbours are down", login(), []circumstance{neighbours("stripe", 3, outage, true), neighbours("zuora", 3, outage, true)}, changed, integration.Somebody, likely, "", ""},
		{"SSH key refused", fault(changed, "ssh.login_refused", signIn), nil, changed, integration.Somebody, likely, "", ""},
		{"role may not log in, date passed", fault(changed, "postgresql.role_disabled", signIn, "sqlstate", "28000"), []circumstance{expiry(past)}, changed, integration.Somebody, certain, "", ""},
		{"host key changed", fault(changed, "postgresql.ssh_host_key_changed", connector.StepTrust, "found", "SHA256:x"), []circumstance{up("c1:443")}, changed, integration.Somebody, certain, "", ""},
		{"another account", fault(changed, "account.different", connector.StepAccount, "found", "x"), nil, changed, integration.Somebody, certain, "", ""},
		{"token expired, says the vendor", fault(connector.Expired, "stripe.token_expired", signIn, "status", "401"), nil, connector.Expired, integration.Somebody, certain, "", ""},

		// Passing through.
		{"rate limit", fault(connector.Throttled, "stripe.rate", read, "status", "429"), []circumstance{down("c1:443")}, connector.Throttled, integration.Nobody, certain, "", ""},
		{"form wrong", fault(connector.Invalid, "form.port", connector.StepForm), []circumstance{first}, connector.Invalid, integration.WhoeverTyped, certain, "", ""},
		{"address refused after it worked", fault(connector.Invalid, "egress.address_refused", reach), nil, connector.Invalid, integration.WhoeverTyped, likely, "", ""},
		{"never seen before", fault(connector.Unknown, "postgresql.unknown", read, "sqlstate", "XXZZZ"), []circumstance{up("c1:443")}, connector.Unknown, integration.Operator, unsure, "", ""},
		{"never seen before, while controls are down", fault(connector.Unknown, "unclassified", reach), []circumstance{down("c1:443", "c2:443")}, connector.Unknown, integration.Operator, unsure, "", ""},
		{"never seen before, the first time", fault(connector.Unknown, "unclassified", signIn), []circumstance{first}, connector.Unknown, integration.Operator, unsure, "", ""},

		// Tables.
		{"table denied", ofTable(fault(changed, "postgresql.table_denied", connector.StepPrivileges, "sqlstate", "42501")), nil, changed, integration.Somebody, certain, "", ""},
		{"table denied, all controls down", ofTable(fault(changed, "postgresql.table_denied", connector.StepPrivileges, "sqlstate", "42501")), []circumstance{down("c1:443", "c2:443"), expiry(past), first}, changed, integration.Somebody, certain, "", ""},
		{"table empty", ofTable(fault(changed, "pull.source_empty", read)), nil, changed, integration.Somebody, likely, "", ""},
		{"table locked", ofTable(fault(outage, "postgresql.lock_timeout", read, "sqlstate", "55P03")), []circumstance{down("c1:443", "c2:443")}, outage, integration.Nobody, certain, "", ""},
		{"table strange", ofTable(fault(connector.Unknown, "unclassified", read)), nil, connector.Unknown, integration.Operator, unsure, "", ""},
		{"table that the warehouse refuses", ofTable(fault(ours, "warehouse.failed", read)), nil, ours, integration.Operator, certain, "", ""},

		// Neighbours.
		{"two vendors down alike, nobody well", fault(outage, "stripe.down", reach), []circumstance{neighbours("zuora", 1, outage, true), neighbours("trello", 2, outage, true)}, ours, integration.Operator, likely, "own.egress", "own.egress"},
		{"two vendors down alike, a third is well", fault(outage, "stripe.down", reach), []circumstance{neighbours("zuora", 1, outage, true), neighbours("trello", 2, outage, true), neighbours("shopify", 1, 0, false)}, outage, integration.Nobody, likely, "", ""},
		{"two vendors down alike, but a control answers", fault(outage, "stripe.down", reach), []circumstance{neighbours("zuora", 1, outage, true), neighbours("trello", 1, outage, true), up("c1:443"), ladderDown(true)}, outage, integration.Nobody, certain, "", ""},
		{"two vendors need people", fault(outage, "stripe.down", reach), []circumstance{neighbours("zuora", 1, changed, true), neighbours("trello", 1, changed, true)}, outage, integration.Nobody, likely, "", ""},
		{"same vendor down for others", fault(outage, "stripe.down", reach), []circumstance{neighbours("stripe", 2, outage, true), up("c1:443"), ladderDown(true)}, outage, integration.Nobody, certain, "", "stripe.outage"},
		{"same vendor well for others", fault(outage, "stripe.down", reach), []circumstance{neighbours("stripe", 2, 0, false)}, outage, integration.Nobody, unsure, "", ""},
		{"other databases down, no vendor in common", fault(outage, "net.timeout", reach), []circumstance{database, neighbours("mysql", 2, outage, true), neighbours("mongodb", 2, outage, true), neighbours("stripe", 2, outage, true)}, outage, integration.Nobody, likely, "", ""},
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	for _, s := range situations() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			f := integration.Failure{
				Integration: integration.Integration{ID: "i1", Connector: "stripe"},
				Fault:       s.fault, Table: s.fault.Table, At: at(), WorkedAt: at().Add(-time.Hour),
			}
			var seen observations
			for _, change := range s.with {
				change(&f, &seen)
			}
			seen.self = seen.self.about(f)
			v := judge(f, seen)
			code := s.code
			if code == "" {
				code = s.fault.Code
			}
			if v.Cause != s.cause || integration.ActorOf(v.Cause) != s.actor || v.Confidence != s.confidence || v.Code != code || v.Shared != s.shared {
				t.Errorf("judged %s, %s acts, %s, %s, shared %q;\nwant %s, %s acts, %s, %s, shared %q",
					v.Cause, integration.ActorOf(v.Cause), v.Confidence, v.Code, v.Shared, s.cause, s.actor, s.confidence, code, s.shared)
			}
			wellFormed(t, v)
		})
	}
	if n := len(situations()); n < 40 {
		t.Errorf("only %d situations", n)
	}
}

// wellFormed is what every verdict must be.
func wellFormed(t *testing.T, v integration.Verdict) {
	t.Helper()
	if v.Public == "" || v.Code == "" || len(v.Evidence) == 0 {
		t.Errorf("incomplete: %+v", v)
	}
	if v.Cause == connector.Ours && strings.Contains(v.Public, "e-authorize it") {
		t.Errorf("asks for a re-authorization although it is our fault: %s", v.Public)
	}
	for _, e := range v.Evidence {
		if e.Text == "" || !strings.HasSuffix(e.Text, ".") || e.Seen.IsZero() || e.Points == "" || e.Kind == "" {
			t.Errorf("evidence is no sentence or incomplete: %+v", e)
		}
	}
}

// TestNobodyIsAskedForOurs: whatever the controls say of us, a whole-scope
// Outage never becomes a person's task.
func TestNobodyIsAskedForOurs(t *testing.T) {
	t.Parallel()
	for _, worked := range []bool{true, false} {
		for _, now := range []bool{true, false} {
			for _, when := range []time.Time{{}, at().Add(-time.Hour)} {
				f := integration.Failure{Fault: fault(connector.Outage, "net.timeout", connector.StepReach), At: at(), WorkedAt: when}
				var seen observations
				controls(worked, now, "c1:443", "c2:443")(&f, &seen)
				expiry(at().Add(-time.Hour))(&f, &seen)
				if actor := integration.ActorOf(judge(f, seen).Cause); actor != integration.Nobody && actor != integration.Operator {
					t.Errorf("worked %t, now %t: %s is asked to act", worked, now, actor)
				}
			}
		}
	}
}
