package mysql

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/mysqlwire"
	"github.com/regrant/regrant/connector/sqlkit"
)

// The limits of a session.
const (
	connectTimeout = 30 * time.Second
	// A session goes on working after its user was dropped or got another
	// password, so none may live long: the next one finds out.
	sessionLife   = 15 * time.Minute
	statementTime = 30 * time.Minute
)

// session is one connection that has signed in.
type session struct {
	*mysqlwire.Conn
	born  time.Time
	noTrx bool // the list of transactions is closed to this user
}

// connect opens a session. Its error is a *connector.Fault.
func (s *source) connect(ctx context.Context) (*session, error) {
	conn, err := s.dial(ctx, s.tls)
	if err != nil {
		return nil, s.signInFault(ctx, err)
	}
	c := &session{Conn: conn, born: time.Now()}
	if err := c.prepare(ctx); err != nil {
		c.close()
		return nil, s.classify(ctx, err, connector.StepSignIn, "")
	}
	return c, nil
}

// dial makes one attempt to sign in.
func (s *source) dial(ctx context.Context, conf *tls.Config) (*mysqlwire.Conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, connectTimeout, errConnectTimeout)
	defer cancel()
	return mysqlwire.Connect(ctx, mysqlwire.Config{
		User: s.settings["user"], Password: s.secrets["password"], Database: s.settings["database"], Program: "regrant",
		TLS: conf, Fallback: s.tlsMode == sqlkit.Prefer,
		Dial: func(ctx context.Context) (net.Conn, error) {
			return s.route.DialContext(ctx, "tcp", s.route.Address())
		},
	})
}

var errConnectTimeout = fmt.Errorf("no answer in time: %w", context.DeadlineExceeded) //nolint:gochecknoglobals // a sentinel

// signInFault finds out one more thing where the server's answer is not the
// whole story: 1045 is also what a server says that wants TLS from this user.
// That costs one more attempt, with the same password.
func (s *source) signInFault(ctx context.Context, err error) error {
	fault := s.classify(ctx, err, connector.StepSignIn, "")
	var f *connector.Fault
	if !errors.As(fault, &f) || f.Code != id+".login_refused" || s.tls != nil {
		return fault
	}
	conn, again := s.dial(ctx, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}) // nothing but the verdict is taken from it
	if again != nil {
		return fault
	}
	_ = conn.Close()
	demanded := *f
	demanded.Code = id + ".tls_demanded"
	demanded.Public = tlsDemanded
	return &demanded
}

func (c *session) close() {
	if c != nil {
		_ = c.Conn.Close()
	}
}

func (c *session) usable(now time.Time) bool {
	return c != nil && !c.Broken() && now.Sub(c.born) < sessionLife
}

// prepare makes the session mean the same thing on every server, whatever its
// administrator set: time in UTC, no time limits that a slow warehouse runs
// into, no silent LIMIT, sorting by whole keys, and nothing but reading.
func (c *session) prepare(ctx context.Context) error {
	if err := c.Exec(ctx, "SET NAMES utf8mb4"); err != nil {
		return err
	}
	if err := c.Exec(ctx, "SET SESSION time_zone = '+00:00', sql_mode = '', net_write_timeout = 600, net_read_timeout = 600, wait_timeout = 1800, "+
		"lock_wait_timeout = 10, innodb_lock_wait_timeout = 10, sql_select_limit = 18446744073709551615, sql_big_selects = 1, max_sort_length = 16384"); err != nil {
		return err
	}
	if err := c.Exec(ctx, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"); err != nil {
		return err
	}
	if err := c.Exec(ctx, "SET SESSION TRANSACTION READ ONLY"); err != nil {
		return err
	}
	for _, setting := range c.extras() {
		if err := c.Exec(ctx, "SET SESSION "+setting); err != nil && !isServerError(err) {
			return err // an older server does not know the setting; it is only a nicety
		}
	}
	return nil
}

// extras are settings that only one flavour has.
func (c *session) extras() []string {
	if c.MariaDB() {
		return []string{"max_statement_time = " + strconv.Itoa(int(statementTime/time.Second)), "idle_transaction_timeout = 0"}
	}
	return []string{"max_execution_time = " + strconv.FormatInt(statementTime.Milliseconds(), 10), "information_schema_stats_expiry = 0"}
}

func isServerError(err error) bool {
	var e *mysqlwire.Error
	return errors.As(err, &e)
}

// begin opens a transaction for several statements that all see one moment.
func (c *session) begin(ctx context.Context) error {
	return c.Exec(ctx, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
}

// end closes the transaction.
func (c *session) end(ctx context.Context) error { return c.Exec(ctx, "COMMIT") }

// abandon leaves a transaction that failed, so that the session stays of use.
func (c *session) abandon() {
	if !c.Broken() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = c.Exec(ctx, "ROLLBACK")
	}
}
