package amazonrds

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/mysqlwire"
	"github.com/regrant/regrant/internal/testservers/mysql"
	"github.com/regrant/regrant/internal/testservers/pki"
)

// mysqlGate stands before a real server and signs people in as RDS does: it
// asks for the token by mysql_clear_password, has it judged, and from then on
// hands every byte on to a session of its own with the server.
type mysqlGate struct {
	server *mysql.Server
	judge  func(user, token string) bool
	conf   *tls.Config
	port   int
	ca     string
}

// behind is the password that the gate itself has at the server.
const behind = "password-of-the-gate"

func newMySQLGate(t testing.TB, s *mysql.Server, judge func(user, token string) bool) *mysqlGate {
	t.Helper()
	ca, err := pki.NewCA("a CA of RDS")
	must(t, err)
	pair, err := ca.Server(testHost)
	must(t, err)
	cert, err := pair.TLS()
	must(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	g := &mysqlGate{server: s, judge: judge, conf: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, port: l.Addr().(*net.TCPAddr).Port, ca: string(ca.PEM())}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = g.serve(conn)
			}()
		}
	}()
	return g
}

func (g *mysqlGate) serve(plain net.Conn) error {
	version := "9.7.4"
	if g.server.Flavour() == mysql.MariaDB {
		version = "5.5.5-10.11.19-MariaDB"
	}
	const capabilities = 1<<0 | 1<<2 | 1<<3 | 1<<9 | 1<<11 | 1<<13 | 1<<15 | 1<<19 | 1<<20 | 1<<21
	hello := append([]byte{10}, version...)
	hello = append(hello, 0, 1, 0, 0, 0)
	hello = append(hello, "abcdefgh\x00"...)
	hello = binary.LittleEndian.AppendUint16(hello, capabilities&0xffff)
	hello = append(hello, 45, 2, 0)
	hello = binary.LittleEndian.AppendUint16(hello, capabilities>>16)
	hello = append(append(hello, 21), make([]byte, 10)...)
	hello = append(hello, "ijklmnopqrst\x00mysql_native_password\x00"...)
	if err := writePacket(plain, 0, hello); err != nil {
		return err
	}
	if p, err := readPacket(plain); err != nil || len(p) != 32 {
		return errors.New("no request for TLS")
	}
	conn := tls.Server(plain, g.conf)
	defer conn.Close()
	p, err := readPacket(conn)
	if err != nil || len(p) < 33 {
		return errors.New("no answer to the greeting")
	}
	user, rest, _ := bytes.Cut(p[32:], []byte{0})
	database, _, _ := bytes.Cut(rest[1+int(rest[0]):], []byte{0}) // behind a proof of at most 250 bytes
	if binary.LittleEndian.Uint32(p)&(1<<3) == 0 {
		database = nil
	}
	if err := writePacket(conn, 3, []byte("\xfemysql_clear_password\x00abcdefghijklmnopqrst\x00")); err != nil {
		return err
	}
	token, err := readPacket(conn)
	if err != nil {
		return err
	}
	if !g.judge(string(user), string(bytes.TrimSuffix(token, []byte{0}))) {
		return writePacket(conn, 5, []byte("\xff\x15\x04#28000Access denied for user 'suite'@'127.0.0.1' (using password: YES)"))
	}
	return g.relay(conn, string(user), string(database))
}

func (g *mysqlGate) relay(conn net.Conn, user, database string) error {
	var raw net.Conn
	_, err := mysqlwire.Connect(context.Background(), mysqlwire.Config{User: user, Password: connector.NewSecret(behind), Database: database,
		Dial: func(ctx context.Context) (_ net.Conn, err error) {
			raw, err = (&net.Dialer{}).DialContext(ctx, "tcp", g.server.Address())
			return raw, err
		}})
	if err != nil {
		return err
	}
	defer raw.Close()
	if err := writePacket(conn, 5, []byte{0, 0, 0, 2, 0, 0, 0}); err != nil {
		return err
	}
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{raw, conn}, {conn, raw}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1])
			_, _ = raw.Close(), conn.Close()
		})
	}
	both.Wait()
	return nil
}

func writePacket(w io.Writer, sequence byte, p []byte) error {
	_, err := w.Write(append([]byte{byte(len(p)), byte(len(p) >> 8), 0, sequence}, p...))
	return err
}

func readPacket(r io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	p := make([]byte, int(head[0])|int(head[1])<<8)
	_, err := io.ReadFull(r, p)
	return p, err
}
