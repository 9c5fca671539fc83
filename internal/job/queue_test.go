package job_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regrant/regrant/internal/job"
	"github.com/regrant/regrant/internal/store/sqlite"
)

type note struct {
	Text string `json:"text"`
}

func (note) Kind() string { return "note" }

type slow struct {
	N int `json:"n"`
}

func (slow) Kind() string { return "slow" }

func open(t *testing.T, path string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func newQueue(t *testing.T, db *sqlite.DB) *job.Queue {
	t.Helper()
	q, err := job.New(job.Config{DB: db.Write, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Workers: 2, Grace: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, q) })
	return q
}

func stop(t *testing.T, q *job.Queue) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := q.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// next waits for what a handler sends.
func next[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came in 20 seconds")
		panic("unreachable")
	}
}

func notes(t *testing.T, q *job.Queue) <-chan string {
	t.Helper()
	done := make(chan string, 1000)
	ok(t, job.Handle(q, func(_ context.Context, n note) error {
		done <- n.Text
		return nil
	}))
	return done
}

func TestWorkBeginsSoonAfterEnqueue(t *testing.T) {
	t.Parallel()
	q := newQueue(t, open(t, filepath.Join(t.TempDir(), "state.db")))
	done := notes(t, q)
	ok(t, q.Start(t.Context()))
	var total time.Duration
	for range 10 {
		began := time.Now()
		ok(t, q.Enqueue(t.Context(), note{"a"}, job.Options{}))
		next(t, done)
		total += time.Since(began)
	}
	t.Logf("insert to work: %s on average", total/10)
	if total/10 > time.Second {
		t.Errorf("insert to work took %s on average", total/10)
	}
}

func TestJobsEnqueuedBeforeStartAreRun(t *testing.T) {
	t.Parallel()
	db := open(t, filepath.Join(t.TempDir(), "state.db"))
	first := newQueue(t, db)
	notes(t, first)
	ok(t, first.Enqueue(t.Context(), note{"early"}, job.Options{}))
	stop(t, first)
	second := newQueue(t, db)
	done := notes(t, second)
	ok(t, second.Start(t.Context()))
	if got := next(t, done); got != "early" {
		t.Errorf("got %q", got)
	}
}

func TestUniqueWhileWaitingOrRunning(t *testing.T) {
	t.Parallel()
	q := newQueue(t, open(t, filepath.Join(t.TempDir(), "state.db")))
	begun, release := make(chan string), make(chan struct{})
	ok(t, job.Handle(q, func(_ context.Context, n note) error {
		begun <- n.Text
		<-release
		return nil
	}))
	ok(t, q.Start(t.Context()))
	unique := job.Options{Unique: true}
	ok(t, q.Enqueue(t.Context(), note{"a"}, unique))
	if got := next(t, begun); got != "a" {
		t.Fatalf("got %q", got)
	}
	ok(t, q.Enqueue(t.Context(), note{"a"}, unique)) // runs: skipped
	ok(t, q.Enqueue(t.Context(), note{"b"}, unique))
	if got := next(t, begun); got != "b" {
		t.Errorf("the second job is %q, want b: a was to be skipped", got)
	}
	close(release)
	eventually(t, func() bool { // once a has ended, it may come again
		ok(t, q.Enqueue(t.Context(), note{"a"}, unique))
		select {
		case <-begun:
			return true
		case <-time.After(50 * time.Millisecond):
			return false
		}
	})
}

func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			t.Fatal("it did not come true in 20 seconds")
		}
	}
}

func TestUniqueBringsAWaitingJobForward(t *testing.T) {
	t.Parallel()
	q := newQueue(t, open(t, filepath.Join(t.TempDir(), "state.db")))
	done := notes(t, q)
	ok(t, q.Start(t.Context()))
	ok(t, q.Enqueue(t.Context(), note{"a"}, job.Options{Unique: true, RunAt: time.Now().Add(time.Hour)}))
	ok(t, q.Enqueue(t.Context(), note{"a"}, job.Options{Unique: true}))
	if got := next(t, done); got != "a" {
		t.Errorf("got %q", got)
	}
}

func TestFailuresAreTriedAgain(t *testing.T) {
	t.Parallel()
	tests := map[string]func(n int32) error{
		"error":  func(int32) error { return errors.New("no") },
		"panic":  func(int32) error { panic("no") },
		"snooze": func(int32) error { return job.Snooze(10 * time.Millisecond) },
	}
	for name, fail := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := newQueue(t, open(t, filepath.Join(t.TempDir(), "state.db")))
			var runs atomic.Int32
			done := make(chan struct{})
			ok(t, job.Handle(q, func(context.Context, note) error {
				if n := runs.Add(1); n == 1 {
					return fail(n)
				}
				close(done)
				return nil
			}))
			ok(t, q.Start(t.Context()))
			ok(t, q.Enqueue(t.Context(), note{"a"}, job.Options{}))
			next(t, done)
		})
	}
}

func TestFinalIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	db := open(t, filepath.Join(t.TempDir(), "state.db"))
	q := newQueue(t, db)
	ok(t, job.Handle(q, func(context.Context, note) error { return job.Final(errors.New("never")) }))
	ok(t, q.Start(t.Context()))
	ok(t, q.Enqueue(t.Context(), note{"a"}, job.Options{}))
	eventually(t, func() bool { return stateOf(t, db) == "cancelled" })
}

func stateOf(t *testing.T, db *sqlite.DB) (state string) {
	t.Helper()
	ok(t, db.Read.QueryRowContext(t.Context(), `SELECT state FROM river_job ORDER BY id DESC LIMIT 1`).Scan(&state))
	return state
}

func TestStopWhileAJobRuns(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	db := open(t, path)
	first := newQueue(t, db)
	begun := make(chan struct{})
	ok(t, job.Handle(first, func(ctx context.Context, _ note) error {
		close(begun)
		<-ctx.Done()
		return ctx.Err()
	}))
	ok(t, first.Start(t.Context()))
	ok(t, first.Enqueue(t.Context(), note{"a"}, job.Options{}))
	next(t, begun)
	stop(t, first)
	stop(t, first) // again is safe

	second := newQueue(t, db)
	done := notes(t, second)
	began := time.Now()
	ok(t, second.Start(t.Context()))
	if got := next(t, done); got != "a" {
		t.Errorf("got %q", got)
	}
	t.Logf("it ran again %s after the start", time.Since(began))
	var attempts int
	ok(t, db.Read.QueryRowContext(t.Context(), `SELECT attempt FROM river_job`).Scan(&attempts))
	if attempts != 1 {
		t.Errorf("the cut-off run was counted: %d attempts", attempts)
	}
}

func TestStopDoesNotWaitForeverForAStuckJob(t *testing.T) {
	t.Parallel()
	db := open(t, filepath.Join(t.TempDir(), "state.db"))
	q := newQueue(t, db)
	begun, release := make(chan struct{}), make(chan struct{})
	ok(t, job.Handle(q, func(context.Context, note) error {
		close(begun)
		<-release
		return nil
	}))
	ok(t, q.Start(t.Context()))
	ok(t, q.Enqueue(t.Context(), note{"a"}, job.Options{}))
	next(t, begun)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := q.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("stop of a stuck job: %v", err)
	}
	close(release) // the cleanup stops it for good
}

func TestStartAndStopInAnyOrder(t *testing.T) {
	t.Parallel()
	db := open(t, filepath.Join(t.TempDir(), "state.db"))
	q := newQueue(t, db)
	notes(t, q)
	stop(t, q)
	if err := q.Start(t.Context()); err == nil {
		t.Error("a stopped queue starts")
	}
	for range 5 {
		q := newQueue(t, db)
		notes(t, q)
		var all sync.WaitGroup
		all.Go(func() { _ = q.Start(t.Context()) })
		all.Go(func() { stop(t, q) })
		all.Wait()
		stop(t, q)
	}
	if err := job.Handle(q, func(context.Context, slow) error { return nil }); err == nil {
		t.Error("a handler is taken after the start")
	}
}

func TestLongJobsDoNotHoldUpOthers(t *testing.T) {
	t.Parallel()
	q := newQueue(t, open(t, filepath.Join(t.TempDir(), "state.db")))
	release := make(chan struct{})
	ok(t, job.Handle(q, func(context.Context, slow) error {
		<-release
		return nil
	}, job.Workers(1)))
	done := notes(t, q)
	ok(t, q.Start(t.Context()))
	for n := range 10 {
		ok(t, q.Enqueue(t.Context(), slow{n}, job.Options{}))
	}
	ok(t, q.Enqueue(t.Context(), note{"short"}, job.Options{}))
	next(t, done)
	close(release)
}

func TestScheduleGoesOnUnderLoad(t *testing.T) {
	t.Parallel()
	q := newQueue(t, open(t, filepath.Join(t.TempDir(), "state.db")))
	done := notes(t, q)
	ticks := make(chan struct{}, 1000)
	var bug sync.Once
	ok(t, q.Every("tick", 10*time.Millisecond, func(context.Context) error {
		ticks <- struct{}{}
		bug.Do(func() { panic("a bug in periodic work does not end it") })
		return nil
	}))
	ok(t, q.Start(t.Context()))
	const jobs = 300
	for range jobs {
		ok(t, q.Enqueue(t.Context(), note{"x"}, job.Options{}))
	}
	for range jobs {
		next(t, done)
	}
	for range 3 {
		next(t, ticks)
	}
}

func TestRunAtComesSoonAfterItsTime(t *testing.T) {
	t.Parallel()
	q := newQueue(t, open(t, filepath.Join(t.TempDir(), "state.db")))
	done := notes(t, q)
	ok(t, q.Start(t.Context()))
	at := time.Now().Add(time.Second)
	ok(t, q.Enqueue(t.Context(), note{"later"}, job.Options{RunAt: at}))
	next(t, done)
	late := time.Since(at)
	t.Logf("it ran %s after its time", late)
	if late < 0 || late > 15*time.Second {
		t.Errorf("it ran %s after its time", late)
	}
}
