package app

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connectors"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/settings"
	"github.com/regrant/regrant/internal/testservers/postgres"
)

// logBuffer keeps everything that is logged, at debug.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// bundle is a whole product beside a real PostgreSQL with a small shop.
type bundle struct {
	*product
	logs *logBuffer
	pg   *postgres.Server
}

var ada = integration.Person{ID: "ada", Name: "ada@example.com", Role: integration.Admin}

func settingsFor(t *testing.T, dir string) settings.Settings {
	t.Helper()
	s, err := settings.Load(settings.Sources{})
	if err != nil {
		t.Fatal(err)
	}
	s.Data, s.Every = dir, time.Hour
	s.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	return s
}

func openProduct(t *testing.T, dir string) (*product, *logBuffer) {
	t.Helper()
	logs := &logBuffer{}
	log := slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	p, err := open(t.Context(), integration.Catalogue(connectors.All()), settingsFor(t, dir), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	return p, logs
}

func setup(t *testing.T, password string) *bundle {
	t.Helper()
	pg := postgres.Start(t)
	pg.Exec(t, "CREATE DATABASE shop", fmt.Sprintf("CREATE ROLE pull_ro LOGIN PASSWORD '%s'", password))
	pg.ExecDB(t, "shop", `CREATE TABLE orders (id bigint PRIMARY KEY, total numeric(12,2), updated_at timestamptz NOT NULL DEFAULT now())`,
		`INSERT INTO orders SELECT i, i * 1.5, now() FROM generate_series(1, 1000) i`, `GRANT SELECT ON ALL TABLES IN SCHEMA public TO pull_ro`)
	p, logs := openProduct(t, t.TempDir())
	return &bundle{p, logs, pg}
}

func (b *bundle) submission(password string) integration.Submission {
	return integration.Submission{
		Settings: map[string]string{"host": "127.0.0.1", "port": fmt.Sprint(b.pg.Port()), "database": "shop", "user": "pull_ro", "tls_mode": "prefer"},
		Secrets:  map[string]connector.Secret{"password": connector.NewSecret(password)},
	}
}

// connect connects the shop and waits for its first pull.
func (b *bundle) connect(t *testing.T, password string) integration.View {
	t.Helper()
	v, err := b.heart.Begin(t.Context(), ada, "postgresql", "Shop", "")
	if err != nil {
		t.Fatal(err)
	}
	done, err := b.heart.Authorize(t.Context(), ada, v.Integration.ID, b.submission(password), nil)
	if err != nil || !done.Swapped {
		t.Fatalf("connecting: swapped %v, error %v, checks %+v", done.Swapped, err, done.Checks)
	}
	return b.until(t, "healthy", func(v integration.View) bool { return v.Status.State == integration.Healthy && !v.Status.Running })
}

// until waits for a state; notices say when it is worth looking.
func (b *bundle) until(t *testing.T, what string, wanted func(integration.View) bool) integration.View {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	listener := b.hub.Listen()
	defer listener.Close()
	for {
		v, err := b.heart.Show(ctx, "shop")
		if err == nil && wanted(v) {
			return v
		}
		select {
		case <-ctx.Done():
			t.Fatalf("not %s in time: %s, error %v\n%s", what, v.Status.State, err, tail(b.logs.String()))
		case <-listener.C():
		}
	}
}

func tail(s string) string {
	lines := strings.Split(s, "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}
