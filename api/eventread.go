package api

import (
	"encoding/json"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// ReadEvent reads one event as POST /v1/events takes it: a CloudEvent, or a simple one, which gets the id when it has none of
// its own. The error is an *ItemProblem.
func ReadEvent(text json.RawMessage, id string, now time.Time) (crm.Event, error) {
	wire, err := readItem(text)
	if err != nil {
		return crm.Event{}, err
	}
	in := &intake{now: now, key: id}
	parsed := in.check(wire, text, 0)
	if parsed.reason != nil {
		return crm.Event{}, parsed.reason
	}
	return parsed.event, nil
}
