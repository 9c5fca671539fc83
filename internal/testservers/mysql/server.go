package mysql

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/regrant/regrant/internal/testservers/proc"
)

// Config tells how a server is to be set up. The zero value is a MariaDB
// without TLS.
type Config struct {
	Flavour  Flavour           // empty: MariaDB
	TLS      bool              // serve TLS, with a CA of its own
	TLSNames []string          // names in the certificate besides localhost and 127.0.0.1
	Settings map[string]string // options of the server: "max-connections": "10"
	Zone     string            // time zone of the machine as the server sees it; empty: UTC
}

// Server is one running or stopped server with a data directory of its own.
type Server struct {
	cfg  Config
	bin  binaries
	user *proc.Account // nil: as the user of this program
	dir  string        // holds data/, the socket and the log
	port int
	tls  *material

	mu   sync.Mutex
	proc *proc.Process
}

// Launch sets up a server and starts it. The caller ends it with Close.
func Launch(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.Flavour == "" {
		cfg.Flavour = MariaDB
	}
	bin, err := find(cfg.Flavour)
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, bin: bin}
	if !bin.asRoot {
		if s.user, err = proc.Unprivileged("mysql"); err != nil {
			return nil, err
		}
	}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.firstStart(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// prepare makes the server's directory: a copy of the template and TLS files.
func (s *Server) prepare(ctx context.Context) error {
	from, err := s.template(ctx)
	if err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp("", "regrant-my-"); err != nil {
		return fmt.Errorf("make the server's directory: %w", err)
	}
	if err := copyTree(ctx, from, s.data()); err != nil {
		return err
	}
	if err := os.Mkdir(s.tmp(), 0o755); err != nil {
		return fmt.Errorf("make the server's directory: %w", err)
	}
	// Two servers must not have the same name: MySQL makes another one.
	if err := os.Remove(filepath.Join(s.data(), "auto.cnf")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("make the server's directory: %w", err)
	}
	if s.cfg.TLS {
		if err := s.makeTLS(); err != nil {
			return err
		}
	}
	return s.own(s.dir)
}

// firstStart tries other ports when somebody takes the free one in between.
func (s *Server) firstStart(ctx context.Context) error {
	var err error
	for range 4 {
		if s.port, err = proc.FreePort(); err != nil {
			return err
		}
		if err = s.Start(ctx); err == nil {
			return nil
		}
	}
	return err
}

func (s *Server) own(path string) error {
	if s.user == nil {
		return nil
	}
	return s.user.Own(path)
}

// apply makes a command run as the server's account. MySQL is extracted into
// the home of the user, where another account could not read it.
func (s *Server) apply(cmd *exec.Cmd) {
	if s.user != nil {
		s.user.Apply(cmd)
		return
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

func (s *Server) data() string   { return filepath.Join(s.dir, "data") }
func (s *Server) socket() string { return filepath.Join(s.dir, "s") }
func (s *Server) tmp() string    { return filepath.Join(s.dir, "tmp") }

// options are the server's; those of the test come last and win.
func (s *Server) options() []string {
	conf := map[string]string{
		"datadir": s.data(), "port": strconv.Itoa(s.port), "bind-address": "127.0.0.1", "socket": s.socket(), "pid-file": filepath.Join(s.dir, "pid"),
		// A starting server removes what others left in the directory for temporary
		// tables; MariaDB does not survive that.
		"tmpdir": s.tmp(), "innodb-buffer-pool-size": "64M", "innodb-flush-log-at-trx-commit": "2", "innodb-use-native-aio": "0", "performance-schema": "OFF",
		"innodb-doublewrite": "0", "skip-name-resolve": "1", "max-connections": "60", "table-open-cache": "400",
	}
	if s.bin.flavour == MySQL {
		maps.Copy(conf, map[string]string{"mysqlx": "OFF", "secure-file-priv": "NULL", "skip-log-bin": "", "tls-version": "", "innodb-redo-log-capacity": "64M"})
	}
	if s.bin.asRoot {
		conf["user"] = "root"
	}
	if s.tls != nil {
		maps.Copy(conf, map[string]string{"ssl-ca": s.tls.caFile, "ssl-cert": s.tls.certFile, "ssl-key": s.tls.keyFile})
		if s.bin.flavour == MySQL {
			conf["tls-version"] = "TLSv1.2,TLSv1.3"
		}
	}
	maps.Copy(conf, s.cfg.Settings)
	options := append([]string{"--no-defaults"}, s.bin.base...)
	for _, name := range slices.Sorted(maps.Keys(conf)) {
		if value := conf[name]; value != "" || name == "tls-version" {
			options = append(options, "--"+name+"="+value)
		} else {
			options = append(options, "--"+name)
		}
	}
	return options
}

func (s *Server) spawn() (*proc.Process, error) {
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the server's log: %w", err)
	}
	defer log.Close()
	command := append(s.bin.server[:len(s.bin.server):len(s.bin.server)], s.options()...)
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, s.dir
	cmd.Env = append(append(os.Environ(), s.bin.env...), "TZ="+s.zone())
	s.apply(cmd)
	return proc.Start(cmd, syscall.SIGKILL)
}

func (s *Server) zone() string {
	if s.cfg.Zone == "" {
		return "UTC"
	}
	return s.cfg.Zone
}

// Port is the TCP port on 127.0.0.1; it stays the same over restarts.
func (s *Server) Port() int { return s.port }

// Address is Port with its host: "127.0.0.1:54321".
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Flavour is whose server it is.
func (s *Server) Flavour() Flavour { return s.bin.flavour }

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
	ctx, cancel := context.WithTimeoutCause(ctx, 60*time.Second, errors.New("the server did not become ready within 60 s"))
	defer cancel()
	for {
		err := s.ExecIn(ctx, "", "DO 1")
		if err == nil {
			return nil
		}
		select {
		case <-p.Done():
			return fmt.Errorf("%s ended at once: %s", s.bin.flavour, proc.Tail(s.Log()))
		case <-ctx.Done():
			return fmt.Errorf("%w: %w: %s", context.Cause(ctx), err, proc.Tail(s.Log()))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Stop ends the server as an administrator does: sessions are told so (1053).
func (s *Server) Stop(ctx context.Context) error { return s.end(ctx, syscall.SIGTERM) }

// Crash ends the server at once. The next Start recovers what was committed.
func (s *Server) Crash(ctx context.Context) error { return s.end(ctx, syscall.SIGKILL) }

func (s *Server) end(ctx context.Context, sig syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil || s.proc.Ended() {
		return nil
	}
	if err := s.proc.Signal(sig); err != nil {
		return fmt.Errorf("stop %s: %w", s.bin.flavour, err)
	}
	select {
	case <-s.proc.Done():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop %s: %w", s.bin.flavour, context.Cause(ctx))
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
	if err := s.end(ctx, syscall.SIGKILL); err != nil {
		s.proc.Kill()
	}
	if s.dir == "" {
		return nil
	}
	return os.RemoveAll(s.dir)
}
