package duckdb

import (
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/regrant/regrant/internal/warehouse"
)

const (
	ownSchema    = "_regrant"          // positions and the layout's version
	stage        = "_regrant_stage"    // in-memory database of the Arrow views
	rowsDatabase = "_regrant_rows"     // DuckDB's name of the file, whatever it is called
	shadowTag    = "_regrant_replace_" // prefix of tables that are being built anew
)

// quote writes an identifier.
func quote(name string) string {
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// text writes a string literal.
func text(value string) string {
	return "'" + strings.ReplaceAll(value, "'", "''") + "'"
}

// checkName refuses names that are ours or that DuckDB cannot hold.
func checkName(name warehouse.Name) error {
	if name.Schema == "" || name.Table == "" {
		return fmt.Errorf("a table needs a schema and a name, got %q.%q", name.Schema, name.Table)
	}
	if strings.ContainsRune(name.Schema+name.Table, 0) {
		return fmt.Errorf("the name %q.%q holds a zero byte", name.Schema, name.Table)
	}
	if strings.HasPrefix(strings.ToLower(name.Schema), ownSchema) || strings.HasPrefix(strings.ToLower(name.Table), shadowTag) {
		return fmt.Errorf("the name %q.%q is kept for Regrant itself", name.Schema, name.Table)
	}
	return nil
}

// apart gives a name beside those taken. DuckDB's names ignore case, those of
// sources do not: of "id" and "ID" the second gets a suffix made of its name,
// so that it is the same every time, also when the first is gone.
func apart(name string, taken map[string]string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	suffixed := fmt.Sprintf("%s_%08x", name, h.Sum32())
	owner, ok := taken[strings.ToLower(name)]
	if ok && owner != name || taken[strings.ToLower(suffixed)] == suffixed {
		return suffixed
	}
	return name
}
