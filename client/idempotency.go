package client

import "context"

type idempotencyKey struct{}

// WithIdempotencyKey makes the writes of a context safe to repeat: with the
// same key the server carries a write out once and answers the same again.
func WithIdempotencyKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, idempotencyKey{}, key)
}
