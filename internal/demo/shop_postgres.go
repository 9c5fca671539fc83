package demo

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/regrant/regrant/internal/testservers/postgres"
)

//go:embed shop_postgres.sql
var postgresScript string

// postgresShop is the shop on PostgreSQL.
type postgresShop struct{ *postgres.Server }

func newPostgresShop(ctx context.Context) (shop, error) {
	server, err := postgres.Launch(ctx, postgres.Config{Settings: map[string]string{"shared_buffers": "128MB", "max_wal_size": "2GB"}})
	if err != nil {
		return nil, err
	}
	return postgresShop{server}, nil
}

func (p postgresShop) connector() string { return "postgresql" }
func (p postgresShop) port() int         { return p.Port() }
func (p postgresShop) prefix() string    { return "public." }

func (p postgresShop) readsAgain() time.Duration { return 0 }

func (p postgresShop) hint() string {
	return fmt.Sprintf("psql '%s'", p.DSN(postgres.Superuser, database))
}
func (p postgresShop) start(ctx context.Context) error { return p.Start(ctx) }
func (p postgresShop) stop(ctx context.Context) error  { return p.Stop(ctx) }
func (p postgresShop) close() error                    { return p.Close() }

func (p postgresShop) run(ctx context.Context, statements ...string) error {
	return p.ExecIn(ctx, database, statements...)
}

func (p postgresShop) fill(ctx context.Context, size Size) error {
	if err := p.ExecIn(ctx, "postgres", "CREATE DATABASE "+database); err != nil {
		return fmt.Errorf("creating the shop: %w", err)
	}
	if err := p.run(ctx, sized(postgresScript, size)); err != nil {
		return fmt.Errorf("filling the shop: %w", err)
	}
	return nil
}

// grant makes the read-only role, as the connect form tells people to.
func (p postgresShop) grant(ctx context.Context, password string) error {
	return p.run(ctx,
		fmt.Sprintf(`CREATE ROLE %s LOGIN PASSWORD '%s' CONNECTION LIMIT 12`, role, password),
		fmt.Sprintf(`ALTER ROLE %s SET default_transaction_read_only = on`, role),
		fmt.Sprintf(`GRANT USAGE ON SCHEMA public TO %s`, role),
		fmt.Sprintf(`GRANT SELECT ON ALL TABLES IN SCHEMA public TO %s`, role))
}

func (p postgresShop) drop(ctx context.Context) error {
	return p.run(ctx, "DROP OWNED BY "+role, "DROP ROLE "+role)
}

func (p postgresShop) setPassword(ctx context.Context, password string) error {
	return p.run(ctx, fmt.Sprintf("ALTER ROLE %s PASSWORD '%s' VALID UNTIL 'infinity'", role, password))
}

func (p postgresShop) expire(ctx context.Context) (time.Time, error) {
	until := time.Now().Add(10 * time.Second) // long enough to be seen on a busy machine
	return until, p.run(ctx, fmt.Sprintf("ALTER ROLE %s VALID UNTIL '%s'", role, until.UTC().Format(time.RFC3339Nano)))
}

func (p postgresShop) deny(ctx context.Context, table string) error {
	return p.run(ctx, fmt.Sprintf("REVOKE SELECT ON public.%s FROM %s", table, role))
}

func (p postgresShop) allow(ctx context.Context, table string) error {
	return p.run(ctx, fmt.Sprintf("GRANT SELECT ON public.%s TO %s", table, role))
}

func (p postgresShop) trade(ctx context.Context, round, rows int) (changed int, err error) {
	err = p.run(ctx,
		fmt.Sprintf(`INSERT INTO orders SELECT m + i, 1, 'new', i * 1.01, 'EUR', 'round %d', now(), NULL, clock_timestamp() FROM generate_series(1, %d) i, (SELECT max(id) m FROM orders) x`, round, rows),
		fmt.Sprintf(`INSERT INTO order_items SELECT m + i, i, 1, 'SKU-0000', %d, 9.99, NULL, false, clock_timestamp() FROM generate_series(1, %d) i, (SELECT max(id) m FROM order_items) x`, round, rows),
		fmt.Sprintf(`UPDATE customers SET credit = coalesce(credit, 0) + %d.25, updated_at = clock_timestamp() WHERE id <= %d`, round, rows),
		fmt.Sprintf(`UPDATE orders SET status = 'sent', shipped_at = now(), updated_at = clock_timestamp() WHERE id <= %d`, rows),
		fmt.Sprintf(`INSERT INTO visits (path, code) SELECT '/round/%d', 200 FROM generate_series(1, %d) i`, round, rows))
	return 5 * rows, err
}

func (p postgresShop) tables() map[string][]column {
	return map[string][]column{
		"customers": {{"id", plain}, {"public_id", plain}, {"email", plain}, {"name", plain}, {"country", plain}, {"birthday", day}, {"vip", truth}, {"credit", plain},
			{"tags", list}, {"profile", plain}, {"local_time", instant}, {"created_at", instant}, {"updated_at", instant}},
		"products": {{"sku", plain}, {"title", plain}, {"price", plain}, {"weight", float}, {"attributes", plain}, {"picture", binary}, {"active", truth}},
		"orders": {{"id", plain}, {"customer_id", plain}, {"status", plain}, {"total", plain}, {"currency", plain}, {"note", plain},
			{"placed_at", instant}, {"shipped_at", instant}, {"updated_at", instant}},
		"order_items": {{"id", plain}, {"order_id", plain}, {"line", plain}, {"sku", plain}, {"quantity", plain}, {"unit_price", plain},
			{"discount", plain}, {"gift", truth}, {"updated_at", instant}},
		"visits":        {{"id", plain}, {"path", plain}, {"address", plain}, {"took", span}, {"code", plain}},
		"shop_settings": {{"name", plain}, {"value", plain}},
	}
}

func (p postgresShop) sum(ctx context.Context, table string, columns []column) (s sum, err error) {
	db, err := pgx.Connect(ctx, p.DSN(postgres.Superuser, database))
	if err != nil {
		return s, err
	}
	defer func() { _ = db.Close(ctx) }()
	sql := fmt.Sprintf("SELECT count(*)::text, coalesce(sum(('x' || substr(encode(sha256(convert_to(%s, 'UTF8')), 'hex'), 1, 15))::bit(60)::bigint), 0)::text FROM public.%s",
		rowText(columns, postgresText, " || "), table)
	err = db.QueryRow(ctx, sql).Scan(&s.Rows, &s.Hash)
	return s, err
}

func postgresText(c column) string {
	switch c.kind {
	case instant, span:
		return fmt.Sprintf("(extract(epoch from %s) * 1000000)::bigint::text", c.name)
	case day:
		return fmt.Sprintf("(%s - date '1970-01-01')::text", c.name)
	case truth:
		return c.name + "::int::text"
	case float:
		return fmt.Sprintf("(%s * 8)::bigint::text", c.name)
	case list:
		return fmt.Sprintf("array_to_string(%s, '|')", c.name)
	case binary:
		return fmt.Sprintf("encode(%s, 'hex')", c.name)
	default:
		return c.name + "::text"
	}
}
