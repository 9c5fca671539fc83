package api

import (
	"context"
	"time"

	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/warehouse"
)

// Heart is what the API asks of the product; *integration.Service fills it.
type Heart interface {
	viewer
	connecter
	operator
}

type viewer interface {
	Catalogue() integration.Catalogue
	List(ctx context.Context) ([]integration.View, error)
	Show(ctx context.Context, idOrSlug string) (integration.View, error)
	Events(ctx context.Context, f integration.Filter) ([]integration.Event, error)
	Incidents(ctx context.Context, f integration.Filter) ([]integration.Incident, error)
	Gaps(ctx context.Context, f integration.Filter) ([]integration.Gap, error)
	Pulls(ctx context.Context, f integration.Filter) ([]integration.Pull, error)
}

type connecter interface {
	Begin(ctx context.Context, who integration.Person, connectorID, name, formID string) (integration.View, error)
	Authorize(ctx context.Context, who integration.Person, idOrSlug string, sub integration.Submission, report func(integration.Check)) (integration.Verification, error)
	Undo(ctx context.Context, who integration.Person, idOrSlug string, report func(integration.Check)) (integration.Verification, error)
	Remove(ctx context.Context, who integration.Person, idOrSlug string) error
}

type operator interface {
	Probe(ctx context.Context, who integration.Person, idOrSlug string) (integration.View, error)
	Pause(ctx context.Context, who integration.Person, idOrSlug string) (integration.View, error)
	Resume(ctx context.Context, who integration.Person, idOrSlug string) (integration.View, error)
	Rename(ctx context.Context, who integration.Person, idOrSlug, name string) (integration.View, error)
	SetEvery(ctx context.Context, who integration.Person, idOrSlug string, every time.Duration) (integration.View, error)
	Update(ctx context.Context, who integration.Person, idOrSlug string) error
	Discover(ctx context.Context, who integration.Person, idOrSlug string) (integration.View, error)
	SetTable(ctx context.Context, who integration.Person, idOrSlug, table string, change integration.TableChange) (integration.View, error)
}

// Querier runs statements that only read; every warehouse fills it.
type Querier interface {
	Query(ctx context.Context, sql string, limit int) (warehouse.Result, error)
}
