package diagnose

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

// Target is an address that was in use by another integration.
type Target struct {
	Integration string    // ID
	Address     string    // host:port of the first hop
	WorkedAt    time.Time // last success; zero: never
}

// Config wires a Diagnoser.
type Config struct {
	// Controls are addresses (host:port) that the operator names because they
	// answer whenever the own network works. Default: none.
	Controls []string
	// Neighbours gives addresses of integrations, which serve as controls for
	// each other. May be nil.
	Neighbours func(context.Context) []Target
	// Dial makes every connection, as it does for connectors.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Lookup asks the own name server; nil: the system's.
	Lookup func(ctx context.Context, host string) ([]string, error)
	// DataDir is probed for space, and keeps what worked before; empty: not.
	DataDir string
	// Catalogue tells databases, which share nothing, from accounts at one vendor.
	Catalogue integration.Catalogue
	Built     time.Time // of this program; zero: not known
	Now       func() time.Time
	Log       *slog.Logger
}

// probeLimit bounds all probes of one diagnosis together.
const probeLimit = 5 * time.Second

// Diagnoser fills integration.Diagnoser. It is safe for many goroutines.
type Diagnoser struct {
	config Config
	memory *memory

	mu   sync.Mutex // one look at ourselves at a time
	self self
	at   time.Time // of self
}

// New makes a Diagnoser.
func New(c Config) *Diagnoser {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Lookup == nil {
		c.Lookup = net.DefaultResolver.LookupHost
	}
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Diagnoser{config: c, memory: remember(c.DataDir, c.Log)}
}

// Learn notes which of the operator's controls work. Call it at the start and
// every few minutes: only a control that worked before says something when it
// is silent. Neighbours are left in peace.
func (d *Diagnoser) Learn(ctx context.Context) {
	s := d.probe(ctx, nil)
	if ctx.Err() == nil {
		d.memory.keep(d.config.Now(), s)
	}
}

// Diagnose judges a failure. It never fails itself: what cannot be observed
// is missing from the evidence.
func (d *Diagnoser) Diagnose(ctx context.Context, f integration.Failure) integration.Verdict {
	var seen observations
	if wantsProbes(f) {
		seen = d.observe(ctx, f)
	}
	seen.databases = d.isDatabase(f.Integration.Connector)
	return judge(f, seen)
}

// wantsProbes says whether looking around can change the verdict. A third
// party that answered at sign-in or refused a table has said what is wrong.
func wantsProbes(f integration.Failure) bool {
	if isTable(f) {
		return false
	}
	switch f.Fault.Cause {
	case connector.Outage, connector.Unknown, connector.Ours:
		return true
	default:
		return f.Fault.Step <= connector.StepTrust && f.Fault.Step >= connector.StepReach
	}
}

func (d *Diagnoser) isDatabase(connectorID string) bool {
	definition, err := d.config.Catalogue.Find(connectorID)
	return err == nil && definition.Kind == connector.Database
}

// observe looks at ourselves and at the third party at the same time.
func (d *Diagnoser) observe(ctx context.Context, f integration.Failure) observations {
	var seen observations
	var both sync.WaitGroup
	both.Go(func() { seen.self = d.look(ctx).about(f) })
	both.Go(func() { seen.ladder = d.climbWithin(ctx, AddressOf(f.Integration)) })
	both.Wait()
	return seen
}

// climbWithin is climb within the limit; what the caller cut short is not an
// observation.
func (d *Diagnoser) climbWithin(ctx context.Context, address string) ladder {
	limited, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	l := d.climb(limited, address)
	if ctx.Err() != nil {
		return ladder{}
	}
	return l
}

// fresh is how long a look at ourselves is good for the failures that come
// with the same blow.
const fresh = 2 * time.Second

// look observes our own side.
func (d *Diagnoser) look(ctx context.Context) self {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.at.IsZero() && time.Since(d.at) < fresh {
		return d.self
	}
	s := d.probe(ctx, d.config.Neighbours)
	if ctx.Err() != nil {
		return self{} // cut short: silence means nothing
	}
	d.memory.keep(d.config.Now(), s)
	d.self, d.at = s, time.Now()
	return s
}

// probe makes all probes of our own side at the same time.
func (d *Diagnoser) probe(ctx context.Context, neighbours func(context.Context) []Target) self {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	var s self
	var all sync.WaitGroup
	all.Go(func() { s.clock = d.readClock() })
	all.Go(func() { s.disk = probeDisk(d.config.DataDir) })
	all.Go(func() { s.names = d.lookUp(ctx) })
	all.Go(func() { s.controls = d.reachControls(ctx, neighbours) })
	all.Wait()
	return s
}
