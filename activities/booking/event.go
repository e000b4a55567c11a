package booking

import (
	"cmp"
	"strings"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/crm"
)

// event is a meeting as it is in the calendar of one who holds it. The same meeting always makes the same event. Its owner
// alone is listed, for a server might invite whoever is.
func (b *Booker) event(q *question, owner *crm.Interviewer) calendar.Event {
	m := &q.Meeting
	e := calendar.Event{
		UID: b.uid(m.ID), Sequence: m.Sequence, Span: crm.Span{Start: m.StartsAt, End: m.EndsAt},
		Zone: cmp.Or(owner.Zone, q.zone.String()), Location: m.Place, Summary: summary(q), Description: b.describe(q, owner),
		Organizer: organizer(q),
		Attendees: []calendar.Attendee{{Person: calendar.Person{Name: owner.Name, Email: owner.Email}}},
	}
	if p := m.Seat(owner.ID); p != nil {
		e.Attendees[0].Optional, e.Attendees[0].Answer = p.Shadow, calendar.Answer(p.Answer)
	}
	if b.Page != nil {
		e.URL = b.Page(m.ID, owner.ID)
	}
	return e
}

func summary(q *question) string {
	name := strings.TrimSpace(q.Candidate.FirstName + " " + q.Candidate.LastName)
	if name == "" {
		name = "a candidate"
	}
	text := "Interview: " + name
	if q.Application.Role != "" {
		text += ", " + q.Application.Role
	}
	return text
}

// describe says what is not in the other fields.
func (b *Booker) describe(q *question, owner *crm.Interviewer) string {
	m := &q.Meeting
	lines := []string{m.Definition + ", " + m.Round}
	if m.Medium != "" {
		lines[0] += " (" + m.Medium + ")"
	}
	var with []string
	for _, p := range m.Panel {
		if p.InterviewerID != owner.ID && p.Name != "" {
			with = append(with, p.Name)
		}
	}
	if len(with) > 0 {
		lines = append(lines, "With "+strings.Join(with, ", "))
	}
	return strings.Join(lines, "\n")
}

// organizer is who writes for the workspace.
func organizer(q *question) calendar.Person {
	if q.workspace == nil {
		return calendar.Person{}
	}
	name, _ := q.workspace.Company()
	address := q.workspace.From.Email
	if at := strings.LastIndexByte(address, '<'); at >= 0 {
		address = strings.TrimSuffix(address[at+1:], ">")
	}
	return calendar.Person{Name: name, Email: strings.TrimSpace(address)}
}
