package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Progress is how far a running pull is with one table.
type Progress struct {
	Integration    string  `json:"integration" doc:"Its id"`
	Table          string  `json:"table"`
	Rows           int64   `json:"rows"`
	Estimated      int64   `json:"estimated" doc:"-1: not known"`
	Bytes          int64   `json:"bytes"`
	ElapsedSeconds float64 `json:"elapsed_seconds"`
	RowsPerSecond  float64 `json:"rows_per_second"`
}

// Query is one statement that only reads.
type Query struct {
	SQL   string `json:"sql" minLength:"1" maxLength:"100000"`
	Limit int    `json:"limit,omitempty" minimum:"0" maximum:"100000" doc:"0: 1,000"`
}

// QueryResult is what a query gave.
type QueryResult struct {
	Columns   []QueryColumn `json:"columns"`
	Rows      [][]any       `json:"rows"`
	Truncated bool          `json:"truncated" doc:"There are more rows than the limit"`
}

// QueryColumn is a column of a result.
type QueryColumn struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// DoctorCheck is one thing that the server looked at in itself.
type DoctorCheck struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Text   string `json:"text"`
	Remedy string `json:"remedy,omitempty"`
}

// StreamEvent is one message of the live stream.
type StreamEvent struct {
	Kind        string     `json:"kind" doc:"changed, progress, resync"`
	Integration string     `json:"integration,omitempty"`
	Progress    []Progress `json:"progress,omitempty"`
	At          time.Time  `json:"at"`
}

// Progress returns how far running pulls are.
func (c *Client) Progress(ctx context.Context) ([]Progress, error) {
	var out List[Progress]
	err := c.call(ctx, http.MethodGet, "progress", nil, nil, &out)
	return out.Items, err
}

// Query runs a statement that only reads. Numbers arrive as json.Number.
func (c *Client) Query(ctx context.Context, q Query) (QueryResult, error) {
	var out QueryResult
	err := c.call(ctx, http.MethodPost, "query", nil, q, &out)
	return out, err
}

// Doctor asks the server to look at itself.
func (c *Client) Doctor(ctx context.Context) ([]DoctorCheck, error) {
	var out List[DoctorCheck]
	err := c.call(ctx, http.MethodGet, "doctor", nil, nil, &out)
	return out.Items, err
}

// Stream hands every live event to handle until ctx ends, the server ends the
// stream (nil), or handle returns an error.
func (c *Client) Stream(ctx context.Context, handle func(StreamEvent) error) error {
	resp, err := c.send(ctx, http.MethodGet, "stream", nil, nil, "text/event-stream")
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	return readEvents(resp.Body, func(_ string, data []byte) error {
		var e StreamEvent
		if err := json.Unmarshal(data, &e); err != nil {
			return fmt.Errorf("read an event: %w", err)
		}
		return handle(e)
	})
}
