package ssh

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

type hostKey struct {
	private any
	public  ssh.PublicKey
}

// newHostKeys makes one key of each type that OpenSSH makes at installation.
func (s *Server) newHostKeys() error {
	s.keys = nil
	for _, generate := range []func() (any, error){newEd25519, newECDSA, newRSA} {
		key, err := generate()
		if err != nil {
			return fmt.Errorf("make a host key: %w", err)
		}
		signer, err := ssh.NewSignerFromKey(key)
		if err != nil {
			return fmt.Errorf("make a host key: %w", err)
		}
		s.keys = append(s.keys, hostKey{private: key, public: signer.PublicKey()})
	}
	return nil
}

func newEd25519() (any, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return key, err
}
func newECDSA() (any, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }
func newRSA() (any, error)   { return rsa.GenerateKey(rand.Reader, 2048) }

// Fingerprints gives the host keys' SHA256 fingerprints by key type.
func (s *Server) Fingerprints() map[string]string {
	m := map[string]string{}
	for _, k := range s.keys {
		m[k.public.Type()] = ssh.FingerprintSHA256(k.public)
	}
	return m
}

func (s *Server) writeConfig() error {
	var b bytes.Buffer
	for _, line := range s.cfg.Directives {
		fmt.Fprintln(&b, line)
	}
	if !s.sets("MaxStartups") {
		fmt.Fprintln(&b, "MaxStartups 200") // of this one, the last line wins
	}
	fmt.Fprintf(&b, `Port %d
ListenAddress 127.0.0.1
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
AuthorizedKeysFile %s
AllowTcpForwarding local
LogLevel VERBOSE
`, s.port, filepath.Join(s.dir, "authorized_keys"))
	for i, k := range s.keys {
		path := filepath.Join(s.dir, fmt.Sprintf("host_key_%d", i))
		if err := writeKey(path, k.private); err != nil {
			return err
		}
		fmt.Fprintln(&b, "HostKey", path)
	}
	return os.WriteFile(filepath.Join(s.dir, "sshd_config"), b.Bytes(), 0o600)
}

// sets says whether a line of the test's own is about the directive.
func (s *Server) sets(directive string) bool {
	return slices.ContainsFunc(s.cfg.Directives, func(line string) bool { return strings.HasPrefix(line, directive+" ") })
}

func writeKey(path string, key any) error {
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		return fmt.Errorf("encode a host key: %w", err)
	}
	return os.WriteFile(path, pem.EncodeToMemory(block), 0o600)
}
