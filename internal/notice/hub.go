package notice

import (
	"sync"
	"time"

	"github.com/regrant/regrant/internal/integration"
)

// Kind sorts notices.
type Kind string

// The kinds of notices.
const (
	Changed  Kind = "changed"  // something of the integration was stored
	Progress Kind = "progress" // a running pull has come further
	Resync   Kind = "resync"   // some notices were dropped: read everything again
)

// Notice is one thing that a listener hears.
type Notice struct {
	Kind        Kind
	Integration string              // ID; empty with Resync: any
	Events      []integration.Event // of Changed
	Tick        Tick                // of Progress
}

// Tick is how far the pull of one table has come.
type Tick struct {
	Integration   string
	Table         string
	Rows, Bytes   int64
	Estimated     int64 // rows in all; 0 or less: not known
	Elapsed       time.Duration
	RowsPerSecond float64
	At            time.Time
}

// buffer is how many notices a listener may be behind. A page needs only to
// know that it must read again, so that a small one suffices.
const buffer = 32

// Hub hands every notice to every listener without ever waiting for one. The
// zero Hub is not ready: use New.
type Hub struct {
	mu        sync.Mutex
	listeners map[*Listener]struct{}
	ticks     map[string]map[string]Tick // integration, table
	closed    bool
}

// New makes a Hub.
func New() *Hub {
	return &Hub{listeners: make(map[*Listener]struct{}), ticks: make(map[string]map[string]Tick)}
}

// Listener receives notices from C until it is closed.
type Listener struct {
	hub  *Hub
	c    chan Notice
	lost bool // a notice was dropped and the Resync is not yet delivered
}

// C is closed when the listener or the hub is.
func (l *Listener) C() <-chan Notice { return l.c }

// Close ends listening; it may be called twice.
func (l *Listener) Close() {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	if _, ok := l.hub.listeners[l]; ok {
		delete(l.hub.listeners, l)
		close(l.c)
	}
}

// Listen begins to listen. The caller closes the listener.
func (h *Hub) Listen() *Listener {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := &Listener{hub: h, c: make(chan Notice, buffer)}
	if h.closed {
		close(l.c)
		return l
	}
	h.listeners[l] = struct{}{}
	return l
}

// Close ends all listening. Notices after it go nowhere.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for l := range h.listeners {
		delete(h.listeners, l)
		close(l.c)
	}
}

// Changed fills integration.Notices.
func (h *Hub) Changed(integrationID string, events []integration.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range events {
		if e.Kind == integration.EventPull || e.Kind == integration.EventRemoved {
			delete(h.ticks, integrationID)
		}
	}
	h.send(Notice{Kind: Changed, Integration: integrationID, Events: events})
}

// Tick stores and tells the progress of one table. The caller bounds how
// often (a few times a second).
func (h *Hub) Tick(t Tick) {
	if t.At.IsZero() {
		t.At = time.Now()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ticks[t.Integration] == nil {
		h.ticks[t.Integration] = make(map[string]Tick)
	}
	h.ticks[t.Integration][t.Table] = t
	h.send(Notice{Kind: Progress, Integration: t.Integration, Tick: t})
}

// Done forgets the progress of an integration whose pull has ended.
func (h *Hub) Done(integrationID string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.ticks, integrationID)
}

// Ticks returns the newest progress of each table of the integration's
// running pull, in no order.
func (h *Hub) Ticks(integrationID string) []Tick {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]Tick, 0, len(h.ticks[integrationID]))
	for _, t := range h.ticks[integrationID] {
		all = append(all, t)
	}
	return all
}

func (h *Hub) send(n Notice) {
	for l := range h.listeners {
		l.offer(n)
	}
}

// offer never blocks. A listener that fell behind gets one Resync in place of
// all that it missed: reading once again is cheaper than a long queue.
func (l *Listener) offer(n Notice) {
	if l.lost {
		n = Notice{Kind: Resync}
	}
	select {
	case l.c <- n:
		l.lost = false
	default:
		l.drop()
	}
}

// drop makes room by forgetting the oldest notice and puts the mark at the
// end, so that a listener hears of the loss even when nothing follows.
func (l *Listener) drop() {
	l.lost = true
	select {
	case <-l.c:
	default:
	}
	select {
	case l.c <- Notice{Kind: Resync}:
		l.lost = false
	default:
	}
}
