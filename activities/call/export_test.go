package call

import (
	"net"
	"net/netip"
	"net/url"
)

// Spare makes the client take the address of a test's server for a public one, and no other address.
func (c *Client) Spare(server net.Addr) {
	permits := c.permits
	c.permits = func(to netip.AddrPort) bool { return to.String() == server.String() || permits(to) }
}

// Target is the address that a client would ask, in its canonical form, or the reason why it would not.
func (c *Client) Target(raw string) (*url.URL, string) {
	parsed, err := url.Parse(raw)
	if err != nil {
		return nil, ReasonBadURL
	}
	return c.target(parsed)
}

// Answer is what an answer means.
var Answer = answer

// Permits tells whether a connection may be made to the address.
func Permits(private bool, addr string) bool {
	return newGuard(private).permits(netip.AddrPortFrom(netip.MustParseAddr(addr), 443))
}
