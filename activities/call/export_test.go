package call

import (
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/rapport-crm/rapport/crm"
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

// Answer is what an answer of hooks.example.com means.
func Answer(status int, header http.Header, body string) (crm.CallResult, error) {
	resp := &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}
	defer resp.Body.Close()
	return answer("hooks.example.com", resp)
}

// SpareATS does the same for the client of the applicant tracking system.
func (c *Client) SpareATS(server net.Addr) { c.ats.client.Spare(server) }

// Permits tells whether the client may connect to the address.
func Permits(private bool, addr string) bool {
	return New(Config{AllowPrivate: private}).permits(netip.AddrPortFrom(netip.MustParseAddr(addr), 443))
}
