package sqlkit

import (
	"sync"
	"time"
)

// deadline is a point in time that can be moved while somebody waits for it.
type deadline struct {
	mu      sync.Mutex
	timer   *time.Timer
	expired chan struct{}
}

func newDeadline() *deadline { return &deadline{expired: make(chan struct{})} }

// set moves the deadline; the zero time means never.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil && !d.timer.Stop() {
		<-d.expired // the timer fired and closes it at this moment
	}
	d.timer = nil
	closed := isClosed(d.expired)
	if t.IsZero() {
		d.renew(closed)
		return
	}
	if left := time.Until(t); left > 0 {
		d.renew(closed)
		expired := d.expired
		d.timer = time.AfterFunc(left, func() { close(expired) })
		return
	}
	if !closed {
		close(d.expired)
	}
}

func (d *deadline) renew(closed bool) {
	if closed {
		d.expired = make(chan struct{})
	}
}

// wait is closed at the deadline.
func (d *deadline) wait() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.expired
}
