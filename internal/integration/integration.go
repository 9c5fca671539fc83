package integration

import (
	"time"

	"github.com/regrant/regrant/connector"
)

// Integration is one account at one third party that somebody connected.
type Integration struct {
	ID        string // random, never reused
	Slug      string // unique, lower-case; schema in the warehouse, name on the command line
	Name      string // as people call it
	Connector string // Definition.ID
	Revision  int64  // grows with every change; see Store.Apply
	Created   time.Time
	CreatedBy string
	Paused    bool
	Every     time.Duration // between two updates
	NextPull  time.Time     // zero: none is due
	NextProbe time.Time
	Attempts  int // failed attempts since the last success, for back-off

	Authorization Authorization
	Previous      *Previous // kept for undo
	Draft         *Draft    // begun and not finished
}

// Finished says whether a credential was ever proven.
func (i Integration) Finished() bool { return i.Authorization.Version > 0 }

// Authorization is what a person granted.
type Authorization struct {
	Form     string             // Form.ID
	Settings map[string]string  // the form's values that are not secret
	Public   map[string]string  // public halves of generated secrets, by field
	Version  int64              // of the sealed credential in force; 0: none yet
	Identity connector.Identity // as it was last proven
	Granted  time.Time
	By       string
	Verified time.Time // last successful Check
}

// Previous is the authorization before the last swap.
type Previous struct {
	Authorization Authorization
	Until         time.Time // then its credential is destroyed
}

// Draft holds what the product generated before the first proof: a key pair
// whose public half the person is asked to install.
type Draft struct {
	Form     string
	Settings map[string]string // what was typed so far
	Public   map[string]string
	Version  int64 // sealed generated secrets
}

// Table is one table of an integration and how it is read.
type Table struct {
	Integration string // Integration.ID
	Name        string // in the source: "public.orders"
	Target      string // in the warehouse: "orders"
	Enabled     bool
	Replication connector.Replication
	ByPerson    bool                    // a person chose the method
	Excluded    []string                // columns not to read
	Rechecks    map[string]Recheck      // by column
	Key         []string                // as last seen
	Columns     []TableColumn           // as last seen
	Offers      []connector.Replication // as last seen
	Estimated   int64                   // rows at the source; -1: not known
	Seen        time.Time               // when it was last listed
	Gone        bool                    // no longer listed by the source
	LastRead    time.Time               // end of the last pass without an error
	LastPoint   time.Time               // when its last row arrived
	LastRows    int64                   // rows of that pass
	AllowEmpty  bool                    // a person confirmed that the source may be empty
}

// TableColumn is a column as last seen, for people.
type TableColumn struct {
	Name, SourceType string
	Indexed, Denied  bool
	Lossy            string
}

// Recheck is how often a column is compared with the source. On a key column
// it finds deleted rows.
type Recheck struct {
	Every RecheckEvery
	Last  time.Time
}

// RecheckEvery is a frequency in the account's time zone.
type RecheckEvery string

// The frequencies.
const (
	Always  RecheckEvery = "always"  // with every update
	Daily   RecheckEvery = "daily"   // the first update after midnight
	Weekly  RecheckEvery = "weekly"  // the first update after Friday 21:00
	Monthly RecheckEvery = "monthly" // after Friday 21:00 of every fourth week
	Once    RecheckEvery = "once"    // with the next update only
)

// Person is somebody, or something, that acts.
type Person struct {
	ID   string
	Name string // shown in the timeline: "ada@example.com", "schedule"
	Role Role
}

// System is the product acting by itself.
func System(what string) Person { return Person{ID: "system", Name: what, Role: Admin} }

// Role is what a person may do.
type Role string

// The roles.
const (
	Admin    Role = "admin"     // everything
	Standard Role = "standard"  // updates, tables, re-authorize
	ReadOnly Role = "read_only" // look
)

// May says whether the role includes another.
func (r Role) May(needed Role) bool {
	rank := map[Role]int{ReadOnly: 1, Standard: 2, Admin: 3}
	return rank[r] >= rank[needed] && rank[r] > 0
}
