package mongodb

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
)

// The limits of a session.
const (
	connectTimeout   = 20 * time.Second
	selectionTimeout = 5 * time.Second
	statementTimeout = 30 * time.Minute
	// Connections go on working after their user was removed, so none may live
	// long: the next one finds out.
	sessionLife = 15 * time.Minute
	// A secondary that is further behind is not read from: what it lacks would
	// be older than the overlap of the next pull.
	mostBehind = 2 * time.Minute
)

// session is a driver's client that has signed in, with its connections.
type session struct {
	client *mongo.Client
	lines  *lines
	born   time.Time
	tls    bool
	from   *readpref.ReadPref
	hello  hello
}

// hello is what a server says about itself before anybody signs in.
type hello struct {
	SetName   string    `bson:"setName"`
	Me        string    `bson:"me"`
	LocalTime time.Time `bson:"localTime"`
	MaxWire   int32     `bson:"maxWireVersion"`
	Secondary bool      `bson:"secondary"`
	Message   string    `bson:"msg"` // isdbgrid: a router of a sharded cluster
}

// connect opens a session and signs in. Its error is a *connector.Fault.
func (s *source) connect(ctx context.Context) (*session, error) {
	conf, err := s.reach(ctx)
	if err != nil {
		return nil, err
	}
	c, err := s.signIn(ctx, conf)
	if err != nil {
		return nil, s.signInFault(ctx, conf, err)
	}
	return c, nil
}

// signInFault finds out one more thing where a server hangs up on us that talk
// without TLS: it does so when it has come to demand TLS.
func (s *source) signInFault(ctx context.Context, conf *tls.Config, err error) error {
	fault := s.classify(ctx, err, connector.StepSignIn, "")
	f := connector.FaultOf(fault)
	if conf != nil || f.Cause != connector.Outage || ctx.Err() != nil {
		return fault
	}
	ctx, cancel := context.WithTimeout(ctx, selectionTimeout)
	defer cancel()
	if s.shake(ctx, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}) != nil {
		return fault
	}
	return &connector.Fault{Cause: connector.AccessChanged, Code: id + ".tls_demanded", Step: connector.StepTrust, Err: f.Err, Facts: f.Facts,
		Public: "The server now demands TLS, and this connection has it switched off. Choose another encryption here, for example “Encrypted, certificate and name checked”."}
}

// reach looks whether a server is there and can be trusted, because the driver
// keeps trying in silence and then says only that it found no server. It tells
// which TLS configuration to use.
func (s *source) reach(ctx context.Context) (*tls.Config, error) {
	if s.deployment() == srvName {
		return s.tls, nil // the driver finds the members
	}
	ctx, cancel := context.WithTimeoutCause(ctx, connectTimeout, errConnectTimeout)
	defer cancel()
	err := s.shake(ctx, s.tls)
	switch {
	case err == nil:
		return s.tls, nil
	case s.tls != nil && s.tlsMode == sqlkit.Prefer && ctx.Err() == nil && notTLS(err):
		return nil, nil
	case s.tls != nil && ctx.Err() == nil && notTLS(err):
		return nil, s.attempt().NotOffered(err)
	}
	return nil, s.classify(ctx, err, connector.StepReach, "")
}

// shake connects, shakes hands if it is to be TLS, and hangs up.
func (s *source) shake(ctx context.Context, conf *tls.Config) error {
	conn, err := s.route.DialContext(ctx, "tcp", s.route.Address())
	if err != nil {
		return err
	}
	defer conn.Close()
	if conf == nil {
		return nil
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := tls.Client(conn, conf).HandshakeContext(ctx); err != nil {
		var known *connector.Fault
		if errors.As(err, &known) {
			return err
		}
		return shakeError{err}
	}
	return nil
}

// shakeError is a TLS handshake that failed after the server was reached.
type shakeError struct{ err error }

func (e shakeError) Error() string { return "TLS handshake: " + e.err.Error() }
func (e shakeError) Unwrap() error { return e.err }

// notTLS says that the other side hung up on a TLS greeting, as MongoDB does
// when it has TLS switched off.
func notTLS(err error) bool {
	var shake shakeError
	if !errors.As(err, &shake) {
		return false
	}
	var record tls.RecordHeaderError
	return errors.As(err, &record) || hungUp(err)
}

var errConnectTimeout = errors.New("no answer in time") //nolint:gochecknoglobals // a sentinel

// signIn makes a client and has it do something that needs signing in.
func (s *source) signIn(ctx context.Context, conf *tls.Config) (*session, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, connectTimeout, errConnectTimeout)
	defer cancel()
	l := &lines{dial: s.route.DialContext}
	o, err := s.options(conf)
	if err != nil {
		return nil, err
	}
	client, err := mongo.Connect(o.SetDialer(l))
	if err != nil {
		return nil, fmt.Errorf("settings of the MongoDB driver: %w", err)
	}
	c := &session{client: client, lines: l, born: time.Now(), tls: conf != nil, from: o.ReadPreference}
	err = guarded(ctx, c, func() error {
		if err := c.run(ctx, "admin", bson.D{{Key: "hello", Value: 1}}).Decode(&c.hello); err != nil {
			return err
		}
		return c.run(ctx, s.database(), bson.D{{Key: "ping", Value: 1}}).Err()
	})
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// run asks a command of a member that may be read from; left alone, the driver
// asks the primary, whatever the client was told.
func (c *session) run(ctx context.Context, database string, command bson.D) *mongo.SingleResult {
	return c.client.Database(database).RunCommand(ctx, command, options.RunCmd().SetReadPreference(c.from))
}

// cursor is run for commands that answer with a list.
func (c *session) cursor(ctx context.Context, database string, command bson.D) (*mongo.Cursor, error) {
	return c.client.Database(database).RunCommandCursor(ctx, command, options.RunCmd().SetReadPreference(c.from))
}

// guarded cuts the connections when ctx ends, because some of the driver's
// waits do not look at it.
func guarded(ctx context.Context, c *session, f func() error) error {
	stop := context.AfterFunc(ctx, c.lines.cut)
	defer stop()
	return f()
}

func (s *source) options(conf *tls.Config) (*options.ClientOptions, error) {
	o := options.Client()
	switch s.deployment() {
	case srvName:
		host, _, err := net.SplitHostPort(s.route.Address())
		if err != nil {
			return nil, err
		}
		o.ApplyURI("mongodb+srv://" + host + "/")
		if err := o.Validate(); err != nil {
			return nil, err
		}
	case replicaSet:
		o.SetHosts([]string{s.route.Address()}).SetDirect(false)
		if name := s.env.Settings["replica_set"]; name != "" {
			o.SetReplicaSet(name)
		}
	default:
		o.SetHosts([]string{s.route.Address()}).SetDirect(true)
	}
	o.TLSConfig = nil
	if conf != nil {
		o.SetTLSConfig(conf)
	}
	mode, err := readpref.ModeFromString(or(s.env.Settings["read_preference"], "secondaryPreferred"))
	if err != nil {
		return nil, err
	}
	var limits []readpref.Option
	if mode != readpref.PrimaryMode && s.deployment() != oneServer {
		limits = append(limits, readpref.WithMaxStaleness(mostBehind))
	}
	preference, err := readpref.New(mode, limits...)
	if err != nil {
		return nil, err
	}
	// With a deadline the driver would retry until that is over; a reading goes on
	// by itself, and everything else is asked again by the caller.
	return o.SetAuth(s.credential()).SetReadPreference(preference).SetAppName("regrant").SetConnectTimeout(connectTimeout).
		SetServerSelectionTimeout(selectionTimeout).SetMaxPoolSize(4).SetServerMonitoringMode("poll").SetHeartbeatInterval(30 * time.Second).
		SetRetryReads(false).SetRetryWrites(false).SetCompressors([]string{"zstd", "snappy"}), nil
}

func (s *source) credential() options.Credential {
	if s.env.Settings["user"] == "" {
		return options.Credential{AuthMechanism: "MONGODB-X509", AuthSource: "$external"}
	}
	mechanism := s.env.Settings["auth_mechanism"]
	if mechanism == "auto" {
		mechanism = ""
	}
	return options.Credential{AuthMechanism: mechanism, AuthSource: or(s.env.Settings["auth_source"], "admin"),
		Username: s.env.Settings["user"], Password: s.env.Secrets["password"].Reveal(), PasswordSet: true}
}

// The driver gets this long to say goodbye.
const farewell = 300 * time.Millisecond

// close ends the session and its connections. It may be called on nil.
func (c *session) close() {
	if c == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	// Cut first: the driver's monitor may be waiting for an answer.
	c.lines.cut()
	_ = c.client.Disconnect(ctx)
	c.lines.cut()
}

func (c *session) usable(now time.Time) bool {
	return c != nil && now.Sub(c.born) < sessionLife && !c.lines.isCut()
}

// answers says whether a session that lay idle is still there.
func (c *session) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return guarded(ctx, c, func() error { return c.run(ctx, "admin", bson.D{{Key: "ping", Value: 1}}).Err() }) == nil
}

// lines are the connections of a session, so that none outlives it.
type lines struct {
	dial sqlkit.DialFunc

	mu   sync.Mutex
	open map[net.Conn]struct{}
	over bool
}

// DialContext has the shape that the driver wants.
func (l *lines) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := l.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	if l.open == nil {
		l.open = map[net.Conn]struct{}{}
	}
	kept := &line{Conn: conn, of: l}
	l.open[kept] = struct{}{}
	return kept, nil
}

func (l *lines) cut() {
	l.mu.Lock()
	open := l.open
	l.open, l.over = nil, true
	l.mu.Unlock()
	for c := range open {
		_ = c.Close()
	}
}

func (l *lines) isCut() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.over
}

type line struct {
	net.Conn
	of *lines
}

// Close also forgets the connection.
func (c *line) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// isRouter says that the server is the router of a sharded cluster.
func (h hello) isRouter() bool { return strings.EqualFold(h.Message, "isdbgrid") }
