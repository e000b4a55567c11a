package google

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/rapport-crm/rapport/activities/calendar"
)

// The codes that are decided by. With both, free and busy may still be seen.
const (
	forbidden    = "forbidden"     // by whoever shares the calendar
	scopeMissing = "scope_missing" // by the owner's consent
)

// explain reads the reasons of "Handle API errors" (Google Calendar API Guides). A 403 may be about how often, about the consent,
// or about the calendar.
func explain(status int, body []byte) (calendar.Kind, string) {
	var answer struct {
		Error struct {
			Errors []struct {
				Reason string `json:"reason"`
			} `json:"errors"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil || len(answer.Error.Errors) == 0 {
		return "", ""
	}
	switch answer.Error.Errors[0].Reason {
	case "rateLimitExceeded", "userRateLimitExceeded":
		return calendar.Throttled, "rate_limit"
	case "quotaExceeded", "dailyLimitExceeded", "calendarUsageLimitsExceeded":
		return calendar.Throttled, "quota"
	case "insufficientPermissions", "insufficientScopes":
		return calendar.Unauthorized, scopeMissing
	case "accessNotConfigured":
		return calendar.Refused, "api_not_enabled"
	case "forbiddenForNonOrganizer":
		return calendar.Conflict, "not_organizer"
	case "forbidden", "requiredAccessLevel":
		if status == http.StatusForbidden {
			return calendar.ReadOnly, forbidden
		}
	}
	return "", ""
}

// hidden tells whether events must not be read, but perhaps free and busy.
func hidden(err error) bool {
	failure, ok := errors.AsType[*calendar.Error](err)
	return ok && (failure.Kind == calendar.ReadOnly || failure.Code == scopeMissing)
}
