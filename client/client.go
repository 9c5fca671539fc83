package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxReply bounds a reply.
const maxReply = 256 << 20

// Config says which server to talk to.
type Config struct {
	BaseURL    string       // "http://127.0.0.1:8080"
	Token      string       // an API token
	HTTPClient *http.Client // nil: one that follows no redirects
}

// Client talks to one server. It may be used by many goroutines.
type Client struct {
	base  *url.URL
	token string
	http  *http.Client
}

// List is how the API wraps several things.
type List[T any] struct {
	Items []T `json:"items"`
}

// New makes a Client.
func New(c Config) (*Client, error) {
	base, err := url.Parse(c.BaseURL)
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, errors.New("the server's address must look like https://regrant.example.com")
	}
	if base.User != nil {
		return nil, errors.New("the server's address must not hold a password: give the token by itself")
	}
	if c.HTTPClient == nil {
		c.HTTPClient = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	return &Client{base: base, token: c.Token, http: c.HTTPClient}, nil
}

// at is a path below one integration.
func at(slug, rest string) string {
	path := "integrations/" + url.PathEscape(slug)
	if rest != "" {
		path += "/" + rest
	}
	return path
}

// call sends a request and reads the JSON reply into out (nil: none).
func (c *Client) call(ctx context.Context, method, path string, query url.Values, in, out any) error {
	resp, err := c.send(ctx, method, path, query, in, "application/json")
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if out == nil || resp.StatusCode == http.StatusNoContent {
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
		return nil
	}
	decoder := json.NewDecoder(io.LimitReader(resp.Body, maxReply))
	decoder.UseNumber() // whole numbers of a query stay exact
	if err := decoder.Decode(out); err != nil {
		return fmt.Errorf("read the server's reply: %w", err)
	}
	return nil
}

// send returns the reply of a request that succeeded; the caller closes it.
func (c *Client) send(ctx context.Context, method, path string, query url.Values, in any, accept string) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		encoded, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("encode the request: %w", err)
		}
		body = bytes.NewReader(encoded)
	}
	address := strings.TrimSuffix(c.base.String(), "/") + "/api/v1/" + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	req.Header.Set("Accept", accept)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if key, ok := ctx.Value(idempotencyKey{}).(string); ok && method != http.MethodGet {
		req.Header.Set("Idempotency-Key", key)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	return c.do(req)
}

func (c *Client) do(req *http.Request) (*http.Response, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		var wrapped *url.Error // prints the whole address; the reason suffices
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		if ctxErr := req.Context().Err(); ctxErr != nil {
			return nil, context.Cause(req.Context())
		}
		return nil, &ConnectError{Err: err}
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		defer func() { _ = resp.Body.Close() }()
		return nil, problemFrom(resp)
	}
	return resp, nil
}
