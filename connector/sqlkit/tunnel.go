package sqlkit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/regrant/regrant/connector"
)

// DialFunc is the shape of Env.Dial.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

const (
	// handshakeTimeout bounds reaching, scanning or logging in, each.
	handshakeTimeout  = 20 * time.Second
	keepaliveInterval = 30 * time.Second
	keepaliveMisses   = 3
)

// TunnelConfig says how to reach an SSH server and log in there.
type TunnelConfig struct {
	Connector string // id; begins the code of a changed host key
	Dial      DialFunc
	Address   string // host:port of the SSH server
	Database  string // host:port as the SSH server sees it; for texts only
	User      string

	PrivateKey connector.Secret
	Passphrase connector.Secret
	Password   connector.Secret

	// HostKeys is what an earlier enrolment left in Trust[TrustKey]. When it
	// has no key of Address, all keys that the server shows are enrolled.
	HostKeys string
	// AcceptHostKey is the fingerprint of a new host key that a person
	// accepts: if the server shows it, its keys are enrolled anew.
	AcceptHostKey string
}

// Tunnel is a connection to an SSH server through which others go. It is safe
// for concurrent use.
type Tunnel struct {
	cfg    TunnelConfig
	login  *login
	wire   *wire
	client ssh.Conn
	trust  string

	mu     sync.Mutex
	cause  error // why it is dead
	conns  map[*tunnelConn]struct{}
	dead   chan struct{}
	ending sync.Once
	group  sync.WaitGroup
}

// OpenTunnel connects, checks or enrols the host keys, and logs in. Its error
// is a *connector.Fault, unless ctx ended.
func OpenTunnel(ctx context.Context, cfg TunnelConfig) (*Tunnel, error) {
	auth, err := newLogin(cfg)
	if err != nil {
		return nil, err
	}
	known, err := parseTrust(cfg.HostKeys, cfg.Address)
	if err != nil {
		return nil, unreadableTrust(err)
	}
	e := &entry{cfg: cfg, login: auth, known: known}
	t, err := e.open(ctx)
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		// Not a fault of anybody, whatever the cancelled handshake says.
		return nil, fmt.Errorf("open an SSH tunnel: %w", context.Cause(ctx))
	}
	return t, err
}

// Trust is what to keep for the next OpenTunnel: the enrolled host keys.
func (t *Tunnel) Trust() map[string]string { return map[string]string{TrustKey: t.trust} }

// PublicKey is the public half of the key in use, for authorized_keys; empty
// when a password is used.
func (t *Tunnel) PublicKey() string { return t.login.publicKey() }

// Done is closed when the tunnel has ended, whoever ended it.
func (t *Tunnel) Done() <-chan struct{} { return t.dead }

// newTunnel takes over a connection that has logged in.
func newTunnel(e *entry, w *wire, conn ssh.Conn, channels <-chan ssh.NewChannel, requests <-chan *ssh.Request) *Tunnel {
	t := &Tunnel{
		cfg: e.cfg, login: e.login, wire: w, client: conn, trust: trustText(e.cfg.Address, e.known.keys),
		conns: map[*tunnelConn]struct{}{}, dead: make(chan struct{}),
	}
	t.group.Go(func() { ssh.DiscardRequests(requests) })
	t.group.Go(func() { refuseAll(channels) })
	t.group.Go(func() { t.end(conn.Wait()) })
	t.group.Go(t.keepAlive)
	return t
}

// refuseAll lets the server open nothing towards us.
func refuseAll(channels <-chan ssh.NewChannel) {
	for c := range channels {
		_ = c.Reject(ssh.Prohibited, "nothing is offered here")
	}
}

// end is called once for good: by Close, by the keep-alive, or when the
// connection breaks.
func (t *Tunnel) end(reason error) {
	t.ending.Do(func() {
		t.mu.Lock()
		t.cause = reason
		conns := t.conns
		t.conns = nil
		t.mu.Unlock()
		close(t.dead)
		_ = t.wire.Close()
		for c := range conns {
			c.breakOff(t.lost())
		}
	})
}

// lost is the error of a tunnel that has ended, nil while it lives.
func (t *Tunnel) lost() error {
	t.mu.Lock()
	cause := t.cause
	t.mu.Unlock()
	switch {
	case errors.Is(cause, net.ErrClosed):
		return cause
	case isClosed(t.dead):
		return tunnelLost(t.cfg.Address, cause)
	}
	// The wire knows before the library has told everybody.
	if err := t.wire.failure(); err != nil {
		return tunnelLost(t.cfg.Address, err)
	}
	return nil
}

// Close ends the tunnel with all connections through it and waits until
// nothing of it runs any more. It may be called twice.
func (t *Tunnel) Close() error {
	t.end(net.ErrClosed)
	t.group.Wait()
	return nil
}

// start runs f as a part of the tunnel, unless that has ended.
func (t *Tunnel) start(f func()) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.conns == nil {
		return false
	}
	t.group.Go(f)
	return true
}

// adopt makes a connection of a channel and lets it end with the tunnel.
func (t *Tunnel) adopt(channel ssh.Channel, address string) (*tunnelConn, error) {
	c := newTunnelConn(t, channel, address)
	t.mu.Lock()
	ended := t.conns == nil
	if !ended {
		t.conns[c] = struct{}{}
		t.group.Go(c.run)
	}
	t.mu.Unlock()
	if ended {
		_ = channel.Close()
		return nil, t.lost()
	}
	return c, nil
}

func (t *Tunnel) forget(c *tunnelConn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.conns, c)
}

// directTCPIP is the payload of a forwarding, RFC 4254 section 7.2.
type directTCPIP struct {
	Host       string
	Port       uint32
	OriginHost string
	OriginPort uint32
}

// DialContext connects to address as the SSH server sees it: the name is
// resolved there. The connection has working deadlines.
func (t *Tunnel) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("dial %q through SSH: %w", address, err)
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("dial %q through SSH: %w", address, err)
	}
	limited, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	channel, err := t.openChannel(limited, directTCPIP{Host: host, Port: uint32(port), OriginHost: "127.0.0.1"})
	if err != nil {
		return nil, t.forwardError(ctx, address, err)
	}
	return t.adopt(channel, address)
}

// openChannel leaves when ctx ends. The server may still answer later; then
// the channel is closed.
func (t *Tunnel) openChannel(ctx context.Context, to directTCPIP) (ssh.Channel, error) {
	type answer struct {
		channel ssh.Channel
		err     error
	}
	answers := make(chan answer)
	ask := func() {
		channel, requests, err := t.client.OpenChannel("direct-tcpip", ssh.Marshal(&to))
		if err == nil {
			t.group.Go(func() { ssh.DiscardRequests(requests) })
		}
		select {
		case answers <- answer{channel, err}:
		case <-ctx.Done():
			if err == nil {
				_ = channel.Close()
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !t.start(ask) {
		return nil, t.lost()
	}
	select {
	case a := <-answers:
		return a.channel, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// forwardError is told with the caller's ctx: our own limit is a silent database.
func (t *Tunnel) forwardError(ctx context.Context, address string, err error) error {
	var refused *ssh.OpenChannelError
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("dial %s through SSH: %w", address, context.Cause(ctx))
	case errors.As(err, &refused):
		return forwardFault(refused, address, t.PublicKey())
	case errors.Is(err, context.DeadlineExceeded):
		return targetSilent(address, err)
	}
	if lost := t.lost(); lost != nil {
		return lost
	}
	return tunnelLost(t.cfg.Address, err)
}
