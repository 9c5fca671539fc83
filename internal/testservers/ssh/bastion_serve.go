package ssh

import (
	"io"
	"net"
	"strconv"
	"sync"

	"golang.org/x/crypto/ssh"
)

func (s *Bastion) serve(c net.Conn) {
	b := s.now()
	switch {
	case b.Silent:
		_, _ = io.Copy(io.Discard, c) // until the other side or Cut ends it
	case b.CloseAtOnce:
	case b.ResetAtOnce:
		_, _ = c.Read(make([]byte, 1)) // a reset before that fails the dial instead
		_ = c.(*net.TCPConn).SetLinger(0)
	case b.Greeting != "":
		_, _ = io.WriteString(c, b.Greeting)
	default:
		s.serveSSH(c, b)
	}
}

func (s *Bastion) serveSSH(c net.Conn, b Behaviour) {
	conn, channels, requests, err := ssh.NewServerConn(c, s.serverConfig(b))
	if err != nil {
		return
	}
	defer conn.Close()
	var wg sync.WaitGroup
	wg.Go(func() { s.answer(requests) })
	for ch := range channels {
		wg.Go(func() { s.forward(ch) })
	}
	wg.Wait()
}

func (s *Bastion) answer(requests <-chan *ssh.Request) {
	for r := range requests {
		if r.Type == "keepalive@openssh.com" {
			s.mu.Lock()
			s.keepalive++
			s.mu.Unlock()
		}
		if r.WantReply && !s.now().DeafKeepalive {
			_ = r.Reply(false, nil)
		}
	}
}

// target is the payload of a direct-tcpip request, RFC 4254 section 7.2.
type target struct {
	Host       string
	Port       uint32
	OriginHost string
	OriginPort uint32
}

func (s *Bastion) forward(ch ssh.NewChannel) {
	s.mu.Lock()
	s.forwarded++
	b := s.behaviour
	s.mu.Unlock()
	var to target
	if ch.ChannelType() != "direct-tcpip" || ssh.Unmarshal(ch.ExtraData(), &to) != nil {
		_ = ch.Reject(ssh.UnknownChannelType, "only forwarding here")
		return
	}
	if b.Refuse != 0 {
		_ = ch.Reject(b.Refuse, "told to refuse")
		return
	}
	if b.Permit != nil && !b.Permit(to.Host, to.Port) {
		_ = ch.Reject(ssh.Prohibited, "open failed")
		return
	}
	s.connect(ch, b, net.JoinHostPort(to.Host, strconv.Itoa(int(to.Port))))
}

func (s *Bastion) connect(ch ssh.NewChannel, b Behaviour, address string) {
	dial := b.Dial
	if dial == nil {
		dial = func(a string) (net.Conn, error) { return net.Dial("tcp", a) }
	}
	db, err := dial(address)
	if err != nil {
		_ = ch.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	defer db.Close()
	channel, requests, err := ch.Accept()
	if err != nil {
		return
	}
	defer channel.Close()
	go ssh.DiscardRequests(requests)
	splice(channel, db)
}

// splice copies both ways and ends when both directions have.
func splice(channel ssh.Channel, db net.Conn) {
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _ = io.Copy(db, channel)
		if tcp, ok := db.(*net.TCPConn); ok {
			_ = tcp.CloseWrite()
		} else {
			_ = db.Close()
		}
	})
	wg.Go(func() {
		_, _ = io.Copy(channel, db)
		_ = channel.CloseWrite()
	})
	wg.Wait()
}
