package mysql

import (
	"errors"
	"io"
	"net"
	"os"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/mysqlwire"
	"github.com/regrant/regrant/connector/sqlkit"
)

// attempt says to the shared fault table what was tried.
func (s *source) attempt() sqlkit.Attempt {
	return sqlkit.Attempt{Host: s.route.Address(), TLS: s.tls}
}

// networkFault judges what is not an answer of the server: names, routes, the
// tunnel, TLS, a connection that broke.
func (s *source) networkFault(err error, step connector.Step) *connector.Fault {
	var plugin *mysqlwire.PluginError
	switch {
	case errors.Is(err, mysqlwire.ErrNoTLS):
		return s.attempt().NotOffered(err)
	case errors.As(err, &plugin):
		return pluginFault(plugin, step)
	}
	if f := s.attempt().Fault(err); f != nil {
		return f
	}
	broken := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded)
	switch {
	case broken:
		return &connector.Fault{Cause: connector.Outage, Code: id + ".connection_lost", Step: step, Err: err,
			Public: "The connection to the server broke. It is tried again by itself."}
	case errors.Is(err, mysqlwire.ErrProtocol) && step <= connector.StepSignIn:
		return &connector.Fault{Cause: connector.AccessChanged, Code: id + ".not_mysql", Step: connector.StepReach, Err: err,
			Public: "What answers at " + s.route.Address() + " does not speak the protocol of MySQL. Check host and port; 33060 is the port of another protocol, 3306 the usual one."}
	}
	return &connector.Fault{Cause: connector.Unknown, Code: id + ".unknown", Step: step, Err: err,
		Public: "Something happened while talking to the server that Regrant has not seen before. The evidence is kept."}
}

// pluginFault is about a way to sign in that we do not have, or not without TLS.
func pluginFault(e *mysqlwire.PluginError, step connector.Step) *connector.Fault {
	f := &connector.Fault{Cause: connector.AccessChanged, Code: id + ".sign_in_method", Step: step, Err: e, Facts: map[string]string{"plugin": e.Plugin},
		Public: "The user signs in by a method that Regrant does not have. Ask for a user that signs in with a password (caching_sha2_password, or ed25519 on MariaDB)."}
	if e.Plain {
		f.Code = id + ".plain_password"
		f.Public = "The server wants the password in plain text, which Regrant sends over an encrypted connection only. Choose another encryption here, for example \"Encrypted, certificate and name checked\"."
	}
	return f
}
