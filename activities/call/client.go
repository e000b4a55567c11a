package call

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/rapport-crm/rapport/activities/address"
	"github.com/rapport-crm/rapport/crm"
)

// The limits of one call.
const (
	DefaultTimeout = 10 * time.Second // of the whole call, redirects and the reading of the answer included
	MaxAnswer      = 256 << 10        // bytes of an answer
	MaxDepth       = 64               // arrays and objects inside each other in an answer
	MaxRedirects   = 5
)

// Config is what the operator says about call and ats steps.
type Config struct {
	// Hosts may be asked, and nothing else: "hooks.example.com", or "*.example.com" for every name below example.com but not
	// for itself. An entry without a port means the scheme's own port; "hooks.example.com:8443" means that one only.
	Hosts []string
	// Secrets by name. A step names one, and it is sent as a bearer token.
	Secrets map[string]string
	// ATS is where the applicant tracking system is told of changes.
	ATS ATS
	// AllowPrivate lets calls go to loopback and private addresses and over plain HTTP. It is for tests and the sandbox.
	// Link-local addresses and the metadata services of clouds stay out of reach.
	AllowPrivate bool
	// Timeout of a whole call; 0 is DefaultTimeout.
	Timeout time.Duration
	// RootCAs sign the certificates of the hosts; nil means those of the system.
	RootCAs *x509.CertPool
	// Resolver looks names up; nil means the system's.
	Resolver *net.Resolver
}

// Check reports every host, secret and address that cannot be used. New leaves those out.
func (c *Config) Check() error {
	var problems []error
	for _, text := range c.Hosts {
		if _, err := parseEntry(text); err != nil {
			problems = append(problems, fmt.Errorf("read allowed host %q: %w", text, err))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Secrets)) {
		if !usableSecret(c.Secrets[name]) {
			problems = append(problems, fmt.Errorf("read secret %q: it is empty or has characters that no header can carry, such as a line break", name))
		}
	}
	if _, err := newConnector(*c); err != nil {
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

func usableSecret(value string) bool {
	return value != "" && httpguts.ValidHeaderFieldValue(value)
}

// Client does the HTTP requests of call and ats steps. It is safe for concurrent use and keeps connections open for a short while.
type Client struct {
	allowed   []entry
	secrets   map[string]string
	plain     bool // http is good enough
	timeout   time.Duration
	permits   func(netip.AddrPort) bool // whether a connection may be made there
	transport *http.Transport
	ats       *connector // nil where there is none
}

// New returns a client. What is wrong in the configuration is left out, so that nothing is reached by mistake; Check tells.
func New(config Config) *Client {
	c := &Client{secrets: map[string]string{}, plain: config.AllowPrivate, timeout: config.Timeout}
	if c.timeout <= 0 {
		c.timeout = DefaultTimeout
	}
	for _, text := range config.Hosts {
		if e, err := parseEntry(text); err == nil {
			c.allowed = append(c.allowed, e)
		}
	}
	for name, value := range config.Secrets {
		if usableSecret(value) {
			c.secrets[name] = value
		}
	}
	c.permits = address.NewGuard(config.AllowPrivate).Permits
	dialer := &net.Dialer{Timeout: c.timeout, Resolver: config.Resolver, Control: c.control}
	c.transport = &http.Transport{
		Proxy:                  nil, // a proxy would connect in our stead, and to anywhere
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: config.RootCAs},
		TLSHandshakeTimeout:    c.timeout,
		DisableCompression:     true, // what is counted is what was sent
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: 64 << 10,
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        30 * time.Second,
	}
	if ats, err := newConnector(config); err == nil {
		c.ats = ats
	}
	return c
}

// control is asked by the dialer right before it connects, for every address that it tries.
func (c *Client) control(_, to string, _ syscall.RawConn) error {
	addr, err := netip.ParseAddrPort(to)
	if err != nil || !c.permits(addr) {
		return address.ErrPrivate
	}
	return nil
}

// Do does one attempt at a call. The error is a *crm.CallError, for what is worth another attempt, or the context's own when that
// ended. Everything else is a result: ok for an answer of 2xx, failed with a reason for the rest. Seq is left to the caller.
func (c *Client) Do(ctx context.Context, r crm.Call) (crm.CallResult, error) {
	if r.ATS {
		return c.ats.tell(ctx, r)
	}
	h, reason := c.first(r)
	if reason != "" {
		return failed(reason), nil
	}
	return c.ask(ctx, h)
}

// ask does a request, and those that redirects lead to.
func (c *Client) ask(ctx context.Context, h *hop) (crm.CallResult, error) {
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	for range MaxRedirects + 1 {
		next, result, err := c.send(limited, h)
		if err != nil {
			return c.failure(ctx, h, err)
		}
		if next == nil {
			return result, nil
		}
		h = next
	}
	return failed(ReasonTooManyRedirects), nil
}

// send does one request. It returns the next one if the answer is a redirect, else what the answer means.
func (c *Client) send(ctx context.Context, h *hop) (*hop, crm.CallResult, error) {
	req, err := h.request(ctx)
	if err != nil {
		return nil, failed(ReasonBadURL), nil
	}
	resp, err := c.transport.RoundTrip(req) // not http.Client: it would repeat headers, and the query as a Referer
	if err != nil {
		return nil, crm.CallResult{}, err
	}
	defer resp.Body.Close()
	if location := resp.Header.Get("Location"); location != "" && redirects(resp.StatusCode) && h.signer == nil {
		next, reason := c.follow(h, resp.StatusCode, location)
		return next, failed(reason), nil
	}
	result, err := answer(h.url.Hostname(), resp)
	if ctx.Err() != nil { // the other side may have ended its answer because we hung up: nobody knows whether it is whole
		return nil, crm.CallResult{}, ctx.Err()
	}
	return nil, result, err
}

// failure classifies what went wrong on the way. The words of the error are dropped: they may quote what the other side sent.
func (c *Client) failure(ctx context.Context, h *hop, err error) (crm.CallResult, error) {
	var retry *crm.CallError
	var timeout net.Error
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	reason := ReasonConnection
	switch {
	case errors.As(err, &retry):
		return crm.CallResult{}, retry
	case errors.Is(err, address.ErrPrivate):
		return failed(ReasonPrivateAddress), nil
	case ctx.Err() != nil:
		return crm.CallResult{}, fmt.Errorf("call %s: %w", h.url.Hostname(), ctx.Err())
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		reason = ReasonTimeout
	case errors.As(err, &dns):
		reason = ReasonDNS
	case errors.As(err, &certificate):
		reason = ReasonCertificate
	}
	return crm.CallResult{}, &crm.CallError{Host: h.url.Hostname(), Reason: reason}
}
