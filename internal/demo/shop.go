package demo

import (
	"context"
	_ "embed"
	"fmt"
	"strings"

	"github.com/regrant/regrant/internal/testservers/postgres"
)

//go:embed shop.sql
var shopSQL string

// Size is how many rows the shop has.
type Size struct{ Customers, Products, Orders, Items, Visits int }

// Large is the demo's size; Small is for runs that are repeated often.
var (
	large = Size{Customers: 120_000, Products: 8_000, Orders: 300_000, Items: 1_200_000, Visits: 100_000}
	small = Size{Customers: 6_000, Products: 1_500, Orders: 15_000, Items: 60_000, Visits: 5_000}
)

// database and role of the shop.
const (
	database = "shop"
	role     = "pull_ro"
)

// loadShop creates the database and fills it.
func loadShop(ctx context.Context, pg *postgres.Server, size Size) error {
	if err := pg.ExecIn(ctx, "postgres", "CREATE DATABASE "+database); err != nil {
		return fmt.Errorf("creating the shop: %w", err)
	}
	fill := strings.NewReplacer(
		"{{customers}}", fmt.Sprint(size.Customers), "{{products}}", fmt.Sprint(size.Products), "{{orders}}", fmt.Sprint(size.Orders),
		"{{items}}", fmt.Sprint(size.Items), "{{visits}}", fmt.Sprint(size.Visits))
	if err := pg.ExecIn(ctx, database, fill.Replace(shopSQL)); err != nil {
		return fmt.Errorf("filling the shop: %w", err)
	}
	return nil
}

// grantRole makes the read-only role, as the connect form tells people to.
func grantRole(ctx context.Context, pg *postgres.Server, password string) error {
	return pg.ExecIn(ctx, database,
		fmt.Sprintf(`CREATE ROLE %s LOGIN PASSWORD '%s' CONNECTION LIMIT 12`, role, password),
		fmt.Sprintf(`ALTER ROLE %s SET default_transaction_read_only = on`, role),
		fmt.Sprintf(`GRANT USAGE ON SCHEMA public TO %s`, role),
		fmt.Sprintf(`GRANT SELECT ON ALL TABLES IN SCHEMA public TO %s`, role))
}

// trade is what goes on in the shop while the product cannot read it: rows are
// added and changed. It returns how many rows an exact catch-up has to read.
func trade(ctx context.Context, pg *postgres.Server, round, rows int) (changed int, err error) {
	err = pg.ExecIn(ctx, database,
		fmt.Sprintf(`INSERT INTO orders SELECT m + i, 1, 'new', i * 1.01, 'EUR', 'round %d', now(), NULL, clock_timestamp() FROM generate_series(1, %d) i, (SELECT max(id) m FROM orders) x`, round, rows),
		fmt.Sprintf(`INSERT INTO order_items SELECT m + i, i, 1, 'SKU-0000', %d, 9.99, NULL, false, clock_timestamp() FROM generate_series(1, %d) i, (SELECT max(id) m FROM order_items) x`, round, rows),
		fmt.Sprintf(`UPDATE customers SET credit = coalesce(credit, 0) + %d.25, updated_at = clock_timestamp() WHERE id <= %d`, round, rows),
		fmt.Sprintf(`UPDATE orders SET status = 'sent', shipped_at = now(), updated_at = clock_timestamp() WHERE id <= %d`, rows),
		fmt.Sprintf(`INSERT INTO visits (path, code) SELECT '/round/%d', 200 FROM generate_series(1, %d) i`, round, rows))
	return 5 * rows, err
}
