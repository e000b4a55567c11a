package ical

import (
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/crm"
)

// product names the program that wrote a calendar (RFC 5545, 3.7.3).
const product = "-//Rapport//Rapport CRM//EN"

// The name of the file and the types of an invitation (RFC 6047, 2.4).
const (
	fileName     = "invite.ics"
	mediaRequest = "text/calendar; method=REQUEST; charset=UTF-8"
	mediaCancel  = "text/calendar; method=CANCEL; charset=UTF-8"
	mediaPublish = "text/calendar; method=PUBLISH; charset=UTF-8"
)

// Object writes the event as a CalDAV server keeps it: without a method (RFC 4791, 4.1). The server is told to leave the sending
// of invitations to us (RFC 6638, 7.1), so that nobody is invited twice. stamp is when this version was made.
func Object(e calendar.Event, stamp time.Time) ([]byte, error) {
	return write(e, "", stamp)
}

// Request writes an invitation, or a new version of one (RFC 5546, 3.2.2), as it is attached to a mail. stamp is when this version
// was made.
func Request(e calendar.Event, stamp time.Time) (crm.Attachment, error) {
	content, err := write(e, "REQUEST", stamp)
	return crm.Attachment{Name: fileName, ContentType: mediaRequest, Content: content}, err
}

// Cancel writes that a meeting does not take place (RFC 5546, 3.2.5). Its sequence has to be higher than the invitation's.
func Cancel(e calendar.Event, stamp time.Time) (crm.Attachment, error) {
	e.Cancelled = true
	content, err := write(e, "CANCEL", stamp)
	return crm.Attachment{Name: fileName, ContentType: mediaCancel, Content: content}, err
}

// Publish writes the meeting as a file that people add to their own calendar (RFC 5546, 3.2.1). It invites nobody and tells nobody
// who else comes.
func Publish(e calendar.Event, stamp time.Time) (crm.Attachment, error) {
	e.Attendees = nil
	content, err := write(e, "PUBLISH", stamp)
	return crm.Attachment{Name: fileName, ContentType: mediaPublish, Content: content}, err
}

func write(e calendar.Event, method string, stamp time.Time) ([]byte, error) {
	loc, err := e.Zoned()
	if err != nil {
		return nil, refused("its zone is not an IANA name")
	}
	if err := check(&e, method); err != nil {
		return nil, err
	}
	if unclear(loc, e.Span) {
		loc = time.UTC
	}
	w := &writer{}
	w.put("BEGIN", "VCALENDAR")
	w.put("VERSION", "2.0")
	w.put("PRODID", product)
	w.put("CALSCALE", "GREGORIAN")
	if method != "" {
		w.put("METHOD", method)
	}
	if loc != time.UTC {
		w.timezone(loc, e.Span)
	}
	w.event(&e, loc, method, stamp)
	w.put("END", "VCALENDAR")
	return []byte(w.b.String()), nil
}

func (w *writer) event(e *calendar.Event, loc *time.Location, method string, stamp time.Time) {
	w.put("BEGIN", "VEVENT")
	w.put("UID", e.UID)
	w.put("SEQUENCE", strconv.Itoa(e.Sequence))
	w.put("DTSTAMP", utc(stamp))
	w.time("DTSTART", e.Start, loc)
	w.time("DTEND", e.End, loc)
	w.text("SUMMARY", e.Summary)
	w.text("DESCRIPTION", e.Description)
	w.text("LOCATION", e.Location)
	if e.URL != "" {
		w.put("URL", e.URL)
	}
	status, transparency, show := "CONFIRMED", "OPAQUE", "BUSY"
	if e.Cancelled {
		status, transparency, show = "CANCELLED", "TRANSPARENT", "FREE"
	}
	w.put("STATUS", status)
	w.put("TRANSP", transparency)
	w.put("X-MICROSOFT-CDO-BUSYSTATUS", show)
	if e.Organizer.Email != "" {
		agent := ""
		if method == "" {
			agent = "CLIENT"
		}
		w.put("ORGANIZER", "mailto:"+e.Organizer.Email, "CN", e.Organizer.Name, "SCHEDULE-AGENT", agent)
		for _, a := range e.Attendees {
			w.attendee(a, method, agent)
		}
	}
	w.put("END", "VEVENT")
}

func (w *writer) attendee(a calendar.Attendee, method, agent string) {
	role, status, rsvp := "REQ-PARTICIPANT", "NEEDS-ACTION", "TRUE"
	if a.Optional {
		role = "OPT-PARTICIPANT"
	}
	if a.Answer != calendar.None {
		status = strings.ToUpper(string(a.Answer))
	}
	if method == "CANCEL" {
		rsvp = ""
	}
	w.put("ATTENDEE", "mailto:"+a.Email,
		"CN", a.Name, "CUTYPE", "INDIVIDUAL", "ROLE", role, "PARTSTAT", status, "RSVP", rsvp, "SCHEDULE-AGENT", agent)
}

func utc(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

// time writes a moment as clocks in the zone show it.
func (w *writer) time(name string, t time.Time, loc *time.Location) {
	if loc == time.UTC {
		w.put(name, utc(t))
		return
	}
	w.put(name, t.In(loc).Format("20060102T150405"), "TZID", loc.String())
}

// unclear tells whether clocks in the zone are changed around one of the span's ends. Programs do not agree on what a time means
// that clocks show twice, so such an event is written in UTC.
func unclear(loc *time.Location, s crm.Span) bool {
	const around = 3 * time.Hour
	in := place{loc}
	return in.offset(s.Start.Add(-around)) != in.offset(s.Start.Add(around)) || in.offset(s.End.Add(-around)) != in.offset(s.End.Add(around))
}

func refused(detail string) error {
	return &calendar.Error{Kind: calendar.Refused, Code: "bad_event", Detail: detail}
}

// check refuses what other programs could not read, or would read as something else.
func check(e *calendar.Event, method string) error {
	plain := func(r rune) bool { return r <= ' ' || r >= 0x7f }
	switch {
	case e.UID == "" || len(e.UID) > 255 || strings.ContainsFunc(e.UID, plain):
		return refused("its UID is not 1 to 255 printable ASCII characters")
	case e.Sequence < 0:
		return refused("its sequence is negative")
	case e.AllDay:
		return refused("meetings of whole days are not written")
	case !e.Start.Before(e.End):
		return refused("it does not end after it begins")
	case !e.Start.Equal(e.Start.Truncate(time.Second)), !e.End.Equal(e.End.Truncate(time.Second)):
		return refused("it does not begin and end at whole seconds")
	case e.URL != "" && !isLink(e.URL):
		return refused("its link is not a web address")
	case e.Organizer.Email == "" && (method != "" || len(e.Attendees) > 0):
		return refused("an invitation needs an organizer")
	case e.Organizer.Email != "" && !isEmail(e.Organizer.Email):
		return refused("the organizer's address is not an email address")
	case (method == "REQUEST" || method == "CANCEL") && len(e.Attendees) == 0:
		return refused("an invitation needs somebody who is invited")
	}
	for _, a := range e.Attendees {
		if !isEmail(a.Email) {
			return refused("the address of an attendee is not an email address")
		}
	}
	return nil
}

// isEmail tells whether the text is one bare address. Quoted local parts are refused: programs read them in different ways.
func isEmail(text string) bool {
	a, err := mail.ParseAddress(text)
	return err == nil && a.Address == text && a.Name == "" && !strings.ContainsAny(text, " \"'\\,;:<>()[]?&\r\n\t")
}

func isLink(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && isASCII(text) && !strings.ContainsAny(text, " \"<>\\")
}
