package job

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
)

// Option is how jobs of one kind are handled.
type Option func(*handling)

type handling struct{ workers int }

// Workers gives the kind workers of its own: long jobs of one kind then do
// not hold up short ones of another.
func Workers(n int) Option { return func(h *handling) { h.workers = n } }

// Handle registers what is done for jobs of T's kind. It is called before
// Start, once for each kind. An error makes the job run again later; see
// Snooze and Final for others.
func Handle[T Args](q *Queue, work func(context.Context, T) error, options ...Option) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	var args T
	if q.state != idle {
		return fmt.Errorf("handle jobs of kind %s: the queue was started before", args.Kind())
	}
	var h handling
	for _, option := range options {
		option(&h)
	}
	if err := river.AddWorkerSafely(q.workers, &worker[T]{q: q, work: work}); err != nil {
		return fmt.Errorf("handle jobs of kind %s: %w", args.Kind(), err)
	}
	if h.workers <= 0 {
		return nil
	}
	if err := q.client.Queues().Add(args.Kind(), river.QueueConfig{MaxWorkers: h.workers}); err != nil {
		return fmt.Errorf("handle jobs of kind %s: %w", args.Kind(), err)
	}
	q.queues[args.Kind()] = args.Kind()
	return nil
}

type worker[T Args] struct {
	river.WorkerDefaults[T]
	q    *Queue
	work func(context.Context, T) error
}

// Work runs the handler. A job that the end of the process cut off is
// available again for the next one, at once and without a failed attempt.
func (w *worker[T]) Work(ctx context.Context, j *river.Job[T]) error {
	err := w.work(ctx, j.Args)
	var later *snooze
	var final *final
	switch {
	case err == nil:
		return nil
	case errors.As(err, &later):
		return river.JobSnooze(later.wait)
	case errors.As(err, &final):
		return river.JobCancel(final.err)
	case ctx.Err() != nil && w.q.isStopping():
		return river.JobSnooze(0)
	}
	return err
}

type snooze struct{ wait time.Duration }

func (s *snooze) Error() string { return fmt.Sprintf("run again in %s", s.wait) }

// Snooze is an error with which a handler asks to be run again later. It is
// no failure: it is not logged and not counted.
func Snooze(wait time.Duration) error { return &snooze{max(0, wait)} }

type final struct{ err error }

func (f *final) Error() string { return f.err.Error() }
func (f *final) Unwrap() error { return f.err }

// Final wraps an error after which the job is given up.
func Final(err error) error { return &final{err} }
