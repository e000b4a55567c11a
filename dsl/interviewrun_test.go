package dsl_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

const loopYAML = `
message: pick
channel: email
subject: Pick a time
body: "[Choose]({{ links.schedule }})"
---
message: pick-sms
channel: sms
body: "Choose: {{ links.schedule }}"
---
message: soon
channel: email
subject: Soon
body: "{{ interview.starts_at | date: '%H:%M' }}"
---
message: soon-sms
channel: sms
body: "{{ interview.starts_at | date: '%H:%M' }}"
---
interview: loop
owner: maya@north.example
purpose: transactional
enroll: {on: application.stage_changed}
exit: [{on: application.withdrawn, outcome: withdrawn}]
rounds:
  - id: screen
    duration: 30m
    interviewers: {any: 1, of: recruiters}
    offer: {slots: 3, within: 7bd}
  - id: panel
    if: rounds.screen.scorecards.all(s, s.rating >= 3)
    duration: 1h
    interviewers: {any: 2, of: leads}
    offer: {slots: 3, within: 7bd}
invite: {email: pick}
nudge: [{after: 1d, sms: pick-sms}]
give_up: {after: 7d, task: Call them}
remind: [{before: 24h, email: soon}, {before: 1h, sms: soon-sms}, {before: 1h, to: interviewers, email: soon}]
no_show: {after: 15m, task: They did not come, offer_again: 1}
scorecard: {due: 1bd, nudge: 4h, escalate: 2bd}
survey: {after: 2h, use: evening}
`

// loopWorld plays an interview. Its calendars do what outcomes say, in order; without one they have time.
type loopWorld struct {
	*world

	outcomes []string
	calls    []string // what calendars were asked for
	events   []string // types of what the run told
	seq      int64    // of the last decision that was kept
}

func playLoop(t *testing.T, outcomes ...string) *loopWorld {
	t.Helper()
	set, problems := dsl.Check([]dsl.File{{Path: "w.yaml", Text: []byte(workspaceYAML + "---\n" + loopYAML)}}, nil)
	if set == nil {
		t.Fatal(listing(problems))
	}
	w := &loopWorld{world: play(t, anySequence), outcomes: outcomes}
	w.set, w.program, w.log = set, set.Interviews["loop"].Program, nil
	w.facts.Applications = []crm.Application{{ID: "apl_1", ExternalID: "A-1", CandidateID: "cnd_1", Status: crm.ApplicationOpen}}
	w.facts.Enrollment = crm.Enrollment{
		ID: "enr_1", Definition: "loop", Hash: w.program.Hash, CandidateID: "cnd_1", ApplicationID: "apl_1", N: 1,
		Status: crm.EnrollmentRunning, StartedAt: w.now, Position: w.facts.Position, Listens: w.program.Listens,
	}
	return w.run()
}

const anySequence = "sequence: s\npurpose: news\nenroll: by hand\nsteps: [{wait: 1d}]\n"

// run decides until the run waits, and plays calendars.
func (w *loopWorld) run() *loopWorld {
	w.t.Helper()
	w.decide()
	for w.keep(); w.last.Command == crm.CommandCall; w.keep() {
		w.act(w.last.Call)
		w.decide()
	}
	return w
}

// keep stores the meetings and events of the last decision.
func (w *loopWorld) keep() {
	for _, e := range w.last.Events {
		if w.seq < w.last.Seq {
			w.events = append(w.events, e.Type)
		}
	}
	w.seq = w.last.Seq
	for _, m := range w.last.Meetings {
		i := slices.IndexFunc(w.facts.Meetings, func(o crm.Meeting) bool { return o.ID == m.ID })
		if i < 0 {
			w.facts.Meetings = append(w.facts.Meetings, m)
			continue
		}
		w.facts.Meetings[i] = m
	}
}

func (w *loopWorld) act(call *crm.Call) {
	w.t.Helper()
	outcome := map[crm.MeetingAction]string{
		crm.ActionFind: crm.MeetingFound, crm.ActionBook: crm.MeetingWritten, crm.ActionReplace: crm.MeetingReplaced,
	}[call.Action]
	if len(w.outcomes) > 0 {
		outcome, w.outcomes = w.outcomes[0], w.outcomes[1:]
	}
	w.calls = append(w.calls, string(call.Action)+" "+call.Round+" "+outcome)
	m := w.meeting()
	if m.ID != call.Meeting {
		w.t.Fatalf("asked for %s, the last is %s", call.Meeting, m.ID)
	}
	switch outcome {
	case crm.MeetingFound:
		m.State, m.Offered = crm.MeetingOffered, []crm.Slot{w.slot(3, "int_ada"), w.slot(5, "int_ben")}
	case crm.MeetingWritten:
		m.State, m.BookedAt, m.Was = crm.MeetingBooked, w.now, nil
	case crm.MeetingTaken:
		m.State, m.Reason, m.Slot, m.Panel = crm.MeetingOffered, crm.MeetingTaken, crm.Slot{}, nil
	case "cancelled meanwhile":
		m.State, outcome = crm.MeetingCancelled, crm.MeetingReplaced
	case crm.MeetingReplaced:
		m.Left, m.Panel, m.Sequence = m.Panel, []crm.Panelist{{InterviewerID: "int_eve", Email: "eve@north.example"}}, m.Sequence+1
	}
	w.facts.Call = &crm.CallResult{Seq: w.last.Seq, Outcome: outcome}
}

// slot is ten in the morning in London, some days from the first Friday.
func (w *loopWorld) slot(days int, seats ...string) crm.Slot {
	at := friday().AddDate(0, 0, days)
	return crm.Slot{StartsAt: at, EndsAt: at.Add(time.Hour), Seats: seats}
}

// meeting is the one that was last made.
func (w *loopWorld) meeting() *crm.Meeting { return &w.facts.Meetings[len(w.facts.Meetings)-1] }

// tell changes the meeting from outside, and wakes the run.
func (w *loopWorld) tell(eventType string, change func(m *crm.Meeting)) *loopWorld {
	w.t.Helper()
	change(w.meeting())
	if !slices.Contains(w.facts.Enrollment.Awaits, eventType) {
		w.t.Fatalf("nobody awaits %s, only %v", eventType, w.facts.Enrollment.Awaits)
	}
	w.silent(eventType)
	w.facts.Enrollment.Wake++
	return w.run()
}

// pick is what the candidate's page does.
func (w *loopWorld) pick(slot crm.Slot) *loopWorld {
	w.t.Helper()
	return w.tell("interview.picked", func(m *crm.Meeting) {
		if m.State == crm.MeetingBooked {
			was := m.Slot
			m.Was, m.Moves, m.Left = &was, m.Moves+1, nil
		}
		m.State, m.Slot, m.Sequence = crm.MeetingHeld, slot, m.Sequence+1
		m.Panel = nil
		for _, id := range slot.Seats {
			m.Panel = append(m.Panel, crm.Panelist{InterviewerID: id, Email: id + "@north.example"})
		}
	})
}

// scored hands in the scorecards of all.
func (w *loopWorld) scored(rating int) {
	w.t.Helper()
	w.tell("scorecard.submitted", func(m *crm.Meeting) {
		for i := range m.Panel {
			m.Panel[i].Scorecard = &crm.Scorecard{Interviewer: m.Panel[i].Email, Rating: rating, Recommend: "yes"}
		}
	})
}

// until lets time pass, deciding whenever the run's time comes.
func (w *loopWorld) until(end time.Time) {
	w.t.Helper()
	for i := 0; w.facts.Enrollment.Open() && !w.facts.Enrollment.Due.IsZero() && !w.facts.Enrollment.Due.After(end); i++ {
		if i > 100 {
			w.t.Fatalf("the run does not settle: %v", w.log)
		}
		w.now = w.facts.Enrollment.Due
		w.run()
	}
	w.now = end
}

// said are the messages, events and tasks, in order.
func (w *loopWorld) said() string {
	var all []string
	for _, line := range w.log {
		words := strings.Fields(line)
		if len(words) > 1 && slices.Contains([]string{"planned", "task", "emitted", "skipped", "exit"}, words[1]) || words[0] == "exit" {
			all = append(all, line)
		}
	}
	return strings.Join(all, "\n")
}

func (w *loopWorld) saying(want ...string) {
	w.t.Helper()
	if got := w.said(); got != strings.Join(want, "\n") {
		w.t.Errorf("what happened:\n%s\nwant:\n%s\n\nall:\n%s\ncalls: %v", got, strings.Join(want, "\n"), strings.Join(w.log, "\n"), w.calls)
	}
}

// told are the types of events that the run has told, in order.
func (w *loopWorld) told() string { return strings.Join(w.events, " ") }

func TestLoopToItsEnd(t *testing.T) {
	t.Parallel()
	w := playLoop(t)
	w.due(friday().AddDate(0, 0, 1)) // the nudge
	w.pick(w.slot(3, "int_ada"))
	w.due(friday().AddDate(0, 0, 2)) // 24 hours before
	w.until(friday().AddDate(0, 0, 3).Add(time.Hour))
	w.scored(4)
	w.pick(w.slot(6, "int_ben", "int_eve"))
	w.until(friday().AddDate(0, 0, 7))
	w.scored(5)
	w.saying(
		"screen.find emitted", "screen.invite planned",
		"screen.invitations planned", "screen.invitations planned", "screen.invitations emitted", // the candidate and Ada
		"screen.remind_1 planned", "screen.remind_2 planned", "screen.remind_3 planned",
		"screen.scorecards planned", "screen.done emitted",
		"panel.find emitted", "panel.invite planned",
		"panel.invitations planned", "panel.invitations planned", "panel.invitations planned", "panel.invitations emitted",
		"panel.remind_1 planned", "panel.remind_2 planned", "panel.remind_3 planned", "panel.remind_3 planned",
		"panel.scorecards planned", "panel.scorecards planned", "panel.survey planned", "panel.done emitted",
		"exit completed",
	)
	if got := w.told(); got != "interview.invited interview.booked interview.completed interview.invited interview.booked interview.completed enrollment.ended" {
		t.Errorf("told: %s", got)
	}
	for _, m := range w.facts.Meetings {
		if m.State != crm.MeetingCompleted || m.ClosedAt.IsZero() {
			t.Errorf("%s is %s", m.Round, m.State)
		}
	}
}

func TestLoopGivesUp(t *testing.T) {
	t.Parallel()
	w := playLoop(t)
	w.until(friday().AddDate(0, 0, 8))
	w.saying(
		"screen.find emitted", "screen.invite planned", "screen.nudge_1 planned", "screen.give_up task", "exit gave_up",
	)
	if m := w.meeting(); m.State != crm.MeetingCancelled || m.Reason != crm.RoundGaveUp {
		t.Errorf("the meeting is %s, %s", m.State, m.Reason)
	}
}

// TestLoopConditionOfARound holds that a round is left out when its predecessor's people said no, and waits while they say nothing.
func TestLoopConditionOfARound(t *testing.T) {
	t.Parallel()
	w := playLoop(t).pick(playLoop(t).slot(3, "int_ada"))
	w.until(friday().AddDate(0, 0, 30))
	if at := w.facts.Enrollment.Progress.At; at != "screen.scorecards_owed" {
		t.Fatalf("it is at %s after a month without scorecards", at)
	}
	w.scored(2)
	w.saying(
		"screen.find emitted", "screen.invite planned", "screen.invitations planned", "screen.invitations planned", "screen.invitations emitted",
		"screen.remind_1 planned", "screen.remind_2 planned", "screen.remind_3 planned",
		"screen.scorecards planned", "screen.scorecards_nudge planned", "screen.escalate task", "screen.done emitted",
		"panel skipped condition", "exit completed",
	)
}

func TestLoopTimeIsTaken(t *testing.T) {
	t.Parallel()
	w := playLoop(t, crm.MeetingFound, crm.MeetingTaken)
	w.until(friday().AddDate(0, 0, 2)) // the nudge has gone out
	w.pick(w.slot(5, "int_ada"))
	if got := strings.Join(w.calls, ", "); got != "find screen found, book screen taken, find screen found" {
		t.Errorf("calendars were asked for %s", got)
	}
	w.due(friday().AddDate(0, 0, 7)) // to give up; the nudge does not go out again
	w.pick(w.slot(6, "int_ben"))
	w.saying(
		"screen.find emitted", "screen.invite planned", "screen.nudge_1 planned",
		"screen.invitations planned", "screen.invitations planned", "screen.invitations emitted",
	)
}

func TestLoopHasNoTimes(t *testing.T) {
	t.Parallel()
	w := playLoop(t, crm.MeetingNone, crm.MeetingNone, crm.MeetingFound)
	w.saying("screen.none task")
	w.until(friday().AddDate(0, 0, 1))
	w.saying("screen.none task")
	w.until(friday().AddDate(0, 0, 2))
	w.saying("screen.none task", "screen.retry emitted", "screen.invite planned")
	w.due(friday().AddDate(0, 0, 3))
}

func TestLoopCalendarIsAway(t *testing.T) {
	t.Parallel()
	w := playLoop(t, crm.MeetingFound, crm.CallFailed, crm.MeetingWritten)
	w.pick(w.slot(3, "int_ada"))
	w.due(friday().Add(time.Hour))
	w.until(friday().Add(time.Hour))
	w.saying(
		"screen.find emitted", "screen.invite planned", "screen.unreachable task",
		"screen.invitations planned", "screen.invitations planned", "screen.invitations emitted",
	)
}

// TestLoopMoves holds that a move re-aims what waits: what was already sent for the old time is sent for the new one.
func TestLoopMoves(t *testing.T) {
	t.Parallel()
	w := playLoop(t)
	w.pick(w.slot(3, "int_ada"))
	w.until(friday().AddDate(0, 0, 2).Add(time.Minute)) // the day before: the first reminder is out
	w.pick(w.slot(5, "int_ben"))
	w.due(friday().AddDate(0, 0, 4))
	w.until(friday().AddDate(0, 0, 4).Add(time.Minute))
	w.saying(
		"screen.find emitted", "screen.invite planned", "screen.invitations planned", "screen.invitations planned", "screen.invitations emitted",
		"screen.remind_1 planned",
		"screen.invitations planned", "screen.invitations planned", "screen.invitations emitted",
		"screen.remind_1 planned",
	)
	if got := w.told(); got != "interview.invited interview.booked interview.rescheduled" {
		t.Errorf("told: %s", got)
	}
}

func TestLoopReplacesWhoDeclines(t *testing.T) {
	t.Parallel()
	decline := func(m *crm.Meeting) { m.Panel[0].Answer = crm.AnswerDeclined }
	for name, c := range map[string]struct {
		outcome string
		want    []string
		told    string
	}{
		"by somebody else": {crm.MeetingReplaced, []string{
			"screen.invitations planned", "screen.invitations planned", "screen.invitations planned", // the candidate, Eve, and Ada is let go
		}, "interview.invited interview.booked"},
		"nobody else has time": {crm.MeetingNone, []string{
			"screen.reopen planned", "screen.reopen planned", "screen.find emitted", "screen.invite planned",
		}, "interview.invited interview.booked interview.invited"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := playLoop(t, crm.MeetingFound, crm.MeetingWritten, c.outcome)
			w.pick(w.slot(5, "int_ada"))
			before := len(strings.Split(w.said(), "\n"))
			w.tell("interview.declined", decline)
			if got := strings.Split(w.said(), "\n")[before:]; !slices.Equal(got, c.want) {
				t.Errorf("what followed: %v", got)
			}
			if got := w.told(); got != c.told {
				t.Errorf("told: %s", got)
			}
		})
	}
}

func TestLoopNoShow(t *testing.T) {
	t.Parallel()
	w := playLoop(t)
	missed := func(days int, who string) {
		w.pick(w.slot(days, who))
		w.until(friday().AddDate(0, 0, days).Add(20 * time.Minute))
		w.tell("interview.no_show", func(m *crm.Meeting) { m.Absent = true })
	}
	missed(3, "int_ada")
	if got := []string{string(w.facts.Meetings[0].State), string(w.meeting().State), w.meeting().Round}; !slices.Equal(got, []string{"no_show", "offered", "screen"}) {
		t.Errorf("meetings: %v", got)
	}
	missed(6, "int_ben")
	got := strings.Split(w.said(), "\n")
	if last := got[len(got)-2:]; !slices.Equal(last, []string{"screen.no_show task", "exit gave_up"}) || len(w.facts.Meetings) != 2 {
		t.Errorf("it ends with %v after %d meetings", last, len(w.facts.Meetings))
	}
}

// TestLoopIsCalledOff holds that the end of a run from outside takes back what is in people's calendars.
func TestLoopIsCalledOff(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		booked bool
		want   []string
		told   string
	}{
		"before a time is agreed": {false, []string{"exit withdrawn"}, "interview.invited enrollment.ended"},
		"when it is booked": {true, []string{
			"exit withdrawn", "screen.called_off planned", "screen.called_off planned", "screen.called_off emitted",
		}, "interview.invited interview.booked interview.cancelled enrollment.ended"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := playLoop(t)
			if c.booked {
				w.pick(w.slot(3, "int_ada"))
			}
			before := len(strings.Split(w.said(), "\n"))
			w.event("application.withdrawn", "application", "A-1")
			w.keep()
			if got := strings.Split(w.said(), "\n")[before:]; !slices.Equal(got, c.want) {
				t.Errorf("what followed: %v", got)
			}
			if got := w.told(); got != c.told {
				t.Errorf("told: %s", got)
			}
			if m := w.meeting(); m.State != crm.MeetingCancelled || m.Reason != "withdrawn" {
				t.Errorf("the meeting is %s, %s", m.State, m.Reason)
			}
			for _, m := range w.last.Messages {
				if m.Calendar != crm.CalendarCancel {
					t.Errorf("%s says %q", m.Step, m.Calendar)
				}
			}
		})
	}
}

func TestLoopCancelledByTheCandidate(t *testing.T) {
	t.Parallel()
	w := playLoop(t).pick(playLoop(t).slot(3, "int_ada"))
	w.tell("interview.cancelled", func(m *crm.Meeting) { m.State, m.Reason = crm.MeetingCancelled, "withdrew" })
	got := strings.Split(w.said(), "\n")
	want := []string{"screen.cancelled task", "screen.called_off planned", "screen.called_off planned", "exit cancelled"}
	if last := got[len(got)-4:]; !slices.Equal(last, want) {
		t.Errorf("it ends with %v", last)
	}
}

// TestReminderBeforeQuietHours holds that a text never comes later than it was meant to because of quiet hours, but earlier.
func TestReminderBeforeQuietHours(t *testing.T) {
	t.Parallel()
	w := playLoop(t)
	slot := w.slot(3, "int_ada")
	slot.StartsAt, slot.EndsAt = slot.StartsAt.Add(-90*time.Minute), slot.EndsAt.Add(-90*time.Minute) // 08:30 in London; quiet until 08:00
	w.pick(slot)
	w.until(slot.StartsAt.Add(-24*time.Hour + time.Minute))
	w.due(time.Date(2026, 10, 4, 18, 59, 0, 0, time.UTC)) // the evening before, quiet from 20:00
}

// TestLateReminderIsLeftOut holds that who books within a day gets no reminder for the day before.
func TestLateReminderIsLeftOut(t *testing.T) {
	t.Parallel()
	w := playLoop(t)
	w.until(friday().AddDate(0, 0, 2).Add(12 * time.Hour))
	w.pick(w.slot(3, "int_ada"))
	if got := w.said(); !strings.Contains(got, "screen.before_1 skipped too_late") || strings.Contains(got, "remind_1 planned") {
		t.Errorf("what happened:\n%s", got)
	}
	w.due(friday().AddDate(0, 0, 3).Add(-time.Hour))
}

// TestLoopReads holds the ids that the Temporal UI and the timeline show.
func TestLoopReads(t *testing.T) {
	t.Parallel()
	set, problems := dsl.Check([]dsl.File{{Path: "w.yaml", Text: []byte(workspaceYAML + "---\n" + loopYAML)}}, nil)
	if set == nil {
		t.Fatal(listing(problems))
	}
	got := assembly(set.Interviews["loop"].Program)
	if *update {
		if err := os.WriteFile("testdata/loop.txt", []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(readFile(t, "testdata/loop.txt")), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestLoopIsNotKeptByQuietHours holds that a candidate who picks a time at night is booked at once, though a text waits for the
// morning: and that text is not sent any more.
func TestLoopIsNotKeptByQuietHours(t *testing.T) {
	t.Parallel()
	w := playLoop(t)
	w.now = friday().AddDate(0, 0, 1).Add(11 * time.Hour) // nine in the evening, quiet from eight on
	w.run()
	if d := w.facts.Enrollment.Progress; d.At != "screen.nudge_1" || d.Deferred != dsl.ReasonQuiet {
		t.Fatalf("it is at %s, deferred by %q", d.At, d.Deferred)
	}
	w.pick(w.slot(3, "int_ada"))
	if m := w.meeting(); m.State != crm.MeetingBooked || !strings.Contains(w.said(), "screen.nudge_1 skipped moot") {
		t.Errorf("the meeting is %s:\n%s", m.State, w.said())
	}
}

// TestNobodyIsInvitedToWhatIsOff holds that a candidate who cancels while somebody else is looked for is believed.
func TestNobodyIsInvitedToWhatIsOff(t *testing.T) {
	t.Parallel()
	w := playLoop(t, crm.MeetingFound, crm.MeetingWritten, "cancelled meanwhile")
	w.pick(w.slot(5, "int_ada"))
	before := len(strings.Split(w.said(), "\n"))
	w.tell("interview.declined", func(m *crm.Meeting) { m.Panel[0].Answer = crm.AnswerDeclined })
	want := []string{"screen.cancelled task", "screen.called_off planned", "screen.called_off planned", "exit cancelled"}
	if got := strings.Split(w.said(), "\n")[before:]; !slices.Equal(got, want) {
		t.Errorf("what followed: %v", got)
	}
}
