package app

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regrant/regrant/connectors"
	"github.com/regrant/regrant/internal/cli"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/testservers/postgres"
)

// command runs the command line on a data directory, as Main does.
func command(t *testing.T, env map[string]string, args ...string) (status int, output string) {
	t.Helper()
	catalogue := integration.Catalogue(connectors.All())
	var out bytes.Buffer
	getenv := func(name string) string { return env[name] }
	status = cli.Run(t.Context(), args, cli.Env{
		Stdin: strings.NewReader(env["stdin"]), Stdout: &out, Stderr: &out, Getenv: getenv, Version: "test",
		Local: func(ctx context.Context, dir string) (http.Handler, string, func() error, error) {
			return localWith(ctx, catalogue, dir, env["REGRANT_CONFIG"])
		},
		Serve: func(ctx context.Context, flags cli.ServeFlags) error { return serve(ctx, catalogue, flags, &out) },
	})
	return status, out.String()
}

// TestBadInput enters what people enter by mistake: each time the answer says
// what to do, the exit status tells programs, and nothing is lost.
func TestBadInput(t *testing.T) {
	t.Parallel()
	pg := postgres.Start(t)
	pg.Exec(t, "CREATE ROLE pull_ro LOGIN PASSWORD 'right'")
	dir := t.TempDir()
	allow := filepath.Join(dir, "allow.toml")
	if err := os.WriteFile(allow, []byte("[network]\nallow = [\"127.0.0.0/8\"]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	big := filepath.Join(dir, "big")
	if err := os.WriteFile(big, bytes.Repeat([]byte("x"), 10<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	port := strings.TrimPrefix(pg.Address(), "127.0.0.1:")
	with := func(changed ...string) []string {
		values := map[string]string{"host": "127.0.0.1", "port": port, "database": "postgres", "user": "pull_ro", "tls_mode": "off"}
		var args []string
		for _, c := range changed {
			if name, value, ok := strings.Cut(c, "="); ok && !strings.HasPrefix(c, "password=") {
				values[name] = value
			} else {
				args = append(args, "--secret", c)
			}
		}
		for name, value := range values {
			args = append(args, "--set", name+"="+value)
		}
		return args
	}
	cases := []struct {
		name   string
		args   []string
		env    map[string]string
		status int
		says   string
	}{
		{"wrong port", with("port=1", "password=env:PW"), nil, 4, "refuses connections"},
		{"host that does not resolve", with("host=nowhere.invalid", "password=env:PW"), nil, 4, "nowhere.invalid"},
		{"private address", with("password=env:PW"), map[string]string{"REGRANT_CONFIG": ""}, 1, "[network]"},
		{"wrong password", with("password=env:PW"), map[string]string{"PW": "wrong"}, 3, "refused the user name and password"},
		{"half filled", []string{"--set", "host=127.0.0.1", "--secret", "password=env:PW"}, nil, 2, "--set user"},
		{"no password", with(), nil, 2, "--secret password"},
		{"line break in a secret", with("password=env:PW"), map[string]string{"PW": "ri\nght"}, 2, "line break"},
		{"10 MB field", with("password=file:" + big), nil, 2, "larger than"},
		{"mode that does not exist", with("tls_mode=maybe", "password=env:PW"), nil, 2, "choose one of"},
		{"unknown field", with("hots=x", "password=env:PW"), nil, 2, "hots"},
		{"secret as a setting", append(with(), "--set", "password=right"), nil, 2, "--secret"},
		{"variable that is not there", with("password=env:NOT_THERE"), nil, 2, "NOT_THERE"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			data := t.TempDir()
			env := map[string]string{"PW": "right", "REGRANT_CONFIG": allow}
			for k, v := range c.env {
				env[k] = v
			}
			status, output := command(t, env, append([]string{"add", "postgresql", "--name", "Shop", "--data", data}, c.args...)...)
			if status != c.status || !strings.Contains(output, c.says) {
				t.Errorf("status %d, want %d, saying %q:\n%s", status, c.status, c.says, output)
			}
		})
	}
}

func TestBadSettings(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "regrant.toml")
	if err := os.WriteFile(path, []byte("listen = \"127.0.0.1:0\"\n\n[netwrok]\nallow = []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	status, output := command(t, nil, "serve", "--config", path, "--data", t.TempDir())
	if status != 2 || !strings.Contains(output, "netwrok") || !strings.Contains(output, "network") {
		t.Errorf("status %d:\n%s", status, output)
	}
}

func TestBusyDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	openProduct(t, dir)
	status, output := command(t, map[string]string{}, "serve", "--listen", "127.0.0.1:0", "--data", dir)
	if status == 0 || !strings.Contains(output, "in use by another Regrant") {
		t.Errorf("status %d:\n%s", status, output)
	}
}
