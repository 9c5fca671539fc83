package sqlkit_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
)

func allFields() []connector.Field {
	return slices.Concat(sqlkit.SSHFields(), sqlkit.ConnectionFields(5432), sqlkit.TLSFields())
}

func TestFieldsAreComplete(t *testing.T) {
	t.Parallel()
	known := map[string]connector.Field{}
	for _, f := range allFields() {
		if _, twice := known[f.Name]; twice {
			t.Errorf("%s is there twice", f.Name)
		}
		known[f.Name] = f
	}
	for _, f := range known {
		if f.Label == "" || f.Help == "" || f.Group == "" || f.MaxBytes == 0 && f.Kind != connector.Choice {
			t.Errorf("%s lacks a label, a help, a group or a bound", f.Name)
		}
		if f.Kind == connector.Choice && !slices.ContainsFunc(f.Choices, func(o connector.Option) bool { return o.Value == f.Default }) {
			t.Errorf("the default of %s is no choice", f.Name)
		}
		if on, ok := known[f.Show.Field]; f.Show.Field != "" {
			for _, v := range f.Show.Values {
				if !ok || !slices.ContainsFunc(on.Choices, func(o connector.Option) bool { return o.Value == v }) {
					t.Errorf("%s is shown for %s=%s, which cannot be", f.Name, f.Show.Field, v)
				}
			}
		}
	}
	for _, name := range []string{"password", "tls_key", "ssh_private_key", "ssh_passphrase", "ssh_password"} {
		if !known[name].Secret {
			t.Errorf("%s is not secret", name)
		}
	}
}

func TestRouteForm(t *testing.T) {
	t.Parallel()
	k := newKey(t)
	good := func() connector.Env {
		return connector.Env{
			Settings: map[string]string{
				"connection": "ssh", "host": "::1", "port": "5432", "ssh_host": "bastion.example", "ssh_user": "tunnel",
			},
			Secrets: map[string]connector.Secret{"ssh_private_key": k.private},
		}
	}
	r, err := sqlkit.NewRoute("postgresql", good())
	if err != nil || r.Address() != "[::1]:5432" || !r.Tunnelled() {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, c := range []struct{ field, value, code string }{
		{"host", "", "form.host_invalid"},
		{"host", "postgres://db/x", "form.host_invalid"},
		{"port", "", "form.port_invalid"},
		{"port", "twelve", "form.port_invalid"},
		{"port", "65536", "form.port_invalid"},
		{"connection", "by carrier pigeon", "connection.unknown"},
		{"ssh_host", "", "form.ssh_host_invalid"},
		{"ssh_port", "0", "form.ssh_port_invalid"},
		{"ssh_user", " ", "form.ssh_user_missing"},
	} {
		env := good()
		env.Settings[c.field] = c.value
		_, err := sqlkit.NewRoute("postgresql", env)
		want(t, err, connector.Invalid, c.code, connector.StepForm)
	}
	env := good()
	env.Secrets = nil
	_, err = sqlkit.NewRoute("postgresql", env)
	want(t, err, connector.Invalid, "ssh.key_missing", connector.StepForm)
	env.Settings["connection"] = "direct"
	if r, err := sqlkit.NewRoute("postgresql", env); err != nil || r.Tunnelled() {
		t.Errorf("direct: %v", err)
	}
}

func TestGuide(t *testing.T) {
	t.Parallel()
	if sqlkit.BastionGuide(map[string]string{"connection": "direct"}) != nil {
		t.Error("a direct connection needs no SSH server")
	}
	k := newKey(t)
	steps := sqlkit.BastionGuide(map[string]string{
		"connection": "ssh", "host": "db.internal", "port": "5433", "ssh_user": "pull", "ssh_private_key": k.public,
	})
	line := `restrict,port-forwarding,permitopen="db.internal:5433" ` + k.public
	if !strings.Contains(steps[0].Code, line) || !strings.Contains(steps[0].Code, "useradd") {
		t.Errorf("the script is\n%s", steps[0].Code)
	}
}

// TestTheGuideIsSafeToPaste runs the script in a shell in which every command
// is harmless: whatever was typed into the form must not run as one.
func TestTheGuideIsSafeToPaste(t *testing.T) {
	t.Parallel()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("needs a shell")
	}
	for _, evil := range []string{"$(touch pwned)", "`touch pwned`", "'; touch pwned; '", "x\ntouch pwned\n", `"; touch pwned; "`, "a & touch pwned", "-rf", "\\'; touch pwned #"} {
		dir := t.TempDir()
		steps := sqlkit.BastionGuide(map[string]string{"connection": "ssh", "host": evil, "port": evil, "ssh_user": evil, "ssh_private_key": evil})
		harmless := "id() { return 1; }; useradd() { :; }; getent() { echo x:x:x:x:x:" + dir + "; }; install() { mkdir -p .ssh; }; chown() { :; }; chmod() { :; }; \n"
		cmd := exec.Command(sh, "-c", harmless+steps[0].Code)
		cmd.Dir = dir
		out, _ := cmd.CombinedOutput()
		if _, err := os.Stat(filepath.Join(dir, "pwned")); err == nil {
			t.Errorf("%q ran as a command:\n%s", evil, steps[0].Code)
		}
		if b, err := os.ReadFile(filepath.Join(dir, ".ssh", "authorized_keys")); err != nil || len(b) == 0 || strings.Count(string(b), "\n") != 1 {
			t.Errorf("%q leaves %q (%v): %s", evil, b, err, out)
		}
	}
}
