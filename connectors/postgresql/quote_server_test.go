package postgresql

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzQuoting sends texts as literals and as names and compares what the
// server understood.
func FuzzQuoting(f *testing.F) {
	for _, s := range []string{"", "a'b", `a\'b`, `\\`, `"`, "E'", "$1", "--", "\n", "🐘", `'; DROP TABLE x; --`, "%s"} {
		f.Add(s)
	}
	b := setup(f)
	c, err := b.open().(*source).connect(testContext(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(c.close)
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) || len(text) > 1000 {
			t.Skip("no text that PostgreSQL can hold")
		}
		for _, setting := range []string{"on", "off"} {
			results, err := c.conn.Exec(testContext(t), "SET standard_conforming_strings = "+setting+"; SELECT "+literal(text)+"::text").ReadAll()
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			if got := string(results[1].Rows[0][0]); got != text {
				t.Errorf("literal %q came back as %q", text, got)
			}
		}
		if text == "" || len(text) > 60 {
			return // names have at most 63 bytes
		}
		results, err := c.conn.Exec(testContext(t), "SELECT 1 AS "+ident(text)).ReadAll()
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if got := string(results[0].FieldDescriptions[0].Name); got != text {
			t.Errorf("name %q came back as %q", text, got)
		}
	})
}

// TestTextsAgreeWithTheServer writes values as positions do and asks the
// server whether it reads back the same.
func TestTextsAgreeWithTheServer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c, err := b.open().(*source).connect(testContext(t))
	must(t, err)
	t.Cleanup(c.close)
	for _, v := range []struct{ kind, value string }{
		{"timestamp", "0001-01-01 00:00:00 BC"}, {"timestamp", "4713-01-01 00:00:00 BC"}, {"timestamp", "294276-12-31 23:59:59.999999"}, {"timestamp", "infinity"}, {"timestamp", "-infinity"},
		{"timestamp", "1969-12-31 23:59:59.999999"}, {"timestamptz", "2000-02-29 12:00:00.5+00"}, {"timestamptz", "0044-03-15 01:02:03 BC"},
		{"date", "5874897-12-31"}, {"date", "4713-01-01 BC"}, {"date", "2024-02-29"}, {"date", "1900-03-01"}, {"date", "infinity"}, {"date", "0001-12-31 BC"},
		{"time", "24:00:00"}, {"time", "00:00:00.000001"}, {"uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}, {"bytea", `\x00ff27`}, {"float8", "0.1"}, {"float8", "-Infinity"}, {"float8", "NaN"}, {"float4", "0.1"},
		{"int2", "-32768"}, {"int8", "-9223372036854775808"}, {"numeric(20,5)", "-0.00010"}, {"numeric(38,0)", "99999999999999999999999999999999999999"}, {"bool", "t"}, {"oid", "4294967295"},
	} {
		src := sourceType{base: baseName(v.kind), namespace: "pg_catalog", typmod: typmodOf(v.kind)}
		form := formOf(src)
		var text string
		d := newDecoder(nil, []field{{keep: true}}, nil)
		must(t, c.copyTo(testContext(t), d, "SELECT "+literal(v.value)+"::"+v.kind, false))
		text, ok := form.text(d.last[0])
		if !ok {
			t.Errorf("%s %s has no text", v.kind, v.value)
			continue
		}
		rows, err := c.rows(testContext(t), "SELECT "+literal(text)+"::"+v.kind+" = "+literal(v.value)+"::"+v.kind)
		if err != nil || !yes(rows[0][0]) {
			t.Errorf("%s %s was written as %s: %v", v.kind, v.value, text, err)
		}
	}
}

func baseName(kind string) string {
	name, _, _ := strings.Cut(kind, "(")
	return name
}

func typmodOf(kind string) int32 {
	switch kind {
	case "numeric(20,5)":
		return 20<<16 | 5 + 4
	case "numeric(38,0)":
		return 38<<16 + 4
	default:
		return -1
	}
}
