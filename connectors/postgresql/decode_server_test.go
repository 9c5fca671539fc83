package postgresql

import (
	"fmt"
	"strings"
	"testing"

	"github.com/regrant/regrant/connector"
)

// typeCase is a column with values as SQL and as they are to arrive.
type typeCase struct {
	name, kind string
	values     [][2]string // SQL, Arrow's own text
	lost       int         // values that have no form and become NULL
}

func typeCases() []typeCase {
	return []typeCase{
		{"c_bool", "bool", [][2]string{{"true", "true"}, {"false", "false"}}, 0},
		{"c_int2", "int2", [][2]string{{"-32768", "-32768"}, {"32767", "32767"}}, 0},
		{"c_int4", "int4", [][2]string{{"-2147483648", "-2147483648"}, {"2147483647", "2147483647"}}, 0},
		{"c_int8", "int8", [][2]string{{"'-9223372036854775808'", "-9223372036854775808"}, {"9223372036854775807", "9223372036854775807"}}, 0},
		{"c_float4", "float4", [][2]string{{"'1.17549435e-38'", "1.1754944e-38"}, {"'NaN'", "NaN"}, {"'-Infinity'", "-Inf"}, {"0.1", "0.1"}}, 0},
		{"c_float8", "float8", [][2]string{{"'1.7976931348623157e308'", "1.7976931348623157e+308"}, {"'5e-324'", "5e-324"}, {"'NaN'", "NaN"}, {"'Infinity'", "+Inf"}, {"0.1", "0.1"}}, 0},
		{"c_num122", "numeric(12,2)", [][2]string{{"9999999999.99", "9999999999.99"}, {"-9999999999.99", "-9999999999.99"}, {"0.01", "0.01"}, {"0", "0"}, {"'NaN'", "NULL"}, {"100000000", "100000000"}}, 1},
		{"c_num380", "numeric(38,0)", [][2]string{{strings.Repeat("9", 38), strings.Repeat("9", 38)}, {"-" + strings.Repeat("9", 38), "-" + strings.Repeat("9", 38)}, {"1", "1"}}, 0},
		{"c_num3838", "numeric(38,38)", [][2]string{{"0." + strings.Repeat("9", 38), "0." + strings.Repeat("9", 38)}, {"'1e-38'", "1e-38"}}, 0},
		{"c_num3810", "numeric(38,10)", [][2]string{{"1234567890123456789012345678.0123456789", "1234567890123456789012345678.0123456789"}}, 0},
		{"c_num50", "numeric(50,2)", [][2]string{{strings.Repeat("9", 48) + ".99", strings.Repeat("9", 48) + ".99"}}, 0},
		{"c_num", "numeric", [][2]string{{"1e100", "1" + strings.Repeat("0", 100)}, {"1.10", "1.10"}, {"'NaN'", "NaN"}, {"'Infinity'", "Infinity"}}, 0},
		{"c_numneg", "numeric(5,-2)", [][2]string{{"12345", "12300"}}, 0},
		{"c_money", "money", [][2]string{{"'-92233720368547758.08'::money", "-92233720368547758.08"}, {"'$1,234.56'::money", "1234.56"}}, 0},
		{"c_text", "text", [][2]string{{"''", ""}, {"'zażółć 🐘 ''\"\\'", `zażółć 🐘 '"\`}, {"repeat('x', 300)", strings.Repeat("x", 300)}}, 0},
		{"c_varchar", "varchar(10)", [][2]string{{"'ab '", "ab "}}, 0},
		{"c_char", "char(5)", [][2]string{{"'ab'", "ab"}, {"''", ""}}, 0},
		{"c_qchar", `"char"`, [][2]string{{"'x'", "x"}}, 0},
		{"c_name", "name", [][2]string{{"'n'", "n"}}, 0},
		{"c_bytea", "bytea", [][2]string{{`'\x00ff10'`, "AP8Q"}, {"''", ""}}, 0},
		{"c_date", "date", [][2]string{{"'2024-02-29'", "2024-02-29"}, {"'0044-03-15 BC'", "-0043-03-15"}, {"'infinity'", "NULL"}, {"'-infinity'", "NULL"}, {"'1970-01-01'", "1970-01-01"}}, 2},
		{"c_ts", "timestamp", [][2]string{{"'2024-02-29 23:59:59.999999'", "2024-02-29T23:59:59.999999"}, {"'0001-01-01 00:00:00 BC'", "0000-01-01T00:00:00"}, {"'infinity'", "NULL"}, {"'294276-12-31 23:59:59.999999'", "NULL"}}, 2},
		{"c_tstz", "timestamptz", [][2]string{{"'2024-02-29 23:59:59.999999+02'", "2024-02-29T21:59:59.999999Z"}, {"'-infinity'", "NULL"}}, 1},
		{"c_time", "time", [][2]string{{"'00:00:00'", "00:00:00.000000"}, {"'23:59:59.999999'", "23:59:59.999999"}}, 0},
		{"c_timetz", "timetz", [][2]string{{"'24:00:00-08'", "24:00:00-08"}}, 0},
		{"c_interval", "interval", [][2]string{{"'1 year 2 mons -3 days 04:05:06.5'", `{"months":14,"days":-3,"nanoseconds":14706500000000}`}, {"'3000000 hours'", "NULL"}}, 1},
		{"c_uuid", "uuid", [][2]string{{"'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}}, 0},
		{"c_json", "json", [][2]string{{`'{"b": 1.10, "a":null, "b":2}'`, `{"b": 1.10, "a":null, "b":2}`}, {"'null'", "null"}}, 0},
		{"c_jsonb", "jsonb", [][2]string{{`'{"b": 1.10, "a": null}'`, `{"a": null, "b": 1.10}`}, {"'null'", "null"}}, 0},
		{"c_inet", "inet", [][2]string{{"'10.0.0.1/8'", "10.0.0.1/8"}}, 0},
		{"c_cidr", "cidr", [][2]string{{"'10.0.0.0/8'", "10.0.0.0/8"}}, 0},
		{"c_macaddr", "macaddr", [][2]string{{"'08:00:2b:01:02:03'", "08:00:2b:01:02:03"}}, 0},
		{"c_bit", "bit(4)", [][2]string{{"B'1010'", "1010"}}, 0},
		{"c_varbit", "varbit", [][2]string{{"B'101'", "101"}}, 0},
		{"c_xml", "xml", [][2]string{{"'<a>b</a>'", "<a>b</a>"}}, 0},
		{"c_tsvector", "tsvector", [][2]string{{"'b a'", "'a' 'b'"}}, 0},
		{"c_lsn", "pg_lsn", [][2]string{{"'16/B374D848'", "16/B374D848"}}, 0},
		{"c_oid", "oid", [][2]string{{"4294967295", "4294967295"}}, 0},
		{"c_regclass", "regclass", [][2]string{{"'pg_class'", "1259"}}, 0},
		{"c_point", "point", [][2]string{{"'(1,2)'", "(1,2)"}}, 0},
		{"c_range", "int4range", [][2]string{{"'[1,5)'", "[1,5)"}}, 0},
		{"c_multi", "int4multirange", [][2]string{{"'{[1,5)}'", "{[1,5)}"}}, 0},
		{"c_enum", "mood", [][2]string{{"'sad'", "sad"}, {"'happy'", "happy"}}, 0},
		{"c_domain", "price", [][2]string{{"12.5", "12.5"}}, 0},
		{"c_domain2", "price2", [][2]string{{"12.5", "12.5"}}, 0},
		{"c_comp", "pair", [][2]string{{"ROW(1,'x y')", `(1,"x y")`}}, 0},
		{"c_hstore", "hstore", [][2]string{{`'a=>1'`, `"a"=>"1"`}}, 0},
		{"c_citext", "citext", [][2]string{{`'Ab'`, `Ab`}}, 0},
		{"c_ints", "int4[]", [][2]string{{"'{1,NULL,3}'", "[1,null,3]"}, {"'{}'", "[]"}, {"'[5:6]={7,8}'", "[7,8]"}, {"'{{1,2},{3,4}}'", "NULL"}}, 1},
		{"c_texts", "text[]", [][2]string{{`'{a,"b c",NULL}'`, `["a","b c",null]`}}, 0},
		{"c_nums", "numeric(6,2)[]", [][2]string{{`'{1.5,NULL}'`, `["1.5",null]`}}, 0},
		{"c_bignums", "numeric[]", [][2]string{{`'{1.5,1e50}'`, `["1.5","1` + strings.Repeat("0", 50) + `"]`}}, 0},
		{"c_moods", "mood[]", [][2]string{{`'{sad,happy}'`, `["sad","happy"]`}}, 0},
		{"c_jsons", "jsonb[]", [][2]string{{`ARRAY['{"a": 1}'::jsonb]`, `["{\"a\": 1}"]`}}, 0},
		{"c_grid", "int4[][]", [][2]string{{"'{{1,2},{3,4}}'", "{{1,2},{3,4}}"}}, 0},
		{"c_uuids", "uuid[]", [][2]string{{"'{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'", `["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]`}}, 0},
		{"c_dates", "date[]", [][2]string{{"'{2024-01-02,infinity}'", `["2024-01-02",null]`}}, 1},
		{"c_int2v", "int2vector", [][2]string{{"'1 2'", "1 2"}}, 0},
	}
}

// TestEveryType writes each value, extremes included, and compares what
// arrives value by value. Each column has a NULL, too.
func TestEveryType(t *testing.T) {
	t.Parallel()
	setupSQL := []string{"CREATE EXTENSION hstore", "CREATE EXTENSION citext", "CREATE TYPE mood AS ENUM ('sad', 'happy')", "CREATE DOMAIN price AS numeric(10,2)", "CREATE DOMAIN price2 AS price CHECK (VALUE > 0)",
		"CREATE TYPE pair AS (a int, b text)"}
	cases := typeCases()
	for _, c := range cases {
		setupSQL = append(setupSQL, fmt.Sprintf("CREATE TABLE %s (id int PRIMARY KEY, v %s)", c.name, c.kind))
		for i, v := range c.values {
			setupSQL = append(setupSQL, fmt.Sprintf("INSERT INTO %s VALUES (%d, %s)", c.name, i, v[0]))
		}
		setupSQL = append(setupSQL, fmt.Sprintf("INSERT INTO %s VALUES (%d, NULL)", c.name, len(c.values)))
	}
	b := setup(t, setupSQL...)
	s := b.open()
	tables, err := s.Tables(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]connector.Table{}
	for _, table := range tables {
		byName[table.Name] = table
	}
	for _, c := range cases {
		table := byName["public."+c.name]
		got := read(t, s, request(table, connector.FullTable, ""))
		if len(got.rows) != len(c.values)+1 {
			t.Errorf("%s: %d rows of %d", c.name, len(got.rows), len(c.values)+1)
			continue
		}
		for i, v := range c.values {
			if got.rows[i]["v"] != v[1] {
				t.Errorf("%s %s: got %s, want %s", c.kind, v[0], got.rows[i]["v"], v[1])
			}
		}
		if last := got.rows[len(c.values)]["v"]; last != "NULL" {
			t.Errorf("%s: NULL arrived as %s", c.kind, last)
		}
		if column, _ := table.Column("v"); c.lost > 0 && column.Lossy == "" {
			t.Errorf("%s loses values and does not say so", c.kind)
		}
	}
}
