package worker

import (
	"context"
	"fmt"
	"time"

	"github.com/rapport-crm/rapport/activities/booking"
	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/ical"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/wallclock"
)

// callOff tells an interviewer who was invited by mail that an interview does not take place, as its candidate was erased. It names nobody:
// calendars know the event by its UID. A second attempt says the same, so that calendars and mail programs take both for one.
func (w *Worker) callOff(ctx context.Context, j *crm.ErasureJob) (outcome string, err error) {
	p := &j.Payload
	to, err := w.store.Interviewer(ctx, p.Interviewer)
	if crm.CodeOf(err) == crm.CodeNotFound {
		return outcomeNobody, nil
	}
	if err != nil {
		return "", err
	}
	set, err := w.library.Active(ctx)
	if err != nil {
		return "", err
	}
	provider, ok := w.providers[crm.Email]
	if !ok || set.Workspace == nil || p.Appointment == nil {
		return outcomeNobody, nil
	}
	out, err := w.calledOff(set, &to, p)
	if err != nil {
		return "", err
	}
	_, err = provider.Send(ctx, *out)
	return outcomeDone, wrap("send cancellation", err)
}

// calledOff is the mail, with the part that calendars read.
func (w *Worker) calledOff(set *dsl.Set, to *crm.Interviewer, p *crm.ErasurePayload) (*crm.Outgoing, error) {
	words, zone := w.letters.book.In(to.Locale, set.Workspace.Locale), dsl.ZoneOf(nil, set.Workspace)
	if loc, err := wallclock.Zone(to.Zone); err == nil && to.Zone != "" {
		zone = loc
	}
	span := crm.Span{Start: p.Appointment.StartsAt.Truncate(time.Second), End: p.Appointment.EndsAt.Truncate(time.Second)}
	letter := &dsl.Letter{Kind: dsl.LetterCancelled, ToPanel: true, Erased: true, Name: to.Name, Span: span, Zone: zone}
	rendered, err := letter.Template(words).Render(map[string]any{}, nil)
	if err != nil {
		return nil, fmt.Errorf("render cancellation: %w", err)
	}
	out := &crm.Outgoing{
		MessageID: crm.DeriveID(crm.PrefixMessage, p.At, p.Meeting, p.Interviewer), Channel: crm.Email, To: to.Email, ToName: to.Name,
		Subject: rendered.Subject, Text: rendered.Text, HTML: rendered.HTML,
	}
	w.address(out, set.Workspace, dsl.Person{}, false)
	out.Headers = headers(&crm.Message{ID: out.MessageID, Purpose: crm.PurposeTransactional}, nil, out.From, "")
	name, organizer := set.Workspace.Company()
	if w.replyDomain != "" {
		organizer = w.replyAddress(p.Invitation)
	}
	file, err := ical.Cancel(calendar.Event{
		UID: booking.UID(p.Meeting, w.letters.domain), Sequence: p.Appointment.Sequence + 1, Span: span, Zone: zone.String(), Summary: words.Say("panel_erased"),
		Organizer: calendar.Person{Name: name, Email: organizer}, Attendees: []calendar.Attendee{{Person: calendar.Person{Name: to.Name, Email: to.Email}}},
	}, p.At)
	if err != nil {
		return nil, err
	}
	out.Attachments = []crm.Attachment{file}
	return out, nil
}
