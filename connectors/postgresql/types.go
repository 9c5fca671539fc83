package postgresql

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// sourceType is what the catalog says about a column's type, domains resolved.
type sourceType struct {
	written    string // as the source writes it: "numeric(12,2)", "public.email"
	base       string // name of the base type: "numeric"
	namespace  string // of the base type: "pg_catalog"
	kind       string // pg_type.typtype: b, c, d, e, m, p, r
	element    string // base type of an array's items, "" when it is no array
	elementNS  string
	typmod     int32
	dimensions int // as declared
}

// form is how a column is asked for and taken in. It is decided once per
// column, from the catalog.
type form struct {
	arrow arrow.DataType
	make  func(checked bool) column // checked: the database promises UTF-8
	cast  string                    // appended to the column in the select list: "::text"
	lossy string                    // what the conversion loses, for people

	// text turns the wire form into a literal that the source reads back as
	// the same value, for positions. nil: the column cannot be part of a key.
	text func(raw []byte) (string, bool)
	// native says that the source's own order of the values is the order of
	// the Arrow values, so that an index of the source can be used where the
	// warehouse compares, too. Otherwise both order by the text's bytes.
	native bool
	// foreign marks types whose operators need not be on the search path:
	// they are compared as text.
	foreign bool
}

const (
	lossInfinity = "infinity and -infinity become NULL"
	lossLate     = "infinity, -infinity and dates after the year 294246 become NULL"
	lossInterval = "intervals with a time part above 292 years and infinite ones become NULL"
	lossNaN      = "NaN becomes NULL"
	lossArray    = "lower bounds are dropped; values of more than one dimension become NULL"
	lossMoney    = "digits below a hundredth are rounded"
)

// castText asks the source for its own text form, which is exact for every type.
func castText() form {
	return form{arrow: arrow.BinaryTypes.String, make: makeText, cast: "::text", text: plainText}
}

func makeText(checked bool) column {
	if checked {
		return textColumn()
	}
	return uncheckedTextColumn()
}

func always(make func() column) func(bool) column { return func(bool) column { return make() } }

// formOf chooses the form for a type. What is not listed travels as text.
func formOf(t sourceType) form {
	if t.element != "" {
		return arrayForm(t)
	}
	if t.namespace != "pg_catalog" {
		f := castText()
		f.foreign = t.kind != "e" // enums are compared by operators of pg_catalog
		return f
	}
	return scalarForm(t.base, t.typmod)
}

func scalarForm(base string, typmod int32) form {
	switch base {
	case "bool":
		return form{arrow: arrow.FixedWidthTypes.Boolean, make: always(boolColumn), text: boolText, native: true}
	case "int2":
		return form{arrow: arrow.PrimitiveTypes.Int16, make: always(int16Column), text: intText, native: true}
	case "int4":
		return form{arrow: arrow.PrimitiveTypes.Int32, make: always(int32Column), text: intText, native: true}
	case "int8":
		return form{arrow: arrow.PrimitiveTypes.Int64, make: always(int64Column), text: intText, native: true}
	case "oid":
		return form{arrow: arrow.PrimitiveTypes.Uint32, make: always(oidColumn), text: oidText, native: true}
	case "regproc", "regprocedure", "regoper", "regoperator", "regclass", "regtype", "regrole", "regnamespace", "regconfig", "regdictionary", "regcollation":
		// Their text depends on the search path, their number does not.
		return form{arrow: arrow.PrimitiveTypes.Uint32, make: always(oidColumn), cast: "::oid", text: oidText, native: true}
	case "float4":
		return form{arrow: arrow.PrimitiveTypes.Float32, make: always(float32Column), text: float4Text, native: true}
	case "float8":
		return form{arrow: arrow.PrimitiveTypes.Float64, make: always(float64Column), text: float8Text, native: true}
	case "numeric":
		return numericForm(typmod)
	case "money":
		return form{arrow: &arrow.Decimal128Type{Precision: 19, Scale: 2}, make: always(func() column { return decimalColumn(19, 2) }), cast: "::numeric(19,2)", lossy: lossMoney}
	case "text", "varchar", "name":
		return form{arrow: arrow.BinaryTypes.String, make: makeText, text: plainText}
	case "json":
		return form{arrow: arrow.BinaryTypes.String, make: makeText}
	case "jsonb":
		return form{arrow: arrow.BinaryTypes.String, make: always(jsonbColumn)}
	case "bytea":
		return form{arrow: arrow.BinaryTypes.Binary, make: always(binaryColumn), text: byteaText, native: true}
	case "uuid":
		return form{arrow: arrow.BinaryTypes.String, make: always(uuidColumn), text: uuidText, native: true}
	case "date":
		return form{arrow: arrow.FixedWidthTypes.Date32, make: always(dateColumn), text: dateText, native: true, lossy: lossInfinity}
	case "timestamp":
		return momentForm(&arrow.TimestampType{Unit: arrow.Microsecond}, "")
	case "timestamptz":
		return momentForm(&arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, "+00")
	case "time":
		return form{arrow: arrow.FixedWidthTypes.Time64us, make: always(timeColumn), text: timeText, native: true}
	case "interval":
		return form{arrow: arrow.FixedWidthTypes.MonthDayNanoInterval, make: always(intervalColumn), lossy: lossInterval}
	default:
		return castText()
	}
}

func momentForm(kind arrow.DataType, zone string) form {
	return form{arrow: kind, make: always(func() column { return momentColumn(kind) }), text: momentText(zone), native: true, lossy: lossLate}
}

// numericForm reads numeric(p,s) as a decimal where one can hold it. Since
// PostgreSQL 15 a scale may be negative or above the precision.
func numericForm(typmod int32) form {
	precision, scale, ok := numericModifier(typmod)
	if !ok || precision > 38 || scale < 0 || scale > precision {
		return castText() // up to 131072 digits, NaN and infinity: text is exact
	}
	return form{arrow: &arrow.Decimal128Type{Precision: precision, Scale: scale}, make: always(func() column { return decimalColumn(precision, scale) }),
		text: numericText, native: true, lossy: lossNaN}
}

func numericModifier(typmod int32) (precision, scale int32, ok bool) {
	if typmod < 4 {
		return 0, 0, false
	}
	m := typmod - 4
	return m >> 16 & 0xffff, (m&0x7ff ^ 1024) - 1024, true
}

// arrayForm gives a list of the items' own form where that needs no cast, a
// list of text for other items, and text for what is declared with more than
// one dimension.
func arrayForm(t sourceType) form {
	if t.dimensions > 1 || t.base == "int2vector" || t.base == "oidvector" {
		return form{arrow: arrow.BinaryTypes.String, make: makeText, cast: "::text"}
	}
	item, cast := form{arrow: arrow.BinaryTypes.String, make: makeText, cast: "::text"}, ""
	if t.elementNS == "pg_catalog" {
		item = scalarForm(t.element, t.typmod)
	}
	if item.cast != "" || t.element == "json" || t.element == "jsonb" {
		item, cast = form{arrow: arrow.BinaryTypes.String, make: makeText}, "::text[]"
	}
	lossy := lossArray
	if item.lossy != "" {
		lossy += "; inside, " + item.lossy
	}
	return form{arrow: arrow.ListOf(item.arrow), cast: cast, lossy: lossy,
		make: func(checked bool) column { return listColumn(item.arrow, item.make(checked)) }}
}

// The functions below turn wire forms into text that the source reads back.

func plainText(raw []byte) (string, bool) { return string(raw), true }

func boolText(raw []byte) (string, bool) {
	if len(raw) != 1 {
		return "", false
	}
	return strconv.FormatBool(raw[0] != 0), true
}

func intText(raw []byte) (string, bool) {
	switch len(raw) {
	case 2:
		return strconv.FormatInt(int64(int16(binary.BigEndian.Uint16(raw))), 10), true
	case 4:
		return strconv.FormatInt(int64(int32(binary.BigEndian.Uint32(raw))), 10), true
	case 8:
		return strconv.FormatInt(int64(binary.BigEndian.Uint64(raw)), 10), true
	default:
		return "", false
	}
}

func oidText(raw []byte) (string, bool) {
	if len(raw) != 4 {
		return "", false
	}
	return strconv.FormatUint(uint64(binary.BigEndian.Uint32(raw)), 10), true
}

func float4Text(raw []byte) (string, bool) {
	if len(raw) != 4 {
		return "", false
	}
	return floatText(float64(math.Float32frombits(binary.BigEndian.Uint32(raw))), 32), true
}

func float8Text(raw []byte) (string, bool) {
	if len(raw) != 8 {
		return "", false
	}
	return floatText(math.Float64frombits(binary.BigEndian.Uint64(raw)), 64), true
}

func floatText(f float64, bits int) string {
	switch {
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	default:
		return strconv.FormatFloat(f, 'g', -1, bits)
	}
}

func byteaText(raw []byte) (string, bool) { return `\x` + hex.EncodeToString(raw), true }

func uuidText(raw []byte) (string, bool) {
	if len(raw) != 16 {
		return "", false
	}
	return string(appendUUID(nil, raw)), true
}

func dateText(raw []byte) (string, bool) {
	if len(raw) != 4 {
		return "", false
	}
	switch d := int32(binary.BigEndian.Uint32(raw)); d {
	case math.MaxInt32:
		return "infinity", true
	case math.MinInt32:
		return "-infinity", true
	default:
		return calendar(int64(d)), true
	}
}

func momentText(zone string) func([]byte) (string, bool) {
	return func(raw []byte) (string, bool) {
		if len(raw) != 8 {
			return "", false
		}
		switch us := int64(binary.BigEndian.Uint64(raw)); us {
		case math.MaxInt64:
			return "infinity", true
		case math.MinInt64:
			return "-infinity", true
		default:
			return momentOf(us, zone), true
		}
	}
}

// momentOf writes microseconds since 2000-01-01.
func momentOf(us int64, zone string) string {
	const day = 86_400_000_000
	days, rest := us/day, us%day
	if rest < 0 {
		days, rest = days-1, rest+day
	}
	date, era, _ := strings.Cut(calendar(days), " ")
	text := date + " " + clock(rest) + zone
	if era != "" {
		text += " " + era
	}
	return text
}

func timeText(raw []byte) (string, bool) {
	if len(raw) != 8 {
		return "", false
	}
	us := int64(binary.BigEndian.Uint64(raw))
	return clock(us), us >= 0
}

func clock(us int64) string {
	two := func(n int64) string { return string([]byte{byte('0' + n/10%10), byte('0' + n%10)}) }
	s := us / 1_000_000
	text := two(s/3600) + ":" + two(s/60%60) + ":" + two(s%60)
	if us %= 1_000_000; us != 0 {
		text += "." + strconv.FormatInt(1_000_000+us, 10)[1:]
	}
	return text
}

// calendar writes days since 2000-01-01 as ISO date, years before 1 with BC.
// time.Time is of no help: its years end long before PostgreSQL's.
func calendar(days int64) string {
	// Count from 0000-03-01, so that a leap day is the last of its year.
	z := days + 730425
	era := z / 146097
	if z < 0 {
		era = (z - 146096) / 146097
	}
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	year := yoe + era*400
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day := doy - (153*mp+2)/5 + 1
	month := mp + 3
	if month > 12 {
		month, year = month-12, year+1
	}
	suffix := ""
	if year <= 0 {
		year, suffix = 1-year, " BC"
	}
	return pad(year, 4) + "-" + pad(month, 2) + "-" + pad(day, 2) + suffix
}

func pad(n int64, width int) string {
	s := strconv.FormatInt(n, 10)
	if len(s) < width {
		s = strings.Repeat("0", width-len(s)) + s
	}
	return s
}
