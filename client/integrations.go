package client

import (
	"context"
	"net/http"
	"net/url"
)

// Integrations returns every integration, by name.
func (c *Client) Integrations(ctx context.Context) ([]Integration, error) {
	var out List[Integration]
	err := c.call(ctx, http.MethodGet, "integrations", nil, nil, &out)
	return out.Items, err
}

// Integration returns one, with tables, open incidents and open gaps.
func (c *Client) Integration(ctx context.Context, slug string) (Integration, error) {
	return c.one(ctx, http.MethodGet, at(slug, ""), nil)
}

// Change renames an integration or changes its interval.
func (c *Client) Change(ctx context.Context, slug string, change IntegrationChange) (Integration, error) {
	return c.one(ctx, http.MethodPatch, at(slug, ""), change)
}

// Probe proves the authorization now, on a fresh connection.
func (c *Client) Probe(ctx context.Context, slug string) (Integration, error) {
	return c.one(ctx, http.MethodPost, at(slug, "probe"), nil)
}

// Pause stops the updates of an integration.
func (c *Client) Pause(ctx context.Context, slug string) (Integration, error) {
	return c.one(ctx, http.MethodPost, at(slug, "pause"), nil)
}

// Resume begins them again.
func (c *Client) Resume(ctx context.Context, slug string) (Integration, error) {
	return c.one(ctx, http.MethodPost, at(slug, "resume"), nil)
}

// Update asks for a pull now and returns the integration as it was before.
func (c *Client) Update(ctx context.Context, slug string) (Integration, error) {
	return c.one(ctx, http.MethodPost, at(slug, "updates"), nil)
}

// Remove forgets an integration; its rows stay in the warehouse.
func (c *Client) Remove(ctx context.Context, slug string) error {
	return c.call(ctx, http.MethodDelete, at(slug, ""), nil, nil, nil)
}

func (c *Client) one(ctx context.Context, method, path string, in any) (Integration, error) {
	var out Integration
	err := c.call(ctx, method, path, url.Values(nil), in, &out)
	return out, err
}
