package job

import (
	"context"
	"log/slog"
)

// quiet passes on what River warns of. What it tells besides (clients started,
// leaders elected) says nothing to the operator of this product.
type quiet struct{ slog.Handler }

// Enabled says whether the level is passed on.
func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && q.Handler.Enabled(ctx, level)
}

// WithAttrs keeps the handler quiet.
func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }

// WithGroup keeps the handler quiet.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }
