package postgres

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/regrant/regrant/internal/testservers/proc"
)

// Option changes the Config of a test's server.
type Option func(*Config)

// WithTLS serves TLS with a certificate for localhost, 127.0.0.1 and names.
func WithTLS(names ...string) Option {
	return func(c *Config) { c.TLS, c.TLSNames = true, names }
}

// WithHBA replaces DefaultHBA.
func WithHBA(lines ...string) Option { return func(c *Config) { c.HBA = lines } }

// WithSetting adds a line to postgresql.conf.
func WithSetting(name, value string) Option {
	return func(c *Config) {
		if c.Settings == nil {
			c.Settings = map[string]string{}
		}
		c.Settings[name] = value
	}
}

// Start launches a server that ends with the test. Without server binaries
// the test is skipped, or fails where they are required.
func Start(t testing.TB, opts ...Option) *Server {
	t.Helper()
	var cfg Config
	for _, o := range opts {
		o(&cfg)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	s, err := Launch(ctx, cfg)
	if errors.Is(err, ErrMissing) && !proc.Required() {
		t.Skipf("needs a PostgreSQL server: %v", err)
	}
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	t.Cleanup(func() { cleanup(t, s) })
	return s
}

func cleanup(t testing.TB, s *Server) {
	if t.Failed() {
		t.Logf("PostgreSQL's log: %s", proc.Tail(s.Log()))
	}
	if err := s.Close(); err != nil {
		t.Errorf("close PostgreSQL: %v", err)
	}
}

// Exec runs statements as superuser in the database "postgres".
func (s *Server) Exec(t testing.TB, sql ...string) {
	t.Helper()
	s.ExecDB(t, "postgres", sql...)
}

// ExecDB runs statements as superuser in the database named.
func (s *Server) ExecDB(t testing.TB, db string, sql ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	if err := s.ExecIn(ctx, db, sql...); err != nil {
		t.Fatal(err)
	}
}
