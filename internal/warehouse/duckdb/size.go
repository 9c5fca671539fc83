package duckdb

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// sizeOf is about how many bytes the rows of a record take. A slice counts
// its own part, not the buffers that it shares.
func sizeOf(r arrow.RecordBatch) int64 {
	var n int64
	for _, a := range r.Columns() {
		n += sizeOfArray(a)
	}
	return n
}

func sizeOfArray(a arrow.Array) int64 {
	n := int64(a.Len()) / 8 // which values are there
	switch a := a.(type) {
	case *array.String:
		return n + int64(a.Len())*4 + int64(len(a.ValueBytes()))
	case *array.Binary:
		return n + int64(a.Len())*4 + int64(len(a.ValueBytes()))
	}
	if t, ok := a.DataType().(arrow.FixedWidthDataType); ok {
		return n + int64(a.Len())*int64(t.BitWidth())/8
	}
	return n + buffers(a.Data())
}

func buffers(d arrow.ArrayData) int64 {
	if d == nil {
		return 0
	}
	var n int64
	for _, b := range d.Buffers() {
		if b != nil {
			n += int64(b.Len())
		}
	}
	for _, c := range d.Children() {
		n += buffers(c)
	}
	return n
}
