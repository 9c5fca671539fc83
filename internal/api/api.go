package api

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/regrant/regrant/client"
	"github.com/regrant/regrant/internal/integration"
)

const prefix = "/api/v1"

// Config wires the API.
type Config struct {
	Heart  Heart
	Query  Querier
	People People // nil: people and tokens are not served

	// Authenticate says whose token it is. integration.ErrNotFound means
	// nobody's; any other error is a fault of ours.
	Authenticate func(ctx context.Context, token string) (integration.Person, error)

	Progress  func() []client.Progress                                     // of running pulls; nil: none
	Subscribe func(ctx context.Context) (<-chan client.StreamEvent, error) // until ctx ends; nil: progress only
	Doctor    func(ctx context.Context) []client.DoctorCheck               // nil: none
	Ready     []ReadyCheck
	Metrics   *Metrics // nil: a new one
	// PublicMetrics answers /metrics without a token. They hold no names and
	// no secrets, but tell how much is connected and how well it does.
	PublicMetrics bool

	Version string
	Log     *slog.Logger // nil: discards
}

type server struct {
	Config
	mux       *http.ServeMux
	api       huma.API
	readiness readiness
}

// New returns the handler of /api/, /healthz, /readyz and /metrics.
func New(c Config) (http.Handler, error) {
	if c.Heart == nil || c.Query == nil || c.Authenticate == nil {
		return nil, fmt.Errorf("the API needs a heart, a warehouse and a way to authenticate")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = NewMetrics()
	}
	s := &server{Config: c, mux: http.NewServeMux()}
	s.api = humago.NewWithPrefix(s.mux, prefix, s.humaConfig())
	s.routes()
	for _, unused := range []string{"ErrorModel", "ErrorDetail"} { // huma's own, which problemTransformer replaces
		delete(s.api.OpenAPI().Components.Schemas.Map(), unused)
	}
	document, err := json.Marshal(s.api.OpenAPI())
	if err != nil {
		return nil, fmt.Errorf("write the OpenAPI document: %w", err)
	}
	s.mux.HandleFunc("GET /api/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		_, _ = w.Write(document)
	})
	s.mux.HandleFunc("/api/", s.noSuchRoute)
	if err := s.operations(); err != nil {
		return nil, err
	}
	return s.chain(s.mux), nil
}

func (s *server) humaConfig() huma.Config {
	c := huma.DefaultConfig("Regrant", s.Version)
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", "" // served by us, once made
	c.CreateHooks = nil                                   // no $schema links: the shape is the client's
	c.Transformers = []huma.Transformer{problemTransformer}
	c.RejectUnknownQueryParameters = true
	c.Info.Description = "Connects accounts, pulls their rows and keeps every authorization alive."
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"token": {
		Type: "http", Scheme: "bearer", Description: "An API token of this installation.",
	}}
	return c
}

// chain is what every request passes, outermost first.
func (s *server) chain(h http.Handler) http.Handler {
	h = s.idempotent(h)
	h = s.bounded(h)
	h = s.authenticated(h)
	h = s.recovered(h)
	return h
}

func (s *server) routes() {
	s.catalogueRoutes()
	s.integrationRoutes()
	s.connectRoutes()
	s.tableRoutes()
	s.historyRoutes()
	s.operateRoutes()
	s.peopleRoutes()
}
