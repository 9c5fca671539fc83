package client

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Account is a person who signs in.
type Account struct {
	ID      string    `json:"id"`
	Email   string    `json:"email"`
	Role    string    `json:"role" doc:"admin, standard, read_only"`
	Created time.Time `json:"created"`
}

// Token is an API token, without what it opens.
type Token struct {
	ID       string     `json:"id"`
	Name     string     `json:"name" doc:"What it is for"`
	Role     string     `json:"role" doc:"admin, standard, read_only"`
	MadeBy   string     `json:"made_by"`
	Created  time.Time  `json:"created"`
	LastUsed *time.Time `json:"last_used,omitempty"`
}

// NewToken asks for an API token.
type NewToken struct {
	Name string `json:"name" minLength:"1" maxLength:"100"`
	Role string `json:"role" enum:"read_only,standard,admin"`
}

// MadeToken is a new API token with its text, which is shown only this once.
type MadeToken struct {
	Token
	Text string `json:"text" doc:"Send it as Authorization: Bearer; it is not shown again"`
}

// People returns who signs in; it needs the role admin.
func (c *Client) People(ctx context.Context) ([]Account, error) {
	var out List[Account]
	err := c.call(ctx, http.MethodGet, "people", nil, nil, &out)
	return out.Items, err
}

// Tokens returns the API tokens; it needs the role admin.
func (c *Client) Tokens(ctx context.Context) ([]Token, error) {
	var out List[Token]
	err := c.call(ctx, http.MethodGet, "tokens", nil, nil, &out)
	return out.Items, err
}

// CreateToken makes an API token; it needs the role admin.
func (c *Client) CreateToken(ctx context.Context, n NewToken) (MadeToken, error) {
	var out MadeToken
	err := c.call(ctx, http.MethodPost, "tokens", nil, n, &out)
	return out, err
}

// RevokeToken ends an API token at once; it needs the role admin.
func (c *Client) RevokeToken(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, "tokens/"+url.PathEscape(id), nil, nil, nil)
}
