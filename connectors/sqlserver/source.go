package sqlserver

import (
	"context"
	"crypto/tls"
	"database/sql/driver"
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
	settings map[string]string // with defaults filled in
	secrets  map[string]connector.Secret
	host     string
	port     uint64
	tls      *tls.Config // nil: off
	route    *sqlkit.Route
	rowsEach int // rows of a record, recordRows outside of tests

	mu     sync.Mutex
	held   *session // idle; nil while somebody uses it
	closed bool
	pages  map[string]*sqlkit.PageSize
}

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

// take lends the held session, or opens one. While a consumer works on a batch
// it may ask the source other things, on a session of their own.
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

// rows asks one statement on the held session.
func (s *source) rows(ctx context.Context, sql, table string, args ...any) ([][]driver.Value, error) {
	c, err := s.take(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { s.put(c) }()
	rows, err := c.rows(ctx, sql, args...)
	return rows, s.classify(ctx, err, connector.StepRead, table)
}

// pageSize is what was learned of a table's rows, for as long as the source lives.
func (s *source) pageSize(table string) *sqlkit.PageSize {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pages[table] == nil {
		s.pages[table] = &sqlkit.PageSize{}
	}
	return s.pages[table]
}
