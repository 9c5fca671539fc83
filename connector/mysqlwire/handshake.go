package mysqlwire

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"strings"
)

// Capabilities of the protocol that are used here.
const (
	capLongPassword  = 1 << 0
	capLongFlag      = 1 << 2
	capWithDatabase  = 1 << 3
	capProtocol41    = 1 << 9
	capTLS           = 1 << 11
	capTransactions  = 1 << 13
	capSecure        = 1 << 15
	capPluginAuth    = 1 << 19
	capAttributes    = 1 << 20
	capLongAuthReply = 1 << 21
)

// utf8mb4General is the collation that all servers since 5.5.3 know.
const utf8mb4General = 45

// greeting is the server's first packet.
type greeting struct {
	version      string
	id           uint32
	salt         []byte
	capabilities uint32
	plugin       string
}

func parseGreeting(p []byte) (greeting, error) {
	if len(p) > 0 && p[0] == 0xff {
		return greeting{}, parseError(p)
	}
	if len(p) == 0 || p[0] != 10 {
		return greeting{}, malformed("no greeting of protocol 10")
	}
	version, p, ok := bytes.Cut(p[1:], []byte{0})
	if !ok || len(p) < 4+8+1+2 {
		return greeting{}, malformed("a short greeting")
	}
	g := greeting{version: string(version), id: binary.LittleEndian.Uint32(p), salt: bytes.Clone(p[4:12]), capabilities: uint32(binary.LittleEndian.Uint16(p[13:]))}
	p = p[15:]
	if len(p) < 1+2+2+1+10 {
		return g, nil
	}
	g.capabilities |= uint32(binary.LittleEndian.Uint16(p[3:])) << 16
	saltSize := max(int(p[5])-8, 13)
	p = p[16:]
	if len(p) < saltSize {
		return g, malformed("a greeting without its salt")
	}
	g.salt = append(g.salt, bytes.TrimSuffix(p[:saltSize], []byte{0})...)
	if g.capabilities&capPluginAuth != 0 {
		plugin, _, _ := bytes.Cut(p[saltSize:], []byte{0})
		g.plugin = string(plugin)
	}
	return g, nil
}

// signIn goes through the whole of the connection phase.
func (c *Conn) signIn(ctx context.Context, cfg Config, conf *tls.Config) error {
	p, err := c.stream.read()
	if err != nil {
		return err
	}
	g, err := parseGreeting(p)
	if err != nil {
		return err
	}
	// Replication of old servers needed a number below 10 in front.
	c.version, c.id = strings.TrimPrefix(g.version, "5.5.5-"), g.id
	if g.capabilities&capProtocol41 == 0 || g.capabilities&capSecure == 0 {
		return malformed("a server older than MySQL 4.1")
	}
	if conf != nil && g.capabilities&capTLS == 0 {
		if !cfg.Fallback {
			return ErrNoTLS
		}
		conf = nil
	}
	head := c.head(cfg, g, conf != nil)
	if conf != nil {
		if err := c.upgrade(ctx, head, conf); err != nil {
			return err
		}
	}
	a := authenticator{stream: c.stream, password: cfg.Password.Reveal(), salt: g.salt, plugin: knownPlugin(g.plugin), secure: c.secure}
	first, err := a.first()
	if err != nil {
		return err
	}
	if err := c.stream.write(answer(head, cfg, a.plugin, first)); err != nil {
		return err
	}
	return a.finish()
}

// head is what the request for TLS and the answer to the greeting begin with.
func (c *Conn) head(cfg Config, g greeting, withTLS bool) []byte {
	want := uint32(capLongPassword | capLongFlag | capProtocol41 | capTransactions | capSecure | capPluginAuth | capAttributes | capLongAuthReply)
	if cfg.Database != "" {
		want |= capWithDatabase
	}
	want &= g.capabilities | capLongPassword
	if withTLS {
		want |= capTLS
	}
	head := binary.LittleEndian.AppendUint32(nil, want)
	head = binary.LittleEndian.AppendUint32(head, maxPayload)
	head = append(head, utf8mb4General)
	return append(head, make([]byte, 23)...)
}

// handshakeError is a failure of TLS itself.
type handshakeError struct{ err error }

func (e *handshakeError) Error() string { return "TLS handshake: " + e.err.Error() }
func (e *handshakeError) Unwrap() error { return e.err }

func (c *Conn) upgrade(ctx context.Context, head []byte, conf *tls.Config) error {
	if err := c.stream.write(head); err != nil {
		return err
	}
	if c.stream.r.Buffered() > c.stream.skip {
		// Somebody in between could otherwise slip in what the server never said.
		return malformed("data before TLS")
	}
	secured := tls.Client(c.stream.conn, conf)
	if err := secured.HandshakeContext(ctx); err != nil {
		return &handshakeError{err}
	}
	sequence := c.stream.sequence
	c.stream = newStream(secured)
	c.stream.sequence, c.secure = sequence, true
	return nil
}

// answer is the handshake response: who signs in, where to, and how.
func answer(head []byte, cfg Config, plugin string, proof []byte) []byte {
	caps := binary.LittleEndian.Uint32(head)
	p := append(bytes.Clone(head), cfg.User...)
	p = append(p, 0)
	if caps&capLongAuthReply != 0 {
		p = appendText(p, string(proof))
	} else {
		p = append(append(p, byte(len(proof))), proof...)
	}
	if caps&capWithDatabase != 0 {
		p = append(append(p, cfg.Database...), 0)
	}
	if caps&capPluginAuth != 0 {
		p = append(append(p, plugin...), 0)
	}
	if caps&capAttributes != 0 {
		var attributes []byte
		attributes = appendText(attributes, "program_name")
		attributes = appendText(attributes, cfg.Program)
		p = appendText(p, string(attributes))
	}
	return p
}
