package sqlserver

import (
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/testservers/tds"
)

func moment(text string) time.Time {
	m, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return m
}

// huge has all 38 digits.
func huge() tds.Decimal {
	n, _ := new(big.Int).SetString(strings.Repeat("9", 38), 10)
	return tds.Decimal{N: n, Scale: 10}
}

// typeCase is a type, values, and how they arrive.
type typeCase struct {
	kind   string
	arrow  string
	values []any
	want   []string
}

func typeCases() []typeCase {
	const guid = tds.GUID("6f9619ff-8b86-d011-b42d-00c04fc964ff")
	return []typeCase{
		{"bit", "bool", []any{true, false, nil}, []string{"true", "false", "NULL"}},
		{"tinyint", "uint8", []any{int64(0), int64(255), nil}, []string{"0", "255", "NULL"}},
		{"smallint", "int16", []any{int64(-32768), int64(32767)}, []string{"-32768", "32767"}},
		{"int", "int32", []any{int64(-2147483648), int64(2147483647)}, []string{"-2147483648", "2147483647"}},
		{"bigint", "int64", []any{int64(-9223372036854775808), int64(9223372036854775807)}, []string{"-9223372036854775808", "9223372036854775807"}},
		{"decimal(12,2)", "decimal(12, 2)", []any{decimal(123, 2), decimal(-5, 2), decimal(0, 2), nil}, []string{"1.23", "-0.05", "0", "NULL"}},
		{"decimal(38,0)", "decimal(38, 0)", []any{decimal(-9223372036854775807, 0)}, []string{"-9223372036854775807"}},
		{"decimal(38,10)", "decimal(38, 10)", []any{huge(), nil}, []string{strings.Repeat("9", 28) + "." + strings.Repeat("9", 10), "NULL"}},
		{"money", "decimal(19, 4)", []any{decimal(12345, 4), decimal(-9223372036854775808, 4)}, []string{"1.2345", "-922337203685477.5808"}},
		{"smallmoney", "decimal(10, 4)", []any{decimal(-2147483648, 4)}, []string{"-214748.3648"}},
		{"real", "float32", []any{1.1, -0.0}, []string{"1.1", "0"}},
		{"float", "float64", []any{1.1, 1e-300, nil}, []string{"1.1", "1e-300", "NULL"}},
		{"date", "date32", []any{moment("0001-01-01T00:00:00Z"), moment("9999-12-31T00:00:00Z")}, []string{"0001-01-01", "9999-12-31"}},
		{"datetime", "timestamp[us]", []any{moment("1753-01-01T00:00:00Z"), moment("2026-11-25T01:02:03.007Z")}, []string{"1753-01-01T00:00:00", "2026-11-25T01:02:03.007"}},
		{"smalldatetime", "timestamp[us]", []any{moment("2026-11-25T01:02:00Z")}, []string{"2026-11-25T01:02:00"}},
		{"datetime2(3)", "timestamp[us]", []any{moment("9999-12-31T23:59:59.999Z"), moment("0001-01-01T00:00:00Z")}, []string{"9999-12-31T23:59:59.999", "0001-01-01T00:00:00"}},
		{"datetime2(7)", "timestamp[ns]", []any{moment("2026-11-25T01:02:03.1234567Z"), moment("9999-12-31T00:00:00Z"), nil}, []string{"2026-11-25T01:02:03.1234567", "NULL", "NULL"}},
		{"datetimeoffset(7)", "timestamp[ns, tz=UTC]", []any{moment("2026-11-25T01:02:03.1234567+05:30")}, []string{"2026-11-24T19:32:03.1234567Z"}},
		{"time(7)", "time64[ns]", []any{moment("0001-01-01T23:59:59.9999999Z")}, []string{"23:59:59.999999900"}},
		{"time(3)", "time64[us]", []any{moment("0001-01-01T23:59:59.999Z"), moment("0001-01-01T00:00:00Z"), nil}, []string{"23:59:59.999000", "00:00:00.000000", "NULL"}},
		{"uniqueidentifier", "utf8", []any{guid, nil}, []string{string(guid), "NULL"}},
		{"char(5)", "utf8", []any{"ab   "}, []string{"ab   "}},
		{"varchar(20)", "utf8", []any{"Grüße", "", nil}, []string{"Grüße", "", "NULL"}},
		{"nvarchar(20)", "utf8", []any{"日本 \U0001F600", ""}, []string{"日本 \U0001F600", ""}},
		{"nvarchar(max)", "utf8", []any{strings.Repeat("ä", 9000), "", nil}, []string{strings.Repeat("ä", 9000), "", "NULL"}},
		{"varchar(max)", "utf8", []any{strings.Repeat("é", 20000)}, []string{strings.Repeat("é", 20000)}},
		{"text", "utf8", []any{"old", nil}, []string{"old", "NULL"}},
		{"ntext", "utf8", []any{"älter", nil}, []string{"älter", "NULL"}},
		{"xml", "utf8", []any{"<a>ü</a>", nil}, []string{"<a>ü</a>", "NULL"}},
		{"varbinary(10)", "binary", []any{[]byte{0, 255}, []byte{}, nil}, []string{"AP8=", "", "NULL"}},
		{"image", "binary", []any{[]byte{1, 2}}, []string{"AQI="}},
		{"rowversion", "uint64", []any{[]byte{0, 0, 0, 0, 0, 0, 7, 0xd1}}, []string{"2001"}},
		{"sql_variant", "utf8", []any{"mixed", nil}, []string{"mixed", "NULL"}},
		{"hierarchyid", "utf8", []any{"/1/2/"}, []string{"/1/2/"}},
		{"geography", "utf8", []any{"POINT (8.5 47.4)"}, []string{"POINT (8.5 47.4)"}},
	}
}

func TestTypes(t *testing.T) {
	t.Parallel()
	for _, c := range typeCases() {
		t.Run(c.kind, func(t *testing.T) {
			t.Parallel()
			table := &tds.Table{Schema: "dbo", Name: "t", Key: []string{"id"}, Columns: []tds.TableColumn{column("id", "int", identity), column("v", c.kind)}}
			for i, v := range c.values {
				table.Rows = append(table.Rows, []any{int64(i), v})
			}
			b := setup(t, table)
			s := b.open()
			described := tableOf(t, s, "dbo.t")
			if v, _ := described.Column("v"); v.Type.String() != c.arrow {
				t.Errorf("arrives as %s, want %s", v.Type, c.arrow)
			}
			for _, how := range []connector.Method{connector.FullTable, connector.PrimaryKeyBatch} {
				got := read(t, s, request(described, how, ""))
				for i, row := range got.rows {
					if row["v"] != c.want[i] {
						t.Errorf("%s: value %d is %.60q, want %.60q", how, i, row["v"], c.want[i])
					}
				}
				if len(got.rows) != len(c.want) {
					t.Errorf("%s: %d rows", how, len(got.rows))
				}
			}
		})
	}
}

func TestCompanions(t *testing.T) {
	t.Parallel()
	table := &tds.Table{Schema: "dbo", Name: "t", Columns: []tds.TableColumn{column("at", "datetimeoffset(3)"), column("any", "sql_variant"), column("any__TYPE", "int")},
		Rows: [][]any{{moment("2026-11-25T01:02:03+05:30"), "text", int64(1)}, {nil, nil, nil}}}
	b := setup(t, table)
	s := b.open()
	got := read(t, s, request(tableOf(t, s, "dbo.t"), connector.FullTable, ""))
	if got.rows[0]["at__offset_min"] != "330" || got.rows[1]["at__offset_min"] != "NULL" {
		t.Errorf("offsets: %v", got.rows)
	}
	if _, taken := got.rows[0]["any__type"]; taken {
		t.Error("a companion took the name of a column that exists")
	}
}

// keys of every kind: read in pieces, resumed after each, walked by keys.
func TestKeysOfEveryKind(t *testing.T) {
	t.Parallel()
	for _, c := range typeCases() {
		kind := formOf(sourceOf(typed(c.kind)))
		if kind.text == nil {
			continue
		}
		t.Run(c.kind, func(t *testing.T) {
			t.Parallel()
			table := &tds.Table{Schema: "dbo", Name: "t", Key: []string{"k", "n"}, Columns: []tds.TableColumn{column("k", c.kind, notNull), column("n", "int", notNull)}}
			for i, v := range c.values {
				if v != nil && c.want[i] != "NULL" {
					table.Rows = append(table.Rows, []any{v, int64(i)}, []any{v, int64(i + 100)})
				}
			}
			b := setup(t, table)
			for _, how := range []connector.Method{connector.PrimaryKeyBatch, connector.FullTable} {
				walkByOne(t, b, how, len(table.Rows))
			}
		})
	}
}

func sourceOf(kind tds.Type) sourceType {
	return sourceType{base: kind.Name, length: int64(kind.Size), precision: int64(kind.Prec), scale: int64(kind.Scale)}
}

func walkByOne(t *testing.T, b bundle, how connector.Method, want int) {
	t.Helper()
	s := b.open()
	s.(*source).rowsEach = 1
	table := tableOf(t, s, "dbo.t")
	req := request(table, how, "")
	seen := map[string]bool{}
	for batch, err := range s.Read(testContext(t), req) {
		if err != nil {
			t.Fatal(err)
		}
		if batch.Record != nil {
			keys := array.NewRecordBatch(table.Schema(table.Key), batch.Record.Columns()[:2], batch.Record.NumRows())
			for _, row := range rowsOf(batch.Record) {
				seen[row["k"]+"|"+row["n"]] = true
			}
			found, err := s.(connector.Verifier).Exists(testContext(t), table, keys)
			if err != nil || !found[0] {
				t.Errorf("Exists says %v, %v of %v", found, err, keys)
			}
			resumed := req
			resumed.Position = batch.Position
			if rest := read(t, b.open(), resumed); len(rest.rows)+len(seen) != want {
				t.Errorf("%s: after %d of %d rows, %d are left", how, len(seen), want, len(rest.rows))
			}
		}
		batch.Release()
	}
	if len(seen) != want {
		t.Errorf("%s gives %d rows, want %d", how, len(seen), want)
	}
}
