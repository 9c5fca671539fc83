package sqlserver

import (
	"fmt"
	"strings"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
)

// guide is what the person runs on the server, with the names typed so far.
func guide(values map[string]string) []connector.Instruction {
	user, database := or(values["user"], "pull_ro"), or(values["database"], "shop")
	steps := []connector.Instruction{firstStep(values["host"], user, database),
		{Title: "Let Regrant see the tables", Lang: "sql", Code: grantSQL(values["host"], user, database),
			Text: "Run this in the database itself. The first line opens all tables; the other ones are for a choice of them."},
		{Title: "Recommended: read without waiting for writers", Lang: "sql", Code: fmt.Sprintf("ALTER DATABASE %s SET ALLOW_SNAPSHOT_ISOLATION ON;", ident(database)),
			Text: "With it, reading neither waits for writers nor holds them up, and a full table is read as of one moment. Azure SQL Database has it on already."},
		{Title: "Let Regrant in", Lang: "text", Code: "TCP port " + or(values["port"], "1433"),
			Text: "TCP/IP has to be enabled in SQL Server Configuration Manager, “SQL Server and Windows Authentication mode” in the server's properties, and the firewall must let Regrant's address reach the port. " +
				"Azure SQL has a firewall rule for this, under Networking."}}
	return append(steps, sqlkit.BastionGuide(values)...)
}

func firstStep(host, user, database string) connector.Instruction {
	if onAzure(host) {
		return connector.Instruction{Title: "Create a user that may only read", Lang: "sql", Code: fmt.Sprintf("CREATE USER %s WITH PASSWORD = 'long-random';", ident(user)),
			Text: "Run this in the database, as its administrator: on Azure a user needs no login on the server. Put a long random password in place of long-random, and enter the same one here."}
	}
	return connector.Instruction{Title: "Create a login that may only read", Lang: "sql", Code: loginSQL(user, database),
		Text: "Run this as an administrator of the server. Put a long random password in place of long-random, and enter the same one here."}
}

func onAzure(host string) bool {
	return strings.HasSuffix(strings.ToLower(host), ".database.windows.net")
}

func loginSQL(user, database string) string {
	u, d := ident(user), ident(database)
	return fmt.Sprintf("USE [master];\nCREATE LOGIN %s WITH PASSWORD = 'long-random', CHECK_POLICY = ON, CHECK_EXPIRATION = OFF, DEFAULT_DATABASE = %s;\nUSE %s;\nCREATE USER %s FOR LOGIN %s;", u, d, d, u, u)
}

func grantSQL(host, user, database string) string {
	u, use := ident(user), "USE "+ident(database)+";\n"
	if onAzure(host) { // which has no USE
		use = ""
	}
	return use + fmt.Sprintf("ALTER ROLE db_datareader ADD MEMBER %s;\n-- or: GRANT SELECT ON SCHEMA::dbo TO %s;\n-- or: GRANT SELECT ON dbo.orders TO %s;", u, u, u)
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
