package api

import (
	"context"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/activities/booking"
	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/ical"
	"github.com/rapport-crm/rapport/activities/mail"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// calendarAnswer is what the mail program of somebody says to an invitation of ours.
type calendarAnswer struct {
	*ical.Reply

	meeting string
}

// answerIn finds the answer to an invitation of ours in a mail. It is nil when there is none: then the mail is like any other.
func (s *server) answerIn(m *mail.Mail) *calendarAnswer {
	if m.Calendar == nil || m.Kind == mail.KindBounce || m.Kind == mail.KindNotice {
		return nil
	}
	found, err := ical.ParseReply(m.Calendar)
	if err != nil || found == nil {
		return nil
	}
	meeting := booking.MeetingOf(found.UID, s.CalendarDomain)
	if meeting == "" {
		return nil
	}
	return &calendarAnswer{Reply: found, meeting: meeting}
}

// heardAnswer keeps an answer to an invitation, if it is news and whoever sent it may give it. What says nothing any more, or comes
// from somebody else, changes nothing, and is nobody's reply either: the mail is of a program, with the words of one.
func (s *server) heardAnswer(ctx context.Context, m *mail.Mail, a *calendarAnswer, mentions []string) error {
	meeting, err := s.Store.Meeting(ctx, a.meeting)
	if err != nil {
		return unlessNotFound(err)
	}
	t, err := s.readSitting(ctx, &meeting)
	if err != nil {
		return unlessNotFound(err)
	}
	who, err := s.answering(ctx, t, m, a, mentions)
	if err != nil {
		return err
	}
	given := a.given(t)
	switch {
	case who == nil:
		s.ignoreAnswer(ctx, a, "from somebody else")
	case given.answer == "":
		s.ignoreAnswer(ctx, a, "neither yes nor no")
	case who.candidate:
		err = s.candidateAnswers(ctx, t, given)
	default:
		if given.proposed { // their time is not free: it is as if they had declined
			given.answer = crm.AnswerDeclined
		}
		err = s.answerInvitation(ctx, t, who.interviewer, given)
	}
	if code := crm.CodeOf(err); code == crm.CodeConflict || code == crm.CodeNotFound {
		s.ignoreAnswer(ctx, a, "too late")
		return nil
	}
	return err
}

func (s *server) ignoreAnswer(ctx context.Context, a *calendarAnswer, why string) {
	s.Log.InfoContext(ctx, "answer to an invitation changes nothing", "meeting", a.meeting, "reason", why, "request_id", requestID(ctx))
}

// invitee is one whom a meeting's invitation went to.
type invitee struct {
	candidate   bool
	interviewer string
}

// answering is who answers an invitation; nil when that is nobody of the meeting, or cannot be believed. The answer names its
// sender, and anybody can write one. So it has to come in answer to the mail that we sent to that same person, whose id nobody else
// knows, or else from that person's address.
func (s *server) answering(ctx context.Context, t *sitting, m *mail.Mail, a *calendarAnswer, mentions []string) (*invitee, error) {
	message, err := s.mentioned(ctx, mentions)
	if err != nil {
		return nil, err
	}
	var thread *invitee
	if message != nil && message.MeetingID == t.ID {
		thread = &invitee{candidate: message.Recipient == "", interviewer: message.Recipient}
	}
	sender := t.invitee(m.From)
	named := t.invitee(a.From.Email)
	if a.Proposed != nil && sender != nil { // some programs list everybody who is invited
		named = sender
	}
	switch {
	case named == nil: // they have several addresses
		if thread != nil {
			return thread, nil
		}
		return sender, nil
	case thread != nil && *thread == *named, sender != nil && *sender == *named:
		return named, nil
	}
	return nil, nil //nolint:nilnil // it is not believed
}

// invitee is who has an address; nil for nobody of the meeting.
func (t *sitting) invitee(address string) *invitee {
	address = crm.NormalAddress(crm.Email, address)
	if address == "" {
		return nil
	}
	for i := range t.Panel {
		id := t.Panel[i].InterviewerID
		if address == crm.NormalAddress(crm.Email, t.Panel[i].Email) || address == crm.NormalAddress(crm.Email, t.people[id].Email) {
			return &invitee{interviewer: id}
		}
	}
	if address == crm.NormalAddress(crm.Email, t.candidate.Email) {
		return &invitee{candidate: true}
	}
	return nil
}

// given is what the answer says. Another time that is asked for becomes words for people, in the zone of the workspace.
func (a *calendarAnswer) given(t *sitting) *answerGiven {
	g := &answerGiven{answer: crm.Answered(a.Answer), text: shortened(a.Comment), mailed: &crm.Mailed{Sequence: a.Sequence, At: a.Stamp}}
	if a.Answer == calendar.None {
		g.answer = ""
	}
	if a.Proposed != nil {
		g.proposed = true
		start := a.Proposed.Start.In(t.home())
		g.text = shortened(strings.TrimSpace("Proposes " + start.Format("Mon 2 Jan 2006 15:04") + "–" + a.Proposed.End.In(t.home()).Format("15:04 MST") + ". " + a.Comment))
	}
	return g
}

// home is the zone of the workspace.
func (t *sitting) home() *time.Location { return dsl.ZoneOf(nil, t.ws) }
