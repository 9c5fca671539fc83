package mongodb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
)

const id = "mongodb"

// Definition is all that is known of MongoDB before anyone connects.
var Definition = connector.Definition{ //nolint:gochecknoglobals // what a connector is, read by everyone, written by nobody
	ID:      id,
	Title:   "MongoDB",
	Kind:    connector.Database,
	Summary: "Collections of a MongoDB database, on your own servers or on Atlas, read by a user that may do nothing else.",
	Docs:    "https://www.mongodb.com/docs/manual/tutorial/create-users/",
	Forms: []connector.Form{
		{ID: formPassword, Title: "User and password", Guide: guide, Fields: passwordFields()},
		{ID: formCertificate, Title: "Client certificate (X.509)", Guide: certificateGuide, Fields: certificateFields()},
	},
	Open: open,
}

// The ids of the forms.
const (
	formPassword    = "password"
	formCertificate = "certificate"
)

// The kinds of deployments.
const (
	oneServer  = "direct"
	replicaSet = "replica_set"
	srvName    = "srv"
)

const groupConnection = "Connection"

func passwordFields() []connector.Field {
	connection := sqlkit.ConnectionFields(27017)
	return slices.Concat(sqlkit.SSHFields(), adapted(connection), deploymentFields(), []connector.Field{
		{
			Name: "auth_source", Label: "Where the user was created", Group: groupConnection, Default: "admin", MaxBytes: 255,
			Help: "The database in which the user was created (authSource). On Atlas, and in most other places, it is admin.",
		},
		{
			Name: "auth_mechanism", Label: "How to sign in", Group: groupConnection, Kind: connector.Choice, Default: "auto",
			Choices: []connector.Option{{Value: "auto", Label: "As the server prefers"}, {Value: "SCRAM-SHA-256", Label: "SCRAM-SHA-256"}, {Value: "SCRAM-SHA-1", Label: "SCRAM-SHA-1"}},
			Help:    "Leave it to the server, unless your administrator told you which one to take.",
		},
	}, sqlkit.TLSFields())
}

// certificateFields ask for no password: the certificate says who we are.
func certificateFields() []connector.Field {
	connection := slices.DeleteFunc(adapted(sqlkit.ConnectionFields(27017)), func(f connector.Field) bool { return f.Name == "user" || f.Name == "password" })
	tls := sqlkit.TLSFields()
	for i := range tls {
		switch tls[i].Name {
		case "tls_mode":
			tls[i].Choices = slices.DeleteFunc(slices.Clone(tls[i].Choices), func(o connector.Option) bool { return o.Value == sqlkit.Off || o.Value == sqlkit.Prefer })
		case "tls_cert":
			tls[i].Required, tls[i].Show = true, connector.Condition{}
			tls[i].Help = "The certificate that names the user, in PEM form."
		case "tls_key":
			tls[i].Required, tls[i].Show = true, connector.Condition{}
		}
		if tls[i].Show.Field == "tls_mode" {
			tls[i].Show.Values = slices.DeleteFunc(slices.Clone(tls[i].Show.Values), func(v string) bool { return v == sqlkit.Prefer })
		}
	}
	return slices.Concat(sqlkit.SSHFields(), connection, deploymentFields(), tls)
}

// adapted says in MongoDB's words what the shared fields mean here.
func adapted(fields []connector.Field) []connector.Field {
	for i := range fields {
		switch fields[i].Name {
		case "host":
			fields[i].Help = "Name or address of a server, or of the cluster on Atlas (without mongodb+srv://). With an SSH tunnel, as the SSH server sees it: often 127.0.0.1."
		case "port":
			fields[i].Help = "The port MongoDB listens on. It does not matter for a cluster that is found by its name (SRV)."
		case "database":
			fields[i].Help = "The name of the database to read from. Add another integration for another database."
		}
	}
	return fields
}

func deploymentFields() []connector.Field {
	return []connector.Field{
		{
			Name: "deployment", Label: "What the host is", Group: groupConnection, Kind: connector.Choice, Default: oneServer,
			Choices: []connector.Option{
				{Value: oneServer, Label: "One server, talk to that one only"},
				{Value: replicaSet, Label: "A member of a replica set, find the others"},
				{Value: srvName, Label: "The name of a cluster (mongodb+srv, Atlas)"},
			},
			Help: "Atlas gives you the name of a cluster. Through an SSH tunnel \"one server\" is simplest: the tunnel must reach every member otherwise.",
		},
		{
			Name: "replica_set", Label: "Name of the replica set", Group: groupConnection, MaxBytes: 255, Show: connector.Condition{Field: "deployment", Values: []string{replicaSet}},
			Help: "Only if you want it checked. Empty: whichever set the host belongs to.",
		},
		{
			Name: "read_preference", Label: "Read from", Group: groupConnection, Kind: connector.Choice, Default: "secondaryPreferred",
			Choices: []connector.Option{
				{Value: "secondaryPreferred", Label: "A secondary if there is one"},
				{Value: "secondary", Label: "A secondary only"},
				{Value: "primary", Label: "The primary only"},
				{Value: "primaryPreferred", Label: "The primary if there is one"},
				{Value: "nearest", Label: "Whichever answers first"},
			},
			Help: "Secondaries spare the primary the work. They may be a little behind, which the next update makes good.",
		},
	}
}

// open checks the values and dials nothing.
func open(_ context.Context, env connector.Env) (connector.Source, error) {
	if env.Log == nil {
		env.Log = slog.New(slog.DiscardHandler)
	}
	if env.Dial == nil {
		return nil, formFault("dial", "Regrant was set up without a way to the network. Please report it.", errors.New("no dialer"))
	}
	if err := checkValues(env); err != nil {
		return nil, err
	}
	route, err := sqlkit.NewRoute(id, env)
	if err != nil {
		return nil, err
	}
	conf, err := sqlkit.TLSConfig(sqlkit.TLSOptionsOf(env))
	if err != nil {
		return nil, err
	}
	s := &source{env: env, route: route, tls: conf, tlsMode: or(env.Settings["tls_mode"], sqlkit.VerifyFull), learned: map[string]map[string]kind{}, rowsEach: recordRows}
	if s.deployment() == srvName && env.Settings["tls_server_name"] == "" && conf != nil {
		conf.ServerName = "" // each member has a name of its own, which the driver fills in
	}
	return s, nil
}

// checkValues looks at what only MongoDB asks of the values.
func checkValues(env connector.Env) error {
	if v := env.Settings["database"]; v == "" || len(v) > 63 || strings.ContainsAny(v, "/\\. \"$\x00") {
		return formFault("database", "Enter the database as it is called in MongoDB.", errors.New("database is missing or malformed"))
	}
	for name, allowed := range map[string][]string{
		"deployment": {"", oneServer, replicaSet, srvName}, "auth_mechanism": {"", "auto", "SCRAM-SHA-256", "SCRAM-SHA-1"},
		"read_preference": {"", "secondaryPreferred", "secondary", "primary", "primaryPreferred", "nearest"},
	} {
		if v := env.Settings[name]; !slices.Contains(allowed, v) {
			return formFault(name, "Choose one of the offered values.", fmt.Errorf("%s is not one of the choices", name))
		}
	}
	if env.Settings["user"] == "" && env.Secrets["password"].Empty() && env.Settings["tls_cert"] != "" {
		return checkCertificate(env)
	}
	if v := env.Settings["user"]; v == "" || len(v) > 255 || strings.ContainsRune(v, 0) {
		return formFault("user", "Enter the user as it is called in MongoDB.", errors.New("user is missing or malformed"))
	}
	password := env.Secrets["password"]
	if password.Empty() {
		return formFault("password", "Enter the password of the user.", errors.New("the password is missing"))
	}
	if strings.ContainsAny(password.Reveal(), "\x00\r\n") {
		return formFault("password", "The password holds a line break or another character that no password has. It was probably copied along; enter the password again without it.",
			errors.New("the password holds a control character"))
	}
	return nil
}

func checkCertificate(env connector.Env) error {
	if mode := env.Settings["tls_mode"]; mode == sqlkit.Off || mode == sqlkit.Prefer {
		return formFault("tls_mode", "A client certificate needs encryption. Choose one of the encrypted kinds.", errors.New("TLS is off"))
	}
	if env.Secrets["tls_key"].Empty() {
		return formFault("tls_key", "Enter the private key of the client certificate.", errors.New("the key is missing"))
	}
	return nil
}

func formFault(field, public string, err error) *connector.Fault {
	return &connector.Fault{Cause: connector.Invalid, Code: "mongodb.form_" + field, Step: connector.StepForm, Public: public, Err: err}
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
