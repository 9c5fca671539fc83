package mysql

import (
	"fmt"
	"net"
	"strings"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
)

// guide is what the person runs on the server, with the names typed so far.
func guide(values map[string]string) []connector.Instruction {
	user, database := or(values["user"], "pull_ro"), or(values["database"], "shop")
	steps := []connector.Instruction{
		{Title: "Create a user that may only read", Lang: "sql", Code: userSQL(values, user, database),
			Text: "Run this as an administrator of the server. Put a long random password in place of long-random, and enter the same one here; " +
				"put the address that Regrant connects from in place of 203.0.113.7, once for each if there are several. " +
				"With GRANT on single tables instead of .* only these can be read; single columns work, too."},
		{Title: "To change the password later without a pause", Lang: "sql", Code: rotateSQL(values, user),
			Text: "On MySQL 8 and later both passwords work until the last statement. On MariaDB, use the first statement without RETAIN CURRENT PASSWORD and enter the new password here right after."},
		{Title: "Only if your application has very long transactions", Lang: "sql", Code: fmt.Sprintf("GRANT PROCESS ON *.* TO %s;", account(values, user)),
			Text: "Rows that a transaction wrote more than 15 minutes before it ended could be missed by an update that looks at dates or numbers only. " +
				"With this privilege Regrant sees how long transactions run, and looks back as far as it needs. It also lets the user see other sessions' statements, so leave it out if you can."},
	}
	return append(steps, sqlkit.BastionGuide(values)...)
}

func userSQL(values map[string]string, user, database string) string {
	who := account(values, user)
	require := "REQUIRE SSL "
	if mode := values["tls_mode"]; mode == sqlkit.Off || mode == sqlkit.Prefer {
		require = ""
	}
	return fmt.Sprintf("CREATE USER %s IDENTIFIED BY 'long-random'\n  %sWITH MAX_USER_CONNECTIONS 6 PASSWORD EXPIRE NEVER;\nGRANT SELECT, SHOW VIEW ON %s.* TO %s;",
		who, require, ident(database), who)
}

func rotateSQL(values map[string]string, user string) string {
	who := account(values, user)
	return fmt.Sprintf("ALTER USER %s IDENTIFIED BY 'new-long-random' RETAIN CURRENT PASSWORD;\n-- enter the new password here, then:\nALTER USER %s DISCARD OLD PASSWORD;", who, who)
}

// account is the user with the host it comes from: the far end of the tunnel,
// or an example address to replace.
func account(values map[string]string, user string) string {
	from := "203.0.113.7"
	if values["connection"] == sqlkit.ViaSSH {
		from = "%"
		if ip := net.ParseIP(values["host"]); ip != nil && ip.IsLoopback() || values["host"] == "localhost" {
			from = "127.0.0.1"
		}
	}
	return text(user) + "@" + text(from)
}

// text quotes a text for people to paste, whatever the server's sql_mode.
func text(s string) string {
	return "'" + strings.NewReplacer("'", "''", `\`, `\\`).Replace(s) + "'"
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
