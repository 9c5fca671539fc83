package connector

import (
	"context"
	"iter"
	"log/slog"
	"net"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// Env is what a connector gets from outside. It is read-only for the connector.
type Env struct {
	Settings map[string]string // the form's values that are not secret
	Secrets  map[string]Secret // the form's secret values
	Trust    map[string]string // enrolled by an earlier Check; empty: enrol now

	// Dial makes every network connection. It refuses addresses that the
	// operator does not allow and resolves names exactly once.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Endpoint gives the operator's replacement of a base URL, or fallback.
	Endpoint func(fallback string) string
	Log      *slog.Logger
}

// Source is one live connection; every connector has these four. It is used
// by one goroutine at a time.
type Source interface {
	// Check proves the authorization on a fresh connection with the cheapest
	// read-only call and says whose account it is. Its error is a *Fault.
	Check(context.Context) (Identity, error)

	// Tables lists what could be read, with what may not be read marked so.
	Tables(context.Context) ([]Table, error)

	// Read yields the rows asked for, in batches that can each be committed
	// together with their Position. A yielded error ends the sequence and is
	// a *Fault. The batch's records are released by the caller.
	Read(context.Context, Request) iter.Seq2[Batch, error]

	// Close ends all connections. It may be called twice.
	Close() error
}

// Verifier is an optional power: a second look at the source for keys that
// seem to be gone, before anything is deleted from the warehouse.
type Verifier interface {
	// Exists returns for each row of keys (the key columns only, at most
	// 10,000 rows) whether the source still has it.
	Exists(ctx context.Context, table Table, keys arrow.RecordBatch) ([]bool, error)
}

// Tallier is an optional power: counting on the source's side, with which a
// receipt proves that a gap was closed.
type Tallier interface {
	// Tally counts the rows that Read had delivered when it reached at.
	Tally(ctx context.Context, table Table, how Replication, at Position) (Tally, error)
}

// Tally is a count of rows; Exact is false where it is an estimate.
type Tally struct {
	Rows  int64
	Exact bool
}

// Identity says whose account an authorization opens.
type Identity struct {
	// Fingerprint is stable for the account and differs between accounts. A
	// re-authorization that comes back with another one is refused.
	Fingerprint string
	Account     string            // for people: "shop at db.example.com"
	User        string            // as whom: "pull_ro"
	Facts       map[string]string // "server_version": "15.8", …; no secrets
	Expiries    []Expiry          // every date known to end the authorization
	Trust       map[string]string // enrolled or confirmed now: host keys
	Warnings    []string          // "TLS is off", in words for people
}

// Expiry is a date on which a person will be needed.
type Expiry struct {
	What   string // "the password of role pull_ro"
	At     time.Time
	Source ExpirySource
}

// ExpirySource says how a date is known.
type ExpirySource string

// The ways a date can be known.
const (
	ReadFromCredential ExpirySource = "credential"
	DeclaredByVendor   ExpirySource = "vendor"
	InactivityRule     ExpirySource = "inactivity"
	Certificate        ExpirySource = "certificate"
	PasswordValidity   ExpirySource = "password"
	Sunset             ExpirySource = "sunset"
)
