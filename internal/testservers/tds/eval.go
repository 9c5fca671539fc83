package tds

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// collated is text that is compared by its code points.
type collated struct{ text string }

// scope is where columns are looked up: one row, or a group of rows.
type scope struct {
	engine  *Database
	columns []Column
	row     []any
	group   [][]any // of an aggregate
}

var errType = errors.New("operand type clash") //nolint:gochecknoglobals // a sentinel

func (s *scope) at(name string) (int, error) {
	for i, c := range s.columns {
		if strings.EqualFold(c.Name, name) {
			return i, nil
		}
	}
	return 0, &Error{Number: 207, State: 1, Class: 16, Message: "Invalid column name '" + name + "'."}
}

// Error makes a server's error a Go one inside the engine.
func (e *Error) Error() string { return e.Message }

// eval works an expression out. Conditions are true, false or nil: not known.
func (s *scope) eval(n *node) (any, error) {
	switch n.op {
	case "lit":
		return n.lit, nil
	case "col":
		i, err := s.at(n.text)
		if err != nil || s.row == nil {
			return nil, err
		}
		return s.row[i], nil
	case "case":
		return s.choose(n)
	case "query":
		_, rows, err := s.engine.run(n.sub)
		if err != nil || len(rows) == 0 {
			return nil, err
		}
		return rows[0][0], nil
	case "call":
		return s.call(n)
	case "AND", "OR", "NOT":
		return s.logic(n)
	}
	args := make([]any, len(n.args))
	for i, a := range n.args {
		v, err := s.eval(a)
		if err != nil {
			return nil, err
		}
		args[i] = v
	}
	return operate(n, args)
}

func operate(n *node, args []any) (any, error) {
	switch n.op {
	case "ISNULL?":
		return args[0] == nil, nil
	case "convert":
		style := int64(0)
		if len(args) > 1 {
			style, _ = args[1].(int64)
		}
		return convert(args[0], n.to, style)
	case "collate":
		if text, ok := plain(args[0]).(string); ok && strings.Contains(n.text, "BIN2") {
			return collated{text}, nil
		}
		return plain(args[0]), nil
	}
	if args[0] == nil || args[1] == nil {
		return nil, nil
	}
	switch n.op {
	case "+", "-":
		return add(n.op, plain(args[0]), plain(args[1]))
	}
	c, err := compare(args[0], args[1])
	if err != nil {
		return nil, err
	}
	return map[string]bool{"=": c == 0, "<": c < 0, ">": c > 0, "<=": c <= 0, ">=": c >= 0, "<>": c != 0}[n.op], nil
}

func (s *scope) choose(n *node) (any, error) {
	last := len(n.args) - 1
	for i := 0; i < last; i += 2 {
		v, err := s.eval(n.args[i])
		if err != nil {
			return nil, err
		}
		if v == true {
			return s.eval(n.args[i+1])
		}
	}
	return s.eval(n.args[last])
}

// logic is three-valued; like the server it may leave out what does not matter.
func (s *scope) logic(n *node) (any, error) {
	left, err := s.eval(n.args[0])
	if err != nil {
		return nil, err
	}
	switch {
	case n.op == "NOT":
		if left == nil {
			return nil, nil
		}
		return left == false, nil
	case n.op == "AND" && left == false:
		return false, nil
	case n.op == "OR" && left == true:
		return true, nil
	}
	right, err := s.eval(n.args[1])
	switch {
	case err != nil:
		return nil, err
	case n.op == "AND" && right == false:
		return false, nil
	case n.op == "OR" && right == true:
		return true, nil
	case left == nil || right == nil:
		return nil, nil
	}
	return right, nil
}

func plain(v any) any {
	if c, ok := v.(collated); ok {
		return c.text
	}
	return v
}

func add(op string, a, b any) (any, error) {
	switch a := a.(type) {
	case string:
		if b, ok := b.(string); ok && op == "+" {
			return a + b, nil
		}
	case int64:
		if b, ok := b.(int64); ok {
			if op == "-" {
				return a - b, nil
			}
			return a + b, nil
		}
	}
	return nil, errType
}

// compare follows the server's order. Text without a binary collation is
// compared without regard to case and to spaces at its end.
func compare(a, b any) (int, error) {
	if c, ok := a.(collated); ok {
		return binaryText(c.text, plain(b))
	}
	if c, ok := b.(collated); ok {
		n, err := binaryText(c.text, plain(a))
		return -n, err
	}
	switch a := a.(type) {
	case string:
		if b, ok := b.(string); ok {
			return strings.Compare(strings.TrimRight(strings.ToUpper(a), " "), strings.TrimRight(strings.ToUpper(b), " ")), nil
		}
	case int64:
		switch b := b.(type) {
		case int64:
			return cmp.Compare(a, b), nil
		case bool:
			return cmp.Compare(a, map[bool]int64{true: 1}[b]), nil
		case Decimal:
			return ratio(Decimal{big.NewInt(a), 0}).Cmp(ratio(b)), nil
		}
	case Decimal:
		if b, ok := b.(Decimal); ok {
			return ratio(a).Cmp(ratio(b)), nil
		}
	case float64:
		if b, ok := b.(float64); ok {
			return cmp.Compare(a, b), nil
		}
	case bool:
		if b, ok := b.(bool); ok {
			return cmp.Compare(map[bool]int{true: 1}[a], map[bool]int{true: 1}[b]), nil
		}
	case []byte:
		if b, ok := b.([]byte); ok {
			return bytes.Compare(bytes.TrimRight(a, "\x00"), bytes.TrimRight(b, "\x00")), nil
		}
	case time.Time:
		if b, ok := b.(time.Time); ok {
			return a.Compare(b), nil
		}
	case GUID:
		if b, ok := b.(GUID); ok {
			return bytes.Compare(a.order(), b.order()), nil
		}
	}
	return 0, fmt.Errorf("%w: %T and %T", errType, a, b)
}

// order is how the server compares: the last group first.
func (g GUID) order() []byte {
	raw := g.bytes()
	return append(append([]byte{}, raw[10:16]...), append(append([]byte{}, raw[8:10]...), append(append([]byte{}, raw[6:8]...), append(append([]byte{}, raw[4:6]...), raw[0:4]...)...)...)...)
}

func binaryText(a string, b any) (int, error) {
	text, ok := b.(string)
	if !ok {
		return 0, errType
	}
	return strings.Compare(strings.TrimRight(a, " "), strings.TrimRight(text, " ")), nil
}

func ratio(d Decimal) *big.Rat {
	return new(big.Rat).SetFrac(d.N, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(d.Scale)), nil))
}

// call works a function out.
func (s *scope) call(n *node) (any, error) {
	switch n.text {
	case "COUNT_BIG", "COUNT", "MAX", "SUM":
		return s.aggregate(n)
	case "SYSUTCDATETIME":
		return time.Now().UTC(), nil
	case "MIN_ACTIVE_ROWVERSION":
		return binary.BigEndian.AppendUint64(nil, s.engine.version()+1), nil
	}
	args := make([]any, len(n.args))
	for i, a := range n.args {
		if i == 0 && (n.text == "DATEADD" || n.text == "DATEPART") {
			args[i] = strings.ToLower(a.text)
			continue
		}
		v, err := s.eval(a)
		if err != nil {
			return nil, err
		}
		args[i] = plain(v)
	}
	return apply(n.text, args)
}

func apply(name string, args []any) (any, error) {
	if name == "ISNULL" && len(args) == 2 {
		if args[0] == nil {
			return args[1], nil
		}
		return args[0], nil
	}
	for _, a := range args {
		if a == nil {
			return nil, nil
		}
	}
	switch {
	case name == "TOSTRING" && len(args) == 1:
		return args[0], nil
	case name == "HASHBYTES" && len(args) == 2:
		text, ok := args[1].(string)
		sum := sha256.Sum256(toUTF16(text))
		if !ok {
			return nil, errType
		}
		return sum[:], nil
	case name == "SUBSTRING" && len(args) == 3:
		raw, ok := args[0].([]byte)
		from, _ := args[1].(int64)
		n, _ := args[2].(int64)
		if !ok || n < 0 || from < 1 || from > int64(len(raw)) || n > int64(len(raw))-from+1 {
			return nil, errType
		}
		return raw[from-1 : from-1+n], nil
	case name == "DATEADD" && len(args) == 3:
		return dateAdd(args[0].(string), args[1], args[2])
	case name == "DATEPART" && len(args) == 2 && args[0] == "tzoffset":
		m, ok := args[1].(time.Time)
		if !ok {
			return nil, errType
		}
		_, offset := m.Zone()
		return int64(offset / 60), nil
	case name == "SQL_VARIANT_PROPERTY":
		return variantType(args[0]), nil
	}
	return nil, &Error{Number: 195, State: 10, Class: 15, Message: "'" + name + "' is not a recognized built-in function name."}
}

func variantType(v any) string {
	switch v.(type) {
	case int64:
		return "bigint"
	case float64:
		return "float"
	case time.Time:
		return "datetime2"
	case []byte:
		return "varbinary"
	case Decimal:
		return "decimal"
	}
	return "nvarchar"
}

func dateAdd(part string, n, m any) (any, error) {
	count, ok := n.(int64)
	moment, isTime := m.(time.Time)
	if !ok || !isTime {
		return nil, errType
	}
	switch part {
	case "minute":
		return moment.Add(time.Duration(count) * time.Minute), nil
	case "hour":
		return moment.Add(time.Duration(count) * time.Hour), nil
	case "day":
		return moment.AddDate(0, 0, int(count)), nil
	}
	return nil, errType
}

func (s *scope) aggregate(n *node) (any, error) {
	count, sum := int64(0), new(big.Int)
	var most any
	for _, row := range s.group {
		one := &scope{engine: s.engine, columns: s.columns, row: row}
		var v any = true
		if len(n.args) > 0 {
			var err error
			if v, err = one.eval(n.args[0]); err != nil {
				return nil, err
			}
		}
		if v == nil {
			continue
		}
		count++
		switch n.text {
		case "SUM":
			d, ok := v.(Decimal)
			if !ok {
				return nil, errType
			}
			sum.Add(sum, d.N)
		case "MAX":
			if most == nil {
				most = v
			} else if c, err := compare(v, most); err != nil {
				return nil, err
			} else if c > 0 {
				most = v
			}
		}
	}
	switch {
	case n.text == "MAX":
		return most, nil
	case n.text == "SUM" && count == 0:
		return nil, nil
	case n.text == "SUM":
		return Decimal{sum, 0}, nil
	}
	return count, nil
}

// typeOf says how an expression travels.
func (s *scope) typeOf(n *node) (Type, error) {
	switch n.op {
	case "lit":
		return literalType(n), nil
	case "col":
		i, err := s.at(n.text)
		if err != nil {
			return Type{}, err
		}
		return s.columns[i].Type, nil
	case "convert":
		return n.to, nil
	case "case":
		return s.typeOf(n.args[1])
	case "collate", "+", "-":
		return s.typeOf(n.args[0])
	case "query":
		columns, _, err := s.engine.run(n.sub)
		if err != nil {
			return Type{}, err
		}
		return columns[0].Type, nil
	case "call":
		return s.resultOf(n)
	}
	return Type{Name: "bit"}, nil
}

func literalType(n *node) Type {
	if n.to.Name != "" {
		return n.to
	}
	switch v := n.lit.(type) {
	case int64:
		return Type{Name: "int"}
	case Decimal:
		return Type{Name: "decimal", Prec: 38, Scale: v.Scale}
	case []byte:
		return Type{Name: "varbinary", Size: 8000}
	}
	return Type{Name: "nvarchar", Size: 4000}
}

func (s *scope) resultOf(n *node) (Type, error) {
	switch n.text {
	case "COUNT_BIG":
		return Type{Name: "bigint"}, nil
	case "COUNT", "DATEPART":
		return Type{Name: "int"}, nil
	case "SUM":
		return Type{Name: "decimal", Prec: 38}, nil
	case "MAX", "ISNULL":
		return s.typeOf(n.args[0])
	case "DATEADD":
		return s.typeOf(n.args[2])
	case "SYSUTCDATETIME":
		return Type{Name: "datetime2", Scale: 7}, nil
	case "MIN_ACTIVE_ROWVERSION":
		return Type{Name: "binary", Size: 8}, nil
	case "HASHBYTES", "SUBSTRING":
		return Type{Name: "varbinary", Size: 8000}, nil
	}
	return Type{Name: "nvarchar", Size: -1}, nil
}
