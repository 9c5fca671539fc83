package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/regrant/regrant/internal/cli"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/settings"
)

// serve runs the server until ctx ends.
func serve(ctx context.Context, catalogue integration.Catalogue, flags cli.ServeFlags, out io.Writer) error {
	s, err := load(flags.Flags, flags.Config, flags.Data)
	if err != nil {
		return err
	}
	boundMemory()
	log := newLog(s, os.Stderr)
	p, err := open(ctx, catalogue, s, log)
	if err != nil {
		return err
	}
	defer p.close()
	var listening net.ListenConfig
	listener, err := listening.Listen(ctx, "tcp", s.Listen)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", s.Listen, err)
	}
	url := "http://" + listener.Addr().String()
	if err := p.greet(ctx, out, url); err != nil {
		return err
	}
	return p.answer(ctx, listener, url)
}

// greet says where the product is and, at the first start, how to set it up.
func (p *product) greet(ctx context.Context, out io.Writer, url string) error {
	public := url
	if p.settings.PublicURL != "" {
		public = p.settings.PublicURL
	}
	_, _ = fmt.Fprintf(out, "Regrant is at %s\n", public)
	needed, err := p.people.SetUpNeeded(ctx)
	if err != nil || !needed {
		return err
	}
	token, err := p.people.SetUpToken(ctx)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "Set it up once, within a day: %s/set-up?token=%s\n", public, token)
	return nil
}

// answer serves until ctx ends, then lets open requests finish shortly.
func (p *product) answer(ctx context.Context, listener net.Listener, url string) error {
	server := &http.Server{
		Handler: p.handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog:    slog.NewLogLogger(p.log.Handler(), slog.LevelWarn),
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	if err := p.lock.announce(url); err != nil {
		return err
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	p.hub.Close() // ends live streams, which would otherwise hold the server open
	ending, cancel := context.WithTimeoutCause(context.Background(), 5*time.Second, errors.New("open requests did not end in time"))
	defer cancel()
	if err := server.Shutdown(ending); err != nil {
		_ = server.Close()
	}
	return nil
}

func newLog(s settings.Settings, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: s.LogLevel}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// local opens the product in this process for one command.
func local(ctx context.Context, catalogue integration.Catalogue, dir string) (http.Handler, string, func() error, error) {
	return localWith(ctx, catalogue, dir, "")
}

// localWith is local with the settings file named.
func localWith(ctx context.Context, catalogue integration.Catalogue, dir, path string) (http.Handler, string, func() error, error) {
	s, err := load(nil, path, dir)
	if err != nil {
		return nil, "", nil, err
	}
	s.LogLevel = max(s.LogLevel, slog.LevelError) // a command prints its own answer
	p, err := open(ctx, catalogue, s, newLog(s, os.Stderr))
	if err != nil {
		return nil, "", nil, err
	}
	return p.handler, p.local, func() error { p.close(); return nil }, nil
}
