package amazonrds

import (
	"slices"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
)

const id = "amazonrds"

// Definition is all that is known of Amazon RDS before anyone connects.
var Definition = connector.Definition{ //nolint:gochecknoglobals // what a connector is, read by everyone, written by nobody
	ID:      id,
	Title:   "Amazon RDS",
	Kind:    connector.Database,
	Summary: "Databases on Amazon RDS and Aurora, signed in to with a password or with IAM.",
	Docs:    "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html",
	Forms: []connector.Form{{
		ID: "database", Title: "Password or IAM", Guide: guide,
		Fields: fields(),
	}},
	Open: open,
}

// Values of the field "sign_in"; stored.
const (
	withPassword = "password"
	withKeys     = "iam_keys"
	withMachine  = "iam_machine"
)

const groupAWS = "Signing in"

func fields() []connector.Field {
	return slices.Concat(engineFields(), sqlkit.SSHFields(), connectionFields(), awsFields(), sqlkit.TLSFields()[:1], tlsFields())
}

func engineFields() []connector.Field {
	return []connector.Field{
		{
			Name: "engine", Label: "Engine", Group: "Connection", Kind: connector.Choice, Required: true, Identity: true,
			Default: engines()[0].value, Choices: engineOptions(),
			Help: "Which database Amazon runs for you. The RDS console shows it beside the instance.",
		},
		{
			Name: "sign_in", Label: "Sign in with", Group: "Connection", Kind: connector.Choice, Default: withPassword,
			Choices: []connector.Option{
				{Value: withPassword, Label: "The password of a database user"},
				{Value: withKeys, Label: "IAM, with an access key"},
				{Value: withMachine, Label: "IAM, with the role or profile of this machine"},
			},
			Help: "With IAM no password is kept anywhere: Regrant signs a token for each sign-in, which holds for 15 minutes. SQL Server takes passwords only.",
		},
	}
}

// connectionFields are those of every database, in the words of RDS.
func connectionFields() []connector.Field {
	fields := slices.Insert(sqlkit.ConnectionFields(5432), 1, amazonsName())
	for i := range fields {
		switch f := &fields[i]; f.Name {
		case "host":
			f.Label = "Endpoint"
			f.Help = "The endpoint that the RDS console shows under Connectivity, for instance shop.abcdefghijkl.eu-central-1.rds.amazonaws.com. A reader endpoint is the best one for reading."
		case "port":
			f.Required, f.Default = false, ""
			f.Help = "Empty: the usual one, 5432 for PostgreSQL, 3306 for MySQL and MariaDB, 1433 for SQL Server."
		case "password":
			f.Show = connector.Condition{Field: "sign_in", Values: []string{withPassword}}
		case "database":
			f.Required = false
			f.Help = "The name of the database to read from. With MySQL and MariaDB it may stay empty: then every database that the user may see."
		}
	}
	return fields
}

// amazonsName is for where the endpoint above is not what Amazon calls it.
func amazonsName() connector.Field {
	return connector.Field{
		Name: "endpoint", Label: "Amazon's name of it", Group: "Connection", Identity: true, Destination: true, MaxBytes: 255,
		Help: "Only if the endpoint above is a name of your own or an address inside a tunnel: the name that ends in rds.amazonaws.com. Tokens are signed for it, and the certificate is made out to it. With another port in the tunnel, add the real one: name:5432.",
	}
}

func awsFields() []connector.Field {
	iam := connector.Condition{Field: "sign_in", Values: []string{withKeys, withMachine}}
	keys := connector.Condition{Field: "sign_in", Values: []string{withKeys}}
	return []connector.Field{
		{
			Name: "aws_access_key_id", Label: "Access key ID", Group: groupAWS, Required: true, Show: keys, MaxBytes: 128,
			Help: "Of an IAM user that may do nothing but rds-db:connect. The steps beside this form give the policy.",
		},
		{
			Name: "aws_secret_access_key", Label: "Secret access key", Group: groupAWS, Secret: true, Required: true, Show: keys, MaxBytes: 1 << 10,
			Help: "It belongs to the access key ID. It is stored sealed and never shown again.",
		},
		{
			Name: "aws_session_token", Label: "Session token", Group: groupAWS, Secret: true, Show: keys, MaxBytes: 16 << 10,
			Help: "Only for temporary keys, which begin with ASIA. They end within hours or days; a role or a lasting key is better here.",
		},
		{
			Name: "aws_session_ends", Label: "Temporary keys end at", Group: groupAWS, Show: keys, MaxBytes: 40,
			Help: "Only for temporary keys: the \"Expiration\" that came with them, such as 2026-11-25T18:00:00Z. Regrant reminds you before.",
		},
		{
			Name: "aws_profile", Label: "Profile of this machine", Group: groupAWS, Required: true, Admin: true, MaxBytes: 128,
			Show: connector.Condition{Field: "sign_in", Values: []string{withMachine}},
			Help: "\"default\" uses what the AWS tools on this machine would use: environment, configuration file, or the role of the machine. Else the name of a profile. Only an admin may lend out the rights of this machine.",
		},
		{
			Name: "aws_role", Label: "Role to take on", Group: groupAWS, Show: iam, MaxBytes: 2048,
			Help: "The ARN of a role in the account of the database, if the key or machine belongs to another one. Empty: none.",
		},
		{
			Name: "aws_external_id", Label: "External ID", Group: groupAWS, Show: iam, MaxBytes: 1224,
			Help: "Only if the trust policy of that role asks for one.",
		},
		{
			Name: "region", Label: "Region", Group: groupAWS, Show: iam, MaxBytes: 32,
			Help: "Empty: read from the endpoint. Needed for the endpoint of a global database.",
		},
	}
}

// tlsFields say which authorities are known already.
func tlsFields() []connector.Field {
	fields := sqlkit.TLSFields()[1:]
	for i := range fields {
		switch f := &fields[i]; f.Name {
		case "tls_ca":
			f.Help = "Empty: Amazon's own, which Regrant knows for most regions. Paste the bundle for China, GovCloud and regions that are newer than this Regrant."
		case "tls_server_name":
			f.Help = "Only if it differs from Amazon's name of the instance."
		}
	}
	return fields
}
