package ssh_test

import (
	"errors"
	"io"
	"net"
	"testing"

	"golang.org/x/crypto/ssh"

	sshserver "github.com/regrant/regrant/internal/testservers/ssh"
)

func signer(t *testing.T) (ssh.Signer, string) {
	t.Helper()
	s, err := sshserver.NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	return s, string(ssh.MarshalAuthorizedKey(s.PublicKey()))
}

func dial(address, user string, key ssh.Signer) (*ssh.Client, string, error) {
	fingerprint := ""
	c, err := ssh.Dial("tcp", address, &ssh.ClientConfig{
		User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)},
		HostKeyCallback: func(_ string, _ net.Addr, k ssh.PublicKey) error {
			fingerprint = ssh.FingerprintSHA256(k)
			return nil
		},
	})
	return c, fingerprint, err
}

func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); _, _ = io.Copy(c, c) }()
		}
	}()
	return l.Addr().String()
}

// forwards says whether the tunnel carries bytes to the address and back.
func forwards(c *ssh.Client, address string) error {
	conn, err := c.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("ping")); err != nil {
		return err
	}
	b := make([]byte, 4)
	_, err = io.ReadFull(conn, b)
	return err
}

func TestRealServer(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	key, line := signer(t)
	target, other := echo(t), echo(t)
	s := sshserver.Start(t, sshserver.WithAuthorizedKeys(`restrict,port-forwarding,permitopen="`+target+`" `+line))
	c, first, err := dial(s.Address(), s.User(), key)
	if err != nil {
		t.Fatal(err)
	}
	if err := forwards(c, target); err != nil {
		t.Fatalf("permitted target: %v", err)
	}
	var refused *ssh.OpenChannelError
	if err := forwards(c, other); !errors.As(err, &refused) || refused.Reason != ssh.Prohibited {
		t.Fatalf("another target gives %v, want administratively prohibited", err)
	}
	s.CutSessions()
	if err := c.Wait(); err == nil {
		t.Fatal("a cut session ended without an error")
	}
	if err := s.SwapHostKey(ctx); err != nil {
		t.Fatal(err)
	}
	c, second, err := dial(s.Address(), s.User(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if first == second || first == "" {
		t.Fatalf("host key is still %s", second)
	}
	if err := s.SetAuthorizedKeys(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := dial(s.Address(), s.User(), key); err == nil {
		t.Fatal("a removed key still opens the door")
	}
}

func TestBastion(t *testing.T) {
	t.Parallel()
	key, line := signer(t)
	target := echo(t)
	s := sshserver.StartBastion(t, sshserver.Behaviour{Keys: []string{line}})
	c, fingerprint, err := dial(s.Address(), "anyone", key)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if fingerprint != s.Fingerprint() {
		t.Fatalf("presented %s, says %s", fingerprint, s.Fingerprint())
	}
	if err := forwards(c, target); err != nil {
		t.Fatal(err)
	}
	s.Set(sshserver.Behaviour{Refuse: ssh.ResourceShortage})
	var refused *ssh.OpenChannelError
	if err := forwards(c, target); !errors.As(err, &refused) || refused.Reason != ssh.ResourceShortage {
		t.Fatalf("got %v, want resource shortage", err)
	}
	if s.Connections() != 1 || s.Forwardings() != 2 || s.Open() != 1 {
		t.Fatalf("counted %d, %d, %d", s.Connections(), s.Forwardings(), s.Open())
	}
	s.Cut()
	if err := c.Wait(); err == nil {
		t.Fatal("a cut connection ended without an error")
	}
}
