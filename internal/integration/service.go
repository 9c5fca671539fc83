package integration

import (
	"context"
	"log/slog"
	"time"

	"github.com/regrant/regrant/connector"
)

// Service is what people and jobs ask of the heart.
type Service struct {
	store     Store
	vault     Vault
	sources   *Sources
	diagnose  Diagnoser
	jobs      Jobs
	notices   Notices
	catalogue Catalogue
	generate  Generate
	log       *slog.Logger
	now       func() time.Time
	every     time.Duration
}

// Generate makes a secret of the kind that Field.Generate names, and the
// public half that a person installs at the third party.
type Generate func(kind string) (private connector.Secret, public string, err error)

// Config wires a Service.
type Config struct {
	Store     Store
	Vault     Vault
	Sources   *Sources
	Diagnose  Diagnoser
	Jobs      Jobs
	Notices   Notices
	Catalogue Catalogue
	Generate  Generate
	Log       *slog.Logger
	Every     time.Duration // default interval between updates; 0: an hour
}

// New makes a Service.
func New(c Config) *Service {
	if c.Every <= 0 {
		c.Every = time.Hour
	}
	return &Service{
		store: c.Store, vault: c.Vault, sources: c.Sources, diagnose: c.Diagnose, jobs: c.Jobs,
		notices: c.Notices, catalogue: c.Catalogue, generate: c.Generate, log: c.Log, now: now, every: c.Every,
	}
}

// now is cut to what every store keeps, so that a value survives the round trip.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// Catalogue is the connectors of this binary, in the order of the list.
type Catalogue []connector.Definition

// Find returns the definition with the id, or ErrNotFound.
func (c Catalogue) Find(id string) (connector.Definition, error) {
	for _, d := range c {
		if d.ID == id {
			return d, nil
		}
	}
	return connector.Definition{}, ErrNotFound
}

// Catalogue returns the connectors of this binary.
func (s *Service) Catalogue() Catalogue { return s.catalogue }

// View is an integration as a person sees it.
type View struct {
	Record
	Title   string            // of the connector
	Status  Status            // derived now
	Horizon *connector.Expiry // next date on which a person is needed; nil: none known
}

func (s *Service) view(r Record) View {
	v := View{Record: r, Title: r.Integration.Connector, Horizon: NextExpiry(r.Integration.Authorization.Identity.Expiries)}
	retired := "This connector is not part of this version."
	if d, err := s.catalogue.Find(r.Integration.Connector); err == nil {
		v.Title, retired = d.Title, d.Retired
	}
	v.Status = Derive(r, retired, s.now())
	return v
}

// List returns every integration, by name.
func (s *Service) List(ctx context.Context) ([]View, error) {
	records, err := s.store.Records(ctx)
	if err != nil {
		return nil, err
	}
	views := make([]View, 0, len(records))
	for _, r := range records {
		views = append(views, s.view(r))
	}
	return views, nil
}

// Show returns one integration by ID or slug, or ErrNotFound.
func (s *Service) Show(ctx context.Context, idOrSlug string) (View, error) {
	r, err := s.store.Record(ctx, idOrSlug)
	if err != nil {
		return View{}, err
	}
	return s.view(r), nil
}

// Events, Incidents, Gaps and Pulls return history, newest first.
func (s *Service) Events(ctx context.Context, f Filter) ([]Event, error) {
	return s.store.Events(ctx, f)
}

// Incidents returns incidents, newest first.
func (s *Service) Incidents(ctx context.Context, f Filter) ([]Incident, error) {
	return s.store.Incidents(ctx, f)
}

// Gaps returns gaps, newest first.
func (s *Service) Gaps(ctx context.Context, f Filter) ([]Gap, error) { return s.store.Gaps(ctx, f) }

// Pulls returns pulls, newest first.
func (s *Service) Pulls(ctx context.Context, f Filter) ([]Pull, error) { return s.store.Pulls(ctx, f) }
