package mysqlwire

import (
	"bufio"
	"io"
	"net"
)

const (
	// maxPayload is the size at which a packet goes on in the next one.
	maxPayload = 1<<24 - 1
	// maxPacket bounds what is kept of one row: LONGTEXT may have 4 GB, and
	// the server's own max_allowed_packet is at most 1 GB.
	maxPacket = 1<<30 + 1<<20
	// readBuffer takes many rows with one call to the system.
	readBuffer = 256 << 10
)

// stream cuts a connection into packets.
type stream struct {
	conn     net.Conn
	r        *bufio.Reader
	sequence uint8
	long     []byte // a packet that does not fit into the reader's buffer
	skip     int    // bytes of the reader's buffer that the last packet occupied
	received int64
}

func newStream(conn net.Conn) *stream {
	return &stream{conn: conn, r: bufio.NewReaderSize(conn, readBuffer)}
}

// read gives the next packet; it is valid until the next call.
func (s *stream) read() ([]byte, error) {
	n, err := s.head()
	if err != nil {
		return nil, err
	}
	if n < maxPayload && n <= s.r.Size() {
		p, err := s.r.Peek(n)
		if err != nil {
			return nil, unexpected(err)
		}
		s.skip = n
		return p, nil
	}
	return s.readLong(n)
}

// head reads the head of a packet: three bytes of length, one of sequence.
func (s *stream) head() (int, error) {
	if _, err := s.r.Discard(s.skip); err != nil {
		return 0, unexpected(err)
	}
	s.skip = 0
	h, err := s.r.Peek(4)
	if err != nil {
		return 0, unexpected(err)
	}
	n := int(h[0]) | int(h[1])<<8 | int(h[2])<<16
	if h[3] != s.sequence {
		return 0, malformed("a packet out of sequence")
	}
	s.sequence++
	s.received += int64(n) + 4
	_, err = s.r.Discard(4)
	return n, err
}

// readLong puts a packet together that comes in pieces or is larger than the
// buffer.
func (s *stream) readLong(n int) ([]byte, error) {
	s.long = s.long[:0]
	for {
		at := len(s.long)
		if at+n > maxPacket {
			return nil, malformed("a packet of more than 1 GB")
		}
		s.long = append(s.long, make([]byte, n)...)
		if _, err := io.ReadFull(s.r, s.long[at:]); err != nil {
			return nil, unexpected(err)
		}
		if n < maxPayload {
			break
		}
		var err error
		if n, err = s.head(); err != nil {
			return nil, err
		}
	}
	p := s.long
	if cap(p) > 1<<20 {
		s.long = nil // a rare giant must not stay for as long as the session
	}
	return p, nil
}

// unexpected makes an end within a packet recognisable as a broken connection.
func unexpected(err error) error {
	if err == io.EOF { //nolint:errorlint // bufio gives it bare
		return io.ErrUnexpectedEOF
	}
	return err
}

// write sends a payload as one or more packets.
func (s *stream) write(payload []byte) error {
	for {
		n := min(len(payload), maxPayload)
		out := make([]byte, 0, n+4)
		out = append(out, byte(n), byte(n>>8), byte(n>>16), s.sequence)
		s.sequence++
		if _, err := s.conn.Write(append(out, payload[:n]...)); err != nil {
			return err
		}
		payload = payload[n:]
		if n < maxPayload {
			return nil
		}
	}
}

// command begins a new exchange.
func (s *stream) command(code byte, text string) error {
	s.sequence = 0
	return s.write(append([]byte{code}, text...))
}

// lenenc reads a length-encoded integer; null is the marker of NULL in rows.
func lenenc(p []byte) (n uint64, null bool, rest []byte, ok bool) {
	if len(p) == 0 {
		return 0, false, nil, false
	}
	size := 0
	switch first := p[0]; {
	case first < 0xfb:
		return uint64(first), false, p[1:], true
	case first == 0xfb:
		return 0, true, p[1:], true
	case first == 0xfc:
		size = 2
	case first == 0xfd:
		size = 3
	case first == 0xfe:
		size = 8
	default:
		return 0, false, nil, false
	}
	if len(p) < 1+size {
		return 0, false, nil, false
	}
	for i := size; i > 0; i-- {
		n = n<<8 | uint64(p[i])
	}
	return n, false, p[1+size:], true
}

// text cuts a length-encoded text off.
func text(p []byte) (value, rest []byte, null, ok bool) {
	n, null, rest, ok := lenenc(p)
	if !ok || n > uint64(len(rest)) {
		return nil, nil, false, false
	}
	return rest[:n:n], rest[n:], null, true
}

func appendText(b []byte, s string) []byte {
	switch n := len(s); {
	case n < 0xfb:
		b = append(b, byte(n))
	default: // nothing here is longer than 64 KB
		b = append(b, 0xfc, byte(n), byte(n>>8))
	}
	return append(b, s...)
}
