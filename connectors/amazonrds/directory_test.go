package amazonrds

import (
	"bufio"
	"encoding/asn1"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
)

// directory is an LDAP server that does nothing but judge user and password.
// It gives its address.
func directory(t testing.TB, judge func(user, password string) bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = answerBind(conn, judge)
			}()
		}
	}()
	return l.Addr().String()
}

// bind is the request of RFC 4511 section 4.2, with a simple password.
type bind struct {
	ID      int
	Request struct {
		Version  int
		Name     []byte
		Password asn1.RawValue
	} `asn1:"application,tag:0"`
}

func answerBind(conn net.Conn, judge func(user, password string) bool) error {
	message, err := readMessage(bufio.NewReader(conn))
	if err != nil {
		return err
	}
	var b bind
	if _, err := asn1.Unmarshal(message, &b); err != nil {
		return err
	}
	user := strings.TrimSuffix(strings.TrimPrefix(string(b.Request.Name), "cn="), ",dc=rds")
	const success, invalidCredentials = 0, 49
	result := byte(invalidCredentials)
	if judge(user, string(b.Request.Password.Bytes)) {
		result = success
	}
	_, err = conn.Write([]byte{0x30, 12, 2, 1, byte(b.ID), 0x61, 7, 10, 1, result, 4, 0, 4, 0})
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, conn) // until the server says goodbye
	return err
}

// readMessage reads one message with its header.
func readMessage(r *bufio.Reader) ([]byte, error) {
	head, err := r.Peek(2)
	if err != nil {
		return nil, err
	}
	size, length := 2, int(head[1])
	if length > 0x80 {
		size += length - 0x80
		if head, err = r.Peek(size); err != nil || size > 6 {
			return nil, errors.New("a length that is too long")
		}
		length = 0
		for _, b := range head[2:] {
			length = length<<8 | int(b)
		}
	}
	if length > 1<<16 {
		return nil, errors.New("a message that is too long")
	}
	message := make([]byte, size+length)
	_, err = io.ReadFull(r, message)
	return message, err
}
