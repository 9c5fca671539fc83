package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/regrant/regrant/client"
)

// until polls the integration until it is as wanted.
func (s *stage) until(ctx context.Context, limit time.Duration, what string, wanted func(client.Integration) bool) (client.Integration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errors.New(what+" did not happen within "+limit.String()))
	defer cancel()
	for {
		in, err := s.product.api.Integration(ctx, slug)
		if err == nil && wanted(in) {
			return in, nil
		}
		select {
		case <-ctx.Done():
			return in, fmt.Errorf("%w; its state is %q, its last pull %s", context.Cause(ctx), in.Status.State, describe(in.LastPull))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func describe(p *client.Pull) string {
	if p == nil {
		return "none"
	}
	text := p.Outcome
	for _, t := range p.Tables {
		if t.Public != "" {
			text += "; " + t.Table + ": " + t.Public
		}
	}
	return text
}

// pulled waits for the end of a pull that began after the one given.
func (s *stage) pulled(ctx context.Context, after string) (client.Integration, error) {
	return s.until(ctx, 5*time.Minute, "a complete pull", func(in client.Integration) bool {
		return in.LastPull != nil && in.LastPull.ID != after && in.LastPull.Outcome == "succeeded" && !in.Status.Running
	})
}

// lastPull is the id of the newest pull, or "".
func (s *stage) lastPull(ctx context.Context) string {
	in, err := s.product.api.Integration(ctx, slug)
	if err != nil || in.LastPull == nil {
		return ""
	}
	return in.LastPull.ID
}
