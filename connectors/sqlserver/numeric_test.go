package sqlserver

import (
	"math/big"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

func TestParseDecimal(t *testing.T) {
	t.Parallel()
	nines := strings.Repeat("9", 38)
	for _, c := range []struct {
		text  string
		scale int32
		want  string // unscaled; empty: refused
	}{
		{"0", 0, "0"}, {"-0.05", 2, "-5"}, {"1.2345", 4, "12345"}, {nines, 0, nines}, {"-" + nines, 0, "-" + nines},
		{nines[:20] + "." + nines[20:], 18, nines}, {"0." + nines, 38, nines}, {"-922337203685477.5808", 4, "-9223372036854775808"},
		{"", 0, ""}, {"-", 0, ""}, {"1e5", 0, ""}, {"1.2", 1, "12"}, {"1.2", 2, ""}, {"1.2.3", 2, ""}, {"NaN", 0, ""}, {nines + "99", 0, ""},
	} {
		n, ok := parseDecimal([]byte(c.text), c.scale)
		if got := n.BigInt().String(); ok != (c.want != "") || ok && got != c.want {
			t.Errorf("%q with %d digits after the point: %s, %t", c.text, c.scale, got, ok)
		}
	}
}

// What is written with all digits is read back.
func FuzzDecimal(f *testing.F) {
	f.Add(int64(0), uint64(5), uint8(2))
	f.Add(int64(-1), uint64(1), uint8(38))
	f.Fuzz(func(t *testing.T, high int64, low uint64, scale uint8) {
		n, s := decimal128.New(high>>4, low), int32(scale%39)
		if new(big.Int).Abs(n.BigInt()).Cmp(new(big.Int).Exp(big.NewInt(10), big.NewInt(38), nil)) >= 0 {
			t.Skip("more than 38 digits")
		}
		got, ok := parseDecimal([]byte(allDigits(n, s)), s)
		if !ok || got != n {
			t.Errorf("%s became %s, %t", allDigits(n, s), got.BigInt(), ok)
		}
	})
}
