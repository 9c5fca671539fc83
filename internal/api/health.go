package api

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/regrant/regrant/internal/integration"
)

const (
	readyTime = 5 * time.Second
	readyKept = time.Second // anybody may ask; the parts are not asked more often
)

// ReadyCheck is something without which the product cannot work.
type ReadyCheck struct {
	Name  string
	Check func(ctx context.Context) error
}

// operations adds what machines that run the product ask.
func (s *server) operations() error {
	s.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, map[string]string{"status": "ok"}) })
	s.mux.HandleFunc("GET /readyz", s.ready)
	scrape, err := s.Metrics.handler(s.Heart)
	if err != nil {
		return err
	}
	s.mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		if s.PublicMetrics || !refused(w, personOf(r.Context()), integration.ReadOnly) {
			scrape.ServeHTTP(w, r)
		}
	})
	return nil
}

// readiness is the newest answer, for all who ask at the same time.
type readiness struct {
	mu     sync.Mutex
	at     time.Time
	states map[string]string
	all    bool
}

func (r *readiness) look(ctx context.Context, s *server) (states map[string]string, all bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.states != nil && time.Since(r.at) < readyKept {
		return r.states, r.all
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTime) // others wait for it, too
	defer cancel()
	r.states, r.all = make(map[string]string, len(s.Ready)), true
	for _, c := range s.Ready {
		r.states[c.Name] = "ok"
		if err := c.Check(ctx); err != nil {
			r.states[c.Name], r.all = "failed", false
			s.Log.ErrorContext(ctx, "not ready", "part", c.Name, "err", err)
		}
	}
	r.at = time.Now()
	return r.states, r.all
}

// ready names what is not ready; why is in the log, since anybody may ask.
func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	states, all := s.readiness.look(r.Context(), s)
	w.Header().Set("Content-Type", "application/json")
	if !all {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	writeJSON(w, states)
}
