package demo

import (
	"fmt"
	"net"
	"strings"
)

// controls are two addresses that the product probes to learn whether its own
// network works. When they are cut together with the bastion, nothing outside
// answers any more: what a cut network looks like from inside.
type controls struct {
	listeners []net.Listener
	addresses []string
}

func newControls() (*controls, error) {
	c := &controls{addresses: []string{"127.0.0.1:0", "127.0.0.1:0"}}
	return c, c.mend()
}

// mend listens again on the same addresses.
func (c *controls) mend() error {
	c.listeners = nil
	for n, address := range c.addresses {
		l, err := net.Listen("tcp", address) //nolint:noctx // closed by cut
		if err != nil {
			return err
		}
		c.addresses[n] = l.Addr().String()
		c.listeners = append(c.listeners, l)
		go accept(l)
	}
	return nil
}

func accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_ = conn.Close()
	}
}

func (c *controls) cut() {
	for _, l := range c.listeners {
		_ = l.Close()
	}
}

// list writes the addresses as a TOML array's content.
func (c *controls) list() string {
	quoted := make([]string, 0, len(c.addresses))
	for _, a := range c.addresses {
		quoted = append(quoted, fmt.Sprintf("%q", a))
	}
	return strings.Join(quoted, ", ")
}
