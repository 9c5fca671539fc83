package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/regrant/regrant/client"
)

// app is one run of the command line.
type app struct {
	env      Env
	out      io.Writer
	json     bool
	terminal bool
	colour   bool
	globals  globals
	closers  []func() error
	open     bool   // an unfinished line is on the terminal
	hint     string // printed after what went wrong
	now      func() time.Time
}

func newApp(env Env, g globals) *app {
	if env.Getenv == nil {
		env.Getenv = func(string) string { return "" }
	}
	a := &app{env: env, out: env.Stdout, json: g.JSON, globals: g, now: time.Now}
	a.terminal = isTerminal(env.Stdout)
	if env.Terminal != nil {
		a.terminal = *env.Terminal
	}
	a.colour = a.terminal && env.Getenv("NO_COLOR") == "" && env.Getenv("TERM") != "dumb"
	return a
}

// width is how wide the terminal is; 0 where nobody looks.
func (a *app) width() int {
	if !a.terminal {
		return 0
	}
	if f, ok := a.env.Stdout.(*os.File); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 { //nolint:gosec // descriptors are small
			return columns
		}
	}
	return 100
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) //nolint:gosec // descriptors are small
}

func (a *app) close() error {
	var all []error
	for n := len(a.closers) - 1; n >= 0; n-- {
		all = append(all, a.closers[n]())
	}
	a.closers = nil
	return errors.Join(all...)
}

// show prints v as JSON, or calls human.
func (a *app) show(v any, human func()) error {
	if !a.json {
		human()
		return nil
	}
	encoder := json.NewEncoder(a.out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

func items[T any](all []T) client.List[T] {
	if all == nil {
		all = []T{}
	}
	return client.List[T]{Items: all}
}

// wait pauses between two looks at the server.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
