package mysql

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/mysqlwire"
)

// verdict is what a number means at a step. The same number means different
// things before and after signing in, so the tables are apart.
type verdict struct {
	cause  connector.Cause
	code   string
	public string // %s is the table, where the scope is one table
	scope  connector.Scope
	retry  time.Duration
	step   connector.Step // zero: the step at which it happened
}

const errNoSuchTable = 1146

const tlsDemanded = "The server now demands TLS from this user, and this connection has it switched off. Choose another encryption here, for example \"Encrypted, certificate and name checked\"."

// signInVerdict judges what the server says before a session is ready.
// https://dev.mysql.com/doc/mysql-errors/en/server-error-reference.html
// https://mariadb.com/kb/en/mariadb-error-code-reference/
func signInVerdict(number uint16) (verdict, bool) {
	changed := connector.AccessChanged
	switch number {
	case 1045:
		return verdict{cause: changed, code: "login_refused", public: "The server refused the user name and password. " +
			"It does not say which of these it is: the password was changed, the user was removed, or the user may not come from our address any more. " +
			"Ask who looks after the database, then enter the working password here."}, true
	case 1698:
		return verdict{cause: changed, code: "socket_only", public: "This user may sign in on the server's own machine only (unix_socket or auth_socket). " +
			"Ask for a user with a password; the steps beside the form make one."}, true
	case 1130:
		return verdict{cause: changed, code: "host_refused", public: "The server has no user at all that may come from our address. " +
			"Ask for the user to be made for the address that Regrant connects from: CREATE USER 'name'@'address'."}, true
	case 1129:
		return verdict{cause: changed, code: "host_blocked", retry: time.Hour, public: "The server blocks our address after too many connections that broke off. " +
			"Its administrator lifts that with: FLUSH HOSTS, on MySQL 8 and later: TRUNCATE TABLE performance_schema.host_cache."}, true
	case 3118, 4151:
		return verdict{cause: changed, code: "account_locked", public: "The user is locked. Ask for: ALTER USER … ACCOUNT UNLOCK."}, true
	case 3955, 4150:
		return verdict{cause: changed, code: "account_blocked", retry: time.Hour, public: "The user is blocked because somebody entered a wrong password too often. " +
			"Ask for: ALTER USER … ACCOUNT UNLOCK (MariaDB: FLUSH PRIVILEGES). Before that, no attempt will succeed."}, true
	case 1862, 1820:
		return passwordExpired(), true
	case 3159:
		return verdict{cause: changed, code: "tls_demanded", public: tlsDemanded}, true
	case 1524, 1251, 1275:
		return verdict{cause: changed, code: "sign_in_method", public: "The user's way to sign in is not there on the server any more, or is too old. " +
			"Ask for: ALTER USER … IDENTIFIED BY, which gives it a present one."}, true
	case 1044:
		return verdict{cause: changed, code: "database_denied", step: connector.StepPrivileges, public: "The user may not use this database, or it does not exist; the server does not say which. " +
			"Ask for: GRANT SELECT ON the database TO the user, or for the database's new name."}, true
	case 1049:
		return verdict{cause: changed, code: "database_missing", public: "The database does not exist on this server any more. " +
			"If it was renamed, ask for its new name; if it was moved, ask for its new address."}, true
	case 1043:
		return verdict{cause: connector.Outage, code: "handshake_failed", step: connector.StepReach, retry: time.Minute, public: "The server broke off while we introduced ourselves. It is tried again by itself; if it lasts, something between Regrant and the server changes what is sent."}, true
	}
	return anyTimeVerdict(number)
}

func passwordExpired() verdict {
	return verdict{cause: connector.Expired, code: "password_expired", step: connector.StepSignIn, public: "The password of the user has expired. " +
		"Ask for a new one: ALTER USER … IDENTIFIED BY '…' PASSWORD EXPIRE NEVER; then enter it here."}
}

// readVerdict judges what the server says in a session.
func readVerdict(number uint16) (verdict, bool) {
	if v, ok := accessVerdict(number); ok {
		return v, true
	}
	if v, ok := schemaVerdict(number); ok {
		return v, true
	}
	if v, ok := workVerdict(number); ok {
		return v, true
	}
	return anyTimeVerdict(number)
}

// accessVerdict is about privileges that are gone.
func accessVerdict(number uint16) (verdict, bool) {
	const changed, one, privileges = connector.AccessChanged, connector.OneTable, connector.StepPrivileges
	switch number {
	case 1142:
		return verdict{cause: changed, code: "table_denied", scope: one, step: privileges, public: "The user may not read %s any more, or some column of it; it may also be gone. " +
			"Ask for: GRANT SELECT ON it TO the user."}, true
	case 1143:
		return verdict{cause: changed, code: "column_denied", scope: one, step: privileges, public: "The user may not read a column of %s any more. " +
			"Ask for: GRANT SELECT on it, or leave the column out here."}, true
	case 1044:
		return verdict{cause: changed, code: "database_denied", scope: one, step: privileges, public: "The user may not use the database of %s any more. " +
			"Ask for: GRANT SELECT ON the database TO the user."}, true
	case 1227:
		return verdict{cause: changed, code: "privilege_missing", scope: one, step: privileges, public: "Reading %s needs a privilege that the user does not have. Ask who looks after the database."}, true
	case 1045: // not our password: this session has signed in
		return verdict{cause: changed, code: "definer_gone", scope: one, step: privileges, public: "%s is a view that runs with the rights of a user who was removed or changed. " +
			"Ask who looks after the database to give the view another definer. Other tables are not affected."}, true
	case 1449:
		return verdict{cause: changed, code: "definer_gone", scope: one, step: privileges, public: "%s runs with the rights of a user who does not exist. " +
			"Ask who looks after the database to give it another definer. Other tables are not affected."}, true
	case 1370:
		return verdict{cause: changed, code: "routine_denied", scope: one, step: privileges, public: "%s uses a function that the user, or the definer of the view, may not execute."}, true
	case 1820, 1862:
		return passwordExpired(), true
	}
	return verdict{}, false
}

// schemaVerdict is about things that are not there any more.
func schemaVerdict(number uint16) (verdict, bool) {
	const changed, one = connector.AccessChanged, connector.OneTable
	switch number {
	case errNoSuchTable, 1051, 1049:
		return verdict{cause: changed, code: "table_missing", scope: one, public: "%s does not exist any more. If it was renamed, choose it under its new name."}, true
	case 1054:
		return verdict{cause: changed, code: "column_missing", scope: one, public: "A column of %s does not exist any more. Look at the table's columns and choose again."}, true
	case 1356:
		return verdict{cause: changed, code: "view_broken", scope: one, public: "%s is a view that refers to a table, column or function that is gone, or that its definer may not use any more. Ask who looks after the database to mend it."}, true
	case 1305, 1630:
		return verdict{cause: changed, code: "view_broken", scope: one, public: "%s uses a function that does not exist any more. Ask who looks after the database to mend it."}, true
	case 1412:
		return verdict{cause: connector.Outage, code: "definition_changed", scope: one, retry: time.Minute, public: "%s was changed at the source while it was being read. It is read again by itself."}, true
	}
	return verdict{}, false
}

// workVerdict is about the work itself: locks, limits, our own statements.
func workVerdict(number uint16) (verdict, bool) {
	const one = connector.OneTable
	switch number {
	case 1205:
		return verdict{cause: connector.Outage, code: "table_locked", scope: one, retry: time.Minute, public: "%s is locked by somebody's change at the source. It is tried again by itself."}, true
	case 1213, 1020:
		return verdict{cause: connector.Outage, code: "read_conflict", scope: one, retry: time.Minute, public: "The server gave up reading %s in favour of other work. It is tried again by itself."}, true
	case 1317:
		return verdict{cause: connector.Ours, code: "statement_cancelled", scope: one, retry: time.Minute, public: "Reading %s was cancelled, by an administrator or by a time limit. It is tried again in smaller pieces."}, true
	case 3024, 1969:
		return verdict{cause: connector.Ours, code: "statement_timeout", scope: one, retry: time.Minute, public: "Reading %s took longer than a statement may take. It is tried again in smaller pieces."}, true
	case 4031:
		return verdict{cause: connector.Ours, code: "session_timeout", retry: time.Minute, public: "The server ended our session because it was idle too long. It is tried again by itself."}, true
	case 1064, 1290, 1836, 1792, 1193, 1231, 1115, 1273, 1267, 1292, 1525, 1104, 1235, 1295, 1153, 1301:
		return verdict{cause: connector.Ours, code: "statement_refused", scope: one, public: "Regrant sent a statement for %s that this server does not take. This is a fault in Regrant; please report it."}, true
	case 1030, 1194, 1195, 1034, 1035, 1712, 1877, 1932:
		return verdict{cause: connector.Outage, code: "storage_damaged", scope: one, retry: time.Hour, public: "The server reports damaged storage while reading %s. Tell its administrator."}, true
	}
	return verdict{}, false
}

// anyTimeVerdict judges the server's own troubles, at any step.
func anyTimeVerdict(number uint16) (verdict, bool) {
	switch number {
	case 1040, 1203:
		return verdict{cause: connector.Outage, code: "too_many_connections", retry: time.Minute, public: "The server has no free connection. It is tried again by itself; if it lasts, ask for a higher limit."}, true
	case 1226:
		return verdict{cause: connector.Throttled, code: "resource_limit", retry: 10 * time.Minute, public: "The user has used up what it may use: connections at a time, or connections or statements per hour. It is tried again by itself; " +
			"if it lasts, ask for: ALTER USER … WITH MAX_USER_CONNECTIONS 6 MAX_QUERIES_PER_HOUR 0 MAX_CONNECTIONS_PER_HOUR 0."}, true
	case 1053, 1077, 1079, 1927, 3169:
		return verdict{cause: connector.Outage, code: "terminated", retry: 10 * time.Second, public: "The server ended our session: it is shutting down, or an administrator cut it. It is tried again by itself."}, true
	case 3032:
		return verdict{cause: connector.Outage, code: "offline", retry: 5 * time.Minute, public: "The server is in offline mode: its administrator lets nobody in for now. It is tried again by itself."}, true
	case 1047, 3168:
		return verdict{cause: connector.Outage, code: "not_ready", retry: 30 * time.Second, public: "The server is not ready: it is starting, or a node of a cluster that has not caught up. It is tried again by itself."}, true
	case 1021, 1037, 1038, 1041, 1114, 1135, 1637, 3, 28:
		return verdict{cause: connector.Outage, code: "server_exhausted", retry: 5 * time.Minute, public: "The server is out of memory, disk or another resource. It is tried again by itself; its administrator should know."}, true
	case 1152, 1158, 1159, 1160, 1161, 1184, 2006, 2013, 9001:
		return verdict{cause: connector.Outage, code: "connection_lost", retry: 10 * time.Second, public: "The connection to the server was lost. It is tried again by itself."}, true
	}
	return verdict{}, false
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
	var answer *mysqlwire.Error
	switch {
	case ctx.Err() != nil && !errors.Is(err, errKeyValue):
		return &connector.Fault{Cause: connector.Ours, Code: id + ".cancelled", Step: step, Err: err, Public: "The work was stopped before it was done. Nothing is lost; it goes on from where it was."}
	case errors.As(err, &answer):
		return serverFault(answer, step, table)
	default:
		return s.networkFault(err, step)
	}
}

func serverFault(e *mysqlwire.Error, step connector.Step, table string) *connector.Fault {
	judge := readVerdict
	if step <= connector.StepSignIn {
		judge = signInVerdict
	}
	v, seen := judge(e.Code)
	number := strconv.Itoa(int(e.Code))
	if !seen {
		v = verdict{code: "error_" + number, public: "The server answered with an error that Regrant does not know. The evidence is kept."}
		if step == connector.StepRead && table != "" {
			v.scope = connector.OneTable
		}
	}
	f := &connector.Fault{Cause: v.cause, Code: id + "." + v.code, Public: v.public, Step: step, Retry: v.retry, Err: serverError{e},
		Facts: map[string]string{"errno": number, "sqlstate": e.State}}
	if v.step != 0 {
		f.Step = v.step
	}
	if v.scope == connector.OneTable {
		name := table
		if name == "" {
			name = "a table"
		}
		f.Public = strings.ReplaceAll(v.public, "%s", name)
		if table != "" {
			f.Scope, f.Table = connector.OneTable, table
		}
	}
	return f
}

// serverError is the server's message, unless it is of a kind that quotes
// values of rows or our statement, in which there are values, too.
type serverError struct {
	e *mysqlwire.Error
}

func (e serverError) Error() string {
	switch e.e.Code {
	case 1064, 1149, 1267, 1292, 1366, 1411, 1525, 1062, 1690, 3140, 3141, 3143:
		return fmt.Sprintf("error %d (%s)", e.e.Code, e.e.State)
	}
	return e.e.Error()
}

func (e serverError) Unwrap() error { return e.e }

// retryable says whether a page that failed so is worth another, smaller try
// on the same session.
func retryable(err error) bool {
	var e *mysqlwire.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code {
	case 1213, 1020, 1317, 3024, 1969, 1038, 1041:
		return true
	}
	return false
}
