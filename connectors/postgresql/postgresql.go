package postgresql

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
)

const id = "postgresql"

// Definition is all that is known of PostgreSQL before anyone connects.
var Definition = connector.Definition{ //nolint:gochecknoglobals // what a connector is, read by everyone, written by nobody
	ID:      id,
	Title:   "PostgreSQL",
	Kind:    connector.Database,
	Summary: "Tables and views of a PostgreSQL database, read by a role that may do nothing else.",
	Docs:    "https://www.postgresql.org/docs/current/user-manag.html",
	Forms: []connector.Form{{
		ID: "password", Title: "User and password", Guide: guide,
		Fields: fields(),
	}},
	Open: open,
}

func fields() []connector.Field {
	return slices.Concat(sqlkit.SSHFields(), sqlkit.ConnectionFields(5432), sqlkit.TLSFields())
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
	conf, err := sqlkit.TLSConfig(sqlkit.TLSOptionsOf(env))
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(route.Address())
	if err != nil {
		return nil, formFault("host", "Enter the host as a name or an address.", err)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, formFault("port", "Enter the port as a number from 1 to 65535.", err)
	}
	return &source{env: env, settings: env.Settings, secrets: env.Secrets, host: host, port: uint16(number), tls: conf, route: route, rowsEach: recordRows,
		pages: map[string]*sqlkit.PageSize{}}, nil
}

// complete looks at what only PostgreSQL asks of the values. The caller's maps
// stay as they are.
func complete(env connector.Env) (connector.Env, error) {
	env.Settings = maps.Clone(env.Settings)
	if env.Log == nil {
		env.Log = slog.New(slog.DiscardHandler)
	}
	if env.Dial == nil {
		return env, formFault("dial", "Regrant was set up without a way to the network. Please report it.", errors.New("no dialer"))
	}
	for _, name := range []string{"user", "database"} {
		if v := env.Settings[name]; v == "" || strings.ContainsRune(v, 0) || len(v) > 255 {
			return env, formFault(name, "Enter the "+name+" as it is called in PostgreSQL.", fmt.Errorf("%s is missing or malformed", name))
		}
	}
	password := env.Secrets["password"]
	if password.Empty() {
		return env, formFault("password", "Enter the password of the role.", errors.New("the password is missing"))
	}
	if strings.ContainsAny(password.Reveal(), "\x00\r\n") {
		return env, formFault("password", "The password holds a line break or another character that no password has. It was probably copied along; enter the password again without it.",
			errors.New("the password holds a control character"))
	}
	return env, nil
}

func formFault(field, public string, err error) *connector.Fault {
	return &connector.Fault{Cause: connector.Invalid, Code: "postgresql.form_" + field, Step: connector.StepForm, Public: public, Err: err}
}
