package integration

import (
	"context"
	"errors"
	"time"

	"github.com/regrant/regrant/connector"
)

// Errors that callers act on.
var (
	// ErrNotFound means that there is no such integration, table or person.
	ErrNotFound = errors.New("not found")
	// ErrConflict means that somebody else changed it meanwhile: load it again.
	ErrConflict = errors.New("it was changed meanwhile")
	// ErrForbidden means that the person's role does not include it.
	ErrForbidden = errors.New("your role does not allow this")
	// ErrTaken means that the name is in use.
	ErrTaken = errors.New("the name is taken")
)

// Store keeps what the heart knows. The suite every store passes is storetest.
type Store interface {
	// Apply writes all of a change or nothing. It returns ErrConflict when
	// Change.Integration.Revision is not the stored one, ErrTaken when its
	// slug belongs to another, and advances the revision in place.
	Apply(ctx context.Context, change *Change) error

	// Record loads an integration with all that is open, by ID or by slug.
	Record(ctx context.Context, idOrSlug string) (Record, error)
	// Records loads all of them, by name.
	Records(ctx context.Context) ([]Record, error)
	// Due lists IDs whose NextPull or NextProbe has come.
	Due(ctx context.Context, now time.Time) (pulls, probes []string, err error)

	Events(ctx context.Context, filter Filter) ([]Event, error)       // newest first
	Incidents(ctx context.Context, filter Filter) ([]Incident, error) // newest first
	Gaps(ctx context.Context, filter Filter) ([]Gap, error)           // newest first
	Pulls(ctx context.Context, filter Filter) ([]Pull, error)         // newest first
}

// Change is everything that one decision writes. Nil and empty parts are left
// alone; others are inserted, or replaced by their ID (tables by integration
// and name).
type Change struct {
	Integration *Integration
	Remove      string // ID of an integration to remove with all that belongs to it
	Tables      []Table
	Incidents   []Incident
	Gaps        []Gap
	Pull        *Pull
	Events      []Event
}

// Record is an integration with all that is open.
type Record struct {
	Integration Integration
	Tables      []Table    // all known tables, by name
	Incidents   []Incident // open ones, oldest first
	Gaps        []Gap      // open ones, oldest first
	LastPull    *Pull      // the newest, perhaps running
	LastGood    *Pull      // the newest that succeeded, wholly or partly
}

// Table returns the table with the name, or false.
func (r Record) Table(name string) (Table, bool) {
	for _, t := range r.Tables {
		if t.Name == name {
			return t, true
		}
	}
	return Table{}, false
}

// Filter selects history.
type Filter struct {
	Integration string // ID; empty: all
	OpenOnly    bool
	Audit       bool // include events of audit-only kinds
	Limit       int  // 0: 100; at most 1,000
}

// Vault keeps secrets sealed; package credential fills it.
type Vault interface {
	// Seal stores a new version, durably, and returns its number (from 1).
	Seal(ctx context.Context, integrationID string, secrets map[string]connector.Secret) (version int64, err error)
	// Open unseals a version and writes an audit line in the same call.
	Open(ctx context.Context, integrationID string, version int64, by, why string) (map[string]connector.Secret, error)
	// Destroy overwrites versions for good.
	Destroy(ctx context.Context, integrationID string, versions ...int64) error
}

// Diagnoser turns a failure into a verdict; package diagnose fills it.
type Diagnoser interface {
	Diagnose(ctx context.Context, failure Failure) Verdict
}

// Jobs begins work that outlives a request; package app fills it.
type Jobs interface {
	// Pull asks for a pull; a second request while one waits is the same one.
	Pull(ctx context.Context, integrationID string, trigger Trigger, by string) error
	// Probe asks for a probe.
	Probe(ctx context.Context, integrationID string) error
}

// Notices hears of every change, after it was stored; package notice fills it.
type Notices interface {
	Changed(integrationID string, events []Event)
}
