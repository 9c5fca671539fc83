package api

import (
	"context"
	"net/http"
	"time"

	"github.com/regrant/regrant/internal/integration"
)

const readyTime = 5 * time.Second

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

// ready names what is not ready; why is in the log, since anybody may ask.
func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTime)
	defer cancel()
	states, all := make(map[string]string, len(s.Ready)), true
	for _, c := range s.Ready {
		states[c.Name] = "ok"
		if err := c.Check(ctx); err != nil {
			states[c.Name], all = "failed", false
			s.Log.ErrorContext(ctx, "not ready", "part", c.Name, "err", err)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	if !all {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	writeJSON(w, states)
}
