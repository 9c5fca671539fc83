package mysql

import (
	"context"
	"fmt"
	"net"

	"github.com/regrant/regrant/connector/mysqlwire"
)

// Connect opens a session of root over the socket, past TLS and hosts. The
// database may be empty.
func (s *Server) Connect(ctx context.Context, database string) (*mysqlwire.Conn, error) {
	return mysqlwire.Connect(ctx, mysqlwire.Config{
		User: "root", Database: database, Program: "testserver",
		Dial: func(ctx context.Context) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", s.socket())
		},
	})
}

// ExecIn runs statements in the database as root, one text each.
func (s *Server) ExecIn(ctx context.Context, database string, sql ...string) error {
	conn, err := s.Connect(ctx, database)
	if err != nil {
		return fmt.Errorf("connect to the test server: %w", err)
	}
	defer conn.Close()
	for _, text := range sql {
		if err := conn.Exec(ctx, text); err != nil {
			return fmt.Errorf("run %.200q: %w", text, err)
		}
	}
	return nil
}
