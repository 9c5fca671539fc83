package egress

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"code.dny.dev/ssrf"
)

// Policy says what may be dialled.
type Policy struct {
	// Allow lists addresses that may be dialled although they are private.
	// Metadata services of clouds count as allowed only when one is listed by
	// itself (a /32 or /128): nobody means them by "10.0.0.0/8 and the rest".
	Allow []netip.Prefix

	Timeout  time.Duration // for one dial, name included; 0 means 15 s
	Resolver Resolver      // nil means the machine's own
}

// ParseAllow reads the settings file's list: prefixes and single addresses.
func ParseAllow(lines []string) ([]netip.Prefix, error) {
	prefixes := make([]netip.Prefix, 0, len(lines))
	for _, line := range lines {
		p, err := parsePrefix(strings.TrimSpace(line))
		if err != nil {
			return nil, fmt.Errorf("%q is neither an address like 10.0.0.5 nor a range like 10.0.0.0/8", line)
		}
		prefixes = append(prefixes, p)
	}
	return prefixes, nil
}

func parsePrefix(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		addr, err := netip.ParseAddr(s)
		if err != nil {
			return netip.Prefix{}, err
		}
		addr = addr.Unmap().WithZone("")
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, err
	}
	return plain(p), nil
}

// plain turns a v4-mapped prefix into the v4 one that it means.
func plain(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96).Masked()
	}
	return p.Masked()
}

// judge decides about addresses. It adds to the guardian what that one does
// not know: mapped and embedded addresses, and metadata services.
type judge struct {
	guardian *ssrf.Guardian
	allow    []netip.Prefix
	nat64    netip.Prefix
	metadata []netip.Addr
}

func newJudge(allow []netip.Prefix) *judge {
	j := &judge{nat64: ssrf.IPv6NAT64Prefix, metadata: metadataAddresses()}
	var v4, v6 []netip.Prefix
	for _, p := range allow {
		p = plain(p)
		j.allow = append(j.allow, p)
		if p.Addr().Is4() {
			v4 = append(v4, p)
		} else {
			v6 = append(v6, p)
		}
	}
	j.guardian = ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...))
	return j
}

// metadataAddresses hand out credentials of the machine, or configure it. One
// of them (Azure) lies in public space, so that no list of private ranges has it.
func metadataAddresses() []netip.Addr {
	return []netip.Addr{
		netip.MustParseAddr("169.254.169.254"), // AWS, Azure, Google, Oracle, OpenStack, …
		netip.MustParseAddr("169.254.170.2"),   // AWS ECS
		netip.MustParseAddr("169.254.170.23"),  // AWS EKS
		netip.MustParseAddr("168.63.129.16"),   // Azure's wire server
		netip.MustParseAddr("100.100.100.200"), // Alibaba
		netip.MustParseAddr("192.0.0.192"),     // Oracle, older
		netip.MustParseAddr("fd00:ec2::254"),   // AWS
		netip.MustParseAddr("fd00:ec2::23"),    // AWS EKS
		netip.MustParseAddr("fd20:ce::254"),    // Google
	}
}

// refusal is why an address may not be dialled; the empty one allows it.
func (j *judge) refusal(addr netip.Addr) string {
	addr = addr.Unmap().WithZone("")
	if !addr.IsValid() || addr.IsUnspecified() {
		return "not an address that one can connect to"
	}
	if addr.IsMulticast() || addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return "an address for groups of machines"
	}
	if slices.Contains(j.metadata, addr) && !j.listed(addr) {
		return "a cloud's metadata address"
	}
	if inner, ok := j.embedded(addr); ok {
		return j.refusal(inner)
	}
	if j.guardian.SafeAddr(addr) == nil {
		return ""
	}
	return describe(addr)
}

// listed says whether the operator has named exactly this address.
func (j *judge) listed(addr netip.Addr) bool {
	return slices.Contains(j.allow, netip.PrefixFrom(addr, addr.BitLen()))
}

// embedded gives the IPv4 address behind a NAT64 one, which is what counts on
// networks that have IPv6 only.
func (j *judge) embedded(addr netip.Addr) (netip.Addr, bool) {
	if !j.nat64.Contains(addr) {
		return netip.Addr{}, false
	}
	b := addr.As16()
	return netip.AddrFrom4([4]byte(b[12:])), true
}

func describe(addr netip.Addr) string {
	switch {
	case addr.IsLoopback():
		return "this machine itself"
	case addr.IsPrivate():
		return "a private address"
	case addr.IsLinkLocalUnicast():
		return "an address of the local network segment"
	default:
		return "an address reserved for special use"
	}
}
