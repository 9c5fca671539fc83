package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/regrant/regrant/client"
)

// kind is how a column's value is written the same way by both engines.
type kind uint8

const (
	plain   kind = iota // its text is the same in both
	instant             // timestamptz, timestamp: microseconds since 1970
	day                 // date: days since 1970
	truth               // boolean: 0 or 1
	float               // double precision: eighths, exact in both
	list                // text[]: joined
	binary              // bytea: hex
	span                // interval: microseconds
)

type column struct {
	name string
	kind kind
}

// shopTables names every table with every column: all of them are compared.
var shopTables = map[string][]column{
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

func (c column) atSource() string {
	switch c.kind {
	case instant:
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
	case span:
		return fmt.Sprintf("(extract(epoch from %s) * 1000000)::bigint::text", c.name)
	default:
		return c.name + "::text"
	}
}

func (c column) inWarehouse() string {
	switch c.kind {
	case instant:
		return fmt.Sprintf("epoch_us(%s)::VARCHAR", c.name)
	case day:
		return fmt.Sprintf("(%s - DATE '1970-01-01')::VARCHAR", c.name)
	case truth:
		return c.name + "::INT::VARCHAR"
	case float:
		return fmt.Sprintf("(%s * 8)::BIGINT::VARCHAR", c.name)
	case list:
		return fmt.Sprintf("array_to_string(%s, '|')", c.name)
	case binary:
		return fmt.Sprintf("lower(hex(%s))", c.name)
	case span:
		return fmt.Sprintf("epoch_us(%s)::VARCHAR", c.name)
	default:
		return c.name + "::VARCHAR"
	}
}

// sum is a table's count and the sum of a 60-bit hash of every row.
type sum struct{ Rows, Hash string }

// rowText joins the columns; NULL and the empty text stay different.
func rowText(columns []column, write func(column) string) string {
	parts := make([]string, 0, len(columns))
	for _, c := range columns {
		parts = append(parts, fmt.Sprintf("coalesce('=' || %s, '~')", write(c)))
	}
	return strings.Join(parts, " || chr(31) || ")
}

func sumAtSource(ctx context.Context, db *pgx.Conn, table string) (s sum, err error) {
	sql := fmt.Sprintf("SELECT count(*)::text, coalesce(sum(('x' || substr(md5(%s), 1, 15))::bit(60)::bigint), 0)::text FROM public.%s",
		rowText(shopTables[table], column.atSource), table)
	err = db.QueryRow(ctx, sql).Scan(&s.Rows, &s.Hash)
	return s, err
}

func sumInWarehouse(ctx context.Context, api *client.Client, schema, table string) (s sum, err error) {
	sql := fmt.Sprintf("SELECT count(*)::VARCHAR, coalesce(sum(('0x' || substr(md5(%s), 1, 15))::BIGINT), 0)::VARCHAR FROM %s.%s WHERE _regrant_deleted_at IS NULL",
		rowText(shopTables[table], column.inWarehouse), schema, table)
	result, err := api.Query(ctx, client.Query{SQL: sql})
	if err != nil {
		return s, err
	}
	if len(result.Rows) != 1 || len(result.Rows[0]) != 2 {
		return s, fmt.Errorf("the warehouse answered %d rows", len(result.Rows))
	}
	return sum{text(result.Rows[0][0]), text(result.Rows[0][1])}, nil
}

func text(v any) string {
	if n, ok := v.(json.Number); ok {
		return n.String()
	}
	return fmt.Sprint(v)
}

// compare returns a line per table in which source and warehouse differ.
func compare(ctx context.Context, db *pgx.Conn, api *client.Client, schema string) (differences []string, err error) {
	for table := range shopTables {
		source, err := sumAtSource(ctx, db, table)
		if err != nil {
			return nil, fmt.Errorf("summing %s at the source: %w", table, err)
		}
		warehouse, err := sumInWarehouse(ctx, api, schema, table)
		if err != nil {
			return nil, fmt.Errorf("summing %s in the warehouse: %w", table, err)
		}
		if source != warehouse {
			differences = append(differences, fmt.Sprintf("%s: source %v, warehouse %v", table, source, warehouse))
		}
	}
	return differences, nil
}
