package sqlkit_test

import (
	"io"
	"net"
	"testing"

	"golang.org/x/crypto/ssh"

	sshserver "github.com/regrant/regrant/internal/testservers/ssh"
)

// BenchmarkRead compares what a tunnel delivers with a plain connection and
// with a bare SSH channel, which has no deadlines: deadlines should be free.
func BenchmarkRead(b *testing.B) {
	const piece = 8 << 20
	target := serve(b, func(c net.Conn) {
		rows := make([]byte, 64<<10)
		for {
			if _, err := c.Write(rows); err != nil {
				return
			}
		}
	})
	k := newKey(b)
	s, cfg := bastion(b, k, sshserver.Behaviour{})
	signer, err := ssh.ParsePrivateKey([]byte(k.private.Reveal()))
	if err != nil {
		b.Fatal(err)
	}
	client, err := ssh.Dial("tcp", s.Address(), &ssh.ClientConfig{
		User: "tunnel", Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	tunnel := open(b, cfg)
	for name, dial := range map[string]func() (net.Conn, error){
		"plain":   func() (net.Conn, error) { return net.Dial("tcp", target) },
		"channel": func() (net.Conn, error) { return client.Dial("tcp", target) },
		"tunnel":  func() (net.Conn, error) { return tunnel.DialContext(b.Context(), "tcp", target) },
	} {
		b.Run(name, func(b *testing.B) {
			c, err := dial()
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			b.SetBytes(piece)
			for b.Loop() {
				if _, err := io.CopyN(io.Discard, c, piece); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
