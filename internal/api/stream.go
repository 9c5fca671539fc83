package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// stream writes server-sent events.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	broken  bool
}

func newStream(w http.ResponseWriter) *stream {
	s := &stream{w: w, control: http.NewResponseController(w)}
	_ = s.control.SetWriteDeadline(time.Time{}) // a stream may last; not every writer has deadlines
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	_ = s.control.Flush()
	return s
}

// send writes one event; after the reader has gone it does nothing.
func (s *stream) send(event string, v any) {
	if s.broken {
		return
	}
	data, err := json.Marshal(v)
	if err != nil {
		s.broken = true
		return
	}
	if _, err := fmt.Fprintf(s.w, "event: %s\ndata: %s\n\n", event, data); err != nil {
		s.broken = true
		return
	}
	s.broken = s.control.Flush() != nil
}

// alive keeps proxies from closing a quiet stream.
func (s *stream) alive() {
	if _, err := fmt.Fprint(s.w, ": alive\n\n"); err != nil {
		s.broken = true
		return
	}
	s.broken = s.control.Flush() != nil
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}
