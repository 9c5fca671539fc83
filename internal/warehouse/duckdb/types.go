package duckdb

import (
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/regrant/regrant/connector"
)

const (
	tText        = "VARCHAR"
	tJSON        = "JSON"
	tUUID        = "UUID"
	tTimestamp   = "TIMESTAMP"
	tTimestampTZ = "TIMESTAMP WITH TIME ZONE"
)

// arrives is how DuckDB sees an Arrow field, "" when it cannot read it and
// the column has to be turned into text first.
func arrives(f arrow.Field) string {
	switch t := f.Type.(type) {
	case *arrow.BooleanType:
		return "BOOLEAN"
	case *arrow.Int8Type:
		return "TINYINT"
	case *arrow.Int16Type:
		return "SMALLINT"
	case *arrow.Int32Type:
		return "INTEGER"
	case *arrow.Int64Type:
		return "BIGINT"
	case *arrow.Uint8Type:
		return "UTINYINT"
	case *arrow.Uint16Type:
		return "USMALLINT"
	case *arrow.Uint32Type:
		return "UINTEGER"
	case *arrow.Uint64Type:
		return "UBIGINT"
	case *arrow.Float32Type:
		return "FLOAT"
	case *arrow.Float64Type:
		return "DOUBLE"
	case *arrow.StringType, *arrow.LargeStringType:
		if directJSON(f) {
			return tJSON
		}
		return tText
	case *arrow.BinaryType, *arrow.LargeBinaryType:
		return "BLOB"
	case *arrow.FixedSizeBinaryType:
		if isUUID(f) {
			return tUUID
		}
		return "BLOB"
	case *arrow.Date32Type, *arrow.Date64Type:
		return "DATE"
	case *arrow.TimestampType:
		return timestampArrives(t)
	case *arrow.Time32Type:
		return "TIME"
	case *arrow.Time64Type:
		if t.Unit == arrow.Microsecond {
			return "TIME"
		}
		return ""
	case *arrow.DurationType, *arrow.MonthIntervalType, *arrow.DayTimeIntervalType, *arrow.MonthDayNanoIntervalType:
		return "INTERVAL"
	case *arrow.Decimal128Type:
		if t.Scale >= 0 && t.Scale <= t.Precision && t.Precision > 0 {
			return fmt.Sprintf("DECIMAL(%d,%d)", t.Precision, t.Scale)
		}
		return ""
	case *arrow.DictionaryType:
		return arrives(arrow.Field{Type: t.ValueType, Metadata: f.Metadata})
	}
	return nestedArrives(f.Type)
}

func timestampArrives(t *arrow.TimestampType) string {
	switch {
	case t.TimeZone != "":
		return tTimestampTZ
	case t.Unit == arrow.Nanosecond:
		return "TIMESTAMP_NS"
	}
	return tTimestamp
}

func nestedArrives(t arrow.DataType) string {
	switch t := t.(type) {
	case *arrow.ListType:
		return listOf(arrives(t.ElemField()), "[]")
	case *arrow.LargeListType:
		return listOf(arrives(t.ElemField()), "[]")
	case *arrow.FixedSizeListType:
		return listOf(arrives(t.ElemField()), fmt.Sprintf("[%d]", t.Len()))
	case *arrow.MapType:
		k, v := arrives(t.KeyField()), arrives(t.ItemField())
		if k == "" || v == "" {
			return ""
		}
		return fmt.Sprintf("MAP(%s, %s)", k, v)
	case *arrow.StructType:
		var b strings.Builder
		for i, f := range t.Fields() {
			inner := arrives(f)
			if inner == "" {
				return ""
			}
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(quote(f.Name) + " " + inner)
		}
		if b.Len() == 0 {
			return ""
		}
		return "STRUCT(" + b.String() + ")"
	}
	return ""
}

func listOf(elem, suffix string) string {
	if elem == "" {
		return ""
	}
	return elem + suffix
}

// stored is the type a column of the table gets for an Arrow field: the one
// it arrives with, or a wider one that people expect.
func stored(f arrow.Field) string {
	if isJSON(f) {
		return tJSON
	}
	if isUUID(f) {
		return tUUID
	}
	switch t := f.Type.(type) {
	case *arrow.Time64Type:
		return "TIME"
	case *arrow.Float16Type:
		return "FLOAT"
	case *arrow.Decimal256Type:
		if t.Precision > 0 && t.Precision <= 38 && t.Scale >= 0 && t.Scale <= t.Precision {
			return fmt.Sprintf("DECIMAL(%d,%d)", t.Precision, t.Scale)
		}
	case *arrow.Decimal32Type:
		return fmt.Sprintf("DECIMAL(%d,%d)", t.Precision, max(t.Scale, 0))
	case *arrow.Decimal64Type:
		return fmt.Sprintf("DECIMAL(%d,%d)", t.Precision, max(t.Scale, 0))
	case *arrow.FixedSizeListType:
		return orText(listOf(arrives(t.ElemField()), "[]"))
	}
	return orText(arrives(f))
}

func orText(t string) string {
	if t == "" {
		return tText
	}
	return t
}

func sourceType(f arrow.Field) string {
	v, _ := f.Metadata.GetValue("source")
	return v
}

func isJSON(f arrow.Field) bool {
	v, _ := f.Metadata.GetValue(connector.JSONField)
	return v == "true" && isString(f.Type)
}

// directJSON is JSON that its source has proven well formed, so that it need
// not be parsed here. PostgreSQL's json may hold what no parser takes, such
// as a lone surrogate.
func directJSON(f arrow.Field) bool { return isJSON(f) && sourceType(f) == "jsonb" }

// isUUID recognises text or 16 bytes that the source calls a uuid.
func isUUID(f arrow.Field) bool {
	name, _ := f.Metadata.GetValue("ARROW:extension:name")
	if sourceType(f) != "uuid" && name != "arrow.uuid" {
		return false
	}
	if t, ok := f.Type.(*arrow.FixedSizeBinaryType); ok {
		return t.ByteWidth == 16
	}
	return isString(f.Type)
}

func isString(t arrow.DataType) bool {
	return t.ID() == arrow.STRING || t.ID() == arrow.LARGE_STRING || t.ID() == arrow.STRING_VIEW
}
