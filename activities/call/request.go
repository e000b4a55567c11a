package call

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"golang.org/x/net/http/httpguts"

	"github.com/rapport-crm/rapport/crm"
)

// hop is one request of a call: the first, or one that a redirect led to.
type hop struct {
	method      string
	url         *url.URL
	body        string
	contentType string
	headers     http.Header // of the step
	secret      string      // its value
	key         string
	signer      *standardwebhooks.Webhook // of what the applicant tracking system is told: such a request follows no redirect
}

// first checks a call and makes its first request. If it cannot be made, the reason says why.
func (c *Client) first(r crm.Call) (*hop, string) {
	h := &hop{method: strings.ToUpper(r.Method), body: r.Body, key: r.Key}
	switch h.method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		return nil, ReasonBadMethod
	}
	parsed, err := url.Parse(strings.TrimSpace(r.URL))
	if err != nil {
		return nil, ReasonBadURL
	}
	var reason string
	if h.url, reason = c.target(parsed); reason != "" {
		return nil, reason
	}
	if h.key == "" || !httpguts.ValidHeaderFieldValue(h.key) {
		return nil, ReasonBadKey
	}
	if !h.take(r.Headers) {
		return nil, ReasonBadHeader
	}
	if r.Secret != "" {
		if h.secret = c.secrets[r.Secret]; h.secret == "" {
			return nil, ReasonNoSecret
		}
	}
	return h, ""
}

// take takes over the headers of the step, unless one of them must not be set there, or is there twice.
func (h *hop) take(headers map[string]string) bool {
	h.headers, h.contentType = http.Header{}, "application/json"
	for name, value := range headers {
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return false
		}
		name = http.CanonicalHeaderKey(name)
		if _, twice := h.headers[name]; twice || reserved(name) {
			return false
		}
		h.headers.Set(name, value)
	}
	if own := h.headers.Get("Content-Type"); own != "" {
		h.contentType = own
		h.headers.Del("Content-Type")
	}
	return true
}

// reserved tells whether a header belongs to this package or to the connection (RFC 9110, 7.6.1), so that a step cannot set it.
func reserved(name string) bool {
	switch name {
	case "Authorization", "Cookie", "Host", "Idempotency-Key", "User-Agent",
		"Content-Length", "Content-Encoding", "Accept-Encoding", "Expect",
		"Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Http2-Settings":
		return true
	}
	return strings.HasPrefix(name, "Proxy-")
}

func (h *hop) request(ctx context.Context) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, h.method, h.url.String(), strings.NewReader(h.body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	maps.Copy(req.Header, h.headers)
	req.Header.Set("User-Agent", "Rapport")
	req.Header.Set("Idempotency-Key", h.key)
	if h.body != "" {
		req.Header.Set("Content-Type", h.contentType)
	}
	if h.secret != "" {
		req.Header.Set("Authorization", "Bearer "+h.secret)
	}
	if h.signer != nil {
		if err := h.sign(req.Header, time.Now()); err != nil {
			return nil, err
		}
	}
	return req, nil
}

// redirects tells whether a status asks to go elsewhere (RFC 9110, 15.4).
func redirects(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// follow makes the request that a redirect asks for, if it may be made. The secret and the step's headers were meant for one
// host and port, and once they are dropped they do not come back.
func (c *Client) follow(h *hop, status int, location string) (*hop, string) {
	parsed, err := h.url.Parse(location)
	if err != nil {
		return nil, ReasonBadURL
	}
	to, reason := c.target(parsed)
	if reason != "" {
		return nil, reason
	}
	next := *h
	next.url = to
	if status != http.StatusTemporaryRedirect && status != http.StatusPermanentRedirect {
		next.body = ""
		if h.method != http.MethodHead {
			next.method = http.MethodGet
		}
	}
	if to.Scheme != h.url.Scheme || to.Host != h.url.Host {
		next.headers, next.secret = nil, ""
	}
	return &next, ""
}
