package mongo

import (
	"context"
	"errors"
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
		t.Skipf("needs a MongoDB server: %v", err)
	}
	if err != nil {
		t.Fatalf("start MongoDB: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the logs of MongoDB: %s", s.Log())
		}
		if err := s.Close(); err != nil {
			t.Errorf("close MongoDB: %v", err)
		}
	})
	return s
}
