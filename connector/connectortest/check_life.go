package connectortest

import (
	"context"
	"sync"
	"time"

	"github.com/regrant/regrant/connector"
)

// cancelLimit is how soon a cancelled call returns.
const cancelLimit = time.Second

// dialLimit is how long a call may take until it connects.
const dialLimit = 3 * time.Second

// cancelSoon cancels calls to which no answer will come, and a read between
// two batches.
func (s *suite) cancelSoon(t runner) {
	calls := map[string]func(context.Context, *session) error{
		"Check":  func(ctx context.Context, x *session) error { _, err := x.check(ctx); return err },
		"Tables": func(ctx context.Context, x *session) error { _, err := x.tables(ctx); return err },
	}
	for name, call := range calls {
		t.run(name+" without an answer", func(t runner) {
			soon(t, name, func() time.Duration { return s.cancelHanging(t, name, call) })
		})
	}
	t.run("Read without an answer", func(t runner) {
		soon(t, "Read", func() time.Duration { return s.cancelRead(t, true) })
	})
	t.run("Read between batches", func(t runner) {
		soon(t, "Read", func() time.Duration { return s.cancelRead(t, false) })
	})
}

// soon wants an attempt within the limit. A busy machine gets a second chance;
// a call that is deaf is late twice.
func soon(t runner, call string, attempt func() time.Duration) {
	t.Helper()
	took := attempt()
	if took > cancelLimit {
		took = attempt()
	}
	if took > cancelLimit {
		t.Errorf("%s returns %s after it was cancelled, want at most %s", call, took.Round(time.Millisecond), cancelLimit)
	}
}

// cancelHanging cancels once the call has dialed, and says how long it took
// from there.
func (s *suite) cancelHanging(t runner, name string, call func(context.Context, *session) error) time.Duration {
	x := s.open(t, s.h.Env(t))
	x.gate.swallow.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var cancelled time.Time
	done := make(chan struct{})
	go func() {
		defer close(done)
		poll(dialLimit, func() bool { return x.gate.dialed.Load() > 0 })
		cancelled = time.Now()
		cancel()
	}()
	defer rescue(ctx, x)()
	err := call(ctx, x)
	<-done
	took := time.Since(cancelled)
	ownFault(t, name, err)
	return took
}

// rescue ends a call that is deaf to cancelling by taking its connections a
// while after ctx, so that the check can say so instead of hanging.
func rescue(ctx context.Context, x *session) (stop func()) {
	done := make(chan struct{})
	context.AfterFunc(ctx, func() {
		select {
		case <-done:
		case <-time.After(2 * cancelLimit):
			x.gate.down()
		}
	})
	return func() { close(done) }
}

// cancelRead cancels after the first rows; a read that had everything by then
// may end well.
func (s *suite) cancelRead(t runner, hang bool) time.Duration {
	x := s.open(t, s.h.Env(t))
	table, how := s.longest(x)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var since time.Time
	after := 0
	defer rescue(ctx, x)()
	err := x.read(ctx, rowsRequest(table, how), func(p piece) bool {
		if !since.IsZero() {
			after++
		}
		if since.IsZero() && len(p.rows) > 0 {
			x.gate.swallow.Store(hang)
			since = time.Now()
			cancel()
		}
		return true
	})
	took := time.Since(since)
	if err != nil {
		ownFault(t, "Read", err)
	}
	if err == nil && after > 2 {
		t.Errorf("Read goes on for %d batches after it was cancelled", after)
	}
	x.close()
	return took
}

// leaks uses sources in ways that tend to leave something running.
func (s *suite) leaks(t runner) {
	ways := map[string]func(*session){
		"opened and closed": func(*session) {},
		"a whole run": func(x *session) {
			x.identity()
			s.readEverything(x)
		},
		"a read broken off": func(x *session) {
			table, how := s.longest(x)
			x.first(rowsRequest(table, how))
			for _, table := range x.chosen() {
				for _, how := range methods(table) {
					x.first(rowsRequest(table, how))
				}
			}
		},
		"a read cancelled": func(x *session) {
			table, how := s.longest(x)
			ctx, cancel := context.WithCancel(x.t.Context())
			defer cancel()
			_ = x.read(ctx, rowsRequest(table, how), func(piece) bool { cancel(); return true })
		},
		"a read cut": func(x *session) {
			table, how := s.longest(x)
			_ = x.read(x.t.Context(), rowsRequest(table, how), func(piece) bool { x.gate.down(); return true })
		},
		"a refused connection": func(x *session) {
			x.gate.refuse.Store(true)
			_, _ = x.check(x.t.Context())
		},
	}
	for name, use := range ways {
		t.run(name, func(t runner) {
			env := s.h.Env(t)
			stacks := leaked(func() {
				x := s.open(t, env)
				use(x)
				x.close()
			})
			if stacks != "" {
				t.Errorf("goroutines run on after Close:\n%s", stacks)
			}
		})
	}
}

// twoSources uses two sources at once. What they share shows as a wrong
// result, or to the race detector.
func (s *suite) twoSources(t runner) {
	one := s.open(t, s.h.Env(t))
	env := s.h.Env
	if s.h.Other != nil {
		env = s.h.Other
	}
	two := s.open(t, env(t))
	alone := [2]usage{s.use(one), s.use(two)}
	var together [2]usage
	var wait sync.WaitGroup
	for i, x := range []*session{one, two} {
		wait.Go(func() { together[i] = s.tryUse(x) })
	}
	wait.Wait()
	for i := range alone {
		if alone[i].fingerprint != together[i].fingerprint {
			t.Errorf("used beside another source, the fingerprint is %q, alone %q", together[i].fingerprint, alone[i].fingerprint)
		}
		if diff := together[i].rows.difference(alone[i].rows); diff != "" {
			t.Errorf("used beside another source, the rows differ: %s", diff)
		}
	}
}

// usage is what one source gave.
type usage struct {
	fingerprint string
	rows        *mirror
}

func (s *suite) use(x *session) usage {
	x.t.Helper()
	u := usage{fingerprint: x.identity().Fingerprint, rows: newMirror()}
	table, how := s.busiest(x)
	for _, p := range x.mustRead(rowsRequest(table, how)) {
		u.rows.apply(p)
	}
	return u
}

// tryUse is use for goroutines, in which a test must not be ended: FailNow
// ends the goroutine, and the empty usage then differs.
func (s *suite) tryUse(x *session) (u usage) {
	u.rows = newMirror()
	id, err := x.check(x.t.Context())
	if err != nil {
		x.t.Errorf("Check beside another source: %s", s.printable(err))
		return u
	}
	u.fingerprint = id.Fingerprint
	tables, err := x.tables(x.t.Context())
	if err != nil {
		x.t.Errorf("Tables beside another source: %s", s.printable(err))
		return u
	}
	table, how, ok := largest(tables)
	if !ok {
		return u
	}
	if err := x.read(x.t.Context(), rowsRequest(table, how), func(p piece) bool { u.rows.apply(p); return true }); err != nil {
		x.t.Errorf("Read beside another source: %s", s.printable(err))
	}
	return u
}

func (s *suite) busiest(x *session) (connector.Table, connector.Replication) {
	x.t.Helper()
	table, how, ok := largest(x.all())
	if !ok {
		x.t.Fatalf("no table can be read")
	}
	return table, how
}

// largest is the readable table with the most rows as estimated, by its first
// method.
func largest(tables []connector.Table) (best connector.Table, how connector.Replication, ok bool) {
	for _, table := range tables {
		if table.Fault != nil || len(methods(table)) == 0 {
			continue
		}
		if !ok || table.EstimatedRows > best.EstimatedRows {
			best, how, ok = table, methods(table)[0], true
		}
	}
	return best, how, ok
}
