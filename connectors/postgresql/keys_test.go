package postgresql

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/regrant/regrant/connector"
)

// TestEveryKindOfKey reads tables with keys of every kind in small records,
// cut after each, by the methods that write keys down, and looks keys up.
func TestEveryKindOfKey(t *testing.T) {
	t.Parallel()
	kinds := []struct{ name, kind, value string }{
		{"k_int2", "int2", "i - 50"}, {"k_int8", "int8", "i::int8 * 100000000007"}, {"k_numeric", "numeric", "i / 7.0 - 5"}, {"k_num", "numeric(20,5)", "i / 7.0 - 5"},
		{"k_text", "text", "chr(60 + i % 60) || i"}, {"k_icu", `text COLLATE "und-x-icu"`, "chr(60 + i % 60) || i"}, {"k_varchar", "varchar(20)", "'a''b\\' || i"}, {"k_char", "char(8)", "'k' || i"}, {"k_bit", "bit(10)", "i::bit(10)"},
		{"k_name", "name", "'n' || i"}, {"k_uuid", "uuid", "md5(i::text)::uuid"}, {"k_bytea", "bytea", "decode(md5(i::text), 'hex')"}, {"k_date", "date", "date '0003-01-01 BC' + i * 10"},
		{"k_ts", "timestamp", "timestamp '1969-12-31 23:59:00' + i * interval '1.000001 seconds'"}, {"k_tstz", "timestamptz", "timestamptz '2024-01-01' + i * interval '1 hour'"}, {"k_time", "time", "time '00:00' + i * interval '1.5 minutes'"},
		{"k_float", "float8", "i / 3.0"}, {"k_real", "float4", "i / 3.0"}, {"k_inet", "inet", "inet '10.0.0.0' + i"}, {"k_enum", "size", "(ARRAY['small', 'large', 'huge'])[1 + i % 3]::size"}, {"k_citext", "citext", "chr(60 + i % 60) || i"},
		{"k_domain", "code", "('c' || i)::code"}, {"k_oid", "oid", "i"}, {"k_bool", "bool", "i % 2 = 0"},
	}
	statements := []string{"CREATE EXTENSION citext", "CREATE TYPE size AS ENUM ('small', 'large', 'huge')", "CREATE DOMAIN code AS varchar(12)"}
	for _, k := range kinds {
		statements = append(statements, fmt.Sprintf(`CREATE TABLE %s (k %s, n int, v text, PRIMARY KEY (k, n))`, k.name, k.kind), fmt.Sprintf("INSERT INTO %s SELECT %s, i, 'v' || i FROM generate_series(1, 100) i", k.name, k.value))
	}
	b := setup(t, statements...)
	s := b.open()
	s.(*source).rowsEach = 7
	tables, err := s.Tables(testContext(t))
	must(t, err)
	for _, k := range kinds {
		i := slices.IndexFunc(tables, func(table connector.Table) bool { return table.Name == "public."+k.name })
		keysOf(t, s, tables[i])
	}
}

func keysOf(t *testing.T, s connector.Source, table connector.Table) {
	t.Helper()
	if !slices.Equal(table.Key, []string{"k", "n"}) {
		t.Errorf("%s: the key is %v", table.Name, table.Key)
		return
	}
	for _, method := range []connector.Method{connector.FullTable, connector.PrimaryKeyBatch} {
		req := request(table, method, "")
		whole, pieces := warehouse{}, warehouse{}
		end := read(t, s, req)
		whole.take(end, "k", "n")
		for range 100 {
			got, more := readOne(t, s, req)
			pieces.take(got, "k", "n")
			req.Position = got.at
			if !more {
				break
			}
		}
		if len(whole) != 100 || !maps.EqualFunc(whole, pieces, maps.Equal) {
			t.Errorf("%s by %s: %d rows, in pieces %d", table.Name, method, len(whole), len(pieces))
		}
		if req.Position = end.at; method == connector.PrimaryKeyBatch {
			if idle := read(t, s, req); len(idle.rows) > 0 {
				t.Errorf("%s: %d rows again", table.Name, len(idle.rows))
			}
		}
	}
	exist(t, s, table)
}

// exist looks every key up, and keys that are not there.
func exist(t *testing.T, s connector.Source, table connector.Table) {
	t.Helper()
	req := request(table, connector.FullTable, "")
	req.Pass, req.Columns = connector.PassKeys, table.Key
	var last arrow.RecordBatch
	for b, err := range s.Read(testContext(t), req) {
		must(t, err)
		if b.Record == nil {
			continue
		}
		found, err := s.(connector.Verifier).Exists(testContext(t), table, b.Record)
		if err != nil || slices.Contains(found, false) || len(found) != int(b.Record.NumRows()) {
			t.Errorf("%s: found %v, %v", table.Name, found, err)
		}
		last = b.Record
	}
	if last == nil {
		t.Errorf("%s: no keys", table.Name)
	}
}
