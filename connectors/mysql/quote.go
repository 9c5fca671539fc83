package mysql

import (
	"encoding/hex"
	"errors"
	"strings"
)

// Values go into statements as literals: prepared statements cost a round trip
// each and not every proxy lets them through. Literals are written in
// hexadecimal, which no setting of the server reads in another way.

// ident quotes a name.
func ident(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// literal quotes a text.
func literal(text string) string {
	if text == "" {
		return "''"
	}
	return "_utf8mb4 X'" + hex.EncodeToString([]byte(text)) + "'"
}

// bytesLiteral quotes bytes.
func bytesLiteral(b string) string {
	if b == "" {
		return "''"
	}
	return "X'" + hex.EncodeToString([]byte(b)) + "'"
}

func literals(texts []string) string {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = literal(t)
	}
	return strings.Join(quoted, ", ")
}

// tableName is how a table is called outside: database and name with a dot,
// each part quoted only where the dot would be ambiguous otherwise.
func tableName(schema, name string) string { return namePart(schema) + "." + namePart(name) }

func namePart(s string) string {
	if s == "" || strings.ContainsAny(s, ".`") {
		return ident(s)
	}
	return s
}

var errTableName = errors.New("not the name of a table: want database.table") //nolint:gochecknoglobals // a sentinel

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
	if !strings.HasPrefix(s, "`") {
		end := strings.IndexAny(s, ".`")
		if end < 0 {
			end = len(s)
		}
		return s[:end], s[end:], end > 0
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '`' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '`' {
			b.WriteByte('`')
			i++
			continue
		}
		return b.String(), s[i+1:], true
	}
	return "", "", false
}
