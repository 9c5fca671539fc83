package tds

import (
	"encoding/binary"
	"errors"
	"fmt"
)

var errShort = errors.New("a request that is cut short") //nolint:gochecknoglobals // a sentinel

// parseRequest gives the statement and its parameters.
func parseRequest(m message) (string, []any, error) {
	body, err := skipHeaders(m.data)
	if err != nil {
		return "", nil, err
	}
	switch m.kind {
	case packBatch:
		return fromUTF16(body), nil, nil
	case packRPC:
		return parseRPC(body)
	}
	return "", nil, fmt.Errorf("%w of kind %d", errUnexpected, m.kind)
}

// skipHeaders leaves out ALL_HEADERS, MS-TDS 2.2.5.3.
func skipHeaders(data []byte) ([]byte, error) {
	if len(data) < 4 {
		return nil, errShort
	}
	size := int(binary.LittleEndian.Uint32(data))
	if size < 4 || size > len(data) {
		return nil, errShort
	}
	return data[size:], nil
}

const spExecuteSQL = 10

// parseRPC reads a call of sp_executesql: the statement, the declaration of
// its parameters, and their values. Other procedures are not played.
func parseRPC(b []byte) (string, []any, error) {
	r := &requestReader{b: b}
	if r.u16() != 0xffff || r.u16() != spExecuteSQL {
		return "", nil, fmt.Errorf("%w: a procedure other than sp_executesql", errUnexpected)
	}
	r.u16() // options
	var values []any
	for len(r.b) > 0 && r.err == nil {
		name := int(r.u8())
		r.take(2 * name)
		r.u8() // status
		values = append(values, r.value())
	}
	if r.err != nil {
		return "", nil, r.err
	}
	if len(values) < 1 {
		return "", nil, errShort
	}
	sql, _ := values[0].(string)
	return sql, values[min(2, len(values)):], nil
}

// requestReader takes a request apart; after an error it gives zeros.
type requestReader struct {
	b   []byte
	err error
}

func (r *requestReader) take(n int) []byte {
	if r.err != nil || n < 0 || n > len(r.b) {
		r.err = errShort
		return make([]byte, max(0, min(n, 16)))
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *requestReader) u8() byte    { return r.take(1)[0] }
func (r *requestReader) u16() uint16 { return binary.LittleEndian.Uint16(r.take(2)) }

// value reads the types of parameters that the connector sends: whole numbers
// and text.
func (r *requestReader) value() any {
	switch kind := r.u8(); kind {
	case 0x26: // INTN
		r.u8()
		n := int(r.u8())
		raw := make([]byte, 8)
		copy(raw, r.take(n))
		if n == 0 {
			return nil
		}
		return int64(binary.LittleEndian.Uint64(raw))
	case 0xe7: // NVARCHAR
		size := r.u16()
		r.take(5)
		if size == 0xffff {
			return r.chunks()
		}
		n := r.u16()
		if n == 0xffff {
			return nil
		}
		return fromUTF16(r.take(int(n)))
	default:
		r.err = fmt.Errorf("%w: a parameter of type %#x", errUnexpected, kind)
		return nil
	}
}

func (r *requestReader) chunks() any {
	if binary.LittleEndian.Uint64(r.take(8)) == 1<<64-1 || r.err != nil {
		return nil
	}
	var all []byte
	for r.err == nil {
		n := int(binary.LittleEndian.Uint32(r.take(4)))
		if n == 0 {
			break
		}
		all = append(all, r.take(n)...)
	}
	return fromUTF16(all)
}
