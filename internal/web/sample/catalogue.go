package sample

import (
	"context"
	"errors"

	"github.com/regrant/regrant/connector"
)

// Catalogue is a few connectors whose forms use every kind of field.
func Catalogue() []connector.Definition {
	open := func(context.Context, connector.Env) (connector.Source, error) {
		return nil, errors.New("a sample cannot be opened")
	}
	return []connector.Definition{
		{ID: "postgresql", Title: "PostgreSQL", Kind: connector.Database, Open: open, Docs: "https://www.postgresql.org/docs/current/client-authentication.html",
			Summary: "Tables and views of a PostgreSQL database, directly or through an SSH server.", Forms: []connector.Form{passwordForm()}},
		{ID: "mysql", Title: "MySQL", Kind: connector.Database, Open: open, Summary: "Tables and views of a MySQL or MariaDB database.", Forms: []connector.Form{passwordForm()}},
		{ID: "stripe", Title: "Stripe", Kind: connector.Account, Open: open, Summary: "Charges, customers, subscriptions and payouts of a Stripe account.",
			Forms: []connector.Form{
				{ID: "key", Title: "Restricted key", Fields: []connector.Field{{Name: "key", Label: "Restricted key", Help: "Begins with rk_live_. Give it read access only.", Secret: true, Required: true, Group: "Access"}}},
				{ID: "connect", Title: "Sign in at Stripe", Fields: []connector.Field{{Name: "account", Label: "Account", Help: "Begins with acct_.", Required: true, Group: "Access", Identity: true}}},
			}},
		{ID: "deskcom", Title: "Desk.com", Kind: connector.Account, Open: open, Summary: "Cases and customers.", Retired: "Desk.com was shut down by its owner on 13 March 2020."},
	}
}

func passwordForm() connector.Form {
	ssh := connector.Condition{Field: "connection", Values: []string{"ssh"}}
	return connector.Form{ID: "password", Title: "User and password", Guide: guide, Fields: []connector.Field{
		{Name: "connection", Label: "Way to the server", Group: "Connection", Kind: connector.Choice, Default: "direct",
			Help: "Through an SSH server when the database itself cannot be reached from here.", Choices: []connector.Option{{Value: "direct", Label: "Direct"}, {Value: "ssh", Label: "Through an SSH server"}}},
		{Name: "host", Label: "Host", Group: "Connection", Required: true, Identity: true, Help: "Name or address of the database server, as the SSH server sees it when there is one."},
		{Name: "port", Label: "Port", Group: "Connection", Kind: connector.Number, Default: "5432", Required: true, Help: "Usually 5432."},
		{Name: "database", Label: "Database", Group: "Connection", Required: true, Identity: true, Help: "Its name on the server."},
		{Name: "user", Label: "User", Group: "Sign in", Required: true, Help: "A role of its own that may only read."},
		{Name: "password", Label: "Password", Group: "Sign in", Secret: true, Required: true, Help: "Sealed at once and never shown again."},
		{Name: "tls_mode", Label: "Encryption", Group: "Encryption", Kind: connector.Choice, Default: "verify-full", Help: "How the server is made to prove who it is.",
			Choices: []connector.Option{{Value: "verify-full", Label: "Encrypted, name and certificate checked"}, {Value: "require", Label: "Encrypted, not checked"}, {Value: "off", Label: "Not encrypted"}}},
		{Name: "tls_ca", Label: "Certificate authority", Group: "Encryption", Kind: connector.Block, Help: "PEM text, when the server's certificate is signed by your own authority.", Show: connector.Condition{Field: "tls_mode", Values: []string{"verify-full"}}},
		{Name: "ssh_host", Label: "SSH host", Group: "SSH tunnel", Required: true, Show: ssh, Help: "The server that can be reached from here."},
		{Name: "ssh_port", Label: "SSH port", Group: "SSH tunnel", Kind: connector.Number, Default: "22", Required: true, Show: ssh, Help: "Usually 22."},
		{Name: "ssh_user", Label: "SSH user", Group: "SSH tunnel", Required: true, Show: ssh, Help: "A user without a shell is enough."},
		{Name: "ssh_keepalive", Label: "Keep the tunnel open between updates", Group: "SSH tunnel", Kind: connector.Toggle, Default: "false", Show: ssh, Help: "Faster, and one more connection on the server."},
		{Name: "ssh_private_key", Label: "SSH key", Group: "SSH tunnel", Kind: connector.Block, Secret: true, Generate: "ssh-ed25519", Show: ssh, Help: "Leave this as it is to use the key that Regrant made."},
		{Name: "ssh_accept_host_key", Label: "New host key", Group: "SSH tunnel", Once: true, Show: ssh, Help: "The fingerprint of a new key that is to be trusted."},
	}}
}

func guide(values map[string]string) []connector.Instruction {
	user, database := values["user"], values["database"]
	if user == "" {
		user = "pull_ro"
	}
	if database == "" {
		database = "shop"
	}
	return []connector.Instruction{
		{Title: "Make a role that may only read", Text: "Run this as an owner of the database.", Lang: "sql",
			Code: "CREATE ROLE \"" + user + "\" LOGIN PASSWORD '…';\nGRANT CONNECT ON DATABASE \"" + database + "\" TO \"" + user + "\";\nGRANT SELECT ON ALL TABLES IN SCHEMA public TO \"" + user + "\";"},
		{Title: "Let it in from this machine", Text: "Add this line to pg_hba.conf and reload the server.", Lang: "text",
			Code: "hostssl " + database + " " + user + " 203.0.113.10/32 scram-sha-256"},
	}
}
