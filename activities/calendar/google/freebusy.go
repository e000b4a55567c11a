package google

import (
	"context"
	"net/http"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/cloud"
	"github.com/rapport-crm/rapport/crm"
)

// sixWeeks is safely less than what Google answers for at a time.
const sixWeeks = 42 * 24 * time.Hour

type freeBusyQuery struct {
	TimeMin string         `json:"timeMin"`
	TimeMax string         `json:"timeMax"`
	Items   []freeBusyItem `json:"items"`
}

type freeBusyItem struct {
	ID string `json:"id"`
}

type freeBusyAnswer struct {
	Calendars map[string]struct {
		Busy []struct {
			Start time.Time `json:"start"`
			End   time.Time `json:"end"`
		} `json:"busy"`
		Errors []struct {
			Reason string `json:"reason"`
		} `json:"errors"`
	} `json:"calendars"`
}

// only is what is told about the one calendar that was asked for, whatever it is called.
func (a *freeBusyAnswer) only() ([]crm.Span, error) {
	if len(a.Calendars) != 1 {
		return nil, &calendar.Error{Kind: calendar.Unavailable, Code: "free_busy_missing"}
	}
	var busy []crm.Span
	for _, told := range a.Calendars {
		switch {
		case len(told.Errors) > 0 && told.Errors[0].Reason == "notFound":
			return nil, &calendar.Error{Kind: calendar.Gone, Code: "not_found"}
		case len(told.Errors) > 0:
			return nil, &calendar.Error{Kind: calendar.Unavailable, Code: "free_busy_error"}
		}
		for _, b := range told.Busy {
			busy = append(busy, crm.Span{Start: b.Start.UTC(), End: b.End.UTC()})
		}
	}
	return busy, nil
}

// freeBusy asks when the calendar is busy and no more (Freebusy: query).
func (c *Calendar) freeBusy(ctx context.Context, within crm.Span) ([]calendar.Block, error) {
	var spans []crm.Span
	for _, piece := range cloud.Split(within, sixWeeks) {
		var answer freeBusyAnswer
		_, err := c.client.Do(ctx, cloud.Request{Method: http.MethodPost, Path: "/freeBusy", Body: freeBusyQuery{
			TimeMin: rfc3339(piece.Start), TimeMax: rfc3339(roundUp(piece.End)), Items: []freeBusyItem{{ID: c.id}},
		}}, &answer)
		if err != nil {
			return nil, err
		}
		busy, err := answer.only()
		if err != nil {
			return nil, err
		}
		spans = append(spans, busy...)
	}
	var blocks []calendar.Block
	for _, s := range crm.MergeSpans(spans) { // one that lies over the border of two pieces is one
		if s.Overlaps(within) {
			blocks = append(blocks, calendar.Block{Span: s})
		}
	}
	return blocks, nil
}
