package remote_test

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/remote"
)

func get(ctx context.Context, t *testing.T, c *remote.Client, address string) (*remote.Answer, error) {
	t.Helper()
	u, err := c.URL(address)
	if err != nil {
		t.Fatal(err)
	}
	return c.Do(ctx, remote.Request{Method: http.MethodGet, URL: u, User: "ada", Password: "hush-hush"})
}

func wants(t *testing.T, err error, kind calendar.Kind, code string) {
	t.Helper()
	failure, ok := errors.AsType[*calendar.Error](err)
	if !ok || failure.Kind != kind || failure.Code != code {
		t.Errorf("got %v, want %s %s", err, kind, code)
	} else if strings.Contains(err.Error(), "hush") {
		t.Errorf("%v", err)
	}
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		_, _ = io.WriteString(w, user+" "+password)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	_, err := get(t.Context(), t, remote.New(remote.Config{AllowPrivate: true}), server.URL)
	wants(t, err, calendar.Unavailable, "certificate")
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	a, err := get(t.Context(), t, remote.New(remote.Config{AllowPrivate: true, RootCAs: roots}), server.URL)
	if err != nil || string(a.Body) != "ada hush-hush" {
		t.Errorf("got %v %v", a, err)
	}
	_, err = get(t.Context(), t, remote.New(remote.Config{RootCAs: roots}), server.URL)
	wants(t, err, calendar.Refused, "private_address")
}

// A caller who gives up is told so, rather than that the calendar is to blame.
func TestGivingUp(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(server.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := get(ctx, t, remote.New(remote.Config{AllowPrivate: true}), server.URL); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	_, err := get(t.Context(), t, remote.New(remote.Config{AllowPrivate: true, Timeout: 50 * time.Millisecond}), server.URL)
	wants(t, err, calendar.Unavailable, "timeout")
}

func TestFailure(t *testing.T) {
	t.Parallel()
	for status, kind := range map[int]calendar.Kind{
		200: calendar.Unreadable, 400: calendar.Refused, 401: calendar.Unauthorized, 403: calendar.Unauthorized, 404: calendar.Gone,
		408: calendar.Unavailable, 409: calendar.Conflict, 410: calendar.Gone, 412: calendar.Conflict, 423: calendar.Unavailable, 425: calendar.Unavailable,
		429: calendar.Throttled, 500: calendar.Unavailable, 507: calendar.Unavailable,
	} {
		failure := remote.Failure(&remote.Answer{Status: status, Header: http.Header{"Retry-After": {"90000"}}})
		if failure.Kind != kind || failure.RetryAfter != time.Hour || failure.Retryable() != (kind == calendar.Throttled || kind == calendar.Unavailable) {
			t.Errorf("%d: %v", status, failure)
		}
	}
}
