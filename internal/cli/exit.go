package cli

import (
	"errors"

	"github.com/regrant/regrant/client"
)

// The exit statuses.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitReauthorize = 3 // a person must re-authorize
	exitWaiting     = 4 // for a third party
	exitOurs        = 5 // our fault: the operator must act
)

// statusError is an error with its own exit status. Quiet ones were told
// already.
type statusError struct {
	status int
	quiet  bool
	err    error
}

func (e *statusError) Error() string { return e.err.Error() }
func (e *statusError) Unwrap() error { return e.err }

func usage(err error) error { return &statusError{status: exitUsage, err: err} }

// told ends with a status after everything was printed.
func told(status int) error {
	if status == exitDone {
		return nil
	}
	return &statusError{status: status, quiet: true, err: errors.New("told before")}
}

// byCause is the one table from causes to exit statuses.
func byCause(cause string) int {
	switch cause {
	case "expired", "access_changed":
		return exitReauthorize
	case "outage", "throttled":
		return exitWaiting
	case "ours", "unknown":
		return exitOurs
	default: // invalid, or none
		return exitFailed
	}
}

// byState is what the state of an integration means for a script.
func byState(s client.Status) int {
	switch s.State {
	case "needs_reauthorization", "needs_configuration", "not_finished":
		return exitReauthorize
	case "waiting", "throttled", "retired":
		return exitWaiting
	case "our_fault", "unknown":
		return exitOurs
	case "degraded":
		if s.Incident != nil {
			return byCause(s.Incident.Cause)
		}
		return exitFailed
	default:
		return exitDone
	}
}

// worse keeps the status that needs somebody most.
func worse(a, b int) int {
	rank := map[int]int{exitDone: 0, exitFailed: 1, exitWaiting: 2, exitReauthorize: 3, exitOurs: 4, exitUsage: 5}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

// exitOf is the status of an error.
func exitOf(err error) int {
	var own *statusError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &own):
		return own.status
	}
	if p := client.ProblemOf(err); p != nil {
		switch {
		case len(p.Errors) > 0: // values that are not right are a matter of how it was called
			return exitUsage
		case p.Cause != "":
			return byCause(p.Cause)
		case p.Status >= 500:
			return exitOurs
		}
	}
	return exitFailed
}
