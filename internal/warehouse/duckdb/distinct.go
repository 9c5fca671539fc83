package duckdb

import (
	"encoding/binary"
	"hash/maphash"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// distinct leaves of rows with the same key the last one, so that a commit
// never doubles a row. Nearly always there is nothing to leave out: a growing
// key proves it in one pass, else hashes do.
func (o *operation) distinct() {
	o.hasNulls = hasNulls(o)
	if len(o.keys) == 0 || o.rows < 2 || growing(o) {
		return
	}
	keys := newKeyReaders(o)
	if !sameHash(o, keys) {
		return
	}
	o.records = lastOnes(o, keys)
	o.rows = 0
	for _, r := range o.records {
		o.rows += r.NumRows()
	}
}

func hasNulls(o *operation) bool {
	for _, r := range o.records {
		for _, k := range o.keys {
			if r.Column(k.index).NullN() > 0 {
				return true
			}
		}
	}
	return false
}

// growing proves that the key is one integer that only grows.
func growing(op *operation) bool {
	if len(op.keys) != 1 {
		return false
	}
	last, first := int64(0), true
	for _, r := range op.records {
		values, ok := integers(r.Column(op.keys[0].index))
		if !ok {
			return false
		}
		for _, v := range values {
			if !first && v <= last {
				return false
			}
			last, first = v, false
		}
	}
	return true
}

func integers(a arrow.Array) ([]int64, bool) {
	if a.NullN() > 0 {
		return nil, false
	}
	switch a := a.(type) {
	case *array.Int64:
		return a.Int64Values(), true
	case *array.Int32:
		wide := make([]int64, a.Len())
		for i, v := range a.Int32Values() {
			wide[i] = int64(v)
		}
		return wide, true
	}
	return nil, false
}

// keyReader appends the value of one key column at a row, so that equal
// values give equal bytes and no value is the beginning of another.
type keyReader func(b []byte, row int) []byte

// newKeyReaders gives for each record the readers of its key.
func newKeyReaders(op *operation) [][]keyReader {
	all := make([][]keyReader, len(op.records))
	for i, r := range op.records {
		for _, k := range op.keys {
			a := r.Column(k.index)
			if e, ok := a.(array.ExtensionArray); ok {
				a = e.Storage()
			}
			all[i] = append(all[i], nullable(a, newKeyReader(a)))
		}
	}
	return all
}

func nullable(a arrow.Array, read keyReader) keyReader {
	return func(b []byte, row int) []byte {
		if a.IsNull(row) {
			return append(b, 0)
		}
		return read(append(b, 1), row)
	}
}

func newKeyReader(a arrow.Array) keyReader {
	switch a := a.(type) {
	case *array.Int64:
		return func(b []byte, i int) []byte { return binary.BigEndian.AppendUint64(b, uint64(a.Value(i))) }
	case *array.Int32:
		return func(b []byte, i int) []byte { return binary.BigEndian.AppendUint32(b, uint32(a.Value(i))) }
	case *array.Date32:
		return func(b []byte, i int) []byte { return binary.BigEndian.AppendUint32(b, uint32(a.Value(i))) }
	case *array.Time64: // as a number: 24:00 is not 00:00
		return func(b []byte, i int) []byte { return binary.BigEndian.AppendUint64(b, uint64(a.Value(i))) }
	case *array.Time32:
		return func(b []byte, i int) []byte { return binary.BigEndian.AppendUint32(b, uint32(a.Value(i))) }
	case *array.Timestamp:
		if unit := a.DataType().(*arrow.TimestampType); unit.Unit == arrow.Nanosecond && unit.TimeZone != "" {
			// The table keeps microseconds.
			return func(b []byte, i int) []byte {
				return binary.BigEndian.AppendUint64(b, uint64(floorDiv(int64(a.Value(i)), 1000)))
			}
		}
		return func(b []byte, i int) []byte { return binary.BigEndian.AppendUint64(b, uint64(a.Value(i))) }
	case *array.Float64:
		return func(b []byte, i int) []byte { return appendFloat(b, a.Value(i)) }
	case *array.Float32:
		return func(b []byte, i int) []byte { return appendFloat(b, float64(a.Value(i))) }
	case *array.String:
		return func(b []byte, i int) []byte { return appendText(b, a.Value(i)) }
	case *array.Binary:
		return func(b []byte, i int) []byte { return appendText(b, string(a.Value(i))) }
	case *array.FixedSizeBinary:
		return func(b []byte, i int) []byte { return append(b, a.Value(i)...) }
	case *array.Decimal128:
		return func(b []byte, i int) []byte {
			v := a.Value(i)
			b = binary.BigEndian.AppendUint64(b, uint64(v.HighBits()))
			return binary.BigEndian.AppendUint64(b, v.LowBits())
		}
	}
	return func(b []byte, i int) []byte { return appendText(b, a.ValueStr(i)) }
}

// appendFloat treats as equal what SQL does: both zeros, every NaN.
func appendFloat(b []byte, v float64) []byte {
	if v == 0 {
		v = 0
	}
	if math.IsNaN(v) {
		v = math.NaN()
	}
	return binary.BigEndian.AppendUint64(b, math.Float64bits(v))
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func readKey(b []byte, readers []keyReader, row int) []byte {
	for _, read := range readers {
		b = read(b, row)
	}
	return b
}

// sameHash says whether two rows may have the same key.
func sameHash(op *operation, keys [][]keyReader) bool {
	seed := maphash.MakeSeed()
	hashes := make([]uint64, 0, op.rows)
	var b []byte
	for i, r := range op.records {
		for row := range int(r.NumRows()) {
			b = readKey(b[:0], keys[i], row)
			hashes = append(hashes, maphash.Bytes(seed, b))
		}
	}
	slices.Sort(hashes)
	for i := 1; i < len(hashes); i++ {
		if hashes[i] == hashes[i-1] {
			return true
		}
	}
	return false
}

// lastOnes cuts out the rows that a later one overwrites. It takes over the
// operation's records.
func lastOnes(op *operation, keys [][]keyReader) []arrow.RecordBatch {
	seen := make(map[string]struct{}, op.rows)
	var kept []arrow.RecordBatch
	var b []byte
	for i := len(op.records) - 1; i >= 0; i-- {
		r := op.records[i]
		end := -1 // of a run of rows that stay
		for row := int(r.NumRows()) - 1; row >= -1; row-- {
			stays := false
			if row >= 0 {
				b = readKey(b[:0], keys[i], row)
				if _, later := seen[string(b)]; !later {
					seen[string(b)] = struct{}{}
					stays = true
				}
			}
			switch {
			case stays && end < 0:
				end = row + 1
			case !stays && end >= 0:
				kept = append(kept, r.NewSlice(int64(row+1), int64(end)))
				end = -1
			}
		}
		r.Release()
	}
	slices.Reverse(kept)
	return kept
}
