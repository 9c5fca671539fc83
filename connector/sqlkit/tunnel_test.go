package sqlkit_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
	sshserver "github.com/regrant/regrant/internal/testservers/ssh"
)

func dialThrough(t testing.TB, tunnel *sqlkit.Tunnel, address string) net.Conn {
	t.Helper()
	c, err := tunnel.DialContext(within(t, 10*time.Second), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// TestBytes sends more than every buffer on the way holds, in odd pieces, and
// expects all of it back in order, on several connections at once.
func TestBytes(t *testing.T) {
	t.Parallel()
	_, cfg := bastion(t, newKey(t), sshserver.Behaviour{})
	tunnel, target := open(t, cfg), serve(t, echo)
	var all sync.WaitGroup
	for seed := range 3 {
		c := dialThrough(t, tunnel, target)
		all.Go(func() { roundTrip(t, c, uint64(seed)) })
	}
	all.Wait()
}

func roundTrip(t *testing.T, c net.Conn, seed uint64) {
	const total = 6 << 20
	random := rand.NewChaCha8([32]byte{byte(seed)})
	sent, got := sha256.New(), sha256.New()
	go func() {
		sizes := rand.New(rand.NewPCG(seed, 1))
		for left := total; left > 0; {
			piece := make([]byte, min(left, 1+sizes.IntN(100_000)))
			_, _ = random.Read(piece)
			sent.Write(piece)
			if _, err := c.Write(piece); err != nil {
				t.Errorf("write: %v", err)
				return
			}
			left -= len(piece)
		}
	}()
	if n, err := io.CopyN(got, c, total); err != nil {
		t.Errorf("read %d bytes: %v", n, err)
		return
	}
	if !bytes.Equal(sent.Sum(nil), got.Sum(nil)) {
		t.Error("other bytes came back")
	}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) && errors.As(err, &n) && n.Timeout()
}

func TestDeadlines(t *testing.T) {
	t.Parallel()
	silent := serve(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 1)); _, _ = io.Copy(io.Discard, c) })
	deaf := serve(t, func(c net.Conn) { <-t.Context().Done() })
	_, cfg := bastion(t, newKey(t), sshserver.Behaviour{})
	tunnel := open(t, cfg)

	t.Run("read", func(t *testing.T) {
		t.Parallel()
		c := dialThrough(t, tunnel, silent)
		began := time.Now()
		_ = c.SetReadDeadline(began.Add(50 * time.Millisecond))
		if _, err := c.Read(make([]byte, 1)); !isTimeout(err) {
			t.Fatalf("got %v", err)
		}
		if took := time.Since(began); took < 50*time.Millisecond || took > soon {
			t.Fatalf("took %v", took)
		}
	})
	t.Run("write", func(t *testing.T) {
		t.Parallel()
		c := dialThrough(t, tunnel, deaf)
		flood := make([]byte, 64<<20)
		_ = c.SetWriteDeadline(time.Now().Add(time.Second))
		n, err := c.Write(flood)
		if !isTimeout(err) || n == 0 || n == 64<<20 {
			t.Fatalf("wrote %d: %v", n, err)
		}
	})
	t.Run("moved while waiting", func(t *testing.T) {
		t.Parallel()
		c := dialThrough(t, tunnel, silent)
		_ = c.SetDeadline(time.Now().Add(time.Hour))
		time.AfterFunc(20*time.Millisecond, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
		if _, err := c.Read(make([]byte, 1)); !isTimeout(err) {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("taken back", func(t *testing.T) {
		t.Parallel()
		c := dialThrough(t, tunnel, serve(t, echo))
		_ = c.SetDeadline(time.Unix(1, 0))
		if _, err := c.Write([]byte("x")); !isTimeout(err) {
			t.Fatalf("got %v", err)
		}
		_ = c.SetDeadline(time.Time{})
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	})
}

func TestCloseDeliversWhatWasWritten(t *testing.T) {
	t.Parallel()
	got := make(chan []byte, 1)
	target := serve(t, func(c net.Conn) {
		b, _ := io.ReadAll(c)
		got <- b
	})
	_, cfg := bastion(t, newKey(t), sshserver.Behaviour{})
	c := dialThrough(t, open(t, cfg), target)
	goodbye := bytes.Repeat([]byte("goodbye "), 20_000)
	if _, err := c.Write(goodbye); err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	select {
	case b := <-got:
		if !bytes.Equal(b, goodbye) {
			t.Fatalf("%d of %d bytes arrived", len(b), len(goodbye))
		}
	case <-time.After(10 * time.Second):
		t.Fatal("nothing arrived")
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read after close: %v", err)
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
}

func TestTheDatabaseHangsUp(t *testing.T) {
	t.Parallel()
	_, cfg := bastion(t, newKey(t), sshserver.Behaviour{})
	tunnel := open(t, cfg)
	c := dialThrough(t, tunnel, serve(t, func(c net.Conn) { _, _ = io.WriteString(c, "last words") }))
	b, err := io.ReadAll(c)
	if string(b) != "last words" || err != nil {
		t.Fatalf("got %q and %v", b, err)
	}
	select {
	case <-tunnel.Done():
		t.Fatal("the tunnel ended with it")
	default:
	}
}

func TestTheTunnelIsCut(t *testing.T) {
	t.Parallel()
	s, cfg := bastion(t, newKey(t), sshserver.Behaviour{})
	tunnel := open(t, cfg)
	reader := dialThrough(t, tunnel, serve(t, echo))
	failed := make(chan error, 1)
	go func() {
		_, err := reader.Read(make([]byte, 1))
		failed <- err
	}()
	s.Cut()
	f := want(t, <-failed, connector.Outage, "ssh.tunnel_lost", connector.StepReach)
	if f.Facts["address"] != s.Address() {
		t.Errorf("facts are %v", f.Facts)
	}
	<-tunnel.Done()
	if _, err := reader.Write([]byte("x")); connector.FaultOf(err).Code != "ssh.tunnel_lost" {
		t.Errorf("write gives %v", err)
	}
	_, err := tunnel.DialContext(t.Context(), "tcp", "127.0.0.1:1")
	want(t, err, connector.Outage, "ssh.tunnel_lost", connector.StepReach)
}

func TestCloseEndsEverything(t *testing.T) {
	t.Parallel()
	s, cfg := bastion(t, newKey(t), sshserver.Behaviour{})
	tunnel := open(t, cfg)
	c := dialThrough(t, tunnel, serve(t, echo))
	if err := tunnel.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read after the tunnel's end: %v", err)
	}
	if _, err := tunnel.DialContext(t.Context(), "tcp", "127.0.0.1:1"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("dial after the tunnel's end: %v", err)
	}
	if err := tunnel.Close(); err != nil {
		t.Error(err)
	}
	_ = s
}

func TestCancel(t *testing.T) {
	t.Parallel()
	t.Run("a handshake that hangs", func(t *testing.T) {
		t.Parallel()
		_, cfg := bastion(t, newKey(t), sshserver.Behaviour{Silent: true})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		began := time.Now()
		_, err := sqlkit.OpenTunnel(ctx, cfg)
		var f *connector.Fault
		if !errors.Is(err, context.Canceled) || errors.As(err, &f) || time.Since(began) > soon {
			t.Fatalf("%v after %v", err, time.Since(began))
		}
	})
	t.Run("a forwarding that hangs", func(t *testing.T) {
		t.Parallel()
		release := make(chan struct{})
		_, cfg := bastion(t, newKey(t), sshserver.Behaviour{Dial: func(string) (net.Conn, error) {
			<-release
			return nil, errors.New("too late")
		}})
		tunnel := open(t, cfg)
		defer close(release)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		began := time.Now()
		_, err := tunnel.DialContext(ctx, "tcp", "127.0.0.1:1")
		if !errors.Is(err, context.Canceled) || time.Since(began) > soon {
			t.Fatalf("%v after %v", err, time.Since(began))
		}
	})
	t.Run("a deadline is a fault", func(t *testing.T) {
		t.Parallel()
		_, cfg := bastion(t, newKey(t), sshserver.Behaviour{Silent: true})
		_, err := sqlkit.OpenTunnel(within(t, 100*time.Millisecond), cfg)
		want(t, err, connector.Outage, "ssh.timeout", connector.StepReach)
	})
}

func TestEnrolment(t *testing.T) {
	t.Parallel()
	k := newKey(t)
	s, cfg := bastion(t, k, sshserver.Behaviour{})
	first := open(t, cfg)
	trust := first.Trust()[sqlkit.TrustKey]
	if prints := sqlkit.Fingerprints(trust); len(prints) != 1 || prints[0] != "ssh-ed25519 "+s.Fingerprint() {
		t.Fatalf("enrolled %v", prints)
	}
	connections := s.Connections()
	cfg.HostKeys = trust
	again := open(t, cfg)
	if again.Trust()[sqlkit.TrustKey] != trust || s.Connections() != connections+1 {
		t.Errorf("a known server was asked %d times, trust is now %q", s.Connections()-connections, again.Trust())
	}

	other, err := sshserver.NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	s.Set(sshserver.Behaviour{Keys: []string{k.public}, HostKeys: []ssh.Signer{other}})
	_, err = sqlkit.OpenTunnel(within(t, 10*time.Second), cfg)
	f := want(t, err, connector.AccessChanged, "postgresql.ssh_host_key_changed", connector.StepTrust)
	fresh := ssh.FingerprintSHA256(other.PublicKey())
	if f.Facts["old_fingerprint"] != s.Fingerprint() || f.Facts["new_fingerprint"] != fresh {
		t.Fatalf("facts are %v", f.Facts)
	}

	cfg.AcceptHostKey = s.Fingerprint() // of another key than the one shown
	_, err = sqlkit.OpenTunnel(within(t, 10*time.Second), cfg)
	want(t, err, connector.AccessChanged, "postgresql.ssh_host_key_changed", connector.StepTrust)

	cfg.AcceptHostKey = fresh
	accepted := open(t, cfg)
	if prints := sqlkit.Fingerprints(accepted.Trust()[sqlkit.TrustKey]); len(prints) != 1 || prints[0] != "ssh-ed25519 "+fresh {
		t.Fatalf("after acceptance: %v", prints)
	}
}

func TestStoredHostKeys(t *testing.T) {
	t.Parallel()
	_, cfg := bastion(t, newKey(t), sshserver.Behaviour{})
	trust := open(t, cfg).Trust()[sqlkit.TrustKey]

	revoked := cfg
	revoked.HostKeys = "@revoked " + trust + trust
	_, err := sqlkit.OpenTunnel(within(t, 10*time.Second), revoked)
	want(t, err, connector.AccessChanged, "ssh.host_key_revoked", connector.StepTrust)

	broken := cfg
	broken.HostKeys = "not a line of known_hosts"
	_, err = sqlkit.OpenTunnel(within(t, 10*time.Second), broken)
	want(t, err, connector.Ours, "ssh.host_keys_unreadable", connector.StepTrust)

	_, elsewhere := bastion(t, newKey(t), sshserver.Behaviour{})
	elsewhere.HostKeys = trust // of another address
	open(t, elsewhere)
}
