package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/regrant/regrant/client"
)

// kind is how a column's value is written the same way by every engine.
type kind uint8

const (
	plain   kind = iota // its text is the same everywhere
	instant             // microseconds since 1970
	day                 // days since 1970
	truth               // 0 or 1
	float               // eighths, which are exact
	list                // joined
	binary              // hex
	span                // microseconds
)

type column struct {
	name string
	kind kind
}

// sum is a table's count and the sum of a hash of every row.
type sum struct{ Rows, Hash string }

// rowText joins the columns, each written by write, with the engine's own
// operator; NULL and the empty text stay different.
func rowText(columns []column, write func(column) string, join string) string {
	parts := make([]string, 0, len(columns))
	for _, c := range columns {
		parts = append(parts, fmt.Sprintf("coalesce('=' || %s, '~')", write(c)))
	}
	return strings.Join(parts, join+"chr(31)"+join)
}

func warehouseText(c column) string {
	switch c.kind {
	case instant, span:
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
	default:
		return c.name + "::VARCHAR"
	}
}

func sumInWarehouse(ctx context.Context, api *client.Client, schema, table string, columns []column) (s sum, err error) {
	sql := fmt.Sprintf("SELECT count(*)::VARCHAR, coalesce(sum(('0x' || substr(sha256(%s), 1, 15))::BIGINT), 0)::VARCHAR FROM %s.%s WHERE _regrant_deleted_at IS NULL",
		rowText(columns, warehouseText, " || "), schema, table)
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
func compare(ctx context.Context, source shop, api *client.Client, schema string) (differences []string, err error) {
	for table, columns := range source.tables() {
		there, err := source.sum(ctx, table, columns)
		if err != nil {
			return nil, fmt.Errorf("summing %s at the source: %w", table, err)
		}
		here, err := sumInWarehouse(ctx, api, schema, table, columns)
		if err != nil {
			return nil, fmt.Errorf("summing %s in the warehouse: %w", table, err)
		}
		if there != here {
			differences = append(differences, fmt.Sprintf("%s: source %v, warehouse %v", table, there, here))
		}
	}
	return differences, nil
}
