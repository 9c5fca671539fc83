package postgresql

import (
	"encoding/binary"
	"math/bits"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// The sign word of a numeric on the wire.
const (
	numericPositive = 0x0000
	numericNegative = 0x4000
)

// decimals is numeric(p,s) with p of at most 38: the base-10000 digits of the
// wire form go straight into 128 bits.
type decimals struct {
	gaps
	kind   *arrow.Decimal128Type
	values []decimal128.Num
}

func decimalColumn(precision, scale int32) column {
	return &decimals{kind: &arrow.Decimal128Type{Precision: precision, Scale: scale}}
}

func (c *decimals) add(raw []byte) {
	v, ok := parseDecimal(raw, c.kind.Precision, c.kind.Scale)
	if !ok {
		c.unknown++
		c.mark(len(c.values))
	}
	c.values = append(c.values, v)
}

func (c *decimals) addNull() {
	c.mark(len(c.values))
	c.values = append(c.values, decimal128.Num{})
}

func (c *decimals) finish() arrow.Array {
	n := len(c.values)
	valid, nulls := c.bitmap(n)
	data := memory.NewBufferBytes(arrow.Decimal128Traits.CastToBytes(c.values))
	c.values = make([]decimal128.Num, 0, n)
	return makeArray(c.kind, n, nulls, valid, data)
}

// u128 is an unsigned 128-bit number.
type u128 struct{ hi, lo uint64 }

// mulAdd gives v*m+a, or false when that needs more than 128 bits.
func (v u128) mulAdd(m, a uint64) (u128, bool) {
	hi, lo := bits.Mul64(v.lo, m)
	over, top := bits.Mul64(v.hi, m)
	hi, carry := bits.Add64(hi, top, 0)
	lo, more := bits.Add64(lo, a, 0)
	hi, last := bits.Add64(hi, 0, more)
	return u128{hi, lo}, over == 0 && carry == 0 && last == 0
}

var pow10 = [...]uint64{1, 10, 100, 1000, 10000} //nolint:gochecknoglobals // a table of constants, which Go cannot declare as one

// parseDecimal reads a numeric's wire form as an integer of 10^-scale. It is
// false for NaN, infinity and what needs more digits than promised.
func parseDecimal(raw []byte, precision, scale int32) (decimal128.Num, bool) {
	if len(raw) < 8 {
		return decimal128.Num{}, false
	}
	n := int(binary.BigEndian.Uint16(raw))
	weight := int32(int16(binary.BigEndian.Uint16(raw[2:])))
	sign := binary.BigEndian.Uint16(raw[4:])
	if len(raw) != 8+2*n || sign != numericPositive && sign != numericNegative {
		return decimal128.Num{}, false
	}
	v, ok := accumulate(raw[8:], n, (weight-int32(n)+1)*4+scale)
	if !ok || v.hi >= 1<<63 {
		return decimal128.Num{}, false
	}
	num := decimal128.New(int64(v.hi), v.lo)
	if precision > 18 && !num.FitsInPrecision(precision) || precision <= 18 && v.hi != 0 {
		return decimal128.Num{}, false
	}
	if sign == numericNegative {
		num = num.Negate()
	}
	return num, true
}

// accumulate gives digits × 10^shift, where digits are n base-10000 digits.
func accumulate(digits []byte, n int, shift int32) (u128, bool) {
	var v u128
	ok := true
	for i := range n {
		d := uint64(binary.BigEndian.Uint16(digits[2*i:]))
		// The last digit may reach below the scale; what is cut there is zero,
		// because the server has rounded to the scale.
		if i == n-1 && shift < 0 {
			if shift <= -4 || d%pow10[-shift] != 0 {
				return v, false
			}
			return v.mulAdd(pow10[4+shift], d/pow10[-shift])
		}
		if v, ok = v.mulAdd(10000, d); !ok {
			return v, false
		}
	}
	for ; shift > 0 && n > 0 && ok; shift -= min(shift, 4) {
		v, ok = v.mulAdd(pow10[min(shift, 4)], 0)
	}
	return v, ok
}

// numericText writes a numeric's wire form as PostgreSQL would print it.
func numericText(raw []byte) (string, bool) {
	if len(raw) < 8 {
		return "", false
	}
	n := int(binary.BigEndian.Uint16(raw))
	weight := int(int16(binary.BigEndian.Uint16(raw[2:])))
	sign := binary.BigEndian.Uint16(raw[4:])
	scale := int(binary.BigEndian.Uint16(raw[6:]))
	if len(raw) != 8+2*n {
		return "", false
	}
	var b strings.Builder
	switch sign {
	case numericPositive:
	case numericNegative:
		b.WriteByte('-')
	case 0xC000:
		return "NaN", true
	case 0xD000:
		return "Infinity", true
	case 0xF000:
		return "-Infinity", true
	default:
		return "", false
	}
	digit := func(i int) uint64 { // of 10000^i
		if at := weight - i; at >= 0 && at < n {
			return uint64(binary.BigEndian.Uint16(raw[8+2*at:]))
		}
		return 0
	}
	writeWhole(&b, weight, digit)
	writeFraction(&b, scale, digit)
	return b.String(), true
}

func writeWhole(b *strings.Builder, weight int, digit func(int) uint64) {
	started := false
	for i := max(weight, 0); i >= 0; i-- {
		for p := 3; p >= 0; p-- {
			d := digit(i) / pow10[p] % 10
			started = started || d != 0 || i == 0 && p == 0
			if started {
				b.WriteByte(byte('0' + d))
			}
		}
	}
}

func writeFraction(b *strings.Builder, scale int, digit func(int) uint64) {
	if scale == 0 {
		return
	}
	b.WriteByte('.')
	for k := range scale {
		b.WriteByte(byte('0' + digit(-1-k/4)/pow10[3-k%4]%10))
	}
}
