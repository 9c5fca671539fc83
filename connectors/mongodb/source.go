package mongodb

import (
	"context"
	"crypto/tls"
	"iter"
	"sync"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
)

// source is one integration's live access. It holds at most one session at a
// time beside those that readings use and the one that Check opens and closes.
type source struct {
	env      connector.Env
	route    *sqlkit.Route
	tls      *tls.Config // nil: off
	tlsMode  string
	rowsEach int // rows of a record, recordRows outside of tests

	mu      sync.Mutex
	held    *session // idle; nil while somebody uses it
	closed  bool
	learned map[string]map[string]kind // per collection: what was seen at a path while reading
}

func (s *source) deployment() string { return or(s.env.Settings["deployment"], oneServer) }
func (s *source) database() string   { return s.env.Settings["database"] }

// Close ends the session and the tunnel. It may be called twice.
func (s *source) Close() error {
	s.mu.Lock()
	c := s.held
	s.held, s.closed = nil, true
	s.mu.Unlock()
	c.close()
	return s.route.Close()
}

// Read yields what is asked for. See read.go.
func (s *source) Read(ctx context.Context, req connector.Request) iter.Seq2[connector.Batch, error] {
	return s.read(ctx, req)
}

// take lends the held session to a call, or opens one. While a consumer works
// on a batch it may ask the source other things, on a session of their own.
func (s *source) take(ctx context.Context) (*session, error) {
	s.mu.Lock()
	c := s.held
	s.held = nil
	s.mu.Unlock()
	if c.usable(time.Now()) && c.answers(ctx) {
		return c, nil
	}
	c.close()
	return s.connect(ctx)
}

// put takes a session back; one too many is closed.
func (s *source) put(c *session) {
	if c == nil {
		return
	}
	s.mu.Lock()
	keep := s.held == nil && !s.closed && c.usable(time.Now())
	if keep {
		s.held = c
	}
	s.mu.Unlock()
	if !keep {
		c.close()
	}
}

// mostLearned bounds what is remembered of one collection.
const mostLearned = 2000

// learn remembers a value that its column could not hold, so that the next
// list of tables has a column that can.
func (s *source) learn(collection, path string, k kind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.learned[collection]
	if seen == nil {
		seen = map[string]kind{}
		s.learned[collection] = seen
	}
	if old, ok := seen[path]; ok || len(seen) < mostLearned {
		seen[path] = merge(old, k)
	}
}

// recall is what was learned of a collection, as a copy.
func (s *source) recall(collection string) map[string]kind {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]kind{}
	for path, k := range s.learned[collection] {
		out[path] = k
	}
	return out
}
