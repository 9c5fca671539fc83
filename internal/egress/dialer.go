package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/regrant/regrant/connector"
)

// Resolver turns a name into addresses; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

const (
	defaultTimeout = 15 * time.Second
	maxAddresses   = 16 // of one name; a longer answer is cut
)

// Dialer dials what its policy allows. It is safe for concurrent use.
type Dialer struct {
	judge    *judge
	timeout  time.Duration
	resolver Resolver
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
}

// New makes a Dialer.
func New(p Policy) *Dialer {
	d := &Dialer{judge: newJudge(p.Allow), timeout: p.Timeout, resolver: p.Resolver}
	if d.timeout <= 0 {
		d.timeout = defaultTimeout
	}
	if d.resolver == nil {
		d.resolver = net.DefaultResolver
	}
	dialer := &net.Dialer{Control: d.control}
	d.dial = dialer.DialContext
	return d
}

// DialContext connects to host:port over TCP. It fills connector.Env.Dial.
// A refusal is a *connector.Fault; a failed lookup has *net.DNSError in its
// chain, a failed connection the error of the network.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	host, port, err := split(network, address)
	if err != nil {
		return nil, err
	}
	addrs, err := d.resolve(ctx, network, host)
	if err != nil {
		return nil, err
	}
	vetted, refused := d.vet(addrs)
	if len(vetted) == 0 {
		return nil, refusal(host, refused[0])
	}
	return d.race(ctx, network, interleave(vetted), port)
}

func split(network, address string) (host string, port uint16, err error) {
	if !slices.Contains([]string{"tcp", "tcp4", "tcp6"}, network) {
		return "", 0, fmt.Errorf("dial %s: only TCP is possible", network)
	}
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, fmt.Errorf("dial %q: %w", address, err)
	}
	n, err := strconv.ParseUint(service, 10, 16)
	if err != nil || n == 0 {
		return "", 0, fmt.Errorf("dial %q: the port must be a number from 1 to 65535", address)
	}
	if host == "" {
		return "", 0, fmt.Errorf("dial %q: the host is missing", address)
	}
	return host, uint16(n), nil
}

func (d *Dialer) resolve(ctx context.Context, network, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	addrs, err := d.resolver.LookupNetIP(ctx, "ip"+network[len("tcp"):], host)
	if err != nil {
		return nil, fmt.Errorf("look up %q: %w", host, err)
	}
	if len(addrs) == 0 {
		return nil, fmt.Errorf("look up %q: %w", host, &net.DNSError{Err: "no addresses", Name: host, IsNotFound: true})
	}
	return addrs[:min(len(addrs), maxAddresses)], nil
}

// refused is an address with the reason.
type refused struct {
	addr netip.Addr
	why  string
}

func (d *Dialer) vet(addrs []netip.Addr) (ok []netip.Addr, no []refused) {
	for _, a := range addrs {
		a = a.Unmap()
		if why := d.judge.refusal(a); why != "" {
			no = append(no, refused{a, why})
		} else if !slices.Contains(ok, a) {
			ok = append(ok, a)
		}
	}
	return ok, no
}

// control looks at the address again, right before connect: it holds even if
// something above it has a bug.
func (d *Dialer) control(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("judge %q: %w", address, err)
	}
	if why := d.judge.refusal(ap.Addr()); why != "" {
		return refusal(ap.Addr().String(), refused{ap.Addr(), why})
	}
	return nil
}

// ErrRefused is in the chain of every refusal.
var ErrRefused = errors.New("the operator does not allow this address")

func refusal(host string, r refused) *connector.Fault {
	addr := r.addr.WithZone("").String()
	subject := addr
	if host != addr && host != r.addr.String() {
		subject = host + " (" + addr + ")"
	}
	return &connector.Fault{
		Cause: connector.Invalid,
		Code:  "egress.address_refused",
		Step:  connector.StepReach,
		Public: fmt.Sprintf("%s is %s, and Regrant does not connect to those unless told to. If the address is right, "+
			"ask whoever runs this Regrant to add %q to allow under [network] in the settings file.", subject, r.why, addr),
		Facts: map[string]string{"host": host, "address": addr, "reason": r.why},
		Err:   fmt.Errorf("dial %s: %s is %s: %w", host, addr, r.why, ErrRefused),
	}
}
