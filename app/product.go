package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
	"github.com/regrant/regrant/internal/api"
	"github.com/regrant/regrant/internal/credential"
	"github.com/regrant/regrant/internal/diagnose"
	"github.com/regrant/regrant/internal/egress"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/job"
	"github.com/regrant/regrant/internal/notice"
	"github.com/regrant/regrant/internal/people"
	"github.com/regrant/regrant/internal/pull"
	"github.com/regrant/regrant/internal/settings"
	"github.com/regrant/regrant/internal/store/sqlite"
	"github.com/regrant/regrant/internal/warehouse"
	"github.com/regrant/regrant/internal/warehouse/duckdb"
	"github.com/regrant/regrant/internal/web"
)

// product is everything that runs in one process, wired.
type product struct {
	settings  settings.Settings
	log       *slog.Logger
	lock      *lock
	db        *sqlite.DB
	warehouse warehouse.Warehouse
	vault     *credential.Vault
	people    *people.Service
	hub       *notice.Hub
	heart     *integration.Service
	puller    *pull.Puller
	board     *pull.Board
	queue     *job.Queue
	metrics   *api.Metrics
	dial      func(ctx context.Context, network, address string) (net.Conn, error)
	local     string // token of this machine's command line
	pages     *web.Web
	handler   http.Handler
	stops     []func() // in the order of starting
}

// open wires a product on a data directory and starts its jobs.
func open(ctx context.Context, catalogue integration.Catalogue, s settings.Settings, log *slog.Logger) (p *product, err error) {
	p = &product{settings: s, log: log, metrics: api.NewMetrics(), hub: notice.New()}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	for _, step := range []func(context.Context) error{
		p.openData, p.openPeople,
		func(context.Context) error { return p.openHeart(catalogue) },
		func(context.Context) error { return p.openFaces() },
		p.startJobs,
	} {
		if err := step(ctx); err != nil {
			return p, err
		}
	}
	return p, nil
}

// onStop adds what close does, last one first.
func (p *product) onStop(stop func()) { p.stops = append(p.stops, stop) }

func (p *product) close() {
	for n := len(p.stops) - 1; n >= 0; n-- {
		p.stops[n]()
	}
	p.stops = nil
}

func (p *product) openData(ctx context.Context) (err error) {
	if p.lock, err = acquire(p.settings.Data); err != nil {
		return err
	}
	p.onStop(p.lock.release)
	path := filepath.Join(p.settings.Data, "state.db")
	if p.db, err = sqlite.Open(ctx, path); err != nil {
		return fmt.Errorf("opening %s: %w", path, err)
	}
	p.onStop(func() { p.logged("closing the state", p.db.Close()) })
	path = filepath.Join(p.settings.Data, "warehouse.duckdb")
	p.warehouse, err = duckdb.Open(ctx, duckdb.Config{Path: path, MemoryLimit: memoryLimit(p.settings.Memory), Log: p.log})
	if err != nil {
		return fmt.Errorf("opening %s: %w", path, err)
	}
	p.onStop(func() { p.logged("closing the warehouse", p.warehouse.Close()) })
	master, _, err := credential.LoadMaster(p.settings.Data, os.Getenv)
	if err != nil {
		return fmt.Errorf("the master key: %w", err)
	}
	p.vault = credential.New(p.db.Store(), master)
	if err := p.vault.Verify(ctx); err != nil {
		return fmt.Errorf("the master key: %w", err)
	}
	return nil
}

func memoryLimit(bytes int64) string {
	if bytes == 0 {
		return ""
	}
	return fmt.Sprintf("%dB", bytes)
}

func (p *product) logged(what string, err error) {
	if err != nil {
		p.log.Error(what, "error", err)
	}
}

func (p *product) openPeople(context.Context) (err error) {
	if p.local, err = people.LocalToken(p.settings.Data); err != nil {
		return err
	}
	p.people, err = people.New(people.Config{Storage: p.db.Store(), Log: p.log, Local: p.local})
	return err
}

func (p *product) openHeart(catalogue integration.Catalogue) (err error) {
	p.dial = egress.New(egress.Policy{Allow: p.settings.Allow}).DialContext
	sources := integration.NewSources(integration.SourcesConfig{
		Catalogue: catalogue, Vault: p.vault, Dial: p.dial, Log: p.log,
		Endpoint: func(connectorID, fallback string) string {
			if replaced := p.settings.Endpoints[connectorID]; replaced != "" {
				return replaced
			}
			return fallback
		},
	})
	p.queue, err = job.New(job.Config{DB: p.db.Write, Log: p.log})
	if err != nil {
		return err
	}
	diagnoser := diagnose.New(diagnose.Config{
		Controls: p.settings.Controls, Neighbours: p.neighbours, Dial: p.dial, DataDir: p.settings.Data, Catalogue: catalogue, Log: p.log,
	})
	p.heart = integration.New(integration.Config{
		Store: p.db.Store(), Vault: p.vault, Sources: sources, Catalogue: catalogue, Log: p.log, Every: p.settings.Every,
		Jobs: jobs{p.queue}, Notices: notices{p.hub, p.metrics}, Generate: generate,
		Diagnose: diagnoser,
	})
	p.board = pull.NewBoard(p.tick)
	p.puller = pull.New(pull.Config{Heart: p.heart, Sources: sources, Warehouse: p.warehouse, Board: p.board, Zone: p.settings.Zone, Log: p.log})
	// Only a control that was seen to work says something when it is silent.
	return p.queue.Every("controls", learnEvery, func(ctx context.Context) error {
		diagnoser.Learn(ctx)
		return nil
	})
}

// learnEvery is how often the operator's controls are tried while all is well.
const learnEvery = 5 * time.Minute

// generate makes the secrets that forms want generated.
func generate(kind string) (connector.Secret, string, error) {
	if kind != "ssh-ed25519" {
		return connector.Secret{}, "", fmt.Errorf("no way to generate %q", kind)
	}
	return sqlkit.GenerateKey()
}

// startJobs registers what runs in the background and starts it.
func (p *product) startJobs(ctx context.Context) error {
	if err := p.handleJobs(); err != nil {
		return err
	}
	if err := p.queue.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("starting the job queue: %w", err)
	}
	p.onStop(func() {
		ctx, cancel := context.WithTimeoutCause(context.Background(), 15*time.Second, errors.New("jobs did not stop in time"))
		defer cancel()
		p.logged("stopping jobs", p.queue.Stop(ctx))
	})
	return nil
}

// neighbours are addresses of other integrations, which show whether our own
// network works.
func (p *product) neighbours(ctx context.Context) []diagnose.Target {
	views, err := p.heart.List(ctx)
	if err != nil {
		return nil
	}
	var all []diagnose.Target
	for _, v := range views {
		if address := diagnose.AddressOf(v.Integration); address != "" {
			all = append(all, diagnose.Target{Integration: v.Integration.ID, Address: address, WorkedAt: v.Integration.Authorization.Verified})
		}
	}
	return all
}
