package mysql

import (
	"encoding/json"
	"fmt"

	"github.com/regrant/regrant/connector"
)

// position is how far a table has been read, as it is stored: JSON. Values of
// the source are texts in the source's own syntax. Fields may be added in
// later versions, never renamed or removed.
type position struct {
	Version int    `json:"v"`
	Method  string `json:"m"`
	Column  string `json:"c,omitempty"`

	Done *mark `json:"done,omitempty"` // everything up to here was delivered
	Run  *run  `json:"run,omitempty"`  // a reading that is under way

	Ranges []span `json:"ranges,omitempty"` // of PrimaryKeyBatch, in key order
	Rows   int64  `json:"rows,omitempty"`   // of FullTable, delivered so far
}

// mark is a point in the source's history: a value of the followed column, and
// what the rows just below it looked like then.
//
// Rows become visible when their transaction commits, not when their date or
// number is given out; so "greater than the last one" misses late commits.
// MySQL does not say which transaction wrote a row. Instead the mark remembers
// a window below it, wide enough for what was running, with the number of rows
// in it and hashes of them, in up to 256 heaps. Only the heaps
// that have changed by the next time are read again.
type mark struct {
	High   string            `json:"high"`            // the followed column, up to and including; "" before the first row
	Since  string            `json:"since,omitempty"` // where the window begins
	Window map[string]string `json:"w,omitempty"`     // heaps: see tally
	Odd    map[string]string `json:"o,omitempty"`     // heaps of rows without a date that could be followed
	Of     string            `json:"of,omitempty"`    // what rows were hashed by

	Past []moment `json:"past,omitempty"` // of AutoIncrement: earlier marks, oldest first
}

// moment is when a number was the highest, by the server's clock.
type moment struct {
	At   int64  `json:"t"`
	High string `json:"high"`
}

// run is a reading under way: it goes on after the row named by After.
type run struct {
	Phase string   `json:"phase"`
	Next  *mark    `json:"next,omitempty"` // what Done becomes at the end
	After []string `json:"after,omitempty"`
	Index int      `json:"index,omitempty"` // of PrimaryKeyBatch: ranges that are settled
	Heaps []string `json:"heaps,omitempty"` // of a window: those that are read again
	Of    string   `json:"of,omitempty"`    // of a window: what its rows were hashed by
}

// span is a range of keys that ends with Through, the last one without end,
// and what was in it.
type span struct {
	Through []string `json:"through,omitempty"`
	Rows    int64    `json:"n"`
	Sum     uint64   `json:"h,string"`
}

const positionVersion = 1

// The bounds of what parsePosition accepts.
const positionBytes = 16 << 20

func parsePosition(p connector.Position) (position, error) {
	var pos position
	if p == "" {
		return pos, nil
	}
	if err := decode(p, &pos); err != nil {
		return pos, err
	}
	if pos.Version != positionVersion {
		return pos, versionError(pos.Version)
	}
	if pos.Run != nil && (pos.Run.Index < 0 || pos.Run.Index > len(pos.Ranges)) {
		return pos, fmt.Errorf("a position at range %d of %d", pos.Run.Index, len(pos.Ranges))
	}
	return pos, nil
}

func decode(p connector.Position, into any) error {
	if len(p) > positionBytes {
		return fmt.Errorf("a position of %d bytes", len(p))
	}
	if err := json.Unmarshal([]byte(p), into); err != nil {
		return fmt.Errorf("the position is not JSON of ours: %w", err)
	}
	return nil
}

func versionError(v int) error {
	return fmt.Errorf("a position of version %d; this release knows version %d", v, positionVersion)
}

func (p position) text() connector.Position {
	p.Version = positionVersion
	b, err := json.Marshal(p)
	if err != nil { // cannot happen: texts and numbers only
		return ""
	}
	return connector.Position(b)
}

// passPosition is how far a PassKeys or PassColumns came.
type passPosition struct {
	Version int      `json:"v"`
	Pass    string   `json:"p"`
	After   []string `json:"after,omitempty"`
	Ended   bool     `json:"ended,omitempty"`
}

func parsePass(p connector.Position) (passPosition, error) {
	var pos passPosition
	if p == "" {
		return pos, nil
	}
	if err := decode(p, &pos); err != nil {
		return pos, err
	}
	if pos.Version != positionVersion {
		return pos, versionError(pos.Version)
	}
	return pos, nil
}

func (p passPosition) text() connector.Position {
	p.Version = positionVersion
	b, err := json.Marshal(p)
	if err != nil {
		return ""
	}
	return connector.Position(b)
}

func positionFault(table string, err error) *connector.Fault {
	return &connector.Fault{Cause: connector.Ours, Code: id + ".position", Step: connector.StepRead, Scope: connector.OneTable, Table: table,
		Public: "The stored place where reading goes on cannot be understood. Read the table from its start again.", Err: err}
}
