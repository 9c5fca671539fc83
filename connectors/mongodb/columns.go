package mongodb

import (
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/regrant/regrant/connector/sqlkit"
)

// column gathers the values of one column until a record is full.
type column interface {
	// add takes a value, or says that it does not fit and takes nothing.
	add(v bsoncore.Value) bool
	AppendNull()
	Finish() arrow.Array
	Lost() int64
}

func columnOf(k kind) column {
	t := k.form().arrow
	switch k {
	case wholes:
		return &wholeColumn{sqlkit.NewNumbers[int64](t)}
	case doubles:
		return &doubleColumn{sqlkit.NewNumbers[float64](t)}
	case dates:
		return &dateColumn{sqlkit.NewNumbers[arrow.Timestamp](t)}
	case truths:
		return &boolColumn{&sqlkit.Bools{}}
	}
	c := &textColumn{Texts: sqlkit.NewTexts(t)}
	switch k {
	case decimals:
		c.write = appendNumber
	case texts:
		c.write = c.appendString
	case objectIDs:
		c.write = appendObjectID
	case uuids:
		c.write = appendUUID
	case bytesOf:
		c.write = appendBytes
	default:
		c.write = func(dst []byte, v bsoncore.Value) ([]byte, bool) { return appendJSON(dst, v, 0), true }
	}
	return c
}

type wholeColumn struct{ *sqlkit.Numbers[int64] }

func (c *wholeColumn) add(v bsoncore.Value) bool {
	n, ok := wholeOf(v)
	if ok {
		c.Append(n)
	}
	return ok
}

type doubleColumn struct{ *sqlkit.Numbers[float64] }

func (c *doubleColumn) add(v bsoncore.Value) bool {
	f, ok := doubleOf(v)
	if ok {
		c.Append(f)
	}
	return ok
}

// The dates that every warehouse knows.
const (
	firstDate = -62135596800000 // 0001-01-01
	lastDate  = 253402300799999 // 9999-12-31T23:59:59.999
)

type dateColumn struct {
	*sqlkit.Numbers[arrow.Timestamp]
}

func (c *dateColumn) add(v bsoncore.Value) bool {
	ms, ok := v.DateTimeOK()
	switch {
	case !ok:
		return false
	case ms < firstDate || ms > lastDate:
		c.Lose()
		c.AppendNull()
	default:
		c.Append(arrow.Timestamp(ms))
	}
	return true
}

type boolColumn struct{ *sqlkit.Bools }

func (c *boolColumn) add(v bsoncore.Value) bool {
	b, ok := v.BooleanOK()
	if ok {
		c.Append(b)
	}
	return ok
}

// textColumn holds whatever is written as text or bytes.
type textColumn struct {
	*sqlkit.Texts
	write   func(dst []byte, v bsoncore.Value) ([]byte, bool)
	scratch []byte
}

func (c *textColumn) add(v bsoncore.Value) bool {
	text, ok := c.write(c.scratch[:0], v)
	c.scratch = text
	if ok {
		c.Append(text)
	}
	return ok
}

func (c *textColumn) appendString(dst []byte, v bsoncore.Value) ([]byte, bool) {
	s, ok := textOf(v)
	if ok && !utf8.ValidString(s) {
		c.Lose()
		s = strings.ToValidUTF8(s, "\ufffd")
	}
	return append(dst, s...), ok
}

func textOf(v bsoncore.Value) (string, bool) {
	switch v.Type {
	case bsoncore.TypeString:
		return v.StringValueOK()
	case bsoncore.TypeSymbol:
		return v.SymbolOK()
	case bsoncore.TypeJavaScript:
		return v.JavaScriptOK()
	}
	return "", false
}

// appendNumber writes any number so that nothing of it is lost.
func appendNumber(dst []byte, v bsoncore.Value) ([]byte, bool) {
	switch v.Type {
	case bsoncore.TypeDecimal128:
		h, l, ok := v.Decimal128OK()
		return append(dst, bson.NewDecimal128(h, l).String()...), ok
	case bsoncore.TypeDouble:
		f, ok := v.DoubleOK()
		switch {
		case math.IsInf(f, 1):
			return append(dst, "Infinity"...), ok
		case math.IsInf(f, -1):
			return append(dst, "-Infinity"...), ok
		}
		return strconv.AppendFloat(dst, f, 'g', -1, 64), ok
	}
	n, ok := wholeOf(v)
	return strconv.AppendInt(dst, n, 10), ok
}

func appendObjectID(dst []byte, v bsoncore.Value) ([]byte, bool) {
	oid, ok := v.ObjectIDOK()
	return hex.AppendEncode(dst, oid[:]), ok
}

func appendUUID(dst []byte, v bsoncore.Value) ([]byte, bool) {
	if kindOf(v) != uuids {
		return dst, false
	}
	_, b := v.Binary()
	for i, part := range [][]byte{b[:4], b[4:6], b[6:8], b[8:10], b[10:]} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, part)
	}
	return dst, true
}

func appendBytes(dst []byte, v bsoncore.Value) ([]byte, bool) {
	_, b, ok := v.BinaryOK()
	return append(dst, b...), ok
}

// dateText is a date as a position keeps it.
func dateText(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339Nano) }
