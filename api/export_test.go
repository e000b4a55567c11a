package api

import (
	"context"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
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

// LinkTokens are tokens of every kind of link that candidates get, for a message to a candidate and a page that it links to.
func LinkTokens(secret []byte, messageID, candidateID, target string, now time.Time) []string {
	tokens := []string{strings.TrimPrefix(LinkURL("", secret, messageID, target), "/c/"), strings.TrimPrefix(PreferencesURL("", secret, candidateID, now), "/p/")}
	for _, purpose := range []string{purposeUnsubscribe, purposeSurvey, purposeOpen, purposeConfirm} {
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

// Routes are those of the API.
func Routes() gin.RoutesInfo { return newServer(Config{}).router.Routes() }

// RoundReports sums meetings up; due tells until when their scorecards are to be handed in.
func RoundReports(stories []store.MeetingStory, due func(*crm.Meeting) time.Time, now time.Time) []RoundReport {
	return roundReports(stories, due, now)
}

// GroupShares compares the people of every group.
func GroupShares(loads []store.InterviewerLoad) []GroupShare { return groupShares(loads) }
