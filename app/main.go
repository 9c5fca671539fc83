package app

import (
	"context"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/cli"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/settings"
)

// Main runs the command line and returns the exit status.
func Main(connectors ...connector.Definition) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	catalogue := integration.Catalogue(connectors)
	return cli.Run(ctx, os.Args[1:], cli.Env{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, Version: version(),
		Local: func(ctx context.Context, dir string) (http.Handler, string, func() error, error) {
			return local(ctx, catalogue, dir)
		},
		Serve: func(ctx context.Context, flags cli.ServeFlags) error {
			return serve(ctx, catalogue, flags, os.Stdout)
		},
	})
}

// version is what the build recorded of the source it was made from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "development"
	}
	return info.Main.Version
}

// load reads the settings for a data directory.
func load(flags map[string]string, path, dir string) (settings.Settings, error) {
	s, err := settings.Load(settings.Sources{Flags: flags, Getenv: os.Getenv, Path: path})
	if dir != "" {
		s.Data = dir
	}
	return s, err
}
