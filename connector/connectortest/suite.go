package connectortest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/regrant/regrant/connector"
)

// callLimit ends a call that would hang a test run.
const callLimit = 60 * time.Second

// suite is one check's view of a connector.
type suite struct {
	h     Harness
	watch *watch
	long  *choice // what longest found, shared by the checks of a run
}

// choice is a table and the method to read it by; empty: not made yet.
type choice struct {
	table string
	how   connector.Replication
}

func newSuite(h Harness, long *choice) *suite { return &suite{h: h, watch: newWatch(), long: long} }

// session is one source under observation: what goes in passes the gate, and
// what comes out is searched for secrets.
type session struct {
	t      testing.TB
	s      *suite
	source connector.Source
	gate   *gate
	log    *logbook
	ends   map[arrow.RecordBatch]bool // of key ranges; kept where memory is counted
}

// equip puts the suite's ears and hands into an Env.
func (s *suite) equip(env connector.Env) (connector.Env, *gate, *logbook) {
	g, log := newGate(env.Dial), newLogbook()
	env.Dial, env.Log = g.Dial, log.logger()
	env.Settings, env.Secrets, env.Trust = maps.Clone(env.Settings), maps.Clone(env.Secrets), maps.Clone(env.Trust)
	if env.Endpoint == nil {
		env.Endpoint = func(fallback string) string { return fallback }
	}
	for name, secret := range env.Secrets {
		s.watch.add(name, secret.Reveal())
	}
	return env, g, log
}

// tryOpen opens a source; its error has been inspected already.
func (s *suite) tryOpen(t testing.TB, env connector.Env) (*session, error) {
	t.Helper()
	return s.tryOpenOf(t, s.h.Definition, env)
}

func (s *suite) tryOpenOf(t testing.TB, def connector.Definition, env connector.Env) (*session, error) {
	t.Helper()
	env, g, log := s.equip(env)
	x := &session{t: t, s: s, gate: g, log: log}
	err := guard(t, "Open", func() (err error) {
		x.source, err = def.Open(t.Context(), env)
		return err
	})
	if n := g.dialed.Load(); n > 0 {
		t.Errorf("Open dialed %d times; the first contact is for Check, Tables or Read", n)
	}
	t.Cleanup(x.end)
	if err != nil {
		x.inspect("Open", err)
		return nil, err
	}
	if x.source == nil {
		t.Fatalf("Open returned neither a source nor an error")
	}
	return x, nil
}

// open opens a source that must open.
func (s *suite) open(t testing.TB, env connector.Env) *session {
	t.Helper()
	x, err := s.tryOpen(t, env)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return x
}

// end closes the source twice and looks at what it leaves behind.
func (x *session) end() {
	if x.source != nil {
		x.close()
	}
	if !x.gate.allClosed() {
		x.t.Errorf("%d network connections are open after Close", x.gate.open())
	}
	if field := x.s.watch.find(x.log.text()); field != "" {
		x.t.Errorf("the log shows the secret of field %q", field)
	}
}

func (x *session) close() {
	for _, turn := range []string{"Close", "a second Close"} {
		if err := guard(x.t, turn, x.source.Close); err != nil {
			x.t.Errorf("%s: %v", turn, err)
		}
	}
}

// check calls Check and inspects what it returns.
func (x *session) check(ctx context.Context) (id connector.Identity, err error) {
	x.t.Helper()
	ctx, cancel := limited(ctx)
	defer cancel()
	err = guard(x.t, "Check", func() (err error) {
		id, err = x.source.Check(ctx)
		return err
	})
	x.inspect("Check", err)
	if field := x.s.watch.findInValue(id); field != "" {
		x.t.Errorf("the Identity shows the secret of field %q", field)
	}
	return id, err
}

// identity is the result of a Check that must pass.
func (x *session) identity() connector.Identity {
	x.t.Helper()
	id, err := x.check(x.t.Context())
	if err != nil {
		x.t.Fatalf("Check: %v", err)
	}
	return id
}

// tables calls Tables and inspects what it returns.
func (x *session) tables(ctx context.Context) (tables []connector.Table, err error) {
	x.t.Helper()
	ctx, cancel := limited(ctx)
	defer cancel()
	err = guard(x.t, "Tables", func() (err error) {
		tables, err = x.source.Tables(ctx)
		return err
	})
	x.inspect("Tables", err)
	if field := x.s.watch.findInValue(tables); field != "" {
		x.t.Errorf("the list of tables shows the secret of field %q", field)
	}
	return tables, err
}

// table finds a table that must be readable.
func (x *session) table(name string) connector.Table {
	x.t.Helper()
	tables := x.all()
	i := slices.IndexFunc(tables, func(t connector.Table) bool { return t.Name == name })
	if i < 0 {
		x.t.Fatalf("Tables does not list %q", name)
	}
	if tables[i].Fault != nil {
		x.t.Fatalf("table %q cannot be read: %v", name, tables[i].Fault)
	}
	return tables[i]
}

// all is the list of a Tables call that must pass.
func (x *session) all() []connector.Table {
	x.t.Helper()
	tables, err := x.tables(x.t.Context())
	if err != nil {
		x.t.Fatalf("Tables: %v", err)
	}
	return tables
}

// chosen are the tables that the harness wants read.
func (x *session) chosen() []connector.Table {
	x.t.Helper()
	var chosen []connector.Table
	if len(x.s.h.Tables) > 0 {
		for _, name := range x.s.h.Tables {
			chosen = append(chosen, x.table(name))
		}
		return chosen
	}
	for _, table := range x.all() {
		if table.Fault == nil {
			chosen = append(chosen, table)
		}
	}
	if len(chosen) == 0 {
		x.t.Fatalf("no table can be read")
	}
	return chosen
}

// inspect holds an error against the contract and searches it for secrets.
func (x *session) inspect(call string, err error) {
	x.t.Helper()
	if err == nil {
		return
	}
	if field := x.s.watch.findInError(err); field != "" {
		x.t.Errorf("the error of %s shows the secret of field %q", call, field)
	}
	if isCancel(err) {
		return
	}
	for _, problem := range faultProblems(err) {
		x.t.Errorf("the error of %s %s: %s", call, problem, x.s.printable(err))
	}
}

// printable is the error's text unless that would print a secret.
func (s *suite) printable(err error) string {
	if s.watch.findInError(err) != "" {
		return "(not printed: it holds a secret)"
	}
	return err.Error()
}

func isCancel(err error) bool {
	return errors.Is(err, context.Canceled)
}

func limited(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, callLimit, fmt.Errorf("the call took longer than %s", callLimit))
}

// guard turns a panic into a failure of the test.
func guard(t testing.TB, call string, f func() error) error {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			t.Errorf("%s panics: %v\n%s", call, r, debug.Stack())
			t.FailNow()
		}
	}()
	return f()
}
