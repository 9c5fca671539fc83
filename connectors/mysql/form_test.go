package mysql

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/testservers/mysql"
)

func dialer() func(context.Context, string, string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext
}

// TestForm: what is wrong with the values is said before anything is dialled.
func TestForm(t *testing.T) {
	t.Parallel()
	good := func() connector.Env {
		return connector.Env{Settings: map[string]string{"host": "db", "port": "3306", "user": "u"}, Secrets: map[string]connector.Secret{"password": connector.NewSecret("p")}, Dial: dialer()}
	}
	for name, c := range map[string]struct {
		change func(*connector.Env)
		code   string
	}{
		"all is well":       {func(*connector.Env) {}, ""},
		"no user":           {func(e *connector.Env) { delete(e.Settings, "user") }, "mysql.form_user"},
		"a NUL in the user": {func(e *connector.Env) { e.Settings["user"] = "a\x00b" }, "mysql.form_user"},
		"long database":     {func(e *connector.Env) { e.Settings["database"] = strings.Repeat("x", 300) }, "mysql.form_database"},
		"system database":   {func(e *connector.Env) { e.Settings["database"] = "MySQL" }, "mysql.form_database"},
		"no password":       {func(e *connector.Env) { e.Secrets = nil }, "mysql.form_password"},
		"a trailing newline": {func(e *connector.Env) {
			e.Secrets = map[string]connector.Secret{"password": connector.NewSecret("canary-in-form\n")}
		}, "mysql.form_password"},
		"no port":        {func(e *connector.Env) { e.Settings["port"] = "" }, "form.port_invalid"},
		"a scheme":       {func(e *connector.Env) { e.Settings["host"] = "mysql://db" }, "form.host_invalid"},
		"no dialer":      {func(e *connector.Env) { e.Dial = nil }, "mysql.form_dial"},
		"a mode unknown": {func(e *connector.Env) { e.Settings["tls_mode"] = "maybe" }, "tls.mode_unknown"},
	} {
		env := good()
		c.change(&env)
		s, err := Definition.Open(context.Background(), env)
		if c.code == "" {
			must(t, err)
			must(t, s.Close())
			continue
		}
		f := faultOf(t, err)
		if f.Code != c.code || f.Cause != connector.Invalid || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, f)
		}
	}
}

// TestGuide runs what the form tells people to run, with names that need
// quoting, and signs in as the user that it made.
func TestGuide(t *testing.T) {
	t.Parallel()
	each(t, mysql.Config{}, func(t *testing.T, b bundle) {
		values := map[string]string{"user": `pull'r\o`, "database": "sh`op", "tls_mode": "off", "connection": "ssh", "host": "127.0.0.1"}
		b.Exec(t, "CREATE DATABASE `sh``op`", "CREATE TABLE `sh``op`.t (id int PRIMARY KEY)")
		for _, step := range guide(values) {
			if step.Lang != "sql" {
				continue
			}
			for _, statement := range strings.Split(step.Code, ";") {
				statement = strings.TrimSpace(statement)
				if at := strings.LastIndex(statement, "\n--"); strings.HasPrefix(statement, "--") && at < 0 {
					_, statement, _ = strings.Cut(statement, "\n")
				}
				if statement == "" || b.Flavour() == mysql.MariaDB && (strings.Contains(statement, "RETAIN") || strings.Contains(statement, "DISCARD")) {
					continue
				}
				b.Exec(t, statement)
			}
		}
		password := "new-long-random"
		if b.Flavour() == mysql.MariaDB {
			password = "long-random"
		}
		env := b.with("user", values["user"], "database", values["database"], "password", password)
		b.expect(env, 0, "", 0)
		if table := tableOf(t, openEnv(t, env), "`sh``op`.t"); table.Fault != nil {
			t.Errorf("%v", table.Fault)
		}
	})
}
