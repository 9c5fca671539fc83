package warehousetest

import (
	"fmt"
	"math"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/warehouse"
)

func columnTests() []test {
	tests := []test{
		{"added and gone", testAddedAndGone},
		{"names that differ in case, quotes and ours", testOddNames},
		{"tables that differ in case", testTablesByCase},
		{"lists", testLists},
		{"json that no parser takes is kept", testBrokenJSON},
		{"many columns", testManyColumns},
		{"many rows of many columns", testWide},
		{"structs, maps and dictionaries", testNested},
		{"sliced records", testSlices},
	}
	for _, k := range kinds() {
		tests = append(tests, test{"type " + k.name, k.test}, test{"key of type " + k.name, k.testKey})
	}
	for _, w := range widenings() {
		tests = append(tests, test{"from " + w.from.String() + " to " + w.to.String(), w.test})
	}
	return tests
}

func testAddedAndGone(b *bundle) {
	tb := items()
	b.put(tb.spec(), "p", counts{Inserted: 2}, tb.batch([]any{1, "a", 10}, []any{2, "b", 20}))
	wide := tb
	wide.columns = append(append([]connector.Column{}, tb.columns...), column("extra", arrow.FixedWidthTypes.Boolean))
	b.put(wide.spec(), "p", counts{Inserted: 1, Updated: 1}, wide.batch([]any{2, "bb", 21, "true"}, []any{3, "c", 30, nil}))
	narrow := tb
	narrow.columns = tb.columns[:2]
	b.put(narrow.spec(), "p", counts{Inserted: 1, Updated: 2}, narrow.batch([]any{2, "bbb"}, []any{1, "aa"}, []any{4, "d"}))
	b.want(b.rows(tb, "id", "name", "n", "extra"), "1|'aa'|10|NULL", "2|'bbb'|21|true", "3|'c'|30|NULL", "4|'d'|NULL|NULL")
	l := b.begin(narrow.spec())
	if err := l.Delete(b.t.Context(), narrow.keys([]any{2})); err != nil {
		b.t.Fatal(err)
	}
	b.commit(l, "p", counts{Deleted: 1})
	b.write(l, narrow.batch([]any{2, "back"}, []any{3, "cc"}))
	b.finish(l, "p", counts{Inserted: 1, Updated: 1})
	b.want(b.rows(tb, "id", "name", "n", "extra"), "1|'aa'|10|NULL", "2|'back'|21|true", "3|'cc'|30|NULL", "4|'d'|NULL|NULL")
}

func testOddNames(b *bundle) {
	tb := table{
		name: warehouse.Name{Schema: `od"d 'schema`, Table: `t"; drop table x; --`},
		key:  []string{"ID"},
		columns: []connector.Column{column("ID", arrow.PrimitiveTypes.Int64), column("id", arrow.BinaryTypes.String), column("Id", arrow.BinaryTypes.String),
			column(warehouse.PulledAt, arrow.BinaryTypes.String), column(`q"uo'te`, arrow.BinaryTypes.String), column("select", arrow.BinaryTypes.String), column("ünï", arrow.BinaryTypes.String)},
	}
	b.put(tb.spec(), "p", counts{Inserted: 1}, tb.batch([]any{1, "a", "b", "c", "d", "e", "f"}))
	b.put(tb.spec(), "p", counts{Updated: 1}, tb.batch([]any{1, "A", "B", "C", "D", "E", "F"}))
	s := b.describe(tb.name)
	if len(s.Columns) != len(tb.columns)+2 {
		b.t.Errorf("the table has the columns %v, want one for each of the source and 2", s.Columns)
	}
	var names []string
	for _, c := range s.Columns[:len(tb.columns)] {
		names = append(names, c.Name)
	}
	b.want(b.rows(tb, names...), "1|'A'|'B'|'C'|'D'|'E'|'F'")
}

func testTablesByCase(b *bundle) {
	lower, upper := items(), items()
	lower.name.Table, upper.name.Table = "orders", "Orders"
	b.put(lower.spec(), "l", counts{Inserted: 1}, lower.batch([]any{1, "l", 1}))
	b.put(upper.spec(), "u", counts{Inserted: 2}, upper.batch([]any{1, "u", 1}, []any{2, "u", 1}))
	if l, u := b.describe(lower.name), b.describe(upper.name); l.Rows != 1 || u.Rows != 2 || l.Position != "l" || u.Position != "u" {
		b.t.Errorf("the tables are mixed up: %+v and %+v", l, u)
	}
	b.put(upper.spec(), "u", counts{Updated: 1}, upper.batch([]any{2, "u2", 1}))
	if err := b.w.Drop(b.t.Context(), lower.name); err != nil {
		b.t.Fatal(err)
	}
	if u := b.describe(upper.name); u.Rows != 2 || u.Position != "u" {
		b.t.Errorf("the drop of orders changed Orders: %+v", u)
	}
}

func testLists(b *bundle) {
	list := arrow.ListOf(arrow.PrimitiveTypes.Int32)
	tb := table{name: items().name, key: []string{"id"}, columns: []connector.Column{column("id", arrow.PrimitiveTypes.Int64), column("l", list)}}
	build := func(values ...any) any {
		return func(bl array.Builder) {
			lb := bl.(*array.ListBuilder)
			lb.Append(true)
			for _, v := range values {
				appendValue(lb.ValueBuilder(), v)
			}
		}
	}
	rows := [][]any{{1, build(1, 2, nil)}, {2, build()}, {3, nil}, {1, build(7)}}
	b.put(tb.spec(), "p", counts{Inserted: 3}, tb.batch(rows...))
	b.want(b.rows(tb, "id", "l"), "1|'[7]'", "2|'[]'", "3|NULL")
	wide := tb
	wide.columns = []connector.Column{tb.columns[0], column("l", arrow.ListOf(arrow.BinaryTypes.String))}
	b.put(wide.spec(), "p", counts{Inserted: 1}, wide.batch([]any{4, build("x", nil)}))
	b.want(b.rows(tb, "id", "l"), `1|'["7"]'`, "2|'[]'", "3|NULL", `4|'["x",null]'`)
}

func testNested(b *bundle) {
	pair := arrow.StructOf(arrow.Field{Name: "a b", Type: arrow.PrimitiveTypes.Int32, Nullable: true}, arrow.Field{Name: "c", Type: arrow.BinaryTypes.String, Nullable: true})
	words := arrow.MapOf(arrow.BinaryTypes.String, arrow.BinaryTypes.String)
	tb := table{name: items().name, key: []string{"id"}, columns: []connector.Column{
		column("id", arrow.PrimitiveTypes.Int64), column("s", pair), column("m", words),
		column("d", &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}),
		column("big", arrow.ListOf(&arrow.Decimal256Type{Precision: 60, Scale: 1})), column("f", arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Int32)),
		column("nothing", arrow.Null),
	}}
	s := func(bl array.Builder) {
		sb := bl.(*array.StructBuilder)
		sb.Append(true)
		appendValue(sb.FieldBuilder(0), 1)
		appendValue(sb.FieldBuilder(1), nil)
	}
	m := func(bl array.Builder) {
		mb := bl.(*array.MapBuilder)
		mb.Append(true)
		appendValue(mb.KeyBuilder(), "k")
		appendValue(mb.ItemBuilder(), "v")
	}
	f := func(bl array.Builder) {
		fb := bl.(*array.FixedSizeListBuilder)
		fb.Append(true)
		appendValue(fb.ValueBuilder(), 1)
		appendValue(fb.ValueBuilder(), 2)
	}
	rows := [][]any{{1, s, m, "red", nil, f, nil}, {2, nil, nil, nil, nil, nil, nil}, {3, s, nil, "red", nil, nil, nil}, {2, s, m, "blue", nil, f, nil}}
	b.put(tb.spec(), "p", counts{Inserted: 3}, tb.batch(rows...))
	b.put(tb.spec(), "p", counts{Updated: 1}, tb.batch(rows[0]))
	all := `'{"a b":1,"c":null}'|'{"k":"v"}'|'`
	b.want(b.rows(tb, "id", "s", "m", "d", "big", "f", "nothing"), "1|"+all+"red'|NULL|'[1,2]'|NULL", "2|"+all+"blue'|NULL|'[1,2]'|NULL", `3|'{"a b":1,"c":null}'|NULL|'red'|NULL|NULL|NULL`)
}

func testBrokenJSON(b *bundle) {
	c := column("j", arrow.BinaryTypes.String)
	c.SourceType = "json"
	tb := table{name: items().name, key: []string{"id"}, columns: []connector.Column{column("id", arrow.PrimitiveTypes.Int64), c}}
	b.put(tb.spec(), "p", counts{Inserted: 4}, tb.batch([]any{1, `{"a": 1.10, "a": 2}`}, []any{2, `{"broken`}, []any{3, "null"}, []any{4, nil}))
	b.want(b.rows(tb, "id", "j"), `1|'{"a": 1.10, "a": 2}'`, `2|'"{\"broken"'`, "3|'null'", "4|NULL")
}

func testManyColumns(b *bundle) {
	tb := table{name: items().name, key: []string{"c0"}}
	row := make([]any, 0, 800)
	for i := range 800 {
		tb.columns = append(tb.columns, column(fmt.Sprintf("c%d", i), arrow.PrimitiveTypes.Int32))
		row = append(row, i)
	}
	b.put(tb.spec(), "p", counts{Inserted: 1}, tb.batch(row))
	b.want(b.rows(tb, "c0", "c799"), "0|799")
}

// testWide: what an engine needs may grow with the width; it must not fail.
func testWide(b *bundle) {
	tb := table{name: items().name, key: []string{"c0"}}
	const columns, commits, rows = 300, 4, 4000
	for i := range columns {
		tb.columns = append(tb.columns, column(fmt.Sprintf("c%d", i), []arrow.DataType{arrow.PrimitiveTypes.Int64, arrow.BinaryTypes.String}[i%2]))
	}
	l := b.begin(tb.spec())
	for c := range commits {
		rb := array.NewRecordBuilder(memory.DefaultAllocator, tb.schema())
		for i, f := range rb.Fields() {
			for r := range rows {
				if f, ok := f.(*array.Int64Builder); ok {
					f.Append(int64(c*rows + r + i))
					continue
				}
				appendText(f, fmt.Sprint("value ", i*r*7919))
			}
		}
		b.write(l, connector.Batch{Record: rb.NewRecordBatch()})
		rb.Release()
		b.commit(l, "p", counts{Inserted: rows})
	}
	b.finish(l, "q", counts{})
	b.reopen()
	b.want(b.query(fmt.Sprintf("select count(*), count(distinct c0), max(c298) from %s", sqlName(tb.name))), fmt.Sprintf("%[1]d|%[1]d|%d", commits*rows, commits*rows+297))
}

// testSlices writes pieces of larger records, as readers yield them.
func testSlices(b *bundle) {
	for _, k := range kinds() {
		tb := k.table()
		tb.name.Table = k.name
		rows := k.rows()
		rows = append(rows, k.rows()...)
		for i := range rows {
			rows[i][0] = i
		}
		whole := record(tb.schema(), rows...)
		l := b.begin(tb.spec())
		for from := 0; from < len(rows); from += 3 {
			b.write(l, connector.Batch{Record: whole.NewSlice(int64(from), int64(min(from+3, len(rows))))})
		}
		whole.Release()
		b.finish(l, "p", counts{Inserted: int64(len(rows))})
		b.want(b.rows(tb, "id", "v"), k.lines(2)...)
	}
}

// kind is a type with values, and what a query says of them.
type kind struct {
	name   string
	column connector.Column
	values []any
	want   []string
	noKey  bool // not comparable or not fit for a key
}

func (k kind) table() table {
	c := k.column
	c.Name = "v"
	return table{name: warehouse.Name{Schema: "types", Table: "t"}, key: []string{"id"}, columns: []connector.Column{column("id", arrow.PrimitiveTypes.Int64), c}}
}

func (k kind) rows() [][]any {
	rows := make([][]any, 0, len(k.values)+1)
	for i, v := range append(append([]any{}, k.values...), nil) {
		rows = append(rows, []any{i, v})
	}
	return rows
}

func (k kind) lines(times int) []string {
	var out []string
	for range times {
		for _, w := range append(append([]string{}, k.want...), "NULL") {
			out = append(out, fmt.Sprintf("%d|%s", len(out), w))
		}
	}
	return out
}

func (k kind) test(b *bundle) {
	tb := k.table()
	n := int64(len(k.values) + 1)
	b.put(tb.spec(), "p", counts{Inserted: n}, tb.batch(k.rows()...))
	b.want(b.rows(tb, "id", "v"), k.lines(1)...)
	b.put(tb.spec(), "q", counts{Updated: n}, tb.batch(k.rows()...))
	b.want(b.rows(tb, "id", "v"), k.lines(1)...)
	l := b.begin(tb.spec())
	if err := l.Update(b.t.Context(), tb.batch(k.rows()...)); err != nil {
		b.t.Fatal(err)
	}
	b.finish(l, "r", counts{})
}

// testKey uses the type as key: upsert, update, delete and the range.
func (k kind) testKey(b *bundle) {
	if k.noKey {
		b.t.Skip("not a type that keys have")
	}
	tb := k.table()
	tb.key = []string{"v"}
	rows := k.rows()
	rows = rows[:len(rows)-1]
	n := int64(len(rows))
	b.put(tb.spec(), "p", counts{Inserted: n}, tb.batch(append(rows, rows...)...))
	b.put(tb.spec(), "p", counts{Updated: n}, tb.batch(rows...))
	l := b.begin(tb.spec())
	missing, truncated, err := l.Missing(b.t.Context(), connector.Batch{Record: tb.keys(rows[0][1:]), Complete: &connector.KeyRange{}}, 100)
	if err != nil || truncated {
		b.t.Fatalf("missing: truncated %v, %v", truncated, err)
	}
	if missing.NumRows() != n-1 || !arrow.TypeEqual(missing.Schema().Field(0).Type, tb.columns[1].Type) {
		b.t.Errorf("missing are %v, want %d rows of %s", missing, n-1, tb.columns[1].Type)
	}
	if err := l.Delete(b.t.Context(), missing); err != nil {
		b.t.Fatal(err)
	}
	b.finish(l, "p", counts{Deleted: n - 1})
	b.want(b.rows(tb, "v"), k.want[0])
	l = b.begin(tb.spec())
	first := tb.keys(rows[0][1:])
	for _, side := range []struct {
		r    connector.KeyRange
		want int64
	}{{connector.KeyRange{Through: first}, 1}, {connector.KeyRange{After: first}, 0}} {
		missing, _, err := l.Missing(b.t.Context(), connector.Batch{Complete: &side.r}, 100)
		if err != nil {
			b.t.Fatal(err)
		}
		if missing.NumRows() != side.want {
			b.t.Errorf("the range %v lacks %d rows, want %d", side.r, missing.NumRows(), side.want)
		}
	}
}

func typed(t arrow.DataType) connector.Column { return column("v", t) }

func sourced(t arrow.DataType, source string) connector.Column {
	c := column("v", t)
	c.SourceType = source
	return c
}

func raw(value string) any {
	return func(b array.Builder) {
		switch b := b.(type) {
		case *array.BinaryBuilder:
			b.Append([]byte(value))
		case *array.FixedSizeBinaryBuilder:
			b.Append([]byte(value))
		}
	}
}

func kinds() []kind {
	long := strings.Repeat("long ü ", 100)
	uuid := "\x55\x0e\x84\x00\xe2\x9b\x41\xd4\xa7\x16\x44\x66\x55\x44\x00\x00"
	return append(numberKinds(), append(timeKinds(),
		kind{name: "bool", column: typed(arrow.FixedWidthTypes.Boolean), values: []any{"false", "true"}, want: []string{"false", "true"}},
		kind{name: "text", column: typed(arrow.BinaryTypes.String), values: []any{"", "NULL", long, "a\x00b", "'\"\\\n", "日本"}, want: []string{"''", "'NULL'", "'" + long + "'", "'a\x00b'", "''\"\\\n'", "'日本'"}},
		kind{name: "large text", column: typed(arrow.BinaryTypes.LargeString), values: []any{"", "x"}, want: []string{"''", "'x'"}},
		kind{name: "binary", column: typed(arrow.BinaryTypes.Binary), values: []any{raw(""), raw("\x00\xff\x01"), raw("abc")}, want: []string{"''", `'\x00\xFF\x01'`, "'abc'"}},
		kind{name: "json", column: sourced(arrow.BinaryTypes.String, "json"), values: []any{`{"a":[1,null]}`, `"x"`, "null"}, want: []string{`'{"a":[1,null]}'`, `'"x"'`, "'null'"}, noKey: true},
		kind{name: "jsonb", column: sourced(arrow.BinaryTypes.String, "jsonb"), values: []any{`{"a":[1,null]}`, `"x"`, "null"}, want: []string{`'{"a":[1,null]}'`, `'"x"'`, "'null'"}, noKey: true},
		kind{name: "uuid of bytes", column: sourced(&arrow.FixedSizeBinaryType{ByteWidth: 16}, "uuid"), values: []any{raw(uuid), raw(strings.Repeat("\xff", 16))}, want: []string{"'550e8400-e29b-41d4-a716-446655440000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"}},
		kind{name: "uuid of text", column: sourced(arrow.BinaryTypes.String, "uuid"), values: []any{"550e8400-e29b-41d4-a716-446655440000", "ffffffff-ffff-ffff-ffff-ffffffffffff"}, want: []string{"'550e8400-e29b-41d4-a716-446655440000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"}},
		kind{name: "fixed bytes", column: typed(&arrow.FixedSizeBinaryType{ByteWidth: 2}), values: []any{raw("ab"), raw("\x00\x01")}, want: []string{"'ab'", `'\x00\x01'`}, noKey: true},
	)...)
}

func numberKinds() []kind {
	d := func(p, s int32) arrow.DataType { return &arrow.Decimal128Type{Precision: p, Scale: s} }
	number := func(s string, p, sc int32) any {
		return func(b array.Builder) {
			n, err := decimal128.FromString(s, p, sc)
			if err != nil {
				panic(err)
			}
			b.(*array.Decimal128Builder).Append(n)
		}
	}
	nines := strings.Repeat("9", 38)
	p := arrow.PrimitiveTypes
	float := func(f float64) any { return func(b array.Builder) { b.(*array.Float64Builder).Append(f) } }
	return []kind{
		{name: "int8", column: typed(p.Int8), values: []any{"-128", "127"}, want: []string{"-128", "127"}},
		{name: "int16", column: typed(p.Int16), values: []any{"-32768", "32767"}, want: []string{"-32768", "32767"}},
		{name: "int32", column: typed(p.Int32), values: []any{"-2147483648", "2147483647"}, want: []string{"-2147483648", "2147483647"}},
		{name: "int64", column: typed(p.Int64), values: []any{"-9223372036854775808", "0", "9223372036854775807"}, want: []string{"-9223372036854775808", "0", "9223372036854775807"}},
		{name: "uint8", column: typed(p.Uint8), values: []any{"0", "255"}, want: []string{"0", "255"}},
		{name: "uint16", column: typed(p.Uint16), values: []any{"0", "65535"}, want: []string{"0", "65535"}},
		{name: "uint32", column: typed(p.Uint32), values: []any{"0", "4294967295"}, want: []string{"0", "4294967295"}},
		{name: "uint64", column: typed(p.Uint64), values: []any{"0", "18446744073709551615"}, want: []string{"'0'", "'18446744073709551615'"}},
		{name: "float32", column: typed(p.Float32), values: []any{"-1.5", "0.25"}, want: []string{"-1.5", "0.25"}},
		{name: "float64", column: typed(p.Float64), values: []any{"-1.5", float(math.Inf(1)), float(math.NaN()), "1e300"}, want: []string{"-1.5", "'+Inf'", "'NaN'", "1e+300"}},
		{name: "decimal", column: typed(d(12, 2)), values: []any{number("-12.30", 12, 2), number("9999999999.99", 12, 2), number("0", 12, 2)}, want: []string{"'-12.30'", "'9999999999.99'", "'0.00'"}},
		{name: "decimal of 38 digits", column: typed(d(38, 0)), values: []any{number("-"+nines, 38, 0), number(nines, 38, 0)}, want: []string{"'-" + nines + "'", "'" + nines + "'"}},
		{name: "decimal of 4 digits", column: typed(d(4, 4)), values: []any{number("-0.0001", 4, 4), number("0.9999", 4, 4)}, want: []string{"'-0.0001'", "'0.9999'"}},
		{name: "decimal of 65 digits", column: typed(&arrow.Decimal256Type{Precision: 65, Scale: 5}), values: []any{"-1.5", "3"}, want: []string{"'-1.50000'", "'3.00000'"}, noKey: true},
	}
}

func timeKinds() []kind {
	us := func(v int64) any {
		return func(b array.Builder) { b.(*array.TimestampBuilder).Append(arrow.Timestamp(v)) }
	}
	clock := func(v int64) any { return func(b array.Builder) { b.(*array.Time64Builder).Append(arrow.Time64(v)) } }
	day := func(v int32) any { return func(b array.Builder) { b.(*array.Date32Builder).Append(arrow.Date32(v)) } }
	span := func(m, d int32, n int64) any {
		return func(b array.Builder) {
			b.(*array.MonthDayNanoIntervalBuilder).Append(arrow.MonthDayNanoInterval{Months: m, Days: d, Nanoseconds: n})
		}
	}
	ts := func(u arrow.TimeUnit, zone string) connector.Column {
		return typed(&arrow.TimestampType{Unit: u, TimeZone: zone})
	}
	const leap = 1709210096 // 2024-02-29 12:34:56
	return []kind{
		{name: "date", column: typed(arrow.FixedWidthTypes.Date32), values: []any{day(-735579), day(0), day(19782), day(2932896)}, want: []string{"'0045-01-21 (BC)'", "'1970-01-01'", "'2024-02-29'", "'9999-12-31'"}},
		{name: "timestamp", column: ts(arrow.Microsecond, ""), values: []any{us(0), us(leap*1e6 + 123456), us(-1)}, want: []string{"'1970-01-01 00:00:00'", "'2024-02-29 12:34:56.123456'", "'1969-12-31 23:59:59.999999'"}},
		{name: "timestamp with zone", column: ts(arrow.Microsecond, "UTC"), values: []any{us(0), us(leap*1e6 + 1)}, want: []string{"'1970-01-01 00:00:00+00'", "'2024-02-29 12:34:56.000001+00'"}},
		{name: "infinite timestamp", column: ts(arrow.Microsecond, "UTC"), values: []any{us(-math.MaxInt64), us(math.MaxInt64)}, want: []string{"'-infinity'", "'infinity'"}, noKey: true},
		{name: "timestamp of seconds", column: ts(arrow.Second, ""), values: []any{us(0), us(leap), us(math.MaxInt64 / 2)}, want: []string{"'1970-01-01 00:00:00'", "'2024-02-29 12:34:56'", "NULL"}, noKey: true},
		{name: "timestamp of milliseconds", column: ts(arrow.Millisecond, "UTC"), values: []any{us(0), us(leap*1e3 + 7)}, want: []string{"'1970-01-01 00:00:00+00'", "'2024-02-29 12:34:56.007+00'"}},
		{name: "timestamp of nanoseconds", column: ts(arrow.Nanosecond, ""), values: []any{us(0), us(leap*1e9 + 100)}, want: []string{"'1970-01-01 00:00:00'", "'2024-02-29 12:34:56.0000001'"}},
		{name: "time of day", column: typed(arrow.FixedWidthTypes.Time64us), values: []any{clock(0), clock(86399999999), clock(86400000000)}, want: []string{"'00:00:00'", "'23:59:59.999999'", "'24:00:00'"}},
		{name: "interval", column: typed(arrow.FixedWidthTypes.MonthDayNanoInterval), values: []any{span(0, 0, 0), span(14, -3, 1500000000)}, want: []string{"'00:00:00'", "'1 year 2 months -3 days 00:00:01.5'"}, noKey: true},
		{name: "duration", column: typed(arrow.FixedWidthTypes.Duration_us), values: []any{func(b array.Builder) { b.(*array.DurationBuilder).Append(-3020399000000) }}, want: []string{"'-838:59:59'"}, noKey: true},
	}
}

// widening is a change of a column's type at the source.
type widening struct {
	from, to arrow.DataType
	old, new string // as the builders take them
	want     [2]string
}

func widenings() []widening {
	p := arrow.PrimitiveTypes
	d := func(p, s int32) arrow.DataType { return &arrow.Decimal128Type{Precision: p, Scale: s} }
	text := arrow.BinaryTypes.String
	return []widening{
		{p.Int16, p.Int32, "7", "70000", [2]string{"7", "70000"}},
		{p.Int32, p.Int64, "7", "5000000000", [2]string{"7", "5000000000"}},
		{p.Int64, p.Int32, "5000000000", "7", [2]string{"5000000000", "7"}},
		{p.Int64, d(12, 2), "9223372036854775807", "1.25", [2]string{"'9223372036854775807.00'", "'1.25'"}},
		{d(12, 2), d(12, 4), "9999999999.99", "1.2345", [2]string{"'9999999999.9900'", "'1.2345'"}},
		{d(12, 2), p.Int32, "1.25", "5", [2]string{"'1.25'", "'5.00'"}},
		{d(38, 0), d(38, 10), "7", "1.5", [2]string{"'7'", "'1.5000000000'"}},
		{p.Int64, text, "7", "x", [2]string{"'7'", "'x'"}},
		{text, p.Int64, "x", "7", [2]string{"'x'", "'7'"}},
		{p.Uint32, p.Int32, "4294967295", "-1", [2]string{"4294967295", "-1"}},
		{p.Uint64, p.Int64, "18446744073709551615", "-1", [2]string{"'18446744073709551615'", "'-1'"}},
		{p.Float32, p.Float64, "0.5", "1e300", [2]string{"0.5", "1e+300"}},
		{p.Int32, p.Float64, "7", "0.5", [2]string{"7", "0.5"}},
		{p.Int64, p.Float64, "9223372036854775807", "0.5", [2]string{"'9223372036854775807'", "'0.5'"}},
		{arrow.FixedWidthTypes.Boolean, p.Int32, "true", "5", [2]string{"'true'", "'5'"}},
		{arrow.FixedWidthTypes.Date32, &arrow.TimestampType{Unit: arrow.Microsecond}, "2024-02-29", "2024-03-01 12:00:00", [2]string{"'2024-02-29 00:00:00'", "'2024-03-01 12:00:00'"}},
		{&arrow.TimestampType{Unit: arrow.Microsecond}, &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, "2024-03-01 12:00:00", "2024-03-01 12:00:00Z", [2]string{"'2024-03-01 12:00:00+00'", "'2024-03-01 12:00:00+00'"}},
		{arrow.FixedWidthTypes.Date32, text, "2024-02-29", "soon", [2]string{"'2024-02-29'", "'soon'"}},
	}
}

func (w widening) test(b *bundle) {
	one := kind{column: typed(w.from)}.table()
	two := kind{column: typed(w.to)}.table()
	b.put(one.spec(), "p", counts{Inserted: 1}, one.batch([]any{1, w.old}))
	b.put(two.spec(), "p", counts{Inserted: 1}, two.batch([]any{2, w.new}))
	b.want(b.query(fmt.Sprintf("SELECT v FROM %s ORDER BY id", sqlName(two.name))), w.want[0], w.want[1])
	// And once more each, as an old reader and a new one would.
	b.put(one.spec(), "p", counts{Updated: 1}, one.batch([]any{1, w.old}))
	b.put(two.spec(), "p", counts{Updated: 1}, two.batch([]any{2, w.new}))
	b.want(b.query(fmt.Sprintf("SELECT v FROM %s ORDER BY id", sqlName(two.name))), w.want[0], w.want[1])
}
