package duckdb

import (
	"encoding/hex"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// appendKey appends a value as column.read wrote it.
func appendKey(b array.Builder, s string) error {
	switch b := b.(type) {
	case *array.StringBuilder:
		b.Append(s)
		return nil
	case *array.LargeStringBuilder:
		b.Append(s)
		return nil
	case *array.TimestampBuilder:
		return appendTimestamp(b, s)
	case *array.ExtensionBuilder:
		return appendKey(b.StorageBuilder(), s)
	}
	if binary, ok := b.(interface{ Append([]byte) }); ok {
		raw, err := hex.DecodeString(s)
		if err != nil {
			return err
		}
		binary.Append(raw)
		return nil
	}
	return b.AppendValueFromString(s)
}

// appendTimestamp appends microseconds, or nanoseconds where the unit is that.
func appendTimestamp(b *array.TimestampBuilder, s string) error {
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return err
	}
	switch b.Type().(*arrow.TimestampType).Unit {
	case arrow.Second:
		v = floorDiv(v, 1_000_000)
	case arrow.Millisecond:
		v = floorDiv(v, 1_000)
	}
	b.Append(arrow.Timestamp(v))
	return nil
}
