package pull

import (
	"sort"
	"sync"
	"time"

	"github.com/regrant/regrant/internal/integration"
)

// Progress is how far a running pull is.
type Progress struct {
	Integration   string // ID
	Pull          string
	Table         string // being read; empty: none yet
	Rows          int64  // of the table, in this pull
	Estimated     int64  // rows of the table at the source; -1: not known
	Bytes         int64  // of the table, in this pull
	Elapsed       time.Duration
	RowsPerSecond float64 // of the table
	TablesDone    int
	Tables        int  // to be read
	Done          bool // the last one of this pull
}

// Board shows what is being pulled. It keeps running pulls only.
type Board struct {
	publish func(Progress)
	mu      sync.Mutex
	running map[string]Progress // by pull
}

// NewBoard makes a Board. publish, which may be nil, hears of each change at
// most four times a second for each pull, and must return at once.
func NewBoard(publish func(Progress)) *Board {
	return &Board{publish: publish, running: make(map[string]Progress)}
}

// Snapshot returns the running pulls, by integration.
func (b *Board) Snapshot() []Progress {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]Progress, 0, len(b.running))
	for _, p := range b.running {
		all = append(all, p)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Integration < all[j].Integration })
	return all
}

func (b *Board) set(p Progress) {
	b.mu.Lock()
	b.running[p.Pull] = p
	if p.Done {
		delete(b.running, p.Pull)
	}
	b.mu.Unlock()
}

func (b *Board) tell(p Progress) {
	if b.publish != nil {
		b.publish(p)
	}
}

func (b *Board) begin(integrationID, pull string) *meter {
	now := time.Now()
	m := &meter{board: b, began: now, tableBegan: now, now: Progress{Integration: integrationID, Pull: pull, Estimated: -1}}
	m.show(true)
	return m
}

// tick is how often a running pull is told about.
const tick = 250 * time.Millisecond

// meter is the board's view of one pull. It is used by one goroutine.
type meter struct {
	board      *Board
	now        Progress
	began      time.Time
	tableBegan time.Time
	told       time.Time
}

func (m *meter) plan(tables []integration.Table) {
	for _, t := range tables {
		if t.Enabled {
			m.now.Tables++
		}
	}
}

// table begins the next table.
func (m *meter) table(name string, estimated int64) {
	if m.now.Table != "" {
		m.now.TablesDone++
	}
	m.now.Table, m.now.Estimated, m.now.Rows, m.now.Bytes = name, estimated, 0, 0
	m.tableBegan = time.Now()
	m.show(false)
}

func (m *meter) add(rows, bytes int64) {
	m.now.Rows += rows
	m.now.Bytes += bytes
	m.show(false)
}

func (m *meter) end() {
	m.now.Done = true
	m.show(true)
}

func (m *meter) show(always bool) {
	now := time.Now()
	m.now.Elapsed = now.Sub(m.began)
	m.now.RowsPerSecond = 0
	if took := now.Sub(m.tableBegan).Seconds(); took > 0 {
		m.now.RowsPerSecond = float64(m.now.Rows) / took
	}
	m.board.set(m.now)
	if always || now.Sub(m.told) >= tick {
		m.told = now
		m.board.tell(m.now)
	}
}
