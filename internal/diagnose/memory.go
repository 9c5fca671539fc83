package diagnose

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// memory is what worked before, kept over restarts: a control that never
// answered says nothing when it does not answer.
type memory struct {
	path string // empty: not kept
	log  *slog.Logger
	mu   sync.Mutex
	kept kept
	told time.Time // when it was last written
}

type kept struct {
	Clock  time.Time            `json:"clock"`  // newest time seen
	Worked map[string]time.Time `json:"worked"` // by address, and by name
}

// mostKept bounds the file against a list of controls that changes often.
const mostKept = 64

func remember(dir string, log *slog.Logger) *memory {
	m := &memory{log: log, kept: kept{Worked: map[string]time.Time{}}}
	if dir == "" {
		return m
	}
	m.path = filepath.Join(dir, "controls.json")
	text, err := os.ReadFile(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return m
	}
	var k kept
	if err == nil {
		err = json.Unmarshal(text, &k)
	}
	if err != nil { // it is learnt anew
		log.Warn("reading what worked before", "file", m.path, "error", err)
		return m
	}
	if k.Worked == nil {
		k.Worked = map[string]time.Time{}
	}
	m.kept = k
	return m
}

func (m *memory) workedBefore(what string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.kept.Worked[what]
	return ok
}

func (m *memory) lastSeen() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept.Clock
}

// writeEvery is how old the file may be; what is new is written at once.
const writeEvery = 10 * time.Minute

// keep notes what works now.
func (m *memory) keep(now time.Time, s self) {
	m.mu.Lock()
	defer m.mu.Unlock()
	news := false
	note := func(what string) {
		_, known := m.kept.Worked[what]
		if !known && len(m.kept.Worked) >= mostKept {
			m.forgetOldest()
		}
		news = news || !known
		m.kept.Worked[what] = now
	}
	for _, c := range s.controls {
		if c.now && c.operator {
			note(c.address)
		}
	}
	for _, n := range s.names {
		if n.now {
			note(n.host)
		}
	}
	if !s.clock.wrong && now.After(m.kept.Clock) {
		m.kept.Clock = now
	}
	if m.path != "" && (news || time.Since(m.told) >= writeEvery) {
		m.write()
	}
}

func (m *memory) forgetOldest() {
	oldest := ""
	for what, at := range m.kept.Worked {
		if oldest == "" || at.Before(m.kept.Worked[oldest]) {
			oldest = what
		}
	}
	delete(m.kept.Worked, oldest)
}

// write replaces the file. A full disk is no reason to fail: it is what is
// being diagnosed.
func (m *memory) write() {
	m.told = time.Now()
	text, err := json.Marshal(m.kept)
	if err == nil {
		next := m.path + ".new"
		if err = os.WriteFile(next, text, 0o600); err == nil {
			err = os.Rename(next, m.path)
		}
	}
	if err != nil {
		m.log.Warn("keeping what worked", "file", m.path, "error", err)
	}
}
