package connectortest_test

import (
	"maps"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/regrant/regrant/connector"
	. "github.com/regrant/regrant/connector/connectortest"
	"github.com/regrant/regrant/connector/connectortest/internal/teach"
)

const (
	token        = "tok-live-5c81d0e2b7"
	rotatedToken = "tok-next-93ab64f1c8"
	otherToken   = "tok-else-7d20e95b3a"
	spareToken   = "tok-gone-08f7c2d46e"
	page         = 20
)

// shop is the scripted third party of these tests.
type shop struct {
	*Script
	provider *teach.Provider
	added    atomic.Int64
}

func newShop(t testing.TB) *shop {
	p := &teach.Provider{}
	p.Grant(token, "one")
	p.Grant(rotatedToken, "one")
	p.Grant(spareToken, "one")
	p.Grant(otherToken, "two")
	for table, rows := range map[string]int{"orders": 5*page + 7, "empty": 0, "single": 1, "page": page, "pageplus": page + 1} {
		p.Fill("one", table, rows)
	}
	p.Fill("two", "orders", 2*page+3)
	s := NewScript(t)
	s.Handle(p)
	return &shop{Script: s, provider: p}
}

func (s *shop) env(token string) func(testing.TB) connector.Env {
	return func(testing.TB) connector.Env {
		return connector.Env{
			Settings: map[string]string{"region": "own", "base_url": "https://shop.example", "page_size": "20"},
			Secrets:  map[string]connector.Secret{"token": connector.NewSecret(token)},
			Endpoint: s.Endpoint,
		}
	}
}

func (s *shop) harness() Harness {
	return Harness{
		Definition: teach.Definition(memory.NewGoAllocator()),
		Folder:     "teach",
		Env:        s.env(token),
		Rotated:    s.env(rotatedToken),
		Other:      s.env(otherToken),
		Failures:   s.failures(),
		Sizes:      []Size{{Table: "empty", Rows: 0}, {Table: "single", Rows: 1}, {Table: "page", Rows: page}, {Table: "pageplus", Rows: page + 1}},
		Changes:    []Change{{Table: "orders", Make: s.change}},
		CatchUp:    time.Second,
		Writes:     s.Writes,
		Allocator:  teach.Definition,
		Positions:  "testdata/positions",
	}
}

// change inserts a row and changes one that was read and one that was not.
func (s *shop) change(testing.TB) {
	s.provider.Touch("one", "orders", 1)
	s.provider.Touch("one", "orders", 4*page)
	s.provider.Add("one", "orders", "new "+time.Duration(s.added.Add(1)).String())
}

func (s *shop) failures() []Failure {
	reply := func(name string, r Reply, cause connector.Cause, code string, step connector.Step) Failure {
		return Failure{Name: name, Break: s.Break(r), Repair: s.Repair, Want: cause, Code: code, Step: step}
	}
	throttled := reply("throttled until", TooMany(30*time.Second), connector.Throttled, "teach.throttled", connector.StepSignIn)
	throttled.Retry = true
	cut := JSON(200, map[string]string{"id": "one", "name": "cut short"})
	cut.Cut = true
	midway := reply("server error in mid-read", JSON(503, map[string]string{}), connector.Outage, "teach.server_error", connector.StepRead)
	midway.At, midway.Table = MidRead, "orders"
	return []Failure{
		throttled, midway,
		reply("throttled", TooMany(0), connector.Throttled, "teach.throttled", connector.StepSignIn),
		reply("server error", JSON(500, map[string]string{}), connector.Outage, "teach.server_error", connector.StepSignIn),
		reply("no answer", Reply{Drop: true}, connector.Outage, "teach.unreachable", connector.StepReach),
		reply("cut answer", cut, connector.Outage, "teach.unreachable", connector.StepRead),
		reply("a firewall's page", HTML(200), connector.Unknown, "teach.not_the_api", connector.StepSignIn),
		reply("never seen", JSON(418, map[string]string{"code": "teapot"}), connector.Unknown, "teach.unseen", connector.StepSignIn),
		{Name: "revoked", Env: s.env(spareToken), Want: connector.AccessChanged, Code: "teach.token_revoked", Step: connector.StepSignIn,
			Break:  func(testing.TB) { s.provider.Revoke(spareToken) },
			Repair: func(testing.TB) { s.provider.Grant(spareToken, "one") }},
		{Name: "expired in mid-read", At: MidRead, Table: "orders", Want: connector.Expired, Code: "teach.token_expired", Step: connector.StepSignIn,
			Break:  func(testing.TB) { s.provider.SetExpired(token, true) },
			Repair: func(testing.TB) { s.provider.SetExpired(token, false) }},
		{Name: "table denied, in the list", At: OnTables, Table: "orders", Scope: connector.OneTable, Want: connector.AccessChanged,
			Code: "teach.table_denied", Step: connector.StepPrivileges, Break: s.deny(true), Repair: s.deny(false)},
		{Name: "table denied, on reading", At: OnRead, Table: "orders", Scope: connector.OneTable, Want: connector.AccessChanged,
			Code: "teach.table_denied", Step: connector.StepPrivileges, Break: s.deny(true), Repair: s.deny(false)},
		{Name: "no such region", At: OnOpen, Env: s.setting("region", "moon"), Want: connector.Invalid, Code: "teach.form", Step: connector.StepForm},
	}
}

func (s *shop) deny(denied bool) func(testing.TB) {
	return func(testing.TB) { s.provider.SetDenied("orders", denied) }
}

func (s *shop) setting(name, value string) func(testing.TB) connector.Env {
	return func(t testing.TB) connector.Env {
		env := s.env(token)(t)
		env.Settings = maps.Clone(env.Settings)
		env.Settings[name] = value
		return env
	}
}

// TestTeach is how every connector's conformance test looks.
func TestTeach(t *testing.T) {
	t.Parallel()
	Run(t, newShop(t).harness())
}

// TestRecorderAgrees proves that the recorder, on which the tests of broken
// connectors rest, finds nothing where the real run passes.
func TestRecorderAgrees(t *testing.T) {
	t.Parallel()
	for _, complaint := range RunRecorded(t, newShop(t).harness()) {
		t.Error(complaint)
	}
}
