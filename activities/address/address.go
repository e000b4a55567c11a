package address

import (
	"errors"
	"net/netip"
	"slices"
)

// ErrPrivate is why a connection was not made.
var ErrPrivate = errors.New("address is not public")

// Guard knows which addresses are public. It is safe for concurrent use.
type Guard struct {
	private  bool // loopback and private addresses will do
	metadata []netip.Addr
	special  []netip.Prefix
	global   netip.Prefix // all of IPv6 that is in use for public hosts
	nat64    netip.Prefix
}

// NewGuard takes its networks from the special-purpose registries of the IANA (RFC 6890): what is not globally reachable. With
// private, loopback and private addresses will do; link-local ones and the metadata services of clouds never do.
func NewGuard(private bool) *Guard {
	g := &Guard{
		private: private,
		global:  netip.MustParsePrefix("2000::/3"),
		nat64:   netip.MustParsePrefix("64:ff9b::/96"), // RFC 6052
		metadata: []netip.Addr{
			netip.MustParseAddr("fd00:ec2::254"), // Amazon
			netip.MustParseAddr("fd20:ce::254"),  // Google
			netip.MustParseAddr("168.63.129.16"), // Azure's host, at an address that is public by registry
		},
	}
	for _, network := range []string{
		"0.0.0.0/8",       // this network
		"10.0.0.0/8",      // private
		"100.64.0.0/10",   // behind a carrier's NAT; Alibaba's metadata
		"127.0.0.0/8",     // loopback
		"169.254.0.0/16",  // link-local; the metadata of most clouds
		"172.16.0.0/12",   // private
		"192.0.0.0/24",    // protocol assignments; Oracle's metadata
		"192.0.2.0/24",    // documentation
		"192.88.99.0/24",  // relays of 6to4
		"192.168.0.0/16",  // private
		"198.18.0.0/15",   // benchmarks
		"198.51.100.0/24", // documentation
		"203.0.113.0/24",  // documentation
		"224.0.0.0/4",     // multicast
		"240.0.0.0/4",     // reserved; broadcast
		"2001::/23",       // protocol assignments: Teredo, benchmarks, ORCHID
		"2001:db8::/32",   // documentation
		"2002::/16",       // 6to4: an IPv4 address inside, and no longer in use (RFC 7526)
		"3fff::/20",       // documentation
	} {
		g.special = append(g.special, netip.MustParsePrefix(network))
	}
	return g
}

// Permits tells whether a connection may be made to the address. An IPv4 address inside an IPv6 one is judged as IPv4.
func (g *Guard) Permits(to netip.AddrPort) bool {
	addr := to.Addr().Unmap()
	if !addr.IsValid() || addr.Zone() != "" {
		return false
	}
	if g.nat64.Contains(addr) { // the way to IPv4 from a network that has none
		bytes := addr.As16()
		addr = netip.AddrFrom4([4]byte(bytes[12:]))
	}
	if slices.Contains(g.metadata, addr) {
		return false
	}
	if addr.IsLoopback() || addr.IsPrivate() {
		return g.private
	}
	if addr.Is6() && !g.global.Contains(addr) {
		return false
	}
	for _, network := range g.special {
		if network.Contains(addr) {
			return false
		}
	}
	return true
}
