package caldav

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/ical"
	"github.com/rapport-crm/rapport/activities/calendar/remote"
)

// attempts is how often a write starts again because somebody else wrote in between.
const attempts = 4

// Put implements calendar.Calendar. Answers that others gave in the calendar itself are kept, as long as the meeting is at the same
// time.
func (c *Calendar) Put(ctx context.Context, event calendar.Event) error {
	for range attempts {
		kept, err := c.lookUp(ctx, event.UID)
		if err != nil {
			return err
		}
		text, err := version(kept, event, time.Now())
		if text == "" || err != nil {
			return err
		}
		at, condition, value := c.place(event.UID), "If-None-Match", "*"
		if kept != nil {
			at, condition, value = kept.url, "If-Match", kept.etag
		}
		a, err := c.ask(ctx, http.MethodPut, at, text, condition, value, "Content-Type", "text/calendar; charset=utf-8")
		switch {
		case err != nil:
			return err
		case a.Status/100 == 2:
			return nil
		case a.Status != http.StatusPreconditionFailed:
			return writeFailure(a)
		}
	}
	return &calendar.Error{Kind: calendar.Unavailable, Code: "changed_meanwhile"}
}

// version writes what the server should keep, or nothing if it does already.
func version(kept *stored, event calendar.Event, now time.Time) (string, error) {
	if kept != nil {
		event.Attendees = withAnswers(event, kept.event)
	}
	text, err := ical.Object(event, now)
	if kept == nil || err != nil {
		return string(text), err
	}
	if kept.event.Sequence > event.Sequence {
		return "", &calendar.Error{Kind: calendar.Conflict, Code: "newer_sequence"}
	}
	written, err := ical.Parse(text) // so that both have gone through the same
	if err != nil {
		return "", err
	}
	want, err := written.Find(event.UID, ical.Owner{})
	if err != nil || want != nil && same(want, kept.event) {
		return "", err
	}
	return string(text), nil
}

// withAnswers returns the event's attendees with what the kept version knows of their answers. An answer was given to a time.
func withAnswers(event calendar.Event, kept *calendar.Event) []calendar.Attendee {
	attendees := slices.Clone(event.Attendees)
	if !event.Start.Equal(kept.Start) || !event.End.Equal(kept.End) {
		return attendees
	}
	for i, a := range attendees {
		if a.Answer != calendar.None {
			continue
		}
		for _, old := range kept.Attendees {
			if strings.EqualFold(old.Email, a.Email) {
				attendees[i].Answer = old.Answer
			}
		}
	}
	return attendees
}

// same tells whether two versions of an event say the same. Names are left out, since servers put in those that they know.
func same(a, b *calendar.Event) bool {
	return a.Sequence == b.Sequence && a.Start.Equal(b.Start) && a.End.Equal(b.End) && a.Cancelled == b.Cancelled &&
		a.Summary == b.Summary && a.Description == b.Description && a.Location == b.Location && a.URL == b.URL &&
		strings.EqualFold(a.Organizer.Email, b.Organizer.Email) && slices.Equal(invited(a), invited(b))
}

func invited(e *calendar.Event) []calendar.Attendee {
	var all []calendar.Attendee
	for _, a := range e.Attendees {
		a.Name, a.Email = "", strings.ToLower(a.Email)
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b calendar.Attendee) int { return cmp.Compare(a.Email, b.Email) })
	return all
}

// Delete implements calendar.Calendar.
func (c *Calendar) Delete(ctx context.Context, uid string) error {
	for range attempts {
		kept, err := c.lookUp(ctx, uid)
		if err != nil || kept == nil {
			return err
		}
		a, err := c.ask(ctx, http.MethodDelete, kept.url, "", "If-Match", kept.etag)
		switch {
		case err != nil:
			return err
		case a.Status/100 == 2, a.Status == http.StatusNotFound, a.Status == http.StatusGone:
			return nil
		case a.Status != http.StatusPreconditionFailed:
			return writeFailure(a)
		}
	}
	return &calendar.Error{Kind: calendar.Unavailable, Code: "changed_meanwhile"}
}

// writeFailure is what a status means that answers a write.
func writeFailure(a *remote.Answer) error {
	failure := remote.Failure(a)
	switch a.Status {
	case http.StatusForbidden, http.StatusConflict: // both also for a condition that the event does not meet (RFC 4791, 5.3.2.1)
		failure.Kind = calendar.ReadOnly
		switch {
		case bytes.Contains(a.Body, []byte("no-uid-conflict")):
			failure.Kind, failure.Code = calendar.Conflict, "uid_taken"
		case bytes.Contains(a.Body, []byte("urn:ietf:params:xml:ns:caldav")):
			failure.Kind = calendar.Refused
		case a.Status == http.StatusConflict: // the collection is not there (RFC 4918, 9.7.1)
			failure.Kind = calendar.Gone
		}
	case http.StatusMethodNotAllowed:
		failure.Kind = calendar.ReadOnly
	}
	return failure
}
