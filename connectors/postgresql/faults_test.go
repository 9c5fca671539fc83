package postgresql

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/regrant/regrant/connector"
)

// TestFaultTable goes through every code that the table knows, at each step
// where it can come up, and some that it does not know.
func TestFaultTable(t *testing.T) {
	t.Parallel()
	const signIn, read, privileges = connector.StepSignIn, connector.StepRead, connector.StepPrivileges
	for _, c := range []struct {
		code, routine string
		at            connector.Step
		cause         connector.Cause
		want          string
		step          connector.Step
		oneTable      bool
	}{
		{"28P01", "auth_failed", signIn, connector.AccessChanged, "login_refused", signIn, false},
		{"28000", "ClientAuthentication", signIn, connector.AccessChanged, "host_refused", signIn, false},
		{"28000", "InitializeSessionUserId", signIn, connector.AccessChanged, "role_disabled", signIn, false},
		{"28000", "SomethingNew", signIn, connector.AccessChanged, "login_rule", signIn, false},
		{"3D000", "InitPostgres", signIn, connector.AccessChanged, "database_missing", signIn, false},
		{"42501", "CheckMyDatabase", signIn, connector.AccessChanged, "connect_denied", privileges, false},
		{"55000", "CheckMyDatabase", signIn, connector.AccessChanged, "database_closed", privileges, false},
		{"F0000", "", signIn, connector.AccessChanged, "server_misconfigured", signIn, false},
		{"53300", "InitProcess", signIn, connector.Outage, "too_many_connections", signIn, false},
		{"53200", "", signIn, connector.Outage, "server_exhausted", signIn, false},
		{"53100", "", read, connector.Outage, "server_exhausted", read, false},
		{"53400", "", read, connector.Outage, "server_exhausted", read, false},
		{"57P03", "", signIn, connector.Outage, "not_ready", signIn, false},
		{"57P01", "ProcessInterrupts", read, connector.Outage, "terminated", read, false},
		{"57P02", "", read, connector.Outage, "crashed", read, false},
		{"57P04", "", read, connector.AccessChanged, "database_missing", read, false},
		{"57P05", "", read, connector.Ours, "session_timeout", read, false},
		{"25P03", "", read, connector.Ours, "session_timeout", read, false},
		{"25P04", "", read, connector.Ours, "session_timeout", read, false},
		{"08006", "", read, connector.Outage, "connection_lost", read, false},
		{"42501", "aclcheck_error", read, connector.AccessChanged, "table_denied", privileges, true},
		{"42501", "check_enable_rls", read, connector.AccessChanged, "row_security", privileges, true},
		{"42P01", "", read, connector.AccessChanged, "table_missing", read, true},
		{"42703", "", read, connector.AccessChanged, "column_missing", read, true},
		{"3F000", "", read, connector.AccessChanged, "schema_missing", read, true},
		{"22021", "", read, connector.AccessChanged, "encoding", read, true},
		{"22P05", "", read, connector.AccessChanged, "encoding", read, true},
		{"42883", "", read, connector.AccessChanged, "definition_broken", read, true},
		{"42704", "", read, connector.AccessChanged, "definition_broken", read, true},
		{"XX001", "", read, connector.Outage, "storage_damaged", read, true},
		{"XX002", "", read, connector.Outage, "storage_damaged", read, true},
		{"58030", "", read, connector.Outage, "storage_damaged", read, true},
		{"55P03", "", read, connector.Outage, "table_locked", read, true},
		{"40001", "", read, connector.Outage, "read_conflict", read, true},
		{"40P01", "", read, connector.Outage, "read_conflict", read, true},
		{"25P02", "", read, connector.Outage, "read_conflict", read, true},
		{"57014", "", read, connector.Ours, "statement_cancelled", read, true},
		{"25006", "", read, connector.Ours, "statement_refused", read, true},
		{"0A000", "", read, connector.Ours, "statement_refused", read, true},
		{"22023", "", read, connector.Ours, "statement_refused", read, true},
		{"42601", "", read, connector.Ours, "statement_refused", read, true},
		{"26000", "", read, connector.Ours, "pooler", read, false},
		{"08P01", "", read, connector.Ours, "pooler", read, false},
		{"XX000", "", read, connector.Unknown, "sqlstate_XX000", read, true},
		{"ZZ999", "", signIn, connector.Unknown, "sqlstate_ZZ999", signIn, false},
	} {
		pg := &pgconn.PgError{Code: c.code, Routine: c.routine, Severity: "ERROR", SeverityUnlocalized: "ERROR", Message: "m", Detail: "Key (mail)=(a@b.c)"}
		s := &source{}
		err := s.classify(context.Background(), fmt.Errorf("wrapped: %w", pg), c.at, "public.t")
		f := faultOf(t, err)
		name := c.code + " " + c.routine
		if f.Cause != c.cause || f.Code != "postgresql."+c.want || f.Step != c.step {
			t.Errorf("%s: %s %s at %s", name, f.Cause, f.Code, f.Step)
		}
		if (f.Scope == connector.OneTable) != c.oneTable || (f.Table != "") != c.oneTable {
			t.Errorf("%s: scope %d of %q", name, f.Scope, f.Table)
		}
		if f.Facts["sqlstate"] != c.code {
			t.Errorf("%s: facts %v", name, f.Facts)
		}
		if text := err.Error() + f.Public; strings.Contains(text, "a@b.c") || strings.Contains(text, "%!") || strings.Contains(f.Public, "%s") {
			t.Errorf("%s: %s", name, text)
		}
	}
}

func TestCancelIsOurs(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	f := faultOf(t, (&source{}).classify(ctx, context.Canceled, connector.StepRead, ""))
	if f.Cause != connector.Ours || f.Code != "postgresql.cancelled" {
		t.Errorf("%s %s", f.Cause, f.Code)
	}
}
