package api

import (
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// ParseEvents is the parser of POST /v1/events, for fuzzing without a database.
func ParseEvents(contentType string, body []byte, now time.Time) (events []crm.Event, rejected int, ok bool) {
	parsed, problem := (&intake{now: now}).parse(contentType, body)
	for i := range parsed {
		if parsed[i].reason == nil {
			events = append(events, parsed[i].event)
		} else {
			rejected++
		}
	}
	return events, rejected, problem == nil
}
