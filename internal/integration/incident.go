package integration

import (
	"time"

	"github.com/regrant/regrant/connector"
)

// Incident is a time in which something is wrong.
type Incident struct {
	ID          string
	Integration string
	Table       string // empty: the whole authorization
	Cause       connector.Cause
	Code        string // Fault.Code
	Public      string // Fault.Public
	Step        connector.Step
	Facts       map[string]string
	Confidence  Confidence
	Evidence    []Evidence
	Opened      time.Time
	Last        time.Time // last seen
	Count       int       // how often it was seen
	RetryAt     time.Time // earliest useful retry; zero: not by itself
	Shared      string    // same for incidents with one common cause; told once
	Closed      time.Time // zero: open
	Resolution  Resolution
}

// Open says whether it is still going on.
func (i Incident) Open() bool { return i.Closed.IsZero() }

// Actor is who must act.
func (i Incident) Actor() Actor { return ActorOf(i.Cause) }

// Resolution is how an incident ended.
type Resolution string

// The ways an incident ends.
const (
	Healed       Resolution = "healed"        // went away by itself
	Reauthorized Resolution = "re-authorized" // a new credential was proven
	Reclassified Resolution = "reclassified"  // another cause took its place
	Withdrawn    Resolution = "withdrawn"     // the table or integration was removed or paused
)

// Confidence is how sure a verdict is.
type Confidence string

// The confidences.
const (
	Certain Confidence = "certain" // the third party said so, or a probe proved it
	Likely  Confidence = "likely"  // the usual meaning of what was seen
	Unsure  Confidence = "unsure"  // evidence is missing or contradicts itself
)

// Evidence is one observation that a verdict rests on.
type Evidence struct {
	Kind    EvidenceKind
	Text    string // plain words, no secrets
	Points  Points // for or against
	Seen    time.Time
	Details map[string]string
}

// EvidenceKind is where an observation came from, in the order of weight.
type EvidenceKind string

// The kinds of evidence.
const (
	FromFault        EvidenceKind = "fault"        // what the third party answered
	FromExpiry       EvidenceKind = "expiry"       // a date that was known before
	FromControl      EvidenceKind = "control"      // our DNS, clock, disk, egress
	FromReachability EvidenceKind = "reachability" // name, TCP, TLS of this third party
	FromNeighbours   EvidenceKind = "neighbours"   // other integrations and tables
	FromHistory      EvidenceKind = "history"      // what worked when
)

// Points is what an observation speaks for.
type Points string

// The directions.
const (
	Supports    Points = "supports"
	Contradicts Points = "contradicts"
	Neutral     Points = "neutral"
)

// Actor is who must act next.
type Actor string

// The actors.
const (
	Nobody       Actor = "nobody"
	Somebody     Actor = "person"   // whoever can re-authorize
	Operator     Actor = "operator" // of this installation
	WhoeverTyped Actor = "typist"   // whoever entered it
)

// ActorOf is the one place that says who acts on which cause.
func ActorOf(c connector.Cause) Actor {
	switch c {
	case connector.Outage, connector.Throttled:
		return Nobody
	case connector.Expired, connector.AccessChanged:
		return Somebody
	case connector.Invalid:
		return WhoeverTyped
	default: // Ours, Unknown
		return Operator
	}
}

// Failure is what is put before diagnosis.
type Failure struct {
	Integration Integration
	Table       string // empty: the whole authorization
	Fault       *connector.Fault
	At          time.Time
	WorkedAt    time.Time // last success; zero: never
	Others      []Neighbour
}

// Neighbour is another integration, as far as diagnosis wants to know.
type Neighbour struct {
	Integration, Connector string
	Failing                connector.Cause // of its open incident
	Broken                 bool            // has an open incident
	WorkedAt               time.Time
}

// Verdict is what diagnosis says.
type Verdict struct {
	Cause      connector.Cause
	Code       string
	Public     string
	Confidence Confidence
	Evidence   []Evidence
	Shared     string // key of a common cause, such as "own.egress"
}

// Gap is what an incident kept from being read, of one table.
type Gap struct {
	ID          string
	Integration string
	Table       string
	Incident    string
	From        time.Time          // when the table was last read completely; zero: never
	Position    connector.Position // at the opening
	To          time.Time          // when reading became possible again; zero: not yet
	Closed      time.Time
	Receipt     *Receipt
}

// Open says whether it still has to be filled.
func (g Gap) Open() bool { return g.Closed.IsZero() }

// Receipt proves that a gap was filled.
type Receipt struct {
	Pull          string
	Rows, Bytes   int64 // read to fill it
	SourceRows    int64 // -1: the source cannot count
	WarehouseRows int64
	Exact         bool
	Note          string
	At            time.Time
}

// Pull is one reading of one integration.
type Pull struct {
	ID          string
	Integration string
	Trigger     Trigger
	By          string
	Started     time.Time
	Ended       time.Time // zero: running, or the process died
	Outcome     Outcome
	Rows, Bytes int64
	Tables      []TableResult
}

// TableResult is one table's part of a pull.
type TableResult struct {
	Table                      string
	Rows, Bytes                int64
	Inserted, Updated, Deleted int64
	Took                       time.Duration
	Code, Public               string // of its fault; empty: read
	Note                       string // said to people: "0 rows: the source is empty"
	Confirmed                  bool   // it needed, and used up, Table.AllowEmpty
}

// Trigger is why a pull began.
type Trigger string

// The triggers.
const (
	ByPlan   Trigger = "schedule"
	ByPerson Trigger = "person"
	ByRepair Trigger = "repair"
	ByRetry  Trigger = "retry"
)

// Outcome is how a pull ended.
type Outcome string

// The outcomes.
const (
	Running     Outcome = "running"
	Succeeded   Outcome = "succeeded"
	Partly      Outcome = "partly" // some tables could not be read
	Failed      Outcome = "failed"
	Interrupted Outcome = "interrupted" // the process ended; the next pull goes on
)

// Event is a line of an integration's timeline and of the audit.
type Event struct {
	ID          string
	Integration string // empty: of the installation
	At          time.Time
	Kind        EventKind
	By          string // who or what
	Text        string // plain words, no secrets
	Facts       map[string]string
}

// EventKind sorts events; stored, never renamed.
type EventKind string

// The kinds of events.
const (
	EventCreated       EventKind = "created"
	EventConnected     EventKind = "connected"
	EventIncidentOpen  EventKind = "incident_opened"
	EventIncidentClose EventKind = "incident_closed"
	EventAttempt       EventKind = "reauthorization_attempted"
	EventReauthorized  EventKind = "reauthorized"
	EventUndone        EventKind = "reauthorization_undone"
	EventPull          EventKind = "pulled"
	EventGapOpen       EventKind = "gap_opened"
	EventGapClosed     EventKind = "gap_closed"
	EventPaused        EventKind = "paused"
	EventResumed       EventKind = "resumed"
	EventRemoved       EventKind = "removed"
	EventSettings      EventKind = "settings_changed"
	EventTables        EventKind = "tables_changed"
	EventProbe         EventKind = "probed"
	EventSecretOpened  EventKind = "secret_opened" // audit only
	EventSignedIn      EventKind = "signed_in"     // audit only
)
