package client

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Table is one table of an integration and how it is read.
type Table struct {
	Name       string             `json:"name" doc:"At the source"`
	Target     string             `json:"target" doc:"In the warehouse"`
	Enabled    bool               `json:"enabled"`
	Method     string             `json:"method" doc:"modified_at, auto_increment, add_date, primary_key_batch, full_table, paused"`
	Column     string             `json:"column,omitempty" doc:"That the method follows"`
	ByPerson   bool               `json:"by_person" doc:"A person chose the method"`
	Offers     []Offer            `json:"offers,omitempty" doc:"Possible methods, the recommended one first"`
	Key        []string           `json:"key"`
	Columns    []Column           `json:"columns,omitempty"`
	Excluded   []string           `json:"excluded,omitempty"`
	Rechecks   map[string]Recheck `json:"rechecks,omitempty" doc:"By column"`
	Estimated  int64              `json:"estimated" doc:"Rows at the source; -1: not known"`
	AllowEmpty bool               `json:"allow_empty"`
	Gone       bool               `json:"gone" doc:"No longer listed by the source"`
	Readable   bool               `json:"readable"`
	LastRead   *time.Time         `json:"last_read,omitempty"`
	LastPoint  *time.Time         `json:"last_point,omitempty"`
	LastRows   int64              `json:"last_rows"`
}

// Offer is a method that a table could be read with.
type Offer struct {
	Method string `json:"method"`
	Column string `json:"column,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Column is a column as last seen.
type Column struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Indexed bool   `json:"indexed"`
	Denied  bool   `json:"denied" doc:"This authorization may not read it"`
	Lossy   string `json:"lossy,omitempty" doc:"What the conversion loses"`
}

// Recheck is how often a column is compared with the source.
type Recheck struct {
	Every string     `json:"every" enum:"always,daily,weekly,monthly,once"`
	Last  *time.Time `json:"last,omitempty"`
}

// TableChange changes how a table is read; absent parts stay.
type TableChange struct {
	Enabled    *bool             `json:"enabled,omitempty"`
	Method     *string           `json:"method,omitempty" enum:"modified_at,auto_increment,add_date,primary_key_batch,full_table,paused"`
	Column     *string           `json:"column,omitempty" maxLength:"256"`
	Excluded   *[]string         `json:"excluded,omitempty" maxItems:"2000" doc:"Columns not to read; replaces the list"`
	Rechecks   map[string]string `json:"rechecks,omitempty" doc:"Column to always, daily, weekly, monthly, once; empty removes"`
	AllowEmpty *bool             `json:"allow_empty,omitempty" doc:"Confirms that the source may be empty"`
}

// Tables returns the tables of an integration.
func (c *Client) Tables(ctx context.Context, slug string) ([]Table, error) {
	var out List[Table]
	err := c.call(ctx, http.MethodGet, at(slug, "tables"), nil, nil, &out)
	return out.Items, err
}

// SetTable changes how a table is read.
func (c *Client) SetTable(ctx context.Context, slug, table string, change TableChange) (Table, error) {
	var out Table
	err := c.call(ctx, http.MethodPatch, at(slug, "tables/"+url.PathEscape(table)), nil, change, &out)
	return out, err
}

// Discover lists the source's tables afresh.
func (c *Client) Discover(ctx context.Context, slug string) ([]Table, error) {
	var out List[Table]
	err := c.call(ctx, http.MethodPost, at(slug, "discover"), nil, nil, &out)
	return out.Items, err
}
