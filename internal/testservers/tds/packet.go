package tds

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The kinds of packets, MS-TDS 2.2.3.1.1.
const (
	packBatch     = 1
	packRPC       = 3
	packReply     = 4
	packAttention = 6
	packLogin7    = 16
	packPrelogin  = 18
)

const (
	headerSize  = 8
	endOfMsg    = 1
	packetBytes = 4096
	// maxMessage bounds what a client may send.
	maxMessage = 16 << 20
)

var errTooLarge = errors.New("a message that is too large") //nolint:gochecknoglobals // a sentinel

// readPacket reads one packet: its kind, whether it ends a message, and what
// it holds.
func readPacket(r io.Reader) (kind byte, last bool, data []byte, err error) {
	var head [headerSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, false, nil, err
	}
	size := int(binary.BigEndian.Uint16(head[2:]))
	if size < headerSize {
		return 0, false, nil, fmt.Errorf("a packet of %d bytes", size)
	}
	data = make([]byte, size-headerSize)
	_, err = io.ReadFull(r, data)
	return head[0], head[1]&endOfMsg != 0, data, err
}

// readMessage puts the packets of one message together.
func readMessage(r io.Reader) (kind byte, data []byte, err error) {
	for {
		k, last, part, err := readPacket(r)
		if err != nil {
			return 0, nil, err
		}
		if data = append(data, part...); len(data) > maxMessage {
			return 0, nil, errTooLarge
		}
		if last {
			return k, data, nil
		}
	}
}

// packetWriter cuts a reply into packets.
type packetWriter struct {
	w    *bufio.Writer
	kind byte
	buf  []byte
	seq  byte
}

func newPacketWriter(w io.Writer, kind byte) *packetWriter {
	return &packetWriter{w: bufio.NewWriterSize(w, packetBytes), kind: kind}
}

func (p *packetWriter) Write(b []byte) (int, error) {
	p.buf = append(p.buf, b...)
	for len(p.buf) > packetBytes-headerSize {
		if err := p.send(p.buf[:packetBytes-headerSize], 0); err != nil {
			return 0, err
		}
		p.buf = append(p.buf[:0], p.buf[packetBytes-headerSize:]...)
	}
	return len(b), nil
}

func (p *packetWriter) send(data []byte, status byte) error {
	p.seq++
	head := [headerSize]byte{p.kind, status, 0, 0, 0, 51, p.seq, 0}
	binary.BigEndian.PutUint16(head[2:], uint16(len(data)+headerSize))
	if _, err := p.w.Write(head[:]); err != nil {
		return err
	}
	_, err := p.w.Write(data)
	return err
}

// push sends what is there without ending the message.
func (p *packetWriter) push() error {
	if len(p.buf) > 0 {
		if err := p.send(p.buf, 0); err != nil {
			return err
		}
		p.buf = p.buf[:0]
	}
	return p.w.Flush()
}

// end sends the rest and ends the message.
func (p *packetWriter) end() error {
	if err := p.send(p.buf, endOfMsg); err != nil {
		return err
	}
	p.buf = p.buf[:0]
	return p.w.Flush()
}
