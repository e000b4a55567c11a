package worker

import (
	"cmp"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/activities/booking"
	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/ical"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/phrases"
	"github.com/rapport-crm/rapport/dsl/wallclock"
	"github.com/rapport-crm/rapport/store"
)

// letters are what Rapport itself writes about interviews, and where their links lead.
type letters struct {
	book     *phrases.Book
	domain   string // of events' UIDs
	panel    func(meetingID, interviewerID string) string
	schedule func(enrollmentID string) string
}

// page is the page of an interview for whoever a message is for; "" where the message is about none.
func (l *letters) page(m *crm.Message) string {
	switch {
	case m.MeetingID == "":
		return ""
	case m.Recipient != "" && l.panel != nil:
		return l.panel(m.MeetingID, m.Recipient)
	case m.Recipient == "" && l.schedule != nil:
		return l.schedule(m.EnrollmentID)
	}
	return ""
}

// about is what a claimed message is about, and whom it is for.
type about struct {
	claim   *store.Claim
	meeting *crm.Meeting // nil: none
	zone    *time.Location
	locale  string // of whoever reads it, "" when it is not known
	words   *phrases.Words
	link    string
	request *dsl.RequestLetter // nil: it tells of no request
}

func (w *Worker) about(set *dsl.Set, c *store.Claim) *about {
	a := &about{claim: c, zone: dsl.ZoneOf(&c.Facts.Candidate, set.Workspace), locale: c.Facts.Candidate.Locale, link: w.letters.page(&c.Message)}
	if to := c.Facts.Recipient; to != nil {
		a.zone, a.locale = dsl.ZoneOf(nil, set.Workspace), to.Locale
		if loc, err := wallclock.Zone(to.Zone); err == nil && to.Zone != "" {
			a.zone = loc
		}
	}
	for i := range c.Facts.Meetings {
		if c.Facts.Meetings[i].ID == c.Message.MeetingID {
			a.meeting = &c.Facts.Meetings[i]
		}
	}
	a.words = w.letters.book.In(a.locale, set.Workspace.Locale)
	return a
}

// template is the message as its reader reads it: what the step says itself, a document, or Rapport's own words.
func (a *about) template(set *dsl.Set, step *sendStep) *dsl.Template {
	m := &a.claim.Message
	switch {
	case a.request != nil:
		return a.request.Template(a.words)
	case m.Calendar != "" || m.Template == dsl.ScorecardRequest:
		return a.letter().Template(a.words)
	case m.Template != "":
		return set.Template(m.Template, a.locale)
	}
	return step.send.Inline
}

// name is what whoever reads the message is called in full.
func (a *about) name() string {
	if to := a.claim.Facts.Recipient; to != nil {
		return to.Name
	}
	return a.candidate()
}

func (a *about) candidate() string {
	c := &a.claim.Facts.Candidate
	return strings.TrimSpace(c.FirstName + " " + c.LastName)
}

// with is who sits on the other side: to the candidate those who hold the interview, to one of them the candidate.
func (a *about) with() string {
	if a.claim.Message.Recipient != "" {
		return a.candidate()
	}
	return dsl.PanelNames(a.meeting.Panel, "")
}

// letter is what Rapport itself says of an interview.
func (a *about) letter() *dsl.Letter {
	m := &a.claim.Message
	l := &dsl.Letter{Kind: a.kind(), ToPanel: m.Recipient != "", Name: a.claim.Facts.Candidate.FirstName, Zone: a.zone, Link: a.link}
	if app := application(&a.claim.Facts); app != nil {
		l.Role = app.Role
	}
	if at := m.Appointment; at != nil {
		l.Span = crm.Span{Start: at.StartsAt, End: at.EndsAt}
	}
	if a.meeting != nil {
		l.Medium, l.Place, l.With = a.meeting.Medium, a.meeting.Place, dsl.PanelNames(a.meeting.Panel, m.Recipient)
		l.Again = a.meeting.Open() && a.meeting.State != crm.MeetingCancelled
	}
	if l.ToPanel {
		l.Name, l.Candidate = a.name(), a.candidate()
		seat := a.seat()
		l.Shadow = seat != nil && seat.Shadow
	}
	return l
}

// seat is the place of its reader on the panel, or nil.
func (a *about) seat() *crm.Panelist {
	if a.meeting == nil {
		return nil
	}
	return a.meeting.Seat(a.claim.Message.Recipient)
}

// kind is what the message tells its reader, after what they were told before.
func (a *about) kind() dsl.LetterKind {
	m := &a.claim.Message
	switch m.Calendar {
	case crm.CalendarCancel:
		return dsl.LetterCancelled
	case crm.CalendarRequest:
	default:
		return dsl.LetterScorecard
	}
	last := dsl.LastInvitation(a.claim.Facts.Messages, m)
	switch {
	case last == nil || last.Appointment == nil:
		return dsl.LetterBooked
	case !last.Appointment.StartsAt.Equal(m.Appointment.StartsAt):
		return dsl.LetterMoved
	}
	return dsl.LetterUpdated
}

// invitation is the part of calendar mail that calendars read (RFC 6047). It depends on nothing but what the message and the meeting
// are, so that a second attempt says the same. Somebody whose calendar has the meeting under another UID gets none: they would see
// it twice.
func (w *Worker) invitation(set *dsl.Set, a *about, out *crm.Outgoing) ([]crm.Attachment, error) {
	m := &a.claim.Message
	if to := a.claim.Facts.Recipient; m.Calendar == "" || a.meeting == nil || to != nil && to.OwnEvent {
		return nil, nil
	}
	e := calendar.Event{
		UID: booking.UID(m.MeetingID, w.letters.domain), Sequence: m.Appointment.Sequence,
		Span: crm.Span{Start: m.Appointment.StartsAt.Truncate(time.Second), End: m.Appointment.EndsAt.Truncate(time.Second)}, Zone: a.zone.String(),
		Summary: a.summary(), Description: a.description(), Location: a.meeting.Place, URL: a.link, Organizer: w.organizer(set, a),
		Attendees: []calendar.Attendee{{Person: calendar.Person{Name: out.ToName, Email: out.To}}},
	}
	if seat := a.seat(); seat != nil {
		e.Attendees[0].Optional, e.Attendees[0].Answer = seat.Shadow, calendar.Answer(seat.Answer)
	}
	write := ical.Request
	if m.Calendar == crm.CalendarCancel {
		write = ical.Cancel
	}
	file, err := write(e, m.PlannedAt)
	if err != nil {
		return nil, err
	}
	return []crm.Attachment{file}, nil
}

// summary is the title of the event, as its reader's calendar shows it.
func (a *about) summary() string {
	text := a.words.Say("interview_title")
	if a.claim.Message.Recipient != "" {
		text = a.words.Say("panel_title", "Name", cmp.Or(a.candidate(), a.words.Say("panel_candidate")))
	}
	if app := application(&a.claim.Facts); app != nil && app.Role != "" {
		text += ": " + app.Role
	}
	return text
}

// description is what the other fields of the event do not say.
func (a *about) description() string {
	var lines []string
	if with := dsl.PanelNames(a.meeting.Panel, a.claim.Message.Recipient); with != "" {
		lines = append(lines, a.words.Say("interview_with")+": "+with)
	}
	if a.link != "" {
		lines = append(lines, a.link)
	}
	return strings.Join(lines, "\n")
}

// organizer is who invites. Calendars answer to that address, and know later versions of the event by it: where answers are read by
// Rapport, it names the first invitation to the same person, and stays the same in all that follow.
func (w *Worker) organizer(set *dsl.Set, a *about) calendar.Person {
	name, address := set.Workspace.Company()
	if w.replyDomain != "" {
		first := dsl.FirstInvitation(a.claim.Facts.Messages, &a.claim.Message)
		address = w.replyAddress(first.ID)
	}
	return calendar.Person{Name: name, Email: address}
}
