package mysql

import "strings"

// rowHash is a hash of the row, 16 hexadecimal digits, whose exclusive or over
// a range tells whether anything in it changed.
//
// SHA-2 is what every version has compiled in; MD5 and SHA-1 are leaving the
// server. Values are written so that no two rows look alike, and texts as
// hexadecimal, because those of different collations do not mix.
func rowHash(cols []*col) string {
	parts := make([]string, len(cols))
	for i, c := range cols {
		parts[i] = c.hashExpr()
	}
	return "LEFT(SHA2(CONCAT_WS(',', " + strings.Join(parts, ", ") + "), 224), 16)"
}

// foldedHash is the exclusive or of the hashes of rows, as a number.
func foldedHash(cols []*col) string {
	return "BIT_XOR(CAST(CONV(" + rowHash(cols) + ", 16, 10) AS UNSIGNED))"
}

// hashExpr is the column as part of a hash, NULL told from every value. What
// can be long is hashed by itself: a row longer than max_allowed_packet would
// come out as NULL.
func (c *col) hashExpr() string {
	name := "t." + ident(c.name)
	switch base := c.source.base; {
	case base == "float":
		return "IFNULL(" + c.expr() + ", 'NULL')"
	case base == "bit", isWholeType(base), base == "year":
		return "IFNULL(" + name + " + 0, 'NULL')"
	case base == "double", base == "real", base == "decimal", base == "numeric", base == "date", base == "datetime", base == "timestamp", base == "time":
		return "IFNULL(CAST(" + name + " AS CHAR), 'NULL')"
	case strings.HasSuffix(base, "text"), strings.HasSuffix(base, "blob"):
		return "IFNULL(SHA2(" + name + ", 256), 'NULL')"
	case base == "json":
		return "IFNULL(SHA2(CAST(" + name + " AS CHAR), 256), 'NULL')"
	case isSpatial(base):
		return "IFNULL(SHA2(CAST(" + name + " AS BINARY), 256), 'NULL')"
	case c.source.charset != "", strings.HasSuffix(base, "binary"):
		return "IFNULL(HEX(" + name + "), 'NULL')"
	default:
		return "QUOTE(CAST(" + name + " AS CHAR))"
	}
}
