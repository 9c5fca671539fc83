package mysql

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

var errKeyText = errors.New("not a value of this kind of key") //nolint:gochecknoglobals // a sentinel

// checked makes a literal of a text that must look a certain way: positions
// come from outside and end up in statements.
func checked(ok func(string) bool, write func(string) string) func(string) string {
	return func(text string) string {
		if !ok(text) {
			return "NULL" // compares as unknown: nothing is read on its account
		}
		return write(text)
	}
}

func same(text string) string { return text }

// numberKeys are whole numbers: their own text, without ZEROFILL's zeros.
func numberKeys() keys {
	return keys{
		own: true,
		text: func(raw []byte) (string, bool) {
			if v, ok := parseInt(raw); ok {
				return strconv.FormatInt(v, 10), true
			}
			v, ok := parseUint(raw)
			return strconv.FormatUint(v, 10), ok
		},
		wire: func(text string) ([]byte, error) {
			if !isWhole(text) {
				return nil, fmt.Errorf("%w: %.40q is no whole number", errKeyText, text)
			}
			return []byte(text), nil
		},
		literal: checked(isWhole, same),
	}
}

func isWhole(text string) bool { return isNumber([]byte(text)) && !strings.Contains(text, ".") }

func decimalKeys() keys {
	return keys{
		own: true,
		text: func(raw []byte) (string, bool) {
			raw = bytes.TrimPrefix(raw, []byte("+"))
			return string(raw), isNumber(raw)
		},
		wire: func(text string) ([]byte, error) {
			if !isNumber([]byte(text)) {
				return nil, fmt.Errorf("%w: %.40q is no number", errKeyText, text)
			}
			return []byte(text), nil
		},
		literal: checked(func(text string) bool { return isNumber([]byte(text)) }, same),
	}
}

// bitKeys are bits, written as a number.
func bitKeys() keys {
	return keys{
		own: true,
		text: func(raw []byte) (string, bool) {
			v, ok := parseBits(raw)
			return strconv.FormatUint(v, 10), ok
		},
		wire: func(text string) ([]byte, error) {
			v, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("%w: %.40q is no number", errKeyText, text)
			}
			return []byte{byte(v >> 56), byte(v >> 48), byte(v >> 40), byte(v >> 32), byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}, nil
		},
		literal: checked(isWhole, same),
	}
}

// momentKeys are dates and times as the server writes them, without zeros at
// the end of the fraction. Dates that no calendar has are in order, too.
func momentKeys() keys {
	return keys{
		own: true,
		text: func(raw []byte) (string, bool) {
			text := string(raw)
			if strings.Contains(text, ".") {
				text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
			}
			return text, isMomentText(text)
		},
		wire: func(text string) ([]byte, error) {
			if !isMomentText(text) {
				return nil, fmt.Errorf("%w: %.40q is no date or time", errKeyText, text)
			}
			return []byte(text), nil
		},
		literal: checked(isMomentText, func(text string) string { return "'" + text + "'" }),
	}
}

func isMomentText(text string) bool {
	return text != "" && len(text) <= 40 && strings.Trim(text, "0123456789-:. ") == ""
}

func binaryKeys() keys {
	return keys{
		own:  true,
		text: func(raw []byte) (string, bool) { return hex.EncodeToString(raw), true },
		wire: func(text string) ([]byte, error) {
			raw, err := hex.DecodeString(text)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", errKeyText, err)
			}
			return raw, nil
		},
		literal: func(text string) string {
			raw, err := hex.DecodeString(text)
			if err != nil {
				return "NULL"
			}
			return bytesLiteral(string(raw))
		},
	}
}

// textKeys are texts. The collations that neither pad nor fold compare as the
// bytes of UTF-8 do.
func textKeys(t sourceType) keys {
	return keys{
		own:  t.collation == "utf8mb4_0900_bin" || strings.HasSuffix(t.collation, "_nopad_bin") && (strings.HasPrefix(t.collation, "utf8") || strings.HasPrefix(t.collation, "ascii")),
		text: func(raw []byte) (string, bool) { return string(raw), utf8.Valid(raw) },
		wire: func(text string) ([]byte, error) {
			if !utf8.ValidString(text) {
				return nil, errKeyText
			}
			return []byte(text), nil
		},
		literal: literal,
	}
}

// castKeys are types with an order of their own (UUID, INET6): compared as
// text where the warehouse compares, too.
func castKeys() keys {
	k := textKeys(sourceType{})
	k.literal = func(text string) string {
		if text == "" || strings.Trim(text, "0123456789abcdefABCDEF-:.") != "" {
			return "NULL"
		}
		return "'" + text + "'"
	}
	return k
}

// order is one column by which rows are put in order.
type order struct {
	c    *col
	text bool // by the bytes of the column's text, not by the source's own order
}

// rawOrder follows the source's own order, which its indexes have.
func rawOrder(cols []*col) []order {
	terms := make([]order, len(cols))
	for i, c := range cols {
		terms[i] = order{c, c.form.key.byText}
	}
	return terms
}

// plainOrder follows an order that the warehouse has, too: numbers and dates
// by value, text by its bytes.
func plainOrder(cols []*col) []order {
	terms := make([]order, len(cols))
	for i, c := range cols {
		terms[i] = order{c, !c.form.key.own}
	}
	return terms
}

// indexed says whether an index on the columns would have this order.
func indexed(terms []order) bool {
	for _, o := range terms {
		if o.text {
			return false
		}
	}
	return true
}

// expr is what is compared and sorted by. Only a binary string is compared
// byte by byte in every version and without padding.
func (o order) expr() string {
	name := "t." + ident(o.c.name)
	if !o.text {
		return name
	}
	if o.c.source.charset == "" { // not a text in the source
		name = "CAST(" + name + " AS CHAR)"
	}
	return "CAST(CONVERT(" + name + " USING utf8mb4) AS BINARY)"
}

func (o order) literal(text string) string {
	if o.text {
		return bytesLiteral(text)
	}
	return o.c.form.key.literal(text)
}

// beyond is the condition that a row comes after the values ("<" for op: before
// them). Rows compared as (a, b) > (1, 2) would make the server read an index
// from its beginning, so it is written out.
func beyond(terms []order, texts []string, op string, inclusive bool) string {
	last := len(terms) - 1
	expr, value := terms[last].expr(), terms[last].literal(texts[last])
	condition := expr + " " + op + " " + value
	if inclusive {
		condition = expr + " " + op + "= " + value
	}
	for i := last - 1; i >= 0; i-- {
		expr, value := terms[i].expr(), terms[i].literal(texts[i])
		condition = fmt.Sprintf("%s %s= %s AND (%s %s %s OR (%s = %s AND %s))", expr, op, value, expr, op, value, expr, value, condition)
	}
	return "(" + condition + ")"
}

func after(terms []order, texts []string) string   { return beyond(terms, texts, ">", false) }
func through(terms []order, texts []string) string { return beyond(terms, texts, "<", true) }

func orderBy(terms []order) string {
	list := make([]string, len(terms))
	for i, o := range terms {
		list[i] = o.expr()
	}
	return strings.Join(list, ", ")
}
