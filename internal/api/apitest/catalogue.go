package apitest

import (
	"context"
	"errors"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

// Catalogue is one database connector and a retired account.
func Catalogue() integration.Catalogue {
	open := func(context.Context, connector.Env) (connector.Source, error) { return nil, errors.New("not here") }
	return integration.Catalogue{
		{
			ID: "shopdb", Title: "ShopDB", Summary: "A database of shops.", Docs: "https://shopdb.example/access", Open: open,
			Forms: []connector.Form{
				{ID: "password", Title: "User and password", Fields: fields(), Guide: guide},
				{ID: "certificate", Title: "Client certificate", Fields: fields()[:1]},
			},
		},
		{ID: "oldshop", Title: "Old Shop", Kind: connector.Account, Summary: "A shop of old.", Retired: "It closed in 2019.", Open: open},
	}
}

func fields() []connector.Field {
	ssh := connector.Condition{Field: "tunnel", Values: []string{"ssh"}}
	return []connector.Field{
		{Name: "host", Label: "Host", Help: "Where it listens.", Group: "Connection", Required: true, Identity: true},
		{Name: "port", Label: "Port", Help: "Usually 5432.", Kind: connector.Number, Default: "5432", Required: true},
		{Name: "user", Label: "User", Help: "A read-only role.", Required: true},
		{Name: "password", Label: "Password", Help: "Of that role.", Secret: true, Required: true},
		{Name: "tunnel", Label: "Tunnel", Help: "How to get there.", Kind: connector.Choice, Default: "none", Choices: []connector.Option{{Value: "none", Label: "None"}, {Value: "ssh", Label: "SSH"}}},
		{Name: "ssh_host", Label: "SSH host", Help: "The bastion.", Required: true, Show: ssh},
		{Name: "ssh_key", Label: "SSH key", Help: "The key for the bastion.", Kind: connector.Block, Secret: true, Required: true, Show: ssh, Generate: "ssh-ed25519"},
	}
}

func guide(values map[string]string) []connector.Instruction {
	user := values["user"]
	if user == "" {
		user = "pull_ro"
	}
	return []connector.Instruction{{
		Title: "Create a read-only role", Text: "Run this as an administrator.", Lang: "sql",
		Code: "CREATE ROLE " + user + " LOGIN;\nGRANT SELECT ON ALL TABLES IN SCHEMA public TO " + user + ";",
	}}
}
