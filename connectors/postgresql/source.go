package postgresql

import (
	"context"
	"iter"
	"time"

	"github.com/regrant/regrant/connector"
)

// source is one integration's live access. It holds at most one session at a
// time beside the one that Check opens and closes.
type source struct {
	env      connector.Env
	settings map[string]string // with defaults filled in
	secrets  map[string]connector.Secret
	held     *session
	page     pageSizes
}

// session gives the held session, or a new one when it is worn out.
func (s *source) session(ctx context.Context) (*session, error) {
	if s.held.usable(time.Now()) {
		return s.held, nil
	}
	s.drop()
	held, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	s.held = held
	return held, nil
}

func (s *source) drop() {
	s.held.close()
	s.held = nil
}

// Close ends the session. It may be called twice.
func (s *source) Close() error {
	s.drop()
	return nil
}

// rows asks one statement on the held session.
func (s *source) rows(ctx context.Context, sql string, step connector.Step, table string) ([][][]byte, error) {
	c, err := s.session(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := c.rows(ctx, sql)
	if err != nil {
		return nil, classify(ctx, err, step, table)
	}
	return rows, nil
}

// Read yields what is asked for. See read.go.
func (s *source) Read(ctx context.Context, req connector.Request) iter.Seq2[connector.Batch, error] {
	return s.read(ctx, req)
}
