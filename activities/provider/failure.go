package provider

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"regexp"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// AccountPause is how long to leave a provider alone that refuses our account rather than the message: the key is wrong or
// was revoked, the address of the API is wrong. Somebody has to put that right, and then the message goes.
const AccountPause = time.Minute

// maxPause bounds what a provider may ask for, against a clock that is far off.
const maxPause = time.Hour

// Attempt tells, after a request failed, whether any of it can have reached the provider. A request is only written once
// there is a connection, TLS included, so one that never got a connection was certainly not taken.
type Attempt struct{ connected atomic.Bool }

// Watch returns a context that makes the attempt see what becomes of the request made with it.
func Watch(ctx context.Context) (context.Context, *Attempt) {
	a := &Attempt{}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { a.connected.Store(true) },
	}), a
}

// Failure classifies an error of the transport: no answer, or only half of one.
func (a *Attempt) Failure(err error) *crm.SendError {
	failure := &crm.SendError{Class: crm.SendUnknown, Code: transportCode(err), Err: err}
	if !a.connected.Load() {
		failure.Class = crm.SendRetry
	}
	return failure
}

func transportCode(err error) string {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.As(err, &dns):
		return "dns"
	}
	return "connection"
}

// Answer classifies an answer that is not a success by its status alone. Code is the provider's own code of the error, or
// "" to take the status. now is used to read a Retry-After that is a date.
func Answer(status int, header http.Header, code string, now time.Time, err error) *crm.SendError {
	if code == "" {
		code = "http_" + strconv.Itoa(status)
	}
	failure := &crm.SendError{Class: crm.SendUnknown, Code: code, Err: err}
	switch {
	case status == http.StatusTooManyRequests:
		failure.Class, failure.Account, failure.RetryAfter = crm.SendRetry, true, RetryAfter(header, now)
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusNotFound:
		failure.Class, failure.Account, failure.RetryAfter = crm.SendRetry, true, AccountPause
	case status == http.StatusRequestTimeout: // sent by proxies that may have passed the request on
	case status >= 300 && status < 500:
		failure.Class = crm.SendRefused
	}
	return failure
}

// RetryAfter reads how long a provider wants to be left alone: Retry-After in seconds or as a date (RFC 9110, 10.2.3), or
// X-RateLimit-Reset in Unix seconds. It is 0 when the provider does not say, and at most an hour.
func RetryAfter(header http.Header, now time.Time) time.Duration {
	wait := time.Duration(0)
	if after := header.Get("Retry-After"); after != "" {
		if seconds, err := strconv.Atoi(after); err == nil {
			wait = time.Duration(min(seconds, int(maxPause/time.Second))) * time.Second
		} else if at, err := http.ParseTime(after); err == nil {
			wait = at.Sub(now)
		}
	} else if reset, err := strconv.ParseInt(header.Get("X-RateLimit-Reset"), 10, 64); err == nil {
		wait = time.Unix(reset, 0).Sub(now)
	}
	return min(max(wait, 0), maxPause)
}

// Redact takes addresses and telephone numbers out of a provider's text, so that it can be logged.
func Redact(text string) string {
	return personalPattern.ReplaceAllString(text, "[address]")
}

// personalPattern finds email addresses and telephone numbers.
var personalPattern = regexp.MustCompile(`[^\s<>"'\[\]()]+@[^\s<>"'\[\]()]+|\+?\d[\d ()-]{6,}\d`)
