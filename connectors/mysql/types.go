package mysql

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// sourceType is what the catalog says about a column's type.
type sourceType struct {
	written   string // as the source writes it: "decimal(12,2) unsigned"
	base      string // information_schema's DATA_TYPE: "decimal"
	charset   string
	collation string
	precision int
	scale     int
}

// form is how a column is asked for and taken in. It is decided once per
// column, from the catalog.
type form struct {
	arrow arrow.DataType
	make  func() column
	lossy string // what the conversion loses, for people

	// wrap is the expression that is selected instead of the column; nil: it.
	wrap func(name string) string

	// key is how values are written in positions and compared; the zero keys
	// means that the column cannot be part of a key: because the source's order
	// is none (SET, JSON), or because a warehouse has no type that orders the
	// values so (TIME beyond a day, more than 38 digits).
	key keys
}

// keys is what a column needs to be part of a key.
type keys struct {
	text    func(raw []byte) (string, bool)   // of the wire form, canonical: for positions
	wire    func(text string) ([]byte, error) // the inverse
	literal func(text string) string          // in SQL
	// own says that the source's own order of the values is the order of the
	// Arrow values, so that an index of the source can be used where the
	// warehouse compares, too.
	own bool
	// byText says that the source cannot compare the values in the order in
	// which it sorts them (ENUM): they are always compared as text.
	byText bool
}

const (
	lossZeroDate = "0000-00-00 and other dates that no calendar has become NULL"
	lossYear     = "the year 0000 becomes NULL"
	lossEnum     = "a value that the column once refused arrives as an empty text, as the server stores it"
)

// formOf chooses the form for a type. What is not listed travels as text.
func formOf(t sourceType) form {
	unsigned := strings.Contains(t.written, "unsigned")
	switch t.base {
	case "tinyint":
		return intForm(8, unsigned)
	case "smallint":
		return intForm(16, unsigned)
	case "mediumint", "int", "integer":
		return intForm(32, unsigned)
	case "bigint":
		return intForm(64, unsigned)
	case "decimal", "numeric":
		return decimalForm(t.precision, t.scale)
	case "float":
		// As text, the server rounds a FLOAT to six digits; as a DOUBLE it does not.
		return form{arrow: arrow.PrimitiveTypes.Float32, make: floatColumn, wrap: func(name string) string { return "(" + name + " * 1e0)" }}
	case "double", "real":
		return form{arrow: arrow.PrimitiveTypes.Float64, make: doubleColumn}
	case "bit":
		return bitForm(t.precision)
	case "year":
		return form{arrow: arrow.PrimitiveTypes.Int16, make: yearColumn, lossy: lossYear, key: numberKeys()}
	case "date":
		return form{arrow: arrow.FixedWidthTypes.Date32, make: dateColumn, lossy: lossZeroDate, key: momentKeys()}
	case "datetime":
		return form{arrow: plainMoment(), make: momentColumn(plainMoment()), lossy: lossZeroDate, key: momentKeys()}
	case "timestamp":
		return form{arrow: utcMoment(), make: momentColumn(utcMoment()), lossy: lossZeroDate, key: momentKeys()}
	case "time":
		return form{arrow: arrow.FixedWidthTypes.Duration_us, make: durationColumn}
	case "enum":
		k := textKeys(t)
		k.byText, k.own = true, false
		return form{arrow: arrow.BinaryTypes.String, make: textColumn, lossy: lossEnum, key: k}
	case "set":
		return form{arrow: arrow.ListOf(arrow.BinaryTypes.String), make: setColumn}
	case "json":
		return form{arrow: arrow.BinaryTypes.String, make: textColumn}
	case "binary", "varbinary":
		return form{arrow: arrow.BinaryTypes.Binary, make: binaryColumn, key: binaryKeys()}
	case "tinyblob", "blob", "mediumblob", "longblob":
		return form{arrow: arrow.BinaryTypes.Binary, make: binaryColumn}
	case "char", "varchar":
		return form{arrow: arrow.BinaryTypes.String, make: textColumn, key: textKeys(t)}
	case "tinytext", "text", "mediumtext", "longtext":
		return form{arrow: arrow.BinaryTypes.String, make: textColumn}
	case "uuid", "inet4", "inet6":
		return form{arrow: arrow.BinaryTypes.String, make: textColumn, key: castKeys()}
	}
	if isSpatial(t.base) {
		return form{arrow: arrow.BinaryTypes.Binary, make: geometryColumn}
	}
	return form{arrow: arrow.BinaryTypes.String, make: textColumn, wrap: func(name string) string { return "CAST(" + name + " AS CHAR)" }}
}

func isSpatial(base string) bool {
	switch base {
	case "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geomcollection", "geometrycollection":
		return true
	}
	return false
}

func intForm(bits int, unsigned bool) form {
	f := form{key: numberKeys()}
	switch {
	case bits == 8 && unsigned:
		f.arrow, f.make = arrow.PrimitiveTypes.Uint8, unsignedColumn[uint8](arrow.PrimitiveTypes.Uint8, 8)
	case bits == 8:
		f.arrow, f.make = arrow.PrimitiveTypes.Int8, signedColumn[int8](arrow.PrimitiveTypes.Int8, 8)
	case bits == 16 && unsigned:
		f.arrow, f.make = arrow.PrimitiveTypes.Uint16, unsignedColumn[uint16](arrow.PrimitiveTypes.Uint16, 16)
	case bits == 16:
		f.arrow, f.make = arrow.PrimitiveTypes.Int16, signedColumn[int16](arrow.PrimitiveTypes.Int16, 16)
	case bits == 32 && unsigned:
		f.arrow, f.make = arrow.PrimitiveTypes.Uint32, unsignedColumn[uint32](arrow.PrimitiveTypes.Uint32, 32)
	case bits == 32:
		f.arrow, f.make = arrow.PrimitiveTypes.Int32, signedColumn[int32](arrow.PrimitiveTypes.Int32, 32)
	case unsigned:
		f.arrow, f.make = arrow.PrimitiveTypes.Uint64, unsignedColumn[uint64](arrow.PrimitiveTypes.Uint64, 64)
	default:
		f.arrow, f.make = arrow.PrimitiveTypes.Int64, signedColumn[int64](arrow.PrimitiveTypes.Int64, 64)
	}
	return f
}

func decimalForm(precision, scale int) form {
	if precision > 38 {
		kind := &arrow.Decimal256Type{Precision: int32(precision), Scale: int32(scale)}
		return form{arrow: kind, make: func() column { return newDecimals256(kind) }}
	}
	kind := &arrow.Decimal128Type{Precision: int32(precision), Scale: int32(scale)}
	return form{arrow: kind, make: func() column { return newDecimals(kind) }, key: decimalKeys()}
}

func bitForm(width int) form {
	if width == 1 {
		return form{arrow: arrow.FixedWidthTypes.Boolean, make: bitColumn, key: bitKeys()}
	}
	return form{arrow: arrow.PrimitiveTypes.Uint64, make: bitsColumn, key: bitKeys()}
}

func plainMoment() *arrow.TimestampType { return &arrow.TimestampType{Unit: arrow.Microsecond} }

func utcMoment() *arrow.TimestampType {
	return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
}
