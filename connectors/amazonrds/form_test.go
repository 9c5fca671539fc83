package amazonrds

import (
	"context"
	"testing"

	"github.com/regrant/regrant/connector"
)

// TestForm wants each senseless combination refused before anything is dialled.
func TestForm(t *testing.T) {
	t.Parallel()
	env := func(pairs ...string) connector.Env {
		e := newEnv()
		for i := 0; i < len(pairs); i += 2 {
			e = with(e, pairs[i], pairs[i+1])
		}
		return e
	}
	secret := func(e connector.Env, name, value string) connector.Env {
		secrets := map[string]connector.Secret{name: connector.NewSecret(value)}
		for k, v := range e.Secrets {
			if k != name {
				secrets[k] = v
			}
		}
		e.Secrets = secrets
		return e
	}
	for name, c := range map[string]struct {
		env  connector.Env
		code string
	}{
		"good":                        {env(), ""},
		"a tunnel without a key":      {env("host", "127.0.0.1", "endpoint", testHost, "connection", "ssh", "ssh_host", "bastion.example.com", "ssh_user", "u"), "ssh.key_missing"},
		"good, global":                {env("host", "world.global-abcdefghijkl.global.rds.amazonaws.com", "region", "us-east-1"), ""},
		"good, China with its bundle": {env("host", "shop.abcdefghijkl.rds.cn-north-1.amazonaws.com.cn", "tls_ca", rdsRoots), ""},
		"no engine":                   {env("engine", ""), "amazonrds.form_engine"},
		"another engine":              {env("engine", "oracle"), "amazonrds.form_engine"},
		"another way to sign in":      {env("sign_in", "kerberos"), "amazonrds.form_sign_in"},
		"IAM without TLS":             {env("tls_mode", "off"), "amazonrds.form_tls_mode"},
		"IAM with TLS of anybody":     {env("tls_mode", "require"), "amazonrds.form_tls_mode"},
		"IAM with TLS perhaps":        {env("tls_mode", "prefer"), "amazonrds.form_tls_mode"},
		"IAM on a name of their own":  {env("host", "db.example.com"), "amazonrds.form_endpoint"},
		"global without a region":     {env("host", "world.global-abcdefghijkl.global.rds.amazonaws.com"), "amazonrds.form_region"},
		"a region that is none":       {env("region", "../x"), "amazonrds.form_region"},
		"no key":                      {env("aws_access_key_id", ""), "amazonrds.form_aws_access_key_id"},
		"a key with a slash":          {env("aws_access_key_id", "AKIA/x"), "amazonrds.form_aws_access_key_id"},
		"no secret":                   {secret(env(), "aws_secret_access_key", ""), "amazonrds.form_aws_secret_access_key"},
		"a secret with a line break":  {secret(env(), "aws_secret_access_key", "abc\n"), "amazonrds.form_aws_secret_access_key"},
		"a token with a line break":   {secret(env(), "aws_session_token", "abc\n"), "amazonrds.form_aws_session_token"},
		"temporary without a token":   {env("aws_access_key_id", "ASIAEXAMPLE"), "amazonrds.form_aws_session_token"},
		"an end that is no time":      {env("aws_session_ends", "tomorrow"), "amazonrds.form_aws_session_ends"},
		"a role that is no ARN":       {env("aws_role", "pull"), "amazonrds.form_aws_role"},
		"no profile":                  {env("sign_in", withMachine), "amazonrds.form_aws_profile"},
		"China without its bundle":    {env("host", "shop.abcdefghijkl.rds.cn-north-1.amazonaws.com.cn"), "amazonrds.form_tls_ca"},
		"IAM with SQL Server":         {env("engine", "sqlserver"), "amazonrds.form_sign_in"},
		"no user":                     {env("user", ""), "postgresql.form_user"},
		"no database, PostgreSQL":     {env("database", ""), "postgresql.form_database"},
		"no database, MySQL":          {env("database", "", "engine", "mysql"), ""},
		"no password":                 {env("sign_in", withPassword), "postgresql.form_password"},
		"a port that is none":         {env("port", "x"), "form.port_invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := Definition.Open(context.Background(), c.env)
			if err == nil {
				err = s.Close()
			}
			got := ""
			if err != nil {
				f := connector.FaultOf(err)
				got = f.Code
				if f.Cause != connector.Invalid || f.Step != connector.StepForm || f.Public == "" {
					t.Errorf("%s: %s at %s", got, f.Cause, f.Step)
				}
			}
			if got != c.code {
				t.Errorf("got %q, want %q: %v", got, c.code, err)
			}
		})
	}
}

// TestPlan looks at what the engine's connector gets.
func TestPlan(t *testing.T) {
	t.Parallel()
	e := newEnv()
	e = with(with(with(e, "engine", "mariadb"), "port", ""), "host", "Pool.proxy-abcdefghijkl.eu-central-1.rds.amazonaws.com")
	e.Settings["tls_server_name"] = ""
	p, err := newPlan(e)
	must(t, err)
	inner := p.innerEnv()
	for name, want := range map[string]string{"port": "3306", "tls_server_name": "pool.proxy-abcdefghijkl.eu-central-1.rds.amazonaws.com", "tls_mode": "verify-full", "engine": "", "aws_access_key_id": "", "user": "suite"} {
		if got := inner.Settings[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if len(inner.Secrets) != 0 || len(certificates(t, inner.Settings["tls_ca"])) != 5 {
		t.Errorf("%d secrets, %d roots", len(inner.Secrets), len(certificates(t, inner.Settings["tls_ca"])))
	}
	if p.signedFor() != "pool.proxy-abcdefghijkl.eu-central-1.rds.amazonaws.com:3306" {
		t.Error(p.signedFor())
	}
	tunnelled, err := newPlan(with(with(e, "host", "127.0.0.1"), "endpoint", testHost+":3307"))
	must(t, err)
	if tunnelled.signedFor() != testHost+":3307" || tunnelled.innerEnv().Settings["port"] != "3306" {
		t.Errorf("signed for %s, dials %s", tunnelled.signedFor(), tunnelled.innerEnv().Settings["port"])
	}
	if e.Settings["port"] != "" {
		t.Error("the caller's settings were changed")
	}
}
