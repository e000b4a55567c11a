package provider_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/activities/provider"
	"github.com/rapport-crm/rapport/crm"
)

func TestAnswer(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 6, 10, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		status int
		header http.Header
		class  crm.SendClass
		code   string
		after  time.Duration
	}{
		"limit in seconds":       {429, http.Header{"Retry-After": {"7"}}, crm.SendRetry, "http_429", 7 * time.Second},
		"limit as a date":        {429, http.Header{"Retry-After": {"Fri, 06 Nov 2026 10:00:30 GMT"}}, crm.SendRetry, "http_429", 30 * time.Second},
		"limit in unix seconds":  {429, http.Header{"X-Ratelimit-Reset": {"1793959205"}}, crm.SendRetry, "http_429", 5 * time.Second},
		"limit in the past":      {429, http.Header{"X-Ratelimit-Reset": {"1"}}, crm.SendRetry, "http_429", 0},
		"limit beyond all bound": {429, http.Header{"Retry-After": {"9999999999"}}, crm.SendRetry, "http_429", time.Hour},
		"limit without a word":   {429, nil, crm.SendRetry, "http_429", 0},
		"wrong key":              {401, nil, crm.SendRetry, "http_401", provider.AccountPause},
		"key without the right":  {403, nil, crm.SendRetry, "http_403", provider.AccountPause},
		"wrong address of API":   {404, nil, crm.SendRetry, "http_404", provider.AccountPause},
		"bad request":            {400, nil, crm.SendRefused, "http_400", 0},
		"too large":              {413, nil, crm.SendRefused, "http_413", 0},
		"redirect":               {302, nil, crm.SendRefused, "http_302", 0},
		"timeout of a proxy":     {408, nil, crm.SendUnknown, "http_408", 0},
		"server error":           {500, nil, crm.SendUnknown, "http_500", 0},
		"bad gateway":            {502, nil, crm.SendUnknown, "http_502", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := provider.Answer(tc.status, tc.header, "", now, errors.New("x"))
			if got.Class != tc.class || got.Code != tc.code || got.RetryAfter != tc.after {
				t.Errorf("got %s %s after %s, want %s %s after %s", got.Class, got.Code, got.RetryAfter, tc.class, tc.code, tc.after)
			}
		})
	}
}

func TestFailureWithoutConnection(t *testing.T) {
	t.Parallel()
	_, attempt := provider.Watch(t.Context())
	if got := attempt.Failure(context.DeadlineExceeded); got.Class != crm.SendRetry || got.Code != "timeout" {
		t.Errorf("got %s %s, want retry timeout: nothing was connected", got.Class, got.Code)
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"found [ann.lee@trust.example] twice":    "found [[address]] twice",
		"Number +44 7700 900123 is not valid":    "Number [address] is not valid",
		"to <ann@example.org>, or +447700900123": "to <[address]>, or [address]",
		"Account 20003 has no permission":        "Account 20003 has no permission",
	} {
		if got := provider.Redact(text); got != want {
			t.Errorf("Redact(%q) = %q, want %q", text, got, want)
		}
	}
}
