package diagnose

import (
	"net"
	"slices"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

// observations is what the rules see beside the failure.
type observations struct {
	self      self
	ladder    ladder
	databases bool // the connector is of a database: two of them share no vendor
}

// self is our own side.
type self struct {
	clock    clock
	disk     disk
	names    []name
	controls []control
}

// about leaves out what is no independent witness of this failure: the address
// in question, other integrations on the same host, and those that are broken
// for a reason of their own.
func (s self) about(f integration.Failure) self {
	address := AddressOf(f.Integration)
	host, _, _ := net.SplitHostPort(address)
	broken := map[string]bool{}
	for _, n := range f.Others {
		broken[n.Integration] = n.Broken && n.Failing != connector.Ours
	}
	s.controls = slices.DeleteFunc(slices.Clone(s.controls), func(c control) bool {
		its, _, _ := net.SplitHostPort(c.address)
		return c.address == address || !c.operator && (its == host || broken[c.integration])
	})
	return s
}

// clock is our own clock.
type clock struct {
	wrong bool
	why   string // in words
}

// disk is the data directory.
type disk struct {
	tested bool
	full   bool
	broken bool // cannot be written for another reason
	free   uint64
	why    string
}

// name is a lookup at our own name server.
type name struct {
	host   string
	before bool // could be looked up before
	now    bool
}

// control is an address that is not in question.
type control struct {
	address     string
	before      bool // was reached before, or in use by a healthy integration
	now         bool
	operator    bool   // named by the operator
	integration string // whose address it is, unless the operator named it
}

// counted are the controls that say something: those that worked before.
func (s self) counted() (up, down []control) {
	for _, c := range s.controls {
		switch {
		case c.now:
			up = append(up, c)
		case c.before:
			down = append(down, c)
		}
	}
	return up, down
}

// namesLost says whether names that could be looked up before cannot now, and
// none can.
func (s self) namesLost() bool {
	lost := false
	for _, n := range s.names {
		if n.now {
			return false
		}
		lost = lost || n.before
	}
	return lost
}

// ladder is how far this third party can be reached without any credential.
type ladder struct {
	tested  bool
	address string
	name    bool // its name could be looked up, or is an address
	tcp     bool
	took    time.Duration
	why     string // what stopped it, in words
}

func (l ladder) ok() bool { return l.tested && l.tcp }
