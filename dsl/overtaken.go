package dsl

import (
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// unreachable says why an interviewer does not get a message, or "". Consents, caps, windows and suppressions are the candidate's,
// and none of them counts here. Who was invited is told of a cancellation, also when they are not active any more.
func unreachable(to *crm.Recipient, m *crm.Message) string {
	switch {
	case to == nil || m.Channel != crm.Email || to.Email == "": // no other address of theirs is known
		return ReasonNoAddress
	case !to.Active && m.Calendar != crm.CalendarCancel:
		return ReasonInactive
	}
	for _, s := range to.Suppressions {
		if s.Blocks(m.Channel, true) {
			return ReasonSuppressed
		}
	}
	return ""
}

// overtaken tells whether a planned message about a meeting is not true any more, as the meeting stands now.
func overtaken(f *crm.Facts, m *crm.Message, now time.Time) bool {
	if m.MeetingID == "" || m.Appointment == nil {
		return false
	}
	var meeting *crm.Meeting
	for i := range f.Meetings {
		if f.Meetings[i].ID == m.MeetingID {
			meeting = &f.Meetings[i]
		}
	}
	switch {
	case meeting == nil:
		return true
	case m.Calendar == crm.CalendarCancel:
		return !invited(f.Messages, m)
	case m.Calendar == crm.CalendarRequest:
		return !stands(meeting, m) || invitedAnew(f.Messages, m)
	case m.Appointment.StartsAt.IsZero(): // it asks for a time
		return meeting.State != crm.MeetingAsked && meeting.State != crm.MeetingOffered
	case !meeting.StartsAt.Equal(m.Appointment.StartsAt), meeting.State == crm.MeetingNoShow, upset(meeting, now) != "":
		return true
	}
	return m.Recipient != "" && !concerns(meeting, m)
}

// concerns tells whether a message is still for somebody of the panel: a scorecard that was handed in is not asked for.
func concerns(meeting *crm.Meeting, m *crm.Message) bool {
	seat := meeting.Seat(m.Recipient)
	return seat != nil && (m.Template != builtinScorecard || seat.Scorecard == nil)
}

// stands tells whether a meeting takes place as an invitation says. While the candidate has another time in mind, the old one is
// booked until the new one is.
func stands(meeting *crm.Meeting, m *crm.Message) bool {
	if m.Recipient != "" && meeting.Seat(m.Recipient) == nil {
		return false
	}
	switch meeting.State { //nolint:exhaustive // in the others no time is agreed, or it is over
	case crm.MeetingBooked:
		return meeting.StartsAt.Equal(m.Appointment.StartsAt)
	case crm.MeetingHeld:
		return meeting.Was != nil && meeting.Was.StartsAt.Equal(m.Appointment.StartsAt)
	}
	return false
}

// alike tells whether two messages are about the same meeting, by calendar mail, to the same person.
func alike(a, b *crm.Message) bool {
	return a.ID != b.ID && a.Calendar != "" && a.MeetingID == b.MeetingID && a.Recipient == b.Recipient
}

// invitedAnew tells whether a newer invitation than this one is planned, or was sent.
func invitedAnew(messages []crm.Message, m *crm.Message) bool {
	for i := range messages {
		if o := &messages[i]; alike(o, m) && o.PlannedAt.After(m.PlannedAt) && (o.State == crm.MessagePlanned || o.MayHaveArrived()) {
			return true
		}
	}
	return false
}

// invited tells whether the last that somebody may have got about a meeting is an invitation. Who never got one is not told that it
// is cancelled, nor who was told already, or was invited again.
func invited(messages []crm.Message, m *crm.Message) bool {
	for i := range messages {
		if o := &messages[i]; alike(o, m) && o.MayHaveArrived() && o.PlannedAt.After(m.PlannedAt) {
			return false
		}
	}
	return LastInvitation(messages, m) != nil
}

// LastInvitation is the invitation that somebody got last before a message to them, and that was not cancelled since; nil: none.
func LastInvitation(messages []crm.Message, m *crm.Message) (last *crm.Message) {
	for i := range messages {
		if o := &messages[i]; alike(o, m) && o.MayHaveArrived() && !o.PlannedAt.After(m.PlannedAt) && (last == nil || !o.PlannedAt.Before(last.PlannedAt)) {
			last = o
		}
	}
	if last != nil && last.Calendar != crm.CalendarRequest {
		return nil
	}
	return last
}

// FirstInvitation is the first that was planned of the calendar mail to somebody about a meeting, the message itself if there is no
// other.
func FirstInvitation(messages []crm.Message, m *crm.Message) *crm.Message {
	first := m
	for i := range messages {
		if o := &messages[i]; alike(o, m) && o.PlannedAt.Before(first.PlannedAt) {
			first = o
		}
	}
	return first
}
