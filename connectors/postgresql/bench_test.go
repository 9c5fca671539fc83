package postgresql

import (
	"context"
	"io"
	"strconv"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/testservers/postgres"
)

// wideSQL is an orders table of 30 columns, of the kinds that shops have.
const wideSQL = `CREATE TABLE wide (id bigint PRIMARY KEY, a1 int, a2 int, a3 bigint, a4 bigint, a5 smallint, n1 numeric(12,2), n2 numeric(12,2), n3 numeric(18,4), n4 numeric(10,2),
 t1 text, t2 text, t3 varchar(40), t4 varchar(40), t5 text, t6 char(2), t7 char(3), t8 text, d1 date, d2 date, s1 timestamptz NOT NULL, s2 timestamptz, s3 timestamp, b1 bool, b2 bool, f1 float8, f2 float8, u1 uuid, j1 jsonb, i1 int);
INSERT INTO wide SELECT i, i % 1000, i * 7 % 100000, i * 3, i % 50, i % 7, i % 100000 / 100.0, i % 7777 / 100.0, i * 1.2345, i % 99,
 'customer ' || i % 5000, 'street ' || i, 'city ' || i % 300, CASE WHEN i % 3 = 0 THEN 'remark ' || i END, md5(i::text), 'DE', 'EUR', 'status', date '2020-01-01' + i % 1500, NULL, now() - i * interval '1 second', now() - i * interval '2 seconds', localtimestamp - i * interval '1 second', i % 2 = 0, i % 3 = 0, i / 7.0, i * 1.5, md5(i::text)::uuid, jsonb_build_object('k', i, 's', 'x'), i % 12 FROM generate_series(1, $ROWS) i`

// BenchmarkRead compares reading into Arrow with the floor: the same rows by
// COPY in binary, thrown away.
func BenchmarkRead(b *testing.B) {
	const rows = 300_000
	server := setup(b, replaceRows(wideSQL, rows), "VACUUM ANALYZE wide")
	s := server.open()
	table := tableOf(b, s, "public.wide")
	var floor, ours time.Duration
	for b.Loop() {
		began := time.Now()
		throwAway(b, server.DSN(postgres.Superuser, "postgres"))
		floor += time.Since(began)
		began = time.Now()
		for batch, err := range s.Read(context.Background(), request(table, connector.AutoIncrement, "id")) {
			if err != nil {
				b.Fatal(err)
			}
			batch.Release()
		}
		ours += time.Since(began)
	}
	per := func(d time.Duration) float64 { return float64(rows) * float64(b.N) / d.Seconds() }
	b.ReportMetric(per(floor), "floor-rows/s")
	b.ReportMetric(per(ours), "rows/s")
	b.ReportMetric(floor.Seconds()/ours.Seconds(), "of-floor")
}

func throwAway(b *testing.B, dsn string) {
	conn, err := pgconn.Connect(context.Background(), dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.CopyTo(context.Background(), io.Discard, "COPY wide TO STDOUT (FORMAT binary)"); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkDecode is the taking apart alone: 30 columns, row by row as the
// server sends them.
func BenchmarkDecode(b *testing.B) {
	const rows = 100_000
	kinds := []struct {
		name  string
		bytes []byte
	}{
		{"int8", int8Bytes(42)}, {"int4", []byte{0, 0, 0, 7}}, {"int4", []byte{0, 0, 0, 7}}, {"text", []byte("customer 1234")}, {"text", []byte("street 77, a city")},
		{"numeric", []byte{0, 2, 0, 0, 0, 0, 0, 2, 0, 12, 13, 72}}, {"timestamptz", int8Bytes(777_600_000_000_000)}, {"bool", []byte{1}}, {"float8", int8Bytes(4611686018427387904)}, {"uuid", make([]byte, 16)},
	}
	var fields []field
	var schema []arrow.Field
	var row [][]byte
	for i := range 30 {
		k := kinds[i%len(kinds)]
		f := scalarForm(k.name, 12<<16|2+4)
		fields = append(fields, field{into: f.make(true), keep: i == 0})
		schema = append(schema, arrow.Field{Name: strconv.Itoa(i), Type: f.arrow})
		row = append(row, k.bytes)
	}
	stream := copyStream(row)
	head, message := stream[:len(copySignature)+8], stream[len(copySignature)+8:len(stream)-2]
	d := newDecoder(arrow.NewSchema(schema, nil), fields, func(p piece) error { p.record.Release(); return nil })
	b.SetBytes(int64(rows * len(message)))
	for b.Loop() {
		d.begin()
		_, _ = d.Write(head)
		for range rows {
			if _, err := d.Write(message); err != nil {
				b.Fatal(err)
			}
		}
		if err := d.flush(); err != nil {
			b.Fatal(err)
		}
	}
	if lost := d.lost(); len(lost) > 0 {
		b.Fatalf("lost %v", lost)
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
