package job

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// Options are how one job is enqueued.
type Options struct {
	// Unique takes no second job with the same arguments while one waits or
	// runs. A waiting one is brought forward when the new one would run
	// earlier.
	Unique bool
	// RunAt is when it may run; zero: now.
	RunAt time.Time
}

// Enqueue stores a job; when it returns, the job survives a crash.
func (q *Queue) Enqueue(ctx context.Context, args Args, o Options) error {
	insert := &river.InsertOpts{ScheduledAt: o.RunAt, Queue: q.queues[args.Kind()]}
	if o.Unique {
		insert.UniqueOpts = river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
			rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
			rivertype.JobStateRunning, rivertype.JobStateScheduled,
		}}
	}
	result, err := q.client.Insert(ctx, args, insert)
	if err != nil {
		return fmt.Errorf("enqueue a job of kind %s: %w", args.Kind(), err)
	}
	if result.UniqueSkippedAsDuplicate {
		return q.bringForward(ctx, result.Job, o.RunAt)
	}
	return nil
}

// bringForward makes a waiting job run now when it was to wait for longer
// than the caller wants.
func (q *Queue) bringForward(ctx context.Context, waiting *rivertype.JobRow, runAt time.Time) error {
	waits := waiting.State == rivertype.JobStateRetryable || waiting.State == rivertype.JobStateScheduled
	if !waits || !runAt.IsZero() && runAt.After(time.Now()) {
		return nil
	}
	_, err := q.client.JobRetry(ctx, waiting.ID)
	if err != nil && !errors.Is(err, rivertype.ErrNotFound) { // it ran meanwhile
		return fmt.Errorf("bring a job of kind %s forward: %w", waiting.Kind, err)
	}
	return nil
}
