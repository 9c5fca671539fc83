package connector

import (
	"errors"
	"fmt"
	"time"
)

// Cause is why something does not work; it decides who must act.
type Cause uint8 // stored and shown: append only, never reorder

// The causes.
const (
	Unknown       Cause = iota // the honest zero: never seen before
	Outage                     // the third party is down or refuses everyone
	Expired                    // a token, key or password ran out
	AccessChanged              // revoked, role lost, password or plan or host key changed
	Invalid                    // what was entered has never worked
	Ours                       // our bug, our network, our disk
	Throttled                  // rate limit or quota; passes by itself
)

var causeNames = [...]string{"unknown", "outage", "expired", "access_changed", "invalid", "ours", "throttled"}

func (c Cause) String() string {
	if int(c) < len(causeNames) {
		return causeNames[c]
	}
	return fmt.Sprintf("cause(%d)", uint8(c))
}

// ParseCause is the inverse of String.
func ParseCause(s string) (Cause, error) {
	for i, name := range causeNames {
		if name == s {
			return Cause(i), nil
		}
	}
	return Unknown, fmt.Errorf("no cause is called %q", s)
}

// MarshalText writes the name.
func (c Cause) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads a name.
func (c *Cause) UnmarshalText(b []byte) (err error) {
	*c, err = ParseCause(string(b))
	return err
}

// Scope is how much of an authorization a fault is about.
type Scope uint8

// The scopes.
const (
	WholeAuthorization Scope = iota
	OneTable                 // Fault.Table names it
)

// Step is how far an attempt had come. The same code means different things
// at different steps; a later step implies that the earlier ones passed.
type Step uint8

// The steps, in their order.
const (
	StepForm       Step = iota // the values themselves
	StepReach                  // names, routes, TCP, the SSH server answers
	StepTrust                  // TLS certificate, SSH host key
	StepSignIn                 // SSH login, password, database
	StepAccount                // the same account as before
	StepPrivileges             // what it may read
	StepRead                   // reading rows
)

var stepNames = [...]string{"form", "reach", "trust", "sign_in", "account", "privileges", "read"}

func (s Step) String() string {
	if int(s) < len(stepNames) {
		return stepNames[s]
	}
	return fmt.Sprintf("step(%d)", uint8(s))
}

// MarshalText writes the name.
func (s Step) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a name.
func (s *Step) UnmarshalText(b []byte) error {
	for i, name := range stepNames {
		if name == string(b) {
			*s = Step(i)
			return nil
		}
	}
	return fmt.Errorf("no step is called %q", b)
}

// Fault is an error together with what to do about it.
type Fault struct {
	Cause  Cause             // decides what the product does
	Code   string            // names what happened: "postgresql.login_refused"
	Public string            // for the person: plain words and a way out; no secrets
	Step   Step              // how far it had come
	Scope  Scope             // all of it, or one table
	Table  string            // of a OneTable fault
	Retry  time.Duration     // earliest useful retry; 0: the caller decides
	Facts  map[string]string // structured evidence: "sqlstate": "28P01"; no secrets
	Err    error             // for the operator: the evidence; never nil
}

func (f *Fault) Error() string {
	if f.Err == nil {
		return f.Code
	}
	return f.Code + ": " + f.Err.Error()
}

func (f *Fault) Unwrap() error { return f.Err }

// FaultOf finds the Fault in err's chain. An error without one is Unknown:
// nobody is asked to act on a guess.
func FaultOf(err error) *Fault {
	if err == nil {
		return nil
	}
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	return &Fault{Cause: Unknown, Code: "unclassified", Public: "Something happened that Regrant has not seen before.", Err: err}
}
