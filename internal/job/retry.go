package job

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// How long a failed job waits: twice as long each time.
const (
	firstRetry = time.Second
	mostRetry  = 5 * time.Minute
)

type backoff struct{}

// NextRetry is when a failed job runs again. A tenth is random, so that jobs
// that failed together do not all come back together.
func (backoff) NextRetry(j *rivertype.JobRow) time.Time {
	wait := min(firstRetry<<min(max(j.Attempt-1, 0), 20), mostRetry)
	return time.Now().Add(wait - rand.N(wait/10)) //nolint:gosec // jitter, not a secret
}

// failures logs what handlers could not do.
type failures struct{ log *slog.Logger }

// HandleError logs an error.
func (f failures) HandleError(ctx context.Context, j *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	if j.Attempt >= j.MaxAttempts {
		f.log.ErrorContext(ctx, "a job failed and is given up", "kind", j.Kind, "job_id", j.ID, "attempt", j.Attempt, "error", err)
	} else {
		f.log.WarnContext(ctx, "a job failed and will be tried again", "kind", j.Kind, "job_id", j.ID, "attempt", j.Attempt, "error", err)
	}
	return nil
}

// HandlePanic logs a panic, which counts as a failed attempt.
func (f failures) HandlePanic(ctx context.Context, j *rivertype.JobRow, value any, trace string) *river.ErrorHandlerResult {
	f.log.ErrorContext(ctx, "a job panicked", "kind", j.Kind, "job_id", j.ID, "attempt", j.Attempt, "panic", value, "trace", trace)
	return nil
}
