package sqlkit

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/regrant/regrant/connector"
)

// pipeEnd is one end of a connection inside the process with buffers, which
// net.Pipe lacks: both sides of SSH begin by writing. It waits in a way that
// synctest understands.
type pipeEnd struct {
	in, out *ring
	close   sync.Once
}

func newPipe() (a, b *pipeEnd) {
	x, y := newRing(), newRing()
	return &pipeEnd{in: x, out: y}, &pipeEnd{in: y, out: x}
}

func (p *pipeEnd) Read(b []byte) (int, error) {
	piece, err := p.in.data(nil)
	if err != nil {
		return 0, err
	}
	n := copy(b, piece)
	p.in.consumed(n)
	return n, nil
}

func (p *pipeEnd) Write(b []byte) (int, error) {
	for done := 0; done < len(b); {
		room, err := p.out.space(nil)
		if err != nil {
			return done, err
		}
		n := copy(room, b[done:])
		p.out.produced(n)
		done += n
	}
	return len(b), nil
}

func (p *pipeEnd) Close() error {
	p.close.Do(func() {
		p.in.fail(net.ErrClosed)
		p.out.finish(io.EOF)
	})
	return nil
}
func (p *pipeEnd) LocalAddr() net.Addr              { return tunnelAddr("here") }
func (p *pipeEnd) RemoteAddr() net.Addr             { return tunnelAddr("there") }
func (p *pipeEnd) SetDeadline(time.Time) error      { return nil }
func (p *pipeEnd) SetReadDeadline(time.Time) error  { return nil }
func (p *pipeEnd) SetWriteDeadline(time.Time) error { return nil }

// peer is an SSH server on pipes that answers keep-alives until told not to.
type peer struct {
	config *ssh.ServerConfig
	deaf   atomic.Bool
	asked  atomic.Int64
	busy   chan struct{} // closed: it sends something every ten seconds
}

func newPeer(t *testing.T) *peer {
	t.Helper()
	private, _, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := parseKey(private, connector.Secret{})
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{config: &ssh.ServerConfig{NoClientAuth: true}, busy: make(chan struct{})}
	p.config.PasswordCallback = func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) { return nil, nil }
	p.config.AddHostKey(signer)
	return p
}

func (p *peer) dial(context.Context, string, string) (net.Conn, error) {
	here, there := newPipe()
	go p.serve(there)
	return here, nil
}

func (p *peer) serve(c net.Conn) {
	conn, channels, requests, err := ssh.NewServerConn(c, p.config)
	if err != nil {
		_ = c.Close()
		return
	}
	go refuseAll(channels)
	ended := make(chan struct{})
	defer close(ended)
	go p.chat(conn, ended)
	for r := range requests {
		p.asked.Add(1)
		if r.WantReply && !p.deaf.Load() {
			_ = r.Reply(false, nil)
		}
	}
}

// chat sends without being asked, as a server that delivers rows does.
func (p *peer) chat(conn ssh.Conn, ended <-chan struct{}) {
	select {
	case <-p.busy:
	case <-ended:
		return
	}
	for {
		select {
		case <-ended:
			return
		case <-time.After(10 * time.Second):
			_, _, _ = conn.SendRequest("still here", false, nil)
		}
	}
}

func openTo(t *testing.T, p *peer) *Tunnel {
	t.Helper()
	tunnel, err := OpenTunnel(t.Context(), TunnelConfig{
		Dial: p.dial, Address: "bastion.example:22", User: "u", Password: connector.NewSecret("x"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return tunnel
}

func TestKeepAlive(t *testing.T) {
	t.Parallel()
	t.Run("an answering server is asked twice a minute", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := newPeer(t)
			tunnel := openTo(t, p)
			defer tunnel.Close()
			time.Sleep(time.Hour)
			if n := p.asked.Load(); n < 119 || n > 121 || isClosed(tunnel.Done()) {
				t.Errorf("asked %d times in an hour, ended: %v", n, isClosed(tunnel.Done()))
			}
		})
	})
	t.Run("a silent server is given up", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := newPeer(t)
			tunnel := openTo(t, p)
			defer tunnel.Close()
			p.deaf.Store(true)
			began := time.Now()
			<-tunnel.Done()
			if took := time.Since(began); took < 90*time.Second || took > 3*time.Minute {
				t.Errorf("given up after %v", took)
			}
			f := connector.FaultOf(tunnel.lost())
			if f.Code != "ssh.tunnel_lost" || f.Cause != connector.Outage {
				t.Errorf("got %v", f)
			}
		})
	})
	t.Run("a server that sends is alive", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := newPeer(t)
			tunnel := openTo(t, p)
			defer tunnel.Close()
			p.deaf.Store(true)
			close(p.busy)
			time.Sleep(time.Hour)
			if isClosed(tunnel.Done()) {
				t.Errorf("given up: %v", tunnel.lost())
			}
		})
	})
}
