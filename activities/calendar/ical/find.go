package ical

import (
	"strconv"
	"strings"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/crm"
)

// Find returns the event with this UID, with what the owner and the others answered, or nil. Of an event that recurs it is the
// first occurrence.
func (c *Calendar) Find(uid string, owner Owner) (*calendar.Event, error) {
	part := latest(c.events, uid)
	if part == nil {
		return nil, nil //nolint:nilnil // nil is what Find of calendar.Calendar says for an event that is not there
	}
	begin, _, ok := parseTime(part.value("DTSTART"))
	if !ok {
		return nil, nil //nolint:nilnil // an event without a beginning is none
	}
	r := newReader(crm.Span{Start: begin, End: begin.AddDate(0, 0, 2)}, owner).of(c)
	e, ok, err := r.event(part)
	if err != nil || !ok {
		return nil, err
	}
	found := &calendar.Event{
		UID: uid, Sequence: sequence(part),
		Span: crm.Span{Start: e.zone.moment(e.start), End: e.end(e.start)}, Zone: "", AllDay: e.allDay,
		Summary: part.text("SUMMARY"), Description: part.text("DESCRIPTION"), Location: part.text("LOCATION"),
		URL: part.value("URL"), Cancelled: part.keyword("STATUS") == "CANCELLED", Answer: r.answer(part),
	}
	if in, ok := e.zone.(place); ok && in.String() != "UTC" {
		found.Zone = in.String()
	}
	for i := range part.lines {
		switch l := &part.lines[i]; l.name {
		case "ORGANIZER":
			found.Organizer = person(l)
		case "ATTENDEE":
			found.Attendees = append(found.Attendees, calendar.Attendee{
				Person: person(l), Optional: strings.EqualFold(l.param("ROLE"), "OPT-PARTICIPANT"), Answer: answered(l),
			})
		}
	}
	return found, nil
}

func person(l *line) calendar.Person {
	return calendar.Person{Name: l.param("CN"), Email: address(l)}
}

func sequence(part *component) int {
	n, err := strconv.Atoi(part.value("SEQUENCE"))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// text returns the value of a property that is text for people.
func (c *component) text(name string) string {
	if l := c.first(name); l != nil {
		return unescape(l.value)
	}
	return ""
}
