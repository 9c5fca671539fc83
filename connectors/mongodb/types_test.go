package mongodb

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/testservers/mongo"
)

// TestTypes writes every type and reads it back, value by value.
func TestTypes(t *testing.T) {
	t.Parallel()
	b := setup(t, mongo.Config{})
	decimal := func(s string) bson.Decimal128 {
		d, err := bson.ParseDecimal128(s)
		must(t, err)
		return d
	}
	uuid := bson.Binary{Subtype: 4, Data: []byte("0123456789abcdef")}
	at := time.Date(2024, 2, 29, 12, 30, 0, 123e6, time.UTC)
	for i, c := range []struct {
		values []any
		source string
		want   []string
		rest   []string // of _rest; nil: none
	}{
		{[]any{int32(7), int64(math.MaxInt64), math.MinInt64, 3.0, nil}, "double", []string{"7", "NULL", "NULL", "3", "NULL"}, []string{"NULL", `{"v":9223372036854775807}`, `{"v":-9223372036854775808}`, "NULL", "NULL"}},
		{[]any{int32(7), int64(math.MaxInt64)}, "long", []string{"7", "9223372036854775807"}, nil},
		{[]any{0.1, int32(2), math.Inf(1), math.Inf(-1)}, "double", []string{"0.1", "2", "+Inf", "-Inf"}, nil},
		{[]any{decimal("1.10"), decimal("-0"), decimal("NaN"), decimal("9.999999999999999999999999999999999E+6144"), int32(3), 0.25}, "decimal", []string{"1.10", "-0", "NaN", "9.999999999999999999999999999999999E+6144", "3", "0.25"}, nil},
		{[]any{bson.NewDateTimeFromTime(at), bson.DateTime(math.MaxInt64), bson.DateTime(-1), bson.DateTime(firstDate), bson.DateTime(firstDate - 1)}, "date",
			[]string{"2024-02-29T12:30:00.123Z", "NULL", "1969-12-31T23:59:59.999Z", "0001-01-01T00:00:00Z", "NULL"}, nil},
		{[]any{"ä", "", "line\nbreak"}, "string", []string{"ä", "", "line\nbreak"}, nil},
		{[]any{true, false, nil}, "bool", []string{"true", "false", "NULL"}, nil},
		{[]any{uuid}, "uuid", []string{"30313233-3435-3637-3839-616263646566"}, nil},
		{[]any{bson.Binary{Data: []byte("ab")}}, "binData", []string{"YWI="}, nil},
		{[]any{oid(1, at), oid(2, at)}, "objectId", []string{oid(1, at).Hex(), oid(2, at).Hex()}, nil},
		{[]any{bson.A{1, "a", bson.D{{Key: "b", Value: nil}}}, bson.A{}}, "json", []string{`[1,"a",{"b":null}]`, `[]`}, nil},
		{[]any{"text", int32(5), true, oid(1, at), bson.NewDateTimeFromTime(at), decimal("1.5"), uuid, bson.A{1.5}, bson.D{{Key: "b", Value: "c"}}}, "json",
			[]string{`"text"`, `5`, `true`, `{"$oid":"` + oid(1, at).Hex() + `"}`, `{"$date":"2024-02-29T12:30:00.123Z"}`, `{"$numberDecimal":"1.5"}`, `{"$binary":{"base64":"MDEyMzQ1Njc4OWFiY2RlZg==","subType":"04"}}`, `[1.5]`, `{"b":"c"}`}, nil},
		{[]any{bson.Regex{Pattern: "^a", Options: "i"}, bson.Timestamp{T: 5, I: 6}, bson.MinKey{}, bson.MaxKey{}}, "json",
			[]string{`{"$regularExpression":{"pattern":"^a","options":"i"}}`, `{"$timestamp":{"t":5,"i":6}}`, `{"$minKey":1}`, `{"$maxKey":1}`}, nil},
	} {
		name := "types" + string(rune('a'+i))
		for n, v := range c.values {
			b.insert(name, bson.D{{Key: "_id", Value: n}, {Key: "v", Value: v}})
		}
		s := b.open()
		table := tableOf(t, s, name)
		column, ok := table.Column("v")
		if !ok || column.SourceType != c.source {
			t.Errorf("%s: the column is %q, want %q", name, column.SourceType, c.source)
			continue
		}
		got := read(t, s, request(table, connector.FullTable, ""))
		for n, row := range got.rows {
			if row["v"] != c.want[n] {
				t.Errorf("%s: value %d is %s, want %s", name, n, row["v"], c.want[n])
			}
			rest := "NULL"
			if c.rest != nil {
				rest = c.rest[n]
			}
			if row[restColumn] != rest {
				t.Errorf("%s: the rest of %d is %s, want %s", name, n, row[restColumn], rest)
			}
		}
	}
}

// TestWidens: what a sample did not show is in the rest until the table is
// listed again, and then has a column; nested documents spread over columns.
func TestWidens(t *testing.T) {
	t.Parallel()
	b := setup(t, mongo.Config{})
	b.insert("people", bson.D{{Key: "_id", Value: 1}, {Key: "n", Value: 1}, {Key: "at", Value: bson.D{{Key: "city", Value: "Ulm"}, {Key: "geo", Value: bson.D{{Key: "lat", Value: 1.5}}}}}})
	s := b.open()
	before := tableOf(t, s, "people")
	if got := strings.Join(all(before), " "); got != "_id n at.city at.geo _rest" {
		t.Fatalf("columns %s", got)
	}
	b.insert("people",
		bson.D{{Key: "_id", Value: 2}, {Key: "n", Value: "two"}, {Key: "new", Value: true}, {Key: "at", Value: bson.D{{Key: "city", Value: 5}, {Key: "zip", Value: "89073"}}}},
		bson.D{{Key: "_id", Value: 3}, {Key: "n", Value: nil}, {Key: "at", Value: "nowhere"}},
		bson.D{{Key: "_id", Value: 4}, {Key: "at", Value: bson.D{}}, {Key: "dotted.name", Value: 1}})
	rows := read(t, s, request(before, connector.AutoIncrement, "_id")).by("_id")
	for id, want := range map[string]string{
		"1": `1|Ulm|{"lat":1.5}|NULL`,
		"2": `NULL|NULL|NULL|{"n":"two","new":true,"at":{"city":5,"zip":"89073"}}`,
		"3": `NULL|NULL|NULL|{"at":"nowhere"}`,
		"4": `NULL|NULL|NULL|{"at":{},"dotted.name":1}`,
	} {
		row := rows[id]
		if got := strings.Join([]string{row["n"], row["at.city"], row["at.geo"], row[restColumn]}, "|"); got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
	for n := 10; n < 30; n++ { // so that nearly all are documents
		b.insert("people", bson.D{{Key: "_id", Value: n}, {Key: "at", Value: bson.D{{Key: "city", Value: "Bonn"}}}})
	}
	after := tableOf(t, s, "people")
	row := read(t, s, request(after, connector.AutoIncrement, "_id")).by("_id")["2"]
	if got := strings.Join([]string{row["n"], row["new"], row["at.city"], row["at.zip"], row[restColumn]}, "|"); got != `"two"|true|5|89073|NULL` {
		t.Errorf("listed again: %s", got)
	}
}

// TestJSON compares the written JSON with the driver's own.
func TestJSON(t *testing.T) {
	t.Parallel()
	doc := bson.D{
		{Key: "s", Value: "a\"\\\n\t\x01ä\u2028"}, {Key: "i", Value: int32(-5)}, {Key: "l", Value: int64(1) << 60}, {Key: "f", Value: 1.0}, {Key: "g", Value: 1e300},
		{Key: "nan", Value: math.NaN()}, {Key: "d", Value: bson.DateTime(1709209800123)}, {Key: "old", Value: bson.DateTime(-5)}, {Key: "o", Value: bson.ObjectID{1, 2}},
		{Key: "code", Value: bson.JavaScript("x")}, {Key: "scoped", Value: bson.CodeWithScope{Code: "x", Scope: bson.D{{Key: "y", Value: 1}}}},
		{Key: "sym", Value: bson.Symbol("q")}, {Key: "u", Value: bson.Undefined{}}, {Key: "p", Value: bson.DBPointer{DB: "d", Pointer: bson.ObjectID{3}}},
		{Key: "b", Value: bson.Binary{Subtype: 128, Data: []byte{0, 255}}}, {Key: "a", Value: bson.A{bson.D{{Key: "x", Value: nil}}, true}},
	}
	raw, err := bson.Marshal(doc)
	must(t, err)
	theirs, err := bson.MarshalExtJSON(bson.Raw(raw), false, false)
	must(t, err)
	ours := appendJSON(nil, documentValue(raw), 0)
	var a, b any
	must(t, json.Unmarshal(theirs, &a))
	must(t, json.Unmarshal(ours, &b))
	if !reflect.DeepEqual(a, b) {
		t.Errorf("ours   %s\ntheirs %s", ours, theirs)
	}
}
