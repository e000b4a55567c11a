package dsl

import (
	"slices"
	"strconv"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// meet runs an instruction about the meeting of a round. What calendars and people did is on the meeting's row; events only
// wake the run.
func (r *run) meet(in *Instr) (next int, done bool) {
	switch in.Meet.Do {
	case MeetBegin:
		return r.beginMeeting(in), true
	case MeetFind:
		return r.find(in)
	case MeetAnswer:
		return r.awaitAnswer(in)
	case MeetPause:
		return r.pause(in)
	case MeetBook:
		return r.book(in)
	case MeetInvite:
		return r.inviteAll(in), true
	case MeetUntil:
		return r.untilMeeting(in)
	case MeetReplace:
		return r.replace(in)
	case MeetReopen:
		return r.reopen(in), true
	case MeetAgain:
		return r.again(in), true
	case MeetScores:
		return r.awaitScores(in)
	case MeetClose:
		return r.closeMeeting(in), true
	}
	return in.Next, true
}

// roundOf is the round that an instruction is about.
func (r *run) roundOf(in *Instr) *Round { return &r.p.Loop.Rounds[in.Meet.Round] }

// meetingOf is the last meeting of the round that an instruction is about.
func (r *run) meetingOf(in *Instr) *crm.Meeting {
	m := lastMeeting(r.f.Meetings, r.roundOf(in).ID)
	if m == nil { // rows are only made by MeetBegin, which every round starts with
		return &crm.Meeting{Round: r.roundOf(in).ID}
	}
	return m
}

func lastMeeting(meetings []crm.Meeting, round string) *crm.Meeting {
	for i := len(meetings) - 1; i >= 0; i-- {
		if meetings[i].Round == round {
			return &meetings[i]
		}
	}
	return nil
}

// changed adds a meeting that this decision has made or changed to what it commits.
func (r *run) changed(m *crm.Meeting) {
	same := func(o crm.Meeting) bool { return o.ID == m.ID }
	if i := slices.IndexFunc(r.d.Meetings, same); i >= 0 {
		r.d.Meetings[i] = *m
	} else {
		r.d.Meetings = append(r.d.Meetings, *m)
	}
	r.env.Rounds = r.rounds()
}

// rounds are what conditions know of the rounds that have begun.
func (r *run) rounds() map[string]*crm.Round {
	if r.p.Loop == nil {
		return nil
	}
	known := map[string]*crm.Round{}
	for i := range r.p.Loop.Rounds {
		id := r.p.Loop.Rounds[i].ID
		state, begun := r.at.Steps[id]
		if !begun {
			continue
		}
		round := &crm.Round{Outcome: state.Outcome}
		if m := lastMeeting(r.f.Meetings, id); m != nil {
			round.StartsAt, round.Missing = m.StartsAt, len(m.Owing())
			for _, p := range m.Panel {
				if p.Scorecard != nil {
					round.Scorecards = append(round.Scorecards, *p.Scorecard)
				}
			}
		}
		known[id] = round
	}
	return known
}

func (r *run) beginMeeting(in *Instr) int {
	round, e := r.roundOf(in), &r.f.Enrollment
	n := 1
	for i := range r.f.Meetings {
		if r.f.Meetings[i].Round == round.ID {
			n++
		}
	}
	m := crm.Meeting{
		ID: crm.DeriveID(crm.PrefixMeeting, r.now, e.ID, round.ID, strconv.Itoa(n)), EnrollmentID: e.ID, CandidateID: e.CandidateID,
		ApplicationID: e.ApplicationID, Definition: r.p.Name, Round: round.ID, N: n, State: crm.MeetingAsked, Medium: round.Medium, CreatedAt: r.now,
	}
	r.f.Meetings = append(r.f.Meetings, m)
	next := r.record(in, "", crm.StepState{})
	r.changed(&m)
	return next
}

// act asks calendars for something, and tells what came of it.
func (r *run) act(in *Instr, action crm.MeetingAction, what string) (outcome string, done bool) {
	if answer := r.answer(); answer != nil {
		r.note(crm.Note{
			Kind: crm.NoteMeeting, Step: in.ID, Outcome: answer.Outcome, Reason: answer.Reason, Text: r.came(in, r.meetingOf(in), answer.Outcome),
		})
		return answer.Outcome, true
	}
	r.request(in, &crm.Call{Action: action, Meeting: r.meetingOf(in).ID, Round: r.roundOf(in).ID}, what)
	return "", false
}

// find looks for times. The nudges count from when the first were offered.
func (r *run) find(in *Instr) (int, bool) {
	outcome, done := r.act(in, crm.ActionFind, "looking for times")
	if !done {
		return 0, false
	}
	m := r.meetingOf(in)
	m.AskedSeen = m.Asked
	if outcome == crm.MeetingFound && m.OfferedAt.IsZero() {
		m.OfferedAt = r.now
		r.tellOf(in, m, "interview.invited", "")
	}
	r.changed(m)
	return r.record(in, outcome, crm.StepState{}), true
}

// tellOf tells that something happened to a meeting.
func (r *run) tellOf(in *Instr, m *crm.Meeting, event, reason string) {
	data := map[string]any{"interview": r.p.Name, "round": m.Round}
	if r.env.Application != nil {
		data["application"] = r.env.Application.ExternalID
	}
	if !m.StartsAt.IsZero() {
		data["starts_at"] = m.StartsAt.UTC().Format(time.RFC3339)
	}
	if reason != "" {
		data["reason"] = reason
	}
	r.tell(in, crm.Event{Source: crm.SourceRapport, Type: event, Data: data})
	r.note(crm.Note{Kind: crm.NoteEmitted, Step: in.ID, EventType: event})
}

// branchOff goes on at an outcome of an instruction, which the timeline tells.
func (r *run) branchOff(in *Instr, outcome string) (int, bool) {
	r.note(crm.Note{Kind: crm.NoteBranch, Step: in.ID, Outcome: outcome, Text: r.turned(in, r.meetingOf(in), outcome)})
	return r.record(in, outcome, crm.StepState{}), true
}

// awaitMeeting waits for what people do about a meeting, until a time if there is one.
func (r *run) awaitMeeting(in *Instr, due time.Time, what string) (int, bool) {
	r.d.Awaits = append(r.d.Awaits, meetingEvents()...)
	return r.sleepAt(in, due, what)
}

// awaitAnswer waits for the candidate to pick a time. A nudge that went out for these times is not sent again when others take
// their place.
func (r *run) awaitAnswer(in *Instr) (int, bool) {
	m := r.meetingOf(in)
	switch {
	case m.State == crm.MeetingHeld:
		return r.branchOff(in, meetPicked)
	case m.State == crm.MeetingCancelled:
		return r.branchOff(in, meetCancelled)
	case m.State == crm.MeetingAsked:
		return r.branchOff(in, meetStale)
	case m.Asked > m.AskedSeen:
		return r.branchOff(in, meetMore)
	}
	var due time.Time
	if !in.Meet.After.IsZero() {
		due = in.Meet.After.Add(m.OfferedAt, r.loc, r.calendar())
		if follows := &r.p.Code[in.Next]; r.at.Steps[follows.ID].At.After(m.OfferedAt) {
			return r.record(in, meetPast, crm.StepState{}), true
		}
		if !due.After(r.now) {
			r.clock = due
			return r.branchOff(in, OutcomeTimeout)
		}
	}
	return r.awaitMeeting(in, due, "the candidate's choice of "+counted(len(m.Offered), "time"))
}

// pause lets time pass before something is tried again.
func (r *run) pause(in *Instr) (int, bool) {
	if r.meetingOf(in).State == crm.MeetingCancelled {
		return r.branchOff(in, meetCancelled)
	}
	due := in.Meet.After.Add(r.at.Reached, r.loc, r.calendar())
	if !due.After(r.now) {
		r.clock = due
		return r.branchOff(in, OutcomeTimeout)
	}
	return r.awaitMeeting(in, due, "another try")
}

// book writes what was picked to the calendars.
func (r *run) book(in *Instr) (int, bool) {
	if m := r.meetingOf(in); r.answer() == nil {
		switch m.State { //nolint:exhaustive // in the others there is nothing to write
		case crm.MeetingCancelled:
			return r.branchOff(in, meetCancelled)
		case crm.MeetingBooked:
			return r.record(in, crm.MeetingWritten, crm.StepState{}), true
		}
	}
	outcome, done := r.act(in, crm.ActionBook, "writing it to the calendars")
	if !done {
		return 0, false
	}
	return r.record(in, outcome, crm.StepState{}), true
}

// inviteAll plans the invitations, or what tells of a change, and tells those who left.
func (r *run) inviteAll(in *Instr) int {
	m := r.meetingOf(in)
	if m.State != crm.MeetingBooked { // the candidate was faster: what they did is looked at next
		return in.Next
	}
	r.invite(in, m, crm.CalendarRequest, "", m.Panel)
	if len(m.Left) > 0 {
		r.mailPanel(in, m, crm.CalendarCancel, m.Left)
		m.Left = nil
	}
	switch {
	case m.ToldAt.IsZero():
		r.tellOf(in, m, "interview.booked", "")
	case !m.ToldAt.Equal(m.StartsAt):
		r.tellOf(in, m, "interview.rescheduled", "")
	}
	m.ToldAt = m.StartsAt
	r.changed(m)
	return in.Next
}

// invite plans calendar mail to the candidate and to people of the panel.
func (r *run) invite(in *Instr, m *crm.Meeting, method crm.CalendarMethod, reason string, panel []crm.Panelist) {
	if skip := Permit(r.ws, &r.f, Intent{Channel: crm.Email, Purpose: r.p.Purpose}, r.now).Skip; skip != "" {
		r.note(crm.Note{Kind: crm.NoteSkipped, Step: in.ID, Reason: skip})
	} else {
		r.planMail(in, m, crm.Message{Calendar: method, Reason: reason})
	}
	r.mailPanel(in, m, method, panel)
}

func (r *run) mailPanel(in *Instr, m *crm.Meeting, method crm.CalendarMethod, panel []crm.Panelist) {
	for _, p := range panel {
		r.planMail(in, m, crm.Message{Calendar: method, Recipient: p.InterviewerID})
	}
}

// sendPanel plans a message to the people who hold a meeting.
func (r *run) sendPanel(in *Instr) (int, bool) {
	m := r.current()
	if m == nil {
		return in.Next, true
	}
	panel := m.Panel
	if in.Send.To == toOwing {
		panel = m.Owing()
	}
	for _, p := range panel {
		r.planMail(in, m, crm.Message{Template: in.Send.Use[0], Recipient: p.InterviewerID, Channel: in.Send.Channel})
	}
	return in.Next, true
}

// current is the meeting that was last made.
func (r *run) current() *crm.Meeting {
	if len(r.f.Meetings) == 0 {
		return nil
	}
	return &r.f.Meetings[len(r.f.Meetings)-1]
}

// planMail hands the sender a message that no rule of sending to candidates is about, or none any more. The timeline names who of
// the panel gets it.
func (r *run) planMail(in *Instr, about *crm.Meeting, m crm.Message) {
	e := &r.f.Enrollment
	m.MeetingID, m.Appointment = about.ID, appointment(about)
	state := r.at.Steps[in.ID]
	state.Occurrence++
	m.ID = crm.DeriveID(crm.PrefixMessage, r.now, e.ID, in.ID, strconv.Itoa(state.Occurrence))
	m.CandidateID, m.EnrollmentID, m.Definition, m.Hash = e.CandidateID, e.ID, r.p.Name, r.p.Hash
	m.Step, m.Occurrence, m.Purpose, m.Priority = in.ID, state.Occurrence, r.p.Purpose, r.p.priority()
	if m.Channel == "" {
		m.Channel = crm.Email
	}
	m.State, m.PlannedAt, m.NotBefore, m.NotAfter = crm.MessagePlanned, r.now, r.now, r.latest(&Instr{Send: &Send{}})
	r.d.Messages = append(r.d.Messages, m)
	r.f.Messages = append(r.f.Messages, m)
	state.At, state.Position, state.MessageID = r.now, r.f.Position, m.ID
	r.at.Steps[in.ID] = state
	text := m.Template
	if m.Calendar != "" {
		text = "calendar " + string(m.Calendar)
	}
	r.note(crm.Note{Kind: crm.NotePlanned, Step: in.ID, MessageID: m.ID, Text: text, Outcome: about.NameOf(m.Recipient)})
}

// appointment is what a message tells of a meeting.
func appointment(m *crm.Meeting) *crm.Appointment {
	return &crm.Appointment{Sequence: m.Sequence, StartsAt: m.StartsAt, EndsAt: m.EndsAt}
}

// untilMeeting waits for a moment before the meeting begins, or after it has ended. A reminder whose moment had passed when the
// time was agreed is left out.
func (r *run) untilMeeting(in *Instr) (int, bool) {
	m := r.meetingOf(in)
	if outcome := upset(m, r.now); outcome != "" {
		return r.branchOff(in, outcome)
	}
	due := in.Meet.After.Add(m.EndsAt, r.loc, r.calendar())
	if remind := in.Meet.Before; remind != nil {
		due = r.reminder(remind, m.StartsAt)
		if due.Before(m.BookedAt) || !m.StartsAt.After(r.now) {
			r.note(crm.Note{Kind: crm.NoteSkipped, Step: in.ID, Reason: ReasonTooLate, Until: due})
			return r.record(in, meetPast, crm.StepState{}), true
		}
	}
	if !due.After(r.now) {
		r.clock = due
		return r.branchOff(in, OutcomeTimeout)
	}
	return r.awaitMeeting(in, due, "the interview of "+clockText(m.StartsAt))
}

// moot tells whether something has come between a meeting and a message about it that had to wait.
func (r *run) moot() bool {
	m := r.current()
	return m != nil && m.Open() && upset(m, r.now) != ""
}

// upset says what has come between a meeting and its taking place as agreed; "" for nothing.
func upset(m *crm.Meeting, now time.Time) string {
	switch {
	case m.State == crm.MeetingHeld:
		return meetPicked
	case m.State == crm.MeetingCancelled:
		return meetCancelled
	case m.Absent:
		return meetNoShow
	case m.Unable() != "" && m.StartsAt.After(now):
		return meetUnable
	}
	return ""
}

// reminder is when a reminder goes out. One to the candidate that would fall into quiet hours goes at the last minute before
// them.
func (r *run) reminder(remind *Reminder, starts time.Time) time.Time {
	due := remind.Before.Sub(starts, r.loc, r.calendar())
	if remind.ToInterviewers {
		return due
	}
	for _, ch := range remind.channels() {
		p := pacer{ws: r.ws, f: &r.f, in: Intent{Channel: ch, Purpose: r.p.Purpose}, loc: r.loc, transactional: r.p.Transactional()}
		quiet := p.quietHours(due)
		for range minutesPerDay {
			if !quiet.contain(due) {
				break
			}
			due = due.Add(-time.Minute)
		}
	}
	return due
}

// channels are those by which the messages go out.
func (n Notes) channels() (list []crm.Channel) {
	if n.Email != "" {
		list = append(list, crm.Email)
	}
	if n.SMS != "" {
		list = append(list, crm.SMS)
	}
	return list
}

// replace looks for somebody else for the same time.
func (r *run) replace(in *Instr) (int, bool) {
	m := r.meetingOf(in)
	if r.answer() == nil && m.Unable() == "" { // they can come after all
		return r.record(in, crm.MeetingReplaced, crm.StepState{}), true
	}
	outcome, done := r.act(in, crm.ActionReplace, "looking for somebody else")
	if !done {
		return 0, false
	}
	return r.record(in, outcome, crm.StepState{}), true
}

// reopen gives the agreed time up, and tells everybody.
func (r *run) reopen(in *Instr) int {
	m := r.meetingOf(in)
	m.Sequence++
	r.invite(in, m, crm.CalendarCancel, meetUnable, append(slices.Clone(m.Panel), m.Left...))
	m.State, m.Reason = crm.MeetingAsked, meetUnable
	m.Slot, m.Was, m.Panel, m.Left, m.Offered = crm.Slot{}, nil, nil, nil, nil
	m.OfferedAt, m.BookedAt, m.ToldAt = time.Time{}, time.Time{}, time.Time{}
	r.changed(m)
	return in.Next
}

// again tells whether times are offered once more to somebody who did not come.
func (r *run) again(in *Instr) int {
	missed, round := 0, r.roundOf(in).ID
	for i := range r.f.Meetings {
		if m := &r.f.Meetings[i]; m.Round == round && m.State == crm.MeetingNoShow {
			missed++
		}
	}
	if rule := r.p.Loop.NoShow; rule != nil && missed <= rule.OfferAgain {
		return r.record(in, meetMore, crm.StepState{})
	}
	return r.record(in, crm.MeetingNone, crm.StepState{})
}

// awaitScores waits for scorecards.
func (r *run) awaitScores(in *Instr) (int, bool) {
	m := r.meetingOf(in)
	switch {
	case m.Absent:
		return r.branchOff(in, meetNoShow)
	case len(m.Owing()) == 0:
		return r.branchOff(in, meetIn)
	}
	var due time.Time
	if !in.Meet.After.IsZero() {
		due = in.Meet.Plus.Add(in.Meet.After.Add(m.EndsAt, r.loc, r.calendar()), r.loc, r.calendar())
		if !due.After(r.now) {
			r.clock = maxTime(r.clock, due)
			return r.branchOff(in, OutcomeTimeout)
		}
	}
	return r.awaitMeeting(in, due, counted(len(m.Owing()), "scorecard"))
}

// closeMeeting ends a round.
func (r *run) closeMeeting(in *Instr) int {
	m, id := r.meetingOf(in), r.roundOf(in).ID
	m.ClosedAt = r.now
	switch in.Meet.Close {
	case crm.RoundCompleted:
		m.State = crm.MeetingCompleted
		r.tellOf(in, m, "interview.completed", "")
	case crm.RoundNoShow:
		m.State = crm.MeetingNoShow
	default:
		m.State = crm.MeetingCancelled
		if m.Reason == "" {
			m.Reason = in.Meet.Close
		}
	}
	if m.State == crm.MeetingCancelled && m.Invited() {
		m.Sequence++
		r.invite(in, m, crm.CalendarCancel, "", m.Panel)
	}
	state := r.at.Steps[id]
	state.Outcome, state.At = in.Meet.Close, r.now
	r.at.Steps[id] = state
	r.note(crm.Note{Kind: crm.NoteMeeting, Step: id, Outcome: in.Meet.Close, Text: closedWords(in.Meet.Close)})
	r.changed(m)
	return in.Next
}

// callOff cancels the meetings that are still to come when the run ends.
func (r *run) callOff(outcome string) {
	for i := range r.f.Meetings {
		m := &r.f.Meetings[i]
		if !m.Open() || m.State == crm.MeetingCompleted {
			continue
		}
		in := &Instr{ID: m.Round + ".called_off"}
		m.ClosedAt, m.Reason, m.State = r.now, outcome, crm.MeetingCancelled
		if m.Invited() && m.EndsAt.After(r.now) {
			m.Sequence++
			r.invite(in, m, crm.CalendarCancel, "", append(slices.Clone(m.Panel), m.Left...))
			r.tellOf(in, m, "interview.cancelled", outcome)
		}
		r.changed(m)
	}
}

// over tells those who wait for the interview that it is over.
func (r *run) over(outcome string) {
	data := map[string]any{"definition": r.p.Name, "outcome": outcome}
	if r.env.Application != nil {
		data["application"] = r.env.Application.ExternalID
	}
	r.tell(&Instr{ID: EndID}, crm.Event{Source: crm.SourceControl, Type: crm.ControlEnded, Data: data})
}
