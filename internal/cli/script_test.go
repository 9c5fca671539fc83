package cli_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/api/apitest"
	"github.com/regrant/regrant/internal/cli"
	"github.com/regrant/regrant/internal/integration"
)

// bench is what one script works with.
type bench struct {
	heart *apitest.Heart
	last  int
	stdin string
}

type benchKey struct{}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			env.Values[benchKey{}] = &bench{heart: apitest.New()}
			return os.Mkdir(filepath.Join(env.WorkDir, "regrant-data"), 0o700)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"regrant": regrant,
			"status":  status,
			"feed":    feed,
			"break":   breakIt,
			"outcome": outcome,
		},
	})
}

// regrant [args…] runs the command line with the fake heart.
func regrant(ts *testscript.TestScript, neg bool, args []string) {
	b := ts.Value(benchKey{}).(*bench)
	var out, errs bytes.Buffer
	env := cli.Env{
		Stdin: strings.NewReader(b.stdin), Stdout: &out, Stderr: &errs, Getenv: ts.Getenv, Version: "1.2.3",
		Local: func(_ context.Context, dir string) (http.Handler, string, func() error, error) {
			handler, err := apitest.Handler(b.heart, nil, nil)
			return handler, apitest.AdminToken, func() error { return nil }, errors.Join(err, os.MkdirAll(dir, 0o700))
		},
		Serve: func(_ context.Context, f cli.ServeFlags) error {
			_, err := io.WriteString(&out, "serving "+f.Data+" "+f.Flags["listen"]+"\n")
			return err
		},
	}
	b.last, b.stdin = cli.Run(context.Background(), append(args, dataOf(ts, args)...), env), ""
	_, _ = ts.Stdout().Write(out.Bytes())
	_, _ = ts.Stderr().Write(errs.Bytes())
	if neg == (b.last == 0) {
		ts.Fatalf("status %d\n%s%s", b.last, out.String(), errs.String())
	}
}

// dataOf names the script's own directory: the process has another one.
func dataOf(ts *testscript.TestScript, args []string) []string {
	for _, a := range args {
		if a == "--data" || a == "--server" || a == "--help" {
			return nil
		}
	}
	if ts.Getenv("REGRANT_SERVER") != "" || len(args) == 0 {
		return nil
	}
	return []string{"--data", ts.MkAbs("regrant-data")}
}

// status N wants that status of the last command.
func status(ts *testscript.TestScript, _ bool, args []string) {
	b := ts.Value(benchKey{}).(*bench)
	if want, _ := strconv.Atoi(args[0]); b.last != want {
		ts.Fatalf("status %d, want %s", b.last, args[0])
	}
}

// feed TEXT is the next command's standard input; \n is a line break.
func feed(ts *testscript.TestScript, _ bool, args []string) {
	ts.Value(benchKey{}).(*bench).stdin = strings.ReplaceAll(args[0], `\n`, "\n")
}

// break NAME CAUSE opens an incident.
func breakIt(ts *testscript.TestScript, _ bool, args []string) {
	cause, err := connector.ParseCause(args[1])
	ts.Check(err)
	ts.Value(benchKey{}).(*bench).heart.Break(args[0], cause)
}

// outcome OUTCOME is how pulls end from now on.
func outcome(ts *testscript.TestScript, _ bool, args []string) {
	ts.Value(benchKey{}).(*bench).heart.Outcome = integration.Outcome(args[0])
}
