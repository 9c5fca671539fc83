package postgresql

import (
	"context"
	"crypto/tls"
	"net"

	"github.com/regrant/regrant/connector"
)

// reach is how the server is got at: by which dialer and with which TLS.
type reach struct {
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	tls      *tls.Config // nil: none
	mayPlain bool        // go on without TLS when the server does not speak it
}

func (s *source) reach(ctx context.Context) (reach, error) {
	return reach{dial: s.env.Dial}, nil
}

func networkFault(err error, step connector.Step) *connector.Fault {
	return &connector.Fault{Cause: connector.Outage, Code: "postgresql.unreachable", Step: connector.StepReach, Err: err, Public: "unreachable"}
}
