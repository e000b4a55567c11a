package graph

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/rapport-crm/rapport/activities/calendar"
)

// explain reads the codes of "Microsoft Graph error responses and resource types" and those of Exchange behind it.
func explain(status int, body []byte) (calendar.Kind, string) {
	var answer struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return "", ""
	}
	switch answer.Error.Code {
	case "ErrorAccessDenied", "accessDenied":
		if status == http.StatusForbidden {
			return calendar.ReadOnly, "access_denied"
		}
	case "MailboxNotEnabledForRESTAPI", "MailboxNotSupportedForRESTAPI":
		return calendar.Gone, "no_mailbox"
	case "ApplicationThrottled", "activityLimitReached", "TooManyRequests":
		return calendar.Throttled, "rate_limit"
	case "ErrorMailboxMoveInProgress", "MailboxStoreUnavailable", "ErrorServerBusy", "serviceNotAvailable", "ErrorTimeoutExpired":
		return calendar.Unavailable, "mailbox_unavailable"
	case "ErrorDuplicateTransactionId":
		return calendar.Conflict, duplicate
	case "ErrorIrresolvableConflict", "resourceModified":
		return calendar.Conflict, "changed"
	}
	return "", ""
}

// duplicate says that an event was created with this transaction id, and another one than is asked for now.
const duplicate = "duplicate_transaction"

// hidden tells whether events must not be read, but perhaps free and busy.
func hidden(err error) bool {
	failure, ok := errors.AsType[*calendar.Error](err)
	return ok && failure.Kind == calendar.ReadOnly
}

func isDuplicate(err error) bool {
	failure, ok := errors.AsType[*calendar.Error](err)
	return ok && failure.Code == duplicate
}
