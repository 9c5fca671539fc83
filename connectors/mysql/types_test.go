package mysql

import (
	"testing"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/testservers/mysql"
)

// TestTypes reads the extremes of every type from real servers.
func TestTypes(t *testing.T) {
	t.Parallel()
	each(t, mysql.Config{Zone: "America/New_York"}, func(t *testing.T, b bundle) {
		b.run("CREATE TABLE many (id int PRIMARY KEY, v int)")
		for i, c := range typeCases() {
			checkType(t, b, i, c)
		}
	})
}

type typeCase struct {
	column string   // as declared
	arrow  string   // the Arrow type
	values []string // SQL
	want   []string
	mysql  []string // want of MySQL, where it differs
	lossy  bool
}

func typeCases() []typeCase {
	return []typeCase{
		{column: "tinyint", arrow: "int8", values: []string{"-128", "127", "NULL"}, want: []string{"-128", "127", "NULL"}},
		{column: "tinyint(1)", arrow: "int8", values: []string{"5", "0", "-128"}, want: []string{"5", "0", "-128"}},
		{column: "tinyint unsigned", arrow: "uint8", values: []string{"255", "0"}, want: []string{"255", "0"}},
		{column: "smallint", arrow: "int16", values: []string{"-32768", "32767"}, want: []string{"-32768", "32767"}},
		{column: "smallint unsigned", arrow: "uint16", values: []string{"65535"}, want: []string{"65535"}},
		{column: "mediumint", arrow: "int32", values: []string{"-8388608", "8388607"}, want: []string{"-8388608", "8388607"}},
		{column: "mediumint unsigned", arrow: "uint32", values: []string{"16777215"}, want: []string{"16777215"}},
		{column: "int", arrow: "int32", values: []string{"-2147483648", "2147483647"}, want: []string{"-2147483648", "2147483647"}},
		{column: "int(6) unsigned zerofill", arrow: "uint32", values: []string{"42", "4294967295"}, want: []string{"42", "4294967295"}},
		{column: "bigint", arrow: "int64", values: []string{"-9223372036854775808", "9223372036854775807"}, want: []string{"-9223372036854775808", "9223372036854775807"}},
		{column: "bigint unsigned", arrow: "uint64", values: []string{"18446744073709551615", "0"}, want: []string{"18446744073709551615", "0"}},
		{column: "decimal(12,2)", arrow: "decimal(12, 2)", values: []string{"-9999999999.99", "0.05", "0"}, want: []string{"-9999999999.99", "0.05", "0"}},
		{column: "decimal(38,10)", arrow: "decimal(38, 10)", values: []string{"9999999999999999999999999999.9999999999", "-0.0000000001"},
			want: []string{"9999999999999999999999999999.9999999999", "-1e-10"}},
		{column: "decimal(65,30)", arrow: "decimal256(65, 30)", values: []string{"-99999999999999999999999999999999999.999999999999999999999999999999", "0.000000000000000000000000000001"},
			want: []string{"-99999999999999999999999999999999999.999999999999999999999999999999", "1e-30"}},
		{column: "float", arrow: "float32", values: []string{"16777217", "3.4028234e38", "0.1", "-0.5"}, want: []string{"1.6777216e+07", "3.4028235e+38", "0.1", "-0.5"}},
		{column: "double", arrow: "float64", values: []string{"1.7976931348623157e308", "5e-324", "0.30000000000000004", "9007199254740993"},
			want: []string{"1.7976931348623157e+308", "5e-324", "0.30000000000000004", "9.007199254740992e+15"}},
		{column: "bit(1)", arrow: "bool", values: []string{"b'1'", "b'0'", "NULL"}, want: []string{"true", "false", "NULL"}},
		{column: "bit(9)", arrow: "uint64", values: []string{"b'101010101'", "0"}, want: []string{"341", "0"}},
		{column: "bit(64)", arrow: "uint64", values: []string{"0xffffffffffffffff"}, want: []string{"18446744073709551615"}},
		{column: "year", arrow: "int16", values: []string{"1901", "2155", "0"}, want: []string{"1901", "2155", "NULL"}, lossy: true},
		{column: "date", arrow: "date32", values: []string{"'9999-12-31'", "'1000-01-01'", "'0000-00-00'", "'2026-00-15'", "'2024-02-29'"},
			want: []string{"9999-12-31", "1000-01-01", "NULL", "NULL", "2024-02-29"}, lossy: true},
		{column: "datetime(6)", arrow: "timestamp[us]", values: []string{"'9999-12-31 23:59:59.999999'", "'0000-00-00'", "'1969-12-31 23:59:59.5'", "'2026-01-00 01:02:03'"},
			want: []string{"9999-12-31T23:59:59.999999", "NULL", "1969-12-31T23:59:59.5", "NULL"}, lossy: true},
		{column: "datetime", arrow: "timestamp[us]", values: []string{"'2026-11-01 01:30:00'"}, want: []string{"2026-11-01T01:30:00"}, lossy: true},
		{column: "timestamp(3) null", arrow: "timestamp[us, tz=UTC]", values: []string{"'2038-01-19 03:14:07.999'", "'1970-01-01 00:00:01'", "0", "NULL"},
			want: []string{"2038-01-19T03:14:07.999Z", "1970-01-01T00:00:01Z", "NULL", "NULL"}, lossy: true},
		{column: "time(6)", arrow: "duration[us]", values: []string{"'838:59:59'", "'-838:59:59'", "'-00:00:00.000001'", "'24:00:00'"},
			want: []string{"3020399000000us", "-3020399000000us", "-1us", "86400000000us"}},
		{column: "enum('a','b','')", arrow: "utf8", values: []string{"'a'", "''", "'nonsense'"}, want: []string{"a", "", ""}, lossy: true},
		{column: "set('x','y','z')", arrow: "list<item: utf8, nullable>", values: []string{"'x,z'", "''", "NULL"}, want: []string{`["x","z"]`, "[]", "NULL"}},
		{column: "json", arrow: "utf8", values: []string{`'{"a":1.10,"b":[9007199254740993]}'`, "'null'", "NULL"}, want: []string{`{"a":1.10,"b":[9007199254740993]}`, "null", "NULL"},
			mysql: []string{`{"a": 1.1, "b": [9007199254740993]}`, "null", "NULL"}},
		{column: "varchar(20)", arrow: "utf8", values: []string{"'ä€😀'", "''", "'a\\0b'", "'trail  '"}, want: []string{"ä€😀", "", "a\x00b", "trail  "}},
		{column: "char(5) character set latin1", arrow: "utf8", values: []string{"'é€'"}, want: []string{"é€"}},
		{column: "varchar(9) character set utf16", arrow: "utf8", values: []string{"'ä😀'"}, want: []string{"ä😀"}},
		{column: "longtext", arrow: "utf8", values: []string{"REPEAT('ab', 3)"}, want: []string{"ababab"}},
		{column: "binary(4)", arrow: "binary", values: []string{"X'01'"}, want: []string{"AQAAAA=="}},
		{column: "varbinary(4)", arrow: "binary", values: []string{"X'00ff'", "''"}, want: []string{"AP8=", ""}},
		{column: "longblob", arrow: "binary", values: []string{"X'deadbeef'"}, want: []string{"3q2+7w=="}},
		{column: "point", arrow: "binary", values: []string{"ST_GeomFromText('POINT(1 2)')", "NULL"}, want: []string{"AQEAAAAAAAAAAADwPwAAAAAAAABA", "NULL"}},
		// With a reference system it is EWKB: type 0x20000001, then 4326.
		{column: "geometry", arrow: "binary", values: []string{"ST_GeomFromText('POINT(1 2)', 4326)"}, want: []string{"AQEAACDmEAAAAAAAAAAA8D8AAAAAAAAAQA=="},
			mysql: []string{"AQEAACDmEAAAAAAAAAAAAEAAAAAAAADwPw=="}},
		{column: "int AS (id * 2) STORED", arrow: "int32", values: []string{"DEFAULT"}, want: []string{"2"}},
	}
}

func checkType(t *testing.T, b bundle, n int, c typeCase) {
	t.Helper()
	name := "t" + string(rune('a'+n/26)) + string(rune('a'+n%26))
	b.run("CREATE TABLE " + name + " (id int PRIMARY KEY, v " + c.column + ")")
	w := b.writer()
	must(t, w.Exec(testContext(t), "SET sql_mode = '', time_zone = '+00:00'"))
	for i, v := range c.values {
		must(t, w.Exec(testContext(t), "INSERT INTO "+name+" (id, v) VALUES ("+string(rune('1'+i))+", "+v+")"))
	}
	must(t, w.Close())
	s := b.open()
	defer s.Close()
	table := tableOf(t, s, "shop."+name)
	column, _ := table.Column("v")
	if column.Type.String() != c.arrow {
		t.Errorf("%s arrives as %s, want %s", c.column, column.Type, c.arrow)
	}
	if (column.Lossy != "") != c.lossy {
		t.Errorf("%s: the loss is said as %q", c.column, column.Lossy)
	}
	want := c.want
	if c.mysql != nil && b.Flavour() == mysql.MySQL {
		want = c.mysql
	}
	got := read(t, s, request(table, connector.PrimaryKeyBatch, ""))
	texts := got.texts("v")
	if len(texts) != len(want) {
		t.Fatalf("%s: %d rows, want %d", c.column, len(texts), len(want))
	}
	for i := range want {
		if texts[i] != want[i] {
			t.Errorf("%s: %s arrives as %q, want %q", c.column, c.values[i], texts[i], want[i])
		}
	}
	// The hash of the source and that of the reading must be the same.
	req := request(table, connector.PrimaryKeyBatch, "")
	req.Position = got.at
	if again := read(t, s, req); len(again.rows) != 0 {
		t.Errorf("%s: %d rows are read again although nothing changed", c.column, len(again.rows))
	}
}
