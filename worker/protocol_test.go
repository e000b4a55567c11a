package worker_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
	"github.com/rapport-crm/rapport/workflows"
)

// Each test of this file holds one rule of "The protocol" (docs/architecture.md): it fails when the rule is broken.

const waitForClick = `
sequence: s
purpose: news
enroll: {on: application.rejected}
exit:
  - {on: message.replied, outcome: replied}
  - {when: 'candidate.status == "hired"', outcome: hired}
steps:
  - id: hello
    email: {subject: "Hello", body: "Hello."}
  - id: heard
    wait_for:
      clicked: {on: message.clicked, step: hello}
      timeout: 20d
    then:
      clicked:
        - exit: clicked
`

// click receives a click on the run's message.
func (r *rig) click(candidate string) {
	r.t.Helper()
	r.event(candidate, "message.clicked", "message", r.run(candidate).Progress.Steps["hello"].MessageID)
}

// Rule 1. A wake-up carries no facts, only a number: outdated ones cost nothing, and one that was lost is sent again.
func TestWakeUpsCarryNoFacts(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.apply(waitForClick)
	stop := r.work()
	c := r.candidate("wake")
	r.event(c, "application.rejected")
	run := r.waiting(c)
	settled := r.settledHistory(run)
	for range 5 { // outdated, repeated
		if err := r.temporal.SignalWorkflow(t.Context(), run.WorkflowID(), "", workflows.SignalWake, workflows.Wake{N: run.WakeSeen}); err != nil {
			t.Fatal(err)
		}
	}
	r.until(func() string {
		return differ("signals", r.count(run, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED), settled.signals+5)
	})
	time.Sleep(300 * time.Millisecond) // a decision would be made by now
	if got := r.run(c); got.Seq != run.Seq {
		t.Errorf("outdated wake-ups made decisions: %d, were %d", got.Seq, run.Seq)
	}
	if n := r.count(run, enumspb.EVENT_TYPE_TIMER_STARTED); n != settled.timers {
		t.Errorf("outdated wake-ups started timers: %d, were %d", n, settled.timers)
	}

	// The worker dies between the commit of a wake-up and its signal.
	stop()
	r.click(c)
	r.dispatchOnly(c)
	if got := r.run(c); got.Wake <= got.WakeSent {
		t.Fatalf("no wake-up is owed: %d, sent %d", got.Wake, got.WakeSent)
	}
	r.work()
	r.ended(c, "clicked")
}

type historyCounts struct{ signals, timers int }

// settledHistory returns what the run's history holds, once that has stopped growing.
func (r *rig) settledHistory(run crm.Enrollment) historyCounts {
	r.t.Helper()
	var last historyCounts
	r.until(func() string {
		now := historyCounts{r.count(run, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED), r.count(run, enumspb.EVENT_TYPE_TIMER_STARTED)}
		if now != last || now.timers == 0 {
			last = now
			time.Sleep(300 * time.Millisecond)
			return "history is growing"
		}
		return ""
	})
	return last
}

// count counts events of the run's history.
func (r *rig) count(run crm.Enrollment, kind enumspb.EventType) int {
	r.t.Helper()
	n := 0
	history := r.temporal.GetWorkflowHistory(r.t.Context(), run.WorkflowID(), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		e, err := history.Next()
		if err != nil {
			r.t.Fatal(err)
		}
		if e.GetEventType() == kind {
			n++
		}
	}
	return n
}

// Rule 2. The candidate's row is the one lock: runs that decide at the same moment share one cap.
func TestOneLock(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	const sequences = 8
	var text strings.Builder
	for i := range sequences {
		fmt.Fprintf(&text, "sequence: s%d\npurpose: news\nlimit: 1/7d\nenroll: {on: application.rejected}\nsteps:\n  - id: a\n    email: {subject: S, body: B}\n---\n", i)
	}
	r.apply(strings.TrimSuffix(text.String(), "---\n"))
	decider := r.decider()
	for round := range 5 {
		c := r.candidate(fmt.Sprint("lock", round))
		r.event(c, "application.rejected")
		r.dispatchOnly(c)
		runs, _, err := r.store.ListEnrollments(t.Context(), store.EnrollmentFilter{Candidate: c, Limit: 100})
		if err != nil || len(runs) != sequences {
			t.Fatalf("%d runs, %v", len(runs), err)
		}
		var all sync.WaitGroup
		for _, run := range runs {
			all.Go(func() {
				if _, err := decider.Decide(t.Context(), crm.DecideInput{EnrollmentID: run.ID, Now: time.Now()}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := r.sql(`select count(*) from messages where candidate_id = $1`, c); n != 1 {
			t.Errorf("%d messages are planned under a cap of one", n)
		}
	}
}

// Rule 3. Every run begins with Decide and carries nothing but the enrollment's id, so a run that starts from nothing goes on
// where the row stands.
func TestEveryRunBeginsWithDecide(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.apply(waitForClick)
	stop := r.work()
	c := r.candidate("begin")
	r.event(c, "application.rejected")
	run := r.waiting(c)
	r.until(func() string { return differ("messages sent", len(r.mailbox.all()), 1) })
	stop()
	// What is decided while no workflow looks: the row has moved on when the next run begins.
	r.click(c)
	r.dispatchOnly(c)
	if err := r.temporal.TerminateWorkflow(t.Context(), run.WorkflowID(), "", "test"); err != nil {
		t.Fatal(err)
	}
	r.work()
	if ended := r.ended(c, "clicked"); ended.Seq != run.Seq+1 {
		t.Errorf("the new run needed %d decisions, want 1", ended.Seq-run.Seq)
	}
	r.until(func() string { // the sender may be behind
		return differ("open messages", r.sql(`select count(*) from messages where state in ('planned', 'claimed')`), 0)
	})
	if sent := r.mailbox.all(); len(sent) != 1 {
		t.Errorf("%d messages, want 1: a run that starts anew repeats no step", len(sent))
	}
}

// Rule 4. A wake-up that finds no workflow restarts it from the row, and the sweeper finds runs whose time has passed.
func TestTerminatedWorkflowIsHealed(t *testing.T) {
	t.Parallel()
	t.Run("by a wake-up", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, 0)
		r.apply(waitForClick)
		r.work()
		c := r.candidate("heal")
		r.event(c, "application.rejected")
		run := r.waiting(c)
		if err := r.temporal.TerminateWorkflow(t.Context(), run.WorkflowID(), "", "test"); err != nil {
			t.Fatal(err)
		}
		r.click(c)
		r.ended(c, "clicked")
	})
	t.Run("by the sweeper", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, 200*time.Millisecond) // twenty days pass in four seconds
		r.apply(waitForClick)
		r.work()
		c := r.candidate("sweep")
		r.event(c, "application.rejected")
		run := r.waiting(c)
		if err := r.temporal.TerminateWorkflow(t.Context(), run.WorkflowID(), "", "test"); err != nil {
			t.Fatal(err)
		}
		r.ended(c, crm.OutcomeCompleted)
	})
	t.Run("not when the row is closed", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, 0)
		r.apply(waitForClick)
		r.work()
		c := r.candidate("closed")
		r.event(c, "application.rejected")
		run := r.waiting(c)
		r.click(c)
		r.ended(c, "clicked")
		r.sql(`update enrollments set wake = wake + 1 where id = $1`, run.ID)
		r.event(c, "page.viewed")
		time.Sleep(1500 * time.Millisecond) // several rounds of relay and sweeper
		described, err := r.temporal.DescribeWorkflowExecution(t.Context(), run.WorkflowID(), "")
		if err != nil {
			t.Fatal(err)
		}
		if status := described.GetWorkflowExecutionInfo().GetStatus(); status != enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED {
			t.Errorf("workflow is %s", status)
		}
	})
}

// Rule 5. An outage of Postgres ends no run; it goes on when the database answers again.
func TestOutage(t *testing.T) {
	t.Parallel()
	r := newRig(t, 100*time.Millisecond) // the timeout is due after two seconds
	r.apply(waitForClick)
	r.work()
	c := r.candidate("outage")
	r.event(c, "application.rejected")
	run := r.waiting(c)
	r.sql(`alter table enrollments rename to enrollments_away`)
	r.until(func() string { // the local activity has failed, the regular one is being retried
		if r.count(run, enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED) == 0 {
			return "no decision has failed yet"
		}
		return ""
	})
	r.sql(`alter table enrollments_away rename to enrollments`)
	r.ended(c, crm.OutcomeCompleted)
}

// Rule 6. Decide takes its time from the workflow; when that is more than a minute old it decides nothing.
func TestOldClockDecidesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.apply(waitForClick)
	c := r.candidate("clock")
	r.event(c, "application.rejected")
	r.dispatchOnly(c)
	run := r.run(c)
	answer, err := r.decider().Decide(t.Context(), crm.DecideInput{EnrollmentID: run.ID, Now: time.Now().Add(-61 * time.Second)})
	if err != nil || answer.Command != crm.CommandAgain {
		t.Fatalf("%+v, %v", answer, err)
	}
	if n := r.sql(`select count(*) from decisions where enrollment_id = $1 and seq is not null`, run.ID); n != 0 {
		t.Errorf("%d decisions were made", n)
	}
	answer, err = r.decider().Decide(t.Context(), crm.DecideInput{EnrollmentID: run.ID, Now: time.Now()})
	if err != nil || answer.Command != crm.CommandWait {
		t.Errorf("with the right time: %+v, %v", answer, err)
	}
}

// A worker that is told to stop while it claims a message sends it first: left alone, the claim would end as unknown.
func TestStopFinishesTheClaim(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.apply(waitForClick)
	r.sql(`create function linger() returns trigger language plpgsql as $$ begin perform pg_sleep(0.5); return new; end $$`)
	r.sql(`create trigger linger before update on messages for each row when (new.state = 'claimed') execute function linger()`)
	stop := r.work()
	c := r.candidate("stop")
	r.event(c, "application.rejected")
	r.until(func() string {
		claiming := r.sql(`select count(*) from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`)
		return differ("claims under way", claiming, 1)
	})
	stop()
	if sent := r.mailbox.all(); len(sent) != 1 {
		t.Errorf("%d messages were sent before the worker stopped, want 1", len(sent))
	}
	if n := r.sql(`select count(*) from messages where state = 'accepted'`); n != 1 {
		t.Errorf("%d messages are written down as sent, want 1", n)
	}
}

// Rule 7. An opt-out is in effect once its webhook is answered, for messages that are planned already too.
func TestOptOutAtIntake(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.apply(waitForClick)
	c := r.candidate("optout")
	r.event(c, "application.rejected")
	r.dispatchOnly(c)
	run := r.run(c)
	if _, err := r.decider().Decide(t.Context(), crm.DecideInput{EnrollmentID: run.ID, Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if n := r.sql(`select count(*) from messages where candidate_id = $1 and state = 'planned'`, c); n != 1 {
		t.Fatalf("%d messages are planned", n)
	}
	_, err := r.store.ReceiveWithOptOuts(t.Context(), nil, []store.OptOut{{
		Channel: crm.Email, Address: "optout@zebra.example", Reason: crm.SuppressedUnsubscribe, Source: "test", At: r.now(),
	}})
	if err != nil {
		t.Fatal(err)
	}
	r.work()
	r.ended(c, crm.OutcomeOptedOut)
	if sent := r.mailbox.all(); len(sent) != 0 {
		t.Errorf("sent after the opt-out: %v", sent)
	}
}

// Rule 8. A candidate's events have one order, without gaps, whoever dispatches them.
func TestOrderIsPerCandidate(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.apply(waitForClick)
	c := r.candidate("order")
	const events = 60
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			for range events / 6 {
				r.event(c, "page.viewed", "url", "https://north.example/")
			}
		})
	}
	r.work()
	r.work() // two of them
	all.Wait()
	r.until(func() string {
		pending := r.sql(`select count(*) from events where candidate_id = $1 and position is null`, c)
		return differ("pending", pending, 0)
	})
	n := r.sql(`select count(distinct position) from events where candidate_id = $1`, c)
	highest := r.sql(`select max(position) from events where candidate_id = $1`, c)
	if total := r.sql(`select count(*) from events where candidate_id = $1`, c); n != total || highest != total || total < events {
		t.Errorf("%d events have %d positions up to %d", total, n, highest)
	}
}

// Rule 8. An event that the database refuses is set aside with its reason; the candidate's other events go on.
func TestPoisonEvent(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.apply(waitForClick)
	c := r.candidate("poison")
	noise := make([]byte, 6000) // an application id that fits into no index
	if _, err := rand.Read(noise); err != nil {
		t.Fatal(err)
	}
	bad := r.event(c, "application.withdrawn", "application", hex.EncodeToString(noise))
	r.event(c, "application.rejected")
	r.work()
	r.waiting(c)
	if n := r.sql(`select count(*) from events where id = $1 and set_aside is not null`, bad); n != 1 {
		t.Error("the poison event was not set aside with a reason")
	}
}

// Rule 9. Whatever fans an event out, and however often, it enrolls a candidate in a definition once.
func TestFanOutIsUnique(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.apply(waitForClick)
	c := r.candidate("unique")
	r.event(c, "application.rejected")
	r.dispatchOnly(c)
	run := r.run(c)
	// The dispatch is lost and done again, as after a restore of the event's row alone.
	r.sql(`update events set position = null, dispatched_at = null where candidate_id = $1 and type = 'application.rejected'`, c)
	r.dispatchOnly(c)
	if n := r.sql(`select count(*) from enrollments where candidate_id = $1`, c); n != 1 {
		t.Errorf("%d enrollments", n)
	}
	if n := r.sql(`select count(*) from decisions where candidate_id = $1 and notes::text like '%already_running%'`, c); n != 1 {
		t.Errorf("the timeline has %d lines that say why", n)
	}
	if again := r.run(c); again.ID != run.ID {
		t.Errorf("another run: %s, was %s", again.ID, run.ID)
	}
}

// Rule 10. A changed field wakes the runs whose conditions read it, and no others.
func TestChangedFieldWakes(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.apply(waitForClick)
	r.work()
	c := r.candidate("field")
	r.event(c, "application.rejected")
	r.waiting(c)
	wake := r.run(c).Wake
	r.change("field", crm.Candidate{City: "Leeds"})
	r.until(func() string {
		return differ("pending", r.sql(`select count(*) from events where candidate_id = $1 and position is null`, c), 0)
	})
	if got := r.run(c).Wake; got != wake {
		t.Errorf("a field that nothing reads woke the run: %d, was %d", got, wake)
	}
	r.change("field", crm.Candidate{Status: "hired"})
	r.ended(c, "hired")
}

// change updates a candidate, as the ATS would.
func (r *rig) change(externalID string, c crm.Candidate) {
	r.t.Helper()
	c.ExternalID = externalID
	written, err := r.store.UpsertCandidates(r.t.Context(), []store.Write{{Candidate: c}}, r.now())
	if err != nil || written[0].Err != nil {
		r.t.Fatal(err, written)
	}
	r.store.Notify("events")
}

// Rule 11. Controls are events: recorded while Temporal is down, in order with everything else, and while a run is paused its
// exits still fire.
func TestControlsAreEvents(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.apply(waitForClick)
	stop := r.work()
	paused, stopped, resumed := r.candidate("paused"), r.candidate("stopped"), r.candidate("resumed")
	for _, c := range []string{paused, stopped, resumed} {
		r.event(c, "application.rejected")
	}
	for _, c := range []string{paused, stopped, resumed} {
		r.waiting(c)
	}
	stop() // nobody is there to hear
	control := func(candidate, what string) {
		t.Helper()
		if err := r.store.Control(t.Context(), r.run(candidate).ID, what, "ops@north.example", r.now()); err != nil {
			t.Fatal(err)
		}
	}
	control(paused, crm.ControlPause)
	control(resumed, crm.ControlPause)
	control(stopped, crm.ControlStop)
	r.work()
	r.ended(stopped, crm.OutcomeStopped)
	r.until(func() string {
		if run := r.run(paused); !run.Paused || !run.Due.IsZero() {
			return "not paused"
		}
		return differ("resumed's pause", r.run(resumed).Paused && r.run(resumed).Due.IsZero(), true)
	})
	r.event(paused, "message.replied", "message", r.run(paused).Progress.Steps["hello"].MessageID)
	r.ended(paused, "replied")
	r.click(resumed)
	control(resumed, crm.ControlResume)
	r.ended(resumed, "clicked")
	if n := r.sql(`select count(*) from events where source = $1`, crm.SourceControl); n != 4 {
		t.Errorf("%d control events are on record, want 4", n)
	}
}

// Rule 12. What a step leads to is stored under the enrollment and the decision's number: asked again after a crash that lost
// the answer, Decide gives the same, and nothing is done twice.
func TestDecisionIsStored(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.apply(waitForClick)
	c := r.candidate("stored")
	r.event(c, "application.rejected")
	r.dispatchOnly(c)
	run := r.run(c)
	decide := func(after int64) crm.Answer {
		t.Helper()
		answer, err := r.decider().Decide(context.Background(), crm.DecideInput{EnrollmentID: run.ID, After: after, Now: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	first := decide(0)
	r.event(c, "message.replied", "message", r.run(c).Progress.Steps["hello"].MessageID)
	r.dispatchOnly(c)
	second := decide(first.Seq)
	again := decide(first.Seq) // the worker died before the workflow learnt the second
	if second != again || second.Command != crm.CommandExit {
		t.Errorf("asked again:\n%+v\nwas\n%+v", again, second)
	}
	if n := r.sql(`select count(*) from decisions where enrollment_id = $1 and seq is not null`, run.ID); n != 2 {
		t.Errorf("%d decisions", n)
	}
	if n := r.sql(`select count(*) from messages where enrollment_id = $1`, run.ID); n != 1 {
		t.Errorf("%d messages", n)
	}
}
