package mysql

import (
	"math/bits"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

const (
	dayMicros  = 86_400_000_000
	hourMicros = 3_600_000_000
)

// digits reads n decimal digits.
func digits(raw []byte, n int) (int64, bool) {
	if len(raw) < n {
		return 0, false
	}
	var v int64
	for _, b := range raw[:n] {
		d := b - '0'
		if d > 9 {
			return 0, false
		}
		v = v*10 + int64(d)
	}
	return v, true
}

// parseDate reads "2026-11-24" as days since 1970. It is false for what no
// calendar has: 0000-00-00, 2026-00-15, 2026-02-30.
func parseDate(raw []byte) (days int64, rest []byte, ok bool) {
	if len(raw) < 10 || raw[4] != '-' || raw[7] != '-' {
		return 0, nil, false
	}
	year, ok1 := digits(raw, 4)
	month, ok2 := digits(raw[5:], 2)
	day, ok3 := digits(raw[8:], 2)
	if !ok1 || !ok2 || !ok3 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return 0, nil, false
	}
	return daysFrom(year, month, day), raw[10:], true
}

func daysIn(year, month int64) int64 {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	default:
		return 31
	}
}

// daysFrom counts from 0000-03-01, so that a leap day is the last of its year.
func daysFrom(year, month, day int64) int64 {
	if month <= 2 {
		year, month = year-1, month+12
	}
	era := year / 400
	if year < 0 {
		era = -1
	}
	yoe := year - era*400
	doy := (153*(month-3)+2)/5 + day - 1
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468
}

// parseMoment reads "2026-11-24 23:59:59.999999" as microseconds since 1970.
func parseMoment(raw []byte) (int64, bool) {
	days, rest, ok := parseDate(raw)
	if !ok || len(rest) < 9 || rest[0] != ' ' {
		return 0, false
	}
	us, ok := parseClock(rest[1:], 2)
	return days*dayMicros + us, ok && us < dayMicros
}

// parseClock reads hours of the width given, minutes, seconds and a fraction.
func parseClock(raw []byte, width int) (int64, bool) {
	hours, ok := digits(raw, width)
	if !ok || len(raw) < width+6 || raw[width] != ':' || raw[width+3] != ':' {
		return 0, false
	}
	minutes, ok1 := digits(raw[width+1:], 2)
	seconds, ok2 := digits(raw[width+4:], 2)
	fraction, ok3 := parseFraction(raw[width+6:])
	if !ok1 || !ok2 || !ok3 || minutes > 59 || seconds > 59 {
		return 0, false
	}
	return hours*hourMicros + minutes*60_000_000 + seconds*1_000_000 + fraction, true
}

// parseFraction reads ".5" as 500000.
func parseFraction(raw []byte) (int64, bool) {
	if len(raw) == 0 {
		return 0, true
	}
	if raw[0] != '.' || len(raw) > 7 {
		return 0, false
	}
	v, ok := digits(raw[1:], len(raw)-1)
	for range 7 - len(raw) {
		v *= 10
	}
	return v, ok
}

// parseDuration reads "-838:59:59.000001". TIME is no time of the day.
func parseDuration(raw []byte) (int64, bool) {
	negative := len(raw) > 0 && raw[0] == '-'
	if negative {
		raw = raw[1:]
	}
	width := 0
	for width < len(raw) && raw[width] != ':' {
		width++
	}
	if width < 2 || width > 3 {
		return 0, false
	}
	us, ok := parseClock(raw, width)
	if negative {
		us = -us
	}
	return us, ok
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

// parseDecimal reads "-12.50" as an integer of 10^-scale. The server always
// sends all digits of the scale; fewer are filled up, more are refused.
func parseDecimal(raw []byte, precision, scale int32) (decimal128.Num, bool) {
	negative := len(raw) > 0 && raw[0] == '-'
	if negative {
		raw = raw[1:]
	}
	var v u128
	var chunk, unit uint64 = 0, 1
	count, after := int32(0), int32(-1)
	put := func(d uint64) bool {
		chunk, unit = chunk*10+d, unit*10
		if unit < 1_000_000_000_000_000_000 {
			return true
		}
		var ok bool
		v, ok = v.mulAdd(unit, chunk)
		chunk, unit = 0, 1
		return ok
	}
	for _, b := range raw {
		d := uint64(b - '0')
		switch {
		case b == '.' && after < 0:
			after = 0
			continue
		case b < '0' || d > 9:
			return decimal128.Num{}, false
		}
		if count > 0 || d > 0 {
			count++
		}
		if after >= 0 {
			after++
		}
		if !put(d) {
			return decimal128.Num{}, false
		}
	}
	missing := scale - max(after, 0)
	if len(raw) == 0 || missing < 0 || count+missing > precision && count > 0 {
		return decimal128.Num{}, false
	}
	for range missing {
		if !put(0) {
			return decimal128.Num{}, false
		}
	}
	v, ok := v.mulAdd(unit, chunk)
	if !ok || v.hi >= 1<<63 {
		return decimal128.Num{}, false
	}
	n := decimal128.New(int64(v.hi), v.lo)
	if negative {
		n = n.Negate()
	}
	return n, true
}

// isNumber says whether raw is digits with at most a sign and a point.
func isNumber(raw []byte) bool {
	if len(raw) > 0 && raw[0] == '-' {
		raw = raw[1:]
	}
	seen, point := false, false
	for _, b := range raw {
		switch {
		case b >= '0' && b <= '9':
			seen = true
		case b == '.' && !point:
			point = true
		default:
			return false
		}
	}
	return seen && len(raw) <= 70
}

// dateText writes days since 1970 as the server does; its years have four digits.
func dateText(days int64) string {
	z := days + 719468
	era := z / 146097
	if z < 0 {
		era = (z - 146096) / 146097
	}
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	year := yoe + era*400
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day, month := doy-(153*mp+2)/5+1, mp+3
	if month > 12 {
		month, year = month-12, year+1
	}
	return pad(year, 4) + "-" + pad(month, 2) + "-" + pad(day, 2)
}

// momentText writes microseconds since 1970.
func momentText(us int64) string {
	days, rest := us/dayMicros, us%dayMicros
	if rest < 0 {
		days, rest = days-1, rest+dayMicros
	}
	return dateText(days) + " " + clockText(rest)
}

func clockText(us int64) string {
	s := us / 1_000_000
	text := pad(s/3600, 2) + ":" + pad(s/60%60, 2) + ":" + pad(s%60, 2)
	if us %= 1_000_000; us != 0 {
		text += "." + strings.TrimRight(pad(us, 6), "0")
	}
	return text
}

func pad(n int64, width int) string {
	s := strconv.FormatInt(n, 10)
	if len(s) < width {
		s = strings.Repeat("0", width-len(s)) + s
	}
	return s
}
