package postgresql

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
)

// The limits of a session.
const (
	connectTimeout = 30 * time.Second
	// A session goes on working after its role lost the right to log in, so
	// none may live long: the next one finds out.
	sessionLife = 15 * time.Minute
	// A single value of PostgreSQL may have 1 GB.
	messageBytes = 1<<30 + 1<<20
	readBuffer   = 256 << 10
)

// prologue opens the transaction around everything that is asked. The settings
// are local to it, so that a pooler that gives each transaction another server
// connection (PgBouncer in transaction mode) does not lose them.
//
// row_security=off turns rows that a policy would silently hide into an error.
const prologue = `BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; ` +
	`SET LOCAL row_security = off; SET LOCAL statement_timeout = '30min'; SET LOCAL lock_timeout = '10s'; ` +
	`SET LOCAL idle_in_transaction_session_timeout = '30min'; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; ` +
	`SET LOCAL IntervalStyle = 'iso_8601'; SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'; ` +
	`SET LOCAL xmloption = 'content'; SET LOCAL standard_conforming_strings = on; `

// catalogOnly makes type names come out qualified, unless they are built in.
const catalogOnly = `SET LOCAL search_path = pg_catalog; `

// session is one connection that has signed in.
type session struct {
	conn  *pgconn.PgConn
	lines *lines
	born  time.Time
	tls   bool
}

// connect opens a session. Its error is a *connector.Fault.
func (s *source) connect(ctx context.Context) (*session, error) {
	mode := s.settings["tls_mode"]
	c, refused, err := s.dial(ctx, s.tls)
	conf := s.tls
	if refused && mode == sqlkit.Prefer {
		conf = nil
		c, refused, err = s.dial(ctx, nil)
	}
	if refused {
		return nil, s.attempt().NotOffered(errNoTLS)
	}
	if err != nil {
		return nil, s.signInFault(ctx, conf, err)
	}
	return c, nil
}

// signInFault finds out one more thing where the server's answer is not the
// whole story: a rule that refuses us without TLS may let us in with it. The
// rule is judged before any password, so asking costs no login attempt.
func (s *source) signInFault(ctx context.Context, conf *tls.Config, err error) error {
	fault := s.classify(ctx, err, connector.StepSignIn, "")
	var f *connector.Fault
	if !errors.As(fault, &f) || f.Code != "postgresql.host_refused" || conf != nil {
		return fault
	}
	c, refused, again := s.dial(ctx, insecureTLS())
	c.close()
	if refused || again != nil && connector.FaultOf(s.classify(ctx, again, connector.StepSignIn, "")).Code == "postgresql.host_refused" {
		return fault
	}
	demanded := *f
	demanded.Code = "postgresql.tls_demanded"
	demanded.Public = "The server now demands TLS from us, and this connection has it switched off. Choose another encryption here, for example “require”."
	return &demanded
}

func insecureTLS() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}
}

// dial makes one attempt to sign in. refused says that the server does not
// speak TLS, which pgconn reports in words only.
func (s *source) dial(ctx context.Context, conf *tls.Config) (c *session, refused bool, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, connectTimeout, errConnectTimeout)
	defer cancel()
	cfg, err := s.driverConfig(conf)
	if err != nil {
		return nil, false, fmt.Errorf("settings of the PostgreSQL driver: %w", err)
	}
	var answer tlsAnswer
	l := &lines{dial: s.route.DialContext}
	cfg.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := l.DialContext(ctx, network, address)
		if err != nil || conf == nil {
			return c, err
		}
		return &tlsWatcher{Conn: c, answer: &answer}, nil
	}
	conn, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		l.cut()
		return nil, answer.refused.Load(), err
	}
	return &session{conn: conn, lines: l, born: time.Now(), tls: conf != nil}, false, nil
}

// driverConfig sets everything itself, so that nothing comes from the
// environment of the process (PGHOST, .pgpass and so on).
func (s *source) driverConfig(conf *tls.Config) (*pgconn.Config, error) {
	cfg, err := pgconn.ParseConfig("host=localhost port=5432 user=x password=x dbname=x sslmode=disable")
	if err != nil {
		return nil, err
	}
	cfg.Host, cfg.Port, cfg.Database, cfg.User = s.host, s.port, s.settings["database"], s.settings["user"]
	cfg.Password = s.secrets["password"].Reveal()
	cfg.TLSConfig, cfg.Fallbacks, cfg.ValidateConnect, cfg.AfterConnect = conf, nil, nil, nil
	cfg.SSLNegotiation, cfg.SSLCertMode, cfg.ChannelBinding, cfg.RequireAuth = "postgres", "allow", "prefer", ""
	cfg.KerberosSpn, cfg.KerberosSrvName = "", ""
	cfg.MinProtocolVersion, cfg.MaxProtocolVersion = "3.0", "3.0"
	cfg.ConnectTimeout = connectTimeout
	cfg.MaxProtocolMessageBodyLen = messageBytes
	cfg.RuntimeParams = map[string]string{"application_name": "regrant", "client_encoding": "UTF8"}
	// The name is resolved by the dialer, at the far end of a tunnel even.
	cfg.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	// The server sends what it has in pieces of 8 KB; taking many at once saves
	// a system call for each.
	cfg.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		return pgproto3.NewFrontend(bufio.NewReaderSize(r, readBuffer), w)
	}
	cfg.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.DeadlineContextWatcherHandler{Conn: c.Conn()}
	}
	return cfg, nil
}

var errNoTLS = errors.New("the server refused TLS") //nolint:gochecknoglobals // a sentinel

var errConnectTimeout = errors.New("no answer in time") //nolint:gochecknoglobals // a sentinel

// tlsAnswer is what the server said to the request for TLS.
type tlsAnswer struct{ refused atomic.Bool }

// tlsWatcher sees the server's first byte: N says that it does not speak TLS.
type tlsWatcher struct {
	net.Conn
	answer *tlsAnswer
	seen   bool
}

func (w *tlsWatcher) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if n > 0 && !w.seen {
		w.seen = true
		w.answer.refused.Store(p[0] == 'N')
	}
	return n, err
}

// The driver gets this long to say goodbye, or to have a statement cancelled.
const farewell = 300 * time.Millisecond

// close ends the session and waits until its goroutines are gone. It may be
// called on nil.
func (c *session) close() {
	if c == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	_ = c.conn.Close(ctx)
	select {
	case <-c.conn.CleanupDone():
	case <-ctx.Done():
	}
	c.lines.cut()
	<-c.conn.CleanupDone()
}

func (c *session) usable(now time.Time) bool {
	return c != nil && !c.conn.IsClosed() && now.Sub(c.born) < sessionLife
}

// answers says whether a session that lay idle is still there: the server may
// have been restarted, or the tunnel have broken, without anything being wrong
// now.
func (c *session) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return c.conn.Ping(ctx) == nil
}

// begin opens a transaction for several statements.
func (c *session) begin(ctx context.Context) error {
	_, err := c.conn.Exec(ctx, prologue).ReadAll()
	return err
}

// end closes the transaction; one that failed is rolled back by the server.
func (c *session) end(ctx context.Context) error {
	_, err := c.conn.Exec(ctx, "COMMIT").ReadAll()
	return err
}

// rows asks one statement in a transaction of its own.
func (c *session) rows(ctx context.Context, sql string) ([][][]byte, error) {
	results, err := c.conn.Exec(ctx, prologue+sql+"; COMMIT").ReadAll()
	if err != nil {
		c.recover(ctx)
		return nil, err
	}
	return lastRows(results), nil
}

// rowsWithin asks one statement in the transaction that begin opened.
func (c *session) rowsWithin(ctx context.Context, sql string) ([][][]byte, error) {
	results, err := c.conn.Exec(ctx, sql).ReadAll()
	if err != nil {
		return nil, err
	}
	return lastRows(results), nil
}

func lastRows(results []*pgconn.Result) [][][]byte {
	for i := len(results) - 1; i >= 0; i-- {
		if len(results[i].FieldDescriptions) > 0 {
			return results[i].Rows
		}
	}
	return nil
}

// patience is the setting for a statement that reads a whole table: its time
// goes on while the consumer is busy.
const patience = `SET LOCAL statement_timeout = '12h'; `

// copyTo runs COPY (query) TO STDOUT in a transaction of its own.
func (c *session) copyTo(ctx context.Context, d *decoder, query string, long bool) error {
	settings := prologue
	if long {
		settings += patience
	}
	return c.copyWith(ctx, d, settings+"COPY ("+query+") TO STDOUT (FORMAT binary); COMMIT")
}

// copyWithin does so in the transaction that begin opened.
func (c *session) copyWithin(ctx context.Context, d *decoder, query string, long bool) error {
	settings := ""
	if long {
		settings = patience
	}
	return c.copyWith(ctx, d, settings+"COPY ("+query+") TO STDOUT (FORMAT binary)")
}

func (c *session) copyWith(ctx context.Context, d *decoder, sql string) error {
	d.begin()
	if _, err := c.conn.CopyTo(ctx, d, sql); err != nil {
		c.recover(ctx)
		return err
	}
	return nil
}

// recover leaves a failed transaction, so that the session stays of use.
func (c *session) recover(ctx context.Context) {
	if !c.conn.IsClosed() {
		_, _ = c.conn.Exec(ctx, "ROLLBACK").ReadAll()
	}
}

// major is the server's major version: 15 of "15.8 (Debian 15.8-1)".
func (c *session) major() int {
	text := c.conn.ParameterStatus("server_version")
	end := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(text)
	}
	n, err := strconv.Atoi(text[:end])
	if err != nil {
		return 15 // what most servers in use understand
	}
	return n
}

// utf8 says whether all text arrives as UTF-8: the server converts to it from
// every encoding but from SQL_ASCII, which is none.
func (c *session) utf8() bool { return c.conn.ParameterStatus("server_encoding") != "SQL_ASCII" }
