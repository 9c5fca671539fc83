package ssh

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/regrant/regrant/internal/testservers/proc"
)

// Option changes the Config of a test's sshd.
type Option func(*Config)

// WithAuthorizedKeys sets the lines of authorized_keys.
func WithAuthorizedKeys(lines ...string) Option {
	return func(c *Config) { c.AuthorizedKeys = lines }
}

// WithDirective adds a line to sshd_config, before ours.
func WithDirective(line string) Option {
	return func(c *Config) { c.Directives = append(c.Directives, line) }
}

// Start launches an sshd that ends with the test. Without sshd the test is
// skipped, or fails where servers are required.
func Start(t testing.TB, opts ...Option) *Server {
	t.Helper()
	var cfg Config
	for _, o := range opts {
		o(&cfg)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	s, err := Launch(ctx, cfg)
	if errors.Is(err, ErrMissing) && !proc.Required() {
		t.Skipf("needs an SSH server: %v", err)
	}
	if err != nil {
		t.Fatalf("start sshd: %v", err)
	}
	t.Cleanup(func() { cleanup(t, s) })
	return s
}

func cleanup(t testing.TB, s *Server) {
	if t.Failed() {
		t.Logf("sshd's log: %s", proc.Tail(s.Log()))
	}
	if err := s.Close(); err != nil {
		t.Errorf("close sshd: %v", err)
	}
}
