package postgresql

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// The bounds of a record: enough rows to be worth a hand-over, few enough
// bytes that three of them stay small.
const (
	recordRows  = 32 << 10
	recordBytes = 8 << 20
)

// copySignature begins every binary COPY.
const copySignature = "PGCOPY\n\377\r\n\000"

var errCopyFormat = errors.New("the server's COPY stream is not in the documented format")

// field is one column of the COPY's select list.
type field struct {
	into column // nil: only its raw bytes of the last row are wanted, or nothing
	keep bool   // keep the raw bytes of a record's last row: it is part of the position
	sum  bool   // an int8 that is summed and not stored: the hash of the row
}

// piece is what the decoder hands on: a record, and what its last row says
// about where the reading stands.
type piece struct {
	record arrow.RecordBatch
	last   [][]byte // raw bytes of the kept fields; nil for NULL
	sum    uint64   // of the summed field, modulo 2^64
	bytes  int64    // on the wire
}

// decoder is an io.Writer for pgconn's CopyTo: rows of a binary COPY come in,
// pieces go out. It does not allocate per row.
type decoder struct {
	schema *arrow.Schema
	fields []field
	emit   func(piece) error

	started bool   // the head was read
	ended   bool   // the trailer was read
	rest    []byte // an incomplete row; servers send whole rows, the protocol does not promise it
	last    [][]byte
	rows    int
	bytes   int64
	sum     uint64

	maxRows  int
	maxBytes int64
	total    int64 // rows of this COPY
	wire     int64 // bytes of all COPYs
}

func newDecoder(schema *arrow.Schema, fields []field, emit func(piece) error) *decoder {
	return &decoder{schema: schema, fields: fields, emit: emit, last: make([][]byte, len(fields)), maxRows: recordRows, maxBytes: recordBytes}
}

// begin makes the decoder ready for the next COPY of the same columns.
func (d *decoder) begin() {
	d.started, d.ended, d.rest, d.total = false, false, d.rest[:0], 0
}

// Write takes bytes of the COPY stream.
func (d *decoder) Write(p []byte) (int, error) {
	n := len(p)
	if len(d.rest) > 0 {
		d.rest = append(d.rest, p...)
		p = d.rest
	}
	left, err := d.consume(p)
	if err != nil {
		return 0, err
	}
	d.rest = append(d.rest[:0], left...)
	return n, nil
}

func (d *decoder) consume(p []byte) ([]byte, error) {
	if !d.started {
		head, err := headSize(p)
		if head == 0 || err != nil {
			return p, err
		}
		d.started, p = true, p[head:]
	}
	for len(p) > 0 && !d.ended {
		size, err := d.rowSize(p)
		if size == 0 || err != nil {
			return p, err
		}
		if d.ended {
			return nil, nil
		}
		d.row(p[2:size])
		d.bytes += int64(size)
		d.wire += int64(size)
		p = p[size:]
		if d.rows >= d.maxRows || d.bytes >= d.maxBytes {
			if err := d.flush(); err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

// headSize is the size of the stream's head, 0 when more bytes are needed.
func headSize(p []byte) (int, error) {
	const fixed = len(copySignature) + 8
	if len(p) < fixed {
		return 0, nil
	}
	if string(p[:len(copySignature)]) != copySignature {
		return 0, fmt.Errorf("%w: no signature", errCopyFormat)
	}
	extension := int(int32(binary.BigEndian.Uint32(p[fixed-4:])))
	if extension < 0 || extension > 1<<20 {
		return 0, fmt.Errorf("%w: a head extension of %d bytes", errCopyFormat, extension)
	}
	if len(p) < fixed+extension {
		return 0, nil
	}
	return fixed + extension, nil
}

// rowSize is the size of the first row in p, 0 when more bytes are needed. It
// is looked at before a row is taken apart, so that no column ever gets a
// value of a row that is not complete.
func (d *decoder) rowSize(p []byte) (int, error) {
	if len(p) < 2 {
		return 0, nil
	}
	switch n := int16(binary.BigEndian.Uint16(p)); {
	case n == -1:
		d.ended = true
		return 2, nil
	case int(n) != len(d.fields):
		return 0, fmt.Errorf("%w: a row of %d fields, %d were asked for", errCopyFormat, n, len(d.fields))
	}
	at := 2
	for range d.fields {
		if len(p) < at+4 {
			return 0, nil
		}
		size := int(int32(binary.BigEndian.Uint32(p[at:])))
		at += 4
		if size < -1 {
			return 0, fmt.Errorf("%w: a field of %d bytes", errCopyFormat, size)
		}
		at += max(size, 0)
	}
	if at > len(p) {
		return 0, nil
	}
	return at, nil
}

// row takes a complete row apart.
func (d *decoder) row(p []byte) {
	for i := range d.fields {
		f := &d.fields[i]
		size := int32(binary.BigEndian.Uint32(p))
		p = p[4:]
		var raw []byte
		if size >= 0 {
			raw = p[:size:size]
			p = p[size:]
		}
		if f.into != nil {
			if size < 0 {
				f.into.addNull()
			} else {
				f.into.add(raw)
			}
		}
		if f.keep {
			d.keep(i, raw)
		}
		if f.sum && len(raw) == 8 {
			d.sum += binary.BigEndian.Uint64(raw)
		}
	}
	d.rows++
	d.total++
}

// keep copies: the row's bytes are gone when the COPY has ended, and its last
// row is the one that matters.
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
			columns = append(columns, into.finish())
		}
	}
	record := array.NewRecordBatch(d.schema, columns, int64(d.rows))
	for _, c := range columns {
		c.Release()
	}
	p := piece{record: record, last: d.kept(), sum: d.sum, bytes: d.bytes}
	d.rows, d.bytes, d.sum = 0, 0, 0
	return d.emit(p)
}

// discard drops what a COPY that failed left behind: those rows come again.
func (d *decoder) discard() {
	for i := range d.fields {
		if into := d.fields[i].into; into != nil {
			into.finish().Release()
		}
	}
	d.rows, d.bytes, d.sum = 0, 0, 0
}

// kept copies the position's fields of the last row, in their order.
func (d *decoder) kept() [][]byte {
	var kept [][]byte
	for i, f := range d.fields {
		if !f.keep {
			continue
		}
		if d.last[i] == nil {
			kept = append(kept, nil)
			continue
		}
		kept = append(kept, bytes.Clone(d.last[i]))
	}
	return kept
}

// lost sums up the values that had no Arrow form, by column.
func (d *decoder) lost() map[string]int64 {
	lost := map[string]int64{}
	at := 0
	for _, f := range d.fields {
		if f.into == nil {
			continue
		}
		if n := f.into.lost(); n > 0 {
			lost[d.schema.Field(at).Name] = n
		}
		at++
	}
	return lost
}
