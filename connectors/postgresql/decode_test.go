package postgresql

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/regrant/regrant/connector"
)

// copyStream writes a binary COPY of the rows; nil is NULL.
func copyStream(rows ...[][]byte) []byte {
	b := append([]byte(copySignature), make([]byte, 8)...)
	for _, r := range rows {
		b = binary.BigEndian.AppendUint16(b, uint16(len(r)))
		for _, v := range r {
			if v == nil {
				b = binary.BigEndian.AppendUint32(b, 0xffffffff)
				continue
			}
			b = append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
		}
	}
	return append(b, 0xff, 0xff)
}

// gather decodes the stream in pieces of the size given.
func gather(stream []byte, size int) (rows []map[string]string, last [][][]byte, err error) {
	schema := arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}, {Name: "s", Type: arrow.BinaryTypes.String}}, nil)
	d := newDecoder(schema, []field{{into: int64Column(), keep: true}, {into: textColumn()}, {sum: true}}, func(p piece) error {
		rows = append(rows, rowsOf(p.record)...)
		last = append(last, p.last)
		p.record.Release()
		return nil
	})
	d.maxRows = 3
	d.begin()
	for chunk := range slices.Chunk(stream, size) {
		if _, err := d.Write(chunk); err != nil {
			return rows, last, err
		}
	}
	return rows, last, d.flush()
}

func int8Bytes(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

// TestDecodePieces: rows arrive the same, wherever the stream is cut.
func TestDecodePieces(t *testing.T) {
	t.Parallel()
	var in [][][]byte
	for i := range 10 {
		row := [][]byte{int8Bytes(int64(i)), fmt.Appendf(nil, "text %d", i), int8Bytes(1)}
		if i == 5 {
			row = [][]byte{nil, nil, nil}
		}
		in = append(in, row)
	}
	stream := copyStream(in...)
	want, wantLast, err := gather(stream, len(stream))
	if err != nil || len(want) != 10 || want[5]["s"] != "NULL" || want[9]["n"] != "9" || len(wantLast) != 4 {
		t.Fatalf("whole: %v, %d records, %v", want, len(wantLast), err)
	}
	if wantLast[1][0] != nil || string(wantLast[0][0]) != string(int8Bytes(2)) {
		t.Errorf("kept %v", wantLast)
	}
	for _, size := range []int{1, 2, 3, 7, 64} {
		got, last, err := gather(stream, size)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) || fmt.Sprint(last) != fmt.Sprint(wantLast) {
			t.Errorf("in pieces of %d: %v %v", size, got, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	good := copyStream([][]byte{int8Bytes(7), []byte("x"), int8Bytes(1)}, [][]byte{nil, nil, nil})
	f.Add(good, 5)
	f.Add(good[:20], 3)
	f.Add(append(slices.Clone(good[:19]), 0, 3, 0xff, 0, 0, 0), 100)
	f.Fuzz(func(t *testing.T, stream []byte, size int) {
		whole, _, err := gather(stream, max(1, len(stream)))
		parts, _, errParts := gather(stream, max(1, size&1023))
		if (err == nil) != (errParts == nil) || err == nil && fmt.Sprint(whole) != fmt.Sprint(parts) {
			t.Errorf("whole %v %v, in parts %v %v", whole, err, parts, errParts)
		}
		if err != nil && !errors.Is(err, errCopyFormat) {
			t.Errorf("an error of another kind: %v", err)
		}
	})
}

// FuzzColumns gives every kind of column any bytes: nothing panics, and each
// column has as many values as were added.
func FuzzColumns(f *testing.F) {
	f.Add([]byte{0, 1, 0, 0, 0, 0, 0, 2, 0, 42})
	f.Add(int8Bytes(-1))
	f.Add(make([]byte, 16))
	f.Add([]byte{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 9})
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, form := range everyForm() {
			c := form.make(false)
			c.add(raw)
			c.addNull()
			c.add(raw)
			a := c.finish()
			if a.Len() != 3 || !a.IsNull(1) || a.IsNull(0) != a.IsNull(2) {
				t.Errorf("%s: %d values of %x, %v", form.arrow, a.Len(), raw, a)
			}
			a.Release()
			if form.text != nil {
				_, _ = form.text(raw)
			}
		}
	})
}

func everyForm() []form {
	var forms []form
	for _, name := range []string{"bool", "int2", "int4", "int8", "oid", "float4", "float8", "numeric", "money", "text", "json", "jsonb", "bytea", "uuid", "date", "timestamp", "timestamptz", "time", "interval"} {
		forms = append(forms, scalarForm(name, -1), formOf(sourceType{base: "_" + name, namespace: "pg_catalog", element: name, elementNS: "pg_catalog", typmod: -1}))
	}
	return append(forms, scalarForm("numeric", 38<<16|10+4), scalarForm("numeric", 12<<16|2+4))
}

func FuzzPosition(f *testing.F) {
	f.Add(`{"v":1,"m":"modified_at","c":"at","done":{"high":"2024-01-01","xmin":7,"xmax":8}}`)
	f.Add(`{"v":1,"m":"primary_key_batch","ranges":[{"through":["1"],"n":2,"h":"3"},{"n":0,"h":"0"}],"run":{"phase":"","index":1}}`)
	f.Add(`{"v":1,"p":"keys","after":["a"]}`)
	f.Fuzz(func(t *testing.T, text string) {
		if pos, err := parsePosition(connector.Position(text)); err == nil && text != "" {
			again, err := parsePosition(pos.text())
			if err != nil || again.text() != pos.text() {
				t.Errorf("%s became %s, %v", text, pos.text(), err)
			}
		}
		if pos, err := parsePass(connector.Position(text)); err == nil && text != "" {
			again, err := parsePass(pos.text())
			if err != nil || again.text() != pos.text() {
				t.Errorf("%s became %s, %v", text, pos.text(), err)
			}
		}
	})
}

func FuzzTableName(f *testing.F) {
	f.Add("public", "orders")
	f.Add(`a.b`, `c"d`)
	f.Add("", ".")
	f.Fuzz(func(t *testing.T, schema, name string) {
		a, b, err := splitName(tableName(schema, name))
		if err != nil || a != schema || b != name {
			t.Errorf("%q.%q came back as %q.%q, %v", schema, name, a, b, err)
		}
		_, _, _ = splitName(schema)
	})
}

// TestDecimals compares the direct reading of digits with the text of the
// same value, around the limits of 128 bits.
func TestDecimals(t *testing.T) {
	t.Parallel()
	wire := func(weight int, sign uint16, scale int, digits ...uint16) []byte {
		b := binary.BigEndian.AppendUint16(nil, uint16(len(digits)))
		b = binary.BigEndian.AppendUint16(b, uint16(int16(weight)))
		b = binary.BigEndian.AppendUint16(b, sign)
		b = binary.BigEndian.AppendUint16(b, uint16(scale))
		for _, d := range digits {
			b = binary.BigEndian.AppendUint16(b, d)
		}
		return b
	}
	for _, c := range []struct {
		raw              []byte
		precision, scale int32
		want             string // "": none
		text             string
	}{
		{wire(0, 0, 0), 10, 2, "0.00", "0"},
		{wire(0, 0, 2, 12, 3400), 10, 2, "12.34", "12.34"},
		{wire(0, numericNegative, 2, 12, 3400), 10, 2, "-12.34", "-12.34"},
		{wire(2, 0, 0, 1), 12, 2, "100000000.00", "100000000"},
		{wire(-2, 0, 8, 1), 10, 8, "0.00000001", "0.00000001"},
		{wire(0, 0, 2, 12, 3456), 10, 2, "", "12.34"},
		{wire(0, 0xC000, 0), 10, 2, "", "NaN"},
		{wire(0, 0xD000, 0), 10, 2, "", "Infinity"},
		{wire(0, 0xF000, 0), 10, 2, "", "-Infinity"},
		{wire(9, 0, 0, 100), 38, 0, "", "100" + strings.Repeat("0", 36)},
		{wire(9, 0, 0, 10), 38, 0, "10" + strings.Repeat("0", 36), "10" + strings.Repeat("0", 36)},
		{wire(200, 0, 0, 1), 38, 0, "", "1" + strings.Repeat("0", 800)},
		{wire(1, 0, 0, 1, 0, 0), 7, 2, "10000.00", "10000"},
		{wire(0, 0x1234, 0), 10, 2, "", ""},
		{[]byte{1}, 10, 2, "", ""},
	} {
		got := ""
		if v, ok := parseDecimal(c.raw, c.precision, c.scale); ok {
			got = v.ToString(c.scale)
		}
		if got != c.want {
			t.Errorf("%x as (%d,%d): %q, want %q", c.raw, c.precision, c.scale, got, c.want)
		}
		if text, _ := numericText(c.raw); text != c.text {
			t.Errorf("%x as text: %q, want %q", c.raw, text, c.text)
		}
	}
}
