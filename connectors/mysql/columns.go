package mysql

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"

	"github.com/regrant/regrant/connector/sqlkit"
)

// column gathers the values of one column until a record is full. The decoder
// calls Add once per value with its wire form, which is text; what the text
// means was decided when the column was made.
type column interface {
	// Add appends one value; raw is valid during the call only.
	Add(raw []byte)
	AppendNull()
	// Finish returns what was gathered and begins anew.
	Finish() arrow.Array
	// Lost is how many values had no Arrow form, ever.
	Lost() int64
}

// parsed is a column of fixed width whose values are read from text.
type parsed[T arrow.FixedWidthType] struct {
	*sqlkit.Numbers[T]
	parse func(raw []byte) (T, bool)
}

func (c parsed[T]) Add(raw []byte) {
	v, ok := c.parse(raw)
	if !ok {
		c.Lose()
		c.AppendNull()
		return
	}
	c.Append(v)
}

func parsedColumn[T arrow.FixedWidthType](kind arrow.DataType, parse func([]byte) (T, bool)) column {
	return parsed[T]{sqlkit.NewNumbers[T](kind), parse}
}

// signedColumn reads whole numbers without an allocation; ZEROFILL makes them
// begin with zeros.
func signedColumn[T int8 | int16 | int32 | int64](kind arrow.DataType, bits int) func() column {
	return func() column {
		return parsedColumn(kind, func(raw []byte) (T, bool) {
			v, ok := parseInt(raw)
			return T(v), ok && (bits == 64 || v>>(bits-1) == 0 || v>>(bits-1) == -1)
		})
	}
}

func unsignedColumn[T uint8 | uint16 | uint32 | uint64](kind arrow.DataType, bits int) func() column {
	return func() column {
		return parsedColumn(kind, func(raw []byte) (T, bool) {
			v, ok := parseUint(raw)
			return T(v), ok && (bits == 64 || v>>bits == 0)
		})
	}
}

func parseUint(raw []byte) (uint64, bool) {
	if len(raw) == 0 || len(raw) > 20 {
		return 0, false
	}
	if len(raw) == 20 { // may be too large; rare
		v, err := strconv.ParseUint(string(raw), 10, 64)
		return v, err == nil
	}
	var v uint64
	for _, b := range raw {
		d := b - '0'
		if d > 9 {
			return 0, false
		}
		v = v*10 + uint64(d)
	}
	return v, true
}

func parseInt(raw []byte) (int64, bool) {
	negative := len(raw) > 0 && raw[0] == '-'
	if negative {
		raw = raw[1:]
	}
	v, ok := parseUint(raw)
	switch {
	case !ok:
		return 0, false
	case negative:
		return -int64(v), v <= 1<<63
	default:
		return int64(v), v < 1<<63
	}
}

func yearColumn() column {
	return parsedColumn(arrow.PrimitiveTypes.Int16, func(raw []byte) (int16, bool) {
		v, ok := parseUint(raw)
		return int16(v), ok && v != 0 && v < 1<<15
	})
}

func doubleColumn() column { return parsedColumn(arrow.PrimitiveTypes.Float64, parseFloat) }

func floatColumn() column {
	return parsedColumn(arrow.PrimitiveTypes.Float32, func(raw []byte) (float32, bool) {
		v, ok := parseFloat(raw)
		return float32(v), ok
	})
}

func parseFloat(raw []byte) (float64, bool) {
	v, err := strconv.ParseFloat(string(raw), 64) // does not allocate: the text does not escape
	return v, err == nil
}

func dateColumn() column {
	return parsedColumn(arrow.FixedWidthTypes.Date32, func(raw []byte) (int32, bool) {
		days, rest, ok := parseDate(raw)
		return int32(days), ok && len(rest) == 0
	})
}

func momentColumn(kind arrow.DataType) func() column {
	return func() column { return parsedColumn(kind, parseMoment) }
}

func durationColumn() column {
	return parsedColumn(arrow.FixedWidthTypes.Duration_us, parseDuration)
}

// flags is a BIT(1).
type flags struct{ sqlkit.Bools }

func bitColumn() column { return &flags{} }

func (c *flags) Add(raw []byte) {
	v, ok := parseBits(raw)
	if !ok || v > 1 {
		c.Lose()
		c.AppendNull()
		return
	}
	c.Append(v == 1)
}

func bitsColumn() column { return parsedColumn(arrow.PrimitiveTypes.Uint64, parseBits) }

// parseBits reads big-endian bytes, as the server sends a BIT.
func parseBits(raw []byte) (uint64, bool) {
	if len(raw) == 0 || len(raw) > 8 {
		return 0, false
	}
	var whole [8]byte
	copy(whole[8-len(raw):], raw)
	return binary.BigEndian.Uint64(whole[:]), true
}

// newDecimals is DECIMAL with at most 38 digits.
func newDecimals(kind *arrow.Decimal128Type) column {
	return parsedColumn(kind, func(raw []byte) (decimal128.Num, bool) { return parseDecimal(raw, kind.Precision, kind.Scale) })
}

// newDecimals256 is DECIMAL with up to 65 digits.
func newDecimals256(kind *arrow.Decimal256Type) column {
	return parsedColumn(kind, func(raw []byte) (decimal256.Num, bool) {
		if !isNumber(raw) {
			return decimal256.Num{}, false
		}
		v, err := decimal256.FromString(string(raw), kind.Precision, kind.Scale)
		return v, err == nil
	})
}

// texts is a column of text. The server converts to UTF-8 from what it thinks
// the text is; what slipped in otherwise is mended and counted.
type texts struct{ *sqlkit.Texts }

func textColumn() column { return texts{sqlkit.NewTexts(arrow.BinaryTypes.String)} }

func (c texts) Add(raw []byte) {
	if !utf8.Valid(raw) {
		c.Lose()
		raw = []byte(strings.ToValidUTF8(string(raw), "\ufffd"))
	}
	c.Append(raw)
}

// blobs is a column of bytes.
type blobs struct{ *sqlkit.Texts }

func binaryColumn() column { return blobs{sqlkit.NewTexts(arrow.BinaryTypes.Binary)} }

func (c blobs) Add(raw []byte) { c.Append(raw) }

// sets is SET: members hold no comma, so that the text can be taken apart.
type sets struct{ *sqlkit.TextLists }

func setColumn() column { return sets{sqlkit.NewTextLists()} }

func (c sets) Add(raw []byte) {
	for len(raw) > 0 {
		member, rest, more := bytes.Cut(raw, []byte{','})
		c.Item(member)
		if raw = rest; more && len(rest) == 0 {
			c.Item(nil) // an empty member at the end
		}
	}
	c.End()
}

// geometries is any spatial type: the server's own form is four bytes of
// reference system and well-known binary. It leaves as well-known binary,
// extended by the reference system where there is one (EWKB).
type geometries struct{ *sqlkit.Texts }

func geometryColumn() column { return geometries{sqlkit.NewTexts(arrow.BinaryTypes.Binary)} }

const ewkbHasSRID = 0x20000000

func (c geometries) Add(raw []byte) {
	if len(raw) < 9 || raw[4] != 1 { // always little-endian
		c.Lose()
		c.AppendNull()
		return
	}
	srid := raw[:4]
	if binary.LittleEndian.Uint32(srid) == 0 {
		c.Append(raw[4:])
		return
	}
	kind := binary.LittleEndian.Uint32(raw[5:]) | ewkbHasSRID
	out := make([]byte, 0, len(raw)+1)
	out = append(out, 1)
	out = binary.LittleEndian.AppendUint32(out, kind)
	out = append(append(out, srid...), raw[9:]...)
	c.Append(out)
}
