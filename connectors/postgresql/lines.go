package postgresql

import (
	"context"
	"net"
	"sync"
)

// lines are the network connections behind one session: its own, and those
// on which the driver asks the server to cancel a statement. When nothing
// answers any more, the driver would wait for them; cutting them ends that.
type lines struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu    sync.Mutex
	stops []func()
	ended bool
}

// DialContext dials and keeps hold of what comes of it.
func (l *lines) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	if !l.hold(cancel) {
		cancel()
		return nil, net.ErrClosed
	}
	c, err := l.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if !l.hold(func() { _ = c.Close() }) {
		_ = c.Close()
		return nil, net.ErrClosed
	}
	return c, nil
}

func (l *lines) hold(stop func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ended {
		l.stops = append(l.stops, stop)
	}
	return !l.ended
}

// cut ends all of them, and dials that are under way.
func (l *lines) cut() {
	l.mu.Lock()
	stops := l.stops
	l.stops, l.ended = nil, true
	l.mu.Unlock()
	for _, stop := range stops {
		stop()
	}
}
