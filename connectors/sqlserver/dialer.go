package sqlserver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	mssql "github.com/microsoft/go-mssqldb"

	"github.com/regrant/regrant/connector/sqlkit"
)

// dialer makes the driver's connections. Because the driver reports what goes
// wrong before signing in as text only, and does not watch its context there,
// the dialer remembers the errors themselves and can cut.
type dialer struct {
	route *sqlkit.Route
	host  string

	mu     sync.Mutex
	wire   *wire
	failed error // of dialling
	trust  error // of the server's certificate
	off    bool
}

// HostName makes the driver leave names alone: they are resolved by the guarded
// dialer, at the far end of a tunnel even.
func (d *dialer) HostName() string { return d.host }

// DialContext connects; the address is another than ours where the server sent
// the driver on.
func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d.route.DialContext(ctx, network, address)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil && d.off {
		_ = conn.Close()
		conn, err = nil, net.ErrClosed
	}
	if err != nil {
		d.failed = err
		return nil, err
	}
	d.wire = &wire{Conn: conn}
	return d.wire, nil
}

// cut ends everything that the driver waits for.
func (d *dialer) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.off = true
	if d.wire != nil {
		d.wire.limit(time.Unix(1, 0))
	}
}

func (d *dialer) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.wire != nil {
		_ = d.wire.Close()
	}
}

// observe makes the check of the server's certificate remember its verdict.
func (d *dialer) observe(conf *tls.Config) *tls.Config {
	if conf == nil {
		return nil
	}
	conf = conf.Clone()
	check := conf.VerifyConnection
	if !conf.InsecureSkipVerify {
		check = verifyName(conf.RootCAs, conf.ServerName)
		conf.InsecureSkipVerify = true // replaced by the same check, whose error we get to see
	}
	conf.VerifyConnection = func(cs tls.ConnectionState) error {
		if check == nil {
			return nil
		}
		err := check(cs)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.trust = err
		return err
	}
	return conf
}

// verifyName does what the library does by itself.
func verifyName(roots *x509.CertPool, name string) func(tls.ConnectionState) error {
	return func(cs tls.ConnectionState) error {
		if len(cs.PeerCertificates) == 0 {
			return errors.New("the server sent no certificate")
		}
		opts := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool(), DNSName: name}
		if cs.ServerName != "" { // of the server that we were sent on to
			opts.DNSName = cs.ServerName
		}
		for _, c := range cs.PeerCertificates[1:] {
			opts.Intermediates.AddCert(c)
		}
		if _, err := cs.PeerCertificates[0].Verify(opts); err != nil {
			return &tls.CertificateVerificationError{UnverifiedCertificates: cs.PeerCertificates, Err: err}
		}
		return nil
	}
}

// The driver's own texts for what has no type. They are of version 1.11.2; a
// test compares them.
const (
	driverNoTLS     = "server does not support encryption"
	driverHandshake = "TLS Handshake"
)

// explain puts the error itself in place of the driver's text about it.
func (d *dialer) explain(err error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	text := err.Error()
	switch {
	case d.trust != nil:
		return fmt.Errorf("check the server's certificate: %w", d.trust)
	case d.failed != nil:
		return errors.Join(d.failed, contextOf(err))
	case strings.HasSuffix(text, driverNoTLS):
		return errNoTLS
	case strings.Contains(text, driverHandshake) && !d.wire.hungUp():
		return fmt.Errorf("%w: %w", errHandshake, err)
	}
	if broken := d.wire.failure(); broken != nil {
		return fmt.Errorf("%w: %w", err, broken)
	}
	var answer mssql.Error
	if errors.As(err, &answer) || contextOf(err) != nil {
		return err
	}
	return fmt.Errorf("%w: %w", errProtocol, err)
}

// contextOf keeps what says that the caller gave up.
func contextOf(err error) error {
	for _, end := range []error{context.Canceled, context.DeadlineExceeded, errConnectTimeout} {
		if errors.Is(err, end) {
			return end
		}
	}
	return nil
}

// wire is the TCP connection under a session. It remembers how it ended.
type wire struct {
	net.Conn

	mu     sync.Mutex
	failed error
	limits time.Time // once set, nobody moves it
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.note(err)
	return n, err
}

func (w *wire) Write(p []byte) (int, error) {
	n, err := w.Conn.Write(p)
	w.note(err)
	return n, err
}

func (w *wire) note(err error) {
	if err == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed == nil {
		w.failed = err
	}
}

func (w *wire) failure() error {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed
}

func (w *wire) hungUp() bool { return w.failure() != nil }

// limit sets a last deadline, over which the driver's own have no say.
func (w *wire) limit(at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.limits.IsZero() || at.Before(w.limits) {
		w.limits = at
		_ = w.Conn.SetDeadline(at)
	}
}

// SetDeadline is the driver's, where no last one is set.
func (w *wire) SetDeadline(at time.Time) error { return w.set(w.Conn.SetDeadline, at) }

// SetReadDeadline is the driver's, where no last one is set.
func (w *wire) SetReadDeadline(at time.Time) error { return w.set(w.Conn.SetReadDeadline, at) }

// SetWriteDeadline is the driver's, where no last one is set.
func (w *wire) SetWriteDeadline(at time.Time) error { return w.set(w.Conn.SetWriteDeadline, at) }

func (w *wire) set(deadline func(time.Time) error, at time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.limits.IsZero() {
		return nil
	}
	return deadline(at)
}
