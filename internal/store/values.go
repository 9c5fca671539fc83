package store

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"reflect"
	"time"
)

// micros is a moment as it is stored: NULL when there is none.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// moment scans what micros stored.
type moment struct{ to *time.Time }

func at(t *time.Time) moment { return moment{t} }

// Scan fills the time.
func (m moment) Scan(value any) error {
	var n sql.NullInt64
	if err := n.Scan(value); err != nil {
		return err
	}
	*m.to = time.Time{}
	if n.Valid {
		*m.to = time.UnixMicro(n.Int64).UTC()
	}
	return nil
}

// text is a structured part as it is stored. A value that cannot be encoded
// fails when the statement runs.
type text struct{ of any }

func asJSON(v any) text { return text{v} }

// Value encodes the part; a nil pointer becomes NULL.
func (t text) Value() (driver.Value, error) {
	if v := reflect.ValueOf(t.of); v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, nil
	}
	b, err := json.Marshal(t.of)
	if err != nil {
		return nil, err
	}
	return string(b), nil
}

// fromJSON scans what asJSON stored; NULL leaves the value alone.
func fromJSON(to any) *decoder { return &decoder{to} }

type decoder struct{ to any }

// Scan decodes the text.
func (d *decoder) Scan(value any) error {
	switch v := value.(type) {
	case nil:
		return nil
	case string:
		return json.Unmarshal([]byte(v), d.to)
	case []byte:
		return json.Unmarshal(v, d.to)
	default:
		return fmt.Errorf("a structured part is stored as %T", value)
	}
}

// flag is a truth as it is stored: engines disagree on booleans.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
