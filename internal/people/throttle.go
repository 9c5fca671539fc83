package people

import (
	"sync"
	"time"
)

// Attempts before waiting begins. Many people may share an address.
const (
	freeAttemptsOfAccount = 5
	freeAttemptsOfRemote  = 20
)

const (
	firstWait    = time.Second
	longestWait  = 15 * time.Minute
	throttleSize = 10_000 // keys; bounds the memory an attacker can take
)

// throttle makes attempts on one key wait, twice as long each time.
type throttle struct {
	free int
	mu   sync.Mutex
	keys map[string]attempts
}

type attempts struct {
	count int
	last  time.Time
	until time.Time // the next one is admitted from then on
}

func newThrottle(free int) *throttle {
	return &throttle{free: free, keys: make(map[string]attempts)}
}

// attempt counts one, or returns until when none is admitted.
func (t *throttle) attempt(key string, now time.Time) (until time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.keys[key]
	if now.Before(a.until) {
		return a.until
	}
	if now.Sub(a.last) > 2*longestWait {
		a = attempts{}
	}
	a.count, a.last = a.count+1, now
	if over := a.count - t.free; over >= 0 {
		a.until = now.Add(min(firstWait<<min(over, 20), longestWait))
	}
	t.makeRoom(now)
	t.keys[key] = a
	return time.Time{}
}

// forget begins again after a success.
func (t *throttle) forget(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.keys, key)
}

// undo takes one attempt back, which turned out to be none.
func (t *throttle) undo(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if a, ok := t.keys[key]; ok && a.count > 0 {
		a.count--
		a.until = time.Time{}
		t.keys[key] = a
	}
}

// makeRoom drops what is over, and otherwise the key with the fewest
// attempts: a flood of made-up keys does not free the one under attack.
func (t *throttle) makeRoom(now time.Time) {
	if len(t.keys) < throttleSize {
		return
	}
	least, fewest := "", 0
	for key, a := range t.keys {
		if now.Sub(a.last) > longestWait {
			delete(t.keys, key)
		} else if least == "" || a.count < fewest {
			least, fewest = key, a.count
		}
	}
	if len(t.keys) >= throttleSize {
		delete(t.keys, least)
	}
}
