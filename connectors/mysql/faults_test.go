package mysql

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/mysqlwire"
)

// TestFaultTable goes through every number that the table knows, at each step
// where it can come up, and some that it does not know.
func TestFaultTable(t *testing.T) {
	t.Parallel()
	const signIn, read, privileges, reach = connector.StepSignIn, connector.StepRead, connector.StepPrivileges, connector.StepReach
	const changed, expired, outage, ours, unknown, throttled = connector.AccessChanged, connector.Expired, connector.Outage, connector.Ours, connector.Unknown, connector.Throttled
	for _, c := range []struct {
		numbers  string
		at       connector.Step
		cause    connector.Cause
		want     string
		step     connector.Step
		oneTable bool
	}{
		{"1045", signIn, changed, "login_refused", signIn, false},
		{"1045", read, changed, "definer_gone", privileges, true},
		{"1449", read, changed, "definer_gone", privileges, true},
		{"1698", signIn, changed, "socket_only", signIn, false},
		{"1130", signIn, changed, "host_refused", signIn, false},
		{"1129", signIn, changed, "host_blocked", signIn, false},
		{"3118 4151", signIn, changed, "account_locked", signIn, false},
		{"3955 4150", signIn, changed, "account_blocked", signIn, false},
		{"1862 1820", signIn, expired, "password_expired", signIn, false},
		{"1820 1862", read, expired, "password_expired", signIn, false},
		{"3159", signIn, changed, "tls_demanded", signIn, false},
		{"1524 1251 1275", signIn, changed, "sign_in_method", signIn, false},
		{"1044", signIn, changed, "database_denied", privileges, false},
		{"1044", read, changed, "database_denied", privileges, true},
		{"1049", signIn, changed, "database_missing", signIn, false},
		{"1043", signIn, outage, "handshake_failed", reach, false},
		{"1142", read, changed, "table_denied", privileges, true},
		{"1143", read, changed, "column_denied", privileges, true},
		{"1227", read, changed, "privilege_missing", privileges, true},
		{"1370", read, changed, "routine_denied", privileges, true},
		{"1146 1051 1049", read, changed, "table_missing", read, true},
		{"1054", read, changed, "column_missing", read, true},
		{"1356 1305 1630", read, changed, "view_broken", read, true},
		{"1412", read, outage, "definition_changed", read, true},
		{"1205", read, outage, "table_locked", read, true},
		{"1213 1020", read, outage, "read_conflict", read, true},
		{"1317", read, ours, "statement_cancelled", read, true},
		{"3024 1969", read, ours, "statement_timeout", read, true},
		{"4031", read, ours, "session_timeout", read, false},
		{"1064 1290 1836 1792 1193 1231 1115 1273 1267 1292 1525 1104 1235 1295 1153 1301", read, ours, "statement_refused", read, true},
		{"1030 1194 1195 1034 1035 1712 1877 1932", read, outage, "storage_damaged", read, true},
		{"1040 1203", signIn, outage, "too_many_connections", signIn, false},
		{"1226", signIn, throttled, "resource_limit", signIn, false},
		{"1226", read, throttled, "resource_limit", read, false},
		{"1053 1077 1079 1927 3169", read, outage, "terminated", read, false},
		{"1053", signIn, outage, "terminated", signIn, false},
		{"3032", signIn, outage, "offline", signIn, false},
		{"1047 3168", read, outage, "not_ready", read, false},
		{"1021 1037 1038 1041 1114 1135 1637 3 28", read, outage, "server_exhausted", read, false},
		{"1152 1158 1159 1160 1161 1184 2006 2013 9001", read, outage, "connection_lost", read, false},
		{"1105", read, unknown, "error_1105", read, true},
		{"65000", signIn, unknown, "error_65000", signIn, false},
	} {
		for _, number := range strings.Fields(c.numbers) {
			n, _ := strconv.ParseUint(number, 10, 16)
			e := &mysqlwire.Error{Code: uint16(n), State: "HY000", Message: "m"}
			f := faultOf(t, (&source{}).classify(context.Background(), fmt.Errorf("wrapped: %w", e), c.at, "shop.t"))
			if f.Cause != c.cause || f.Code != "mysql."+c.want || f.Step != c.step {
				t.Errorf("%s: %s %s at %s", number, f.Cause, f.Code, f.Step)
			}
			if (f.Scope == connector.OneTable) != c.oneTable || (f.Table != "") != c.oneTable {
				t.Errorf("%s: scope %d of %q", number, f.Scope, f.Table)
			}
			if f.Facts["errno"] != number {
				t.Errorf("%s: facts %v", number, f.Facts)
			}
			if strings.Contains(f.Public, "%s") || strings.Contains(f.Public, "%!") {
				t.Errorf("%s: %s", number, f.Public)
			}
			if whole := faultOf(t, (&source{}).classify(context.Background(), e, c.at, "")); whole.Scope != connector.WholeAuthorization || strings.Contains(whole.Public, "%s") {
				t.Errorf("%s without a table: scope %d, %s", number, whole.Scope, whole.Public)
			}
		}
	}
}

// TestEvidenceQuotesNoRows: some messages of the server hold values of rows or
// our statement.
func TestEvidenceQuotesNoRows(t *testing.T) {
	t.Parallel()
	for _, n := range []uint16{1064, 1149, 1267, 1292, 1366, 1411, 1525, 1062, 1690, 3140, 3141, 3143} {
		e := &mysqlwire.Error{Code: n, State: "HY000", Message: "near 'mail = a@b.c'"}
		err := (&source{}).classify(context.Background(), e, connector.StepRead, "shop.t")
		if strings.Contains(err.Error(), "a@b.c") {
			t.Errorf("%d: %v", n, err)
		}
	}
}

func TestCancelIsOurs(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	f := faultOf(t, (&source{}).classify(ctx, context.Canceled, connector.StepRead, ""))
	if f.Cause != connector.Ours || f.Code != "mysql.cancelled" {
		t.Errorf("%s %s", f.Cause, f.Code)
	}
}
