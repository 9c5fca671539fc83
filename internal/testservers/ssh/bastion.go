package ssh

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
)

// Behaviour is what a Bastion does; it may be changed while it runs. The zero
// value refuses every login.
type Behaviour struct {
	Keys      []string          // authorized keys, as in authorized_keys
	Passwords map[string]string // by user
	OnlyAsk   bool              // offer nothing but keyboard-interactive
	Questions []string          // it asks these; the first answer is the password
	Echo      []bool            // which of the answers may be seen

	HostKeys      []ssh.Signer // empty: one ed25519 key, made at the start
	KeyExchanges  []string     // empty: the library's own
	Silent        bool         // accept TCP and never say a word
	CloseAtOnce   bool         // close the connection before the banner
	ResetAtOnce   bool         // reset it at the first byte
	Greeting      string       // send this instead of an SSH banner, then close
	DeafKeepalive bool         // never answer global requests

	Refuse ssh.RejectionReason                    // refuse every forwarding; 0: do not
	Permit func(host string, port uint32) bool    // nil: everything
	Dial   func(address string) (net.Conn, error) // nil: TCP
}

// Bastion is an SSH server in this process that forwards TCP and nothing else.
type Bastion struct {
	listener net.Listener
	own      ssh.Signer

	mu        sync.Mutex
	behaviour Behaviour
	conns     map[net.Conn]struct{}
	accepted  int
	forwarded int
	keepalive int
	wg        sync.WaitGroup
}

// StartBastion starts a bastion that ends with the test.
func StartBastion(t testing.TB, b Behaviour) *Bastion {
	t.Helper()
	s, err := NewBastion(b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// NewBastion starts a bastion on a free port of 127.0.0.1.
func NewBastion(b Behaviour) (*Bastion, error) {
	own, err := NewSigner()
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start a bastion: %w", err)
	}
	s := &Bastion{listener: l, own: own, behaviour: b, conns: map[net.Conn]struct{}{}}
	s.wg.Go(s.accept)
	return s, nil
}

// NewSigner makes an ed25519 key, for a host or a user.
func NewSigner() (ssh.Signer, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return ssh.NewSignerFromKey(key)
}

// Address is where it listens.
func (s *Bastion) Address() string { return s.listener.Addr().String() }

// Port is the TCP port on 127.0.0.1.
func (s *Bastion) Port() int { return s.listener.Addr().(*net.TCPAddr).Port }

// Fingerprint is that of its own host key.
func (s *Bastion) Fingerprint() string { return ssh.FingerprintSHA256(s.own.PublicKey()) }

// Set changes the behaviour for new connections and channels.
func (s *Bastion) Set(b Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behaviour = b
}

func (s *Bastion) now() Behaviour {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.behaviour
}

// Connections is how many TCP connections it has accepted so far.
func (s *Bastion) Connections() int { return s.count(&s.accepted) }

// Forwardings is how many connections it was asked to forward so far.
func (s *Bastion) Forwardings() int { return s.count(&s.forwarded) }

// Keepalives is how many keep-alive requests it got so far.
func (s *Bastion) Keepalives() int { return s.count(&s.keepalive) }

func (s *Bastion) count(n *int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *n
}

// Open is how many connections are open now.
func (s *Bastion) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Cut closes every open connection and goes on listening.
func (s *Bastion) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close()
	}
}

// Close ends the bastion and waits until nothing of it runs any more.
func (s *Bastion) Close() {
	_ = s.listener.Close()
	s.Cut()
	s.wg.Wait()
}

func (s *Bastion) accept() {
	for {
		c, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		s.track(c)
		s.wg.Go(func() {
			defer s.forget(c)
			s.serve(c)
		})
	}
}

func (s *Bastion) track(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepted++
	s.conns[c] = struct{}{}
}

func (s *Bastion) forget(c net.Conn) {
	_ = c.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// serverConfig is read at the handshake, so that Set works for the next one.
func (s *Bastion) serverConfig(b Behaviour) *ssh.ServerConfig {
	cfg := &ssh.ServerConfig{MaxAuthTries: 6}
	cfg.KeyExchanges = b.KeyExchanges
	keys := b.HostKeys
	if len(keys) == 0 {
		keys = []ssh.Signer{s.own}
	}
	for _, k := range keys {
		cfg.AddHostKey(k)
	}
	if b.OnlyAsk {
		cfg.KeyboardInteractiveCallback = b.ask
		return cfg
	}
	cfg.PublicKeyCallback = b.checkKey
	if b.Passwords != nil {
		cfg.PasswordCallback = b.checkPassword
	}
	return cfg
}

func (b Behaviour) checkKey(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	known := slices.ContainsFunc(b.Keys, func(line string) bool {
		k, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		return err == nil && string(k.Marshal()) == string(key.Marshal())
	})
	if !known {
		return nil, errors.New("unknown key")
	}
	return &ssh.Permissions{}, nil
}

func (b Behaviour) ask(c ssh.ConnMetadata, challenge ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
	answers, err := challenge("", "", b.Questions, b.Echo)
	if err != nil || len(answers) == 0 {
		return nil, errors.New("no answer")
	}
	return b.checkPassword(c, []byte(answers[0]))
}

func (b Behaviour) checkPassword(c ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
	if want, ok := b.Passwords[c.User()]; !ok || want != string(password) {
		return nil, errors.New("wrong password")
	}
	return &ssh.Permissions{}, nil
}
