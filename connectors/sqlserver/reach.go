package sqlserver

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	mssql "github.com/microsoft/go-mssqldb"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
)

// attempt says to the shared fault table what was tried.
func (s *source) attempt() sqlkit.Attempt {
	return sqlkit.Attempt{Host: s.route.Address(), TLS: s.tls}
}

// networkFault judges what did not come from SQL Server itself: names, routes,
// the tunnel, TLS, a connection that broke.
func (s *source) networkFault(err error, step connector.Step) *connector.Fault {
	if errors.Is(err, errHandshake) {
		return &connector.Fault{Cause: connector.AccessChanged, Code: id + ".tls_handshake", Step: connector.StepTrust, Err: err,
			Public: "The server and Regrant could not agree on how to encrypt. Ask its administrator whether the TLS settings were changed; TLS 1.2 or newer is needed, " +
				"and “strict” only works with SQL Server 2022 and later."}
	}
	if f := s.attempt().Fault(err); f != nil {
		return f
	}
	var stream mssql.StreamError
	broken := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, context.DeadlineExceeded)
	var timeout net.Error
	if broken || errors.As(err, &timeout) {
		return &connector.Fault{Cause: connector.Outage, Code: id + ".connection_lost", Step: step, Err: err,
			Public: "The connection to the server broke. It is tried again by itself."}
	}
	if errors.As(err, &stream) || errors.Is(err, errProtocol) {
		return &connector.Fault{Cause: connector.Unknown, Code: id + ".protocol", Step: step, Err: err,
			Public: "What answered does not speak SQL Server's protocol as Regrant knows it. Check that the port is that of SQL Server. The evidence is kept."}
	}
	return &connector.Fault{Cause: connector.Unknown, Code: id + ".unknown", Step: step, Err: err,
		Public: "Something happened while talking to SQL Server that Regrant has not seen before. The evidence is kept."}
}
