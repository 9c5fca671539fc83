package tds

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"unicode/utf16"
)

// The options of PRELOGIN and the values of its encryption, MS-TDS 2.2.6.5.
const (
	optionVersion    = 0
	optionEncryption = 1
	optionEnd        = 0xff

	encryptOff    = 0
	encryptOn     = 1
	encryptNotSup = 2
)

// prelogin writes the server's options.
func prelogin(encryption byte) []byte {
	const heads = 2*5 + 1
	return []byte{
		optionVersion, 0, heads, 0, 6,
		optionEncryption, 0, heads + 6, 0, 1,
		optionEnd,
		16, 0, 0x10, 0, 0, 0, encryption,
	}
}

// askedEncryption finds what the client wants.
func askedEncryption(data []byte) byte {
	for at := 0; at+5 <= len(data) && data[at] != optionEnd; at += 5 {
		offset := int(binary.BigEndian.Uint16(data[at+1:]))
		if data[at] == optionEncryption && offset < len(data) {
			return data[offset]
		}
	}
	return encryptNotSup
}

// Login is what a client signs in with.
type Login struct {
	User, Password, Database, App string
	ReadIntent                    bool
}

var errLogin = errors.New("a LOGIN7 message that is cut short") //nolint:gochecknoglobals // a sentinel

// parseLogin reads LOGIN7, MS-TDS 2.2.6.4. Each byte of the password has its
// halves swapped and then every second pair of bits turned over.
func parseLogin(data []byte) (Login, error) {
	if len(data) < 94 {
		return Login{}, errLogin
	}
	var l Login
	for _, f := range []struct {
		into *string
		at   int
	}{{&l.User, 40}, {&l.Password, 44}, {&l.App, 48}, {&l.Database, 68}} {
		offset, chars := int(binary.LittleEndian.Uint16(data[f.at:])), int(binary.LittleEndian.Uint16(data[f.at+2:]))
		if offset+2*chars > len(data) {
			return Login{}, errLogin
		}
		raw := append([]byte(nil), data[offset:offset+2*chars]...)
		if f.at == 44 {
			for i, b := range raw {
				b ^= 0xa5
				raw[i] = b<<4 | b>>4
			}
		}
		*f.into = fromUTF16(raw)
	}
	l.ReadIntent = data[26]&0x20 != 0
	return l, nil
}

func fromUTF16(raw []byte) string {
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(raw[2*i:])
	}
	return string(utf16.Decode(units))
}

func toUTF16(s string) []byte {
	var raw []byte
	for _, u := range utf16.Encode([]rune(s)) {
		raw = binary.LittleEndian.AppendUint16(raw, u)
	}
	return raw
}

// wrapped carries the TLS handshake inside PRELOGIN packets, as TDS 7 does.
// After the handshake TLS carries the packets instead.
type wrapped struct {
	net.Conn
	rest []byte
	bare bool
}

func (w *wrapped) Read(p []byte) (int, error) {
	if w.bare {
		return w.Conn.Read(p)
	}
	for len(w.rest) == 0 {
		kind, _, data, err := readPacket(w.Conn)
		if err != nil {
			return 0, err
		}
		if kind != packPrelogin {
			return 0, io.ErrUnexpectedEOF
		}
		w.rest = data
	}
	n := copy(p, w.rest)
	w.rest = w.rest[n:]
	return n, nil
}

func (w *wrapped) Write(p []byte) (int, error) {
	if w.bare {
		return w.Conn.Write(p)
	}
	out := newPacketWriter(w.Conn, packPrelogin)
	if _, err := out.Write(p); err != nil {
		return 0, err
	}
	return len(p), out.end()
}

// handshake makes the connection a TLS one.
func handshake(conn net.Conn, conf *tls.Config) (net.Conn, error) {
	w := &wrapped{Conn: conn}
	c := tls.Server(w, conf)
	if err := c.Handshake(); err != nil {
		return nil, err
	}
	w.bare = true
	return c, nil
}
