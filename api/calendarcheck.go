package api

import (
	"context"
	"net/http"

	"github.com/rapport-crm/rapport/activities/booking"
	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/crm"
)

// CheckedCalendar is how a calendar answered when it was asked just now.
type CheckedCalendar struct {
	Calendar

	Result calendar.Kind `json:"result" enum:"ok,unauthorized,gone,read_only,conflict,unreadable,refused,throttled,unavailable" doc:"ok: it answered. unauthorized: its owner has to connect it again. gone: its owner has to choose another. throttled and unavailable pass by themselves."`
	Detail string        `json:"detail,omitempty" doc:"What is wrong, for people. Nothing of what is in the calendar."`
	Busy   int           `json:"busy" doc:"How many times are taken in the next two weeks, interviews booked here aside."`
}

const checkedOK calendar.Kind = "ok"

func (s *server) checkCalendars(ctx context.Context, in *InterviewerRef) (*body[Page[CheckedCalendar]], error) {
	person, err := s.Store.Interviewer(ctx, in.ID)
	if err != nil {
		return nil, problemOf(err)
	}
	checked, err := s.askCalendars(ctx, &person)
	if err != nil {
		return nil, problemOf(err)
	}
	links, err := s.Store.Calendars(ctx, person.ID) // with the states that they have now
	if err != nil {
		return nil, problemOf(err)
	}
	items := []CheckedCalendar{}
	for i := range links {
		item := CheckedCalendar{Calendar: calendarOf(&links[i]), Result: checkedOK}
		for _, c := range checked {
			if c.CalendarID != links[i].ID {
				continue
			}
			if item.Busy = len(c.Busy); c.Failure != nil {
				item.Result, item.Detail = c.Failure.Kind, c.Failure.Error()
			}
		}
		items = append(items, item)
	}
	return pageOf(items, "", nil)
}

// askCalendars asks somebody's calendars.
func (s *server) askCalendars(ctx context.Context, person *crm.Interviewer) ([]booking.Checked, error) {
	if s.OpenCalendar == nil {
		return nil, &Problem{
			Status: http.StatusServiceUnavailable, Code: CodeUnavailable, Detail: "Calendars cannot be reached from here.", Next: "Ask the API of an installation that runs.",
		}
	}
	booker := booking.Booker{Store: s.Store, Open: s.OpenCalendar, Domain: s.CalendarDomain, Now: s.Now, Log: s.Log}
	return booker.Check(ctx, person)
}
