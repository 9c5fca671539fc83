package tds

import (
	"encoding/binary"
	"io"
)

// The tokens of a reply, MS-TDS 2.2.7.
const (
	tokenColumns   = 0x81
	tokenError     = 0xaa
	tokenLoginAck  = 0xad
	tokenRow       = 0xd1
	tokenEnvChange = 0xe3
	tokenDone      = 0xfd

	doneMore      = 0x01
	doneError     = 0x02
	doneCount     = 0x10
	doneAttention = 0x20
	doneSevere    = 0x100
)

// Error is one error of the server.
type Error struct {
	Number  int32
	State   uint8
	Class   uint8
	Message string
}

func u16(b []byte, n int) []byte { return binary.LittleEndian.AppendUint16(b, uint16(n)) }
func u32(b []byte, n uint32) []byte {
	return binary.LittleEndian.AppendUint32(b, n)
}

// shortText is a text with its length in one byte.
func shortText(b []byte, s string) []byte {
	raw := toUTF16(s)
	return append(append(b, byte(len(raw)/2)), raw...)
}

func (e Error) token() []byte {
	raw := toUTF16(e.Message)
	body := u32(nil, uint32(e.Number))
	body = append(body, e.State, e.Class)
	body = append(u16(body, len(raw)/2), raw...)
	body = shortText(body, "fake")
	body = shortText(body, "")
	body = u32(body, 1)
	return append(u16([]byte{tokenError}, len(body)), body...)
}

func doneToken(status int, rows uint64) []byte {
	b := u16([]byte{tokenDone}, status)
	b = u16(b, 0xc1) // the command: SELECT
	return binary.LittleEndian.AppendUint64(b, rows)
}

// welcome tells the client that it is in.
func welcome(database string) []byte {
	body := []byte{1, 0x74, 0, 0, 4}
	body = shortText(body, "Microsoft SQL Server")
	body = append(body, 16, 0, 0x10, 0)
	out := append(u16([]byte{tokenLoginAck}, len(body)), body...)
	change := shortText([]byte{1}, database)
	change = shortText(change, "master")
	out = append(append(u16(append(out, tokenEnvChange), len(change)), change...), doneToken(0, 0)...)
	return out
}

// sendOn is a welcome that sends the client on to another server, as Azure's
// gateway does (ENVCHANGE of type 20).
func sendOn(host string, port int) []byte {
	body := []byte{1, 0x74, 0, 0, 4}
	body = append(shortText(body, "Microsoft SQL Server"), 16, 0, 0x10, 0)
	out := append(u16([]byte{tokenLoginAck}, len(body)), body...)
	raw := toUTF16(host)
	route := u16([]byte{0}, port) // over TCP
	route = append(u16(route, len(raw)/2), raw...)
	change := append(u16([]byte{20}, len(route)), route...)
	change = u16(change, 0)
	return append(append(u16(append(out, tokenEnvChange), len(change)), change...), doneToken(0, 0)...)
}

// columnsToken describes a result.
func columnsToken(columns []Column) []byte {
	b := u16([]byte{tokenColumns}, len(columns))
	for _, c := range columns {
		b = u32(b, 0) // user type
		b = u16(b, 9) // nullable, updatable
		b = append(b, c.Type.info()...)
		b = shortText(b, c.Name)
	}
	return b
}

func writeRow(w io.Writer, columns []Column, row []any) error {
	b := []byte{tokenRow}
	for i, c := range columns {
		var err error
		if b, err = c.Type.append(b, row[i]); err != nil {
			return err
		}
	}
	_, err := w.Write(b)
	return err
}
