package sqlkit

import (
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// linger bounds how long a closed connection still delivers what was written.
const linger = 2 * time.Second

// tunnelConn is a forwarded connection with deadlines. An SSH channel has
// none, and no driver works right without: a cancelled query would go on. Two
// goroutines move bytes between the channel and a ring for each direction;
// both end with the channel, at the latest with the tunnel.
type tunnelConn struct {
	channel ssh.Channel
	tunnel  *Tunnel
	remote  tunnelAddr

	in, out       *ring
	reads, writes sync.Mutex // one at a time per direction
	readBy        *deadline
	writeBy       *deadline
	closing       sync.Once
	gone          chan struct{} // closed when both goroutines have ended
}

func newTunnelConn(t *Tunnel, channel ssh.Channel, address string) *tunnelConn {
	return &tunnelConn{
		channel: channel, tunnel: t, remote: tunnelAddr(address),
		in: newRing(), out: newRing(), readBy: newDeadline(), writeBy: newDeadline(), gone: make(chan struct{}),
	}
}

// run lasts as long as the connection.
func (c *tunnelConn) run() {
	defer close(c.gone)
	var both sync.WaitGroup
	both.Go(c.receive)
	both.Go(c.send)
	both.Wait()
	c.tunnel.forget(c)
}

// receive reads ahead into the ring, straight into its free part.
func (c *tunnelConn) receive() {
	for {
		room, err := c.in.space(nil)
		if err != nil {
			return // closed
		}
		n, err := c.channel.Read(room)
		c.in.produced(n)
		if err != nil {
			c.in.finish(c.reason(err))
			return
		}
	}
}

// send writes what is in the ring and closes the channel at its end.
func (c *tunnelConn) send() {
	defer c.channel.Close()
	for {
		piece, err := c.out.data(nil)
		if err != nil {
			return // closed, and all is written
		}
		n, err := c.channel.Write(piece)
		c.out.consumed(n)
		if err != nil {
			c.out.fail(c.reason(err))
			return
		}
	}
}

// breakOff is called when the tunnel is gone.
func (c *tunnelConn) breakOff(reason error) {
	c.in.finish(reason) // what has arrived may still be read
	c.out.fail(reason)
}

// reason tells a database that hung up from a tunnel that broke: the channel
// says "end of file" in both cases.
func (c *tunnelConn) reason(err error) error {
	if lost := c.tunnel.lost(); lost != nil {
		return lost
	}
	if err != io.EOF {
		return &net.OpError{Op: "read", Net: "tcp", Addr: c.remote, Err: err}
	}
	return io.EOF
}

func (c *tunnelConn) Read(p []byte) (int, error) {
	c.reads.Lock()
	defer c.reads.Unlock()
	if len(p) == 0 {
		return 0, nil
	}
	piece, err := c.in.data(c.readBy.wait())
	if err != nil {
		return 0, c.wrap("read", err)
	}
	n := copy(p, piece)
	c.in.consumed(n)
	return n, nil
}

func (c *tunnelConn) Write(p []byte) (int, error) {
	c.writes.Lock()
	defer c.writes.Unlock()
	written := 0
	for written < len(p) {
		room, err := c.out.space(c.writeBy.wait())
		if err != nil {
			return written, c.wrap("write", err)
		}
		n := copy(room, p[written:])
		c.out.produced(n)
		written += n
	}
	return written, nil
}

// wrap gives errors the form that drivers know from TCP. io.EOF stays as it
// is: it is compared, not unwrapped.
func (c *tunnelConn) wrap(op string, err error) error {
	if _, known := err.(*net.OpError); known || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: "tcp", Addr: c.remote, Err: err}
}

// Close returns at once. What was written is still delivered for a moment: a
// driver says goodbye and closes.
func (c *tunnelConn) Close() error {
	c.closing.Do(func() {
		c.in.fail(net.ErrClosed)
		c.out.finish(net.ErrClosed)
		if !c.tunnel.start(c.lingerOn) {
			c.out.fail(net.ErrClosed)
		}
	})
	return nil
}

// lingerOn waits until all is written, and then for the other side; what still
// waits after that ends with an error, and the tunnel forgets the channel.
func (c *tunnelConn) lingerOn() {
	timer := time.NewTimer(linger)
	defer timer.Stop()
	select {
	case <-c.gone:
		return
	case <-timer.C:
	case <-c.tunnel.dead:
	}
	c.out.fail(net.ErrClosed)
	_ = c.channel.Close()
}

func (c *tunnelConn) LocalAddr() net.Addr  { return tunnelAddr("ssh") }
func (c *tunnelConn) RemoteAddr() net.Addr { return c.remote }

func (c *tunnelConn) SetDeadline(t time.Time) error {
	c.readBy.set(t)
	c.writeBy.set(t)
	return nil
}

func (c *tunnelConn) SetReadDeadline(t time.Time) error {
	c.readBy.set(t)
	return nil
}

func (c *tunnelConn) SetWriteDeadline(t time.Time) error {
	c.writeBy.set(t)
	return nil
}

// tunnelAddr is the address as the SSH server sees it. Drivers dial it again,
// through the tunnel, to cancel a query.
type tunnelAddr string

func (tunnelAddr) Network() string  { return "tcp" }
func (a tunnelAddr) String() string { return string(a) }
