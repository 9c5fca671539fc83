package mongodb

import (
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/regrant/regrant/connector"
)

// BenchmarkDecode takes a usual document apart into columns.
func BenchmarkDecode(b *testing.B) {
	raw, err := bson.Marshal(bson.D{{Key: "_id", Value: oid(1, time.Now())}, {Key: "name", Value: "somebody or other"}, {Key: "price", Value: 12.5}, {Key: "count", Value: 7},
		{Key: "at", Value: bson.NewDateTimeFromTime(time.Now())}, {Key: "address", Value: bson.D{{Key: "city", Value: "Ulm"}, {Key: "zip", Value: "89073"}}}, {Key: "tags", Value: bson.A{"a", "b"}}})
	must(b, err)
	table := connector.Table{Name: "t", Key: []string{keyColumn}}
	v := newSurvey()
	v.add(raw, true)
	table.Columns = v.columns(objectIDs, nil)
	d, err := newDecoder(table, all(table), func(string, kind) {})
	must(b, err)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		must(b, d.add(raw))
		if d.full(recordRows) {
			record, _ := d.finish()
			record.Release()
		}
	}
}
