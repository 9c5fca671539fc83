package duckdb

import (
	"fmt"
	"strconv"
	"strings"
)

// digits is how many decimal digits an integer type needs, and its place
// among its kin.
type integer struct {
	rank, digits int
	unsigned     bool
}

func integerOf(t string) (integer, bool) {
	switch t {
	case "TINYINT":
		return integer{1, 3, false}, true
	case "SMALLINT":
		return integer{2, 5, false}, true
	case "INTEGER":
		return integer{3, 10, false}, true
	case "BIGINT":
		return integer{4, 19, false}, true
	case "UTINYINT":
		return integer{1, 3, true}, true
	case "USMALLINT":
		return integer{2, 5, true}, true
	case "UINTEGER":
		return integer{3, 10, true}, true
	case "UBIGINT":
		return integer{4, 20, true}, true
	}
	return integer{}, false
}

func signedOf(rank int) string {
	return [...]string{"", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "DECIMAL(20,0)"}[rank]
}

func unsignedOf(rank int) string {
	return [...]string{"", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}[rank]
}

// widen gives the type that holds every value of both without loss; text in
// the end holds everything. widen(a, b) is a when a already suffices.
func widen(a, b string) string {
	if a == b {
		return a
	}
	if w := widenNumbers(a, b); w != "" {
		return w
	}
	if elemA, ok := strings.CutSuffix(a, "[]"); ok {
		if elemB, ok := strings.CutSuffix(b, "[]"); ok {
			return widen(elemA, elemB) + "[]"
		}
	}
	switch pair(a, b) {
	case pair("DATE", tTimestamp):
		return tTimestamp
	case pair("DATE", tTimestampTZ), pair(tTimestamp, tTimestampTZ):
		return tTimestampTZ // a time without a zone is taken as UTC
	}
	return tText
}

func pair(a, b string) string { return min(a, b) + "|" + max(a, b) }

func widenNumbers(a, b string) string {
	ia, aInt := integerOf(a)
	ib, bInt := integerOf(b)
	switch {
	case aInt && bInt:
		return widenIntegers(ia, ib)
	case pair(a, b) == "DOUBLE|FLOAT":
		return "DOUBLE"
	case a == "DOUBLE" && bInt && ib.rank <= 3, b == "DOUBLE" && aInt && ia.rank <= 3:
		return "DOUBLE"
	case a == "FLOAT" && bInt && ib.rank <= 2, b == "FLOAT" && aInt && ia.rank <= 2:
		return "FLOAT"
	}
	return widenDecimals(a, b)
}

func widenIntegers(a, b integer) string {
	if a.unsigned == b.unsigned {
		if a.unsigned {
			return unsignedOf(max(a.rank, b.rank))
		}
		return signedOf(max(a.rank, b.rank))
	}
	if b.unsigned {
		a, b = b, a
	}
	return signedOf(max(a.rank+1, b.rank)) // a is the unsigned one
}

func widenDecimals(a, b string) string {
	wholeA, scaleA, okA := decimalOf(a)
	wholeB, scaleB, okB := decimalOf(b)
	if !okA || !okB {
		return ""
	}
	whole, scale := max(wholeA, wholeB), max(scaleA, scaleB)
	if whole+scale > 38 {
		return ""
	}
	return fmt.Sprintf("DECIMAL(%d,%d)", whole+scale, scale)
}

// decimalOf gives the digits before and after the point.
func decimalOf(t string) (whole, scale int, ok bool) {
	if i, ok := integerOf(t); ok {
		return i.digits, 0, true
	}
	inner, ok := strings.CutPrefix(t, "DECIMAL(")
	if !ok {
		return 0, 0, false
	}
	p, s, ok := strings.Cut(strings.TrimSuffix(inner, ")"), ",")
	if !ok {
		return 0, 0, false
	}
	precision, err1 := strconv.Atoi(strings.TrimSpace(p))
	scale, err2 := strconv.Atoi(strings.TrimSpace(s))
	return precision - scale, scale, err1 == nil && err2 == nil
}
