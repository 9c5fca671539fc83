package sqlserver

import (
	"context"
	"crypto/tls"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"time"

	mssql "github.com/microsoft/go-mssqldb"
	"github.com/microsoft/go-mssqldb/msdsn"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
)

// The limits of a session.
const (
	connectTimeout = 30 * time.Second
	// A session goes on working after its login was disabled, so none may live
	// long: the next one finds out.
	sessionLife = 15 * time.Minute
	// attentionTime is how long the server gets to confirm that it gave up a
	// statement, before the connection is cut.
	attentionTime = 300 * time.Millisecond
	packetSize    = 16383 // the largest that TLS allows
)

// settings are those of every session. QUOTED_IDENTIFIER and the ANSI ones are
// needed by indexes on computed columns and by methods of XML and CLR types.
const settings = `SET NOCOUNT ON; SET LOCK_TIMEOUT 10000; SET DEADLOCK_PRIORITY LOW; SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; SET ANSI_PADDING ON; ` +
	`SET ANSI_WARNINGS ON; SET ARITHABORT ON; SET CONCAT_NULL_YIELDS_NULL ON; SET NUMERIC_ROUNDABORT OFF; SET DATEFORMAT ymd; SET TEXTSIZE 2147483647; `

const (
	snapshotOn  = `SET TRANSACTION ISOLATION LEVEL SNAPSHOT`
	snapshotOff = `SET TRANSACTION ISOLATION LEVEL READ COMMITTED`
)

// welcomeSQL is asked once per session: what the server is, and whether the
// database allows snapshot isolation.
const welcomeSQL = `SELECT CONVERT(nvarchar(128), SERVERPROPERTY('ProductVersion')), CONVERT(int, SERVERPROPERTY('EngineEdition')), ` +
	`CONVERT(int, d.snapshot_isolation_state) FROM sys.databases AS d WHERE d.name = DB_NAME()` // on Azure DB_ID is another number

// session is one connection that has signed in.
type session struct {
	conn     *mssql.Conn
	wire     *wire
	born     time.Time
	tls      bool
	snapshot bool // each statement sees one moment
	version  string
	major    int
	azure    bool
	broken   bool
}

// connect opens a session. Its error is a *connector.Fault.
func (s *source) connect(ctx context.Context) (*session, error) {
	mode := s.settings["tls_mode"]
	c, err := s.dial(ctx, mode, s.tls)
	if errors.Is(err, errNoTLS) {
		if mode != sqlkit.Prefer {
			return nil, s.attempt().NotOffered(err)
		}
		c, err = s.dial(ctx, sqlkit.Off, nil)
	}
	if err != nil {
		return nil, s.classify(ctx, err, connector.StepSignIn, "")
	}
	if err := c.welcome(ctx); err != nil {
		c.close()
		return nil, s.classify(ctx, err, connector.StepPrivileges, "")
	}
	return c, nil
}

var (
	errNoTLS          = errors.New("the server does not offer encryption")   //nolint:gochecknoglobals // a sentinel
	errConnectTimeout = errors.New("no answer in time")                      //nolint:gochecknoglobals // a sentinel
	errProtocol       = errors.New("what answered is not SQL Server")        //nolint:gochecknoglobals // a sentinel
	errHandshake      = errors.New("the server and Regrant could not agree") //nolint:gochecknoglobals // a sentinel
)

// dial makes one attempt to sign in.
func (s *source) dial(ctx context.Context, mode string, conf *tls.Config) (*session, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, connectTimeout, errConnectTimeout)
	defer cancel()
	d := &dialer{route: s.route, host: s.host}
	conf = d.observe(conf)
	c := mssql.NewConnectorConfig(s.config(mode, conf))
	c.Dialer = d
	stop := context.AfterFunc(ctx, d.cut)
	raw, err := c.Connect(ctx)
	stopped := stop()
	if err == nil && !stopped {
		err = context.Cause(ctx)
		_ = raw.Close()
	}
	if err != nil {
		d.close()
		if cause := context.Cause(ctx); cause != nil {
			err = fmt.Errorf("%w: %w", cause, err)
		}
		return nil, d.explain(err)
	}
	conn, ok := raw.(*mssql.Conn)
	if !ok {
		_ = raw.Close()
		return nil, fmt.Errorf("the driver gave a %T", raw)
	}
	return &session{conn: conn, wire: d.wire, born: time.Now(), tls: conf != nil}, nil
}

// config sets everything, so that nothing comes from elsewhere.
func (s *source) config(mode string, conf *tls.Config) msdsn.Config {
	cfg := msdsn.Config{
		Host: s.host, Port: s.port, Database: s.settings["database"], User: s.settings["user"], Password: s.secrets["password"].Reveal(),
		TLSConfig: conf, Encryption: msdsn.EncryptionRequired, AppName: "regrant", Workstation: "regrant", Protocols: []string{"tcp"},
		// A server that sends us on to another one (Azure) is checked by that one's name, unless a name was entered.
		HostInCertificateProvided: s.settings["tls_server_name"] != "",
		ReadOnlyIntent:            s.settings["read_intent"] == "true",
		DialTimeout:               -1, PacketSize: packetSize, DisableRetry: true, NoTraceID: false,
		Parameters: map[string]string{}, ProtocolParameters: map[string]any{},
	}
	cfg.Encoding.Timezone = time.UTC
	switch mode {
	case sqlkit.Off:
		cfg.Encryption, cfg.TLSConfig = msdsn.EncryptionDisabled, nil
	case strict:
		cfg.Encryption = msdsn.EncryptionStrict
	}
	return cfg
}

// welcome makes the session's settings and learns what it needs to know.
func (c *session) welcome(ctx context.Context) error {
	if err := c.exec(ctx, settings+snapshotOff); err != nil {
		return err
	}
	rows, err := c.rows(ctx, welcomeSQL)
	if err != nil {
		return err
	}
	if len(rows) != 1 || len(rows[0]) != 3 {
		return fmt.Errorf("the server described itself in %d rows", len(rows))
	}
	c.version = textOf(rows[0][0])
	c.major = majorOf(c.version)
	c.azure = isAzure(number64(rows[0][1]))
	if number64(rows[0][2]) == 1 {
		c.snapshot = true
		return c.exec(ctx, snapshotOn)
	}
	return nil
}

// isAzure says whether the edition is one of the managed ones, whose version
// number says nothing: https://learn.microsoft.com/en-us/sql/t-sql/functions/serverproperty-transact-sql
func isAzure(edition int64) bool {
	return edition == 5 || edition == 8 || edition == 6 || edition == 11 || edition == 12
}

// majorOf is 15 of "15.0.2000.5".
func majorOf(version string) int {
	n := 0
	for i := 0; i < len(version) && version[i] >= '0' && version[i] <= '9' && n < 1000; i++ {
		n = n*10 + int(version[i]-'0')
	}
	return n
}

// utf8 says whether the server can order text by its UTF-8 bytes (2019).
func (c *session) utf8() bool { return c.azure || c.major >= 15 }

// withoutSnapshot goes on under READ COMMITTED, after the database or a table
// refused snapshot isolation.
func (c *session) withoutSnapshot(ctx context.Context) error {
	c.snapshot = false
	return c.exec(ctx, snapshotOff)
}

func (c *session) close() {
	if c != nil {
		c.wire.limit(time.Now().Add(time.Second))
		_ = c.conn.Close()
		_ = c.wire.Close()
	}
}

func (c *session) usable(now time.Time) bool {
	return c != nil && !c.broken && c.conn.IsValid() && now.Sub(c.born) < sessionLife
}

// answers says whether a session that lay idle is still there: the server may
// have been restarted, or the tunnel have broken, without anything being wrong
// now.
func (c *session) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, err := c.rows(ctx, "SELECT 1")
	return err == nil
}

// exec runs a batch without rows.
func (c *session) exec(ctx context.Context, sql string) error {
	_, err := c.rows(ctx, sql)
	return err
}

// rows asks one statement and gathers its answer; for small ones.
func (c *session) rows(ctx context.Context, sql string, args ...any) ([][]driver.Value, error) {
	var all [][]driver.Value
	err := c.each(ctx, sql, func(row []driver.Value) error {
		all = append(all, append([]driver.Value(nil), row...))
		return nil
	}, args...)
	return all, err
}

// each asks one statement and hands over row after row; a row is valid during
// the call only. After an error the session is not used again, unless it is
// the server's own and mild.
func (c *session) each(ctx context.Context, sql string, take func([]driver.Value) error, args ...any) error {
	// The driver tells the server when ctx ends, and waits for the answer; one
	// that does not come must not keep us.
	stop := context.AfterFunc(ctx, func() { c.wire.limit(time.Now().Add(attentionTime)) })
	err := c.run(ctx, sql, take, args)
	if !stop() {
		c.broken = true
		err = errors.Join(context.Cause(ctx), err)
	}
	if err != nil && !c.sound(err) {
		c.broken = true
	}
	return err
}

// sound says whether the session is as good as before.
func (c *session) sound(err error) bool {
	var answer mssql.Error
	return errors.As(err, &answer) && answer.Class < 17 && c.conn.IsValid()
}

func (c *session) run(ctx context.Context, sql string, take func([]driver.Value) error, args []any) error {
	stmt, err := c.conn.PrepareContext(ctx, sql)
	if err != nil {
		return err
	}
	defer func() { _ = stmt.Close() }()
	ask, ok := stmt.(driver.StmtQueryContext)
	if !ok {
		return fmt.Errorf("the driver gave a %T", stmt)
	}
	named := make([]driver.NamedValue, len(args))
	for i, a := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	rows, err := ask.QueryContext(ctx, named)
	if err != nil {
		return err
	}
	return drain(rows, take)
}

func drain(rows driver.Rows, take func([]driver.Value) error) (err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	row := make([]driver.Value, len(rows.Columns()))
	for {
		switch err := rows.Next(row); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := take(row); err != nil {
			return err
		}
	}
}
