package connectortest

import (
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/regrant/regrant/connector"
)

// Harness is what the suite needs to know of a connector and of the third
// party that the test plays or starts. Definition and Env are always needed;
// where another field is empty, Skip says why.
type Harness struct {
	Definition connector.Definition

	// Folder is the name of the connector's folder; empty: that of the
	// directory the test runs in.
	Folder string
	// Form is the id of the form that Env fills; empty: the first one.
	Form string

	// Env gives a good authorization. The suite calls it for each source that
	// it opens, sets Log, and puts itself in front of Dial (nil: a plain
	// dialer). Secrets should be at least 12 characters that occur nowhere
	// else, because the suite looks for them everywhere.
	Env func(t testing.TB) connector.Env
	// Rotated gives new credentials of the same account.
	Rotated func(t testing.TB) connector.Env
	// Other gives good credentials of another account.
	Other func(t testing.TB) connector.Env

	// Failures are the ways in which the third party can fail, one for each
	// line of the connector's fault table that the test can bring about.
	Failures []Failure

	// Tables are read and cut; empty: all that may be read. At least one of
	// them must take two batches or more, each replication method once.
	Tables []string
	// Sizes are tables at the edges of a page: with 0, 1, n and n+1 rows.
	Sizes []Size
	// Changes insert and update rows while a table is being read.
	Changes []Change
	// CatchUp is how long later pulls may take to show a change, where the
	// connector holds back the newest moments; 0 means 20 seconds.
	CatchUp time.Duration

	// Writes tells what the third party saw that was not a mere read.
	Writes func(t testing.TB) []string

	// Allocator gives the same definition, building its records with the
	// allocator, so that records which nobody releases can be counted.
	Allocator func(memory.Allocator) connector.Definition

	// Positions is the folder with positions written by released versions;
	// empty: testdata/positions. See OldPositions.
	Positions string

	// Skip says for each check that is left out why it cannot be made.
	Skip map[Check]string
}

// Moment is when a failure is provoked.
type Moment uint8

// The moments. Those before MidRead use a fresh source after Break, because a
// session that is already open often goes on working.
const (
	OnCheck  Moment = iota // Break, then open and Check
	OnOpen                 // the form's values are wrong: Open itself refuses
	OnTables               // Break, then Tables; a OneTable fault is in Table.Fault
	OnRead                 // Break, then Read of Failure.Table
	MidRead                // Break after the first batch of Failure.Table
)

// Failure is one way to fail and what the connector must make of it.
type Failure struct {
	Name   string
	At     Moment
	Break  func(t testing.TB)               // brings it about; nil: Env alone does
	Repair func(t testing.TB)               // undoes Break; after it Check passes again
	Env    func(t testing.TB) connector.Env // nil: Harness.Env
	Table  string                           // for OnRead and MidRead, and of a OneTable fault

	Want  connector.Cause
	Code  string // may be empty only where Want is Unknown
	Step  connector.Step
	Scope connector.Scope
	Retry bool // the third party names a time: Fault.Retry must be set
}

// Size is a table with a known number of rows.
type Size struct {
	Table   string
	Rows    int64
	Prepare func(t testing.TB) // makes the third party deliver so many; may be nil
}

// Change inserts and updates rows of a table. Make is called twice for each
// replication method of the table, so it needs a new key every time.
type Change struct {
	Table string
	Make  func(t testing.TB)
}

// Check names one check of the suite: the subtest's name and the key of
// Harness.Skip.
type Check string

// The checks, in the order in which they are made.
const (
	DefinitionComplete Check = "definition"           // labels, helps, bounds, conditions, guide
	FormValues         Check = "form values"          // Open refuses what is missing, dials nothing
	GoodCheck          Check = "check"                // passes, stable fingerprint
	TablesListed       Check = "tables"               // names, keys, columns, replications fit
	ReadOnly           Check = "read only"            // the third party saw no write
	Failures           Check = "failures"             // each with its exact cause
	FailureCauses      Check = "failure causes"       // at least AccessChanged, Outage and Unknown
	WrongSecrets       Check = "wrong secrets"        // refused, and never printed
	Unreachable        Check = "unreachable"          // a refused connection is an outage
	Cancelled          Check = "cancelled"            // is never blamed on the third party
	CanarySecrets      Check = "secrets"              // appear nowhere
	Records            Check = "records"              // schema, column order, limit
	Resume             Check = "resume"               // cut after any batch, nothing lost
	ColumnPass         Check = "column pass"          // PassColumns, cut as well
	KeyPass            Check = "key pass"             // PassKeys, ascending, ranges without holes
	ConnectionCut      Check = "connection cut"       // the network goes away in mid-read
	OldPositions       Check = "old positions"        // positions of released versions load
	UnknownFields      Check = "unknown fields"       // positions of later versions load
	GarbagePositions   Check = "garbage positions"    // a Fault, not a panic, not a fresh start
	RotatedCredentials Check = "credentials replaced" // work goes on from the same position
	OtherAccount       Check = "other account"        // has another fingerprint
	CancelSoon         Check = "cancel"               // returns within a second, even when all hangs
	Leaks              Check = "leaks"                // no goroutine, no connection stays
	TwoSources         Check = "two sources"          // share nothing
	Paging             Check = "paging"               // 0, 1, n, n+1 rows
	RowsMove           Check = "changes"              // rows changed between batches are found
	Memory             Check = "memory"               // every record is released
	Powers             Check = "powers"               // Verifier and Tallier tell the truth
)
