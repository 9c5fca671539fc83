package mysqlwire

import (
	"bytes"
	"encoding/hex"
	"net"
	"testing"
	"time"
)

// input is a connection that has nothing but the given bytes to say.
type input struct{ *bytes.Reader }

func (input) Write(p []byte) (int, error)      { return len(p), nil }
func (input) Close() error                     { return nil }
func (input) LocalAddr() net.Addr              { return nil }
func (input) RemoteAddr() net.Addr             { return nil }
func (input) SetDeadline(time.Time) error      { return nil }
func (input) SetReadDeadline(time.Time) error  { return nil }
func (input) SetWriteDeadline(time.Time) error { return nil }

// FuzzSignIn lets a server say anything while signing in.
func FuzzSignIn(f *testing.F) {
	f.Add([]byte("\x08\x00\x00\x00\x0a9.7.4\x00a"))
	f.Add([]byte("\x17\x00\x00\x00\xff\x10\x04Too many connections"))
	f.Fuzz(func(t *testing.T, p []byte) {
		c := &Conn{stream: newStream(input{bytes.NewReader(p)})}
		_ = c.signIn(t.Context(), Config{User: "u"}, nil)
	})
}

// FuzzQuery lets a server answer anything.
func FuzzQuery(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x01\x01\x05\x00\x00\x02\x03def"))
	f.Fuzz(func(t *testing.T, p []byte) {
		c := &Conn{stream: newStream(input{bytes.NewReader(p)})}
		_ = c.query("SELECT 1", nobody{})
	})
}

func FuzzSplit(f *testing.F) {
	f.Add([]byte("\x01a\x00\xfb"), 3)
	f.Fuzz(func(t *testing.T, p []byte, n int) {
		values := make([][]byte, min(max(n, 0), 100))
		if split(p, values) != nil {
			return
		}
		size := 0
		for _, v := range values {
			size += len(v) + 1
		}
		if size > len(p) {
			t.Errorf("%d bytes of values out of %d", size, len(p))
		}
	})
}

// TestProofs holds the proofs against values that other implementations gave.
func TestProofs(t *testing.T) {
	t.Parallel()
	salt := []byte{10, 47, 74, 111, 75, 73, 34, 48, 88, 76, 114, 74, 37, 13, 3, 80, 82, 2, 23, 21}
	for name, c := range map[string]struct {
		got  []byte
		want string
	}{
		"caching_sha2 secret": {cachingProof(salt, "secret"), "f490e76f66d9d86665ce54d98c78d0acfe2fb0b08b423da807144873d30b312c"},
		"native empty":        {nativeProof(salt, ""), ""},
	} {
		if hex.EncodeToString(c.got) != c.want {
			t.Errorf("%s: %x", name, c.got)
		}
	}
}
