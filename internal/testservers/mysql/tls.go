package mysql

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/regrant/regrant/internal/testservers/pki"
)

// material is where the TLS files of a server lie, and the CA behind them.
type material struct {
	ca                        *pki.CA
	certFile, keyFile, caFile string
}

// makeTLS runs before the directory is given to the server's account.
func (s *Server) makeTLS() error {
	ca, err := pki.NewCA("test CA of MySQL")
	if err != nil {
		return err
	}
	s.tls = &material{
		ca:       ca,
		certFile: filepath.Join(s.dir, "server.crt"),
		keyFile:  filepath.Join(s.dir, "server.key"),
		caFile:   filepath.Join(s.dir, "ca.crt"),
	}
	pair, err := ca.Server(append([]string{"localhost", "127.0.0.1"}, s.cfg.TLSNames...)...)
	if err != nil {
		return err
	}
	return errors.Join(s.writePair(pair), s.writeOwned(s.tls.caFile, ca.PEM()))
}

func (s *Server) writePair(p pki.Pair) error {
	return errors.Join(s.writeOwned(s.tls.certFile, p.CertPEM), s.writeOwned(s.tls.keyFile, p.KeyPEM))
}

func (s *Server) writeOwned(path string, text []byte) error {
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return fmt.Errorf("write the server's files: %w", err)
	}
	return s.own(path)
}

// CA signs the server's certificate, and client certificates that the server
// accepts. It is nil without TLS.
func (s *Server) CA() *pki.CA {
	if s.tls == nil {
		return nil
	}
	return s.tls.ca
}

// CAPEM is the certificate of CA; empty without TLS.
func (s *Server) CAPEM() string {
	if s.tls == nil {
		return ""
	}
	return string(s.tls.ca.PEM())
}

// SetCertificate changes the server's certificate for new connections, as a
// rotation by an administrator does.
func (s *Server) SetCertificate(ctx context.Context, p pki.Pair) error {
	if s.tls == nil {
		return errors.New("the server was started without TLS")
	}
	if err := s.writePair(p); err != nil {
		return err
	}
	if s.bin.flavour == MySQL {
		return s.ExecIn(ctx, "", "ALTER INSTANCE RELOAD TLS")
	}
	return s.ExecIn(ctx, "", "FLUSH SSL")
}
