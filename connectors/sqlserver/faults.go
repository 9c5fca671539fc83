package sqlserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	mssql "github.com/microsoft/go-mssqldb"

	"github.com/regrant/regrant/connector"
)

// verdict is what an error number means at a step. The same number means
// different things before and after signing in, so the tables are apart.
type verdict struct {
	cause  connector.Cause
	code   string
	public string // %s is the table, where the scope is one table
	scope  connector.Scope
	retry  time.Duration
	step   connector.Step // zero: the step at which it happened
}

const again = " It is tried again by itself."

// signInVerdict judges what the server says before a session exists.
// https://learn.microsoft.com/en-us/sql/relational-databases/errors-events/database-engine-events-and-errors
func signInVerdict(number int32) (verdict, bool) {
	changed := func(code, public string) (verdict, bool) {
		return verdict{cause: connector.AccessChanged, code: code, public: public}, true
	}
	switch number {
	case 18456:
		return changed("login_refused", "SQL Server refused the login. It does not tell us which of these it is: the password was changed, the login was dropped, may not connect any more, or the server takes Windows accounts only. "+
			"Its administrator finds the reason as “State” in the server's error log: 5 is an unknown login, 7 a disabled one, 8 a wrong password, 11 and 12 no access to the server, 38 and 40 a database that cannot be opened. Then enter the working password here.")
	case 18452, 18450:
		return changed("windows_only", "The server lets Windows accounts in only. Ask its administrator for “SQL Server and Windows Authentication mode”.")
	case 18470:
		return changed("login_disabled", "The login is disabled. Ask for: ALTER LOGIN … ENABLE.")
	case 18486:
		return changed("login_locked", "The login is locked out, after too many wrong passwords from somewhere. Ask for: ALTER LOGIN … WITH PASSWORD = '…' UNLOCK; then enter the password here.")
	case 18487:
		return verdict{cause: connector.Expired, code: "password_expired", public: "The password of the login has expired. Ask for a new one, and enter it here. CHECK_EXPIRATION = OFF keeps it from happening again."}, true
	case 18488:
		return verdict{cause: connector.Expired, code: "password_must_change", public: "The password of the login must be changed before it may be used. Ask for: ALTER LOGIN … WITH PASSWORD = '…', and enter that one here."}, true
	case 4060:
		return changed("database_refused", "The password is right, but the database cannot be opened with this login: it was dropped, renamed or taken offline, or the login has no user in it any more. "+
			"Ask who looks after the database; in the database, CREATE USER … FOR LOGIN … brings the user back.")
	case 4064:
		return changed("default_database", "The login's default database cannot be opened. Ask for: ALTER LOGIN … WITH DEFAULT_DATABASE = the database to read.")
	case 916:
		return changed("no_user", "The login has no user in this database any more. Ask for: CREATE USER … FOR LOGIN … in the database.")
	case 911:
		return changed("database_missing", "The database does not exist on this server any more. If it was renamed, ask for its new name; if it was moved, ask for its new address.")
	case 40532, 40531:
		return changed("server_name", "Azure does not know which server is meant. Enter the whole host name, as in name.database.windows.net.")
	case 40615, 40914, 47073:
		return changed("firewall", "Azure's firewall does not let this Regrant in. Ask for a firewall rule for its address.")
	case 17809:
		return verdict{cause: connector.Outage, code: "too_many_connections", retry: time.Minute, public: "The server has no free connection." + again}, true
	case 18458, 18459, 18460:
		return verdict{cause: connector.Outage, code: "licence_limit", retry: 5 * time.Minute, public: "The server has reached the number of connections that its licence allows." + again}, true
	case 18451, 18461, 18401, 17142, 17187, 17188, 17189:
		return verdict{cause: connector.Outage, code: "not_ready", retry: 30 * time.Second, public: "The server is starting, stopping, paused or in maintenance, and takes no logins now." + again}, true
	case 976, 979:
		return changed("read_intent", "The database is a secondary replica that is read with read intent only. Switch “Read from a secondary” on here, or ask for the primary's address.")
	}
	return anyTimeVerdict(number)
}

// readVerdict judges what the server says in a session.
func readVerdict(number int32) (verdict, bool) {
	one := connector.OneTable
	switch number {
	case 229:
		return verdict{cause: connector.AccessChanged, code: "table_denied", scope: one, step: connector.StepPrivileges, public: "The login may not read %s any more. Ask for: GRANT SELECT on it TO the user; a DENY, if there is one, has to go first."}, true
	case 230:
		return verdict{cause: connector.AccessChanged, code: "column_denied", scope: one, step: connector.StepPrivileges, public: "The login may not read a column of %s any more. Ask for: GRANT SELECT on the column, or choose the columns again."}, true
	case 262, 297, 300:
		return verdict{cause: connector.AccessChanged, code: "permission_missing", scope: one, step: connector.StepPrivileges, public: "Reading %s needs a permission that the login does not have: VIEW DATABASE STATE, or the like."}, true
	case 208:
		return verdict{cause: connector.AccessChanged, code: "table_missing", scope: one, public: "%s" + missing}, true
	case 207:
		return verdict{cause: connector.AccessChanged, code: "column_missing", scope: one, public: "A column of %s does not exist any more, or may not be seen. Look at the table's columns and choose again."}, true
	case 4413, 4502, 4121:
		return verdict{cause: connector.AccessChanged, code: "definition_broken", scope: one, public: "The view %s refers to something that is missing. Ask who looks after the database to mend it."}, true
	case 1205:
		return verdict{cause: connector.Outage, code: "deadlock", scope: one, retry: time.Minute, public: "The server cancelled the reading of %s in favour of somebody's work." + again}, true
	case 1222:
		return verdict{cause: connector.Outage, code: "table_locked", scope: one, retry: time.Minute, public: "%s is locked by somebody's change at the source." + again + " Snapshot isolation avoids this."}, true
	case 3960, 3961, 3966, 3967, 601:
		return verdict{cause: connector.Outage, code: "read_conflict", scope: one, retry: time.Minute, public: "%s was changed in the middle of reading in a way that the server cannot hide." + again}, true
	case 3952, 41332, 41305, 7420:
		return verdict{cause: connector.Ours, code: "snapshot_refused", scope: one, retry: time.Minute, public: "%s cannot be read as of one moment." + again}, true
	case 605, 823, 824, 825, 5572:
		return verdict{cause: connector.Outage, code: "storage_damaged", scope: one, public: "The server reports damaged storage while reading %s. Tell its administrator at once."}, true
	case 102, 105, 156, 241, 245, 8114, 8115, 8152, 2628:
		return verdict{cause: connector.Ours, code: "statement_refused", scope: one, public: "Regrant sent a statement for %s that this server does not take. This is a fault in Regrant; please report it."}, true
	case 911, 916, 4060:
		return signInVerdict(number)
	case 976, 979:
		return signInVerdict(number)
	}
	return anyTimeVerdict(number)
}

// anyTimeVerdict judges the server's own troubles, at any step.
func anyTimeVerdict(number int32) (verdict, bool) {
	outage := func(code string, retry time.Duration, public string) (verdict, bool) {
		return verdict{cause: connector.Outage, code: code, retry: retry, public: public + again}, true
	}
	switch number {
	case 40613, 40197, 40143, 40540, 40166, 4221, 615, 926, 49918, 49919, 49920, 42108, 42109:
		return outage("azure_busy", 5*time.Second, "Azure is moving or waking the database.")
	case 40501, 10928, 10929, 10936, 40544, 40549, 40550, 40551, 40552, 40553:
		return outage("azure_limit", time.Minute, "The database has reached a limit of its service level.")
	case 978, 983, 35250, 41131:
		return outage("replica_unavailable", 30*time.Second, "The database's replica cannot be read now: its group is changing roles.")
	case 924, 927, 942, 945, 922, 952, 921:
		return outage("database_unavailable", time.Minute, "The database is being restored or upgraded, is offline, or lets in a single user.")
	case 233, 10053, 10054, 10060:
		return outage("connection_lost", 10*time.Second, "The connection to the server was lost.")
	case 596, 6005, 6001, 6006:
		return outage("terminated", 10*time.Second, "The server ended our session: it is restarting, or an administrator cut it.")
	case 701, 8645, 8651, 9002, 1105, 17803, 3958, 3959, 5573, 1101:
		return outage("server_exhausted", 5*time.Minute, "The server is out of memory, disk or another resource; its administrator should know.")
	}
	return verdict{}, false
}

// severe judges by the class what no table knows: from 20 on the server has
// ended the connection.
func severe(class uint8) (verdict, bool) {
	if class < 20 {
		return verdict{}, false
	}
	return verdict{cause: connector.Outage, code: "terminated", retry: 30 * time.Second, public: "The server ended our session because of a trouble of its own." + again}, true
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
	var answer mssql.Error
	stopped := ctx.Err() != nil && !errors.Is(err, errKeyValue)
	switch {
	case stopped:
		return &connector.Fault{Cause: connector.Ours, Code: id + ".cancelled", Step: step, Err: fmt.Errorf("%w: %w", ctx.Err(), err), Public: "The work was stopped before it was done. Nothing is lost; it goes on from where it was."}
	case errors.Is(err, errConnectTimeout):
		return s.networkFault(&net.OpError{Op: "dial", Err: errTimeout{}}, step)
	case errors.As(err, &answer):
		return serverFault(answer, step, table)
	default:
		return s.networkFault(err, step)
	}
}

// errTimeout is a server that answers nothing for the whole time to connect.
type errTimeout struct{}

func (errTimeout) Error() string   { return errConnectTimeout.Error() }
func (errTimeout) Timeout() bool   { return true }
func (errTimeout) Temporary() bool { return true }

func serverFault(answer mssql.Error, step connector.Step, table string) *connector.Fault {
	judge := readVerdict
	if step <= connector.StepSignIn {
		judge = signInVerdict
	}
	telling := tellingOf(answer, judge)
	v, seen := judge(telling.Number)
	if !seen {
		v, seen = severe(telling.Class)
	}
	if !seen {
		v = verdict{code: "error_" + strconv.Itoa(int(telling.Number)), public: "SQL Server answered with an error that Regrant does not know. The evidence is kept."}
		if step == connector.StepRead && table != "" {
			v.scope = connector.OneTable
		}
	}
	f := &connector.Fault{Cause: v.cause, Code: id + "." + v.code, Public: v.public, Step: step, Retry: v.retry, Err: serverError{answer},
		Facts: map[string]string{"number": strconv.Itoa(int(telling.Number)), "state": strconv.Itoa(int(telling.State)), "class": strconv.Itoa(int(telling.Class))}}
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
	addAddress(f, telling)
	return f
}

// tellingOf chooses among the errors of one answer: a database that is refused
// comes as 4060 and then 18456, and only the first says that the password was
// right. The driver calls the last one the error.
func tellingOf(answer mssql.Error, judge func(int32) (verdict, bool)) mssql.Error {
	for _, e := range answer.All {
		if _, seen := judge(e.Number); seen && e.Number != 18456 {
			return e
		}
	}
	return answer
}

var addressInText = regexp.MustCompile(`IP address '([0-9a-fA-F.:]{3,45})'`) //nolint:gochecknoglobals // compiled once

// addAddress tells the address that Azure's firewall saw: it is what has to be
// pasted there, and nobody else knows it.
func addAddress(f *connector.Fault, e mssql.Error) {
	if e.Number != 40615 {
		return
	}
	if m := addressInText.FindStringSubmatch(e.Message); m != nil && net.ParseIP(m[1]) != nil {
		f.Facts["address_seen"] = m[1]
		f.Public = "Azure's firewall does not let this Regrant in. Ask for a firewall rule for its address: " + m[1] + "."
	}
}

// serverError is the server's message, cut to a bearable length.
type serverError struct {
	answer mssql.Error
}

func (e serverError) Error() string {
	text := e.answer.Message
	if r := []rune(text); len(r) > 500 {
		text = string(r[:500]) + "…"
	}
	return fmt.Sprintf("error %d, state %d, class %d: %s", e.answer.Number, e.answer.State, e.answer.Class, text)
}

func (e serverError) Unwrap() error { return e.answer }

// retryable says whether a page that failed so is worth another, smaller try.
func retryable(err error) bool {
	return numbered(err, 1205, 1222, 3960, 3961, 3966, 3967, 601, 701, 8645, 8651)
}

// refusesSnapshot says that the database, or this table (kept in memory, of
// another server, changed meanwhile), is not to be read under snapshot
// isolation.
func refusesSnapshot(err error) bool { return numbered(err, 3952, 41332, 41305, 7420, 3961) }

func numbered(err error, numbers ...int32) bool {
	var answer mssql.Error
	return errors.As(err, &answer) && slices.Contains(numbers, answer.Number)
}
