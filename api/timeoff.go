package api

import (
	"context"
	"fmt"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/wallclock"
)

// Away is a time at which somebody is away. Start is inside, End is not.
type Away struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

func awayOf(spans []crm.Span) []Away {
	away := make([]Away, len(spans))
	for i, s := range spans {
		away[i] = Away(s)
	}
	return away
}

// TimeOff says when somebody is away.
type TimeOff struct {
	Items []AwayInput `json:"items" maxItems:"200" nullable:"false" doc:"Empty: at no time."`
}

// AwayInput is a time at which somebody is away, in dates or times.
type AwayInput struct {
	Start string `json:"start" maxLength:"100" doc:"A time, or the first day away in the interviewer's zone." example:"2026-12-24"`
	End   string `json:"end" maxLength:"100" doc:"A time, or the last day away, which is a day away as a whole." example:"2027-01-02"`
}

// TimeOffSet is when somebody is away now, times that touch as one.
type TimeOffSet struct {
	Items []Away `json:"items" nullable:"false"`
}

func (s *server) setTimeOff(ctx context.Context, in *struct {
	InterviewerRef
	Body TimeOff
},
) (*body[TimeOffSet], error) {
	interviewer, err := s.Store.Interviewer(ctx, in.ID)
	if err != nil {
		return nil, problemOf(err)
	}
	loc, err := s.zoneOf(ctx, &interviewer)
	if err != nil {
		return nil, problemOf(err)
	}
	var spans []crm.Span
	c := checker{}
	for i := range in.Body.Items {
		spans = append(spans, c.away(fmt.Sprintf("items[%d]", i), &in.Body.Items[i], loc))
	}
	if problem := located("The time off is not valid", c.found); problem != nil {
		return nil, problem
	}
	spans, err = s.Store.SetTimeOff(ctx, interviewer.ID, spans, caller(ctx), s.Now())
	if err != nil {
		return nil, problemOf(err)
	}
	return &body[TimeOffSet]{Body: TimeOffSet{Items: awayOf(spans)}}, nil
}

// zoneOf is the zone in which an interviewer's days are meant.
func (s *server) zoneOf(ctx context.Context, i *crm.Interviewer) (*time.Location, error) {
	if i.Zone != "" {
		return wallclock.Zone(i.Zone)
	}
	set, err := s.inForce.get(ctx)
	if err != nil {
		return nil, err
	}
	return set.Workspace.Calendar.Location(time.UTC), nil
}

func (c *checker) away(field string, in *AwayInput, loc *time.Location) crm.Span {
	start, okStart := moment(in.Start, 0, loc)
	end, okEnd := moment(in.End, 1, loc)
	const form = "it is neither a date like 2026-12-24 nor a time like 2026-12-24T13:00:00Z"
	if !okStart {
		c.add(field+".start", form)
	}
	if !okEnd {
		c.add(field+".end", form)
	}
	span := crm.Span{Start: start, End: end}
	if okStart && okEnd && span.IsEmpty() {
		c.add(field+".end", "it is not after the start")
	}
	return span
}

// moment reads a time, or the midnight some days after that of a date.
func moment(text string, days int, loc *time.Location) (time.Time, bool) {
	if date, err := time.Parse(time.DateOnly, text); err == nil {
		return wallclock.At(date.AddDate(0, 0, days), loc), true
	}
	at, err := time.Parse(time.RFC3339, text)
	return at.UTC(), err == nil
}
