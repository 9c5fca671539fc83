package connector

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[secret]"

// Secret is text that no formatter, logger or encoder prints. It keeps its
// value behind a pointer: fmt cannot call methods on unexported fields, so a
// plain string would print from inside a struct.
type Secret struct {
	p       *string
	compute *func() string // behind a pointer, so that secrets stay comparable
}

// NewSecret wraps a plain value.
func NewSecret(plain string) Secret { return Secret{p: &plain} }

// NewSecretFunc makes a secret that is computed each time it is revealed, such
// as a token that holds for minutes only. The function must be safe for use by
// several goroutines.
func NewSecretFunc(compute func() string) Secret { return Secret{compute: &compute} }

// Reveal returns the plain value. Call it only in the call that uses it.
func (s Secret) Reveal() string {
	switch {
	case s.compute != nil:
		return (*s.compute)()
	case s.p == nil:
		return ""
	}
	return *s.p
}

// Empty says whether there is nothing to reveal. A computed secret counts as
// there without being computed.
func (s Secret) Empty() bool { return s.compute == nil && (s.p == nil || *s.p == "") }

// Format prints a placeholder for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue logs a placeholder.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText encodes a placeholder.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
