package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/regrant/regrant/internal/testservers/proc"
)

// Superuser is the role that owns everything; its password is in DSN.
const Superuser = "postgres"

// ErrMissing says that the machine has no PostgreSQL server binaries.
var ErrMissing = errors.New("no PostgreSQL server binaries found (Debian: apt-get install postgresql)")

// Config tells how a server is to be set up. The zero value is a plain server
// without TLS that asks everybody on 127.0.0.1 for a password.
type Config struct {
	TLS      bool              // serve TLS, with a CA of its own
	TLSNames []string          // names in the certificate besides localhost and 127.0.0.1
	HBA      []string          // lines of pg_hba.conf instead of DefaultHBA
	Settings map[string]string // lines of postgresql.conf: "max_connections": "10"
	BinDir   string            // of initdb and postgres; empty: the newest installed
}

// DefaultHBA lets every role in over TCP with its password, with TLS or without.
func DefaultHBA() []string {
	return []string{"host all all 127.0.0.1/32 scram-sha-256", "host all all ::1/128 scram-sha-256"}
}

// Server is one running or stopped server with a data directory of its own.
type Server struct {
	cfg      Config
	bin      string
	user     *proc.Account
	dir      string // holds data/, the socket and the log
	port     int
	password string
	tls      *material

	mu   sync.Mutex
	proc *proc.Process
}

// Launch sets up a server and starts it. The caller ends it with Close.
func Launch(ctx context.Context, cfg Config) (*Server, error) {
	bin, err := binDir(cfg.BinDir)
	if err != nil {
		return nil, err
	}
	user, err := proc.Unprivileged("postgres")
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, bin: bin, user: user, password: rand.Text()}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.firstStart(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// firstStart tries other ports when somebody takes the free one in between,
// and gives the superuser this server's own password.
func (s *Server) firstStart(ctx context.Context) error {
	var err error
	for range 4 {
		if s.port, err = proc.FreePort(); err != nil {
			return err
		}
		if err = s.writeConf(); err != nil {
			return err
		}
		if err = s.Start(ctx); err == nil {
			return s.replacePassword(ctx)
		}
	}
	return err
}

func (s *Server) replacePassword(ctx context.Context) error {
	fresh := s.password
	s.password = templatePassword
	err := s.ExecIn(ctx, "postgres", "ALTER ROLE postgres PASSWORD '"+fresh+"'")
	s.password = fresh
	return err
}

// Port is the TCP port on 127.0.0.1; it stays the same over restarts.
func (s *Server) Port() int { return s.port }

// Address is Port with its host: "127.0.0.1:54321".
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Password is the superuser's.
func (s *Server) Password() string { return s.password }

// Dir holds the data directory, the log and the socket.
func (s *Server) Dir() string { return s.dir }

// DSN is a connection URL. The password is known for the superuser only; for
// other roles see DSNWith.
func (s *Server) DSN(user, db string) string {
	if user == Superuser {
		return s.DSNWith(user, s.password, db)
	}
	return s.DSNWith(user, "", db)
}

// DSNWith is a connection URL with the password given. With TLS on it demands
// TLS without a look at the certificate.
func (s *Server) DSNWith(user, password, db string) string {
	mode := "disable"
	if s.cfg.TLS {
		mode = "require"
	}
	u := url.URL{Scheme: "postgres", Host: s.Address(), Path: "/" + db, RawQuery: "sslmode=" + mode}
	u.User = url.User(user)
	if password != "" {
		u.User = url.UserPassword(user, password)
	}
	return u.String()
}

// Log is what the server has written so far.
func (s *Server) Log() string {
	b, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// Start starts a stopped server on the same port and waits until it answers.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != nil && !s.proc.Ended() {
		return nil
	}
	p, err := s.spawn()
	if err != nil {
		return err
	}
	s.proc = p
	if err := s.awaitReady(ctx, p); err != nil {
		p.Kill()
		return err
	}
	return nil
}

// awaitReady polls, because the server has no signal that says "ready" to a
// parent that is not systemd.
func (s *Server) awaitReady(ctx context.Context, p *proc.Process) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 30*time.Second, errors.New("PostgreSQL did not become ready within 30 s"))
	defer cancel()
	for {
		err := s.ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.Done():
			return fmt.Errorf("PostgreSQL ended at once: %s", proc.Tail(s.Log()))
		case <-ctx.Done():
			return fmt.Errorf("%w: %w: %s", context.Cause(ctx), err, proc.Tail(s.Log()))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Stop ends the server in the "fast" way: sessions are told so (57P01).
func (s *Server) Stop(ctx context.Context) error { return s.end(ctx, signalFast) }

// Crash ends the server at once, without a shutdown checkpoint. The next Start recovers.
func (s *Server) Crash(ctx context.Context) error { return s.end(ctx, signalImmediate) }

func (s *Server) end(ctx context.Context, sig syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil || s.proc.Ended() {
		return nil
	}
	if err := s.proc.Signal(sig); err != nil {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	select {
	case <-s.proc.Done():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop PostgreSQL: %w", context.Cause(ctx))
	}
}

// Restart is Stop and Start.
func (s *Server) Restart(ctx context.Context) error {
	if err := s.Stop(ctx); err != nil {
		return err
	}
	return s.Start(ctx)
}

// Close ends the server and removes its files. It may be called twice.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.end(ctx, signalImmediate); err != nil {
		s.proc.Kill()
	}
	if s.dir == "" {
		return nil
	}
	return os.RemoveAll(s.dir)
}
