package duckdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/regrant/regrant/internal/warehouse"
)

// allowed lets one SELECT through. DuckDB's own parser says what a statement
// is; the transaction is read-only besides, and the engine has no access to
// files, so that each of the three would do alone for most of what could be
// asked. What is left are functions that change the engine itself.
func allowed(ctx context.Context, c *sql.Conn, statement string) error {
	if statement == "" {
		return fmt.Errorf("%w: the query is empty", warehouse.ErrReadOnly)
	}
	var out []byte
	if err := c.QueryRowContext(ctx, "SELECT json_serialize_sql(?::VARCHAR)::VARCHAR", statement).Scan(&out); err != nil {
		return fmt.Errorf("parse the query: %w", err)
	}
	var parsed struct {
		Error   bool              `json:"error"`
		Type    string            `json:"error_type"`
		Message string            `json:"error_message"`
		List    []json.RawMessage `json:"statements"`
	}
	if err := json.Unmarshal(out, &parsed); err != nil {
		return fmt.Errorf("parse the query: %w", err)
	}
	switch {
	case parsed.Error && parsed.Type == "parser":
		return fmt.Errorf("the query has a mistake: %s", parsed.Message)
	case parsed.Error:
		return fmt.Errorf("%w: it must be one SELECT", warehouse.ErrReadOnly)
	case len(parsed.List) != 1:
		return fmt.Errorf("%w: one statement at a time", warehouse.ErrReadOnly)
	}
	var tree any
	if err := json.Unmarshal(parsed.List[0], &tree); err != nil {
		return fmt.Errorf("parse the query: %w", err)
	}
	return inspect(tree)
}

// inspect walks the parsed statement.
func inspect(node any) error {
	switch node := node.(type) {
	case []any:
		for _, n := range node {
			if err := inspect(n); err != nil {
				return err
			}
		}
	case map[string]any:
		if err := inspectNode(node); err != nil {
			return err
		}
		for _, n := range node {
			if err := inspect(n); err != nil {
				return err
			}
		}
	}
	return nil
}

func inspectNode(node map[string]any) error {
	for _, key := range []string{"catalog_name", "schema_name", "table_name", "catalog", "schema"} {
		if name, _ := node[key].(string); strings.EqualFold(name, stage) {
			return fmt.Errorf("%w: %s is kept for Regrant itself", warehouse.ErrReadOnly, stage)
		}
	}
	if name, ok := node["function_name"].(string); ok && refusedFunction(strings.ToLower(name)) {
		return fmt.Errorf("%w: the function %s is not available here", warehouse.ErrReadOnly, name)
	}
	if node["type"] != "TABLE_FUNCTION" {
		return nil
	}
	function, _ := node["function"].(map[string]any)
	name, _ := function["function_name"].(string)
	if !allowedTableFunction(strings.ToLower(name)) {
		return fmt.Errorf("%w: the function %s is not available here", warehouse.ErrReadOnly, name)
	}
	return nil
}

// allowedTableFunction lists the functions in FROM that only make or describe
// rows. Others change the engine, run text as SQL past this check, or reach
// outside of the warehouse.
func allowedTableFunction(name string) bool {
	switch name {
	case "range", "generate_series", "unnest", "repeat", "json_each", "json_tree", "histogram", "histogram_values", "summary",
		"duckdb_tables", "duckdb_columns", "duckdb_schemas", "duckdb_types", "duckdb_functions", "duckdb_keywords", "duckdb_memory",
		"pragma_table_info", "pragma_storage_info", "pragma_database_size", "pragma_version", "pg_timezone_names":
		return true
	}
	return false
}

// refusedFunction lists the functions in expressions that do more than
// compute.
func refusedFunction(name string) bool {
	switch name {
	case "nextval", "currval", "setseed", "write_log", "sleep_ms", "getenv", "current_setting", "json_execute_serialized_sql":
		return true
	}
	return false
}

// jsonable gives what JSON can hold.
func jsonable(v any) any {
	switch v := v.(type) {
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return strconv.FormatFloat(v, 'g', -1, 64)
		}
	case []byte:
		return string(v)
	}
	return v
}
