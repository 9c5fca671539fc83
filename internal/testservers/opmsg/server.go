package opmsg

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Answer gives the reply to a command; nil leaves it to the server behind, or,
// where there is none, to a server that knows hello and ping. Cut ends the
// connection instead.
type Answer func(name string, command bson.Raw) any

// Cut, as an answer, ends the connection.
type Cut struct{}

// Error is the reply of a server that refuses.
func Error(code int32, name, text string) bson.D {
	return bson.D{{Key: "ok", Value: 0.0}, {Key: "errmsg", Value: text}, {Key: "code", Value: code}, {Key: "codeName", Value: name}}
}

// Server listens on 127.0.0.1. With an address behind it is a proxy.
type Server struct {
	listener net.Listener
	behind   string

	mu     sync.Mutex
	answer Answer
	seen   []string
	conns  map[net.Conn]struct{}
	group  sync.WaitGroup
}

// Start listens, with TLS where conf is given, until the test ends.
func Start(t testing.TB, conf *tls.Config, answer Answer) *Server {
	t.Helper()
	return start(t, "", conf, answer)
}

// StartProxy stands before the server at the address.
func StartProxy(t testing.TB, behind string, answer Answer) *Server {
	t.Helper()
	return start(t, behind, nil, answer)
}

func start(t testing.TB, behind string, conf *tls.Config, answer Answer) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if conf != nil {
		l = tls.NewListener(l, conf)
	}
	s := &Server{listener: l, behind: behind, answer: answer, conns: map[net.Conn]struct{}{}}
	s.group.Go(s.accept)
	t.Cleanup(s.close)
	return s
}

// Port is the TCP port on 127.0.0.1.
func (s *Server) Port() int {
	_, text, _ := net.SplitHostPort(s.listener.Addr().String())
	port, _ := net.LookupPort("tcp", text)
	return port
}

// Set changes the answers, for open connections as well.
func (s *Server) Set(answer Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

// Seen gives the names of all commands so far, each once, sorted.
func (s *Server) Seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Compact(slices.Sorted(slices.Values(s.seen)))
}

func (s *Server) close() {
	_ = s.listener.Close()
	s.mu.Lock()
	for c := range s.conns {
		_ = c.Close()
	}
	s.conns = nil
	s.mu.Unlock()
	s.group.Wait()
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		if !s.keep(conn) {
			return
		}
		s.group.Go(func() {
			defer s.drop(conn)
			_ = s.serve(conn) // it ends with the connection
		})
	}
}

func (s *Server) keep(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		_ = conn.Close()
		return false
	}
	s.conns[conn] = struct{}{}
	return true
}

func (s *Server) drop(conn net.Conn) {
	_ = conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, conn)
}

// serve answers one connection, message by message.
func (s *Server) serve(conn net.Conn) error {
	var back net.Conn
	if s.behind != "" {
		var err error
		if back, err = net.Dial("tcp", s.behind); err != nil {
			return err
		}
		if !s.keep(back) {
			return net.ErrClosed
		}
		defer s.drop(back)
	}
	for {
		m, err := readMessage(conn)
		if err != nil {
			return err
		}
		reply, err := s.answerTo(m, back)
		if err != nil {
			return err
		}
		if _, err := conn.Write(reply); err != nil {
			return err
		}
	}
}

var errCut = errors.New("the connection is to be cut") //nolint:gochecknoglobals // a sentinel

func (s *Server) answerTo(m message, back net.Conn) ([]byte, error) {
	command, err := m.command()
	if err != nil {
		return nil, err
	}
	name := nameOf(command)
	s.mu.Lock()
	s.seen = append(s.seen, name)
	answer := s.answer
	s.mu.Unlock()
	if answer != nil {
		doc := answer(name, command)
		if _, cut := doc.(Cut); cut {
			return nil, errCut
		}
		if doc != nil {
			return m.reply(doc)
		}
	}
	if back == nil {
		return m.reply(Plain(name))
	}
	if _, err := back.Write(m.raw); err != nil {
		return nil, err
	}
	got, err := readMessage(back)
	return got.raw, err
}

// Plain is what a server answers that knows nothing but to say hello.
func Plain(name string) bson.D {
	switch name {
	case "hello", "isMaster", "ismaster":
		return bson.D{{Key: "ok", Value: 1.0}, {Key: "helloOk", Value: true}, {Key: "ismaster", Value: true}, {Key: "isWritablePrimary", Value: true},
			{Key: "maxBsonObjectSize", Value: 16 << 20}, {Key: "maxMessageSizeBytes", Value: 48 << 20}, {Key: "maxWriteBatchSize", Value: 1000},
			{Key: "minWireVersion", Value: 0}, {Key: "maxWireVersion", Value: 21}, {Key: "localTime", Value: bson.NewDateTimeFromTime(time.Now())}}
	case "ping", "endSessions", "buildInfo", "connectionStatus", "killCursors":
		return bson.D{{Key: "ok", Value: 1.0}}
	}
	return Error(59, "CommandNotFound", fmt.Sprintf("no such command: '%s'", name))
}
