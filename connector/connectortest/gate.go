package connectortest

import (
	"context"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// gate stands in front of Env.Dial. It counts connections and plays the
// network's part: refuse, swallow, cut.
type gate struct {
	dial dialFunc

	refuse  atomic.Bool
	swallow atomic.Bool // what is written never arrives: no answer will come
	dialed  atomic.Int64

	mu    sync.Mutex
	conns map[*gatedConn]struct{}
}

func newGate(dial dialFunc) *gate {
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	return &gate{dial: dial, conns: map[*gatedConn]struct{}{}}
}

// Dial is the Env.Dial that the connector gets.
func (g *gate) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	g.dialed.Add(1)
	if g.refuse.Load() {
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	inner, err := g.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c := &gatedConn{Conn: inner, gate: g}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.conns[c] = struct{}{}
	return c, nil
}

// open is how many connections nobody has closed.
func (g *gate) open() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.conns)
}

// allClosed waits a little for closing that goes on in the background.
func (g *gate) allClosed() bool {
	return poll(leakLimit, func() bool { return g.open() == 0 })
}

// cut breaks every connection, as a network does: both sides see a reset.
func (g *gate) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.conns {
		c.broken.Store(true)
		_ = c.Conn.Close()
	}
}

// down takes the network away: connections are cut and new ones refused.
func (g *gate) down() {
	g.refuse.Store(true)
	g.cut()
}

// up brings the network back.
func (g *gate) up() { g.refuse.Store(false) }

type gatedConn struct {
	net.Conn
	gate   *gate
	broken atomic.Bool
}

func (c *gatedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	return n, c.fault("read", err)
}

func (c *gatedConn) Write(b []byte) (int, error) {
	if c.gate.swallow.Load() {
		return len(b), nil
	}
	n, err := c.Conn.Write(b)
	return n, c.fault("write", err)
}

func (c *gatedConn) fault(op string, err error) error {
	if err != nil && c.broken.Load() {
		return &net.OpError{Op: op, Net: "tcp", Err: os.NewSyscallError(op, syscall.ECONNRESET)}
	}
	return err
}

func (c *gatedConn) Close() error {
	c.gate.mu.Lock()
	delete(c.gate.conns, c)
	c.gate.mu.Unlock()
	return c.Conn.Close()
}

// poll asks until the answer is yes or the time is over. It is for what gives
// no signal: goroutines and connections that end in the background.
func poll(limit time.Duration, done func() bool) bool {
	deadline := time.Now().Add(limit)
	for {
		if done() {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(5 * time.Millisecond)
	}
}
