package google

import (
	"strings"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/cloud"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/wallclock"
)

// markKey names our private extended property: private to the copy of the event in this calendar.
const markKey = "rapport"

// event is an event resource as it is read, as far as it is asked for.
type event struct {
	ID                 string        `json:"id"`
	Etag               string        `json:"etag"`
	Status             string        `json:"status"` // confirmed, tentative or cancelled, which is deleted
	Transparency       string        `json:"transparency"`
	ICalUID            string        `json:"iCalUID"`
	Sequence           int           `json:"sequence"`
	RecurringEventID   string        `json:"recurringEventId"`
	Start              moment        `json:"start"`
	End                moment        `json:"end"`
	Summary            string        `json:"summary"`
	Description        string        `json:"description"`
	Location           string        `json:"location"`
	Organizer          participant   `json:"organizer"`
	Attendees          []participant `json:"attendees"`
	Source             *source       `json:"source"`
	ExtendedProperties properties    `json:"extendedProperties"`
}

// moment is a time with its offset, or a date.
type moment struct {
	Date     string `json:"date,omitempty"`
	DateTime string `json:"dateTime,omitempty"`
	TimeZone string `json:"timeZone,omitempty"`
}

type participant struct {
	Email          string `json:"email,omitempty"`
	DisplayName    string `json:"displayName,omitempty"`
	Self           bool   `json:"self,omitempty"`
	Optional       bool   `json:"optional,omitempty"`
	ResponseStatus string `json:"responseStatus,omitempty"`
}

type source struct {
	Title string `json:"title"`
	URL   string `json:"url"`
}

type properties struct {
	Private map[string]string `json:"private"`
}

// content is what is put of an event. All of it is always sent: an empty text replaces one that is there.
type content struct {
	ICalUID            string        `json:"iCalUID,omitempty"`
	Sequence           int           `json:"sequence"`
	Status             string        `json:"status"`
	Transparency       string        `json:"transparency"`
	Start              moment        `json:"start"`
	End                moment        `json:"end"`
	Summary            string        `json:"summary"`
	Description        string        `json:"description"`
	Location           string        `json:"location"`
	Source             *source       `json:"source"`
	Attendees          []participant `json:"attendees,omitempty"` // left out, they stay as they are
	ExtendedProperties properties    `json:"extendedProperties"`
}

func (c *Calendar) content(e *calendar.Event) content {
	zone := e.Zone
	if zone == "" {
		zone = "UTC"
	}
	at := func(t time.Time) moment { return moment{DateTime: t.UTC().Format(time.RFC3339), TimeZone: zone} }
	sent := content{
		Sequence: e.Sequence, Status: "confirmed", Transparency: "opaque", Start: at(e.Start), End: at(e.End),
		Summary: e.Summary, Description: e.Description, Location: e.Location,
		ExtendedProperties: properties{Private: map[string]string{markKey: cloud.MarkOf(e).String()}},
	}
	if e.Cancelled {
		sent.Transparency = "transparent"
	}
	if e.URL != "" {
		sent.Source = &source{Title: e.Summary, URL: e.URL}
	}
	return sent
}

// mark is the mark of the version that is there. Of an event that came another way, as by mail, it is made up from its sequence.
func (e *event) mark() cloud.Mark {
	if m, ok := cloud.ParseMark(e.ExtendedProperties.Private[markKey]); ok {
		return m
	}
	return cloud.Mark{Sequence: e.Sequence}
}

// span returns the time that the event takes. Dates are days in the zone of the calendar.
func (e *event) span(zone *time.Location) (span crm.Span, allDay bool, err error) {
	if span.Start, err = e.Start.time(zone); err != nil {
		return span, false, err
	}
	span.End, err = e.End.time(zone)
	return span, e.Start.Date != "", err
}

func (m moment) time(zone *time.Location) (time.Time, error) {
	var t time.Time
	var err error
	if m.Date != "" {
		if t, err = time.Parse(time.DateOnly, m.Date); err == nil {
			t = wallclock.At(t, zone)
		}
	} else {
		t, err = time.Parse(time.RFC3339, m.DateTime)
	}
	if err != nil {
		return t, &calendar.Error{Kind: calendar.Unreadable, Code: "bad_time"}
	}
	return t.UTC(), nil
}

// self is the owner's entry among those invited, or nil.
func (e *event) self() *participant {
	for i := range e.Attendees {
		if e.Attendees[i].Self {
			return &e.Attendees[i]
		}
	}
	return nil
}

func (e *event) answer() calendar.Answer {
	if p := e.self(); p != nil {
		return p.answer()
	}
	return calendar.None
}

func (p *participant) answer() calendar.Answer {
	if p.ResponseStatus == "needsAction" {
		return calendar.None
	}
	return calendar.Answer(p.ResponseStatus) // accepted, declined or tentative, as in iCalendar
}

func (p *participant) person() calendar.Person {
	return calendar.Person{Name: p.DisplayName, Email: strings.ToLower(p.Email)}
}
