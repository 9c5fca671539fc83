package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regrant/regrant/connector"
)

// names is a resolver with a fixed answer that counts the questions.
type names struct {
	mu      sync.Mutex
	answers [][]string // one after the other; the last stays
	asked   int
}

func (n *names) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked++
	if len(n.answers) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	var addrs []netip.Addr
	for _, a := range n.answers[0] {
		addrs = append(addrs, netip.MustParseAddr(a))
	}
	if len(n.answers) > 1 {
		n.answers = n.answers[1:]
	}
	return addrs, nil
}

func resolver(answer ...string) *names { return &names{answers: [][]string{answer}} }

// recorder stands in for the network.
type recorder struct {
	mu     sync.Mutex
	dialed []string
	reply  func(ctx context.Context, address string) (net.Conn, error)
}

func (r *recorder) dial(ctx context.Context, _, address string) (net.Conn, error) {
	r.mu.Lock()
	r.dialed = append(r.dialed, address)
	r.mu.Unlock()
	if r.reply != nil {
		return r.reply(ctx, address)
	}
	a, b := net.Pipe()
	_ = b.Close()
	return a, nil
}

func setup(p Policy) (*Dialer, *recorder) {
	d, r := New(p), &recorder{}
	d.dial = r.dial
	return d, r
}

func TestJudge(t *testing.T) {
	t.Parallel()
	allow, err := ParseAllow([]string{"10.1.0.0/16", "127.0.0.1", "fd12::/16", "169.254.0.0/16", "64:ff9b::/96", " 168.63.129.0/24 "})
	if err != nil {
		t.Fatal(err)
	}
	closed, open := newJudge(nil), newJudge(allow)
	for _, c := range []struct {
		addr           string
		byRule, byList bool
	}{
		{"8.8.8.8", true, true},
		{"2606:4700::1111", true, true},
		{"10.1.2.3", false, true},
		{"::ffff:10.1.2.3", false, true},
		{"10.2.2.3", false, false},
		{"127.0.0.1", false, true},
		{"::ffff:127.0.0.1", false, true},
		{"127.0.0.2", false, false},
		{"::1", false, false},
		{"0.0.0.0", false, false},
		{"::", false, false},
		{"172.16.0.1", false, false},
		{"172.32.0.1", true, true},
		{"192.168.1.1", false, false},
		{"100.64.0.1", false, false},
		{"100.100.100.200", false, false},
		{"169.254.1.1", false, true},
		{"169.254.169.254", false, false},
		{"::ffff:169.254.169.254", false, false},
		{"168.63.129.16", false, false},
		{"168.63.129.17", true, true},
		{"fd00:ec2::254", false, false},
		{"fd12::1", false, true},
		{"fe80::1", false, false},
		{"fe80::1%eth0", false, false},
		{"fd12::1%eth0", false, true},
		{"64:ff9b::8.8.8.8", true, true},
		{"64:ff9b::127.0.0.9", false, false},
		{"64:ff9b::169.254.169.254", false, false},
		{"2002:7f00:1::", false, false},
		{"2001:db8::1", false, false},
		{"::127.0.0.1", false, false},
		{"224.0.0.1", false, false},
		{"ff02::1", false, false},
		{"255.255.255.255", false, false},
		{"240.0.0.1", false, false},
		{"198.51.100.1", false, false},
	} {
		addr := netip.MustParseAddr(c.addr)
		if got := closed.refusal(addr); (got == "") != c.byRule {
			t.Errorf("without a list, %s: %q", c.addr, got)
		}
		if got := open.refusal(addr); (got == "") != c.byList {
			t.Errorf("with a list, %s: %q", c.addr, got)
		}
	}
}

func TestMetadataNeedsToBeListedByItself(t *testing.T) {
	t.Parallel()
	addr := netip.MustParseAddr("169.254.169.254")
	everything := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	if newJudge(everything).refusal(addr) == "" {
		t.Error("a wide range opens the metadata address")
	}
	if why := newJudge([]netip.Prefix{netip.MustParsePrefix("169.254.169.254/32")}).refusal(addr); why != "" {
		t.Errorf("listed by itself it is still %s", why)
	}
}

func TestRefusalTellsTheWayOut(t *testing.T) {
	t.Parallel()
	d, net := setup(Policy{Resolver: resolver("10.0.0.5")})
	_, err := d.DialContext(t.Context(), "tcp", "db.corp.example:5432")
	f := connector.FaultOf(err)
	if f.Cause != connector.Invalid || f.Code != "egress.address_refused" || f.Step != connector.StepReach {
		t.Fatalf("got %+v", f)
	}
	if !errors.Is(err, ErrRefused) || len(net.dialed) != 0 {
		t.Fatalf("dialled %v, error %v", net.dialed, err)
	}
	for _, word := range []string{"db.corp.example", "10.0.0.5", "private", "[network]", "allow"} {
		if !strings.Contains(f.Public, word) {
			t.Errorf("%q does not say %q", f.Public, word)
		}
	}
}

func TestOnlyVettedAddressesAreDialledAndTheNameIsAskedOnce(t *testing.T) {
	t.Parallel()
	// The second answer is what a rebinding name server would give.
	names := &names{answers: [][]string{{"127.0.0.1", "8.8.8.8", "8.8.8.8"}, {"127.0.0.1"}}}
	d, net := setup(Policy{Resolver: names})
	conn, err := d.DialContext(t.Context(), "tcp", "rebind.example:443")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if len(net.dialed) != 1 || net.dialed[0] != "8.8.8.8:443" || names.asked != 1 {
		t.Fatalf("dialled %v after %d questions", net.dialed, names.asked)
	}
}

func TestControlHoldsOnItsOwn(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d := New(Policy{})
	if _, err := d.dial(t.Context(), "tcp", l.Addr().String()); !errors.Is(err, ErrRefused) {
		t.Fatalf("the dialer under the judge connects to loopback: %v", err)
	}
	d = New(Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	conn, err := d.DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

func TestLookupFailureKeepsItsEvidence(t *testing.T) {
	t.Parallel()
	d, _ := setup(Policy{Resolver: &names{}})
	_, err := d.DialContext(t.Context(), "tcp", "gone.example:5432")
	var dns *net.DNSError
	if !errors.As(err, &dns) || !dns.IsNotFound {
		t.Fatalf("got %v, want a *net.DNSError", err)
	}
	d, _ = setup(Policy{Resolver: &names{answers: [][]string{{}}}})
	if _, err = d.DialContext(t.Context(), "tcp", "empty.example:5432"); !errors.As(err, &dns) {
		t.Fatalf("no addresses give %v", err)
	}
}

func TestBadAddresses(t *testing.T) {
	t.Parallel()
	d, net := setup(Policy{Resolver: resolver("8.8.8.8")})
	for _, c := range [][2]string{
		{"udp", "a.example:1"}, {"unix", "/tmp/s"}, {"tcp", "a.example"}, {"tcp", "a.example:0"},
		{"tcp", "a.example:65536"}, {"tcp", "a.example:postgresql"}, {"tcp", ":5432"}, {"tcp", ""},
	} {
		if _, err := d.DialContext(t.Context(), c[0], c[1]); err == nil {
			t.Errorf("%v was accepted", c)
		}
	}
	if len(net.dialed) != 0 {
		t.Errorf("dialled %v", net.dialed)
	}
}

func hang(ctx context.Context) (net.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestASilentFamilyCostsOneHeadStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, network := setup(Policy{Resolver: resolver("2606:4700::1", "2606:4700::2", "8.8.8.8")})
		network.reply = func(ctx context.Context, address string) (net.Conn, error) {
			if strings.HasPrefix(address, "[") {
				return hang(ctx)
			}
			a, _ := net.Pipe()
			return a, nil
		}
		began := time.Now()
		conn, err := d.DialContext(t.Context(), "tcp", "both.example:443")
		if err != nil || time.Since(began) != headStart {
			t.Fatalf("%v after %v", err, time.Since(began))
		}
		_ = conn.Close()
	})
}

func TestTimeoutAndCancel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, network := setup(Policy{Resolver: resolver("8.8.8.8", "8.8.4.4"), Timeout: 3 * time.Second})
		network.reply = func(ctx context.Context, _ string) (net.Conn, error) { return hang(ctx) }
		began := time.Now()
		if _, err := d.DialContext(t.Context(), "tcp", "slow.example:443"); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		if time.Since(began) != 3*time.Second {
			t.Fatalf("gave up after %v", time.Since(began))
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		began = time.Now()
		if _, err := d.DialContext(ctx, "tcp", "slow.example:443"); !errors.Is(err, context.Canceled) || time.Since(began) != time.Second {
			t.Fatalf("%v after %v", err, time.Since(began))
		}
	})
}

func TestTheServersAnswerComesBeforeOurOwnNetworks(t *testing.T) {
	t.Parallel()
	d, network := setup(Policy{Resolver: resolver("2606:4700::1", "8.8.8.8")})
	network.reply = func(_ context.Context, address string) (net.Conn, error) {
		if strings.HasPrefix(address, "[") {
			return nil, &net.OpError{Op: "dial", Err: syscall.ENETUNREACH}
		}
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	}
	_, err := d.DialContext(t.Context(), "tcp", "both.example:443")
	var op *net.OpError
	if !errors.As(err, &op) || !errors.Is(op, syscall.ECONNREFUSED) {
		t.Fatalf("the first error is %v", op)
	}
}

func TestParseAllow(t *testing.T) {
	t.Parallel()
	got, err := ParseAllow([]string{"10.0.0.7/8", "::ffff:192.168.0.0/112", "::1"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"10.0.0.0/8", "192.168.0.0/16", "::1/128"}
	for i, p := range got {
		if p.String() != want[i] {
			t.Errorf("%d: %s, want %s", i, p, want[i])
		}
	}
	for _, bad := range []string{"", "10.0.0", "10.0.0.0/33", "localhost", "10.0.0.0/8,"} {
		if _, err := ParseAllow([]string{bad}); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

// FuzzJudge looks for a spelling of an address that opens what its plain form
// does not, and for a refused address that reaches the network.
func FuzzJudge(f *testing.F) {
	for _, s := range []string{"8.8.8.8", "127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "fe80::1%eth0", "0x7f.1", "1.1.1.1:80", "[::1]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, host string) {
		d, network := setup(Policy{Resolver: &names{}})
		conn, err := d.DialContext(t.Context(), "tcp", net.JoinHostPort(host, "80"))
		if err == nil {
			_ = conn.Close()
		}
		for _, address := range network.dialed {
			ap, err := netip.ParseAddrPort(address)
			if err != nil {
				t.Fatalf("%q was dialled as %q", host, address)
			}
			a := ap.Addr()
			if a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() || a.Is4In6() || !a.IsGlobalUnicast() {
				t.Fatalf("%q reached %s", host, a)
			}
		}
	})
}
