package remote

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/rapport-crm/rapport/activities/address"
	"github.com/rapport-crm/rapport/activities/calendar"
)

// The limits of one request.
const (
	DefaultTimeout = 20 * time.Second // of the whole request, redirects and the reading of the answer included
	MaxBody        = 32 << 20         // bytes of an answer; what holds more is no calendar of one person
	maxRedirects   = 5
)

// Config is what the operator says about calendars.
type Config struct {
	// AllowPrivate lets requests go to loopback and private addresses, and over plain HTTP. It is for calendar servers in the
	// operator's own network, for tests and for the sandbox.
	AllowPrivate bool
	Timeout      time.Duration  // of a whole request; 0 is DefaultTimeout
	RootCAs      *x509.CertPool // who signs the servers' certificates; nil means the system's
	Resolver     *net.Resolver  // nil means the system's
}

// Client does requests. It is safe for concurrent use.
type Client struct {
	plain     bool
	timeout   time.Duration
	guard     *address.Guard
	transport *http.Transport
}

// New returns a client.
func New(config Config) *Client {
	c := &Client{plain: config.AllowPrivate, timeout: config.Timeout, guard: address.NewGuard(config.AllowPrivate)}
	if c.timeout <= 0 {
		c.timeout = DefaultTimeout
	}
	dialer := &net.Dialer{Timeout: c.timeout, Resolver: config.Resolver, Control: c.control}
	c.transport = &http.Transport{
		Proxy:                  nil, // a proxy would connect in our stead, and to anywhere
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: config.RootCAs},
		TLSHandshakeTimeout:    c.timeout,
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: 64 << 10,
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        30 * time.Second,
	}
	return c
}

// control is asked by the dialer right before it connects, for every address that it tries.
func (c *Client) control(_, to string, _ syscall.RawConn) error {
	addr, err := netip.ParseAddrPort(to)
	if err != nil || !c.guard.Permits(addr) {
		return address.ErrPrivate
	}
	return nil
}

// URL reads the address of a calendar. webcal stands for https. Neither user nor password may be part of it, since addresses end
// up in logs.
func (c *Client) URL(raw string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || u.Host == "" || u.Opaque != "" {
		return nil, refused("bad_url", "its address is not a web address")
	}
	if strings.HasPrefix(u.Scheme, "webcal") {
		u.Scheme = "https"
	}
	switch {
	case u.User != nil:
		return nil, refused("bad_url", "user and password do not belong into its address")
	case u.Scheme == "https", u.Scheme == "http" && c.plain:
		u.Fragment, u.RawFragment = "", ""
		return u, nil
	}
	return nil, refused("bad_scheme", "its address has to begin with https://")
}

func refused(code, detail string) *calendar.Error {
	return &calendar.Error{Kind: calendar.Refused, Code: code, Detail: detail}
}

// Request is one request.
type Request struct {
	Method   string
	URL      *url.URL
	Header   http.Header
	Body     string
	User     string // with Password for basic authentication; "" for none
	Password string
}

// Answer is what came back, whatever its status.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	URL    *url.URL // that answered, after redirects
}

// Do does a request and follows redirects within the host. The error is a *calendar.Error, or the context's own when that ended.
// A status that is not a success is no error: what it means depends on the request. Failure tells.
func (c *Client) Do(ctx context.Context, r Request) (*Answer, error) {
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	for range maxRedirects + 1 {
		answer, err := c.send(limited, r)
		if err != nil {
			return nil, failure(ctx, err)
		}
		to, err := follow(answer)
		if to == nil || err != nil {
			return answer, err
		}
		r.URL = to
	}
	return nil, refused("too_many_redirects", "its server sends us in circles")
}

// send does one request. It does not go through http.Client, which would turn a PROPFIND into a GET when it is redirected.
func (c *Client) send(ctx context.Context, r Request) (*Answer, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL.String(), strings.NewReader(r.Body))
	if err != nil {
		return nil, refused("bad_url", "its address is not a web address")
	}
	maps.Copy(req.Header, r.Header)
	req.Header.Set("User-Agent", "Rapport")
	if r.User != "" {
		req.SetBasicAuth(r.User, r.Password)
	}
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var body bytes.Buffer
	n, err := body.ReadFrom(io.LimitReader(resp.Body, MaxBody+1))
	if err != nil {
		return nil, err
	}
	if n > MaxBody {
		return nil, &calendar.Error{Kind: calendar.Unreadable, Code: "too_large", Detail: "the answer of its server is too large"}
	}
	return &Answer{Status: resp.StatusCode, Header: resp.Header, Body: body.Bytes(), URL: r.URL}, nil
}

// follow returns where a redirect leads, or nil. It has to be the same host and port by the same scheme: the password was meant
// for that one.
func follow(a *Answer) (*url.URL, error) {
	switch a.Status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, nil //nolint:nilnil // not a redirect
	}
	to, err := a.URL.Parse(a.Header.Get("Location"))
	if err != nil || to.Scheme != a.URL.Scheme || !strings.EqualFold(to.Host, a.URL.Host) || to.User != nil {
		return nil, refused("other_host", "its server sends us to another one; enter that address if it can be trusted")
	}
	return to, nil
}

// failure classifies what went wrong on the way. The words of the error are dropped: they may quote the other side.
func failure(ctx context.Context, err error) error {
	var own *calendar.Error
	var timeout net.Error
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &own):
		return own
	case errors.Is(err, address.ErrPrivate):
		return refused("private_address", "its server is not at a public address")
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return unavailable("timeout")
	case errors.As(err, &dns):
		return unavailable("dns")
	case errors.As(err, &certificate):
		return unavailable("certificate")
	}
	return unavailable("connection")
}

func unavailable(code string) error {
	return &calendar.Error{Kind: calendar.Unavailable, Code: code}
}
