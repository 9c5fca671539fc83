package sqlkit_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
	"github.com/regrant/regrant/internal/testservers/pki"
)

func opError(err error) error {
	return fmt.Errorf("driver says: %w", &net.OpError{Op: "dial", Net: "tcp", Err: err})
}

func TestReachFaults(t *testing.T) {
	t.Parallel()
	reach := connector.StepReach
	for _, c := range []struct {
		name  string
		err   error
		cause connector.Cause
		code  string
	}{
		{"no such name", opError(&net.DNSError{Err: "no such host", Name: "db", IsNotFound: true}), connector.Outage, "net.name_not_found"},
		{"names fail", opError(&net.DNSError{Err: "server misbehaving", Name: "db", IsTemporary: true}), connector.Outage, "net.name_lookup_failed"},
		{"names time out", opError(&net.DNSError{Err: "timeout", Name: "db", IsTimeout: true}), connector.Outage, "net.name_lookup_failed"},
		{"refused", opError(os.NewSyscallError("connect", syscall.ECONNREFUSED)), connector.Outage, "net.refused"},
		{"reset", opError(os.NewSyscallError("read", syscall.ECONNRESET)), connector.Outage, "net.reset"},
		{"broken pipe", opError(os.NewSyscallError("write", syscall.EPIPE)), connector.Outage, "net.reset"},
		{"timeout", opError(os.ErrDeadlineExceeded), connector.Outage, "net.timeout"},
		{"kernel timeout", opError(os.NewSyscallError("connect", syscall.ETIMEDOUT)), connector.Outage, "net.timeout"},
		{"context timeout", opError(context.DeadlineExceeded), connector.Outage, "net.timeout"},
		{"host unreachable", opError(os.NewSyscallError("connect", syscall.EHOSTUNREACH)), connector.Outage, "net.host_unreachable"},
		{"hung up", fmt.Errorf("receive: %w", io.ErrUnexpectedEOF), connector.Outage, "net.closed"},
		{"no network", opError(os.NewSyscallError("connect", syscall.ENETUNREACH)), connector.Ours, "net.network_unreachable"},
		{"no local address", opError(os.NewSyscallError("connect", syscall.EADDRNOTAVAIL)), connector.Ours, "net.no_local_address"},
		{"too many files", opError(os.NewSyscallError("socket", syscall.EMFILE)), connector.Ours, "net.too_many_files"},
		{"firewall here", opError(os.NewSyscallError("connect", syscall.EPERM)), connector.Ours, "net.blocked_here"},
		{"no IPv6 here, refused there", errors.Join(opError(syscall.ENETUNREACH), opError(syscall.ECONNREFUSED)), connector.Outage, "net.refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := sqlkit.Attempt{Host: "db.example:5432"}.Fault(c.err)
			if f == nil {
				t.Fatal("no fault")
			}
			want(t, f, c.cause, c.code, reach)
			if f.Facts["phase"] == "" || f.Facts["address"] != "db.example:5432" || !errors.Is(f, c.err) {
				t.Errorf("facts %v, error %v", f.Facts, f.Err)
			}
			if (f.Facts["local"] == "true") != (c.cause == connector.Ours) {
				t.Errorf("facts %v", f.Facts)
			}
		})
	}
	for _, err := range []error{nil, context.Canceled, errors.New("password authentication failed")} {
		if f := (sqlkit.Attempt{}).Fault(err); f != nil {
			t.Errorf("%v became %v", err, f)
		}
	}
}

// tlsServer accepts handshakes with cfg and answers one byte.
func tlsServer(t *testing.T, cfg *tls.Config) string {
	t.Helper()
	return serve(t, func(c net.Conn) {
		s := tls.Server(c, cfg)
		if s.Handshake() == nil {
			_, _ = s.Write([]byte("x"))
		}
		_, _ = io.Copy(io.Discard, c)
	})
}

// handshake connects and reads: a client certificate is refused only then.
func handshake(t *testing.T, address string, cfg *tls.Config) error {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	client := tls.Client(c, cfg)
	if err := client.Handshake(); err != nil {
		return err
	}
	_, err = client.Read(make([]byte, 1))
	return err
}

type authority struct {
	*pki.CA
	t *testing.T
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	ca, err := pki.NewCA("test")
	if err != nil {
		t.Fatal(err)
	}
	return authority{ca, t}
}

func (a authority) server(r pki.Request) tls.Certificate {
	a.t.Helper()
	p, err := a.Issue(r)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := p.TLS()
	if err != nil {
		a.t.Fatal(err)
	}
	return cert
}

func (a authority) client(notAfter time.Time) pki.Pair {
	a.t.Helper()
	p, err := a.Issue(pki.Request{CommonName: "pull_ro", Client: true, NotAfter: notAfter})
	if err != nil {
		a.t.Fatal(err)
	}
	return p
}

func TestTLSModes(t *testing.T) {
	t.Parallel()
	ca, otherCA := newAuthority(t), newAuthority(t)
	next, last := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	good := ca.server(pki.Request{Names: []string{"db.example"}, NotAfter: next})
	expired := ca.server(pki.Request{Names: []string{"db.example"}, NotAfter: last})
	early := ca.server(pki.Request{Names: []string{"db.example"}, NotBefore: next, NotAfter: next.Add(time.Hour)})
	mine, other := string(ca.PEM()), string(otherCA.PEM())
	for _, c := range []struct {
		name, mode, ca, server string
		cert                   tls.Certificate
		cause                  connector.Cause
		code                   string // empty: it connects
	}{
		{"full", sqlkit.VerifyFull, mine, "db.example", good, 0, ""},
		{"full, other name", sqlkit.VerifyFull, mine, "other.example", good, connector.AccessChanged, "tls.wrong_name"},
		{"full, address instead of name", sqlkit.VerifyFull, mine, "127.0.0.1", good, connector.AccessChanged, "tls.wrong_name"},
		{"full, other authority", sqlkit.VerifyFull, other, "db.example", good, connector.AccessChanged, "tls.unknown_authority"},
		{"full, public authorities", sqlkit.VerifyFull, "", "db.example", good, connector.AccessChanged, "tls.unknown_authority"},
		{"full, expired", sqlkit.VerifyFull, mine, "db.example", expired, connector.Expired, "tls.server_certificate_expired"},
		{"full, too early", sqlkit.VerifyFull, mine, "db.example", early, connector.AccessChanged, "tls.server_certificate_not_yet_valid"},
		{"ca", sqlkit.VerifyCA, mine, "db.example", good, 0, ""},
		{"ca, other name", sqlkit.VerifyCA, mine, "other.example", good, 0, ""},
		{"ca, other authority", sqlkit.VerifyCA, other, "db.example", good, connector.AccessChanged, "tls.unknown_authority"},
		{"ca, expired", sqlkit.VerifyCA, mine, "db.example", expired, connector.Expired, "tls.server_certificate_expired"},
		{"require", sqlkit.Require, "", "other.example", expired, 0, ""},
		{"prefer", sqlkit.Prefer, "", "other.example", expired, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg, err := sqlkit.TLSConfig(sqlkit.TLSOptions{Mode: c.mode, CA: c.ca, ServerName: c.server})
			if err != nil {
				t.Fatal(err)
			}
			err = handshake(t, tlsServer(t, &tls.Config{Certificates: []tls.Certificate{c.cert}}), cfg)
			if c.code == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			want(t, sqlkit.Attempt{Host: "db.example:5432", TLS: cfg}.Fault(err), c.cause, c.code, connector.StepTrust)
		})
	}
}

func TestClientCertificates(t *testing.T) {
	t.Parallel()
	ca, otherCA := newAuthority(t), newAuthority(t)
	next := time.Now().Add(time.Hour).Truncate(time.Second)
	server := &tls.Config{
		Certificates: []tls.Certificate{ca.server(pki.Request{Names: []string{"db.example"}, NotAfter: next})},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool(),
	}
	for _, c := range []struct {
		name  string
		pair  pki.Pair
		cause connector.Cause
		code  string
	}{
		{"good", ca.client(next), 0, ""},
		{"none", pki.Pair{}, connector.AccessChanged, "tls.client_certificate_refused"},
		{"of another authority", otherCA.client(next), connector.AccessChanged, "tls.client_certificate_refused"},
		{"expired", ca.client(time.Now().Add(-time.Hour)), connector.Expired, "tls.client_certificate_expired"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg, err := sqlkit.TLSConfig(sqlkit.TLSOptions{
				Mode: sqlkit.VerifyFull, CA: string(ca.PEM()), ServerName: "db.example",
				Cert: string(c.pair.CertPEM), Key: connector.NewSecret(string(c.pair.KeyPEM)),
			})
			if err != nil {
				t.Fatal(err)
			}
			err = handshake(t, tlsServer(t, server), cfg)
			if c.code == "" {
				if e, ok := sqlkit.ClientExpiry(cfg); err != nil || !ok || !e.At.Equal(next) {
					t.Fatalf("%v, expires %v", err, e.At)
				}
				return
			}
			want(t, sqlkit.Attempt{Host: "db.example:5432", TLS: cfg}.Fault(err), c.cause, c.code, connector.StepTrust)
		})
	}
}

func TestNoTLSThere(t *testing.T) {
	t.Parallel()
	address := serve(t, func(c net.Conn) { _, _ = io.WriteString(c, "I do not speak that\r\n"); _, _ = io.Copy(io.Discard, c) })
	cfg, err := sqlkit.TLSConfig(sqlkit.TLSOptions{Mode: sqlkit.Require, ServerName: "x"})
	if err != nil {
		t.Fatal(err)
	}
	f := sqlkit.Attempt{Host: address, TLS: cfg}.Fault(handshake(t, address, cfg))
	want(t, f, connector.AccessChanged, "tls.not_offered", connector.StepTrust)
}

func TestTLSForm(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	pair, stranger := ca.client(time.Now().Add(time.Hour)), ca.client(time.Now().Add(time.Hour))
	key := func(b []byte) connector.Secret { return connector.NewSecret(string(b)) }
	for _, c := range []struct {
		name string
		o    sqlkit.TLSOptions
		code string
	}{
		{"mode", sqlkit.TLSOptions{Mode: "maybe"}, "tls.mode_unknown"},
		{"CA", sqlkit.TLSOptions{Mode: sqlkit.VerifyFull, CA: "canary"}, "tls.ca_unreadable"},
		{"key without certificate", sqlkit.TLSOptions{Mode: sqlkit.Require, Key: key(pair.KeyPEM)}, "tls.client_incomplete"},
		{"certificate without key", sqlkit.TLSOptions{Mode: sqlkit.Require, Cert: string(pair.CertPEM)}, "tls.client_incomplete"},
		{"another's key", sqlkit.TLSOptions{Mode: sqlkit.Require, Cert: string(pair.CertPEM), Key: key(stranger.KeyPEM)}, "tls.client_unreadable"},
		{"nonsense", sqlkit.TLSOptions{Mode: sqlkit.Require, Cert: "canary", Key: connector.NewSecret("canary")}, "tls.client_unreadable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := sqlkit.TLSConfig(c.o)
			want(t, err, connector.Invalid, c.code, connector.StepForm)
		})
	}
	if cfg, err := sqlkit.TLSConfig(sqlkit.TLSOptions{Mode: sqlkit.Off}); cfg != nil || err != nil {
		t.Errorf("off gives %v, %v", cfg, err)
	}
}

func TestAFaultInTheChainIsKept(t *testing.T) {
	t.Parallel()
	inner := &connector.Fault{Cause: connector.AccessChanged, Code: "ssh.login_refused", Err: x509.ErrUnsupportedAlgorithm}
	if f := (sqlkit.Attempt{}).Fault(fmt.Errorf("driver: %w", inner)); f != inner {
		t.Errorf("got %v", f)
	}
}
