package connectortest

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
)

// key is the identity of a row: the key columns' values, comparable in the
// order that the contract demands (numbers as numbers, text as bytes).
type key []any

// keyAt reads the values of the columns of row i.
func keyAt(columns []arrow.Array, i int) (key, error) {
	k := make(key, len(columns))
	for n, column := range columns {
		v, err := scalarAt(column, i)
		if err != nil {
			return nil, err
		}
		k[n] = v
	}
	return k, nil
}

// scalarAt is the value as int64, uint64, float64, bool, []byte or a decimal.
func scalarAt(a arrow.Array, i int) (any, error) {
	if a.IsNull(i) {
		return nil, nil
	}
	switch a := a.(type) {
	case *array.Int8:
		return int64(a.Value(i)), nil
	case *array.Int16:
		return int64(a.Value(i)), nil
	case *array.Int32:
		return int64(a.Value(i)), nil
	case *array.Int64:
		return a.Value(i), nil
	case *array.Date32:
		return int64(a.Value(i)), nil
	case *array.Date64:
		return int64(a.Value(i)), nil
	case *array.Time32:
		return int64(a.Value(i)), nil
	case *array.Time64:
		return int64(a.Value(i)), nil
	case *array.Timestamp:
		return int64(a.Value(i)), nil
	case *array.Duration:
		return int64(a.Value(i)), nil
	case *array.Uint8:
		return uint64(a.Value(i)), nil
	case *array.Uint16:
		return uint64(a.Value(i)), nil
	case *array.Uint32:
		return uint64(a.Value(i)), nil
	case *array.Uint64:
		return a.Value(i), nil
	case *array.Float32:
		return float64(a.Value(i)), nil
	case *array.Float64:
		return a.Value(i), nil
	case *array.Boolean:
		return a.Value(i), nil
	case *array.Decimal128:
		return a.Value(i), nil
	case *array.Decimal256:
		return a.Value(i), nil
	case *array.String:
		return []byte(a.Value(i)), nil
	case *array.LargeString:
		return []byte(a.Value(i)), nil
	case *array.Binary:
		return bytes.Clone(a.Value(i)), nil
	case *array.LargeBinary:
		return bytes.Clone(a.Value(i)), nil
	case *array.FixedSizeBinary:
		return bytes.Clone(a.Value(i)), nil
	}
	return nil, fmt.Errorf("a key of type %s cannot be ordered", a.DataType())
}

// compareKeys compares column by column. The keys come from the same columns,
// so their types are the same; a null comes last, as in PostgreSQL.
func compareKeys(a, b key) int {
	for i := range min(len(a), len(b)) {
		if c := compareScalars(a[i], b[i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

func compareScalars(a, b any) int {
	if a == nil || b == nil {
		return compareBools(a == nil, b == nil)
	}
	switch a := a.(type) {
	case int64:
		return cmp.Compare(a, b.(int64))
	case uint64:
		return cmp.Compare(a, b.(uint64))
	case float64:
		return cmp.Compare(a, b.(float64))
	case bool:
		return compareBools(a, b.(bool))
	case decimal128.Num:
		return a.Cmp(b.(decimal128.Num))
	case decimal256.Num:
		return a.Cmp(b.(decimal256.Num))
	}
	return bytes.Compare(a.([]byte), b.([]byte))
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// id is the key as a map key.
func (k key) id() string {
	var b []byte
	for _, v := range k {
		b = appendPart(b, scalarBytes(v), v == nil)
	}
	return string(b)
}

func scalarBytes(v any) []byte {
	switch v := v.(type) {
	case nil:
		return nil
	case []byte:
		return v
	case int64:
		return binary.BigEndian.AppendUint64(nil, uint64(v))
	case uint64:
		return binary.BigEndian.AppendUint64(nil, v)
	case float64:
		return binary.BigEndian.AppendUint64(nil, math.Float64bits(v))
	}
	return fmt.Append(nil, v)
}

// appendPart writes a value so that no two lists of values look alike.
func appendPart(b, value []byte, null bool) []byte {
	if null {
		return append(b, 0)
	}
	b = append(b, 1)
	b = binary.BigEndian.AppendUint32(b, uint32(len(value)))
	return append(b, value...)
}

// String is the key for a failure message.
func (k key) String() string {
	parts := make([]string, len(k))
	for i, v := range k {
		if text, ok := v.([]byte); ok {
			parts[i] = fmt.Sprintf("%q", text)
			continue
		}
		parts[i] = fmt.Sprint(v)
	}
	return "(" + strings.Join(parts, ", ") + ")"
}
