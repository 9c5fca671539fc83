package job

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
)

// Args is a kind of work with what it is about; it is stored as JSON. The
// kind is stored, too, and never changes.
type Args = river.JobArgs

// Config wires a Queue.
type Config struct {
	// DB is the migrated state database. It must stay open until Stop
	// returned without an error.
	DB *sql.DB
	// Log receives failures of handlers; nil: nothing is logged.
	Log *slog.Logger
	// Workers is how many jobs of kinds without their own number run at the
	// same time; 0: 4.
	Workers int
	// Grace is how long Stop lets running jobs go on before their context is
	// cancelled; 0: 1 second.
	Grace time.Duration
	// MaxAttempts is after how many failures a job is given up; 0: 25, which
	// takes about two hours.
	MaxAttempts int
}

// Queue is a durable queue with its workers.
type Queue struct {
	db      *sql.DB
	log     *slog.Logger
	client  *river.Client[*sql.Tx]
	workers *river.Workers
	queues  map[string]string // kind → queue, of kinds with their own

	mu       sync.Mutex
	state    state
	stopping chan struct{} // closed when Stop begins
	stopped  chan struct{} // closed when everything has ended
	ticks    []tick
}

type state uint8

const (
	idle state = iota
	running
	ended
)

// New makes a Queue that can take jobs; Start begins to work on them.
func New(c Config) (*Queue, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Workers <= 0 {
		c.Workers = 4
	}
	if c.Grace <= 0 {
		c.Grace = time.Second
	}
	q := &Queue{
		db: c.DB, log: c.Log, workers: river.NewWorkers(), queues: make(map[string]string),
		stopping: make(chan struct{}), stopped: make(chan struct{}),
	}
	client, err := river.NewClient(riversqlite.New(c.DB), q.config(c))
	if err != nil {
		return nil, fmt.Errorf("make a job queue: %w", err)
	}
	q.client = client
	return q, nil
}

// Intervals at which the queue looks into the database. A new job is also
// announced, which is noticed within 50 ms.
const (
	fetchAtMostEvery  = 10 * time.Millisecond
	fetchAtLeastEvery = time.Second
)

func (q *Queue) config(c Config) *river.Config {
	return &river.Config{
		Logger:            slog.New(quiet{c.Log.Handler()}),
		Queues:            map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: c.Workers}},
		Workers:           q.workers,
		ErrorHandler:      failures{q.log},
		RetryPolicy:       backoff{},
		MaxAttempts:       c.MaxAttempts,
		SoftStopTimeout:   c.Grace,
		FetchCooldown:     fetchAtMostEvery,
		FetchPollInterval: fetchAtLeastEvery,

		// A pull of a big table takes as long as it takes. River would run a
		// job a second time when it takes longer than this; Start does it
		// better, because it knows that no other process is running it.
		JobTimeout:           -1,
		RescueStuckJobsAfter: 10 * 365 * 24 * time.Hour,

		CompletedJobRetentionPeriod: 10 * time.Minute,
		CancelledJobRetentionPeriod: 24 * time.Hour,
		DiscardedJobRetentionPeriod: 7 * 24 * time.Hour,
		ReindexerIndexNames:         []string{}, // SQLite's indexes do not bloat
	}
}

// Start runs again what another process left behind, and begins to work. It
// can be called once.
func (q *Queue) Start(ctx context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.state != idle {
		return errors.New("start jobs: the queue was started before")
	}
	if err := q.takeOver(ctx); err != nil {
		return fmt.Errorf("start jobs: %w", err)
	}
	ctx = context.WithoutCancel(ctx) // jobs end by Stop, not with the request that started them
	if err := q.client.Start(ctx); err != nil {
		return fmt.Errorf("start jobs: %w", err)
	}
	q.state = running
	go q.run(ctx)
	return nil
}

// run drives the periodic functions until Stop, and then waits for all.
func (q *Queue) run(ctx context.Context) {
	defer close(q.stopped)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	for _, t := range q.ticks {
		all.Go(func() { q.repeat(ctx, t) })
	}
	<-q.stopping
	cancel()
	all.Wait()
	<-q.client.Stopped()
}

// takeOver makes jobs available that a killed process was running, without
// counting it as a failed attempt, and ends the dead process's leadership,
// which would otherwise last for some seconds more.
func (q *Queue) takeOver(ctx context.Context) error {
	now := time.Now().UTC().Format("2006-01-02 15:04:05.000") // as riversqlite writes it
	result, err := q.db.ExecContext(ctx, `UPDATE river_job SET state = 'available', attempt = max(0, attempt - 1), scheduled_at = $1
		WHERE state = 'running'`, now)
	if err != nil {
		return fmt.Errorf("take over jobs: %w", err)
	}
	if n, err := result.RowsAffected(); err == nil && n > 0 {
		q.log.InfoContext(ctx, "jobs that were cut off run again", "jobs", n)
	}
	if _, err := q.db.ExecContext(ctx, `DELETE FROM river_leader`); err != nil {
		return fmt.Errorf("take over leadership: %w", err)
	}
	return nil
}

// Stop takes no more jobs, cancels those that still run after Config.Grace,
// and waits for them until ctx ends. What did not end by itself is run again
// by the next Start. Stop may be called again, also before Start.
func (q *Queue) Stop(ctx context.Context) error {
	q.mu.Lock()
	was := q.state
	if was != ended {
		q.state = ended
		close(q.stopping)
		if was == idle {
			close(q.stopped)
		}
	}
	q.mu.Unlock()
	if was == running {
		if err := q.client.Stop(ctx); err != nil {
			return fmt.Errorf("stop jobs: some did not end in time and will be run again: %w", err)
		}
	}
	select {
	case <-q.stopped:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop jobs: some did not end in time and will be run again: %w", ctx.Err())
	}
}

func (q *Queue) isStopping() bool {
	select {
	case <-q.stopping:
		return true
	default:
		return false
	}
}
