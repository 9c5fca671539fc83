package sqlkit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/crypto/ssh"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
	"github.com/regrant/regrant/internal/testservers/postgres"
	sshserver "github.com/regrant/regrant/internal/testservers/ssh"
)

// world is a real database behind a real SSH server.
type world struct {
	key    key
	sshd   *sshserver.Server
	pg     *postgres.Server
	config sqlkit.TunnelConfig
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{key: newKey(t), pg: postgres.Start(t)}
	w.sshd = sshserver.Start(t, sshserver.WithAuthorizedKeys(sqlkit.AuthorizedKeysLine(w.key.public, w.pg.Address())))
	w.config = config(w.sshd.Address(), w.key)
	w.config.User, w.config.Database = w.sshd.User(), w.pg.Address()
	return w
}

func (w *world) connect(t *testing.T, tunnel *sqlkit.Tunnel) (*pgx.Conn, error) {
	t.Helper()
	cfg, err := pgx.ParseConfig(w.pg.DSN(postgres.Superuser, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	cfg.DialFunc = tunnel.DialContext
	cfg.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	conn, err := pgx.ConnectConfig(within(t, 10*time.Second), cfg)
	if err == nil {
		t.Cleanup(func() { _ = conn.Close(within(t, 5*time.Second)) })
	}
	return conn, err
}

func (w *world) mustConnect(t *testing.T, tunnel *sqlkit.Tunnel) *pgx.Conn {
	t.Helper()
	conn, err := w.connect(t, tunnel)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestPostgreSQLThroughSSH(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tunnel := open(t, w.config)
	t.Run("rows", func(t *testing.T) {
		conn := w.mustConnect(t, tunnel)
		var n counter
		tag, err := conn.PgConn().CopyTo(within(t, 30*time.Second), &n, "COPY (SELECT i, repeat('x', 100) FROM generate_series(1, 200000) i) TO STDOUT")
		if err != nil || tag.RowsAffected() != 200_000 || n < 20_000_000 {
			t.Fatalf("%d rows, %d bytes, %v", tag.RowsAffected(), n, err)
		}
	})
	t.Run("a deadline ends a query", func(t *testing.T) {
		conn := w.mustConnect(t, tunnel)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		began := time.Now()
		_, err := conn.Exec(ctx, "SELECT pg_sleep(20)")
		t.Logf("a limit of 200 ms took %v", time.Since(began))
		if !pgconn.Timeout(err) || time.Since(began) > soon {
			t.Fatalf("%v after %v", err, time.Since(began))
		}
	})
	t.Run("cancel ends a query", func(t *testing.T) {
		conn := w.mustConnect(t, tunnel)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		began := time.Now()
		_, err := conn.Exec(ctx, "SELECT pg_sleep(20)")
		t.Logf("took %v", time.Since(began))
		if !errors.Is(err, context.Canceled) || time.Since(began) > soon {
			t.Fatalf("%v after %v", err, time.Since(began))
		}
	})
	t.Run("the cancel request goes through the tunnel", func(t *testing.T) {
		conn := w.mustConnect(t, tunnel)
		failed := make(chan error, 1)
		go func() {
			_, err := conn.Exec(context.Background(), "SELECT pg_sleep(20)")
			failed <- err
		}()
		w.awaitSleeper(t)
		if err := conn.PgConn().CancelRequest(within(t, 5*time.Second)); err != nil {
			t.Fatal(err)
		}
		var pg *pgconn.PgError
		if err := <-failed; !errors.As(err, &pg) || pg.Code != "57014" {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("cut in the middle of reading", func(t *testing.T) {
		conn := w.mustConnect(t, tunnel)
		cut := &cutter{after: 1 << 20, cut: w.sshd.CutSessions}
		_, err := conn.PgConn().CopyTo(within(t, 30*time.Second), cut, "COPY (SELECT i, repeat('x', 100) FROM generate_series(1, 5000000) i) TO STDOUT")
		if err == nil {
			t.Fatal("a cut tunnel delivered everything")
		}
		f := sqlkit.Attempt{Host: w.pg.Address()}.Fault(err)
		if f == nil || f.Cause != connector.Outage {
			t.Fatalf("fault is %+v of %v", f, err)
		}
	})
}

// awaitSleeper waits until the server runs the sleeping query.
func (w *world) awaitSleeper(t *testing.T) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), w.pg.DSN(postgres.Superuser, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		var n int
		err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'").Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			return
		}
	}
	t.Fatal("the query does not run")
}

type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// cutter cuts once so many bytes have come.
type cutter struct {
	got, after int
	cut        func()
}

func (c *cutter) Write(p []byte) (int, error) {
	if c.got += len(p); c.got > c.after && c.cut != nil {
		c.cut()
		c.cut = nil
	}
	return len(p), nil
}

func TestRealHostKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	trust := open(t, w.config).Trust()[sqlkit.TrustKey]
	prints := sqlkit.Fingerprints(trust)
	for kind, print := range w.sshd.Fingerprints() {
		if !strings.Contains(strings.Join(prints, "\n"), kind+" "+print) {
			t.Errorf("%s is not enrolled: %v", kind, prints)
		}
	}
	if len(prints) != 3 {
		t.Fatalf("enrolled %v", prints)
	}
	w.config.HostKeys = trust
	if err := w.sshd.KeepHostKeys(t.Context(), ssh.KeyAlgoRSA); err != nil {
		t.Fatal(err)
	}
	open(t, w.config) // fewer keys are no changed key
	before := w.sshd.Fingerprints()[ssh.KeyAlgoRSA]
	if err := w.sshd.SwapHostKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	f := want(t, tryOpen(t, w.config), connector.AccessChanged, "postgresql.ssh_host_key_changed", connector.StepTrust)
	if f.Facts["new_fingerprint"] != w.sshd.Fingerprints()[ssh.KeyAlgoED25519] || f.Facts["old_fingerprint"] == before {
		t.Errorf("facts are %v", f.Facts)
	}
	w.config.AcceptHostKey = f.Facts["new_fingerprint"]
	if n := len(sqlkit.Fingerprints(open(t, w.config).Trust()[sqlkit.TrustKey])); n != 3 {
		t.Errorf("%d keys after acceptance", n)
	}
}

// TestOnlyOtherTypesLeft: a rebuilt server may have no key of an enrolled type.
func TestOnlyOtherTypesLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.sshd.KeepHostKeys(t.Context(), ssh.KeyAlgoED25519); err != nil {
		t.Fatal(err)
	}
	w.config.HostKeys = open(t, w.config).Trust()[sqlkit.TrustKey]
	if err := w.sshd.SwapHostKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.sshd.KeepHostKeys(t.Context(), ssh.KeyAlgoRSA); err != nil {
		t.Fatal(err)
	}
	f := want(t, tryOpen(t, w.config), connector.AccessChanged, "postgresql.ssh_host_key_changed", connector.StepTrust)
	if f.Facts["new_fingerprint"] != w.sshd.Fingerprints()[ssh.KeyAlgoRSA] || f.Facts["key_type"] != ssh.KeyAlgoRSA {
		t.Errorf("facts are %v", f.Facts)
	}
}

func TestRealLogins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	line := sqlkit.AuthorizedKeysLine(w.key.public, w.pg.Address())
	w.config.HostKeys = open(t, w.config).Trust()[sqlkit.TrustKey]
	set := func(lines ...string) {
		t.Helper()
		if err := w.sshd.SetAuthorizedKeys(lines...); err != nil {
			t.Fatal(err)
		}
	}
	set()
	want(t, tryOpen(t, w.config), connector.AccessChanged, "ssh.login_refused", connector.StepSignIn)
	set(`expiry-time="20200101",` + line)
	want(t, tryOpen(t, w.config), connector.AccessChanged, "ssh.login_refused", connector.StepSignIn)
	set(line)
	stranger := w.config
	stranger.User = "nobody-of-that-name"
	want(t, tryOpen(t, stranger), connector.AccessChanged, "ssh.login_refused", connector.StepSignIn)
	byPassword := w.config
	byPassword.PrivateKey, byPassword.Password = connector.Secret{}, connector.NewSecret("canary-1")
	want(t, tryOpen(t, byPassword), connector.AccessChanged, "ssh.method_not_offered", connector.StepSignIn)
	if err := tryOpen(t, w.config); err != nil {
		t.Fatalf("the repaired line: %v", err)
	}
}

func TestRealForwarding(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dead := deadPort(t)
	set := func(target string) {
		t.Helper()
		if err := w.sshd.SetAuthorizedKeys(sqlkit.AuthorizedKeysLine(w.key.public, target)); err != nil {
			t.Fatal(err)
		}
	}
	set("127.0.0.1:1")
	_, err := open(t, w.config).DialContext(within(t, 5*time.Second), "tcp", w.pg.Address())
	f := want(t, err, connector.AccessChanged, "ssh.forwarding_refused", connector.StepSignIn)
	if !strings.Contains(f.Public, sqlkit.AuthorizedKeysLine(w.key.public, w.pg.Address())) {
		t.Errorf("no line to paste in %q", f.Public)
	}
	set(dead)
	_, err = open(t, w.config).DialContext(within(t, 5*time.Second), "tcp", dead)
	want(t, err, connector.Outage, "ssh.target_unreachable", connector.StepReach)
	if err := w.sshd.SetDirectives(t.Context(), "AllowTcpForwarding no"); err != nil {
		t.Fatal(err)
	}
	_, err = open(t, w.config).DialContext(within(t, 5*time.Second), "tcp", dead)
	want(t, err, connector.AccessChanged, "ssh.forwarding_refused", connector.StepSignIn)
	if err := w.sshd.SetDirectives(t.Context(), "KexAlgorithms diffie-hellman-group18-sha512"); err != nil {
		t.Fatal(err)
	}
	want(t, tryOpen(t, w.config), connector.Invalid, "ssh.no_common_algorithm", connector.StepReach)
}

func TestNotAnSSHServerButPostgreSQL(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.config.Address = w.pg.Address()
	want(t, tryOpen(t, w.config), connector.Invalid, "ssh.not_ssh", connector.StepReach)
}

// route is the world as a connector sees it.
func (w *world) route(t *testing.T, edit func(env *connector.Env)) *sqlkit.Route {
	t.Helper()
	env := connector.Env{
		Settings: map[string]string{
			"connection": sqlkit.ViaSSH, "host": "127.0.0.1", "port": fmt.Sprint(w.pg.Port()),
			"ssh_host": "127.0.0.1", "ssh_port": fmt.Sprint(w.sshd.Port()), "ssh_user": w.sshd.User(),
		},
		Secrets: map[string]connector.Secret{"ssh_private_key": w.key.private},
		Dial:    plainDial,
	}
	if edit != nil {
		edit(&env)
	}
	r, err := sqlkit.NewRoute("postgresql", env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func TestRouteReopensItsTunnel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.route(t, nil)
	if r.Trust() != nil {
		t.Error("trusts somebody before any contact")
	}
	first, err := r.DialContext(within(t, 10*time.Second), "tcp", r.Address())
	if err != nil {
		t.Fatal(err)
	}
	trust := r.Trust()[sqlkit.TrustKey]
	if err := w.sshd.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(first); connector.FaultOf(err).Code != "ssh.tunnel_lost" {
		t.Fatalf("the first connection ended with %v", err)
	}
	second, err := r.DialContext(within(t, 10*time.Second), "tcp", r.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if r.Trust()[sqlkit.TrustKey] != trust {
		t.Error("the trusted keys changed")
	}
	if err := w.sshd.SwapHostKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, _ = io.ReadAll(second)
	_, err = r.DialContext(within(t, 10*time.Second), "tcp", r.Address())
	want(t, err, connector.AccessChanged, "postgresql.ssh_host_key_changed", connector.StepTrust)
	if r.Close() != nil || r.Close() != nil {
		t.Error("closing twice fails")
	}
	if _, err := r.DialContext(t.Context(), "tcp", r.Address()); err == nil {
		t.Error("a closed route dials")
	}
}

func TestRealRestrictions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.config.HostKeys = open(t, w.config).Trust()[sqlkit.TrustKey]
	set := func(lines ...string) {
		t.Helper()
		if err := w.sshd.SetDirectives(t.Context(), lines...); err != nil {
			t.Fatal(err)
		}
	}
	set("PubkeyAuthentication no", "PasswordAuthentication yes")
	want(t, tryOpen(t, w.config), connector.AccessChanged, "ssh.method_not_offered", connector.StepSignIn)
	set("DenyUsers " + w.sshd.User())
	want(t, tryOpen(t, w.config), connector.AccessChanged, "ssh.login_refused", connector.StepSignIn)

	set("MaxStartups 1:100:1")
	takeOnlyPlace(t, w.sshd.Address())
	f := want(t, tryOpen(t, w.config), connector.Throttled, "ssh.too_many_attempts", connector.StepReach)
	if f.Retry == 0 {
		t.Error("no time to wait is given")
	}
}

// takeOnlyPlace connects and never logs in. The place may still be taken by
// the look at the banner that Start has made.
func takeOnlyPlace(t *testing.T, address string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		banner := make([]byte, 4)
		if _, err := io.ReadFull(c, banner); err == nil && string(banner) == "SSH-" {
			return
		}
	}
	t.Fatal("no place to take")
}
