package client

import "time"

// Integration is one account at one third party that somebody connected.
// Tables, Incidents and Gaps are filled when a single one is asked for.
type Integration struct {
	ID             string         `json:"id"`
	Slug           string         `json:"slug" doc:"Unique; names it in addresses, on the command line and in the warehouse"`
	Name           string         `json:"name" doc:"As people call it"`
	Connector      string         `json:"connector"`
	ConnectorTitle string         `json:"connector_title"`
	Created        time.Time      `json:"created"`
	CreatedBy      string         `json:"created_by,omitempty"`
	Paused         bool           `json:"paused"`
	EverySeconds   int64          `json:"every_seconds" doc:"Between two updates"`
	NextPull       *time.Time     `json:"next_pull,omitempty"`
	Status         Status         `json:"status"`
	Authorization  *Authorization `json:"authorization,omitempty" doc:"Absent until one was proven"`
	Draft          *Draft         `json:"draft,omitempty" doc:"Begun and not finished"`
	UndoUntil      *time.Time     `json:"undo_until,omitempty" doc:"Until then the last re-authorization can be undone"`
	Horizon        *Expiry        `json:"horizon,omitempty" doc:"The next date on which a person is needed"`
	LastPull       *Pull          `json:"last_pull,omitempty"`
	LastGood       *Pull          `json:"last_good,omitempty" doc:"The newest pull that read something"`
	LastPoint      *time.Time     `json:"last_point,omitempty" doc:"When the newest row arrived"`
	Tables         []Table        `json:"tables,omitempty"`
	Incidents      []Incident     `json:"incidents,omitempty" doc:"Open ones, oldest first"`
	Gaps           []Gap          `json:"gaps,omitempty" doc:"Open ones, oldest first"`
}

// Status is what a person sees of an integration.
type Status struct {
	State    string     `json:"state" doc:"not_finished, checking, healthy, action_due, degraded, waiting, throttled, needs_reauthorization, needs_configuration, our_fault, catching_up, paused, blackout, retired, unknown"`
	Word     string     `json:"word"`
	Since    *time.Time `json:"since,omitempty"`
	Until    *time.Time `json:"until,omitempty"`
	Actor    string     `json:"actor" doc:"Who must act: nobody, person, operator, typist"`
	Next     string     `json:"next,omitempty" doc:"The next step, in words"`
	Problem  bool       `json:"problem" doc:"A person should open its re-authorization"`
	Running  bool       `json:"running" doc:"A pull is under way"`
	Readable int        `json:"readable" doc:"Enabled tables that can be read"`
	Enabled  int        `json:"enabled"`
	Incident *Incident  `json:"incident,omitempty" doc:"The one that decides"`
}

// Authorization is what a person granted, without its secrets.
type Authorization struct {
	Form        string            `json:"form"`
	Settings    map[string]string `json:"settings" doc:"The form's values that are not secret"`
	Public      map[string]string `json:"public,omitempty" doc:"Public halves of generated keys, by field"`
	Account     string            `json:"account,omitempty"`
	User        string            `json:"user,omitempty"`
	Fingerprint string            `json:"fingerprint,omitempty"`
	Facts       map[string]string `json:"facts,omitempty"`
	Warnings    []string          `json:"warnings,omitempty"`
	Expiries    []Expiry          `json:"expiries,omitempty"`
	Granted     time.Time         `json:"granted"`
	By          string            `json:"by,omitempty"`
	Verified    *time.Time        `json:"verified,omitempty" doc:"When it last proved itself"`
}

// Draft is what a connection that is not finished has so far.
type Draft struct {
	Form     string            `json:"form"`
	Settings map[string]string `json:"settings,omitempty"`
	Public   map[string]string `json:"public,omitempty" doc:"Public halves of generated keys, by field: install them at the third party"`
	Guide    []Instruction     `json:"guide,omitempty"`
}

// Expiry is a date on which a person will be needed.
type Expiry struct {
	What   string    `json:"what"`
	At     time.Time `json:"at"`
	Source string    `json:"source" doc:"How it is known"`
}

// Incident is a time in which something is wrong.
type Incident struct {
	ID          string            `json:"id"`
	Integration string            `json:"integration" doc:"Its id"`
	Table       string            `json:"table,omitempty" doc:"Absent: the whole authorization"`
	Cause       string            `json:"cause" doc:"outage, expired, access_changed, ours, throttled, invalid, unknown"`
	Code        string            `json:"code"`
	Public      string            `json:"public" doc:"What happened and what to do"`
	Step        string            `json:"step,omitempty"`
	Actor       string            `json:"actor"`
	Confidence  string            `json:"confidence,omitempty" doc:"certain, likely, unsure"`
	Evidence    []Evidence        `json:"evidence,omitempty"`
	Facts       map[string]string `json:"facts,omitempty"`
	Opened      time.Time         `json:"opened"`
	Last        time.Time         `json:"last"`
	Count       int               `json:"count"`
	RetryAt     *time.Time        `json:"retry_at,omitempty"`
	Closed      *time.Time        `json:"closed,omitempty"`
	Resolution  string            `json:"resolution,omitempty"`
}

// Evidence is one observation that a verdict rests on.
type Evidence struct {
	Kind   string     `json:"kind"`
	Text   string     `json:"text"`
	Points string     `json:"points" doc:"supports, contradicts, neutral"`
	Seen   *time.Time `json:"seen,omitempty"`
}

// Gap is what an incident kept from being read, of one table.
type Gap struct {
	ID          string     `json:"id"`
	Integration string     `json:"integration"`
	Table       string     `json:"table"`
	Incident    string     `json:"incident,omitempty"`
	From        *time.Time `json:"from,omitempty"`
	To          *time.Time `json:"to,omitempty"`
	Closed      *time.Time `json:"closed,omitempty"`
	Receipt     *Receipt   `json:"receipt,omitempty"`
}

// Receipt proves that a gap was filled.
type Receipt struct {
	Pull          string    `json:"pull"`
	Rows          int64     `json:"rows"`
	Bytes         int64     `json:"bytes"`
	SourceRows    int64     `json:"source_rows" doc:"-1: the source cannot count"`
	WarehouseRows int64     `json:"warehouse_rows"`
	Exact         bool      `json:"exact"`
	Note          string    `json:"note,omitempty"`
	At            time.Time `json:"at"`
}

// Pull is one reading of one integration.
type Pull struct {
	ID          string        `json:"id"`
	Integration string        `json:"integration"`
	Trigger     string        `json:"trigger" doc:"schedule, person, repair, retry"`
	By          string        `json:"by,omitempty"`
	Started     time.Time     `json:"started"`
	Ended       *time.Time    `json:"ended,omitempty"`
	Outcome     string        `json:"outcome" doc:"running, succeeded, partly, failed, interrupted"`
	Rows        int64         `json:"rows"`
	Bytes       int64         `json:"bytes"`
	Tables      []TableResult `json:"tables,omitempty"`
}

// TableResult is one table's part of a pull.
type TableResult struct {
	Table    string  `json:"table"`
	Rows     int64   `json:"rows"`
	Bytes    int64   `json:"bytes"`
	Inserted int64   `json:"inserted"`
	Updated  int64   `json:"updated"`
	Deleted  int64   `json:"deleted"`
	Seconds  float64 `json:"seconds"`
	Code     string  `json:"code,omitempty" doc:"Of its fault; absent: it was read"`
	Public   string  `json:"public,omitempty"`
	Note     string  `json:"note,omitempty"`
}

// Event is a line of a timeline.
type Event struct {
	ID          string            `json:"id"`
	Integration string            `json:"integration,omitempty"`
	At          time.Time         `json:"at"`
	Kind        string            `json:"kind"`
	By          string            `json:"by,omitempty"`
	Text        string            `json:"text"`
	Facts       map[string]string `json:"facts,omitempty"`
}
