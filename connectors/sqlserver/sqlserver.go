package sqlserver

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

const id = "sqlserver"

// Definition is all that is known of SQL Server before anyone connects.
var Definition = connector.Definition{ //nolint:gochecknoglobals // what a connector is, read by everyone, written by nobody
	ID:      id,
	Title:   "Microsoft SQL Server",
	Kind:    connector.Database,
	Summary: "Tables and views of a SQL Server or Azure SQL database, read by a login that may do nothing else.",
	Docs:    "https://learn.microsoft.com/en-us/sql/relational-databases/security/authentication-access/create-a-login",
	Forms: []connector.Form{{
		ID: "password", Title: "Login and password", Guide: guide,
		Fields: fields(),
	}},
	Open: open,
}

// strict encrypts before the first byte of the protocol (TDS 8).
const strict = "strict"

func fields() []connector.Field {
	own := []connector.Field{{
		Name: "read_intent", Label: "Read from a secondary", Group: "Connection", Kind: connector.Toggle, Default: "false",
		Help: "Switch it on if the host is an availability group's listener and reading is to be sent to a readable secondary (ApplicationIntent=ReadOnly).",
	}}
	return slices.Concat(sqlkit.SSHFields(), connectionFields(), own, tlsFields())
}

// connectionFields say how SQL Server calls things.
func connectionFields() []connector.Field {
	fields := sqlkit.ConnectionFields(1433)
	for i := range fields {
		switch f := &fields[i]; f.Name {
		case "port":
			f.Help = "1433 for the default instance. A named instance listens on a port of its own; your administrator finds it in SQL Server Configuration Manager."
		case "user":
			f.Label, f.Help = "Login", "A SQL Server login, or a contained user, that may only read. The steps beside this form create one. Windows and Entra ID accounts cannot be used."
		case "password":
			f.Help = "The password of that login. It is stored sealed and never shown again."
		}
	}
	return fields
}

// tlsFields leave out client certificates, which SQL Server does not know, and
// add what only SQL Server has.
func tlsFields() []connector.Field {
	var fields []connector.Field
	for _, f := range sqlkit.TLSFields() {
		switch f.Name {
		case "tls_cert", "tls_key":
			continue
		case "tls_mode":
			f.Choices = append(slices.Clone(f.Choices), connector.Option{Value: strict, Label: "Strict (TDS 8: SQL Server 2022 and later, Azure SQL)"})
		case "tls_ca", "tls_server_name":
			f.Show.Values = append(slices.Clone(f.Show.Values), strict)
		}
		fields = append(fields, f)
	}
	return fields
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
	if options.Mode == strict { // checked like the strictest mode that encrypts later
		options.Mode = sqlkit.VerifyFull
	}
	conf, err := sqlkit.TLSConfig(options)
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
	return &source{env: env, settings: env.Settings, secrets: env.Secrets, host: host, port: number, tls: conf, route: route, rowsEach: recordRows,
		pages: map[string]*sqlkit.PageSize{}}, nil
}

// complete looks at what only SQL Server asks of the values. The caller's maps
// stay as they are.
func complete(env connector.Env) (connector.Env, error) {
	env.Settings = maps.Clone(env.Settings)
	if env.Settings["tls_mode"] == "" {
		if env.Settings == nil {
			env.Settings = map[string]string{}
		}
		env.Settings["tls_mode"] = sqlkit.VerifyFull
	}
	if env.Log == nil {
		env.Log = slog.New(slog.DiscardHandler)
	}
	if env.Dial == nil {
		return env, formFault("dial", "Regrant was set up without a way to the network. Please report it.", errors.New("no dialer"))
	}
	for _, name := range []string{"user", "database"} {
		if v := env.Settings[name]; v == "" || strings.ContainsRune(v, 0) || len(v) > 255 {
			return env, formFault(name, "Enter the "+name+" as it is called in SQL Server.", fmt.Errorf("%s is missing or malformed", name))
		}
	}
	if strings.Contains(env.Settings["user"], `\`) {
		return env, formFault("user", "This looks like a Windows account. Regrant signs in with a SQL Server login; the steps beside the form create one.", errors.New("the user holds a backslash"))
	}
	return env, checkPassword(env.Secrets["password"])
}

func checkPassword(password connector.Secret) error {
	switch plain := password.Reveal(); {
	case plain == "":
		return formFault("password", "Enter the password of the login.", errors.New("the password is missing"))
	case strings.ContainsAny(plain, "\x00\r\n"):
		return formFault("password", "The password holds a line break or another character that no password has. It was probably copied along; enter the password again without it.",
			errors.New("the password holds a control character"))
	case len([]rune(plain)) > 128:
		return formFault("password", "SQL Server's passwords have at most 128 characters. Enter the password again.", errors.New("the password is too long"))
	}
	return nil
}

func formFault(field, public string, err error) *connector.Fault {
	return &connector.Fault{Cause: connector.Invalid, Code: id + ".form_" + field, Step: connector.StepForm, Public: public, Err: err}
}
