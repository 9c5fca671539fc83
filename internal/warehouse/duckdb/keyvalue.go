package duckdb

import (
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// valueLiteral writes the first value of an array for DuckDB. Times go as
// numbers: their texts have forms that one side or the other does not read
// (24:00, years before Christ).
func valueLiteral(a arrow.Array, as string) string {
	switch a := a.(type) {
	case *array.FixedSizeBinary:
		return bytesLiteral(a.Value(0), as)
	case *array.Binary:
		return bytesLiteral(a.Value(0), as)
	case *array.LargeBinary:
		return bytesLiteral(a.Value(0), as)
	case *array.Date32:
		return fmt.Sprintf("DATE '1970-01-01' + (%d)", a.Value(0))
	case *array.Time64:
		us := int64(a.Value(0))
		if a.DataType().(*arrow.Time64Type).Unit == arrow.Nanosecond {
			us /= 1000
		}
		return text(fmt.Sprintf("%02d:%02d:%02d.%06d", us/3_600_000_000, us/60_000_000%60, us/1_000_000%60, us%1_000_000))
	case *array.Timestamp:
		t := a.DataType().(*arrow.TimestampType)
		if t.Unit == arrow.Nanosecond && t.TimeZone == "" {
			return fmt.Sprintf("make_timestamp_ns(%d)", a.Value(0))
		}
		us, _ := microseconds(int64(a.Value(0)), t.Unit)
		return fmt.Sprintf("make_timestamp(%d)", us)
	}
	return text(valueText(a, 0))
}

func bytesLiteral(raw []byte, as string) string {
	if as == tUUID {
		return text(hex.EncodeToString(raw))
	}
	return "from_hex(" + text(hex.EncodeToString(raw)) + ")"
}

// read selects the key column in words that appendKey takes.
func (c column) read() string {
	ours := c.ours()
	switch c.plain().Type.ID() {
	case arrow.BINARY, arrow.LARGE_BINARY, arrow.FIXED_SIZE_BINARY:
		if c.ordered() == "BLOB" {
			return "lower(hex(" + ours + "))"
		}
		return "replace(" + ours + "::VARCHAR, '-', '')"
	case arrow.TIMESTAMP:
		if c.ordered() == "TIMESTAMP_NS" {
			return "epoch_ns(" + ours + ")::VARCHAR"
		}
		return "epoch_us(" + ours + ")::VARCHAR"
	case arrow.DATE32, arrow.DATE64:
		return "datediff('day', DATE '1970-01-01', " + ours + ")::VARCHAR"
	case arrow.TIME32, arrow.TIME64:
		return "epoch_us(" + ours + ")::VARCHAR"
	}
	return ours + "::VARCHAR"
}

// appendKey appends a value as column.read wrote it.
func appendKey(b array.Builder, s string) error {
	switch b := b.(type) {
	case *array.StringBuilder:
		b.Append(s)
		return nil
	case *array.LargeStringBuilder:
		b.Append(s)
		return nil
	case *array.ExtensionBuilder:
		return appendKey(b.StorageBuilder(), s)
	case *array.TimestampBuilder, *array.Date32Builder, *array.Date64Builder, *array.Time32Builder, *array.Time64Builder:
		v, err := strconv.ParseInt(s, 10, 64)
		if err == nil {
			appendTime(b, v)
		}
		return err
	case interface{ Append([]byte) }:
		raw, err := hex.DecodeString(s)
		if err == nil {
			b.Append(raw)
		}
		return err
	}
	return b.AppendValueFromString(s)
}

// appendTime appends days to a date, else microseconds, except that a
// timestamp of nanoseconds without a zone comes in those.
func appendTime(b array.Builder, v int64) {
	switch b := b.(type) {
	case *array.Date32Builder:
		b.Append(arrow.Date32(v))
	case *array.Date64Builder:
		b.Append(arrow.Date64(v * 86_400_000))
	case *array.Time32Builder:
		b.Append(arrow.Time32(inUnit(v, b.Type().(*arrow.Time32Type).Unit)))
	case *array.Time64Builder:
		b.Append(arrow.Time64(inUnit(v, b.Type().(*arrow.Time64Type).Unit)))
	case *array.TimestampBuilder:
		t := b.Type().(*arrow.TimestampType)
		if t.Unit != arrow.Nanosecond || t.TimeZone != "" {
			v = inUnit(v, t.Unit)
		}
		b.Append(arrow.Timestamp(v))
	}
}

func inUnit(us int64, unit arrow.TimeUnit) int64 {
	switch unit {
	case arrow.Second:
		return floorDiv(us, 1_000_000)
	case arrow.Millisecond:
		return floorDiv(us, 1000)
	case arrow.Nanosecond:
		return us * 1000
	}
	return us
}
