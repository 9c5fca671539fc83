package web

import (
	"fmt"
	"net/http"
	"time"

	"github.com/regrant/regrant/internal/notice"
)

// maxStreams bounds how many pages are kept fresh at once: each holds a
// connection and is woken by every change.
const maxStreams = 2000

// heartbeat keeps proxies from closing a quiet stream.
const heartbeat = 20 * time.Second

// live tells an open page that it should look again. It sends no contents:
// the page asks for itself anew and keeps what did not change, so that there
// is one way in which a page is drawn and rights are checked.
func (w *Web) live(rw http.ResponseWriter, r *http.Request) error {
	if w.open.Add(1) > maxStreams {
		w.open.Add(-1)
		rw.Header().Set("Retry-After", "30")
		http.Error(rw, "too many pages are open; this one is not refreshed by itself", http.StatusServiceUnavailable)
		return nil
	}
	defer w.open.Add(-1)
	stream := http.NewResponseController(rw)
	listener := w.Hub.Listen()
	defer listener.Close()
	of := r.URL.Query().Get("of")
	at := w.attempts.find(r.URL.Query().Get("attempt"))
	h := rw.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	if err := say(rw, stream, "hello", ""); err != nil {
		return nil
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	next := following(at)
	for {
		var err error
		select {
		case <-r.Context().Done():
			return nil
		case <-w.ctx.Done():
			return nil
		case <-next:
			next = following(at)
			err = say(rw, stream, "changed", "attempt")
		case n, open := <-listener.C():
			if !open {
				return nil
			}
			if concerns(n, of) {
				err = say(rw, stream, "changed", string(n.Kind))
			}
		case <-beat.C:
			err = say(rw, stream, "beat", "")
		}
		if err != nil {
			return nil // the browser went away
		}
	}
}

// following is the next change of an attempt; nil, which never comes, when
// there is none or it has ended.
func following(at *attempt) <-chan struct{} {
	if at == nil {
		return nil
	}
	next, running := at.wait()
	if !running {
		return nil
	}
	return next
}

func concerns(n notice.Notice, of string) bool {
	switch {
	case n.Kind == notice.Resync, n.Integration == of:
		return true
	default:
		return of == "*" && n.Kind == notice.Changed
	}
}

func say(rw http.ResponseWriter, stream *http.ResponseController, event, data string) error {
	if err := stream.SetWriteDeadline(time.Now().Add(heartbeat)); err != nil && err != http.ErrNotSupported { //nolint:errorlint // documented sentinel
		return err
	}
	if _, err := fmt.Fprintf(rw, "event: %s\ndata: %s\n\n", event, data); err != nil {
		return err
	}
	return stream.Flush()
}
