package mongodb

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// kind is what a column holds. Each value of a document either fits its
// column's kind exactly, or goes into the column of the rest.
type kind uint8

const (
	nothing  kind = iota // missing, null, undefined
	wholes               // int32, int64, and doubles without a fraction
	doubles              // doubles, and whole numbers that a double holds exactly
	decimals             // any number, as text
	dates
	texts // strings, symbols, code
	objectIDs
	uuids
	bytesOf // binary data of other subtypes
	truths
	anything // JSON
	nested   // a document whose fields are columns; only while a schema is made
)

// form is how a kind arrives.
type form struct {
	arrow  arrow.DataType
	source string // as the source writes it
	lossy  string
}

func (k kind) form() form {
	switch k {
	case wholes:
		return form{arrow: arrow.PrimitiveTypes.Int64, source: "long"}
	case doubles:
		return form{arrow: arrow.PrimitiveTypes.Float64, source: "double"}
	case decimals:
		return form{arrow: arrow.BinaryTypes.String, source: "decimal"}
	case dates:
		return form{arrow: &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}, source: "date", lossy: "dates before the year 1 and after 9999 become NULL"}
	case texts:
		return form{arrow: arrow.BinaryTypes.String, source: "string", lossy: "bytes that are not UTF-8 become a replacement character"}
	case objectIDs:
		return form{arrow: arrow.BinaryTypes.String, source: "objectId"}
	case uuids:
		return form{arrow: arrow.BinaryTypes.String, source: "uuid"}
	case bytesOf:
		return form{arrow: arrow.BinaryTypes.Binary, source: "binData", lossy: "the subtype"}
	case truths:
		return form{arrow: arrow.FixedWidthTypes.Boolean, source: "bool"}
	}
	return form{arrow: arrow.BinaryTypes.String, source: "json"}
}

// kindNamed is the kind of a column, by the source type that it was given.
func kindNamed(source string) kind {
	for k := wholes; k < anything; k++ {
		if k.form().source == source {
			return k
		}
	}
	return anything
}

// kindOf is the narrowest kind for a value.
func kindOf(v bsoncore.Value) kind {
	switch v.Type {
	case bsoncore.TypeNull, bsoncore.TypeUndefined:
		return nothing
	case bsoncore.TypeInt32, bsoncore.TypeInt64:
		return wholes
	case bsoncore.TypeDouble:
		return doubles
	case bsoncore.TypeDecimal128:
		return decimals
	case bsoncore.TypeDateTime:
		return dates
	case bsoncore.TypeString, bsoncore.TypeSymbol, bsoncore.TypeJavaScript:
		return texts
	case bsoncore.TypeObjectID:
		return objectIDs
	case bsoncore.TypeBinary:
		if subtype, data, ok := v.BinaryOK(); ok && subtype == bson.TypeBinaryUUID && len(data) == 16 {
			return uuids
		}
		return bytesOf
	case bsoncore.TypeBoolean:
		return truths
	case bsoncore.TypeEmbeddedDocument:
		return nested
	}
	return anything
}

// merge is the narrowest kind that holds both without losing a value.
func merge(a, b kind) kind {
	switch {
	case a == b || b == nothing:
		return a
	case a == nothing:
		return b
	case isNumber(a) && isNumber(b):
		return max(a, b)
	}
	return anything
}

func isNumber(k kind) bool { return k == wholes || k == doubles || k == decimals }

// exact is 2^53: beyond it not every whole number is a double.
const exact = 1 << 53

// wholeOf is a number as a whole one, if that is what it is.
func wholeOf(v bsoncore.Value) (int64, bool) {
	switch v.Type {
	case bsoncore.TypeInt32:
		n, ok := v.Int32OK()
		return int64(n), ok
	case bsoncore.TypeInt64:
		return v.Int64OK()
	case bsoncore.TypeDouble:
		f, ok := v.DoubleOK()
		if !ok || f != math.Trunc(f) || math.Abs(f) > exact || f == 0 && math.Signbit(f) {
			return 0, false
		}
		return int64(f), true
	}
	return 0, false
}

// doubleOf is a number as a double, if that holds it exactly.
func doubleOf(v bsoncore.Value) (float64, bool) {
	if v.Type == bsoncore.TypeDouble {
		return v.DoubleOK()
	}
	n, ok := wholeOf(v)
	return float64(n), ok && n <= exact && n >= -exact
}
