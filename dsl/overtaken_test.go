package dsl_test

import (
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// What was planned about a meeting is checked against the meeting as it stands, and against what people were told since.
func TestLastCheckOfMeetings(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	at := now.Add(48 * time.Hour)
	agreed := &crm.Appointment{Sequence: 1, StartsAt: at, EndsAt: at.Add(time.Hour)}
	slot := crm.Slot{StartsAt: at, EndsAt: at.Add(time.Hour), Seats: []string{"ada"}}
	mail := func(id string, planned time.Duration, method crm.CalendarMethod, to string, state crm.MessageState) crm.Message {
		return crm.Message{
			ID: id, Channel: crm.Email, Purpose: crm.PurposeTransactional, MeetingID: "m", Calendar: method, Recipient: to, State: state,
			Appointment: agreed, PlannedAt: now.Add(planned), NotAfter: at,
		}
	}
	planned, sent := crm.MessagePlanned, crm.MessageAccepted
	asked := mail("r", 0, crm.CalendarRequest, "ada", sent)
	type facts = *crm.Facts
	for name, c := range map[string]struct {
		message crm.Message
		change  func(facts)
		want    string // a reason; "" is sent
	}{
		"invitation":                   {mail("x", 0, crm.CalendarRequest, "ada", planned), nil, ""},
		"invitation of the candidate":  {mail("x", 0, crm.CalendarRequest, "", planned), nil, ""},
		"cancelled meanwhile":          {mail("x", 0, crm.CalendarRequest, "ada", planned), func(f facts) { f.Meetings[0].State = crm.MeetingCancelled }, dsl.ReasonMoot},
		"moved meanwhile":              {mail("x", 0, crm.CalendarRequest, "", planned), func(f facts) { f.Meetings[0].StartsAt = at.Add(time.Hour) }, dsl.ReasonMoot},
		"another time is being booked": {mail("x", 0, crm.CalendarRequest, "", planned), func(f facts) { f.Meetings[0].State, f.Meetings[0].Was = crm.MeetingHeld, &slot }, ""},
		"somebody else holds it":       {mail("x", 0, crm.CalendarRequest, "bo", planned), nil, dsl.ReasonMoot},
		"invited anew":                 {mail("x", 0, crm.CalendarRequest, "ada", planned), func(f facts) { f.Messages = append(f.Messages, mail("y", 1, crm.CalendarRequest, "ada", planned)) }, dsl.ReasonMoot},
		"another was invited anew":     {mail("x", 0, crm.CalendarRequest, "ada", planned), func(f facts) { f.Messages = append(f.Messages, mail("y", 1, crm.CalendarRequest, "", planned)) }, ""},
		"erased":                       {mail("x", 0, crm.CalendarRequest, "ada", planned), func(f facts) { f.Meetings = nil }, dsl.ReasonMoot},
		"gone":                         {mail("x", 0, crm.CalendarRequest, "ada", planned), func(f facts) { f.Recipient = nil }, dsl.ReasonNoAddress},
		"inactive":                     {mail("x", 0, crm.CalendarRequest, "ada", planned), func(f facts) { f.Recipient.Active = false }, dsl.ReasonInactive},
		"suppressed":                   {mail("x", 0, crm.CalendarRequest, "ada", planned), func(f facts) { f.Recipient.Suppressions = bounced() }, dsl.ReasonSuppressed},
		"the candidate is suppressed":  {mail("x", 0, crm.CalendarRequest, "ada", planned), func(f facts) { f.Suppressions = bounced() }, ""},
		"suppressed candidate":         {mail("x", 0, crm.CalendarRequest, "", planned), func(f facts) { f.Suppressions = bounced() }, dsl.ReasonSuppressed},
		"cancellation":                 {mail("x", 1, crm.CalendarCancel, "ada", planned), func(f facts) { f.Messages = append(f.Messages, asked) }, ""},
		"cancellation of who has left": {mail("x", 1, crm.CalendarCancel, "ada", planned), func(f facts) { f.Messages, f.Recipient.Active = append(f.Messages, asked), false }, ""},
		"cancellation, perhaps invited": {mail("x", 1, crm.CalendarCancel, "ada", planned), func(f facts) {
			f.Messages = append(f.Messages, mail("r", 0, crm.CalendarRequest, "ada", crm.MessageUnknown))
		}, ""},
		"cancellation, never invited": {mail("x", 1, crm.CalendarCancel, "ada", planned), func(f facts) {
			f.Messages = append(f.Messages, mail("r", 0, crm.CalendarRequest, "ada", crm.MessageSkipped))
		}, dsl.ReasonMoot},
		"cancellation, told before":         {mail("x", 2, crm.CalendarCancel, "ada", planned), func(f facts) { f.Messages = append(f.Messages, asked, mail("c", 1, crm.CalendarCancel, "ada", sent)) }, dsl.ReasonMoot},
		"cancellation, invited again since": {mail("x", 1, crm.CalendarCancel, "ada", planned), func(f facts) { f.Messages = append(f.Messages, asked, mail("n", 2, crm.CalendarRequest, "ada", sent)) }, dsl.ReasonMoot},
		"reminder":                          {reminder(mail("x", 0, "", "ada", planned)), nil, ""},
		"reminder of a moved meeting":       {reminder(mail("x", 0, "", "", planned)), func(f facts) { f.Meetings[0].StartsAt = at.Add(time.Hour) }, dsl.ReasonMoot},
		"reminder while another is picked":  {reminder(mail("x", 0, "", "", planned)), func(f facts) { f.Meetings[0].State = crm.MeetingHeld }, dsl.ReasonMoot},
		"reminder, somebody cannot come":    {reminder(mail("x", 0, "", "", planned)), func(f facts) { f.Meetings[0].Panel[0].Answer = crm.AnswerDeclined }, dsl.ReasonMoot},
		"scorecard":                         {scorecard(mail("x", 0, "", "ada", planned)), func(f facts) { f.Meetings[0].State = crm.MeetingCompleted }, ""},
		"scorecard, handed in":              {scorecard(mail("x", 0, "", "ada", planned)), func(f facts) { f.Meetings[0].Panel[0].Scorecard = &crm.Scorecard{Rating: 4} }, dsl.ReasonMoot},
		"text to an interviewer":            {func() crm.Message { m := reminder(mail("x", 0, "", "ada", planned)); m.Channel = crm.SMS; return m }(), nil, dsl.ReasonNoAddress},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &crm.Facts{
				Candidate: crm.Candidate{Email: "ana@example.org"}, Messages: []crm.Message{c.message},
				Meetings: []crm.Meeting{{ID: "m", State: crm.MeetingBooked, Slot: slot, Sequence: 1, Panel: []crm.Panelist{{InterviewerID: "ada"}}}},
			}
			if c.message.Recipient != "" {
				f.Recipient = &crm.Recipient{Interviewer: crm.Interviewer{ID: c.message.Recipient, Email: "ada@north.example", Active: true}}
			}
			if c.change != nil {
				c.change(f)
			}
			got := dsl.LastCheck(&dsl.Workspace{}, f, dsl.Intent{Channel: c.message.Channel, Purpose: c.message.Purpose}, &c.message, now.Add(time.Minute))
			want := crm.MessageClaimed
			if c.want != "" {
				want = crm.MessageSkipped
			}
			if got.State != want || got.Reason != c.want {
				t.Errorf("%s %q, want %s %q", got.State, got.Reason, want, c.want)
			}
		})
	}
}

func bounced() []crm.Suppression {
	return []crm.Suppression{{Channel: crm.Email, Reason: crm.SuppressedBounce}}
}

func reminder(m crm.Message) crm.Message {
	m.Template = "soon"
	return m
}

func scorecard(m crm.Message) crm.Message {
	m.Template = dsl.ScorecardRequest
	return m
}

func TestPlaceOf(t *testing.T) {
	t.Parallel()
	c := &crm.Candidate{Phone: "+447700900123"}
	panel := []crm.Interviewer{{ID: "ada"}, {ID: "bo", MeetingURL: "https://meet.example/bo"}}
	for name, tc := range map[string]struct {
		round dsl.Round
		want  string
	}{
		"as it is written": {dsl.Round{Medium: "video", Place: "Room 1"}, "Room 1"},
		"the first's link": {dsl.Round{Medium: "video"}, "https://meet.example/bo"},
		"the candidate's":  {dsl.Round{Medium: "phone"}, "+447700900123"},
		"nobody knows":     {dsl.Round{Medium: "onsite"}, ""},
		"nor how it is":    {dsl.Round{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tc.round.PlaceOf(c, panel); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}
