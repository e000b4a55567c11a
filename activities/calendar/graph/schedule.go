package graph

import (
	"context"
	"net/http"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/cloud"
	"github.com/rapport-crm/rapport/crm"
)

// sixWeeks is safely less than what Graph answers for at a time.
const sixWeeks = 42 * 24 * time.Hour

type scheduleQuery struct {
	Schedules []string `json:"schedules"`
	StartTime moment   `json:"startTime"`
	EndTime   moment   `json:"endTime"`
}

type scheduleAnswer struct {
	Value []struct {
		Items []struct {
			Status string `json:"status"`
			Start  moment `json:"start"`
			End    moment `json:"end"`
		} `json:"scheduleItems"`
		Error *struct {
			ResponseCode string `json:"responseCode"`
		} `json:"error"`
	} `json:"value"`
}

// schedule asks when the owner is busy and no more. It is not there for personal accounts.
func (c *Calendar) schedule(ctx context.Context, within crm.Span) ([]calendar.Block, error) {
	seen := map[calendar.Block]bool{} // one that lies over the border of two pieces comes twice
	var blocks []calendar.Block
	for _, piece := range cloud.Split(within, sixWeeks) {
		var answer scheduleAnswer
		_, err := c.client.Do(ctx, cloud.Request{
			Method: http.MethodPost, Path: "/me/calendar/getSchedule", Header: inUTC(),
			Body: scheduleQuery{Schedules: []string{c.owner}, StartTime: utc(piece.Start), EndTime: utc(piece.End.Add(time.Second - 1))},
		}, &answer)
		if err != nil {
			return nil, err
		}
		if len(answer.Value) != 1 || answer.Value[0].Error != nil {
			return nil, &calendar.Error{Kind: calendar.Unavailable, Code: "free_busy_error"}
		}
		for _, item := range answer.Value[0].Items {
			busy, tentative := taken(item.Status)
			if !busy {
				continue
			}
			whole := event{Start: item.Start, End: item.End}
			span, err := whole.span(c.zone)
			if err != nil {
				return nil, err
			}
			block := calendar.Block{Span: span, Tentative: tentative}
			if span.Overlaps(within) && !seen[block] {
				seen[block] = true
				blocks = append(blocks, block)
			}
		}
	}
	return blocks, nil
}
