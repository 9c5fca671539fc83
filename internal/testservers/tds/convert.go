package tds

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// convert is CONVERT for the pairs of types that are asked for.
func convert(v any, to Type, style int64) (any, error) {
	if v == nil {
		return nil, nil
	}
	if c, ok := v.(collated); ok {
		if isText(to) {
			return c, nil
		}
		v = c.text
	}
	switch {
	case isText(to):
		return asText(v, style)
	case to.Name == "varbinary" || to.Name == "binary":
		return asBytes(v, style)
	}
	switch v := v.(type) {
	case string:
		return fromText(v, to)
	case []byte:
		if to.Name == "bigint" && len(v) <= 8 {
			return int64(binary.BigEndian.Uint64(append(make([]byte, 8-len(v)), v...))), nil
		}
	case int64:
		switch to.Name {
		case "tinyint", "smallint", "int", "bigint":
			return v, nil
		case "decimal":
			return Decimal{big.NewInt(v), 0}, nil
		case "float", "real":
			return float64(v), nil
		}
	case time.Time, GUID, bool, float64, Decimal:
		return v, nil
	}
	return nil, fmt.Errorf("%w: a %T to %s", errType, v, to.Name)
}

func isText(t Type) bool {
	switch t.Name {
	case "nvarchar", "varchar", "nchar", "char", "sysname", "xml":
		return true
	}
	return false
}

func asText(v any, style int64) (any, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case bool:
		return map[bool]string{true: "1", false: "0"}[v], nil
	case Decimal:
		return v.String(), nil
	case float64:
		return strconv.FormatFloat(v, 'e', 16, 64), nil
	case GUID:
		return strings.ToUpper(string(v)), nil
	case []byte:
		text := strings.ToUpper(hex.EncodeToString(v))
		if style == 1 {
			text = "0x" + text
		}
		return text, nil
	case time.Time:
		return v.Format("2006-01-02 15:04:05.0000000 -07:00"), nil
	}
	return nil, errType
}

func asBytes(v any, style int64) (any, error) {
	switch v := v.(type) {
	case []byte:
		return v, nil
	case collated:
		return []byte(v.text), nil
	case string:
		if style == 1 {
			raw, err := hex.DecodeString(strings.TrimPrefix(v, "0x"))
			return raw, err
		}
		return []byte(v), nil // of a UTF-8 collation, the only ones that are asked for
	}
	return nil, errType
}

func fromText(text string, to Type) (any, error) {
	failed := &Error{Number: 245, State: 1, Class: 16, Message: "Conversion failed when converting the nvarchar value to data type " + to.Name + "."}
	switch to.Name {
	case "tinyint", "smallint", "int", "bigint":
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, failed
		}
		return n, nil
	case "bit":
		return text == "1", nil
	case "float", "real":
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, failed
		}
		return f, nil
	case "decimal", "money", "smallmoney":
		whole, part, _ := strings.Cut(text, ".")
		n, ok := new(big.Int).SetString(whole+part, 10)
		if !ok {
			return nil, failed
		}
		return Decimal{n, len(part)}, nil
	case "uniqueidentifier":
		if len(text) != 36 {
			return nil, failed
		}
		return GUID(strings.ToLower(text)), nil
	case "hierarchyid":
		return text, nil
	}
	for _, layout := range []string{"2006-01-02T15:04:05.9999999Z07:00", "2006-01-02T15:04:05.9999999", "2006-01-02", "15:04:05.9999999"} {
		if m, err := time.Parse(layout, text); err == nil {
			if layout == "15:04:05.9999999" {
				m = m.AddDate(1, 0, 0)
			}
			return m, nil
		}
	}
	return nil, failed
}
