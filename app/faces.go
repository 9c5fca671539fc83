package app

import (
	"context"
	"net/http"
	"time"

	"github.com/regrant/regrant/client"
	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/api"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/notice"
	"github.com/regrant/regrant/internal/people"
	"github.com/regrant/regrant/internal/pull"
	"github.com/regrant/regrant/internal/web"
)

// openFaces makes the one handler of pages and API.
func (p *product) openFaces() error {
	answers, err := api.New(api.Config{
		Heart: p.heart, Query: p.warehouse, People: p.people, Authenticate: p.authenticate, Progress: p.progress, Subscribe: p.subscribe,
		Doctor: p.doctor, Metrics: p.metrics, Version: version(), Log: p.log,
		Ready: []api.ReadyCheck{{Name: "state", Check: p.db.Store().Ping}, {Name: "warehouse", Check: p.warehouse.Check}},
	})
	if err != nil {
		return err
	}
	secure := len(p.settings.PublicURL) > 8 && p.settings.PublicURL[:8] == "https://"
	p.pages, err = web.New(web.Config{
		Integrations: p.heart, People: persons{p.people}, Sessions: people.Browser{Service: p.people, Secure: secure},
		Warehouse: p.warehouse, Hub: p.hub, Log: p.log, Version: version(), Secure: secure,
	})
	if err != nil {
		return err
	}
	p.onStop(p.pages.Stop)
	p.onStop(p.hub.Close)
	mux := http.NewServeMux()
	for _, path := range []string{"/api/", "/healthz", "/readyz", "/metrics"} {
		mux.Handle(path, answers)
	}
	mux.Handle("/", p.pages)
	p.handler = mux
	return nil
}

func (p *product) authenticate(ctx context.Context, token string) (integration.Person, error) {
	who, err := p.people.Token(ctx, token)
	if isToken(err) {
		return who, integration.ErrNotFound
	}
	return who, err
}

// tick tells open pages and streams how far a pull is.
func (p *product) tick(now pull.Progress) {
	if now.Done {
		p.hub.Done(now.Integration)
		return
	}
	p.hub.Tick(notice.Tick{
		Integration: now.Integration, Table: now.Table, Rows: now.Rows, Bytes: now.Bytes, Estimated: now.Estimated,
		Elapsed: now.Elapsed, RowsPerSecond: now.RowsPerSecond, At: time.Now().UTC(),
	})
}

func (p *product) progress() []client.Progress {
	running := p.board.Snapshot()
	all := make([]client.Progress, 0, len(running))
	for _, r := range running {
		all = append(all, client.Progress{
			Integration: r.Integration, Table: r.Table, Rows: r.Rows, Estimated: r.Estimated, Bytes: r.Bytes,
			ElapsedSeconds: r.Elapsed.Seconds(), RowsPerSecond: r.RowsPerSecond,
		})
	}
	return all
}

// subscribe hands notices to the API's stream until ctx ends.
func (p *product) subscribe(ctx context.Context) (<-chan client.StreamEvent, error) {
	listener := p.hub.Listen()
	events := make(chan client.StreamEvent)
	go func() {
		defer close(events)
		defer listener.Close()
		for {
			select {
			case <-ctx.Done():
				return
			case n, open := <-listener.C():
				if !open {
					return
				}
				select {
				case events <- streamEvent(n):
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	return events, nil
}

func streamEvent(n notice.Notice) client.StreamEvent {
	e := client.StreamEvent{Kind: string(n.Kind), Integration: n.Integration, At: time.Now().UTC()}
	if n.Kind == notice.Progress {
		e.Progress = []client.Progress{{
			Integration: n.Tick.Integration, Table: n.Tick.Table, Rows: n.Tick.Rows, Estimated: n.Tick.Estimated, Bytes: n.Tick.Bytes,
			ElapsedSeconds: n.Tick.Elapsed.Seconds(), RowsPerSecond: n.Tick.RowsPerSecond,
		}}
	}
	return e
}

// notices fills integration.Notices: open pages hear of it and it is counted.
type notices struct {
	hub     *notice.Hub
	metrics *api.Metrics
}

func (n notices) Changed(id string, events []integration.Event) {
	for _, e := range events {
		if e.Kind != integration.EventIncidentOpen {
			continue
		}
		if cause, err := connector.ParseCause(e.Facts["cause"]); err == nil {
			n.metrics.IncidentOpened(integration.Incident{Cause: cause, Code: e.Facts["code"]})
		}
	}
	n.hub.Changed(id, events)
}
