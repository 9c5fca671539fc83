package mongodb

import (
	"encoding/base64"
	"encoding/hex"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// appendJSON writes a value as relaxed Extended JSON, in which numbers, text
// and truth values look as everywhere, and every other type names itself. Order
// and doubled names of fields stay as they are.
// https://github.com/mongodb/specifications/blob/master/source/extended-json/extended-json.md
func appendJSON(dst []byte, v bsoncore.Value, depth int) []byte {
	if depth > mostDepth {
		return append(dst, `"too deep"`...)
	}
	switch v.Type {
	case bsoncore.TypeEmbeddedDocument, bsoncore.TypeArray:
		return appendComposite(dst, v, depth)
	case bsoncore.TypeString:
		return appendText(dst, v.StringValue())
	case bsoncore.TypeInt32:
		return strconv.AppendInt(dst, int64(v.Int32()), 10)
	case bsoncore.TypeInt64:
		return strconv.AppendInt(dst, v.Int64(), 10)
	case bsoncore.TypeDouble:
		return appendDouble(dst, v.Double())
	case bsoncore.TypeBoolean:
		return strconv.AppendBool(dst, v.Boolean())
	case bsoncore.TypeNull:
		return append(dst, "null"...)
	case bsoncore.TypeObjectID:
		oid := v.ObjectID()
		return append(hex.AppendEncode(append(dst, `{"$oid":"`...), oid[:]), `"}`...)
	case bsoncore.TypeDateTime:
		return appendDate(dst, v.DateTime())
	case bsoncore.TypeDecimal128:
		h, l := v.Decimal128()
		return append(append(append(dst, `{"$numberDecimal":"`...), bson.NewDecimal128(h, l).String()...), `"}`...)
	}
	return appendRare(dst, v, depth)
}

// mostDepth is above the 100 levels that MongoDB itself allows.
const mostDepth = 200

func appendComposite(dst []byte, v bsoncore.Value, depth int) []byte {
	first, last := byte('{'), byte('}')
	if v.Type == bsoncore.TypeArray {
		first, last = '[', ']'
	}
	dst = append(dst, first)
	some := false
	eachElement(v.Data, func(key []byte, item bsoncore.Value) bool {
		if some {
			dst = append(dst, ',')
		}
		some = true
		if first == '{' {
			dst = append(appendText(dst, string(key)), ':')
		}
		dst = appendJSON(dst, item, depth+1)
		return true
	})
	return append(dst, last)
}

func appendDouble(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `{"$numberDouble":"NaN"}`...)
	case math.IsInf(f, 1):
		return append(dst, `{"$numberDouble":"Infinity"}`...)
	case math.IsInf(f, -1):
		return append(dst, `{"$numberDouble":"-Infinity"}`...)
	}
	from := len(dst)
	dst = strconv.AppendFloat(dst, f, 'g', -1, 64)
	for _, c := range dst[from:] {
		if c == '.' || c == 'e' {
			return dst
		}
	}
	return append(dst, ".0"...)
}

func appendDate(dst []byte, ms int64) []byte {
	if t := time.UnixMilli(ms).UTC(); t.Year() >= 1970 && t.Year() <= 9999 {
		return append(t.AppendFormat(append(dst, `{"$date":"`...), "2006-01-02T15:04:05.999Z07:00"), `"}`...)
	}
	return append(strconv.AppendInt(append(dst, `{"$date":{"$numberLong":"`...), ms, 10), `"}}`...)
}

// appendRare writes what few documents hold.
func appendRare(dst []byte, v bsoncore.Value, depth int) []byte {
	switch v.Type {
	case bsoncore.TypeBinary:
		subtype, data := v.Binary()
		dst = append(base64.StdEncoding.AppendEncode(append(dst, `{"$binary":{"base64":"`...), data), `","subType":"`...)
		return append(hex.AppendEncode(dst, []byte{subtype}), `"}}`...)
	case bsoncore.TypeRegex:
		pattern, options := v.Regex()
		dst = appendText(append(dst, `{"$regularExpression":{"pattern":`...), pattern)
		return append(appendText(append(dst, `,"options":`...), options), `}}`...)
	case bsoncore.TypeTimestamp:
		t, i := v.Timestamp()
		dst = strconv.AppendUint(append(dst, `{"$timestamp":{"t":`...), uint64(t), 10)
		return append(strconv.AppendUint(append(dst, `,"i":`...), uint64(i), 10), `}}`...)
	case bsoncore.TypeSymbol:
		return append(appendText(append(dst, `{"$symbol":`...), v.Symbol()), '}')
	case bsoncore.TypeJavaScript:
		return append(appendText(append(dst, `{"$code":`...), v.JavaScript()), '}')
	case bsoncore.TypeCodeWithScope:
		code, scope := v.CodeWithScope()
		dst = append(appendText(append(dst, `{"$code":`...), code), `,"$scope":`...)
		return append(appendJSON(dst, bsoncore.Value{Type: bsoncore.TypeEmbeddedDocument, Data: scope}, depth+1), '}')
	case bsoncore.TypeDBPointer:
		ns, oid := v.DBPointer()
		dst = appendText(append(dst, `{"$dbPointer":{"$ref":`...), ns)
		return append(hex.AppendEncode(append(dst, `,"$id":{"$oid":"`...), oid[:]), `"}}}`...)
	case bsoncore.TypeMinKey:
		return append(dst, `{"$minKey":1}`...)
	case bsoncore.TypeMaxKey:
		return append(dst, `{"$maxKey":1}`...)
	}
	return append(dst, `{"$undefined":true}`...)
}

const hexDigits = "0123456789abcdef"

// appendText writes a JSON string. Bytes that are not UTF-8 become U+FFFD, as
// JSON has no way to say them.
func appendText(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(append(dst, s[from:i]...), "\ufffd"...)
				from = i + 1
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[from:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		from = i
	}
	return append(append(dst, s[from:]...), '"')
}

// eachElement walks over a document's or array's elements until f says stop.
// It says whether the document was sound.
func eachElement(document []byte, f func(key []byte, v bsoncore.Value) bool) bool {
	length, rest, ok := bsoncore.ReadLength(document)
	if !ok || int(length) > len(document) || length < 5 {
		return false
	}
	rest = rest[:length-5]
	for len(rest) > 0 {
		element, next, ok := bsoncore.ReadElement(rest)
		if !ok {
			return false
		}
		key, err := element.KeyBytesErr()
		if err != nil {
			return false
		}
		v, err := element.ValueErr()
		if err != nil {
			return false
		}
		if !f(key, v) {
			return true
		}
		rest = next
	}
	return true
}
