package tds

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// Backend answers what clients ask. Its methods are called from many
// goroutines.
type Backend interface {
	// SignIn lets a client in, or gives the errors to refuse it with.
	SignIn(Login) []Error
	// Answer is called for each batch and for each sp_executesql.
	Answer(s *Session, sql string, params []any) Reply
}

// Reply is the answer to one statement: errors come after the rows.
type Reply struct {
	Columns []Column
	Rows    [][]any
	Errors  []Error
	Delay   time.Duration // before the first byte; an attention ends it
	Close   bool          // hang up in place of, or after, the last token
	Severe  bool          // mark the end as a server error (class 20 and above)
}

// Session is one client that is in.
type Session struct {
	Login    Login
	Snapshot bool
	TLS      bool
}

// Server is a fake SQL Server on 127.0.0.1.
type Server struct {
	Backend Backend
	TLS     *tls.Config // nil: encryption is not supported
	// SendOn is a host and a port to which clients are sent on, once they are
	// in; empty: they may stay.
	SendOn     string
	SendOnPort int

	mu     sync.Mutex
	listen net.Listener
	port   int
	conns  map[net.Conn]bool
	group  sync.WaitGroup
}

// Start listens, on the port of an earlier Start if there was one.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: s.port})
	if err != nil {
		return err
	}
	s.listen, s.port, s.conns = l, l.Addr().(*net.TCPAddr).Port, map[net.Conn]bool{}
	s.group.Go(func() { s.accept(l) })
	return nil
}

// Port is where clients connect.
func (s *Server) Port() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.port
}

// Stop hangs up on everybody and listens no more.
func (s *Server) Stop() {
	s.mu.Lock()
	if s.listen != nil {
		_ = s.listen.Close()
	}
	s.listen = nil
	for c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.group.Wait()
}

func (s *Server) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		if !s.keep(l, conn) {
			_ = conn.Close()
			continue
		}
		s.group.Go(func() {
			defer s.forget(conn)
			_ = s.serve(conn)
		})
	}
}

func (s *Server) keep(l net.Listener, conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listen != l {
		return false
	}
	s.conns[conn] = true
	return true
}

func (s *Server) forget(conn net.Conn) {
	_ = conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, conn)
}

// serve takes a client through PRELOGIN, TLS and LOGIN7, then answers it.
func (s *Server) serve(conn net.Conn) error {
	kind, data, err := readMessage(conn)
	if err != nil || kind != packPrelogin {
		return errors.Join(err, errUnexpected)
	}
	encryption := byte(encryptNotSup)
	if s.TLS != nil && askedEncryption(data) != encryptNotSup {
		encryption = encryptOn
	}
	out := newPacketWriter(conn, packReply)
	if _, err := out.Write(prelogin(encryption)); err != nil {
		return err
	}
	if err := out.end(); err != nil {
		return err
	}
	session := &Session{}
	if encryption == encryptOn {
		if conn, err = handshake(conn, s.TLS); err != nil {
			return err
		}
		session.TLS = true
	}
	if err := s.signIn(conn, session); err != nil {
		return err
	}
	return s.talk(conn, session)
}

var (
	errUnexpected = errors.New("an unexpected message") //nolint:gochecknoglobals // a sentinel
	errRefused    = errors.New("the login was refused") //nolint:gochecknoglobals // a sentinel
)

func (s *Server) signIn(conn net.Conn, session *Session) error {
	kind, data, err := readMessage(conn)
	if err != nil || kind != packLogin7 {
		return errors.Join(err, errUnexpected)
	}
	if session.Login, err = parseLogin(data); err != nil {
		return err
	}
	out := newPacketWriter(conn, packReply)
	refused := s.Backend.SignIn(session.Login)
	if len(refused) == 0 && s.SendOn != "" {
		_, _ = out.Write(sendOn(s.SendOn, s.SendOnPort))
		return out.end()
	}
	if len(refused) == 0 {
		_, _ = out.Write(welcome(session.Login.Database))
		return out.end()
	}
	for _, e := range refused {
		if e.Number == HangUp {
			return errRefused
		}
		_, _ = out.Write(e.token())
	}
	_, _ = out.Write(doneToken(doneError, 0))
	return errors.Join(out.end(), errRefused)
}

// HangUp as the number of a refusal closes the connection without a word.
const HangUp = -1

// message is one request.
type message struct {
	kind byte
	data []byte
}

// talk answers requests one after the other, while it listens for attentions.
func (s *Server) talk(conn net.Conn, session *Session) error {
	requests, attention := make(chan message, 1), make(chan struct{}, 1)
	stop := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		defer close(requests)
		for {
			kind, data, err := readMessage(conn)
			if err != nil {
				return
			}
			if kind == packAttention {
				attention <- struct{}{}
				continue
			}
			select {
			case requests <- message{kind, data}:
			case <-stop:
				return
			}
		}
	})
	defer func() {
		close(stop)
		_ = conn.Close()
		group.Wait()
	}()
	for {
		select {
		case m, ok := <-requests:
			if !ok {
				return io.EOF
			}
			if err := s.answer(conn, session, m, attention); err != nil {
				return err
			}
		case <-attention:
			if err := confirm(conn); err != nil {
				return err
			}
		}
	}
}

func confirm(conn net.Conn) error {
	out := newPacketWriter(conn, packReply)
	_, _ = out.Write(doneToken(doneAttention, 0))
	return out.end()
}

var errClosed = errors.New("the script hangs up") //nolint:gochecknoglobals // a sentinel

func (s *Server) answer(conn net.Conn, session *Session, m message, attention chan struct{}) error {
	sql, params, err := parseRequest(m)
	if err != nil {
		return err
	}
	r := s.Backend.Answer(session, sql, params)
	if r.Delay > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), r.Delay)
		defer cancel()
		select {
		case <-attention:
			return confirm(conn)
		case <-ctx.Done():
		}
	}
	out := newPacketWriter(conn, packReply)
	if r.Columns != nil {
		if _, err := out.Write(columnsToken(r.Columns)); err != nil {
			return err
		}
	}
	for _, row := range r.Rows {
		select {
		case <-attention:
			_, _ = out.Write(doneToken(doneAttention, 0))
			return out.end()
		default:
		}
		if err := writeRow(out, r.Columns, row); err != nil {
			return err
		}
	}
	return finish(out, r)
}

func finish(out *packetWriter, r Reply) error {
	var tail bytes.Buffer
	status := doneCount
	for _, e := range r.Errors {
		tail.Write(e.token())
		status |= doneError
	}
	if r.Severe {
		status |= doneSevere
	}
	if r.Close && len(r.Errors) == 0 {
		return errors.Join(out.push(), errClosed)
	}
	tail.Write(doneToken(status, uint64(len(r.Rows))))
	if _, err := out.Write(tail.Bytes()); err != nil {
		return err
	}
	if err := out.end(); err != nil || !r.Close {
		return err
	}
	return errClosed
}
