package client

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a secret value on its way to the server. JSON carries it, since
// that is how it travels; no formatter and no logger prints it.
type Secret string

// Format prints a placeholder for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[secret]") }

// LogValue logs a placeholder.
func (Secret) LogValue() slog.Value { return slog.StringValue("[secret]") }
