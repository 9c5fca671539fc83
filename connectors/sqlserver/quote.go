package sqlserver

import (
	"errors"
	"strings"
)

// ident quotes a name.
func ident(name string) string { return "[" + strings.ReplaceAll(name, "]", "]]") + "]" }

// literal quotes a text. Within quotes T-SQL knows no escape but the doubled
// quote; a backslash before a line end would join the lines, so it is cut off
// from what follows.
func literal(text string) string {
	quoted := strings.ReplaceAll(text, "'", "''")
	if strings.Contains(quoted, "\\\n") || strings.Contains(quoted, "\\\r") {
		quoted = strings.NewReplacer("\\\n", "\\' + N'\n", "\\\r", "\\' + N'\r").Replace(quoted)
		return "(N'" + quoted + "')"
	}
	return "N'" + quoted + "'"
}

// tableName is how a table is called outside: schema and name with a dot, each
// part quoted only where the dot would be ambiguous otherwise.
func tableName(schema, name string) string { return namePart(schema) + "." + namePart(name) }

func namePart(s string) string {
	if s == "" || strings.ContainsAny(s, `."`) {
		return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	return s
}

var errTableName = errors.New("not the name of a table: want schema.table") //nolint:gochecknoglobals // a sentinel

// splitName is the inverse of tableName.
func splitName(full string) (schema, name string, err error) {
	schema, rest, ok := cutPart(full)
	if !ok || !strings.HasPrefix(rest, ".") {
		return "", "", errTableName
	}
	name, rest, ok = cutPart(rest[1:])
	if !ok || rest != "" {
		return "", "", errTableName
	}
	return schema, name, nil
}

func cutPart(s string) (part, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, `."`)
		if end < 0 {
			end = len(s)
		}
		return s[:end], s[end:], end > 0
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '"' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '"' {
			b.WriteByte('"')
			i++
			continue
		}
		return b.String(), s[i+1:], true
	}
	return "", "", false
}
