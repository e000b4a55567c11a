package cloud

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
)

const maxRetryAfter = time.Hour

func (c *Client) failure(status int, header http.Header, body []byte) error {
	kind, code := ByStatus(status), fmt.Sprintf("http_%d", status)
	if c.Explain != nil {
		if k, word := c.Explain(status, body); k != "" {
			kind, code = k, word
		}
	}
	failure := &calendar.Error{Kind: kind, Code: code}
	if failure.Retryable() {
		failure.RetryAfter = RetryAfter(header, time.Now())
	}
	return failure
}

// ByStatus tells what an HTTP status that is no success means for a calendar (RFC 9110, 15).
func ByStatus(status int) calendar.Kind {
	switch status {
	case http.StatusUnauthorized:
		return calendar.Unauthorized
	case http.StatusForbidden:
		return calendar.ReadOnly
	case http.StatusNotFound, http.StatusGone:
		return calendar.Gone
	case http.StatusConflict, http.StatusPreconditionFailed:
		return calendar.Conflict
	case http.StatusTooManyRequests, 509: // 509 is Graph's, for bandwidth
		return calendar.Throttled
	case http.StatusRequestTimeout, http.StatusLocked, http.StatusTooEarly:
		return calendar.Unavailable
	}
	if status >= 500 {
		return calendar.Unavailable
	}
	return calendar.Refused
}

// RetryAfter reads when to come back: seconds or a date (RFC 9110, 10.2.3), at most an hour; 0 if it does not say.
func RetryAfter(header http.Header, now time.Time) time.Duration {
	value := header.Get("Retry-After")
	wait := time.Duration(0)
	if seconds, err := strconv.Atoi(value); err == nil {
		wait = time.Duration(min(seconds, int(maxRetryAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}
