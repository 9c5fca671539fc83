package mysql

import (
	"strconv"
	"strings"
	"testing"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/testservers/mysqlfake"
)

// TestRefusalsAtSignIn plays what no real server gives on demand, over the
// wire: before the greeting, and after the password.
func TestRefusalsAtSignIn(t *testing.T) {
	t.Parallel()
	const changed, outage = connector.AccessChanged, connector.Outage
	for _, c := range []struct {
		script mysqlfake.Script
		cause  connector.Cause
		code   string
		step   connector.Step
	}{
		{mysqlfake.Script{Greet: &mysqlfake.Refusal{Code: 1129, Message: "Host '203.0.113.7' is blocked"}}, changed, "mysql.host_blocked", connector.StepSignIn},
		{mysqlfake.Script{Greet: &mysqlfake.Refusal{Code: 1130, Message: "Host '203.0.113.7' is not allowed"}}, changed, "mysql.host_refused", connector.StepSignIn},
		{mysqlfake.Script{Greet: &mysqlfake.Refusal{Code: 1040, Message: "Too many connections"}}, outage, "mysql.too_many_connections", connector.StepSignIn},
		{mysqlfake.Script{SignIn: &mysqlfake.Refusal{Code: 1203, State: "42000"}}, outage, "mysql.too_many_connections", connector.StepSignIn},
		{mysqlfake.Script{SignIn: &mysqlfake.Refusal{Code: 1698, State: "28000"}}, changed, "mysql.socket_only", connector.StepSignIn},
		{mysqlfake.Script{SignIn: &mysqlfake.Refusal{Code: 1862, State: "HY000"}}, connector.Expired, "mysql.password_expired", connector.StepSignIn},
		{mysqlfake.Script{SignIn: &mysqlfake.Refusal{Code: 3955, State: "HY000"}}, changed, "mysql.account_blocked", connector.StepSignIn},
		{mysqlfake.Script{SignIn: &mysqlfake.Refusal{Code: 4150, State: "HY000"}}, changed, "mysql.account_blocked", connector.StepSignIn},
		{mysqlfake.Script{SignIn: &mysqlfake.Refusal{Code: 1524, State: "HY000"}}, changed, "mysql.sign_in_method", connector.StepSignIn},
		{mysqlfake.Script{SignIn: &mysqlfake.Refusal{Code: 3159, State: "HY000"}}, changed, "mysql.tls_demanded", connector.StepSignIn},
		{mysqlfake.Script{SignIn: &mysqlfake.Refusal{Code: 1047, State: "08S01"}}, outage, "mysql.not_ready", connector.StepSignIn},
		{mysqlfake.Script{SignIn: &mysqlfake.Refusal{Code: 9999, State: "HY000"}}, connector.Unknown, "mysql.error_9999", connector.StepSignIn},
		{mysqlfake.Script{Switch: "dialog"}, changed, "mysql.sign_in_method", connector.StepSignIn},
		{mysqlfake.Script{Switch: "mysql_clear_password"}, changed, "mysql.plain_password", connector.StepSignIn},
		{mysqlfake.Script{Raw: []byte("SSH-2.0-OpenSSH_9.2\r\n")}, changed, "mysql.not_mysql", connector.StepReach},
		{mysqlfake.Script{Raw: []byte{}}, outage, "net.closed", connector.StepReach},
	} {
		b := bundle{nil, t}
		b.expect(fakeEnv(mysqlfake.New(t, c.script)), c.cause, c.code, c.step)
	}
}

func fakeEnv(f *mysqlfake.Server) connector.Env {
	env := connector.Env{Settings: map[string]string{"host": "127.0.0.1", "port": strconv.Itoa(f.Port()), "user": testUser, "database": "shop", "tls_mode": "off"},
		Secrets: map[string]connector.Secret{"password": connector.NewSecret(testPassword)}, Dial: dialer()}
	return env
}

// tables answers the catalog's questions with one table of one column.
func catalogAnswer(sql string) any {
	switch {
	case strings.Contains(sql, "information_schema.tables"):
		return mysqlfake.Rows{{"shop", "t", "BASE TABLE", "1"}}
	case strings.Contains(sql, "information_schema.columns"):
		return mysqlfake.Rows{{"shop", "t", "id", "int", "int", "NO", "", "", "", "10", "0", "select"}}
	case strings.Contains(sql, "information_schema.statistics"):
		return mysqlfake.Rows{}
	}
	return nil
}

// TestRefusalsWhileReading: the number of a refused sign-in means something
// else once there is a session.
func TestRefusalsWhileReading(t *testing.T) {
	t.Parallel()
	for number, want := range map[uint16]string{
		1045: "mysql.definer_gone", 1142: "mysql.table_denied", 1143: "mysql.column_denied", 1356: "mysql.view_broken", 1412: "mysql.definition_changed",
		1205: "mysql.table_locked", 3024: "mysql.statement_timeout", 1969: "mysql.statement_timeout", 1317: "mysql.statement_cancelled", 1053: "mysql.terminated",
		1927: "mysql.terminated", 4031: "mysql.session_timeout", 1064: "mysql.statement_refused", 1820: "mysql.password_expired", 1226: "mysql.resource_limit", 1030: "mysql.storage_damaged",
	} {
		f := mysqlfake.New(t, mysqlfake.Script{Answer: func(sql string) any {
			if strings.Contains(sql, "FROM `shop`.`t`") {
				return &mysqlfake.Refusal{Code: number, State: "HY000", Message: "as scripted"}
			}
			return catalogAnswer(sql)
		}})
		s := openEnv(t, fakeEnv(f))
		table := tableOf(t, s, "shop.t")
		_, err := tryRead(testContext(t), s, request(table, connector.FullTable, ""))
		got := faultOf(t, err)
		if got.Code != want {
			t.Errorf("%d: %v, want %s", number, got, want)
		}
	}
}

// TestHangupWhileReading: a connection that ends is an outage of all of it.
func TestHangupWhileReading(t *testing.T) {
	t.Parallel()
	f := mysqlfake.New(t, mysqlfake.Script{Answer: func(sql string) any {
		if strings.Contains(sql, "FROM `shop`.`t`") {
			return mysqlfake.Hangup{}
		}
		return catalogAnswer(sql)
	}})
	s := openEnv(t, fakeEnv(f))
	_, err := tryRead(testContext(t), s, request(tableOf(t, s, "shop.t"), connector.FullTable, ""))
	if got := faultOf(t, err); got.Cause != connector.Outage || got.Scope != connector.WholeAuthorization {
		t.Errorf("%v", got)
	}
}
