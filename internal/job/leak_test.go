package job_test

import (
	"context"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/regrant/regrant/internal/job"
)

// TestStopLeavesNoGoroutine runs by itself, before the parallel tests go on.
func TestStopLeavesNoGoroutine(t *testing.T) { //nolint:paralleltest // it counts the goroutines of the process
	before := goleak.IgnoreCurrent()
	db := open(t, filepath.Join(t.TempDir(), "state.db"))
	q := newQueue(t, db)
	done := notes(t, q)
	begun := make(chan struct{})
	ok(t, job.Handle(q, func(ctx context.Context, _ slow) error {
		close(begun)
		<-ctx.Done()
		return ctx.Err()
	}))
	ok(t, q.Every("tick", 1, func(context.Context) error { return nil }))
	ok(t, q.Start(t.Context()))
	ok(t, q.Enqueue(t.Context(), note{"a"}, job.Options{}))
	ok(t, q.Enqueue(t.Context(), slow{1}, job.Options{}))
	next(t, done)
	next(t, begun)
	stop(t, q)
	ok(t, db.Close())
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}
}
