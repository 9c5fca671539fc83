package postgresql

import (
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
)

// attempt says to the shared fault table what was tried.
func (s *source) attempt() sqlkit.Attempt {
	return sqlkit.Attempt{Host: s.route.Address(), TLS: s.tls}
}

// networkFault judges what did not come from PostgreSQL itself: names, routes,
// the tunnel, TLS, a connection that broke.
func (s *source) networkFault(err error, step connector.Step) *connector.Fault {
	if f := s.attempt().Fault(err); f != nil {
		return f
	}
	broken := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
	if broken || pgconn.Timeout(err) || pgconn.SafeToRetry(err) {
		return &connector.Fault{Cause: connector.Outage, Code: "postgresql.connection_lost", Step: step, Err: err,
			Public: "The connection to the server broke. It is tried again by itself."}
	}
	return &connector.Fault{Cause: connector.Unknown, Code: "postgresql.unknown", Step: step, Err: err,
		Public: "Something happened while talking to PostgreSQL that Regrant has not seen before. The evidence is kept."}
}
