package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/warehouse"
)

// Integrations is what the pages ask of the heart.
type Integrations interface {
	Catalogue() integration.Catalogue
	List(context.Context) ([]integration.View, error)
	Show(ctx context.Context, idOrSlug string) (integration.View, error)
	Events(context.Context, integration.Filter) ([]integration.Event, error)
	Incidents(context.Context, integration.Filter) ([]integration.Incident, error)
	Gaps(context.Context, integration.Filter) ([]integration.Gap, error)
	Pulls(context.Context, integration.Filter) ([]integration.Pull, error)

	Begin(ctx context.Context, who integration.Person, connectorID, name, formID string) (integration.View, error)
	Authorize(ctx context.Context, who integration.Person, idOrSlug string, sub integration.Submission, report func(integration.Check)) (integration.Verification, error)
	Undo(ctx context.Context, who integration.Person, idOrSlug string, report func(integration.Check)) (integration.Verification, error)
	Probe(ctx context.Context, who integration.Person, idOrSlug string) (integration.View, error)
	Pause(ctx context.Context, who integration.Person, idOrSlug string) (integration.View, error)
	Resume(ctx context.Context, who integration.Person, idOrSlug string) (integration.View, error)
	Rename(ctx context.Context, who integration.Person, idOrSlug, name string) (integration.View, error)
	SetEvery(ctx context.Context, who integration.Person, idOrSlug string, every time.Duration) (integration.View, error)
	Remove(ctx context.Context, who integration.Person, idOrSlug string) error
	Update(ctx context.Context, who integration.Person, idOrSlug string) error
	Discover(ctx context.Context, who integration.Person, idOrSlug string) (integration.View, error)
	SetTable(ctx context.Context, who integration.Person, idOrSlug, table string, change integration.TableChange) (integration.View, error)
}

// Warehouse answers questions about pulled rows.
type Warehouse interface {
	Describe(ctx context.Context, name warehouse.Name) (warehouse.State, error)
	Query(ctx context.Context, sql string, limit int) (warehouse.Result, error)
}

// People knows who may come in.
type People interface {
	// SetUp makes the first administrator. The token is the one of the
	// one-time link that the first start prints.
	SetUp(ctx context.Context, token, email, password string) (integration.Person, error)
	// SignIn proves a person. remote is the address it is asked from.
	SignIn(ctx context.Context, email, password, remote string) (integration.Person, error)
	// Accounts lists everybody who can sign in.
	Accounts(ctx context.Context) ([]Account, error)
	// Tokens lists the API tokens that are not revoked.
	Tokens(ctx context.Context) ([]Token, error)
	// CreateToken returns the plain token. It is shown once.
	CreateToken(ctx context.Context, who integration.Person, name string, role integration.Role) (connector.Secret, error)
	// RevokeToken ends a token at once.
	RevokeToken(ctx context.Context, who integration.Person, id string) error
}

// SetUpAsker is an optional power of People: with it, the pages at the door
// tell a newcomer where the first account comes from.
type SetUpAsker interface {
	// SetUpNeeded says whether there is no administrator yet.
	SetUpNeeded(context.Context) (bool, error)
}

// Sessions remembers who is signed in, by cookie.
type Sessions interface {
	// Wrap loads and saves the session around each request.
	Wrap(http.Handler) http.Handler
	// Begin signs in and changes the session's token.
	Begin(w http.ResponseWriter, r *http.Request, who integration.Person) error
	// Person returns who is signed in.
	Person(r *http.Request) (integration.Person, bool)
	// End signs out.
	End(w http.ResponseWriter, r *http.Request) error
}

// Account is somebody who can sign in.
type Account struct {
	ID, Email string
	Role      integration.Role
	Created   time.Time
}

// Token is an API token without its secret part.
type Token struct {
	ID, Name string
	Role     integration.Role
	By       string
	Created  time.Time
	LastUsed time.Time
}

// Errors that the services behind People return; pages turn them into words.
var (
	// ErrRefused means that the email and password do not belong together.
	ErrRefused = errors.New("email and password do not belong together")
	// ErrLinkOver means that the set-up link was used, has ended, or never was.
	ErrLinkOver = errors.New("the set-up link is over")
	// ErrWeak means that the password is too short or too well known. Its
	// text, when wrapped in a *Refusal, is shown.
	ErrWeak = errors.New("choose another password")
)

// Refusal is an error whose text is meant for the person.
type Refusal struct {
	Text  string
	Retry time.Duration // of too many attempts; 0: not that
	Err   error
}

func (r *Refusal) Error() string { return r.Text }

// Unwrap returns the cause.
func (r *Refusal) Unwrap() error { return r.Err }
