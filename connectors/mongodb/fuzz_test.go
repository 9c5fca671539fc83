package mongodb

import (
	"encoding/json"
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow/array"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/regrant/regrant/connector"
)

func documentValue(raw []byte) bsoncore.Value {
	return bsoncore.Value{Type: bsoncore.TypeEmbeddedDocument, Data: raw}
}

// FuzzDecode: bytes that are no document are refused whole, and a document
// makes exactly one row, with JSON in the rest.
func FuzzDecode(f *testing.F) {
	for _, doc := range []bson.D{
		{{Key: "_id", Value: 1}},
		{{Key: "_id", Value: 1}, {Key: "t", Value: "x"}, {Key: "t", Value: "twice"}, {Key: "n", Value: bson.D{{Key: "b", Value: 1.5}, {Key: "c", Value: bson.A{1}}}}},
		{{Key: "_id", Value: "other"}, {Key: "d", Value: bson.DateTime(1)}, {Key: "x", Value: bson.Regex{Pattern: "a"}}},
	} {
		raw, err := bson.Marshal(doc)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		table := connector.Table{Name: "t", Key: []string{keyColumn}}
		for name, k := range map[string]kind{keyColumn: wholes, "t": texts, "d": dates, "n.b": doubles, restColumn: anything} {
			table.Columns = append(table.Columns, columnFor(name, k, true))
		}
		d, err := newDecoder(table, []string{keyColumn, "t", "d", "n.b", restColumn}, func(string, kind) {})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.add(raw); err != nil {
			if !errors.Is(err, errDocument) && !errors.Is(err, errKeyKind) {
				t.Fatal(err)
			}
			return
		}
		record, _ := d.finish()
		defer record.Release()
		if record.NumRows() != 1 {
			t.Fatalf("%d rows", record.NumRows())
		}
		rest := record.Column(4).(*array.String)
		if rest.IsValid(0) && !json.Valid([]byte(rest.Value(0))) {
			t.Errorf("the rest is no JSON: %s", rest.Value(0))
		}
		if text := record.Column(1).(*array.String); text.IsValid(0) && !utf8.ValidString(text.Value(0)) {
			t.Error("text that is not UTF-8")
		}
		newSurvey().add(raw, true)
	})
}

// FuzzPosition: whatever is stored, it loads as what it says or is refused.
func FuzzPosition(f *testing.F) {
	f.Add(`{"v":1,"m":"auto_increment","c":"_id","run":{"phase":"first","next":"o:65e1a2b30000000000000001","after":"i:5"}}`)
	f.Add(`{"v":1,"p":"keys","after":"s:x"}`)
	f.Add(`{"v":1,"m":"modified_at","c":"u","done":"d:2024-01-01T00:00:00Z"}`)
	f.Fuzz(func(t *testing.T, text string) {
		if pos, err := parsePosition(connector.Position(text)); err == nil {
			again, err := parsePosition(pos.text())
			if err != nil || again.Done != pos.Done || again.Method != pos.Method {
				t.Errorf("%v became %v: %v", pos, again, err)
			}
		}
		if pos, err := parsePass(connector.Position(text)); err == nil && pos.After != "" {
			v, err := bsonOf(pos.After)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := valueText(v); err != nil && utf8.ValidString(pos.After) {
				t.Errorf("%q: %v", pos.After, err)
			}
		}
	})
}
