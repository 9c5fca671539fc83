package opmsg

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// The kinds of messages.
// https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/
const (
	opReply = 1
	opQuery = 2004
	opMsg   = 2013
)

const mostBytes = 64 << 20

// message is one message as it travels.
type message struct {
	raw      []byte
	id, kind int32
}

func readMessage(r io.Reader) (message, error) {
	var head [16]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return message{}, err
	}
	length := int32(binary.LittleEndian.Uint32(head[:]))
	if length < 16 || length > mostBytes {
		return message{}, fmt.Errorf("a message of %d bytes", length)
	}
	raw := make([]byte, length)
	copy(raw, head[:])
	if _, err := io.ReadFull(r, raw[16:]); err != nil {
		return message{}, err
	}
	return message{raw, int32(binary.LittleEndian.Uint32(head[4:])), int32(binary.LittleEndian.Uint32(head[12:]))}, nil
}

// command is the document of a message, without further sections.
func (m message) command() (bson.Raw, error) {
	body := m.raw[16:]
	switch m.kind {
	case opMsg:
		if len(body) < 5 || body[4] != 0 {
			return nil, errors.New("a message that begins with no document")
		}
		return document(body[5:])
	case opQuery:
		for i := 4; i < len(body); i++ {
			if body[i] == 0 && len(body) >= i+9 {
				return document(body[i+9:])
			}
		}
	}
	return nil, fmt.Errorf("a message of kind %d", m.kind)
}

func document(b []byte) (bson.Raw, error) {
	if len(b) < 5 {
		return nil, io.ErrUnexpectedEOF
	}
	n := int(binary.LittleEndian.Uint32(b))
	if n < 5 || n > len(b) {
		return nil, io.ErrUnexpectedEOF
	}
	return bson.Raw(b[:n]), nil
}

// nameOf is the command's name: its first field.
func nameOf(command bson.Raw) string {
	elements, err := command.Elements()
	if err != nil || len(elements) == 0 {
		return ""
	}
	return elements[0].Key()
}

// reply answers a message with a document, in the message's own kind.
func (m message) reply(doc any) ([]byte, error) {
	body, err := bson.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("write a reply: %w", err)
	}
	kind, before := int32(opMsg), make([]byte, 5) // flags; section of kind 0
	if m.kind == opQuery {
		kind, before = opReply, make([]byte, 20) // flags, cursor, start
		binary.LittleEndian.PutUint32(before[16:], 1)
	}
	out := make([]byte, 16, 16+len(before)+len(body))
	out = append(append(out, before...), body...)
	binary.LittleEndian.PutUint32(out, uint32(len(out)))
	binary.LittleEndian.PutUint32(out[8:], uint32(m.id))
	binary.LittleEndian.PutUint32(out[12:], uint32(kind))
	return out, nil
}
