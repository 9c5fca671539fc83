package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// NewIntegration begins a connection.
type NewIntegration struct {
	Connector string `json:"connector" minLength:"1" maxLength:"64"`
	Name      string `json:"name" minLength:"1" maxLength:"200"`
	Form      string `json:"form,omitempty" maxLength:"64" doc:"Absent: the connector's recommended one"`
}

// IntegrationChange changes an integration; absent parts stay.
type IntegrationChange struct {
	Name         *string `json:"name,omitempty" minLength:"1" maxLength:"200"`
	EverySeconds *int64  `json:"every_seconds,omitempty" minimum:"60" maximum:"31536000"`
}

// Submission is a filled form. Secrets that are absent keep what is sealed.
type Submission struct {
	Form            string            `json:"form,omitempty" maxLength:"64"`
	Settings        map[string]string `json:"settings,omitempty"`
	Secrets         map[string]Secret `json:"secrets,omitempty" doc:"Write-only"`
	Tables          []string          `json:"tables,omitempty" maxItems:"10000" doc:"To enable at the first connection; absent: all that can be read"`
	PauseUnreadable bool              `json:"pause_unreadable,omitempty" doc:"Go on without the tables that cannot be read any more"`
}

// Check is one line of the checklist.
type Check struct {
	Step  string `json:"step" doc:"form, reach, trust, sign_in, account, privileges, read"`
	Table string `json:"table,omitempty"`
	State string `json:"state" doc:"waiting, running, passed, failed, skipped"`
	Text  string `json:"text"`
	Fault *Fault `json:"fault,omitempty"`
}

// Failed says whether the check failed.
func (c Check) Failed() bool { return c.State == "failed" }

// Fault is what went wrong and what to do about it.
type Fault struct {
	Cause        string            `json:"cause"`
	Code         string            `json:"code"`
	Public       string            `json:"public"`
	Step         string            `json:"step,omitempty"`
	Table        string            `json:"table,omitempty"`
	RetrySeconds int64             `json:"retry_seconds,omitempty"`
	Facts        map[string]string `json:"facts,omitempty"`
}

// Verification is what proving a new authorization gave.
type Verification struct {
	Swapped     bool        `json:"swapped" doc:"false: nothing was changed, the checks say why"`
	Checks      []Check     `json:"checks"`
	Integration Integration `json:"integration"`
}

// Cause returns the cause of the first failed check, or "".
func (v Verification) Cause() string {
	for _, check := range v.Checks {
		if check.Failed() && check.Fault != nil {
			return check.Fault.Cause
		}
	}
	return ""
}

// Begin makes an integration that is not finished.
func (c *Client) Begin(ctx context.Context, n NewIntegration) (Integration, error) {
	var out Integration
	err := c.call(ctx, http.MethodPost, "integrations", nil, n, &out)
	return out, err
}

// Authorize proves a filled form and swaps it in when every check passed.
func (c *Client) Authorize(ctx context.Context, slug string, s Submission) (Verification, error) {
	var out Verification
	err := c.call(ctx, http.MethodPost, at(slug, "authorize"), nil, s, &out)
	return out, err
}

// AuthorizeLive is Authorize that reports every check as it goes.
func (c *Client) AuthorizeLive(ctx context.Context, slug string, s Submission, report func(Check)) (Verification, error) {
	return c.verifyLive(ctx, at(slug, "authorize"), s, report)
}

// Undo goes back to the authorization before the last one, proven first.
func (c *Client) Undo(ctx context.Context, slug string, report func(Check)) (Verification, error) {
	return c.verifyLive(ctx, at(slug, "undo"), nil, report)
}

func (c *Client) verifyLive(ctx context.Context, path string, body any, report func(Check)) (Verification, error) {
	resp, err := c.send(ctx, http.MethodPost, path, nil, body, "text/event-stream")
	if err != nil {
		return Verification{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	var out *Verification
	err = readEvents(resp.Body, func(event string, data []byte) error {
		switch event {
		case "check":
			var check Check
			if err := json.Unmarshal(data, &check); err != nil {
				return fmt.Errorf("read a check: %w", err)
			}
			if report != nil {
				report(check)
			}
		case "done":
			out = new(Verification)
			return json.Unmarshal(data, out)
		case "problem":
			var p Problem
			if err := json.Unmarshal(data, &p); err != nil {
				return fmt.Errorf("read a problem: %w", err)
			}
			return &p
		}
		return nil
	})
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return Verification{}, err
	case out == nil:
		return Verification{}, errors.New("the server ended the checks without a result: try again")
	}
	return *out, nil
}
