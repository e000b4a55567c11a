package api

import (
	"context"
	"strings"
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

// LinkTokens are tokens of every kind of link that candidates get, for a message and a page that it links to.
func LinkTokens(secret []byte, messageID, target string) []string {
	tokens := []string{strings.TrimPrefix(LinkURL("", secret, messageID, target), "/c/")}
	for _, purpose := range []string{purposeUnsubscribe, purposeSurvey, purposeOpen} {
		tokens = append(tokens, messageID+"."+linkMAC(secret, purpose, messageID))
	}
	return tokens
}

// PlanWithin plans a change that looks back at no more than some events, and some events without a candidate, so many at once
// and until time is up.
func PlanWithin(ctx context.Context, config Config, files *DefinitionFiles, events, told, chunk int, last time.Duration) (*DefinitionPlan, error) {
	s := &server{Config: config}
	c, err := s.resolve(ctx, files)
	if err != nil {
		return nil, err
	}
	p, err := s.plan(ctx, c)
	if err != nil {
		return nil, err
	}
	return &p.plan, p.past(ctx, pastBounds{events: events, told: told, chunk: chunk, time: last})
}
