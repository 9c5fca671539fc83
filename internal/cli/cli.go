package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/regrant/regrant/client"
)

// Env is what the command line gets from outside.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Version        string

	// Local opens the product on a data directory in this process.
	Local func(ctx context.Context, dir string) (handler http.Handler, token string, closer func() error, err error)
	// Serve runs the server until ctx ends.
	Serve func(ctx context.Context, flags ServeFlags) error

	// Terminal says whether a person looks at Stdout; nil: found out.
	Terminal *bool
}

// ServeFlags is what was given on the command line of serve. Flags holds only
// those that were given, by the name of the setting, for settings.Sources.
type ServeFlags struct {
	Data   string // named with --data; empty: as the settings say
	Config string
	Flags  map[string]string
}

// exited carries the status of a help text out of the parser.
type exited int

// Run runs a command and returns the exit status.
func Run(ctx context.Context, args []string, env Env) (status int) {
	nothingAsked := len(args) == 0
	defer func() {
		if v := recover(); v != nil {
			code, ok := v.(exited)
			if !ok {
				panic(v)
			}
			status = int(code)
			if nothingAsked {
				status = exitUsage
			}
		}
	}()
	var g grammar
	parser, err := kong.New(&g,
		kong.Name("regrant"), kong.Description(description),
		kong.Writers(env.Stdout, env.Stderr),
		kong.Exit(func(code int) { panic(exited(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.UsageOnError(),
	)
	if err != nil {
		_, _ = fmt.Fprintln(env.Stderr, "regrant:", err)
		return exitOurs
	}
	if nothingAsked {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		_, _ = fmt.Fprintf(env.Stderr, "regrant: %v\nTry regrant --help.\n", err)
		return exitUsage
	}
	a := newApp(env, g.globals)
	err = parsed.Run(&runContext{ctx}, a)
	return a.finish(err)
}

// runContext hands the context to commands: kong binds by type.
type runContext struct{ context.Context }

// finish closes what was opened, says what went wrong and gives the status.
func (a *app) finish(err error) int {
	a.cleared()
	if closeErr := a.close(); err == nil {
		err = closeErr
	}
	if err != nil && a.hint != "" && !a.json {
		defer a.note("%s", a.hint)
	}
	var own *statusError
	if err == nil || (errors.As(err, &own) && own.quiet) {
		return exitOf(err)
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("ended before it was done; what was asked of a server goes on there")
	}
	if p := client.ProblemOf(err); p != nil && a.json {
		encoder := json.NewEncoder(a.env.Stderr)
		_ = encoder.Encode(p)
		return exitOf(err)
	}
	for n, line := range strings.Split(err.Error(), "\n") {
		if n == 0 {
			line = "regrant: " + line
		}
		a.note("%s", printable(line))
	}
	return exitOf(err)
}
