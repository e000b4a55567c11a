package crm

import (
	"slices"
	"time"
)

// Types of events by which the run of an interview learns that people have changed a meeting. The others of interview.* are
// told by the run itself.
const (
	EventPicked         = "interview.picked"
	EventTimesRequested = "interview.times_requested"
	EventCancelled      = "interview.cancelled"
	EventDeclined       = "interview.declined"
	EventNoShow         = "interview.no_show"
	EventAnswered       = "interview.answered"
	EventScored         = "scorecard.submitted"
)

// The methods below are what people and calendars do to a meeting. Each changes the row, which its caller has under the
// candidate's lock, or returns why it cannot: an Error with CodeConflict, in words for the page that the person looks at.

func conflict(message, next string) error {
	return &Error{Code: CodeConflict, Message: message, Next: next}
}

// Pick agrees a time that was offered. A meeting that is booked keeps its time until the new one is, and may be moved as often
// as limit says, and until by; a zero by is until it begins. Picking the time that it has changes nothing.
func (m *Meeting) Pick(start time.Time, limit int, by, now time.Time) (changed bool, err error) {
	if m.agreed() && m.StartsAt.Equal(start) {
		return false, nil
	}
	i := slices.IndexFunc(m.Offered, func(s Slot) bool { return s.StartsAt.Equal(start) })
	switch {
	case !m.Open() || m.State == MeetingCancelled:
		return false, conflict("This interview is over, or was cancelled.", "Please answer the invitation if you would like another.")
	case i < 0 || !start.After(now):
		return false, conflict("That time is not free any more.", "Please pick one of the others.")
	case m.State == MeetingHeld:
		return false, conflict("Your time is just being booked.", "Please wait a moment, then look again.")
	}
	if m.State == MeetingBooked {
		if err := m.Movable(limit, by, now); err != nil {
			return false, err
		}
		was := m.Slot
		m.Was, m.Moves = &was, m.Moves+1
	}
	m.State, m.Slot, m.Reason, m.Sequence = MeetingHeld, m.Offered[i], "", m.Sequence+1
	m.Answer, m.AnsweredAt = "", time.Time{}
	m.seat(m.Slot)
	return true, nil
}

// agreed tells whether the meeting has a time.
func (m *Meeting) agreed() bool {
	return m.Open() && (m.State == MeetingHeld || m.State == MeetingBooked)
}

// Movable says why the candidate cannot change the time of a booked meeting, nil if they can.
func (m *Meeting) Movable(limit int, by, now time.Time) error {
	const call = "Please write to us, or call: we will find a way."
	switch {
	case by.IsZero() && !now.Before(m.StartsAt), !by.IsZero() && !now.Before(by):
		return conflict("It is too late to change the time.", call)
	case m.Moves >= limit && limit > 0:
		return conflict("The time was changed as often as it can be.", call)
	case limit == 0:
		return conflict("The time can only be changed by us.", call)
	}
	return nil
}

// seat makes the people of a slot the panel. Those who were invited and are not among them are to be told.
func (m *Meeting) seat(s Slot) {
	before := m.Panel
	m.Panel = nil
	add := func(id string, shadow bool) {
		p := Panelist{InterviewerID: id, Shadow: shadow}
		if i := slices.IndexFunc(before, func(b Panelist) bool { return b.InterviewerID == id }); i >= 0 {
			p.Email, p.Name = before[i].Email, before[i].Name // a new time is a new question: the answer does not stay
		}
		m.Panel = append(m.Panel, p)
		m.Left = slices.DeleteFunc(m.Left, func(l Panelist) bool { return l.InterviewerID == id })
	}
	for _, id := range s.Seats {
		add(id, false)
	}
	for _, id := range s.Shadows {
		add(id, true)
	}
	if !m.Invited() {
		return
	}
	for _, p := range before {
		if m.Seat(p.InterviewerID) == nil {
			m.Left = append(m.Left, p)
		}
	}
}

// Seat returns somebody of the panel, nil when they are not of it.
func (m *Meeting) Seat(interviewerID string) *Panelist {
	for i := range m.Panel {
		if m.Panel[i].InterviewerID == interviewerID {
			return &m.Panel[i]
		}
	}
	return nil
}

// Offer keeps the times that were found. None leaves the meeting without; why is a code, or "".
func (m *Meeting) Offer(slots []Slot, why string) {
	m.Offered, m.Reason = slots, why
	if m.State == MeetingAsked && len(slots) > 0 {
		m.State = MeetingOffered
	}
	if m.State == MeetingOffered && len(slots) == 0 {
		m.State = MeetingAsked
	}
}

// Book says that the held time is in every calendar.
func (m *Meeting) Book(now time.Time) {
	if m.State == MeetingHeld {
		m.State, m.BookedAt, m.Was = MeetingBooked, now, nil
	}
}

// Taken says that the held time is not free after all: what was booked before stays, else other times are offered.
func (m *Meeting) Taken() {
	if m.State != MeetingHeld {
		return
	}
	m.Reason, m.Sequence = MeetingTaken, m.Sequence+1
	m.Offered = slices.DeleteFunc(m.Offered, func(s Slot) bool { return s.StartsAt.Equal(m.StartsAt) })
	if m.Was != nil {
		m.State, m.Slot, m.Was, m.Moves = MeetingBooked, *m.Was, nil, m.Moves-1
		m.seat(m.Slot)
		return
	}
	m.State, m.Slot, m.Panel = MeetingOffered, Slot{}, nil
}

// Substitute puts somebody into the place of one who cannot come.
func (m *Meeting) Substitute(s Slot) {
	answers := map[string]Panelist{}
	for _, p := range m.Panel {
		answers[p.InterviewerID] = p
	}
	m.Slot, m.Sequence = s, m.Sequence+1
	m.seat(s)
	for i := range m.Panel { // the time is the same: whoever stays has answered
		if p, ok := answers[m.Panel[i].InterviewerID]; ok {
			m.Panel[i] = p
		}
	}
}

// AskMore says that the candidate would like other times.
func (m *Meeting) AskMore() error {
	if !m.Open() || m.State != MeetingOffered && m.State != MeetingAsked {
		return conflict("There is nothing to pick from at the moment.", "Please answer the invitation.")
	}
	m.Asked++
	return nil
}

// Cancel says that the candidate does not want the interview. Their run then tells everybody. Again changes nothing.
func (m *Meeting) Cancel(now time.Time) (changed bool, err error) {
	switch {
	case m.State == MeetingCancelled:
		return false, nil
	case !m.Open(), !m.StartsAt.IsZero() && !now.Before(m.StartsAt):
		return false, conflict("It is too late to cancel.", "Please write to us, or call.")
	}
	m.State, m.Reason = MeetingCancelled, "candidate"
	return true, nil
}

// Reply keeps what somebody of the panel says to the invitation. It tells whether that changes anything; to whoever is not, or no longer, of the
// panel it is a conflict.
func (m *Meeting) Reply(interviewerID string, answer Answered, now time.Time) (changed bool, err error) {
	p := m.Seat(interviewerID)
	switch {
	case p == nil || !m.agreed():
		return false, conflict("You are not, or no longer, asked to hold this interview.", "There is nothing for you to do.")
	case !now.Before(m.StartsAt):
		return false, conflict("The interview has begun.", "Please write to the recruiter.")
	case p.Answer == answer:
		return false, nil
	}
	p.Answer, p.AnsweredAt = answer, now
	return true, nil
}

// Mailed says which invitation a mail program answers, and when its owner said so.
type Mailed struct {
	Sequence int
	At       time.Time // zero: it does not say
}

// ReplyByMail keeps what the mail program of somebody on the panel says to the invitation. It tells whether that is news: an answer to
// an earlier invitation, or one from before what they said last, changes nothing (RFC 5546, 2.1.5).
func (m *Meeting) ReplyByMail(interviewerID string, answer Answered, mailed Mailed, now time.Time) (news bool, err error) {
	p := m.Seat(interviewerID)
	if p != nil && m.overtaken(mailed, p.AnsweredAt) {
		return false, nil
	}
	if _, err := m.Reply(interviewerID, answer, now); err != nil {
		return false, err
	}
	p.AnsweredAt = mailed.at(now)
	return true, nil
}

// Respond keeps what the mail program of the candidate says to the invitation. It tells whether that is news. Whoever declines wants
// Cancel as well.
func (m *Meeting) Respond(answer Answered, mailed Mailed, now time.Time) (news bool, err error) {
	switch {
	case !m.agreed() || !now.Before(m.StartsAt):
		return false, conflict("This interview is over, or was cancelled.", "There is nothing for you to do.")
	case m.overtaken(mailed, m.AnsweredAt):
		return false, nil
	}
	m.Answer, m.AnsweredAt = answer, mailed.at(now)
	return true, nil
}

// overtaken tells whether an answer is to an earlier invitation than the one that stands, or from before the last one.
func (m *Meeting) overtaken(mailed Mailed, last time.Time) bool {
	return mailed.Sequence < m.Sequence || !mailed.At.IsZero() && mailed.At.Before(last)
}

// at is when it was said: by now, whatever the clock there says.
func (m Mailed) at(now time.Time) time.Time {
	if m.At.IsZero() || m.At.After(now) {
		return now
	}
	return m.At
}

// Report says that the candidate is not there. Nobody is missed before the interview began.
func (m *Meeting) Report(from, now time.Time) (changed bool, err error) {
	switch {
	case m.Absent:
		return false, nil
	case !m.Open() || m.State != MeetingBooked:
		return false, conflict("This interview is over, or was cancelled.", "There is nothing for you to do.")
	case now.Before(from):
		return false, conflict("The candidate may still come.", "Please wait a little longer.")
	}
	m.Absent = true
	return true, nil
}

// Score keeps a scorecard, or changes it while the round is open. One that is late is still taken.
func (m *Meeting) Score(interviewerID string, s Scorecard, now time.Time) error {
	p := m.Seat(interviewerID)
	switch {
	case p == nil || p.Shadow:
		return conflict("You are not, or no longer, asked to hold this interview.", "There is nothing for you to do.")
	case m.StartsAt.IsZero() || now.Before(m.StartsAt):
		return conflict("The interview has not begun.", "Please come back to this page after it.")
	case m.State == MeetingCancelled || m.State == MeetingNoShow:
		return conflict("This interview did not take place.", "There is nothing for you to do.")
	case !m.Open() && p.Scorecard != nil:
		return conflict("The round is closed.", "Your scorecard stays as it is.")
	case s.Rating < 1 || s.Rating > 5:
		return &Error{Code: CodeInvalid, Message: "The rating is a number from 1 to 5.", Next: "Please choose one."}
	}
	s.Interviewer = p.Email
	p.Scorecard = &s
	return nil
}

// Occupies are the times at which somebody can hold no other meeting because of this one.
func (m *Meeting) Occupies(interviewerID string) []Span {
	var spans []Span
	if p := m.Seat(interviewerID); p != nil && !p.Shadow && (m.agreed() || m.State == MeetingCompleted) {
		spans = append(spans, Span{m.StartsAt, m.EndsAt})
	}
	if m.Was != nil && slices.Contains(m.Was.Seats, interviewerID) {
		spans = append(spans, Span{m.Was.StartsAt, m.Was.EndsAt})
	}
	return MergeSpans(spans)
}

// Concerned are the ids of all who hold the meeting, come along, or held it before.
func (m *Meeting) Concerned() []string {
	var ids []string
	for _, list := range [][]Panelist{m.Panel, m.Left} {
		for _, p := range list {
			ids = append(ids, p.InterviewerID)
		}
	}
	if m.Was != nil {
		ids = append(append(ids, m.Was.Seats...), m.Was.Shadows...)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
