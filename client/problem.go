package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Problem is an error of the API, after RFC 9457.
type Problem struct {
	Type      string         `json:"type,omitempty" example:"about:blank"`
	Title     string         `json:"title"`
	Status    int            `json:"status"`
	Detail    string         `json:"detail,omitempty"`
	Cause     string         `json:"cause,omitempty" doc:"outage, expired, access_changed, ours, throttled, invalid, unknown"`
	Code      string         `json:"code" doc:"Names what happened; programs act on it"`
	Public    string         `json:"public" doc:"What happened and what to do, for people"`
	Reference string         `json:"reference,omitempty" doc:"Find it in the server's log"`
	Errors    []FieldProblem `json:"errors,omitempty"`

	// RetryAfter is how long the server asked to wait, from its header.
	RetryAfter time.Duration `json:"-"`
}

// FieldProblem is what is wrong with one value.
type FieldProblem struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// Error is what happened, in words.
func (p *Problem) Error() string {
	text := p.Public
	if text == "" {
		text = p.Title
	}
	if p.Reference != "" {
		text += " (reference " + p.Reference + ")"
	}
	return text
}

// ContentType names the media type of a problem.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ProblemOf finds the Problem in err's chain, or nil.
func ProblemOf(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	return nil
}

// IsNotFound says whether the API does not know what was asked for.
func IsNotFound(err error) bool {
	p := ProblemOf(err)
	return p != nil && p.Status == http.StatusNotFound
}

// ConnectError means that the server could not be reached.
type ConnectError struct{ Err error }

// Error says so.
func (e *ConnectError) Error() string { return "cannot reach the server: " + e.Err.Error() }

// Unwrap gives the reason.
func (e *ConnectError) Unwrap() error { return e.Err }

// problemFrom reads an error reply; one that is not the API's own (a proxy's
// page) becomes a Problem of its status alone.
func problemFrom(resp *http.Response) error {
	p := &Problem{}
	err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(p)
	if err != nil || p.Code == "" {
		p = &Problem{Title: http.StatusText(resp.StatusCode), Code: "http",
			Public: fmt.Sprintf("The server answered %s, and not as Regrant does: check its address.", resp.Status)}
	}
	p.Status = resp.StatusCode
	if wait, err := time.ParseDuration(resp.Header.Get("Retry-After") + "s"); err == nil && wait > 0 {
		p.RetryAfter = wait
	}
	return p
}
