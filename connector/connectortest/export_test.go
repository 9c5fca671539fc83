package connectortest

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
)

// RunRecorded makes checks and gives what they complain of, instead of failing.
func RunRecorded(t *testing.T, h Harness, only ...Check) []string {
	t.Helper()
	log := &complaints{}
	root := newRecorder(t, log, "suite")
	root.do(func(r *recorder) { run(r, h, only...) })
	return log.all()
}

// complaints are what recorders were told, in order.
type complaints struct {
	mu    sync.Mutex
	texts []string
}

func (c *complaints) add(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.texts = append(c.texts, text)
}

func (c *complaints) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.texts)
}

// recorder is a runner that records failures. It embeds the real test for what
// has no result, such as TempDir.
type recorder struct {
	testing.TB
	log  *complaints
	name string
	ctx  context.Context

	mu      sync.Mutex
	failed  bool
	skipped bool
	cleanup []func()
}

func newRecorder(t testing.TB, log *complaints, name string) *recorder {
	return &recorder{TB: t, log: log, name: name, ctx: t.Context()}
}

// do runs f as a test: in its own goroutine, so that FailNow can end it, and
// with its cleanups afterwards.
func (r *recorder) do(f func(*recorder)) {
	ctx, cancel := context.WithCancel(r.TB.Context())
	r.ctx = ctx
	r.alone(func() { f(r) })
	cancel() // as in a real test, before the cleanups
	for i := len(r.cleanup) - 1; i >= 0; i-- {
		r.alone(r.cleanup[i])
	}
}

func (r *recorder) alone(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if v := recover(); v != nil {
				r.Errorf("panic: %v\n%s", v, debug.Stack())
			}
		}()
		f()
	}()
	<-done
}

func (r *recorder) run(name string, f func(runner)) {
	sub := newRecorder(r.TB, r.log, r.name+"/"+name)
	sub.do(func(s *recorder) { f(s) })
	if sub.Failed() {
		r.Fail()
	}
}

func (r *recorder) Name() string             { return r.name }
func (r *recorder) Helper()                  {}
func (r *recorder) Context() context.Context { return r.ctx }
func (r *recorder) Log(...any)               {}
func (r *recorder) Logf(string, ...any)      {}

func (r *recorder) Cleanup(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleanup = append(r.cleanup, f)
}

func (r *recorder) Fail() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *recorder) FailNow() {
	r.Fail()
	runtime.Goexit()
}

func (r *recorder) Error(args ...any) {
	r.Fail()
	r.log.add(r.name + ": " + strings.TrimSpace(fmt.Sprintln(args...)))
}

func (r *recorder) Errorf(format string, args ...any) {
	r.Fail()
	r.log.add(r.name + ": " + fmt.Sprintf(format, args...))
}

func (r *recorder) Fatal(args ...any) {
	r.Error(args...)
	runtime.Goexit()
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Skip(...any) { r.SkipNow() }

func (r *recorder) Skipf(string, ...any) { r.SkipNow() }

func (r *recorder) SkipNow() {
	r.mu.Lock()
	r.skipped = true
	r.mu.Unlock()
	runtime.Goexit()
}

func (r *recorder) Skipped() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.skipped
}

// AllChecks are the names of the suite's checks.
func AllChecks() []Check {
	var names []Check
	for _, c := range checks() {
		names = append(names, c.name)
	}
	return names
}
