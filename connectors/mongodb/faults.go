package mongodb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/description"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
)

// verdict is what a code means at a step. The same code means different things
// before and after signing in, so the tables are apart.
// https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
type verdict struct {
	cause  connector.Cause
	code   string
	public string // %s is the collection, where the scope is one table
	scope  connector.Scope
	retry  time.Duration
	step   connector.Step // zero: the step at which it happened
}

const refusedText = "MongoDB refused the user name and password. The server does not say which of these it is: the password was changed, the user was removed, " +
	"or it was created in another database than the one entered here. Ask who looks after the database, then enter the working password here."

// signInVerdict judges what the server says before a session exists.
func signInVerdict(e mongo.CommandError) (verdict, bool) {
	switch e.Code {
	case 18, 11:
		return verdict{cause: connector.AccessChanged, code: "login_refused", public: refusedText}, true
	case 8000:
		return atlasVerdict(e), true
	case 334:
		return verdict{cause: connector.AccessChanged, code: "mechanism_unavailable", public: "The server does not offer this way of signing in any more. Choose another one here, or ask its administrator which one it takes."}, true
	case 214:
		return verdict{cause: connector.AccessChanged, code: "host_refused", public: "The user may not sign in from our address any more (authenticationRestrictions). Ask to have our address allowed."}, true
	case 13:
		return verdict{cause: connector.AccessChanged, code: "login_refused", public: refusedText}, true
	}
	return anyTimeVerdict(e)
}

// atlasVerdict reads the words of Atlas, which has one code for everything.
func atlasVerdict(e mongo.CommandError) verdict {
	text := strings.ToLower(e.Message)
	switch {
	case strings.Contains(text, "bad auth"), strings.Contains(text, "authentication failed"):
		return verdict{cause: connector.AccessChanged, code: "login_refused", public: refusedText}
	case strings.Contains(text, "not allowed"), strings.Contains(text, "not authorized"):
		return verdict{cause: connector.AccessChanged, code: "atlas_denied", public: "Atlas does not let this user do that any more. Ask who looks after the project what changed for it."}
	case strings.Contains(text, "quota"), strings.Contains(text, "limit"), strings.Contains(text, "too many"):
		return verdict{cause: connector.Throttled, code: "atlas_limit", retry: 5 * time.Minute, public: "A limit of the Atlas cluster was reached. Regrant goes on by itself when there is room again."}
	}
	return verdict{code: "atlas_error", public: "Atlas answered with an error that Regrant does not know. The evidence is kept."}
}

// readVerdict judges what the server says in a session.
func readVerdict(e mongo.CommandError) (verdict, bool) {
	one := connector.OneTable
	switch e.Code {
	case 13:
		if strings.Contains(strings.ToLower(e.Message), "requires authentication") {
			return verdict{cause: connector.AccessChanged, code: "signed_out", step: connector.StepSignIn, public: "MongoDB does not know this user any more. It was removed or changed while Regrant was reading. Ask who looks after the database, then enter the working password here."}, true
		}
		return verdict{cause: connector.AccessChanged, code: "table_denied", scope: one, step: connector.StepPrivileges, public: "The user may not read %s any more. Ask for the role read on its database."}, true
	case 18, 11:
		return verdict{cause: connector.AccessChanged, code: "login_refused", step: connector.StepSignIn, public: refusedText}, true
	case 8000:
		return atlasVerdict(e), true
	case 26:
		return verdict{cause: connector.AccessChanged, code: "table_missing", scope: one, public: "%s does not exist any more. If it was renamed, choose it under its new name."}, true
	case 43, 237, 175:
		return verdict{cause: connector.Outage, code: "cursor_lost", scope: one, retry: 10 * time.Second, public: "The server forgot a reading of %s that was under way. It goes on by itself."}, true
	case 50, 262:
		return verdict{cause: connector.Outage, code: "time_limit", scope: one, retry: time.Minute, public: "Reading %s took longer than the time limit. It is tried again by itself; an index on the column that is followed helps."}, true
	case 239, 246:
		return verdict{cause: connector.Outage, code: "snapshot_gone", scope: one, retry: 10 * time.Second, public: "The server no longer keeps the moment at which %s was read. It is read again by itself."}, true
	case 59, 115, 238:
		return verdict{cause: connector.Ours, code: "not_supported", scope: one, public: "This server does not know something that Regrant asks of it for %s. Please report which server it is."}, true
	case 292:
		return verdict{cause: connector.Outage, code: "sort_memory", scope: one, retry: time.Minute, public: "The server has not enough memory to put %s in order. An index on the column that is followed helps."}, true
	case 166, 165, 167:
		return verdict{cause: connector.Outage, code: "view_broken", scope: one, public: "The view %s cannot be read at the moment. Ask who looks after the database."}, true
	}
	return anyTimeVerdict(e)
}

// anyTimeVerdict judges what may be said at any time.
func anyTimeVerdict(e mongo.CommandError) (verdict, bool) {
	switch e.Code {
	case 391, 392:
		return verdict{cause: connector.Expired, code: "token_expired", step: connector.StepSignIn, public: "The permission to read has run out at the server. Re-authorize to go on."}, true
	case 91, 11600:
		return verdict{cause: connector.Outage, code: "shutting_down", retry: 30 * time.Second, public: "The server is shutting down or restarting. It is tried again by itself."}, true
	case 189, 10107, 10058, 11602, 13435, 13436, 134:
		return verdict{cause: connector.Outage, code: "not_primary", retry: 15 * time.Second, public: "The members of the replica set are changing places. It is tried again by itself."}, true
	case 133:
		return verdict{cause: connector.Outage, code: "no_member", retry: 30 * time.Second, public: "No member of the replica set can be read from as chosen here (“Read from”). It is tried again by itself."}, true
	case 6, 7, 89, 9001:
		return verdict{cause: connector.Outage, code: "member_unreachable", retry: 30 * time.Second, public: "The servers of the cluster cannot reach each other. It is tried again by itself."}, true
	case 402, 433, 449, 462:
		return verdict{cause: connector.Throttled, code: "overloaded", retry: time.Minute, public: "The server has too much to do and asks to wait. Regrant goes on by itself."}, true
	case 261:
		return verdict{cause: connector.Outage, code: "too_many_sessions", retry: time.Minute, public: "The server has too many sessions open. It is tried again by itself."}, true
	}
	return verdict{}, false
}

// attempt says to the shared fault table what was tried.
func (s *source) attempt() sqlkit.Attempt {
	return sqlkit.Attempt{Host: s.route.Address(), TLS: s.tls}
}

// classify turns an error into a Fault, once, at the edge.
func (s *source) classify(ctx context.Context, err error, step connector.Step, table string) error {
	if err == nil {
		return nil
	}
	var known *connector.Fault
	if errors.As(err, &known) {
		return known
	}
	// A client that could not find a server keeps the reason of each to itself.
	var selection topology.ServerSelectionError
	inner := err
	if errors.As(err, &selection) {
		for _, server := range selection.Desc.Servers {
			if server.LastError != nil {
				inner = server.LastError
			}
		}
		if errors.As(inner, &known) {
			return known
		}
	}
	command, answered := commandError(inner)
	switch {
	case answered && command.Code != 0:
		return serverFault(command, step, table)
	case ctx.Err() != nil && !errors.Is(context.Cause(ctx), errConnectTimeout):
		return &connector.Fault{Cause: connector.Ours, Code: id + ".cancelled", Step: step, Err: plain{err}, Public: "The work was stopped before it was done. Nothing is lost; it goes on from where it was."}
	}
	if errors.As(err, &selection) && answeredBy(selection) {
		return s.noServer(err, len(selection.Desc.Servers))
	}
	return s.networkFault(inner, err, step)
}

// answeredBy says that servers are there and none of them may be read from; or
// that all were struck off, because they belong to another set.
func answeredBy(e topology.ServerSelectionError) bool {
	for _, server := range e.Desc.Servers {
		if server.Kind == description.Unknown {
			return false
		}
	}
	return true
}

// networkFault judges what did not come from MongoDB itself: names, routes,
// the tunnel, TLS, a connection that broke.
func (s *source) networkFault(inner, err error, step connector.Step) *connector.Fault {
	if f := s.authFault(inner); f != nil {
		return f
	}
	if errors.Is(err, errConnectTimeout) || errors.Is(inner, context.DeadlineExceeded) {
		inner = fmt.Errorf("%w: %w", inner, syscall.ETIMEDOUT)
	}
	if f := s.attempt().Fault(inner); f != nil {
		f.Err = plain{f.Err}
		return f
	}
	switch {
	case hungUp(inner), mongo.IsNetworkError(err), mongo.IsTimeout(err):
		return &connector.Fault{Cause: connector.Outage, Code: id + ".connection_lost", Step: step, Err: plain{err}, Retry: 10 * time.Second,
			Public: "The connection to the server broke. It is tried again by itself."}
	}
	return &connector.Fault{Cause: connector.Unknown, Code: id + ".unknown", Step: step, Err: plain{err},
		Public: "Something happened while talking to MongoDB that Regrant has not seen before. The evidence is kept."}
}

// noServer is a set in which no server can be chosen.
func (s *source) noServer(err error, members int) *connector.Fault {
	if members == 0 {
		return &connector.Fault{Cause: connector.AccessChanged, Code: id + ".replica_set_name", Step: connector.StepReach, Err: plain{err},
			Public: "The server does not belong to the replica set that is named here. If the set was renamed, enter its new name; leave the field empty to take whichever it is."}
	}
	return &connector.Fault{Cause: connector.Outage, Code: id + ".no_member", Step: connector.StepReach, Err: plain{err}, Retry: 30 * time.Second,
		Public: "No member of the replica set can be read from as chosen here (“Read from”). It is tried again by itself."}
}

// authFault is a refusal that the driver itself pronounces: the server does
// not offer a way of signing in that both know.
func (s *source) authFault(err error) *connector.Fault {
	text := strings.ToLower(err.Error())
	if strings.Contains(text, "reauthenticat") { // what the driver makes of code 391
		v, _ := anyTimeVerdict(mongo.CommandError{Code: 391})
		return &connector.Fault{Cause: v.cause, Code: id + "." + v.code, Step: v.step, Public: v.public, Err: plain{err}}
	}
	if !strings.Contains(text, "auth error") && !strings.Contains(text, "authentication mechanism") && !strings.Contains(text, "sasl") {
		return nil
	}
	if hungUp(err) || mongo.IsTimeout(err) {
		return nil
	}
	var network net.Error
	if errors.As(err, &network) {
		return nil
	}
	return &connector.Fault{Cause: connector.AccessChanged, Code: id + ".mechanism_unavailable", Step: connector.StepSignIn, Err: plain{err},
		Public: "The server and Regrant know no common way of signing in. Choose another one here, or ask its administrator which one it takes."}
}

func serverFault(e mongo.CommandError, step connector.Step, table string) *connector.Fault {
	judge := readVerdict
	if step <= connector.StepSignIn {
		judge = signInVerdict
	}
	v, seen := judge(e)
	if !seen {
		v = verdict{code: fmt.Sprintf("code_%d", e.Code), public: "MongoDB answered with an error that Regrant does not know. The evidence is kept."}
		if step == connector.StepRead && table != "" {
			v.scope = connector.OneTable
		}
	}
	f := &connector.Fault{Cause: v.cause, Code: id + "." + v.code, Public: v.public, Step: step, Retry: v.retry, Err: serverError{e},
		Facts: map[string]string{"code": fmt.Sprint(e.Code), "name": e.Name}}
	if step < connector.StepSignIn {
		f.Step = connector.StepSignIn
	}
	if v.step != 0 {
		f.Step = v.step
	}
	if v.scope == connector.OneTable {
		name := table
		if name == "" {
			name = "a collection"
		}
		f.Public = strings.ReplaceAll(v.public, "%s", name)
		if table != "" {
			f.Scope, f.Table = connector.OneTable, table
		}
	}
	return f
}

// serverError is the server's message without the reply, which can hold values.
type serverError struct{ e mongo.CommandError }

func (e serverError) Error() string {
	text := e.e.Message
	if len(text) > 400 {
		text = strings.ToValidUTF8(text[:400], "") + "…"
	}
	return fmt.Sprintf("(%s) %s", e.e.Name, text)
}

// plain is an error by its text only: the driver's types print whole
// configurations when a log asks them to.
type plain struct{ err error }

func (e plain) Error() string {
	text := e.err.Error()
	if len(text) > 1000 {
		text = strings.ToValidUTF8(text[:1000], "") + "…"
	}
	return text
}

func (e plain) Unwrap() error { return e.err }

func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// retryable says whether a reading that broke so is worth going on with on a
// fresh cursor.
func retryable(err error) bool {
	switch codeOf(err) {
	case 0:
		return hungUp(err) || mongo.IsNetworkError(err)
	case 43, 237, 175, 50, 262, 239, 246, 91, 189, 10107, 10058, 11600, 11602, 13435, 13436, 134:
		return true
	}
	return false
}
