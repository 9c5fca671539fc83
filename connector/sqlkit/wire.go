package sqlkit

import (
	"bytes"
	"net"
	"sync"
)

// wire is the TCP connection under a tunnel. It remembers how the other side
// began to speak and how the connection ended, which the SSH library does not tell.
type wire struct {
	net.Conn

	mu       sync.Mutex
	greeting []byte // the first bytes from the other side
	received int64
	failed   error // of the first read that failed
}

// maxGreeting is enough to recognise a protocol, or OpenSSH's refusal.
const maxGreeting = 64

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.mu.Lock()
	defer w.mu.Unlock()
	if room := maxGreeting - len(w.greeting); room > 0 {
		w.greeting = append(w.greeting, p[:min(n, room)]...)
	}
	w.received += int64(n)
	if err != nil && w.failed == nil {
		w.failed = err
	}
	return n, err
}

func (w *wire) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed
}

func (w *wire) count() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.received
}

// speaker is what a greeting says about who answers.
type speaker uint8

const (
	nobody   speaker = iota // not a word
	sshd                    // an SSH server
	busySSH                 // an SSH server that turns newcomers away
	stranger                // something else
)

// answeredBy judges by the protocols: RFC 4253 section 4.2, and the lines that
// OpenSSH's sshd.c writes to connections over MaxStartups or under a penalty.
func (w *wire) answeredBy() speaker {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch g := w.greeting; {
	case len(g) == 0:
		return nobody
	case bytes.HasPrefix(g, []byte("SSH-")):
		return sshd
	case bytes.HasPrefix(g, []byte("Exceeded MaxStartups")), bytes.HasPrefix(g, []byte("Not allowed at this time")):
		return busySSH
	default:
		return stranger
	}
}
