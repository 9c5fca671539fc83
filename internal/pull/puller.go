package pull

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/warehouse"
)

// ErrRunning means that a pull of the integration is under way.
var ErrRunning = errors.New("a pull of it is under way")

// Heart is what a pull tells the heart, and asks of it.
type Heart interface {
	PullStarted(ctx context.Context, id string, trigger integration.Trigger, by string) (integration.Record, integration.Pull, error)
	Enroll(ctx context.Context, id string, identity connector.Identity) error
	TableRead(ctx context.Context, id string, table integration.Table, result integration.TableResult) error
	Failed(ctx context.Context, id, table string, err error) (integration.Incident, error)
	PullEnded(ctx context.Context, pull integration.Pull, listed []connector.Table, receipts []integration.Gap) (integration.View, error)
}

// Sources opens integrations with their sealed credentials.
type Sources interface {
	Open(ctx context.Context, in integration.Integration, by, why string) (connector.Source, error)
}

// Config wires a Puller.
type Config struct {
	Heart     Heart
	Sources   Sources
	Warehouse warehouse.Warehouse
	Board     *Board         // shows progress; nil: nobody looks
	Zone      *time.Location // of the account, for rechecks; nil: UTC
	Limits    Limits         // zero fields take the defaults
	Log       *slog.Logger
	Now       func() time.Time // of stored times; nil: time.Now
}

// Limits bound memory and the work lost by a crash.
type Limits struct {
	QueueBytes  int64         // read and not yet taken by the warehouse
	CommitRows  int64         // rows between two commits
	CommitBytes int64         // bytes between two commits
	CommitEvery time.Duration // time between two commits
	Doomed      int64         // keys held before they are looked at a second time
}

// The default limits keep what is in flight below about 50 MB: the queue, the
// rows that wait for a commit, and a record on each side. Twice as much was
// hardly faster and took 40 MB more (BenchmarkPostgreSQLFirstPull).
const (
	defaultQueueBytes  = 8 << 20
	defaultCommitRows  = 250_000
	defaultCommitBytes = 24 << 20
	defaultCommitEvery = 10 * time.Second
)

func (l Limits) withDefaults() Limits {
	if l.QueueBytes <= 0 {
		l.QueueBytes = defaultQueueBytes
	}
	if l.CommitRows <= 0 {
		l.CommitRows = defaultCommitRows
	}
	if l.CommitBytes <= 0 {
		l.CommitBytes = defaultCommitBytes
	}
	if l.CommitEvery <= 0 {
		l.CommitEvery = defaultCommitEvery
	}
	if l.Doomed <= 0 {
		l.Doomed = mostDeletions
	}
	return l
}

// Puller makes pulls. It is safe for many goroutines.
type Puller struct {
	heart     Heart
	sources   Sources
	warehouse warehouse.Warehouse
	board     *Board
	zone      *time.Location
	limits    Limits
	log       *slog.Logger
	now       func() time.Time

	mu      sync.Mutex
	running map[string]bool // by integration
}

// New makes a Puller.
func New(c Config) *Puller {
	if c.Board == nil {
		c.Board = NewBoard(nil)
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Puller{
		heart: c.Heart, sources: c.Sources, warehouse: c.Warehouse, board: c.Board, zone: c.Zone,
		limits: c.Limits.withDefaults(), log: c.Log, now: c.Now, running: make(map[string]bool),
	}
}

// Run makes one pull. What goes wrong at the third party or in the warehouse
// is told to the heart and is in the outcome; the error says that the pull
// could not be begun (ErrRunning, or the heart's own) or not be recorded.
// When ctx ends, the pull stops soon and its outcome is Interrupted.
func (p *Puller) Run(ctx context.Context, integrationID string, trigger integration.Trigger, by string) (integration.Pull, error) {
	if !p.begin(integrationID) {
		return integration.Pull{}, ErrRunning
	}
	defer p.done(integrationID)
	record, pull, err := p.heart.PullStarted(ctx, integrationID, trigger, by)
	if err != nil {
		return integration.Pull{}, fmt.Errorf("beginning a pull: %w", err)
	}
	r := &run{Puller: p, in: record.Integration, record: record, pull: pull, began: p.now()}
	r.log = p.log.With("integration_id", r.in.ID, "pull_id", pull.ID)
	r.meter = p.board.begin(r.in.ID, pull.ID)
	defer r.meter.end()
	return r.finish(ctx, r.all(ctx))
}

// begin claims the integration: two pulls would read everything twice.
func (p *Puller) begin(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running[id] {
		return false
	}
	p.running[id] = true
	return true
}

func (p *Puller) done(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.running, id)
}
