package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// Filter selects history.
type Filter struct {
	Integration string // slug or id; empty: all
	OpenOnly    bool   // of incidents and gaps
	Audit       bool   // of events: with those that only an audit wants
	Limit       int    // 0: 100; at most 1,000
}

func (f Filter) query() url.Values {
	q := url.Values{}
	if f.Integration != "" {
		q.Set("integration", f.Integration)
	}
	if f.OpenOnly {
		q.Set("open", "true")
	}
	if f.Audit {
		q.Set("audit", "true")
	}
	if f.Limit > 0 {
		q.Set("limit", strconv.Itoa(f.Limit))
	}
	return q
}

// Incidents returns incidents, newest first.
func (c *Client) Incidents(ctx context.Context, f Filter) ([]Incident, error) {
	var out List[Incident]
	err := c.call(ctx, http.MethodGet, "incidents", f.query(), nil, &out)
	return out.Items, err
}

// Gaps returns gaps, newest first.
func (c *Client) Gaps(ctx context.Context, f Filter) ([]Gap, error) {
	var out List[Gap]
	err := c.call(ctx, http.MethodGet, "gaps", f.query(), nil, &out)
	return out.Items, err
}

// Events returns events, newest first.
func (c *Client) Events(ctx context.Context, f Filter) ([]Event, error) {
	var out List[Event]
	err := c.call(ctx, http.MethodGet, "events", f.query(), nil, &out)
	return out.Items, err
}

// Pulls returns pulls, newest first.
func (c *Client) Pulls(ctx context.Context, f Filter) ([]Pull, error) {
	var out List[Pull]
	err := c.call(ctx, http.MethodGet, "pulls", f.query(), nil, &out)
	return out.Items, err
}
