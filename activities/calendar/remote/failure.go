package remote

import (
	"net/http"
	"strconv"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/provider"
)

// Failure is what a status means that is not the success that was hoped for. What a 403 or a 404 means depends on what was asked;
// here it is that the calendar is closed, or gone.
func Failure(a *Answer) *calendar.Error {
	e := &calendar.Error{
		Kind: calendar.Refused, Code: "http_" + strconv.Itoa(a.Status), RetryAfter: provider.RetryAfter(a.Header, time.Now()),
	}
	switch {
	case a.Status == http.StatusUnauthorized, a.Status == http.StatusForbidden:
		e.Kind = calendar.Unauthorized
	case a.Status == http.StatusNotFound, a.Status == http.StatusGone:
		e.Kind = calendar.Gone
	case a.Status == http.StatusTooManyRequests:
		e.Kind = calendar.Throttled
	case a.Status == http.StatusConflict, a.Status == http.StatusPreconditionFailed:
		e.Kind = calendar.Conflict
	case a.Status >= 500, a.Status == http.StatusRequestTimeout, a.Status == http.StatusTooEarly, a.Status == http.StatusLocked:
		e.Kind = calendar.Unavailable
	case a.Status/100 == 2:
		e.Kind = calendar.Unreadable // a success, but none that answers what was asked
	}
	return e
}
