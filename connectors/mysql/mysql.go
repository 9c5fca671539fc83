package mysql

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
)

const id = "mysql"

// Definition is all that is known of MySQL and MariaDB before anyone connects.
var Definition = connector.Definition{ //nolint:gochecknoglobals // what a connector is, read by everyone, written by nobody
	ID:      id,
	Title:   "MySQL",
	Kind:    connector.Database,
	Summary: "Tables and views of MySQL or MariaDB, read by a user that may do nothing else.",
	Docs:    "https://dev.mysql.com/doc/refman/en/account-management-statements.html",
	Forms: []connector.Form{{
		ID: "password", Title: "User and password", Guide: guide,
		Fields: fields(),
	}},
	Open: open,
}

func fields() []connector.Field {
	connection := sqlkit.ConnectionFields(3306)
	for i := range connection {
		if connection[i].Name == "database" {
			connection[i].Required = false
			connection[i].Help = "The name of the database to read from. Empty: every database that the user may see."
		}
	}
	return slices.Concat(sqlkit.SSHFields(), connection, sqlkit.TLSFields())
}

// open checks the values and dials nothing.
func open(_ context.Context, env connector.Env) (connector.Source, error) {
	env, err := complete(env)
	if err != nil {
		return nil, err
	}
	route, err := sqlkit.NewRoute(id, env)
	if err != nil {
		return nil, err
	}
	options := sqlkit.TLSOptionsOf(env)
	conf, err := sqlkit.TLSConfig(options)
	if err != nil {
		return nil, err
	}
	return &source{env: env, settings: env.Settings, secrets: env.Secrets, tls: conf, tlsMode: options.Mode, route: route,
		pages: map[string]*sqlkit.PageSize{}}, nil
}

// complete looks at what only MySQL asks of the values. The caller's maps stay
// as they are.
func complete(env connector.Env) (connector.Env, error) {
	env.Settings = maps.Clone(env.Settings)
	if env.Log == nil {
		env.Log = slog.New(slog.DiscardHandler)
	}
	if env.Dial == nil {
		return env, formFault("dial", "Regrant was set up without a way to the network. Please report it.", errors.New("no dialer"))
	}
	for _, name := range []string{"user", "database"} {
		v := env.Settings[name]
		if v == "" && name == "user" || strings.ContainsRune(v, 0) || len(v) > 255 {
			return env, formFault(name, "Enter the "+name+" as it is called in MySQL.", fmt.Errorf("%s is missing or malformed", name))
		}
	}
	if slices.Contains(systemSchemas(), strings.ToLower(env.Settings["database"])) {
		return env, formFault("database", "This is one of the server's own databases. Enter the one that holds your tables.", errors.New("database is a system schema"))
	}
	password := env.Secrets["password"]
	if password.Empty() {
		return env, formFault("password", "Enter the password of the user.", errors.New("the password is missing"))
	}
	if strings.ContainsAny(password.Reveal(), "\x00\r\n") {
		return env, formFault("password", "The password holds a line break or another character that no password has. It was probably copied along; enter the password again without it.",
			errors.New("the password holds a control character"))
	}
	return env, nil
}

func formFault(field, public string, err error) *connector.Fault {
	return &connector.Fault{Cause: connector.Invalid, Code: "mysql.form_" + field, Step: connector.StepForm, Public: public, Err: err}
}

func systemSchemas() []string {
	return []string{"mysql", "sys", "performance_schema", "information_schema"}
}
