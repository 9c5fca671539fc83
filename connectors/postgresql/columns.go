package postgresql

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// column gathers the values of one column until a record is full. The decoder
// calls add once per value with its wire form, so there is no boxing and no
// allocation per value; what the wire form means was decided when the column
// was made.
//
// Columns are filled here and not by Arrow's builders: those check capacity
// and set a validity bit for each value, which is half of the work.
type column interface {
	// add appends one value; raw is valid during the call only.
	add(raw []byte)
	addNull()
	// finish returns what was gathered and begins anew.
	finish() arrow.Array
	// lost is how many values had no Arrow form and became NULL, ever.
	lost() int64
}

// gaps remembers which values are NULL. Most values are not, so a valid one
// costs nothing; the bitmap is made once per record.
type gaps struct {
	at      []int32
	unknown int64
}

func (g *gaps) lost() int64 { return g.unknown }

func (g *gaps) mark(i int) { g.at = append(g.at, int32(i)) }

// bitmap is nil when nothing is NULL, as Arrow allows.
func (g *gaps) bitmap(n int) (bits *memory.Buffer, nulls int) {
	if len(g.at) == 0 {
		return nil, 0
	}
	b := make([]byte, bitutil.BytesForBits(int64(n)))
	for i := range b {
		b[i] = 0xff
	}
	for _, i := range g.at {
		bitutil.ClearBit(b, int(i))
	}
	nulls = len(g.at)
	g.at = g.at[:0]
	return memory.NewBufferBytes(b), nulls
}

// number is what fixed-width columns are made of.
type number interface {
	~int16 | ~int32 | ~int64 | ~uint32 | ~float32 | ~float64
}

// numbers is a column of fixed width. The conversion says false for a value
// that Arrow cannot hold, for example a timestamp of infinity.
type numbers[T number] struct {
	gaps
	kind    arrow.DataType
	width   int
	convert func(raw []byte) (T, bool)
	values  []T
}

func (c *numbers[T]) add(raw []byte) {
	v, ok := T(0), false
	if len(raw) == c.width {
		v, ok = c.convert(raw)
	}
	if !ok {
		c.unknown++
		c.mark(len(c.values))
	}
	c.values = append(c.values, v)
}

func (c *numbers[T]) addNull() {
	c.mark(len(c.values))
	c.values = append(c.values, 0)
}

func (c *numbers[T]) finish() arrow.Array {
	n := len(c.values)
	bits, nulls := c.bitmap(n)
	data := memory.NewBufferBytes(arrow.GetBytes(c.values))
	c.values = make([]T, 0, n) // the next record will be about as long
	return makeArray(c.kind, n, nulls, bits, data)
}

func makeArray(kind arrow.DataType, n, nulls int, buffers ...*memory.Buffer) arrow.Array {
	data := array.NewData(kind, n, buffers, nil, nulls, 0)
	defer data.Release()
	return array.MakeFromData(data)
}

// integers and floats: the wire form is big-endian, Arrow's is the machine's.

// wholes64 is numbers of 8 bytes without a conversion, the most common column.
type wholes64 struct {
	gaps
	kind   arrow.DataType
	values []int64
}

func (c *wholes64) add(raw []byte) {
	if len(raw) != 8 {
		c.unknown++
		c.addNull()
		return
	}
	c.values = append(c.values, int64(binary.BigEndian.Uint64(raw)))
}

func (c *wholes64) addNull() {
	c.mark(len(c.values))
	c.values = append(c.values, 0)
}

func (c *wholes64) finish() arrow.Array {
	n := len(c.values)
	bits, nulls := c.bitmap(n)
	data := memory.NewBufferBytes(arrow.GetBytes(c.values))
	c.values = make([]int64, 0, n)
	return makeArray(c.kind, n, nulls, bits, data)
}

func int16Column() column {
	return &numbers[int16]{kind: arrow.PrimitiveTypes.Int16, width: 2, convert: func(b []byte) (int16, bool) { return int16(binary.BigEndian.Uint16(b)), true }}
}

func int32Column() column {
	return &numbers[int32]{kind: arrow.PrimitiveTypes.Int32, width: 4, convert: func(b []byte) (int32, bool) { return int32(binary.BigEndian.Uint32(b)), true }}
}

func int64Column() column { return &wholes64{kind: arrow.PrimitiveTypes.Int64} }

func oidColumn() column {
	return &numbers[uint32]{kind: arrow.PrimitiveTypes.Uint32, width: 4, convert: func(b []byte) (uint32, bool) { return binary.BigEndian.Uint32(b), true }}
}

func float32Column() column {
	return &numbers[float32]{kind: arrow.PrimitiveTypes.Float32, width: 4, convert: func(b []byte) (float32, bool) {
		return math.Float32frombits(binary.BigEndian.Uint32(b)), true
	}}
}

func float64Column() column {
	return &numbers[float64]{kind: arrow.PrimitiveTypes.Float64, width: 8, convert: func(b []byte) (float64, bool) {
		return math.Float64frombits(binary.BigEndian.Uint64(b)), true
	}}
}

// PostgreSQL counts days and microseconds from 2000-01-01, Arrow from 1970.
const (
	daysTo2000   = 10957
	microsTo2000 = daysTo2000 * 86_400_000_000
)

func dateColumn() column {
	return &numbers[int32]{kind: arrow.FixedWidthTypes.Date32, width: 4, convert: func(b []byte) (int32, bool) {
		d := int32(binary.BigEndian.Uint32(b))
		if d == math.MaxInt32 || d == math.MinInt32 { // infinity, -infinity
			return 0, false
		}
		return d + daysTo2000, true
	}}
}

// momentColumn is timestamp or timestamptz.
func momentColumn(kind arrow.DataType) column {
	return &numbers[int64]{kind: kind, width: 8, convert: func(b []byte) (int64, bool) {
		us := int64(binary.BigEndian.Uint64(b))
		if us > math.MaxInt64-microsTo2000 || us == math.MinInt64 { // infinity, or after the year 294246
			return 0, false
		}
		return us + microsTo2000, true
	}}
}

func timeColumn() column { return &wholes64{kind: arrow.FixedWidthTypes.Time64us} }

// bools is a column of bits.
type bools struct {
	gaps
	values []byte
}

func boolColumn() column { return &bools{} }

func (c *bools) add(raw []byte) {
	if len(raw) != 1 {
		c.unknown++
		c.addNull()
		return
	}
	c.values = append(c.values, raw[0])
}

func (c *bools) addNull() {
	c.mark(len(c.values))
	c.values = append(c.values, 0)
}

func (c *bools) finish() arrow.Array {
	n := len(c.values)
	bits, nulls := c.bitmap(n)
	packed := make([]byte, bitutil.BytesForBits(int64(n)))
	for i, v := range c.values {
		if v != 0 {
			bitutil.SetBit(packed, i)
		}
	}
	c.values = c.values[:0]
	return makeArray(arrow.FixedWidthTypes.Boolean, n, nulls, bits, memory.NewBufferBytes(packed))
}

// texts is a column of strings or bytes.
type texts struct {
	gaps
	kind    arrow.DataType
	offsets []int32
	data    []byte
}

func newTexts(kind arrow.DataType) texts { return texts{kind: kind, offsets: make([]int32, 1, 64)} }

func textColumn() column {
	c := newTexts(arrow.BinaryTypes.String)
	return &c
}

func binaryColumn() column {
	c := newTexts(arrow.BinaryTypes.Binary)
	return &c
}

func (c *texts) add(raw []byte) {
	c.data = append(c.data, raw...)
	c.offsets = append(c.offsets, int32(len(c.data)))
}

func (c *texts) addNull() {
	c.mark(len(c.offsets) - 1)
	c.offsets = append(c.offsets, int32(len(c.data)))
}

func (c *texts) finish() arrow.Array {
	n, size := len(c.offsets)-1, len(c.data)
	bits, nulls := c.bitmap(n)
	a := makeArray(c.kind, n, nulls, bits, memory.NewBufferBytes(arrow.GetBytes(c.offsets)), memory.NewBufferBytes(c.data))
	c.offsets = make([]int32, 1, n+1)
	c.data = make([]byte, 0, size+size/16)
	return a
}

// uncheckedTexts holds text of a database that promises no encoding
// (SQL_ASCII): what is not UTF-8 gets replacement characters and is counted.
type uncheckedTexts struct{ texts }

func uncheckedTextColumn() column { return &uncheckedTexts{newTexts(arrow.BinaryTypes.String)} }

func (c *uncheckedTexts) add(raw []byte) {
	if !utf8.Valid(raw) {
		c.unknown++
		raw = []byte(strings.ToValidUTF8(string(raw), "\ufffd"))
	}
	c.texts.add(raw)
}

// jsonbs is jsonb: one byte of version, then text.
type jsonbs struct{ texts }

func jsonbColumn() column { return &jsonbs{newTexts(arrow.BinaryTypes.String)} }

func (c *jsonbs) add(raw []byte) {
	if len(raw) == 0 || raw[0] != 1 {
		c.unknown++
		c.addNull()
		return
	}
	c.texts.add(raw[1:])
}

// uuids is uuid as its usual text, which sorts as the bytes do.
type uuids struct{ texts }

func uuidColumn() column { return &uuids{newTexts(arrow.BinaryTypes.String)} }

func (c *uuids) add(raw []byte) {
	if len(raw) != 16 {
		c.unknown++
		c.addNull()
		return
	}
	c.data = appendUUID(c.data, raw)
	c.offsets = append(c.offsets, int32(len(c.data)))
}

func appendUUID(dst, raw []byte) []byte {
	at := len(dst)
	dst = slices.Grow(dst, 36)[:at+36]
	out := dst[at : at+36 : at+36]
	hex.Encode(out[0:8], raw[0:4])
	hex.Encode(out[9:13], raw[4:6])
	hex.Encode(out[14:18], raw[6:8])
	hex.Encode(out[19:23], raw[8:10])
	hex.Encode(out[24:36], raw[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return dst
}

// intervals keeps months, days and time apart: their sum depends on the date
// they are added to.
type intervals struct {
	gaps
	values []arrow.MonthDayNanoInterval
}

func intervalColumn() column { return &intervals{} }

func (c *intervals) add(raw []byte) {
	v, ok := parseInterval(raw)
	if !ok {
		c.unknown++
		c.mark(len(c.values))
	}
	c.values = append(c.values, v)
}

func parseInterval(raw []byte) (arrow.MonthDayNanoInterval, bool) {
	if len(raw) != 16 {
		return arrow.MonthDayNanoInterval{}, false
	}
	us := int64(binary.BigEndian.Uint64(raw))
	days := int32(binary.BigEndian.Uint32(raw[8:]))
	months := int32(binary.BigEndian.Uint32(raw[12:]))
	const limit = math.MaxInt64 / 1000
	if us > limit || us < -limit { // more than 292 years in the time part, or infinity
		return arrow.MonthDayNanoInterval{}, false
	}
	return arrow.MonthDayNanoInterval{Months: months, Days: days, Nanoseconds: us * 1000}, true
}

func (c *intervals) addNull() {
	c.mark(len(c.values))
	c.values = append(c.values, arrow.MonthDayNanoInterval{})
}

func (c *intervals) finish() arrow.Array {
	n := len(c.values)
	bits, nulls := c.bitmap(n)
	data := memory.NewBufferBytes(arrow.MonthDayNanoIntervalTraits.CastToBytes(c.values))
	c.values = make([]arrow.MonthDayNanoInterval, 0, n)
	return makeArray(arrow.FixedWidthTypes.MonthDayNanoInterval, n, nulls, bits, data)
}
