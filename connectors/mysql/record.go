package mysql

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// The bounds of a record: enough rows to be worth a hand-over, few enough
// bytes that three of them stay small.
const (
	recordRows  = 32 << 10
	recordBytes = 16 << 20
)

// field is one column of the select list.
type field struct {
	into column // nil: only its raw bytes of the last row are wanted, or nothing
	keep bool   // keep the raw bytes of a record's last row: it is part of the position
	sum  bool   // the hash of the row, 64 bits in hexadecimal, which is folded and not stored
}

// piece is what the decoder hands on: a record, and what its last row says
// about where the reading stands.
type piece struct {
	record arrow.RecordBatch
	last   [][]byte // raw bytes of the fields, where kept; nil for NULL
	sum    uint64   // of the hashes, exclusive or
	bytes  int64    // of the values
}

// decoder takes the rows of statements in and hands pieces on. It does not
// allocate per row.
type decoder struct {
	schema *arrow.Schema
	fields []field
	emit   func(piece) error

	last  [][]byte
	rows  int
	bytes int64
	sum   uint64

	maxRows  int
	maxBytes int64
	total    int64 // rows of the present statement
}

func newDecoder(schema *arrow.Schema, fields []field, emit func(piece) error) *decoder {
	return &decoder{schema: schema, fields: fields, emit: emit, last: make([][]byte, len(fields)), maxRows: recordRows, maxBytes: recordBytes}
}

// begin makes the decoder ready for the next statement of the same columns.
func (d *decoder) begin() { d.total = 0 }

// Columns implements mysqlwire.Rows.
func (d *decoder) Columns(names []string) error {
	if len(names) != len(d.fields) {
		return fmt.Errorf("a result of %d columns, %d were asked for", len(names), len(d.fields))
	}
	return nil
}

// Row implements mysqlwire.Rows.
func (d *decoder) Row(values [][]byte) error {
	for i := range d.fields {
		f, raw := &d.fields[i], values[i]
		if f.into != nil {
			if raw == nil {
				f.into.AppendNull()
			} else {
				f.into.Add(raw)
			}
		}
		if f.keep {
			d.keep(i, raw)
		}
		if f.sum && len(raw) == 16 {
			d.sum ^= fromHex(raw)
		}
		d.bytes += int64(len(raw)) + 1
	}
	d.rows++
	d.total++
	if d.rows >= d.maxRows || d.bytes >= d.maxBytes {
		return d.flush()
	}
	return nil
}

// fromHex reads 16 hexadecimal digits; the server writes them in lower case.
func fromHex(raw []byte) uint64 {
	var b [8]byte
	for i := range b {
		b[i] = nibble(raw[2*i])<<4 | nibble(raw[2*i+1])
	}
	return binary.BigEndian.Uint64(b[:])
}

func nibble(b byte) byte {
	if b >= 'a' {
		return b - 'a' + 10
	}
	return b & 15
}

// keep copies: the row's bytes are gone after the call, and the last row is
// the one that matters.
func (d *decoder) keep(i int, raw []byte) {
	if raw == nil {
		d.last[i] = nil
		return
	}
	d.last[i] = append(d.last[i][:0], raw...)
	if d.last[i] == nil {
		d.last[i] = []byte{} // an empty text is not NULL
	}
}

// flush hands on what was gathered, if anything.
func (d *decoder) flush() error {
	if d.rows == 0 {
		return nil
	}
	columns := make([]arrow.Array, 0, len(d.fields))
	for i := range d.fields {
		if into := d.fields[i].into; into != nil {
			columns = append(columns, into.Finish())
		}
	}
	record := array.NewRecordBatch(d.schema, columns, int64(d.rows))
	for _, c := range columns {
		c.Release()
	}
	p := piece{record: record, last: make([][]byte, len(d.last)), sum: d.sum, bytes: d.bytes}
	for i, raw := range d.last {
		p.last[i] = bytes.Clone(raw)
	}
	d.rows, d.bytes, d.sum = 0, 0, 0
	return d.emit(p)
}

// discard drops what a statement that failed left behind: those rows come again.
func (d *decoder) discard() {
	for i := range d.fields {
		if into := d.fields[i].into; into != nil {
			into.Finish().Release()
		}
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
		if n := f.into.Lost(); n > 0 {
			lost[d.schema.Field(at).Name] = n
		}
		at++
	}
	return lost
}
