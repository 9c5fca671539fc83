package web

import (
	"context"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/notice"
)

// Config wires the pages.
type Config struct {
	Integrations Integrations
	People       People
	Sessions     Sessions
	Warehouse    Warehouse
	Hub          *notice.Hub
	Log          *slog.Logger
	Version      string

	// Dev serves /dev: every state with sample data. Never in production.
	Dev bool
	// Secure says that browsers reach the pages by https.
	Secure bool
	// Now is the clock of what is shown; nil: time.Now.
	Now func() time.Time
}

// Web is the pages as an http.Handler.
type Web struct {
	Config
	handler  http.Handler
	pages    map[string]*template.Template
	assets   assets
	attempts attempts
	open     atomic.Int64 // live streams

	// Attempts outlive the request that began them, and end with Stop.
	ctx  context.Context //nolint:containedctx // the lifetime of background attempts, not of a call
	stop context.CancelFunc
	wg   sync.WaitGroup
}

// New parses all templates and makes the handler.
func New(c Config) (*Web, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	ctx, stop := context.WithCancel(context.Background())
	w := &Web{Config: c, ctx: ctx, stop: stop}
	var err error
	if w.assets, err = loadAssets(); err != nil {
		stop()
		return nil, fmt.Errorf("load assets: %w", err)
	}
	if w.pages, err = w.parse(); err != nil {
		stop()
		return nil, fmt.Errorf("parse pages: %w", err)
	}
	w.handler = w.guard(w.routes())
	return w, nil
}

// ServeHTTP serves a page.
func (w *Web) ServeHTTP(rw http.ResponseWriter, r *http.Request) { w.handler.ServeHTTP(rw, r) }

// Stop ends attempts that are still running and waits for them. It may be
// called twice.
func (w *Web) Stop() {
	w.stop()
	w.wg.Wait()
}

// nobody marks routes that are open without signing in.
const nobody integration.Role = ""

func (w *Web) routes() http.Handler {
	mux := http.NewServeMux()
	on := func(pattern string, needed integration.Role, h handler) {
		mux.Handle(pattern, w.page(needed, h))
	}
	const look, work, admin = integration.ReadOnly, integration.Standard, integration.Admin

	mux.HandleFunc("GET /assets/{file}", w.assets.serve)
	on("GET /set-up", nobody, w.showSetUp)
	on("POST /set-up", nobody, w.setUp)
	on("GET /sign-in", nobody, w.showSignIn)
	on("POST /sign-in", nobody, w.signIn)
	on("POST /sign-out", nobody, w.signOut)

	on("GET /{$}", look, w.home)
	on("GET /live", look, w.live)
	on("GET /integrations", look, w.listIntegrations)
	on("GET /connect", look, w.catalogue)
	on("GET /connect/{connector}", admin, w.showConnect)
	on("POST /connect/{connector}", admin, w.connect)

	on("GET /integrations/{slug}", look, w.showIntegration)
	on("GET /integrations/{slug}/tables", look, w.showTables)
	on("GET /integrations/{slug}/tables/{table}", look, w.showTable)
	on("POST /integrations/{slug}/tables/{table}", work, w.changeTable)
	on("POST /integrations/{slug}/discover", work, w.discover)
	on("GET /integrations/{slug}/history", look, w.showHistory)
	on("GET /integrations/{slug}/settings", look, w.showSettings)
	on("POST /integrations/{slug}/rename", admin, w.rename)
	on("POST /integrations/{slug}/every", work, w.setEvery)
	on("POST /integrations/{slug}/pause", work, w.pause)
	on("POST /integrations/{slug}/resume", work, w.resume)
	on("POST /integrations/{slug}/remove", admin, w.remove)
	on("POST /integrations/{slug}/update", work, w.update)
	on("POST /integrations/{slug}/probe", work, w.probe)

	on("GET /integrations/{slug}/authorize", look, w.showAuthorize)
	on("POST /integrations/{slug}/authorize", work, w.authorize)
	on("POST /integrations/{slug}/guide", work, w.guide)
	on("POST /integrations/{slug}/undo", work, w.undo)
	on("GET /integrations/{slug}/attempts/{attempt}", look, w.showAttempt)

	on("GET /warehouse", look, w.showWarehouse)
	on("POST /warehouse", look, w.queryWarehouse)
	on("GET /people", admin, w.showPeople)
	on("POST /people/tokens", admin, w.createToken)
	on("POST /people/tokens/revoke", admin, w.revokeToken)
	on("GET /audit", admin, w.showAudit)
	if w.Dev {
		on("GET /dev", nobody, w.showDev)
	}
	on("/", nobody, func(http.ResponseWriter, *http.Request) error { return integration.ErrNotFound })
	return mux
}
