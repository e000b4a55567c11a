package call

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// entry is one line of the allow-list.
type entry struct {
	name  string // as canonical returns it
	below bool   // not the name itself, but every name below it
	port  uint16 // 0 is the port of the scheme
}

var (
	errHost     = errors.New("it is not the name of a host; write it as in hooks.example.com")
	errPort     = errors.New("the port is not a number from 1 to 65535")
	errWildcard = errors.New("a wildcard stands alone before a name of two parts or more, as in *.example.com")
)

// parseEntry reads a line of the allow-list: a name or an address, with *. before a name and :port after either.
func parseEntry(text string) (entry, error) {
	var e entry
	rest, below := strings.CutPrefix(strings.TrimSpace(text), "*.")
	e.below = below
	host, port, err := splitPort(rest)
	if err != nil {
		return entry{}, err
	}
	e.port = port
	if e.name, err = canonical(host); err != nil {
		if strings.Contains(host, "*") {
			return entry{}, errWildcard
		}
		return entry{}, err
	}
	if below && (isAddr(e.name) || !strings.Contains(e.name, ".")) {
		return entry{}, errWildcard
	}
	return e, nil
}

// splitPort takes the port off, if there is one, and the brackets of an IPv6 address.
func splitPort(text string) (host string, port uint16, err error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Is6() {
		return text, 0, nil
	}
	if inside, ok := strings.CutPrefix(text, "["); ok && strings.HasSuffix(inside, "]") {
		return strings.TrimSuffix(inside, "]"), 0, nil
	}
	if !strings.Contains(text, ":") {
		return text, 0, nil
	}
	host, digits, err := net.SplitHostPort(text)
	if err != nil {
		return "", 0, errHost
	}
	port, err = parsePort(digits)
	return host, port, err
}

func parsePort(digits string) (uint16, error) {
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || n == 0 {
		return 0, errPort
	}
	return uint16(n), nil
}

// canonical returns the one way of writing a host: an address as package netip writes it, a name in lower case ASCII (RFC 5891)
// without the dot of the root. There are many ways to write a host, and a list is of use only if they all come out the same.
func canonical(host string) (string, error) {
	if strings.Contains(host, ":") {
		addr, err := netip.ParseAddr(host)
		if err != nil || addr.Zone() != "" {
			return "", errHost
		}
		return addr.Unmap().String(), nil
	}
	name, err := idna.Lookup.ToASCII(host)
	if err != nil {
		return "", errHost
	}
	name = strings.TrimSuffix(name, ".")
	if addr, err := netip.ParseAddr(name); err == nil {
		return addr.String(), nil
	}
	if len(name) > 253 || !validLabels(name) {
		return "", errHost
	}
	return name, nil
}

// validLabels refuses, besides what DNS does, a name that ends in a number: some resolvers take 127.1, 0x7f.1 and 2130706433 for
// addresses.
func validLabels(name string) bool {
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 {
			return false
		}
	}
	last := labels[len(labels)-1]
	return strings.Trim(last, "0123456789") != "" && !strings.HasPrefix(last, "0x")
}

func isAddr(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
}

// target reads an address that is to be asked, and puts it in its canonical form. If it must not be, the reason says why.
func (c *Client) target(u *url.URL) (*url.URL, string) {
	standard := uint16(443)
	switch {
	case u.Scheme == "http" && c.plain:
		standard = 80
	case u.Scheme != "https":
		return nil, ReasonBadScheme
	}
	if u.User != nil || u.Opaque != "" || u.Host == "" {
		return nil, ReasonBadURL
	}
	name, err := canonical(u.Hostname())
	if err != nil {
		return nil, ReasonHostNotAllowed
	}
	port := standard
	if digits := u.Port(); digits != "" {
		if port, err = parsePort(digits); err != nil {
			return nil, ReasonBadURL
		}
	}
	if !c.allows(name, port, standard) {
		return nil, ReasonHostNotAllowed
	}
	to := *u
	to.Host = strings.TrimSuffix(net.JoinHostPort(name, strconv.Itoa(int(port))), ":"+strconv.Itoa(int(standard)))
	to.Fragment, to.RawFragment = "", ""
	to.RawQuery = escapeQuery(u.RawQuery)
	return &to, ""
}

func (c *Client) allows(name string, port, standard uint16) bool {
	for _, e := range c.allowed {
		if e.port != port && (e.port != 0 || port != standard) {
			continue
		}
		if e.below && strings.HasSuffix(name, "."+e.name) || !e.below && name == e.name {
			return true
		}
	}
	return false
}

// escapeQuery escapes what must not stand in a request line. A template may have put a name with a space there.
func escapeQuery(query string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(query) {
		if ch := query[i]; ch > ' ' && ch < 0x7f {
			b.WriteByte(ch)
		} else {
			b.Write([]byte{'%', digits[ch>>4], digits[ch&15]})
		}
	}
	return b.String()
}
