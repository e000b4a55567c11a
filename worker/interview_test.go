package worker_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar/connect"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

const talks = `
sequence: applied
purpose: transactional
per: application
enroll: {on: application.submitted}
steps:
  - id: talk
    interview: talks
    then:
      completed:
        - id: next
          email: {subject: "What happens next", body: "We decide by Friday."}
      gave_up:
        - exit: silent
      cancelled:
        - exit: no_talk
---
interview: talks
purpose: transactional
enroll: by hand
exit:
  - {on: application.withdrawn, outcome: closed}
rounds:
  - id: screen
    duration: 30m
    interviewers: {any: 1, of: recruiters}
    offer: {slots: 4, notice: 1d, within: 5d}
    medium: video
invite: {email: pick}
give_up: {after: 4d, task: "Call them"}
---
message: pick
channel: email
subject: "Pick a time"
body: "[Choose]({{ links.schedule }})."
`

// withPeople gives the installation two recruiters without calendars of their own.
func (r *rig) withPeople() {
	r.t.Helper()
	r.opens = connect.New(connect.Config{Private: true}).Open
	for _, name := range []string{"ada", "bo"} {
		i := crm.Interviewer{Email: name + "@north.example", Name: name, Zone: "Europe/London", Active: true, Groups: []string{"recruiters"}}
		if _, err := r.store.UpsertInterviewers(r.t.Context(), []store.InterviewerWrite{{Interviewer: i}}, "ops", r.now(), false); err != nil {
			r.t.Fatal(err)
		}
	}
}

// meeting returns the last meeting of a candidate's interview once it is in a state.
func (r *rig) meeting(candidate, interview string, state crm.MeetingState) crm.Meeting {
	r.t.Helper()
	var m crm.Meeting
	r.until(func() string {
		run := r.runOf(candidate, interview)
		if run.ID == "" {
			return "no run of " + interview
		}
		var err error
		if m, err = r.store.MeetingOf(r.t.Context(), run.ID); crm.CodeOf(err) == crm.CodeNotFound {
			return "no meeting"
		} else if err != nil {
			r.t.Fatal(err)
		}
		return differ("state", m.State, state)
	})
	return m
}

// pick picks the first time that a candidate is offered, as their page does.
func (r *rig) pick(candidate string) {
	r.t.Helper()
	m := r.meeting(candidate, "talks", crm.MeetingOffered)
	_, err := r.store.ChangeMeeting(r.t.Context(), m.ID, func(m *crm.Meeting) (store.MeetingChanged, error) {
		if _, err := m.Pick(m.Offered[0].StartsAt, 0, time.Time{}, r.now()); err != nil {
			return store.MeetingChanged{}, err
		}
		return store.MeetingChanged{Events: []crm.Event{{
			ID: crm.NewID(crm.PrefixEvent, r.now()), Source: crm.SourceRapport, ExternalID: crm.NewID("x", time.Now()), Type: crm.EventPicked,
			Subject: candidate, CandidateID: candidate, Time: r.now(), ReceivedAt: r.now(),
			Data: map[string]any{"interview": "talks", "round": m.Round},
		}}}, nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// TestSequenceHoldsAnInterview holds that a sequence asks for a loop, waits for its end and goes on by how it ended, and that
// the loop is a workflow of its own type and id.
func TestSequenceHoldsAnInterview(t *testing.T) {
	t.Parallel()
	r := newRig(t, 3*time.Second)
	r.withPeople()
	r.apply(talks)
	r.work()
	silent := r.candidate("silent")
	r.event(silent, "application.submitted", "application", "a-2")

	r.holdsTalk()
	r.withdraws()
	r.roleCloses()
	r.until(func() string { return differ("outcome", r.runOf(silent, "applied").Outcome, "silent") })
	r.outOfForce()
}

func (r *rig) holdsTalk() {
	r.t.Helper()
	c := r.candidate("held")
	r.event(c, "application.submitted", "application", "a-1", "role", "Nurse")
	r.pick(c)
	loop := r.runOf(c, "talks")
	if id := loop.WorkflowID(); !strings.HasPrefix(id, "interview/talks/"+loop.ApplicationID+"/") {
		r.t.Errorf("workflow id %s", id)
	}
	found, err := r.temporal.DescribeWorkflowExecution(r.t.Context(), loop.WorkflowID(), "")
	if err != nil || found.GetWorkflowExecutionInfo().GetType().GetName() != "Interview" {
		r.t.Errorf("%v, %v", found.GetWorkflowExecutionInfo().GetType(), err)
	}
	r.meeting(c, "talks", crm.MeetingCompleted)
	r.until(func() string { return differ("outcome", r.runOf(c, "applied").Outcome, crm.OutcomeCompleted) })
	r.until(func() string { return differ("mail", r.mailbox.got("held@zebra.example", "What happens next"), 1) })
}

func (r *rig) withdraws() {
	r.t.Helper()
	c := r.candidate("withdrawn")
	r.event(c, "application.submitted", "application", "a-3")
	r.pick(c)
	r.meeting(c, "talks", crm.MeetingBooked)
	r.event(c, "application.withdrawn", "application", "a-3")
	r.meeting(c, "talks", crm.MeetingCancelled)
	r.until(func() string { return differ("outcome", r.runOf(c, "applied").Outcome, "no_talk") })
}

func (r *rig) roleCloses() {
	r.t.Helper()
	c, other := r.candidate("closed"), r.candidate("other")
	r.event(c, "application.submitted", "application", "a-5", "role", "Ward 7")
	r.event(other, "application.submitted", "application", "a-6", "role", "Ward 8")
	r.meeting(c, "talks", crm.MeetingOffered)
	r.event("", "role.closed", "role", "Ward 7")
	r.until(func() string { return differ("outcome", r.runOf(c, "applied").Outcome, "no_talk") })
	if run := r.runOf(c, "talks"); run.Outcome != "closed" {
		r.t.Errorf("the loop ended as %q", run.Outcome)
	}
	if m := r.meeting(other, "talks", crm.MeetingOffered); !m.Open() {
		r.t.Error("the other role's loop ended too")
	}
}

// outOfForce has a run ask for an interview that was withdrawn in the meantime.
func (r *rig) outOfForce() {
	r.t.Helper()
	gone := &store.Publication{Remove: []crm.Document{{Kind: crm.KindInterview, Name: "talks"}}}
	if _, err := r.store.Publish(r.t.Context(), gone, r.now()); err != nil {
		r.t.Fatal(err)
	}
	c := r.candidate("late")
	r.event(c, "application.submitted", "application", "a-4")
	r.until(func() string { return differ("outcome", r.runOf(c, "applied").Outcome, "no_talk") })
}

// picked is a candidate who has applied and picked a time.
func (r *rig) picked() string {
	r.t.Helper()
	r.withPeople()
	r.apply(talks)
	r.work()
	c := r.candidate("held")
	r.event(c, "application.submitted", "application", "a-1", "role", "Nurse")
	r.pick(c)
	return c
}

// TestInterviewsGoOnUnderAHold holds that a legal hold has everything of an interview kept, and changes nothing else about it: the time stays
// booked, the interview is held, and the candidate is written to.
func TestInterviewsGoOnUnderAHold(t *testing.T) {
	t.Parallel()
	r := newRig(t, 3*time.Second)
	c := r.picked()
	m := r.meeting(c, "talks", crm.MeetingBooked)
	before, err := r.store.MeetingFacts(t.Context(), m.ID)
	if err != nil {
		t.Fatal(err)
	}
	r.holdOn(crm.Hold{Role: "Nurse"})
	after, err := r.store.MeetingFacts(t.Context(), m.ID)
	if err != nil || before.Candidate.LegalHold || !after.Candidate.LegalHold {
		t.Errorf("held %v, then %v, %v", before.Candidate.LegalHold, after.Candidate.LegalHold, err)
	}
	if after.Meeting.State != crm.MeetingBooked || !after.Meeting.StartsAt.Equal(before.Meeting.StartsAt) || len(after.Meeting.Seats) != 1 || after.Application.ID != before.Application.ID {
		t.Errorf("the interview was %+v and is %+v", before.Meeting, after.Meeting)
	}
	var held crm.HeldError
	if _, err := r.store.Erase(t.Context(), crm.Erasure{Candidate: c, Mode: crm.RetentionErase, Rule: "request", Reason: "request", By: "lena", At: r.now()}); !errors.As(err, &held) {
		t.Fatalf("erased under a hold: %v", err)
	}
	if n := r.sql("select count(*) from meeting_seats where meeting_id = $1", m.ID); n != 1 {
		t.Errorf("%d seats are left", n)
	}
	r.meeting(c, "talks", crm.MeetingCompleted)
	r.until(func() string { return differ("outcome", r.runOf(c, "applied").Outcome, crm.OutcomeCompleted) })
	r.until(func() string { return differ("mail", r.mailbox.got("held@zebra.example", "What happens next"), 1) })
}
