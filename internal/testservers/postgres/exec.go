package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"
)

// connect opens a superuser session over the socket, past pg_hba and TLS.
func (s *Server) connect(ctx context.Context, db string) (*pgconn.PgConn, error) {
	q := url.Values{"host": {s.dir}, "port": {strconv.Itoa(s.port)}, "sslmode": {"disable"}}
	u := url.URL{Scheme: "postgres", User: url.UserPassword(Superuser, s.password), Path: "/" + db, RawQuery: q.Encode()}
	return pgconn.Connect(ctx, u.String())
}

// ping asks with the template's password when the server has no own yet; a
// refused password is an answer, too.
func (s *Server) ping(ctx context.Context) error {
	conn, err := s.connect(ctx, "postgres")
	if err == nil {
		return conn.Close(ctx)
	}
	if isWrongPassword(err) {
		return nil
	}
	return err
}

// ExecIn runs statements in the database as superuser. One text may hold
// several statements; they then are one transaction.
func (s *Server) ExecIn(ctx context.Context, db string, sql ...string) error {
	conn, err := s.connect(ctx, db)
	if err != nil {
		return fmt.Errorf("connect to the test server: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, text := range sql {
		if _, err := conn.Exec(ctx, text).ReadAll(); err != nil {
			return fmt.Errorf("run %.200q: %w", text, err)
		}
	}
	return nil
}

// queryText gives the first value of the first row.
func (s *Server) queryText(ctx context.Context, sql string) (string, error) {
	conn, err := s.connect(ctx, "postgres")
	if err != nil {
		return "", fmt.Errorf("connect to the test server: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	results, err := conn.Exec(ctx, sql).ReadAll()
	if err != nil {
		return "", fmt.Errorf("run %.200q: %w", sql, err)
	}
	if len(results) == 0 || len(results[0].Rows) == 0 {
		return "", fmt.Errorf("run %.200q: no rows", sql)
	}
	return string(results[0].Rows[0][0]), nil
}
func isWrongPassword(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "28P01"
}
