package mysqlwire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/regrant/regrant/connector"
)

// Config says how to reach a server and as whom to sign in.
type Config struct {
	Dial     func(context.Context) (net.Conn, error)
	User     string
	Password connector.Secret
	Database string      // may be empty
	TLS      *tls.Config // nil: no TLS
	Fallback bool        // go on without TLS if the server cannot do it
	Program  string      // shown in the server's list of sessions
}

// Conn is a session. It is used by one goroutine at a time.
type Conn struct {
	stream  *stream
	id      uint32
	version string
	secure  bool
	broken  bool
	fields  [][]byte
}

// Connect signs in. The context is for signing in only.
func Connect(ctx context.Context, cfg Config) (*Conn, error) {
	c, err := connect(ctx, cfg, cfg.TLS)
	var failed *handshakeError
	if cfg.Fallback && errors.As(err, &failed) {
		return connect(ctx, cfg, nil)
	}
	return c, err
}

func connect(ctx context.Context, cfg Config, conf *tls.Config) (*Conn, error) {
	raw, err := cfg.Dial(ctx)
	if err != nil {
		return nil, err
	}
	c := &Conn{stream: newStream(raw)}
	err = c.guarded(ctx, func() error { return c.signIn(ctx, cfg, conf) })
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	return c, nil
}

// guarded runs an exchange that ends at once when ctx ends: the connection is
// then of no further use.
func (c *Conn) guarded(ctx context.Context, exchange func() error) error {
	if err := ctx.Err(); err != nil {
		return stopped(ctx)
	}
	if c.broken {
		return net.ErrClosed
	}
	conn := c.stream.conn
	fired := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(fired)
		_ = conn.SetDeadline(time.Unix(1, 0))
	})
	err := exchange()
	if !stop() {
		<-fired
		c.broken = true
		if err != nil {
			return errors.Join(stopped(ctx), err)
		}
		return nil
	}
	var refused *Error
	if err != nil && !errors.As(err, &refused) {
		c.broken = true
	}
	return err
}

// stopped names the cause that the caller gave, and what the context says.
func stopped(ctx context.Context) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, ctx.Err()) {
		return cause
	}
	return fmt.Errorf("%w: %w", ctx.Err(), cause)
}

// Version is how the server names itself: "9.7.4", "10.11.19-MariaDB".
func (c *Conn) Version() string { return c.version }

// MariaDB says whether the server is one.
func (c *Conn) MariaDB() bool { return strings.Contains(c.version, "MariaDB") }

// ID is the number of the session on the server.
func (c *Conn) ID() uint32 { return c.id }

// TLS says whether the session is encrypted.
func (c *Conn) TLS() bool { return c.secure }

// Received is the number of bytes that the server has sent.
func (c *Conn) Received() int64 { return c.stream.received }

// Broken says that the session is of no further use.
func (c *Conn) Broken() bool { return c.broken }

const (
	comQuit  = 1
	comQuery = 3
)

// Close says goodbye and ends the connection.
func (c *Conn) Close() error {
	if c == nil {
		return nil
	}
	if !c.broken {
		_ = c.stream.conn.SetDeadline(time.Now().Add(time.Second))
		_ = c.stream.command(comQuit, "")
	}
	c.broken = true
	if err := c.stream.conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close a connection to MySQL: %w", err)
	}
	return nil
}
