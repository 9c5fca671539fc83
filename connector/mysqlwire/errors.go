package mysqlwire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Error is what the server answered instead of a result.
type Error struct {
	Code    uint16
	State   string // SQLSTATE; empty before the protocol is settled
	Message string // may quote names and values
}

func (e *Error) Error() string {
	if e.State == "" {
		return fmt.Sprintf("error %d: %s", e.Code, e.Message)
	}
	return fmt.Sprintf("error %d (%s): %s", e.Code, e.State, e.Message)
}

// PluginError says that the server asks for a way to sign in that this package
// does not know, or will not take.
type PluginError struct {
	Plugin string
	Plain  bool // it is known, but would send the password readable for everyone
}

func (e *PluginError) Error() string {
	if e.Plain {
		return fmt.Sprintf("the server wants the password in plain text (%s) on a connection without TLS", e.Plugin)
	}
	return fmt.Sprintf("the server wants to sign in by %q", e.Plugin)
}

var (
	// ErrNoTLS says that TLS is wanted and the server does not offer it.
	ErrNoTLS = errors.New("the server does not offer TLS")
	// ErrProtocol says that the other side does not keep to the protocol.
	ErrProtocol = errors.New("not the protocol of MySQL")
)

func malformed(what string) error { return fmt.Errorf("%w: %s", ErrProtocol, what) }

// parseError reads an error packet. Before the handshake there is no SQLSTATE.
func parseError(p []byte) error {
	if len(p) < 3 {
		return malformed("a short error packet")
	}
	e := &Error{Code: binary.LittleEndian.Uint16(p[1:])}
	p = p[3:]
	if len(p) >= 6 && p[0] == '#' {
		e.State, p = string(p[1:6]), p[6:]
	}
	e.Message = string(p)
	return e
}
