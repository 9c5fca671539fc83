package ssh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/regrant/regrant/internal/testservers/proc"
)

// ErrMissing says that the machine has no sshd.
var ErrMissing = errors.New("no sshd found (Debian: apt-get install openssh-server)")

// Config tells how sshd is to be set up.
type Config struct {
	AuthorizedKeys []string // lines, options included
	Directives     []string // lines of sshd_config; the first of a kind wins over ours
}

// Server is one running or stopped sshd.
type Server struct {
	cfg  Config
	bin  string
	dir  string
	user string
	port int
	keys []hostKey

	mu   sync.Mutex
	proc *proc.Process
}

// Launch sets sshd up with fresh host keys and starts it. The caller ends it
// with Close.
func Launch(ctx context.Context, cfg Config) (*Server, error) {
	bin, err := find()
	if err != nil {
		return nil, err
	}
	me, err := user.Current()
	if err != nil {
		return nil, fmt.Errorf("look up the current user: %w", err)
	}
	dir, err := os.MkdirTemp("", "regrant-sshd-")
	if err != nil {
		return nil, fmt.Errorf("make the directory of sshd: %w", err)
	}
	s := &Server{cfg: cfg, bin: bin, dir: dir, user: me.Username}
	if err := s.setUp(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) setUp(ctx context.Context) error {
	if err := separationDir(); err != nil {
		return err
	}
	if err := s.newHostKeys(); err != nil {
		return err
	}
	if err := s.SetAuthorizedKeys(s.cfg.AuthorizedKeys...); err != nil {
		return err
	}
	var err error
	for range 4 { // somebody may take the free port in between
		if s.port, err = proc.FreePort(); err != nil {
			return err
		}
		if err = s.Start(ctx); err == nil {
			return nil
		}
	}
	return err
}

// separationDir is compiled into sshd, which as root refuses to run without it.
func separationDir() error {
	if os.Geteuid() != 0 {
		return nil
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		return fmt.Errorf("make the privilege separation directory of sshd: %w", err)
	}
	return nil
}

func find() (string, error) {
	for _, path := range []string{"/usr/sbin/sshd", "/usr/local/sbin/sshd"} {
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", ErrMissing
}

// Address is where it listens: "127.0.0.1:40022".
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Port is the TCP port on 127.0.0.1; it stays the same over restarts.
func (s *Server) Port() int { return s.port }

// User is the only user who can log in: the one who runs the test.
func (s *Server) User() string { return s.user }

// Log is what sshd has written so far.
func (s *Server) Log() string {
	b, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// SetAuthorizedKeys replaces the lines of authorized_keys; sshd reads them at
// every login.
func (s *Server) SetAuthorizedKeys(lines ...string) error {
	var b bytes.Buffer
	for _, l := range lines {
		fmt.Fprintln(&b, l)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "authorized_keys"), b.Bytes(), 0o600); err != nil {
		return fmt.Errorf("write authorized_keys: %w", err)
	}
	return nil
}

// SetDirectives replaces the additional lines of sshd_config and restarts.
func (s *Server) SetDirectives(ctx context.Context, lines ...string) error {
	s.cfg.Directives = lines
	return s.Restart(ctx)
}

// SwapHostKey gives sshd new host keys and restarts it, as a rebuilt bastion has.
func (s *Server) SwapHostKey(ctx context.Context) error {
	if err := s.newHostKeys(); err != nil {
		return err
	}
	return s.Restart(ctx)
}

// KeepHostKeys leaves only the host keys of the types named and restarts.
func (s *Server) KeepHostKeys(ctx context.Context, types ...string) error {
	var kept []hostKey
	for _, k := range s.keys {
		for _, t := range types {
			if k.public.Type() == t {
				kept = append(kept, k)
			}
		}
	}
	if len(kept) == 0 {
		return fmt.Errorf("sshd has no host key of types %v", types)
	}
	s.keys = kept
	return s.Restart(ctx)
}

// Start starts a stopped sshd on the same port and waits for its banner.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != nil && !s.proc.Ended() {
		return nil
	}
	if err := s.writeConfig(); err != nil {
		return err
	}
	p, err := s.spawn()
	if err != nil {
		return err
	}
	s.proc = p
	if err := s.awaitBanner(ctx, p); err != nil {
		p.Kill()
		return err
	}
	return nil
}

func (s *Server) spawn() (*proc.Process, error) {
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log of sshd: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(s.bin, "-D", "-e", "-f", filepath.Join(s.dir, "sshd_config"))
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return proc.Start(cmd, syscall.SIGTERM)
}

func (s *Server) awaitBanner(ctx context.Context, p *proc.Process) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 15*time.Second, errors.New("sshd did not answer within 15 s"))
	defer cancel()
	for {
		if s.answers(ctx) {
			return nil
		}
		select {
		case <-p.Done():
			return fmt.Errorf("sshd ended at once: %s", proc.Tail(s.Log()))
		case <-ctx.Done():
			return fmt.Errorf("%w: %s", context.Cause(ctx), proc.Tail(s.Log()))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (s *Server) answers(ctx context.Context) bool {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", s.Address())
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
	banner := make([]byte, 4)
	_, err = conn.Read(banner)
	return err == nil && string(banner) == "SSH-"
}

// Stop ends sshd together with every session, so that open tunnels are cut.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil || s.proc.Ended() {
		return nil
	}
	sessions := proc.Descendants(s.proc.PID()) // sshd lets them live on
	if err := s.proc.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop sshd: %w", err)
	}
	select {
	case <-s.proc.Done():
	case <-ctx.Done():
		return fmt.Errorf("stop sshd: %w", context.Cause(ctx))
	}
	for _, pid := range sessions {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	return nil
}

// CutSessions ends every open session and leaves sshd running.
func (s *Server) CutSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil || s.proc.Ended() {
		return
	}
	for _, pid := range proc.Descendants(s.proc.PID()) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// Restart is Stop and Start.
func (s *Server) Restart(ctx context.Context) error {
	if err := s.Stop(ctx); err != nil {
		return err
	}
	return s.Start(ctx)
}

// Close ends sshd and removes its files. It may be called twice.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		s.proc.Kill()
	}
	return os.RemoveAll(s.dir)
}
