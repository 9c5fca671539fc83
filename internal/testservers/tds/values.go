package tds

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"strings"
	"time"
)

// Type is a column's type as SQL Server calls it.
type Type struct {
	Name  string // "nvarchar"
	Size  int    // characters or bytes; -1: max
	Prec  int
	Scale int
}

// Column is one column of a result.
type Column struct {
	Name string
	Type Type
}

// Decimal is an exact number: N divided by 10 to the Scale.
type Decimal struct {
	N     *big.Int
	Scale int
}

// GUID is a uniqueidentifier in its usual text form, lower case.
type GUID string

// collation is Latin1_General_CI_AS, code page 1252.
var collation = [5]byte{0x09, 0x04, 0xd0, 0x00, 0x34} //nolint:gochecknoglobals // a constant

// info is TYPE_INFO, MS-TDS 2.2.5.6.
func (t Type) info() []byte {
	switch t.Name {
	case "tinyint":
		return []byte{0x26, 1}
	case "smallint":
		return []byte{0x26, 2}
	case "int":
		return []byte{0x26, 4}
	case "bigint":
		return []byte{0x26, 8}
	case "bit":
		return []byte{0x68, 1}
	case "real":
		return []byte{0x6d, 4}
	case "float":
		return []byte{0x6d, 8}
	case "decimal", "numeric":
		return []byte{0x6c, 17, byte(t.Prec), byte(t.Scale)}
	case "money":
		return []byte{0x6e, 8}
	case "smallmoney":
		return []byte{0x6e, 4}
	case "datetime":
		return []byte{0x6f, 8}
	case "smalldatetime":
		return []byte{0x6f, 4}
	case "date":
		return []byte{0x28}
	case "time":
		return []byte{0x29, byte(t.Scale)}
	case "datetime2":
		return []byte{0x2a, byte(t.Scale)}
	case "datetimeoffset":
		return []byte{0x2b, byte(t.Scale)}
	case "uniqueidentifier":
		return []byte{0x24, 16}
	case "xml":
		return []byte{0xf1, 0}
	case "text":
		return append(append(u32([]byte{0x23}, math.MaxInt32), collation[:]...), 0)
	case "ntext":
		return append(append(u32([]byte{0x63}, math.MaxInt32-1), collation[:]...), 0)
	case "image":
		return append(u32([]byte{0x22}, math.MaxInt32), 0)
	case "varbinary", "binary", "timestamp", "rowversion":
		return u16([]byte{0xa5}, t.wireSize(1))
	case "varchar", "char":
		return append(u16([]byte{0xa7}, t.wireSize(1)), collation[:]...)
	default: // nvarchar, nchar, sysname
		return append(u16([]byte{0xe7}, t.wireSize(2)), collation[:]...)
	}
}

func (t Type) wireSize(width int) int {
	switch {
	case t.max():
		return 0xffff
	case t.Name == "timestamp" || t.Name == "rowversion":
		return 8
	default:
		return t.Size * width
	}
}

func (t Type) max() bool { return t.Size == -1 || t.Size > 8000 }

// append writes a value as rows carry it.
func (t Type) append(b []byte, v any) ([]byte, error) {
	if v == nil {
		return t.appendNull(b), nil
	}
	switch t.Name {
	case "tinyint", "smallint", "int", "bigint":
		n, ok := v.(int64)
		size := map[string]byte{"tinyint": 1, "smallint": 2, "int": 4, "bigint": 8}[t.Name]
		raw := binary.LittleEndian.AppendUint64(nil, uint64(n))
		return append(append(b, size), raw[:size]...), check(ok, t, v)
	case "bit":
		yes, ok := v.(bool)
		return append(b, 1, map[bool]byte{true: 1}[yes]), check(ok, t, v)
	case "real":
		f, ok := v.(float64)
		return u32(append(b, 4), math.Float32bits(float32(f))), check(ok, t, v)
	case "float":
		f, ok := v.(float64)
		return binary.LittleEndian.AppendUint64(append(b, 8), math.Float64bits(f)), check(ok, t, v)
	case "decimal", "numeric":
		d, ok := v.(Decimal)
		if !ok {
			return nil, check(false, t, v)
		}
		return appendDecimal(b, d.rescaled(t.Scale)), nil
	case "money", "smallmoney":
		d, ok := v.(Decimal)
		if !ok {
			return nil, check(false, t, v)
		}
		return t.appendMoney(b, d.rescaled(4).Int64()), nil
	case "date", "time", "datetime", "smalldatetime", "datetime2", "datetimeoffset":
		m, ok := v.(time.Time)
		if !ok {
			return nil, check(false, t, v)
		}
		raw := t.moment(m)
		return append(append(b, byte(len(raw))), raw...), nil
	case "uniqueidentifier":
		g, ok := v.(GUID)
		return append(append(b, 16), g.bytes()...), check(ok, t, v)
	case "text", "ntext", "image":
		raw, err := t.raw(v)
		b = append(b, 16)
		b = append(b, make([]byte, 24)...) // text pointer and timestamp
		return append(u32(b, uint32(len(raw))), raw...), err
	default:
		raw, err := t.raw(v)
		if t.max() || t.Name == "xml" {
			return appendChunks(b, raw), err
		}
		return append(u16(b, len(raw)), raw...), err
	}
}

func check(ok bool, t Type, v any) error {
	if ok {
		return nil
	}
	return fmt.Errorf("a %T is no %s", v, t.Name)
}

func (t Type) appendNull(b []byte) []byte {
	switch t.Name {
	case "varbinary", "binary", "timestamp", "rowversion", "varchar", "char", "nvarchar", "nchar", "sysname":
		if t.max() {
			return binary.LittleEndian.AppendUint64(b, math.MaxUint64)
		}
		return u16(b, 0xffff)
	case "xml":
		return binary.LittleEndian.AppendUint64(b, math.MaxUint64)
	default:
		return append(b, 0)
	}
}

// raw is what strings and bytes are on the wire.
func (t Type) raw(v any) ([]byte, error) {
	switch v := v.(type) {
	case []byte:
		return v, nil
	case string:
		if t.Name == "varchar" || t.Name == "char" || t.Name == "text" {
			return toLatin1(v), nil
		}
		return toUTF16(v), nil
	case collated:
		return t.raw(v.text)
	case GUID:
		return t.raw(string(v))
	}
	return nil, check(false, t, v)
}

func toLatin1(s string) []byte {
	raw := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xff {
			r = '?'
		}
		raw = append(raw, byte(r))
	}
	return raw
}

// appendChunks writes PLP, in two chunks where there is enough for them.
func appendChunks(b, raw []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(len(raw)))
	half := len(raw) / 2
	for _, chunk := range [][]byte{raw[:half], raw[half:]} {
		if len(chunk) > 0 {
			b = append(u32(b, uint32(len(chunk))), chunk...)
		}
	}
	return u32(b, 0)
}

func (d Decimal) rescaled(scale int) *big.Int {
	n := new(big.Int).Set(d.N)
	for s := d.Scale; s < scale; s++ {
		n.Mul(n, big.NewInt(10))
	}
	for s := d.Scale; s > scale; s-- {
		n.Quo(n, big.NewInt(10))
	}
	return n
}

// String writes all digits of the scale.
func (d Decimal) String() string {
	text := new(big.Int).Abs(d.N).String()
	if d.Scale > 0 {
		text = strings.Repeat("0", max(0, d.Scale+1-len(text))) + text
		text = text[:len(text)-d.Scale] + "." + text[len(text)-d.Scale:]
	}
	if d.N.Sign() < 0 {
		text = "-" + text
	}
	return text
}

func appendDecimal(b []byte, n *big.Int) []byte {
	sign := byte(1)
	if n.Sign() < 0 {
		sign = 0
	}
	raw := make([]byte, 16)
	new(big.Int).Abs(n).FillBytes(raw)
	b = append(b, 17, sign)
	for i := 15; i >= 0; i-- {
		b = append(b, raw[i])
	}
	return b
}

func (t Type) appendMoney(b []byte, n int64) []byte {
	if t.Name == "smallmoney" {
		return u32(append(b, 4), uint32(int32(n)))
	}
	return u32(u32(append(b, 8), uint32(n>>32)), uint32(n))
}

// moment writes a date or time, MS-TDS 2.2.5.5.1.8.
func (t Type) moment(m time.Time) []byte {
	_, offset := m.Zone()
	utc := m.UTC()
	switch t.Name {
	case "date":
		return days(utc)
	case "time":
		return t.clock(utc)
	case "datetime2":
		return append(t.clock(utc), days(utc)...)
	case "datetimeoffset":
		return u16(append(t.clock(utc), days(utc)...), offset/60)
	}
	since := utc.Unix() - time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	day, second := since/86400, since%86400
	if second < 0 {
		day, second = day-1, second+86400
	}
	if t.Name == "smalldatetime" {
		return u16(u16(nil, int(day)), int(second/60))
	}
	ticks := second*300 + int64(math.Round(float64(utc.Nanosecond())*3/1e7))
	return u32(u32(nil, uint32(int32(day))), uint32(ticks))
}

func days(m time.Time) []byte {
	n := (m.Unix() - time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).Unix()) / 86400
	return []byte{byte(n), byte(n >> 8), byte(n >> 16)}
}

func (t Type) clock(m time.Time) []byte {
	n := uint64(m.Hour()*3600+m.Minute()*60+m.Second())*1e7 + uint64(m.Nanosecond()/100)
	for s := t.Scale; s < 7; s++ {
		n /= 10
	}
	size := 5
	if t.Scale < 3 {
		size = 3
	} else if t.Scale < 5 {
		size = 4
	}
	return binary.LittleEndian.AppendUint64(nil, n)[:size]
}

// bytes has the first three groups in the machine's order.
func (g GUID) bytes() []byte {
	raw, err := hex.DecodeString(strings.ReplaceAll(string(g), "-", ""))
	if err != nil || len(raw) != 16 {
		return make([]byte, 16)
	}
	return append([]byte{raw[3], raw[2], raw[1], raw[0], raw[5], raw[4], raw[7], raw[6]}, raw[8:]...)
}
