package postgresql

import (
	"fmt"
	"net"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
)

// guide is what the person runs on the server, with the names typed so far.
func guide(values map[string]string) []connector.Instruction {
	user, database := or(values["user"], "pull_ro"), or(values["database"], "shop")
	steps := []connector.Instruction{
		{Title: "Create a role that may only read", Lang: "sql", Code: roleSQL(user, database),
			Text: "Run this as an administrator of the database. Put a long random password in place of long-random, and enter the same one here. " +
				"On PostgreSQL 14 and later, GRANT pg_read_all_data instead of the last three statements opens every schema."},
		{Title: "Tables that will be created later", Lang: "sql",
			Code: fmt.Sprintf("ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA public GRANT SELECT ON TABLES TO %s;", ident(user)),
			Text: "Put the role that creates your tables in place of app_owner: such a default belongs to whoever creates the table. Without it, new tables stay unreadable here."},
		{Title: "Let Regrant in", Lang: "text", Code: hbaLine(values, user, database),
			Text: "Add this line to pg_hba.conf, above lines that would refuse it, with the address that Regrant connects from; then run SELECT pg_reload_conf(). " +
				"Managed databases have a firewall or security group for this instead."},
		{Title: "Only if tables use row-level security", Lang: "sql", Code: fmt.Sprintf("ALTER ROLE %s BYPASSRLS;", ident(user)),
			Text: "Otherwise policies would hide rows, and Regrant refuses to read such a table rather than to miss some silently."},
	}
	return append(steps, sqlkit.BastionGuide(values)...)
}

func roleSQL(user, database string) string {
	u := ident(user)
	return fmt.Sprintf(`CREATE ROLE %s LOGIN PASSWORD 'long-random' CONNECTION LIMIT 6 NOSUPERUSER NOCREATEDB NOCREATEROLE;
ALTER ROLE %s SET default_transaction_read_only = on;
GRANT CONNECT ON DATABASE %s TO %s;
GRANT USAGE ON SCHEMA public TO %s;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO %s;`, u, u, ident(database), u, u, u)
}

// hbaLine admits the tunnel's far end, or an example address to replace.
func hbaLine(values map[string]string, user, database string) string {
	kind, from := "hostssl", "203.0.113.7/32"
	if values["tls_mode"] == sqlkit.Off || values["tls_mode"] == sqlkit.Prefer {
		kind = "host"
	}
	if values["connection"] == sqlkit.ViaSSH {
		if ip := net.ParseIP(values["host"]); ip != nil && ip.IsLoopback() {
			from = "127.0.0.1/32"
		}
	}
	return fmt.Sprintf("%s %s %s %s scram-sha-256", kind, ident(database), ident(user), from)
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
