package sqlkit_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"io"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
	sshserver "github.com/regrant/regrant/internal/testservers/ssh"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// soon is a few times what it takes on a quiet machine, and a fraction of what
// it takes if a cancel does nothing.
const soon = 3 * time.Second

// key is a generated pair.
type key struct {
	private connector.Secret
	public  string
}

func newKey(t testing.TB) key {
	t.Helper()
	private, public, err := sqlkit.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return key{private, public}
}

func plainDial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

// serve runs a TCP server whose connections are handled by f.
func serve(t testing.TB, f func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				f(c)
			}()
		}
	}()
	return l.Addr().String()
}

func echo(c net.Conn) { _, _ = io.Copy(c, c) }

// deadPort is an address on which nobody listens.
func deadPort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func config(address string, k key) sqlkit.TunnelConfig {
	return sqlkit.TunnelConfig{
		Connector: "postgresql", Dial: plainDial, Address: address, Database: "127.0.0.1:5432",
		User: "tunnel", PrivateKey: k.private,
	}
}

// bastion starts a scripted SSH server that lets k in.
func bastion(t testing.TB, k key, b sshserver.Behaviour) (*sshserver.Bastion, sqlkit.TunnelConfig) {
	t.Helper()
	if b.Keys == nil {
		b.Keys = []string{k.public}
	}
	s := sshserver.StartBastion(t, b)
	return s, config(s.Address(), k)
}

func open(t testing.TB, cfg sqlkit.TunnelConfig) *sqlkit.Tunnel {
	t.Helper()
	tunnel, err := sqlkit.OpenTunnel(within(t, 10*time.Second), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tunnel.Close() })
	return tunnel
}

func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// want checks what a fault decides.
func want(t testing.TB, err error, cause connector.Cause, code string, step connector.Step) *connector.Fault {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s", code)
	}
	f := connector.FaultOf(err)
	if f.Cause != cause || f.Code != code || f.Step != step {
		t.Fatalf("got %s %s at %s, want %s %s at %s\n%v", f.Cause, f.Code, f.Step, cause, code, step, err)
	}
	if f.Err == nil || f.Public == "" {
		t.Fatalf("fault without evidence or text: %+v", f)
	}
	return f
}

// lockedKey is a private key under a passphrase.
func lockedKey(t testing.TB, passphrase string) connector.Secret {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(passphrase))
	if err != nil {
		t.Fatal(err)
	}
	return connector.NewSecret(string(pem.EncodeToMemory(block)))
}
