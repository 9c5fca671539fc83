package postgresql

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/regrant/regrant/connector"
)

// verdict is what an SQLSTATE means at a step. The same code means different
// things before and after signing in, so the tables are apart.
type verdict struct {
	cause  connector.Cause
	code   string
	public string // %s is the table, where the scope is one table
	scope  connector.Scope
	retry  time.Duration
	step   connector.Step // zero: the step at which it happened
}

// signInVerdict judges what the server says before a session exists.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func signInVerdict(e *pgconn.PgError) (verdict, bool) {
	switch e.Code {
	case "28P01":
		return verdict{cause: connector.AccessChanged, code: "login_refused", public: "PostgreSQL refused the user name and password. " +
			"The server does not say which of these it is: the password was changed, the role was removed, or its password has expired. " +
			"Ask who looks after the database, then enter the working password here."}, true
	case "28000":
		return authorizationRule(e), true
	case "3D000":
		return verdict{cause: connector.AccessChanged, code: "database_missing", public: "The database does not exist on this server any more. " +
			"If it was renamed, ask for its new name; if it was moved, ask for its new address."}, true
	case "42501":
		return verdict{cause: connector.AccessChanged, code: "connect_denied", step: connector.StepPrivileges, public: "The role may no longer connect to this database. " +
			"Ask for: GRANT CONNECT ON DATABASE … TO the role."}, true
	case "55000":
		return verdict{cause: connector.AccessChanged, code: "database_closed", step: connector.StepPrivileges, public: "The database was closed for connections by its administrator (ALLOW_CONNECTIONS false). " +
			"Ask to have it opened again."}, true
	case "F0000":
		return verdict{cause: connector.AccessChanged, code: "server_misconfigured", public: "The server's own settings for signing in are broken. " +
			"Ask its administrator to look at pg_hba.conf and the server's log."}, true
	}
	return anyTimeVerdict(e)
}

// authorizationRule tells the meanings of 28000 apart by the server function
// that raised it, which PostgreSQL sends along; its text is for people.
func authorizationRule(e *pgconn.PgError) verdict {
	switch e.Routine {
	case "ClientAuthentication":
		return verdict{cause: connector.AccessChanged, code: "host_refused", public: "The server has no rule that lets this user in from our address with this kind of encryption (pg_hba.conf). " +
			"Ask to have our address allowed, or switch TLS on if the server wants it."}
	case "InitializeSessionUserId", "InitializeSessionUserIdStandalone":
		return verdict{cause: connector.AccessChanged, code: "role_disabled", public: "The role is not permitted to log in any more. " +
			"Ask for: ALTER ROLE … LOGIN, or for another role."}
	default:
		return verdict{cause: connector.AccessChanged, code: "login_rule", public: "The server's rules do not let this role in. " +
			"Ask its administrator what changed for this role."}
	}
}

// readVerdict judges what the server says in a session.
func readVerdict(e *pgconn.PgError) (verdict, bool) {
	one := connector.OneTable
	switch e.Code {
	case "42501":
		if e.Routine == "check_enable_rls" {
			return verdict{cause: connector.AccessChanged, code: "row_security", scope: one, step: connector.StepPrivileges, public: hiddenRows}, true
		}
		return verdict{cause: connector.AccessChanged, code: "table_denied", scope: one, step: connector.StepPrivileges, public: "The role may not read %s any more. " +
			"Ask for: GRANT SELECT on it, and GRANT USAGE on its schema."}, true
	case "42P01":
		return verdict{cause: connector.AccessChanged, code: "table_missing", scope: one, public: "%s does not exist any more. If it was renamed, choose it under its new name."}, true
	case "3F000":
		return verdict{cause: connector.AccessChanged, code: "schema_missing", scope: one, public: "The schema of %s does not exist any more. If it was renamed, choose the table under its new name."}, true
	case "42703":
		return verdict{cause: connector.AccessChanged, code: "column_missing", scope: one, public: "A column of %s does not exist any more. Look at the table's columns and choose again."}, true
	case "22021", "22P05":
		return verdict{cause: connector.AccessChanged, code: "encoding", scope: one, public: "%s holds text that is not valid in the database's own encoding. Ask its administrator to mend those rows."}, true
	case "42883", "42704":
		return verdict{cause: connector.AccessChanged, code: "definition_broken", scope: one, public: "%s needs a function or type that is missing. Ask who looks after the database to mend its definition."}, true
	case "XX001", "XX002", "58030":
		return verdict{cause: connector.Outage, code: "storage_damaged", scope: one, public: "The server reports damaged storage while reading %s. Tell its administrator at once."}, true
	case "55P03":
		return verdict{cause: connector.Outage, code: "table_locked", scope: one, retry: time.Minute, public: "%s is locked by somebody's change at the source. It is tried again by itself."}, true
	case "40001", "40P01", "25P02":
		return verdict{cause: connector.Outage, code: "read_conflict", scope: one, retry: time.Minute, public: "The server cancelled the reading of %s in favour of its own work. It is tried again by itself. " +
			"On a standby, hot_standby_feedback = on avoids this."}, true
	case "57014":
		return verdict{cause: connector.Ours, code: "statement_cancelled", scope: one, retry: time.Minute, public: "Reading %s was cancelled: it took longer than a statement may take here, or an administrator cancelled it. It is tried again in smaller pieces."}, true
	case "57P05", "25P03", "25P04":
		return verdict{cause: connector.Ours, code: "session_timeout", retry: time.Minute, public: "The server ended our session because it was idle too long. It is tried again by itself."}, true
	case "25006", "0A000", "22023", "42601":
		return verdict{cause: connector.Ours, code: "statement_refused", scope: one, public: "Regrant sent a statement for %s that this server does not take. This is a fault in Regrant; please report it."}, true
	case "26000", "08P01":
		return verdict{cause: connector.Ours, code: "pooler", public: "A connection pooler between Regrant and PostgreSQL got in the way. Connect to PostgreSQL itself, or set the pooler to session pooling."}, true
	case "57P04":
		return verdict{cause: connector.AccessChanged, code: "database_missing", public: "The database was dropped while it was being read."}, true
	}
	return anyTimeVerdict(e)
}

const hiddenRows = "Row-level security hides rows of %s from the role, so a pull would silently miss them. " +
	"Ask for a policy that shows all rows to the role, or for: ALTER ROLE … BYPASSRLS."

// anyTimeVerdict judges the server's own troubles, at any step.
func anyTimeVerdict(e *pgconn.PgError) (verdict, bool) {
	switch e.Code {
	case "53300":
		return verdict{cause: connector.Outage, code: "too_many_connections", retry: time.Minute, public: "The server has no free connection for this role. It is tried again by itself; if it lasts, ask for a higher connection limit."}, true
	case "53000", "53100", "53200", "53400":
		return verdict{cause: connector.Outage, code: "server_exhausted", retry: 5 * time.Minute, public: "The server is out of memory, disk or another resource. It is tried again by itself; its administrator should know."}, true
	case "57P01":
		return verdict{cause: connector.Outage, code: "terminated", retry: 10 * time.Second, public: "The server ended our session: it is restarting, or an administrator cut it. It is tried again by itself."}, true
	case "57P02":
		return verdict{cause: connector.Outage, code: "crashed", retry: 30 * time.Second, public: "The server crashed and is recovering. It is tried again by itself."}, true
	case "57P03":
		return verdict{cause: connector.Outage, code: "not_ready", retry: 30 * time.Second, public: "The server is starting or shutting down. It is tried again by itself."}, true
	case "08000", "08001", "08003", "08004", "08006":
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
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &pg):
		return serverFault(pg, step, table)
	case ctx.Err() != nil && !errors.Is(err, errKeyValue):
		return &connector.Fault{Cause: connector.Ours, Code: id + ".cancelled", Step: step, Err: err, Public: "The work was stopped before it was done. Nothing is lost; it goes on from where it was."}
	default:
		return s.networkFault(err, step)
	}
}

func serverFault(pg *pgconn.PgError, step connector.Step, table string) *connector.Fault {
	judge := readVerdict
	if step <= connector.StepSignIn {
		judge = signInVerdict
	}
	v, seen := judge(pg)
	if !seen {
		v = verdict{code: "sqlstate_" + pg.Code, public: "PostgreSQL answered with an error that Regrant does not know. The evidence is kept."}
		if step == connector.StepRead && table != "" {
			v.scope = connector.OneTable
		}
	}
	f := &connector.Fault{Cause: v.cause, Code: "postgresql." + v.code, Public: v.public, Step: step, Retry: v.retry, Err: serverError{pg},
		Facts: map[string]string{"sqlstate": pg.Code, "severity": pg.SeverityUnlocalized, "routine": pg.Routine}}
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

// serverError is the server's message without what it quotes of the data and
// of our statement: a DETAIL can hold values of rows.
type serverError struct {
	pg *pgconn.PgError
}

func (e serverError) Error() string {
	return fmt.Sprintf("%s: %s (SQLSTATE %s)", e.pg.Severity, e.pg.Message, e.pg.Code)
}

func (e serverError) Unwrap() error { return e.pg }

// retryable says whether a page that failed so is worth another, smaller try
// on a sound session.
func retryable(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	switch pg.Code {
	case "40001", "40P01", "57014", "53200", "25P02":
		return true
	}
	return false
}
