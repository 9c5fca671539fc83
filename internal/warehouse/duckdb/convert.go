package duckdb

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// conversion gives the type in which DuckDB gets a field and how arrays of
// the field are brought to it, nil where they already are.
func conversion(f arrow.Field) (arrow.DataType, func(arrow.Array) (arrow.Array, error)) {
	if arrives(f) == "" {
		return arrow.BinaryTypes.String, asText
	}
	if t, ok := f.Type.(*arrow.TimestampType); ok && t.Unit != arrow.Microsecond && arrives(f) != "TIMESTAMP_NS" {
		to := &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: t.TimeZone}
		return to, func(a arrow.Array) (arrow.Array, error) { return asMicroseconds(a.(*array.Timestamp), t.Unit, to), nil }
	}
	if _, ok := f.Type.(arrow.NestedType); ok {
		return f.Type, fromTheStart
	}
	return f.Type, nil
}

// fromTheStart copies slices of nested arrays. When arrow-go hands them over,
// the offset of a slice is counted twice, once for the parent and once for
// the children.
func fromTheStart(a arrow.Array) (arrow.Array, error) {
	if a.Data().Offset() == 0 {
		a.Retain()
		return a, nil
	}
	return array.Concatenate([]arrow.Array{a}, memory.DefaultAllocator)
}

func asText(a arrow.Array) (arrow.Array, error) {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	defer b.Release()
	for i := range a.Len() {
		if a.IsNull(i) || a.DataType().ID() == arrow.NULL {
			b.AppendNull()
			continue
		}
		b.Append(valueText(a, i))
	}
	return b.NewArray(), nil
}

// valueText writes decimals with all their digits.
func valueText(a arrow.Array, i int) string {
	switch a := a.(type) {
	case *array.Decimal256:
		return a.Value(i).ToString(a.DataType().(*arrow.Decimal256Type).Scale)
	case *array.Decimal128:
		return a.Value(i).ToString(a.DataType().(*arrow.Decimal128Type).Scale)
	}
	return a.ValueStr(i)
}

// asMicroseconds makes times that microseconds cannot reach NULL: DuckDB
// would fail the whole load for them.
func asMicroseconds(a *array.Timestamp, unit arrow.TimeUnit, to *arrow.TimestampType) arrow.Array {
	b := array.NewTimestampBuilder(memory.DefaultAllocator, to)
	defer b.Release()
	b.Reserve(a.Len())
	for i, v := range a.TimestampValues() {
		us, ok := microseconds(int64(v), unit)
		if !ok || a.IsNull(i) {
			b.AppendNull()
			continue
		}
		b.Append(arrow.Timestamp(us))
	}
	return b.NewArray()
}

func microseconds(v int64, unit arrow.TimeUnit) (us int64, ok bool) {
	factor := int64(1)
	switch unit {
	case arrow.Nanosecond:
		return floorDiv(v, 1000), true
	case arrow.Second:
		factor = 1_000_000
	case arrow.Millisecond:
		factor = 1000
	}
	return v * factor, v <= math.MaxInt64/factor && v >= -math.MaxInt64/factor
}
