package mysql_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"testing"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/mysqlwire"
	"github.com/regrant/regrant/internal/testservers/mysql"
)

func signIn(ctx context.Context, s *mysql.Server, user, password string, conf *tls.Config) error {
	c, err := mysqlwire.Connect(ctx, mysqlwire.Config{
		User: user, Password: connector.NewSecret(password), TLS: conf,
		Dial: func(ctx context.Context) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", s.Address())
		},
	})
	if err != nil {
		return err
	}
	return c.Close()
}

func code(err error) uint16 {
	var e *mysqlwire.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

func TestServerLife(t *testing.T) {
	t.Parallel()
	mysql.Each(t, mysql.Config{TLS: true}, func(t *testing.T, s *mysql.Server) {
		ctx := t.Context()
		s.Exec(t, "CREATE USER reader@'%' IDENTIFIED BY 'right'")
		conf := &tls.Config{RootCAs: s.CA().Pool(), ServerName: "localhost", MinVersion: tls.VersionTLS12}
		for range 2 { // the second time after a restart
			if err := signIn(ctx, s, "reader", "right", nil); err != nil {
				t.Fatal(err)
			}
			if err := signIn(ctx, s, "reader", "right", conf); err != nil {
				t.Fatal(err)
			}
			if err := signIn(ctx, s, "reader", "wrong", nil); code(err) != 1045 {
				t.Fatalf("a wrong password gives %v", err)
			}
			if err := s.Restart(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Crash(ctx); err != nil {
			t.Fatal(err)
		}
		if err := signIn(ctx, s, "reader", "right", nil); err == nil {
			t.Fatal("a crashed server lets somebody in")
		}
	})
}
