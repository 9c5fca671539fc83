package postgres_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/regrant/regrant/internal/testservers/postgres"
)

func code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

func TestServerLife(t *testing.T) {
	t.Parallel()
	s := postgres.Start(t)
	ctx := t.Context()
	s.Exec(t, "CREATE ROLE reader LOGIN PASSWORD 'right'", "CREATE DATABASE shop")
	s.ExecDB(t, "shop", "CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders SELECT generate_series(1, 3)")

	if err := s.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, s.DSN(postgres.Superuser, "shop"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	var n int
	if err := conn.QueryRow(ctx, "SELECT count(*) FROM orders").Scan(&n); err != nil || n != 3 {
		t.Fatalf("got %d rows and %v after a restart, want 3", n, err)
	}
	if _, err := pgx.Connect(ctx, s.DSNWith("reader", "wrong", "shop")); code(err) != "28P01" {
		t.Fatalf("a wrong password gives %v, want 28P01", err)
	}
	if err := s.SetHBA(ctx, "host all reader 127.0.0.1/32 reject"); err != nil {
		t.Fatal(err)
	}
	if _, err := pgx.Connect(ctx, s.DSNWith("reader", "right", "shop")); code(err) != "28000" {
		t.Fatalf("a rejecting line gives %v, want 28000", err)
	}
	if err := s.Crash(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := pgx.Connect(ctx, s.DSN(postgres.Superuser, "shop")); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Fatalf("a crashed server gives %v, want refused", err)
	}
	if err := s.Start(ctx); err != nil {
		t.Fatal(err)
	}
	s.ExecDB(t, "shop", "SELECT 1 FROM orders")
}

func TestServerWithTLS(t *testing.T) {
	t.Parallel()
	s := postgres.Start(t, postgres.WithTLS("db.example.test"))
	ctx := t.Context()
	cfg, err := pgx.ParseConfig(s.DSN(postgres.Superuser, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	cfg.TLSConfig.InsecureSkipVerify = false
	cfg.TLSConfig.RootCAs = s.CA().Pool()
	cfg.TLSConfig.ServerName = "db.example.test"
	cfg.Fallbacks = nil
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	var on bool
	if err := conn.QueryRow(ctx, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").Scan(&on); err != nil || !on {
		t.Fatalf("TLS is %v (%v), want on", on, err)
	}
}

func TestMissingBinariesAreSaid(t *testing.T) {
	t.Parallel()
	if _, err := postgres.Launch(t.Context(), postgres.Config{BinDir: t.TempDir()}); !errors.Is(err, postgres.ErrMissing) {
		t.Fatalf("got %v", err)
	}
}
