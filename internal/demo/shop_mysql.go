package demo

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"time"

	"github.com/regrant/regrant/internal/testservers/mysql"
)

//go:embed shop_mysql.sql
var mysqlScript string

// mysqlShop is the shop on MySQL or MariaDB.
type mysqlShop struct{ *mysql.Server }

func newMySQLShop(ctx context.Context, flavour mysql.Flavour) (shop, error) {
	server, err := mysql.Launch(ctx, mysql.Config{Flavour: flavour})
	if err != nil {
		return nil, err
	}
	return mysqlShop{server}, nil
}

func (m mysqlShop) connector() string { return "mysql" }
func (m mysqlShop) port() int         { return m.Port() }
func (m mysqlShop) prefix() string    { return database + "." }
func (m mysqlShop) hint() string      { return fmt.Sprintf("a %s server on %s", m.Flavour(), m.Address()) }

func (m mysqlShop) readsAgain() time.Duration { return 15 * time.Minute }

func (m mysqlShop) start(ctx context.Context) error { return m.Start(ctx) }
func (m mysqlShop) stop(ctx context.Context) error  { return m.Stop(ctx) }
func (m mysqlShop) close() error                    { return m.Close() }

func (m mysqlShop) run(ctx context.Context, statements ...string) error {
	return m.ExecIn(ctx, database, statements...)
}

// everywhere is the role as seen through the tunnel, by address and by name.
func everywhere() []string {
	return []string{"'" + role + "'@'127.0.0.1'", "'" + role + "'@'localhost'"}
}

// each runs a statement for every spelling of the role.
func (m mysqlShop) each(ctx context.Context, format string, args ...any) error {
	for _, who := range everywhere() {
		if err := m.ExecIn(ctx, "", fmt.Sprintf(strings.ReplaceAll(format, "{role}", who), args...)); err != nil {
			return err
		}
	}
	return nil
}

func (m mysqlShop) fill(ctx context.Context, size Size) error {
	if err := m.ExecIn(ctx, "", "CREATE DATABASE "+database+" CHARACTER SET utf8mb4"); err != nil {
		return fmt.Errorf("creating the shop: %w", err)
	}
	for statement := range strings.SplitSeq(sized(mysqlScript, size), ";\n") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if err := m.run(ctx, statement); err != nil {
			return fmt.Errorf("filling the shop: %w", err)
		}
	}
	return nil
}

// grant opens table by table: what is granted on a whole database cannot be
// revoked of one table.
func (m mysqlShop) grant(ctx context.Context, password string) error {
	if err := m.each(ctx, "CREATE USER {role} IDENTIFIED BY '%s'", password); err != nil {
		return err
	}
	for table := range m.tables() {
		if err := m.allow(ctx, table); err != nil {
			return err
		}
	}
	return nil
}

func (m mysqlShop) drop(ctx context.Context) error { return m.each(ctx, "DROP USER {role}") }

func (m mysqlShop) setPassword(ctx context.Context, password string) error {
	return m.each(ctx, "ALTER USER {role} IDENTIFIED BY '%s'", password)
}

func (m mysqlShop) expire(ctx context.Context) (time.Time, error) {
	return time.Time{}, m.each(ctx, "ALTER USER {role} PASSWORD EXPIRE")
}

func (m mysqlShop) deny(ctx context.Context, table string) error {
	return m.each(ctx, "REVOKE SELECT ON %s.%s FROM {role}", database, table)
}

func (m mysqlShop) allow(ctx context.Context, table string) error {
	return m.each(ctx, "GRANT SELECT ON %s.%s TO {role}", database, table)
}

func (m mysqlShop) trade(ctx context.Context, round, rows int) (changed int, err error) {
	some := fmt.Sprintf("FROM numbers WHERE i <= %d", rows)
	err = m.run(ctx,
		fmt.Sprintf("INSERT INTO orders SELECT m + i, 1, 'new', i * 1.01, 'EUR', 'round %d', NOW(6), NULL, NOW(6) FROM numbers, (SELECT MAX(id) m FROM orders) x WHERE i <= %d", round, rows),
		fmt.Sprintf("INSERT INTO order_items SELECT m + i, i, 1, 'SKU-0000', %d, 9.99, NULL, 0, NOW(6) FROM numbers, (SELECT MAX(id) m FROM order_items) x WHERE i <= %d", round, rows),
		fmt.Sprintf("UPDATE customers SET credit = COALESCE(credit, 0) + %d.25, updated_at = NOW(6) WHERE id <= %d", round, rows),
		fmt.Sprintf("UPDATE orders SET status = 'sent', shipped_at = NOW(6), updated_at = NOW(6) WHERE id <= %d", rows),
		fmt.Sprintf("INSERT INTO visits (path, code) SELECT '/round/%d', 200 %s", round, some))
	return 5 * rows, err
}

func (m mysqlShop) tables() map[string][]column {
	return map[string][]column{
		"customers": {{"id", plain}, {"email", plain}, {"name", plain}, {"country", plain}, {"birthday", day}, {"vip", truth}, {"credit", plain},
			{"profile", plain}, {"local_time_at", instant}, {"created_at", instant}, {"updated_at", instant}},
		"products": {{"sku", plain}, {"title", plain}, {"price", plain}, {"weight", float}, {"picture", binary}, {"active", truth}},
		"orders": {{"id", plain}, {"customer_id", plain}, {"status", plain}, {"total", plain}, {"currency", plain}, {"note", plain},
			{"placed_at", instant}, {"shipped_at", instant}, {"updated_at", instant}},
		"order_items": {{"id", plain}, {"order_id", plain}, {"line", plain}, {"sku", plain}, {"quantity", plain}, {"unit_price", plain},
			{"discount", plain}, {"gift", truth}, {"updated_at", instant}},
		"visits":        {{"id", plain}, {"path", plain}, {"address", plain}, {"code", plain}},
		"shop_settings": {{"name", plain}, {"value", plain}},
	}
}

func (m mysqlShop) sum(ctx context.Context, table string, columns []column) (s sum, err error) {
	parts := make([]string, 0, len(columns))
	for _, c := range columns {
		parts = append(parts, fmt.Sprintf("COALESCE(CONCAT('=', %s), '~')", mysqlText(c)))
	}
	sql := fmt.Sprintf("SELECT COUNT(*), COALESCE(SUM(CAST(CONV(SUBSTR(SHA2(CONCAT(%s), 256), 1, 15), 16, 10) AS UNSIGNED)), 0) FROM %s", strings.Join(parts, ", CHAR(31), "), table)
	row, err := m.row(ctx, sql)
	if err != nil {
		return s, err
	}
	return sum{row[0], row[1]}, nil
}

// row asks as root for one row of texts.
func (m mysqlShop) row(ctx context.Context, sql string) ([]string, error) {
	conn, err := m.Connect(ctx, database)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.Exec(ctx, "SET NAMES utf8mb4, time_zone = '+00:00'"); err != nil {
		return nil, err
	}
	rows, err := conn.All(ctx, sql)
	if err != nil || len(rows) != 1 {
		return nil, fmt.Errorf("%d rows: %w", len(rows), err)
	}
	values := make([]string, 0, len(rows[0]))
	for _, v := range rows[0] {
		values = append(values, string(v))
	}
	return values, nil
}

func mysqlText(c column) string {
	switch c.kind {
	case instant, span:
		return fmt.Sprintf("CAST(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', %s) AS CHAR)", c.name)
	case day:
		return fmt.Sprintf("CAST(DATEDIFF(%s, '1970-01-01') AS CHAR)", c.name)
	case float:
		return fmt.Sprintf("CAST(CAST(%s * 8 AS SIGNED) AS CHAR)", c.name)
	case binary:
		return fmt.Sprintf("LOWER(HEX(%s))", c.name)
	default:
		return fmt.Sprintf("CAST(%s AS CHAR CHARACTER SET utf8mb4)", c.name)
	}
}
