package cli

import (
	"errors"
	"fmt"

	"github.com/regrant/regrant/internal/settings"
)

type serveCmd struct {
	Listen    string `placeholder:"ADDR" help:"host:port to listen on."`
	Config    string `placeholder:"FILE" help:"The settings file (regrant.toml)."`
	PublicURL string `placeholder:"URL" help:"The address by which people reach it."`
	Every     string `placeholder:"1h" help:"Interval between two updates of an integration."`
	LogLevel  string `placeholder:"LEVEL" help:"debug, info, warn or error."`
	LogFormat string `placeholder:"FORMAT" help:"text or json."`
}

// Run serves until the context ends.
func (c *serveCmd) Run(ctx *runContext, a *app) error {
	if a.env.Serve == nil {
		return errors.New("this binary cannot serve")
	}
	if a.globals.Server != "" {
		return usage(errors.New("serve takes no --server"))
	}
	flags := make(map[string]string)
	for name, given := range map[string]string{
		"listen": c.Listen, "public_url": c.PublicURL, "every": c.Every, "log.level": c.LogLevel, "log.format": c.LogFormat, "data": a.globals.Data,
	} {
		if given != "" {
			flags[name] = given
		}
	}
	if _, err := settings.Load(settings.Sources{Flags: flags, Getenv: a.env.Getenv, Path: c.Config}); err != nil {
		return usage(fmt.Errorf("the settings are not right:\n%w", err))
	}
	return a.env.Serve(ctx, ServeFlags{Data: a.globals.Data, Config: c.Config, Flags: flags})
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(a *app) error {
	return a.show(map[string]string{"version": a.env.Version}, func() { a.say("regrant %s", a.env.Version) })
}
