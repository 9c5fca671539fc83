package sqlserver

import (
	"database/sql/driver"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// The bounds of a record: enough rows to be worth a hand-over, few enough
// bytes that three of them stay small.
const (
	recordRows  = 32 << 10
	recordBytes = 8 << 20
)

// builder gathers the values of one column.
type builder struct {
	array.Builder
	form form
	lost int64 // values without an Arrow form, which became NULL
}

func newBuilder(f form) *builder {
	return &builder{Builder: array.NewBuilder(memory.DefaultAllocator, f.arrow), form: f}
}

func (b *builder) add(v driver.Value) {
	if v == nil {
		b.AppendNull()
		return
	}
	if !b.form.add(b.Builder, v) {
		b.lost++
		b.AppendNull()
	}
}

// field is one column of the statement's select list.
type field struct {
	into *builder // nil: only its last value is wanted
}

// piece is what the decoder hands on: a record, and the values of the order's
// columns in its last row.
type piece struct {
	record arrow.RecordBatch
	last   []driver.Value
	sum    uint64 // of the rows' hashes, modulo 2^64
	bytes  int64
}

// decoder takes rows in and hands pieces out.
type decoder struct {
	schema *arrow.Schema
	fields []field
	order  []int // which fields say where a row stands
	hash   bool  // one more column: the row's hash
	emit   func(piece) error

	last     []driver.Value
	rows     int
	bytes    int64
	sum      uint64
	maxRows  int
	maxBytes int64
	total    int64 // rows of this statement
	handed   int64 // pieces, ever
	wire     int64 // bytes, ever
}

// row takes one row in.
func (d *decoder) row(values []driver.Value) error {
	for i, f := range d.fields {
		if f.into != nil {
			f.into.add(values[i])
		}
		d.bytes += width(values[i])
	}
	d.last = d.last[:0]
	for _, at := range d.order {
		d.last = append(d.last, values[at])
	}
	if d.hash {
		d.sum += uint64(number64(values[len(d.fields)]))
	}
	d.rows++
	d.total++
	if d.rows >= d.maxRows || d.bytes >= d.maxBytes {
		return d.flush()
	}
	return nil
}

// width is what a value takes on the wire, about.
func width(v driver.Value) int64 {
	switch v := v.(type) {
	case nil:
		return 1
	case []byte:
		return int64(len(v)) + 2
	case string:
		return 2*int64(len(v)) + 2
	default:
		return 9
	}
}

// flush hands on what was gathered, if anything.
func (d *decoder) flush() error {
	if d.rows == 0 {
		return nil
	}
	p := piece{record: d.record(), last: append([]driver.Value(nil), d.last...), sum: d.sum, bytes: d.bytes}
	d.wire += d.bytes
	d.rows, d.bytes, d.sum = 0, 0, 0
	d.handed++
	return d.emit(p)
}

func (d *decoder) record() arrow.RecordBatch {
	columns := make([]arrow.Array, 0, len(d.fields))
	for _, f := range d.fields {
		if f.into != nil {
			columns = append(columns, f.into.NewArray())
		}
	}
	record := array.NewRecordBatch(d.schema, columns, int64(d.rows))
	for _, c := range columns {
		c.Release()
	}
	return record
}

// discard drops what a statement that failed left behind: those rows come again.
func (d *decoder) discard() {
	if d.rows > 0 {
		d.record().Release()
	}
	d.rows, d.bytes, d.sum = 0, 0, 0
}

// lost sums up the values that had no Arrow form, by column.
func (d *decoder) lost() map[string]int64 {
	lost := map[string]int64{}
	at := 0
	for _, f := range d.fields {
		if f.into == nil {
			continue
		}
		if f.into.lost > 0 {
			lost[d.schema.Field(at).Name] = f.into.lost
		}
		at++
	}
	return lost
}
