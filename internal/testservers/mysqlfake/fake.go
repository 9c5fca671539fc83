package mysqlfake

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
)

// Refusal is an error as the server sends it.
type Refusal struct {
	Code    uint16
	State   string // empty: as before the protocol is settled
	Message string
}

// Script is how the server behaves. The zero value lets everybody in and
// answers every statement with OK.
type Script struct {
	Version string // empty: "9.7.4"
	Plugin  string // in the greeting; empty: mysql_native_password

	Greet  *Refusal // instead of the greeting
	SignIn *Refusal // after the password
	Switch string   // asks for this plugin after the first answer
	// Answer gives the answer to a statement; nil: OK. A slice of rows, each of
	// texts; a *Refusal; or Raw.
	Answer func(sql string) any
	// Raw, when set, is sent instead of a greeting, and then the connection ends.
	Raw []byte
}

// Rows is a result of text columns.
type Rows [][]string

// Hangup ends the connection instead of an answer.
type Hangup struct{}

// Server is a running fake.
type Server struct {
	listener net.Listener
	group    sync.WaitGroup

	mu     sync.Mutex
	script Script
	conns  map[net.Conn]bool
	sent   []byte // what the client last sent while signing in
}

// Start runs a server until Close.
func Start(s Script) (*Server, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &Server{listener: l, script: s, conns: map[net.Conn]bool{}}
	f.group.Go(f.accept)
	return f, nil
}

// Port is where it listens.
func (f *Server) Port() int { return f.listener.Addr().(*net.TCPAddr).Port }

// Set changes the script for new connections and statements.
func (f *Server) Set(s Script) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.script = s
}

// Sent is the last packet that a client sent while signing in.
func (f *Server) Sent() []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sent
}

// Close ends the server and its connections.
func (f *Server) Close() error {
	err := f.listener.Close()
	f.mu.Lock()
	for c := range f.conns {
		_ = c.Close()
	}
	f.mu.Unlock()
	f.group.Wait()
	return err
}

func (f *Server) current() Script {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.script
}

func (f *Server) accept() {
	for {
		c, err := f.listener.Accept()
		if err != nil {
			return
		}
		f.mu.Lock()
		f.conns[c] = true
		f.mu.Unlock()
		f.group.Go(func() {
			defer func() {
				_ = c.Close()
				f.mu.Lock()
				delete(f.conns, c)
				f.mu.Unlock()
			}()
			s := &session{f: f, conn: c, r: bufio.NewReader(c)}
			_ = s.serve() // a client that leaves is no news
		})
	}
}

// session is one connection.
type session struct {
	f        *Server
	conn     net.Conn
	r        *bufio.Reader
	sequence byte
}

var errEnded = errors.New("the script ends here") //nolint:gochecknoglobals // a sentinel

func (s *session) serve() error {
	if err := s.signIn(s.f.current()); err != nil {
		return err
	}
	for {
		s.sequence = 0
		p, err := s.read()
		if err != nil || len(p) == 0 || p[0] == 1 {
			return err
		}
		var answer any
		if script := s.f.current(); script.Answer != nil {
			answer = script.Answer(string(p[1:]))
		}
		if err := s.answer(answer); err != nil {
			return err
		}
	}
}

func (s *session) signIn(script Script) error {
	if script.Raw != nil {
		_, err := s.conn.Write(script.Raw)
		return errors.Join(err, errEnded)
	}
	if script.Greet != nil {
		return errors.Join(s.refuse(script.Greet), errEnded)
	}
	if err := s.write(greeting(script)); err != nil {
		return err
	}
	if err := s.hear(); err != nil {
		return err
	}
	if script.Switch != "" {
		p := append([]byte{0xfe}, script.Switch...)
		if err := s.write(append(append(p, 0), "abcdefghij0123456789\x00"...)); err != nil {
			return err
		}
		if err := s.hear(); err != nil {
			return err
		}
	}
	if script.SignIn != nil {
		return errors.Join(s.refuse(script.SignIn), errEnded)
	}
	return s.ok()
}

// hear keeps what the client sends while signing in.
func (s *session) hear() error {
	p, err := s.read()
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	s.f.sent = p
	return err
}

func greeting(script Script) []byte {
	version, plugin := script.Version, script.Plugin
	if version == "" {
		version = "9.7.4"
	}
	if plugin == "" {
		plugin = "mysql_native_password"
	}
	const capabilities = 1 | 4 | 8 | 1<<9 | 1<<13 | 1<<15 | 1<<19 | 1<<20 | 1<<21
	p := append(append([]byte{10}, version...), 0)
	p = binary.LittleEndian.AppendUint32(p, 7)
	p = append(append(p, "abcdefgh"...), 0)
	p = binary.LittleEndian.AppendUint16(p, capabilities&0xffff)
	p = append(p, 45, 2, 0)
	p = binary.LittleEndian.AppendUint16(p, capabilities>>16)
	p = append(p, 21)
	p = append(p, make([]byte, 10)...)
	p = append(append(p, "ij0123456789"...), 0)
	return append(append(p, plugin...), 0)
}

func (s *session) answer(a any) error {
	switch a := a.(type) {
	case nil:
		return s.ok()
	case *Refusal:
		return s.refuse(a)
	case Hangup:
		return errEnded
	case []byte:
		_, err := s.conn.Write(a)
		return err
	case Rows:
		return s.rows(a)
	}
	return errEnded
}

func (s *session) ok() error { return s.write([]byte{0, 0, 0, 2, 0, 0, 0}) }

func (s *session) refuse(r *Refusal) error {
	p := binary.LittleEndian.AppendUint16([]byte{0xff}, r.Code)
	if r.State != "" {
		p = append(append(p, '#'), r.State...)
	}
	return s.write(append(p, r.Message...))
}

func (s *session) rows(rows Rows) error {
	width := 1
	if len(rows) > 0 {
		width = len(rows[0])
	}
	if err := s.write([]byte{byte(width)}); err != nil {
		return err
	}
	for range width {
		column := appendText(nil, "def", "", "", "", "c", "")
		if err := s.write(append(column, 0x0c, 45, 0, 0, 1, 0, 0, 0xfd, 0, 0, 0, 0, 0)); err != nil {
			return err
		}
	}
	end := []byte{0xfe, 0, 0, 2, 0}
	if err := s.write(end); err != nil {
		return err
	}
	for _, row := range rows {
		if err := s.write(appendText(nil, row...)); err != nil {
			return err
		}
	}
	return s.write(end)
}

// appendText writes texts that are shorter than 251 bytes.
func appendText(p []byte, texts ...string) []byte {
	for _, t := range texts {
		p = append(append(p, byte(len(t))), t...)
	}
	return p
}

func (s *session) write(payload []byte) error {
	n := len(payload)
	head := []byte{byte(n), byte(n >> 8), byte(n >> 16), s.sequence}
	s.sequence++
	_, err := s.conn.Write(append(head, payload...))
	return err
}

func (s *session) read() ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(s.r, head[:]); err != nil {
		return nil, err
	}
	p := make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
	s.sequence = head[3] + 1
	_, err := io.ReadFull(s.r, p)
	return p, err
}
