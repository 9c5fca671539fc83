package api

import (
	"context"
	"net/http"
	"time"

	"github.com/regrant/regrant/client"
)

const (
	progressEvery = 500 * time.Millisecond
	aliveEvery    = 20 * time.Second
	streamLife    = 30 * time.Minute // then the reader comes back and shows its token again
)

// live streams changes as they come and progress while a pull runs. It says
// resync first: what happened before is not repeated.
func (s *server) live(ctx context.Context, w http.ResponseWriter) {
	ctx, cancel := context.WithTimeout(ctx, streamLife)
	defer cancel()
	var changes <-chan client.StreamEvent
	if s.Subscribe != nil {
		var err error
		if changes, err = s.Subscribe(ctx); err != nil {
			writeProblem(w, s.problem(ctx, err))
			return
		}
	}
	out := newStream(w)
	out.send("resync", client.StreamEvent{Kind: "resync", At: time.Now().UTC()})
	tick, alive := time.NewTicker(progressEvery), time.NewTicker(aliveEvery)
	defer tick.Stop()
	defer alive.Stop()
	shown := false
	for !out.broken {
		select {
		case <-ctx.Done():
			return
		case e, open := <-changes:
			if !open && ctx.Err() == nil {
				return // the reader comes back and reads again
			}
			out.send(e.Kind, e)
		case <-tick.C:
			shown = sendProgress(out, s.progress(), shown)
		case <-alive.C:
			out.alive()
		}
	}
}

// sendProgress sends what runs, and once an empty list when nothing does.
func sendProgress(out *stream, now []client.Progress, shown bool) bool {
	if len(now) > 0 || shown {
		out.send("progress", client.StreamEvent{Kind: "progress", Progress: now, At: time.Now().UTC()})
	}
	return len(now) > 0
}
