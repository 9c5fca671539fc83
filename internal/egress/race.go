package egress

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// headStart is how long an address has before the next is tried beside it
// (RFC 8305, section 5).
const headStart = 250 * time.Millisecond

// interleave puts the families in turn, beginning with the resolver's first
// choice, so that a broken IPv6 costs one head start only.
func interleave(addrs []netip.Addr) []netip.Addr {
	first := addrs[0].Is4()
	var a, b []netip.Addr
	for _, addr := range addrs {
		if addr.Is4() == first {
			a = append(a, addr)
		} else {
			b = append(b, addr)
		}
	}
	mixed := make([]netip.Addr, 0, len(addrs))
	for i := range max(len(a), len(b)) {
		if i < len(a) {
			mixed = append(mixed, a[i])
		}
		if i < len(b) {
			mixed = append(mixed, b[i])
		}
	}
	return mixed
}

type attempt struct {
	conn net.Conn
	err  error
}

// race dials the addresses with a head start for each and keeps the first
// connection. It returns when no attempt is under way any more.
func (d *Dialer) race(ctx context.Context, network string, addrs []netip.Addr, port uint16) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	results := make(chan attempt, len(addrs))
	launched := 0
	launch := func() {
		target := netip.AddrPortFrom(addrs[launched], port).String()
		launched++
		go func() {
			conn, err := d.dial(ctx, network, target)
			results <- attempt{conn, err}
		}()
	}
	launch()
	var errs []error
	for len(errs) < len(addrs) {
		var next <-chan time.Time
		if launched < len(addrs) {
			next = time.After(headStart)
		}
		select {
		case r := <-results:
			if r.err == nil {
				cancel()
				drop(results, launched-len(errs)-1)
				return r.conn, nil
			}
			errs = append(errs, r.err)
			if launched < len(addrs) && ctx.Err() == nil {
				launch()
			} else if launched == len(errs) {
				cancel()
				return nil, join(errs)
			}
		case <-next:
			launch()
		}
	}
	cancel()
	return nil, join(errs)
}

// drop closes what comes in after the race is won.
func drop(results <-chan attempt, n int) {
	for range n {
		if r := <-results; r.err == nil {
			_ = r.conn.Close()
		}
	}
}

// join puts what a remote machine answered before what our own network said:
// "no IPv6 here" must not hide that the server refused over IPv4.
func join(errs []error) error {
	slices.SortStableFunc(errs, func(a, b error) int { return cmp.Compare(local(a), local(b)) })
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

func local(err error) int {
	for _, e := range []error{syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT} {
		if errors.Is(err, e) {
			return 1
		}
	}
	return 0
}
