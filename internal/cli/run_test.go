package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regrant/regrant/client"
	"github.com/regrant/regrant/internal/api"
	"github.com/regrant/regrant/internal/api/apitest"
	"github.com/regrant/regrant/internal/cli"
)

type outcomeOf struct {
	status    int
	out, errs string
}

func run(t *testing.T, env cli.Env, vars map[string]string, args ...string) outcomeOf {
	t.Helper()
	var out, errs bytes.Buffer
	env.Stdout, env.Stderr = &out, &errs
	env.Getenv = func(name string) string { return vars[name] }
	status := cli.Run(t.Context(), args, env)
	return outcomeOf{status, out.String(), errs.String()}
}

// inProcess is a product without a server over a fake heart.
func inProcess(heart *apitest.Heart, log *slog.Logger, change func(*api.Config)) cli.Env {
	return cli.Env{Local: func(context.Context, string) (http.Handler, string, func() error, error) {
		handler, err := apitest.Handler(heart, log, change)
		return handler, apitest.AdminToken, func() error { return nil }, err
	}}
}

func serverFiles(t *testing.T, url, token string) string {
	t.Helper()
	dir := t.TempDir()
	text, err := json.Marshal(map[string]any{"url": url, "pid": 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(
		os.WriteFile(filepath.Join(dir, "server.json"), text, 0o600),
		os.WriteFile(filepath.Join(dir, "local.token"), []byte(token+"\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestFindsTheRunningServer(t *testing.T) {
	t.Parallel()
	handler, err := apitest.Handler(apitest.New(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	dir := serverFiles(t, server.URL, apitest.AdminToken)
	env := cli.Env{Local: func(context.Context, string) (http.Handler, string, func() error, error) {
		return nil, "", nil, errors.New("the directory is in use")
	}}
	if got := run(t, env, nil, "list", "--data", dir); got.status != 0 || !strings.Contains(got.out, "Nothing is connected yet") {
		t.Fatal(got)
	}
	// By address and token, from the environment.
	vars := map[string]string{"REGRANT_SERVER": server.URL, "REGRANT_TOKEN_FILE": filepath.Join(dir, "local.token")}
	if got := run(t, env, vars, "list"); got.status != 0 {
		t.Fatal(got)
	}
	vars = map[string]string{"REGRANT_SERVER": server.URL, "REGRANT_TOKEN": "rgt_wrong"}
	if got := run(t, env, vars, "list"); got.status != 1 || !strings.Contains(got.errs, "valid API token") || strings.Contains(got.errs, "rgt_wrong") {
		t.Fatal(got)
	}
	// --data beats REGRANT_SERVER; the server has gone: the files of a killed one are no harm.
	server.Close()
	if got := run(t, env, vars, "list", "--data", dir); got.status != 1 || !strings.Contains(got.errs, "the directory is in use") {
		t.Fatal(got)
	}
}

func TestSecretsStayInAtDebugLevel(t *testing.T) {
	t.Parallel()
	const canary = "c4n4ry-secret"
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	heart := apitest.New()
	env, dir := inProcess(heart, logger, nil), t.TempDir()
	vars := map[string]string{"P": canary}
	var all strings.Builder
	for _, args := range [][]string{
		{"add", "shopdb", "--name", "shop", "--set", "host=h", "--set", "user=u", "--secret", "password=env:P"},
		{"add", "shopdb", "--name", "shop2", "--set", "host=h", "--set", "user=u", "--secret", "password=env:P", "--json"},
		{"reauthorize", "shop", "--set", "host=a b", "--secret", "password=env:P"},
		{"reauthorize", "shop", "--set", "host=panics", "--secret", "password=env:P", "--json"},
		{"reauthorize", "shop", "--secret", "password=" + canary},
		{"reauthorize", "shop", "--set", "password=" + canary},
		{"reauthorize", "shop", "--secret", canary},
		{"reauthorize", "shop", "--set", canary},
		{"show", "shop", "--json"}, {"list"}, {"events", "--audit", "--json"}, {"incidents", "--all"},
	} {
		got := run(t, env, vars, append(args, "--data", dir)...)
		all.WriteString(got.out + got.errs)
	}
	if strings.Contains(all.String(), canary) {
		t.Error("the command line printed a secret")
	}
	if strings.Contains(log.String(), canary) {
		t.Errorf("the log holds a secret: %s", log.String())
	}
	if log.Len() == 0 {
		t.Error("nothing was logged: the test looks at nothing")
	}
}

func TestProgressOnATerminal(t *testing.T) {
	t.Parallel()
	heart := apitest.New()
	looked := make(chan struct{}, 100)
	env := inProcess(heart, nil, func(c *api.Config) {
		c.Progress = func() []client.Progress { looked <- struct{}{}; return nil }
	})
	terminal := true
	env.Terminal = &terminal
	dir, vars := t.TempDir(), map[string]string{"P": apitest.Password}
	if got := run(t, env, vars, "add", "shopdb", "--name", "shop", "--set", "host=h", "--set", "user=u", "--secret", "password=env:P", "--data", dir); got.status != 0 || !strings.Contains(got.out, "\x1b[32m") {
		t.Fatal(got)
	}
	got := run(t, env, vars, "update", "shop", "--wait", "--data", dir)
	if got.status != 0 || !strings.Contains(got.out, "shop: succeeded, 1,200 rows") {
		t.Fatal(got)
	}
	vars["NO_COLOR"] = "1"
	if got := run(t, env, vars, "list", "--data", dir); strings.Contains(got.out, "\x1b[") {
		t.Fatal("NO_COLOR was not heeded", got)
	}
}

func TestCancelledIsToldPlainly(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	env := inProcess(apitest.New(), nil, nil)
	env.Stdout, env.Stderr = &out, &errs
	if status := cli.Run(ctx, []string{"list", "--data", t.TempDir()}, env); status != 1 || !strings.Contains(errs.String(), "ended before it was done") {
		t.Fatal(status, errs.String())
	}
}
