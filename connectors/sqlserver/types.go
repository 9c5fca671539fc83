package sqlserver

import (
	"database/sql/driver"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// sourceType is what the catalog says about a column's type, aliases resolved.
type sourceType struct {
	base      string // "nvarchar"
	length    int64  // in bytes; -1: max
	precision int64
	scale     int64
	collation string
}

// form is how a column is asked for and taken in. It is decided once per
// column, from the catalog.
type form struct {
	arrow arrow.DataType
	add   func(array.Builder, driver.Value) bool // false: the value has no form in Arrow
	ask   string                                 // the select expression, with $ for the column; "": the column itself
	hash  string                                 // its exact text at the source, with $ for the column
	lossy string                                 // what the conversion loses, for people

	// text turns a value into text that the source reads back as the same
	// value, for positions. nil: the column cannot be part of a key.
	text func(driver.Value) (string, bool)
	cast string // type and style for CONVERT, with $ for the text
	// plain orders as the warehouse does, where the source's own order of the
	// type is another. nil: it is the same.
	plain func(expr string, utf8 bool) string
}

func (f form) selected(column string) string {
	if f.ask == "" {
		return column
	}
	return strings.ReplaceAll(f.ask, "$", column)
}

func (f form) exact(column string) string {
	if f.hash == "" {
		return "CONVERT(nvarchar(max), " + column + ")"
	}
	return strings.ReplaceAll(f.hash, "$", column)
}

const lossFar = "moments before 1677-09-21 and after 2262-04-11 become NULL"

// formOf chooses the form for a type. What is not listed travels as text.
func formOf(t sourceType) form {
	switch t.base {
	case "bit":
		return form{arrow: arrow.FixedWidthTypes.Boolean, add: addBool, text: boolText, cast: "CONVERT(bit, $)"}
	case "tinyint":
		return form{arrow: arrow.PrimitiveTypes.Uint8, add: addInt(func(b *array.Uint8Builder, n int64) { b.Append(uint8(n)) }), text: intText, cast: "CONVERT(tinyint, $)"}
	case "smallint":
		return form{arrow: arrow.PrimitiveTypes.Int16, add: addInt(func(b *array.Int16Builder, n int64) { b.Append(int16(n)) }), text: intText, cast: "CONVERT(smallint, $)"}
	case "int":
		return form{arrow: arrow.PrimitiveTypes.Int32, add: addInt(func(b *array.Int32Builder, n int64) { b.Append(int32(n)) }), text: intText, cast: "CONVERT(int, $)"}
	case "bigint":
		return form{arrow: arrow.PrimitiveTypes.Int64, add: addInt(func(b *array.Int64Builder, n int64) { b.Append(n) }), text: intText, cast: "CONVERT(bigint, $)"}
	case "decimal", "numeric":
		return decimalForm(int32(t.precision), int32(t.scale), fmt.Sprintf("CONVERT(decimal(%d,%d), $)", t.precision, t.scale), "")
	case "money":
		return decimalForm(19, 4, "CONVERT(money, $)", "CONVERT(nvarchar(max), $, 2)")
	case "smallmoney":
		return decimalForm(10, 4, "CONVERT(smallmoney, $)", "CONVERT(nvarchar(max), $, 2)")
	case "float":
		return form{arrow: arrow.PrimitiveTypes.Float64, add: addFloat64, text: floatText(64), cast: "CONVERT(float, $)", hash: "CONVERT(nvarchar(max), $, 3)"}
	case "real":
		return form{arrow: arrow.PrimitiveTypes.Float32, add: addFloat32, text: floatText(32), cast: "CONVERT(real, $)", hash: "CONVERT(nvarchar(max), $, 3)"}
	case "date", "datetime", "smalldatetime", "datetime2", "datetimeoffset", "time":
		return momentForm(t)
	case "uniqueidentifier":
		return form{arrow: arrow.BinaryTypes.String, add: addGUID, text: guidText, cast: "CONVERT(uniqueidentifier, $)",
			plain: func(x string, _ bool) string { return "CONVERT(char(36), " + x + ") COLLATE Latin1_General_BIN2" }}
	case "char", "varchar", "nchar", "nvarchar", "text", "ntext", "sysname":
		return textForm(t)
	case "binary", "varbinary", "image":
		return binaryForm(t)
	case "timestamp", "rowversion":
		return form{arrow: arrow.PrimitiveTypes.Uint64, add: addRowversion, text: bytesText, cast: "CONVERT(binary(8), $, 1)",
			ask: "CONVERT(binary(8), $)", hash: "CONVERT(nvarchar(max), CONVERT(binary(8), $), 2)"}
	case "xml":
		return form{arrow: arrow.BinaryTypes.String, add: addText}
	case "sql_variant":
		return form{arrow: arrow.BinaryTypes.String, add: addText, ask: variantText, hash: variantText}
	case "hierarchyid":
		return form{arrow: arrow.BinaryTypes.String, add: addText, ask: "$.ToString()", hash: "$.ToString()", text: plainText, cast: "CONVERT(hierarchyid, $)",
			plain: func(x string, _ bool) string { return "CONVERT(nvarchar(4000), " + x + ") COLLATE Latin1_General_BIN2" }}
	case "geography", "geometry":
		return form{arrow: arrow.BinaryTypes.String, add: addText, ask: "$.ToString()", hash: "$.ToString()", lossy: "the reference system (SRID) is left out of the text"}
	default: // a type of the database's own, made in .NET; or one of a later version
		return form{arrow: arrow.BinaryTypes.Binary, add: addBytes, ask: "CONVERT(varbinary(max), $)", hash: "CONVERT(nvarchar(max), CONVERT(varbinary(max), $), 2)",
			lossy: "the type's own bytes, as it serializes itself"}
	}
}

// variantText writes each base type without loss: dates as ISO, numbers with
// all digits, bytes in hexadecimal.
const variantText = "CASE CONVERT(nvarchar(128), SQL_VARIANT_PROPERTY($, 'BaseType')) WHEN N'float' THEN CONVERT(nvarchar(4000), CONVERT(float, $), 3) " +
	"WHEN N'real' THEN CONVERT(nvarchar(4000), CONVERT(real, $), 3) WHEN N'money' THEN CONVERT(nvarchar(4000), CONVERT(money, $), 2) " +
	"WHEN N'datetime' THEN CONVERT(nvarchar(4000), CONVERT(datetime2(3), $), 121) WHEN N'smalldatetime' THEN CONVERT(nvarchar(4000), CONVERT(datetime2(0), $), 121) " +
	"WHEN N'binary' THEN CONVERT(nvarchar(4000), CONVERT(varbinary(8000), $), 1) WHEN N'varbinary' THEN CONVERT(nvarchar(4000), CONVERT(varbinary(8000), $), 1) " +
	"ELSE CONVERT(nvarchar(4000), $) END"

func decimalForm(precision, scale int32, cast, hash string) form {
	return form{arrow: &arrow.Decimal128Type{Precision: precision, Scale: scale}, text: decimalText, cast: cast, hash: hash,
		add: func(b array.Builder, v driver.Value) bool {
			raw, _ := v.([]byte)
			n, ok := parseDecimal(raw, scale)
			if ok {
				b.(*array.Decimal128Builder).Append(n)
			}
			return ok
		}}
}

// textForm keeps a varchar a varchar in comparisons: an nvarchar beside it
// would keep the server from using the index. Its code page is that of the
// column's collation.
func textForm(t sourceType) form {
	f := form{arrow: arrow.BinaryTypes.String, add: addText}
	if t.length == -1 || t.base == "text" || t.base == "ntext" {
		return f // too large for a key
	}
	kind := "nvarchar(4000)"
	if t.base == "char" || t.base == "varchar" {
		kind = "varchar(8000)"
	}
	f.text, f.cast = plainText, "CONVERT("+kind+", $)"
	if collation := plainName(t.collation); collation != "" {
		f.cast = "CONVERT(" + kind + ", $ COLLATE " + collation + ")"
	}
	f.plain = func(x string, utf8 bool) string {
		if utf8 {
			return "CONVERT(varbinary(8000), CONVERT(varchar(8000), " + x + " COLLATE Latin1_General_100_BIN2_UTF8))"
		}
		return "CONVERT(nvarchar(4000), " + x + ") COLLATE Latin1_General_BIN2"
	}
	return f
}

// plainName lets the name of a collation through, which is never quoted.
func plainName(s string) string {
	if strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		return ""
	}
	return s
}

func binaryForm(t sourceType) form {
	f := form{arrow: arrow.BinaryTypes.Binary, add: addBytes, hash: "CONVERT(nvarchar(max), CONVERT(varbinary(max), $), 2)"}
	if t.base != "image" && t.length != -1 {
		f.text, f.cast = bytesText, "CONVERT(varbinary(8000), $, 1)"
	}
	return f
}

func momentForm(t sourceType) form {
	f := form{hash: "CONVERT(nvarchar(max), $, 121)"}
	unit := arrow.Microsecond
	if t.scale > 6 {
		unit, f.lossy = arrow.Nanosecond, lossFar
	}
	switch t.base {
	case "date":
		f.arrow, f.add, f.text, f.cast, f.lossy = arrow.FixedWidthTypes.Date32, addDate, momentText("2006-01-02"), "CONVERT(date, $, 23)", ""
		return f
	case "time":
		f.arrow, f.add, f.text, f.lossy = arrow.FixedWidthTypes.Time64us, addTime(time.Microsecond), momentText("15:04:05.0000000"), ""
		if t.scale > 6 {
			f.arrow, f.add = arrow.FixedWidthTypes.Time64ns, addTime(time.Nanosecond)
		}
		f.cast = fmt.Sprintf("CONVERT(time(%d), $)", t.scale)
		return f
	case "datetime", "smalldatetime":
		unit, f.lossy = arrow.Microsecond, ""
		f.text, f.cast = momentText("2006-01-02T15:04:05.000"), "CONVERT("+t.base+", $, 126)"
	case "datetime2":
		f.text, f.cast = momentText("2006-01-02T15:04:05.0000000"), fmt.Sprintf("CONVERT(datetime2(%d), $, 126)", t.scale)
	case "datetimeoffset":
		f.text, f.cast = momentText("2006-01-02T15:04:05.0000000+00:00"), fmt.Sprintf("CONVERT(datetimeoffset(%d), $)", t.scale)
	}
	kind := &arrow.TimestampType{Unit: unit}
	if t.base == "datetimeoffset" {
		kind.TimeZone = "UTC"
	}
	f.arrow, f.add = kind, addMoment(unit)
	return f
}

// The functions below put the driver's values into Arrow's builders.

func addBool(b array.Builder, v driver.Value) bool {
	yes, ok := v.(bool)
	if ok {
		b.(*array.BooleanBuilder).Append(yes)
	}
	return ok
}

func addInt[B array.Builder](put func(B, int64)) func(array.Builder, driver.Value) bool {
	return func(b array.Builder, v driver.Value) bool {
		n, ok := v.(int64)
		if ok {
			put(b.(B), n)
		}
		return ok
	}
}

func addFloat64(b array.Builder, v driver.Value) bool {
	f, ok := v.(float64)
	if ok {
		b.(*array.Float64Builder).Append(f)
	}
	return ok
}

// addFloat32 takes back what the driver widened.
func addFloat32(b array.Builder, v driver.Value) bool {
	f, ok := v.(float64)
	if ok {
		b.(*array.Float32Builder).Append(float32(f))
	}
	return ok
}

func addText(b array.Builder, v driver.Value) bool {
	switch v := v.(type) {
	case string:
		b.(*array.StringBuilder).Append(valid(v))
	case []byte:
		b.(*array.StringBuilder).Append(valid(string(v)))
	default:
		return false
	}
	return true
}

// valid replaces halves of surrogate pairs, which SQL Server stores happily.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\ufffd")
}

func addBytes(b array.Builder, v driver.Value) bool {
	raw, ok := v.([]byte)
	if ok {
		b.(*array.BinaryBuilder).Append(raw)
	}
	return ok
}

func addRowversion(b array.Builder, v driver.Value) bool {
	raw, ok := v.([]byte)
	if !ok || len(raw) != 8 {
		return false
	}
	b.(*array.Uint64Builder).Append(binary.BigEndian.Uint64(raw))
	return true
}

func addGUID(b array.Builder, v driver.Value) bool {
	text, ok := guidText(v)
	if ok {
		b.(*array.StringBuilder).Append(text)
	}
	return ok
}

func addDate(b array.Builder, v driver.Value) bool {
	t, ok := v.(time.Time)
	if ok {
		b.(*array.Date32Builder).Append(arrow.Date32(t.Unix() / 86400))
	}
	return ok
}

func addTime(unit time.Duration) func(array.Builder, driver.Value) bool {
	return func(b array.Builder, v driver.Value) bool {
		t, ok := v.(time.Time)
		if ok {
			of := time.Duration(t.Hour()*3600+t.Minute()*60+t.Second())*time.Second + time.Duration(t.Nanosecond())
			b.(*array.Time64Builder).Append(arrow.Time64(of / unit))
		}
		return ok
	}
}

func addMoment(unit arrow.TimeUnit) func(array.Builder, driver.Value) bool {
	return func(b array.Builder, v driver.Value) bool {
		t, ok := v.(time.Time)
		if !ok {
			return false
		}
		if unit == arrow.Microsecond {
			b.(*array.TimestampBuilder).Append(arrow.Timestamp(t.UnixMicro()))
			return true
		}
		const most = math.MaxInt64/1_000_000_000 - 1
		if s := t.Unix(); s > most || s < -most {
			return false
		}
		b.(*array.TimestampBuilder).Append(arrow.Timestamp(t.UnixNano()))
		return true
	}
}

// The functions below turn the driver's values into text that the source reads
// back.

func plainText(v driver.Value) (string, bool) {
	s, ok := v.(string)
	return s, ok && utf8.ValidString(s)
}

func boolText(v driver.Value) (string, bool) {
	yes, ok := v.(bool)
	if yes {
		return "1", ok
	}
	return "0", ok
}

func intText(v driver.Value) (string, bool) {
	n, ok := v.(int64)
	return strconv.FormatInt(n, 10), ok
}

func decimalText(v driver.Value) (string, bool) {
	b, ok := v.([]byte)
	return string(b), ok
}

func floatText(bits int) func(driver.Value) (string, bool) {
	return func(v driver.Value) (string, bool) {
		f, ok := v.(float64)
		return strconv.FormatFloat(f, 'e', -1, bits), ok
	}
}

func bytesText(v driver.Value) (string, bool) {
	b, ok := v.([]byte)
	return "0x" + hex.EncodeToString(b), ok
}

// guidText swaps the first three groups, which travel with their bytes in the
// machine's order.
func guidText(v driver.Value) (string, bool) {
	b, ok := v.([]byte)
	if !ok || len(b) != 16 {
		return "", false
	}
	g := [16]byte{b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6]}
	copy(g[8:], b[8:])
	x := hex.EncodeToString(g[:])
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:], true
}

func momentText(layout string) func(driver.Value) (string, bool) {
	return func(v driver.Value) (string, bool) {
		t, ok := v.(time.Time)
		return t.UTC().Format(layout), ok
	}
}

// The catalog's answers.

func textOf(v driver.Value) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	case nil:
		return ""
	default:
		return fmt.Sprint(v)
	}
}

func number64(v driver.Value) int64 {
	n, _ := v.(int64)
	return n
}

func yes(v driver.Value) bool { return number64(v) == 1 || v == true }
