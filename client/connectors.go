package client

import (
	"context"
	"net/http"
	"net/url"
)

// Connector is an entry of the catalogue: what can be connected and how.
type Connector struct {
	ID      string `json:"id" example:"postgresql"`
	Title   string `json:"title" example:"PostgreSQL"`
	Kind    string `json:"kind" enum:"database,account"`
	Summary string `json:"summary"`
	Docs    string `json:"docs,omitempty" doc:"The third party's own page on access"`
	Retired string `json:"retired,omitempty" doc:"Why it cannot be connected any more"`
	Forms   []Form `json:"forms" doc:"Ways to authorize, the recommended one first"`
}

// Form is one way to authorize.
type Form struct {
	ID     string        `json:"id"`
	Title  string        `json:"title"`
	Fields []Field       `json:"fields"`
	Guide  []Instruction `json:"guide,omitempty" doc:"What to do at the third party beforehand"`
}

// Field is one value of a form.
type Field struct {
	Name     string     `json:"name" example:"host"`
	Label    string     `json:"label"`
	Help     string     `json:"help,omitempty"`
	Group    string     `json:"group,omitempty"`
	Kind     string     `json:"kind" enum:"text,number,choice,toggle,block"`
	Secret   bool       `json:"secret" doc:"Write-only: it is sealed and never shown again"`
	Required bool       `json:"required" doc:"Only while its show condition holds"`
	Default  string     `json:"default,omitempty"`
	Choices  []Option   `json:"choices,omitempty"`
	Show     *Condition `json:"show,omitempty"`
	MaxBytes int        `json:"max_bytes"`
	Identity bool       `json:"identity" doc:"It names the account and cannot change in a re-authorization"`
	Generate string     `json:"generate,omitempty" doc:"The product makes this secret itself"`
}

// Option is one choice of a choice field.
type Option struct {
	Value string `json:"value"`
	Label string `json:"label"`
}

// Condition holds when the named field has one of the values.
type Condition struct {
	Field  string   `json:"field"`
	Values []string `json:"values"`
}

// Holds says whether the values meet the condition; nil always holds.
func (c *Condition) Holds(values map[string]string) bool {
	if c == nil || c.Field == "" {
		return true
	}
	for _, v := range c.Values {
		if values[c.Field] == v {
			return true
		}
	}
	return false
}

// Instruction is one thing to do at the third party.
type Instruction struct {
	Title string `json:"title"`
	Text  string `json:"text,omitempty"`
	Code  string `json:"code,omitempty" doc:"Ready to paste"`
	Lang  string `json:"lang,omitempty" doc:"Of code: sql, sh, text"`
}

// Connectors returns the catalogue.
func (c *Client) Connectors(ctx context.Context) ([]Connector, error) {
	var out List[Connector]
	err := c.call(ctx, http.MethodGet, "connectors", nil, nil, &out)
	return out.Items, err
}

// Connector returns one entry of the catalogue.
func (c *Client) Connector(ctx context.Context, id string) (Connector, error) {
	var out Connector
	err := c.call(ctx, http.MethodGet, "connectors/"+url.PathEscape(id), nil, nil, &out)
	return out, err
}
