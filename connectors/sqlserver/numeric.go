package sqlserver

import (
	"math/big"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// fastDigits always fit into an int64.
const fastDigits = 18

// parseDecimal reads the driver's text of a decimal: a sign, digits, and after
// the point as many digits as the scale. Arrow's own parser goes through
// floating point, which is slower and not exact for 38 digits.
func parseDecimal(text []byte, scale int32) (decimal128.Num, bool) {
	negative := len(text) > 0 && text[0] == '-'
	if negative {
		text = text[1:]
	}
	var small int64
	var large *big.Int
	digits, after := 0, int32(-1)
	for _, c := range text {
		switch {
		case c == '.' && after < 0:
			after = 0
			continue
		case c < '0' || c > '9':
			return decimal128.Num{}, false
		case after >= 0:
			after++
		}
		if digits++; digits > fastDigits && large == nil {
			large = big.NewInt(small)
		}
		if large == nil {
			small = small*10 + int64(c-'0')
			continue
		}
		large.Mul(large, big.NewInt(10))
		large.Add(large, big.NewInt(int64(c-'0')))
	}
	if digits == 0 || digits > 39 || max(after, 0) != scale {
		return decimal128.Num{}, false
	}
	n := decimal128.FromI64(small)
	if large != nil {
		n = decimal128.FromBigInt(large)
	}
	if negative {
		n = n.Negate()
	}
	return n, true
}
