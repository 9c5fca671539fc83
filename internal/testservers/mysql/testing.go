package mysql

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/regrant/regrant/internal/testservers/proc"
)

// Start launches a server that ends with the test. Where the machine does not
// have it, the test is skipped, or fails where servers are required.
func Start(t testing.TB, cfg Config) *Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 120*time.Second)
	defer cancel()
	s, err := Launch(ctx, cfg)
	if errors.Is(err, ErrMissing) && !proc.Required() {
		t.Skipf("needs a %s server: %v", cfg.Flavour, err)
	}
	if err != nil {
		t.Fatalf("start %s: %v", cfg.Flavour, err)
	}
	t.Cleanup(func() { cleanup(t, s) })
	return s
}

func cleanup(t testing.TB, s *Server) {
	if t.Failed() {
		log := s.Log()
		if _, report, crashed := strings.Cut(log, " got signal "); crashed {
			t.Logf("%s crashed: %.6000s", s.Flavour(), report)
		}
		t.Logf("the log of %s: %s", s.Flavour(), proc.Tail(log))
	}
	if err := s.Close(); err != nil {
		t.Errorf("close %s: %v", s.Flavour(), err)
	}
}

// Each runs a test against a server of each flavour.
func Each(t *testing.T, cfg Config, test func(*testing.T, *Server)) {
	t.Helper()
	for _, f := range []Flavour{MariaDB, MySQL} {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			mine := cfg
			mine.Flavour = f
			test(t, Start(t, mine))
		})
	}
}

// Exec runs statements as root.
func (s *Server) Exec(t testing.TB, sql ...string) {
	t.Helper()
	s.ExecDB(t, "", sql...)
}

// ExecDB runs statements as root in the database named.
func (s *Server) ExecDB(t testing.TB, database string, sql ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	if err := s.ExecIn(ctx, database, sql...); err != nil {
		t.Fatal(err)
	}
}
