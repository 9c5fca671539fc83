package mysql

import (
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/regrant/regrant/connector"
)

// FuzzPosition: what is read as a position is written as the same position.
func FuzzPosition(f *testing.F) {
	for _, p := range []string{"", "{}", "null", `{"v":1,"m":"modified_at","c":"at","done":{"high":"2026-01-01","since":"2025-12-31","n":3,"h":"7"}}`,
		`{"v":1,"m":"primary_key_batch","run":{"phase":"","index":1},"ranges":[{"through":["a"],"n":1,"h":"2"},{"n":0,"h":"0"}]}`, `{"v":1,"run":{"index":9}}`} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p string) {
		pos, err := parsePosition(connector.Position(p))
		if err != nil || p == "" {
			return
		}
		again, err := parsePosition(pos.text())
		if err != nil || again.text() != pos.text() {
			t.Errorf("%q: %v", p, err)
		}
	})
}

// FuzzTableName: every name that is taken apart is put together as it was
// meant, and every pair of names survives.
func FuzzTableName(f *testing.F) {
	for _, s := range []string{"shop.orders", "`a.b`.t", "`a``b`.`c`", "a", ".", "`"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if schema, name, err := splitName(a); err == nil {
			if s, n, err := splitName(tableName(schema, name)); err != nil || s != schema || n != name {
				t.Errorf("%q became %q %q", a, s, n)
			}
		}
		if s, n, err := splitName(tableName(a, b)); a != "" && b != "" && (err != nil || s != a || n != b) {
			t.Errorf("%q %q became %q %q %v", a, b, s, n, err)
		}
	})
}

// FuzzDecimal compares with the library's own, slow reader.
func FuzzDecimal(f *testing.F) {
	for _, s := range []string{"0", "-1.5", "99999999999999999999999999999999999999", "0.0000000001", "-", ".", "1.2.3", "00001.50"} {
		f.Add(s, uint8(2))
	}
	f.Fuzz(func(t *testing.T, s string, scale uint8) {
		prec := int32(38)
		at := int32(scale % 20)
		got, ok := parseDecimal([]byte(s), prec, at)
		if !ok {
			return
		}
		digits := strings.TrimPrefix(s, "-")
		whole, fraction, _ := strings.Cut(digits, ".")
		all := whole + fraction + strings.Repeat("0", int(at)-len(fraction))
		var want decimal128.Num
		ten := decimal128.FromI64(10)
		for _, d := range all {
			want = want.Mul(ten).Add(decimal128.FromI64(int64(d - '0')))
		}
		if strings.HasPrefix(s, "-") {
			want = want.Negate()
		}
		if got != want {
			t.Errorf("%q at %d: %v, want %v", s, at, got, want)
		}
	})
}

// FuzzMoments: every date and time that is read is written back as it was.
func FuzzMoments(f *testing.F) {
	for _, s := range []string{"2026-11-24 23:59:59.999999", "0000-00-00 00:00:00", "0000-03-01 00:00:00", "9999-12-31 00:00:00", "-838:59:59.5", "24:00:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		canonical := s
		if strings.Contains(s, ".") {
			canonical = strings.TrimRight(strings.TrimRight(s, "0"), ".")
		}
		if us, ok := parseMoment([]byte(s)); ok && momentText(us) != canonical {
			t.Errorf("%q came back as %q", s, momentText(us))
		}
		if us, ok := parseDuration([]byte(s)); ok && (us < -1000*hourMicros || us > 1000*hourMicros) {
			t.Errorf("%q is %d", s, us)
		}
	})
}

// FuzzKeyTexts: whatever stands in a position, its literal cannot end a text or
// begin another statement.
func FuzzKeyTexts(f *testing.F) {
	for _, s := range []string{"1", "1; DROP TABLE t", "2026-01-01' OR '1'='1", "\\", "'", "ff"} {
		f.Add(s)
	}
	kinds := []keys{numberKeys(), decimalKeys(), bitKeys(), momentKeys(), binaryKeys(), textKeys(sourceType{}), castKeys()}
	f.Fuzz(func(t *testing.T, s string) {
		for i, k := range kinds {
			got := k.literal(s)
			plain := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(got, "_utf8mb4 "), "X"), "'"), "'")
			if strings.ContainsAny(plain, "'\"\\;`#/*") {
				t.Errorf("kind %d: %q becomes %q", i, s, got)
			}
		}
	})
}

// FuzzGeometry takes any bytes for a geometry.
func FuzzGeometry(f *testing.F) {
	f.Add([]byte{0xe6, 0x10, 0, 0, 1, 1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, make := range []func() column{geometryColumn, setColumn, textColumn, bitsColumn, doubleColumn, durationColumn, dateColumn} {
			c := make()
			c.Add(raw)
			c.AppendNull()
			if a := c.Finish(); a.Len() != 2 {
				t.Errorf("%d values", a.Len())
			}
		}
	})
}
