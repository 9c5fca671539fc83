package mongo

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/regrant/regrant/internal/testservers/pki"
	"github.com/regrant/regrant/internal/testservers/proc"
)

// Admin is the user that owns everything; see Password.
const Admin = "admin"

// Config tells how a server is to be set up. The zero value is one without TLS.
type Config struct {
	TLS      bool     // serve TLS only, with a CA of its own
	TLSNames []string // names in the certificate besides localhost and 127.0.0.1
}

// Server is one running or stopped server with data of its own.
type Server struct {
	cfg      Config
	bin      binaries
	dir      string
	port     int
	pgPort   int
	password string
	ca       *pki.CA

	mu       sync.Mutex
	postgres *proc.Process
	ferret   *proc.Process
	client   *mongo.Client
}

// Launch sets up a server and starts it. The caller ends it with Close.
func Launch(ctx context.Context, cfg Config) (*Server, error) {
	bin, err := find()
	if err != nil {
		return nil, err
	}
	// The server wants a password of mixed characters.
	s := &Server{cfg: cfg, bin: bin, password: "Aa1!" + rand.Text()}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) prepare(ctx context.Context) error {
	from, err := s.template(ctx)
	if err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp("", "regrant-mo-"); err != nil {
		return fmt.Errorf("make the server's directory: %w", err)
	}
	if out, err := exec.CommandContext(ctx, "cp", "-Rp", from, s.data()).CombinedOutput(); err != nil {
		return fmt.Errorf("copy the cluster template: %w: %s", err, out)
	}
	if err := s.makeTLS(); err != nil {
		return err
	}
	if s.pgPort, err = proc.FreePort(); err != nil {
		return err
	}
	if err := s.startPostgres(ctx); err != nil {
		return err
	}
	if err := s.CreateUser(ctx, Admin, s.password, "clusterAdmin:admin", "readWriteAnyDatabase:admin"); err != nil {
		return err
	}
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

func (s *Server) makeTLS() error {
	if !s.cfg.TLS {
		return nil
	}
	var err error
	if s.ca, err = pki.NewCA("test CA of MongoDB"); err != nil {
		return err
	}
	pair, err := s.ca.Server(append([]string{"localhost", "127.0.0.1"}, s.cfg.TLSNames...)...)
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(s.path("crt"), pair.CertPEM, 0o600), os.WriteFile(s.path("key"), pair.KeyPEM, 0o600))
}

func (s *Server) path(name string) string { return filepath.Join(s.dir, name) }
func (s *Server) data() string            { return s.path("data") }

// Port is the TCP port on 127.0.0.1; it stays the same over restarts.
func (s *Server) Port() int { return s.port }

// Address is Port with its host: "127.0.0.1:54321".
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Password is the admin's.
func (s *Server) Password() string { return s.password }

// CAPEM is the certificate of the server's authority; empty without TLS.
func (s *Server) CAPEM() string {
	if s.ca == nil {
		return ""
	}
	return string(s.ca.PEM())
}

// Log is what the servers have written so far.
func (s *Server) Log() string {
	one, _ := os.ReadFile(s.path("postgres.log")) // a log that is not there is empty
	two, _ := os.ReadFile(s.path("ferret.log"))
	return proc.Tail(string(one)) + "\n" + proc.Tail(string(two))
}

func (s *Server) spawn(cmd *exec.Cmd, log string, sig syscall.Signal) (*proc.Process, error) {
	f, err := os.OpenFile(s.path(log), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the server's log: %w", err)
	}
	defer f.Close()
	cmd.Stdout, cmd.Stderr, cmd.Dir = f, f, s.dir
	return proc.Start(cmd, sig)
}

func (s *Server) startPostgres(ctx context.Context) error {
	args := []string{"-D", s.data()}
	for _, setting := range []string{
		"port=" + strconv.Itoa(s.pgPort), "listen_addresses=127.0.0.1", "unix_socket_directories=" + s.dir,
		"shared_preload_libraries=pg_cron,pg_documentdb_core,pg_documentdb", "cron.database_name=postgres", "cron.host=127.0.0.1",
		"fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=200", "timezone=UTC", "log_timezone=UTC",
	} {
		args = append(args, "-c", setting)
	}
	cmd := exec.Command(s.bin.program("postgres"), args...)
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+s.bin.libraries(), "TZ=UTC")
	disguise(cmd)
	p, err := s.spawn(cmd, "postgres.log", syscall.SIGQUIT)
	if err != nil {
		return err
	}
	s.postgres = p
	return s.await(ctx, p, func(ctx context.Context) error { return s.ask(ctx, "SELECT 1") })
}

// await polls, because neither server has a signal that says "ready".
func (s *Server) await(ctx context.Context, p *proc.Process, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 60*time.Second, errors.New("the server did not become ready within 60 s"))
	defer cancel()
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.Done():
			return fmt.Errorf("the server ended at once: %s", s.Log())
		case <-ctx.Done():
			return fmt.Errorf("%w: %w: %s", context.Cause(ctx), err, s.Log())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Start starts the front of a stopped server on the same port and waits until
// it answers. The store behind it stays as it was.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ferret != nil && !s.ferret.Ended() {
		return nil
	}
	listen := []string{"--listen-addr=" + s.Address()}
	if s.cfg.TLS {
		listen = []string{"--listen-addr=-", "--listen-tls=" + s.Address(), "--listen-tls-cert-file=" + s.path("crt"), "--listen-tls-key-file=" + s.path("key")}
	}
	cmd := exec.Command(s.bin.ferret, append(listen, "--debug-addr=-", "--telemetry=disable", "--state-dir="+s.dir,
		fmt.Sprintf("--postgresql-url=postgres://postgres:x@127.0.0.1:%d/postgres?sslmode=disable", s.pgPort))...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p, err := s.spawn(cmd, "ferret.log", syscall.SIGKILL)
	if err != nil {
		return err
	}
	s.ferret = p
	if s.client == nil {
		if s.client, err = s.connect(); err != nil {
			return err
		}
	}
	return s.await(ctx, p, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		return s.client.Database("admin").RunCommand(ctx, bson.D{{Key: "ping", Value: 1}}).Err()
	})
}

func (s *Server) connect() (*mongo.Client, error) {
	o := options.Client().SetHosts([]string{s.Address()}).SetDirect(true).SetServerSelectionTimeout(20 * time.Second).
		SetAuth(options.Credential{AuthSource: "admin", Username: Admin, Password: s.password})
	if s.cfg.TLS {
		o.SetTLSConfig(&tls.Config{RootCAs: s.ca.Pool(), ServerName: "localhost", MinVersion: tls.VersionTLS12})
	}
	return mongo.Connect(o)
}

// Client is signed in as the admin.
func (s *Server) Client() *mongo.Client { return s.client }

// Stop ends the front: connections are cut and new ones refused.
func (s *Server) Stop(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ferret != nil && !s.ferret.Ended() {
		s.ferret.Kill()
	}
	return nil
}

func (s *Server) stop(p **proc.Process) {
	if *p == nil || (*p).Ended() {
		return
	}
	_ = (*p).Signal(syscall.SIGINT) // to PostgreSQL: end the sessions
	select {
	case <-(*p).Done():
	case <-time.After(3 * time.Second):
		(*p).Kill()
	}
}

// Close ends the servers and removes their files. It may be called twice.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = s.client.Disconnect(ctx) // the server may be stopped
		s.client = nil
	}
	for _, p := range []*proc.Process{s.ferret, s.postgres} {
		if p != nil && !p.Ended() {
			_ = p.Signal(syscall.SIGQUIT)
			select {
			case <-p.Done():
			case <-time.After(2 * time.Second):
				p.Kill()
			}
		}
	}
	if s.dir == "" {
		return nil
	}
	return os.RemoveAll(s.dir)
}
