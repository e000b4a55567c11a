package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

func TestBeginReadsFacts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.apply(t, sequence("nurture", "one"))
	id := b.candidate(t, "ATS-1", grant("news", crm.Email))
	run := b.enroll(t, id, "nurture")
	other := b.enroll(t, id, "other")
	mine := b.plan(t, run, "thanks", crm.Email)
	theirs := b.plan(t, other, "hello", crm.SMS)

	seen := b.event("message.clicked", id, map[string]any{"message": mine, "url": "https://x.example"})
	foreign := b.event("message.clicked", id, map[string]any{"message": theirs})
	b.receive(t,
		seen, foreign,
		b.event("page.viewed", id, nil), // not listened to
		withRecordOnly(b.event("message.clicked", id, nil)),
	)
	aside := b.receive(t, b.event("message.clicked", id, nil))[0].Event.ID
	b.dispatch(t, id, func(in *crm.Inbox) (*crm.Dispatched, error) {
		out := positions(in)
		out.SetAside = map[string]string{aside: "malformed"}
		return out, nil
	})
	b.receive(t, b.event("message.clicked", id, nil)) // not dispatched

	turn, err := b.Begin(t.Context(), run, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer turn.Rollback()
	f := turn.Facts()
	if f.Candidate.ID != id || f.Candidate.FirstName != "Ana" || f.Position != 8 {
		t.Errorf("candidate %s at %d, want %s at 8", f.Candidate.ID, f.Position, id)
	}
	if e := f.Enrollment; e.ID != run || e.Seq != 1 || e.Position != 2 || e.Event == nil || e.Event.Type != "application.rejected" ||
		e.Event.Text("reason") != "silver_medallist" || e.Event.Position != 2 {
		t.Errorf("enrollment is %+v with event %+v", e, e.Event)
	}
	if len(f.Consents) != 1 || !slices.Equal(f.Enrolled, []string{"nurture", "other"}) {
		t.Errorf("consents %+v, enrolled %v", f.Consents, f.Enrolled)
	}
	if len(f.Messages) != 1 || f.Messages[0].ID != mine || len(f.Sends) != 2 {
		t.Errorf("messages %+v, sends %+v, want one of this run and two sends", f.Messages, f.Sends)
	}
	if len(f.Events) != 2 || f.Events[0].ExternalID != seen.ExternalID || f.Events[0].EnrollmentID != run || f.Events[0].Step != "thanks" ||
		f.Events[1].EnrollmentID != other || f.Events[0].Position >= f.Events[1].Position {
		t.Errorf("events are %+v, want the two clicks in order, each with its run", f.Events)
	}
	_, err = b.Begin(t.Context(), "enr_none", 0)
	wantCode(t, err, crm.CodeNotFound)
}

func withRecordOnly(e crm.Event) crm.Event {
	e.RecordOnly = true
	return e
}

func TestCommit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	run := b.enroll(t, id, "nurture")
	b.exec(t, "update enrollments set wake = 3 where id = $1", run)
	due := b.now().Add(72 * time.Hour)
	d := b.decide(t, run, func(f *crm.Facts, d *crm.Decision) {
		d.Until, d.Summary, d.Awaits = due, "after thanks", []string{"message.clicked", "changed:status"}
		d.Progress = crm.Progress{At: "heard", Reached: b.now(), Steps: map[string]crm.StepState{"thanks": {Outcome: "sent", Occurrence: 1}}}
		d.Notes = []crm.Note{{Kind: crm.NotePlanned, Step: "thanks"}}
		d.Messages = []crm.Message{intent(f, d, "thanks", crm.Email)}
		d.Tasks = []crm.Task{{ID: "tsk_1", CandidateID: id, EnrollmentID: run, Definition: "nurture", Step: "call", Title: "Call", CreatedAt: d.At}}
		d.Change = &crm.CandidateChange{Set: map[string]any{"status": "hired", "attributes.band": "7", "attributes.rank": 3}, Tag: []string{"warm"}, Score: &crm.Score{Points: 5, At: d.At}}
	})
	got := b.run(t, run)
	if got.Status != crm.EnrollmentRunning || got.Seq != 1 || got.WakeSeen != 3 || got.WakeSent != 3 || !got.Due.Equal(due) ||
		!slices.Equal(got.Awaits, d.Awaits) {
		t.Errorf("the run is %+v", got)
	}
	if diff := cmp.Diff(d.Progress, got.Progress); diff != "" {
		t.Errorf("progress differs (-want +got):\n%s", diff)
	}
	candidate, _, err := b.Candidate(t.Context(), id)
	if err != nil || candidate.Status != "hired" || candidate.Score != 5 || !candidate.ScoredAt.Equal(d.At) || !slices.Equal(candidate.Tags, []string{"warm"}) ||
		candidate.Attributes["band"] != "7" || candidate.FirstName != "Ana" {
		t.Errorf("the candidate is %+v, %v", candidate, err)
	}
	events := b.drain(t, id)
	if len(events) != 1 || events[0].Type != "candidate.updated" || events[0].Text("by") != run ||
		fmt.Sprint(events[0].Data["changed"]) != "[attributes score status tags]" {
		t.Errorf("events are %+v", events)
	}
	if m := b.message(t, d.Messages[0].ID); m.State != crm.MessagePlanned || m.Step != "thanks" || !m.NotAfter.Equal(d.Messages[0].NotAfter) {
		t.Errorf("the message is %+v", m)
	}
	b.decide(t, run, func(_ *crm.Facts, d *crm.Decision) { // the same change again changes nothing
		d.Change = &crm.CandidateChange{Set: map[string]any{"status": "hired", "attributes.rank": 3}, Tag: []string{"warm"}}
	})
	if events := b.drain(t, id); len(events) != 0 {
		t.Errorf("events are %v, want none", types(events))
	}
}

func TestExit(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		withdraw bool
		planned  crm.MessageState
		task     crm.TaskState
	}{
		"the end of the steps leaves what is planned": {false, crm.MessagePlanned, crm.TaskOpen},
		"an exit withdraws it":                        {true, crm.MessageCancelled, crm.TaskClosed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.candidate(t, "ATS-1")
			run := b.enroll(t, id, "nurture")
			claimed := b.plan(t, run, "first", crm.Email)
			b.claimAll(t)
			b.decide(t, run, func(_ *crm.Facts, d *crm.Decision) {
				d.Tasks = []crm.Task{{ID: "tsk_1", CandidateID: id, EnrollmentID: run, Title: "Call", CreatedAt: d.At}}
			})
			planned := b.plan(t, run, "second", crm.Email)
			b.pass(time.Minute)
			b.decide(t, run, func(_ *crm.Facts, d *crm.Decision) {
				d.Command, d.Outcome, d.Until, d.Withdraw = crm.CommandExit, "replied", time.Time{}, test.withdraw
			})
			got := b.run(t, run)
			if got.Open() || got.Outcome != "replied" || !got.ClosedAt.Equal(b.now()) || !got.Due.IsZero() {
				t.Errorf("the run is %+v", got)
			}
			if m := b.message(t, planned); m.State != test.planned {
				t.Errorf("the planned message is %s (%s), want %s", m.State, m.Reason, test.planned)
			}
			if m := b.message(t, claimed); m.State != crm.MessageClaimed {
				t.Errorf("the claimed message is %s, want claimed still", m.State)
			}
			tasks, _, err := b.ListTasks(t.Context(), store.TaskFilter{Enrollment: run})
			if err != nil || len(tasks) != 1 || tasks[0].State != test.task {
				t.Errorf("tasks are %+v, %v, want one that is %s", tasks, err, test.task)
			}
			// The provider said "try later"; the run has ended since.
			if err := b.Release(t.Context(), claimed, b.now()); err != nil {
				t.Fatal(err)
			}
			if m := b.message(t, claimed); m.State != test.planned {
				t.Errorf("the released message is %s, want %s", m.State, test.planned)
			}
		})
	}
}

func TestStored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.enroll(t, b.candidate(t, "ATS-1"), "nurture")
	var made []*crm.Decision
	for range 3 {
		made = append(made, b.decide(t, run, func(_ *crm.Facts, d *crm.Decision) { d.Summary = fmt.Sprint("decision ", d.Seq) }))
	}
	turn, err := b.Begin(t.Context(), run, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer turn.Rollback()
	for _, want := range made[1:] {
		got, ok := turn.Stored(want.Seq)
		if !ok || got.Summary != want.Summary || !got.Until.Equal(want.Until) || got.Command != want.Command {
			t.Errorf("stored decision %d is %+v, %v", want.Seq, got, ok)
		}
	}
	if _, ok := turn.Stored(4); ok {
		t.Error("a decision that was never made is stored")
	}
}

func TestDecideWithoutCommit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	run := b.enroll(t, id, "nurture")
	stop := errors.New("stop")
	for name, attempt := range map[string]func() error{
		"rollback": func() error {
			turn, err := b.Begin(t.Context(), run, 0)
			if err == nil {
				turn.Rollback()
				turn.Rollback()
				err = stop
			}
			return err
		},
		"a change that cannot be": func() error {
			_, err := b.tryDecide(t.Context(), run, func(_ *crm.Facts, d *crm.Decision) {
				d.Change = &crm.CandidateChange{Set: map[string]any{"id": "x"}}
			})
			return err
		},
		"the database refuses": func() error {
			_, err := b.tryDecide(t.Context(), run, func(_ *crm.Facts, d *crm.Decision) { d.Summary = "\x00" })
			return err
		},
		"the context ends": func() error {
			ctx, cancel := context.WithCancel(t.Context())
			_, err := b.tryDecide(ctx, run, func(*crm.Facts, *crm.Decision) { cancel() })
			return err
		},
		"the number is taken": func() error {
			b.decide(t, run, nil)
			_, err := b.tryDecide(t.Context(), run, func(_ *crm.Facts, d *crm.Decision) { d.Seq-- })
			return err
		},
	} {
		before := b.run(t, run)
		if err := attempt(); err == nil {
			t.Errorf("%s: the decision was committed", name)
		}
		// The lock is free again, and nothing was written but what the attempt itself committed.
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		if _, err := b.tryDecide(ctx, run, nil); err != nil {
			t.Errorf("%s: afterwards: %v", name, err)
		}
		cancel()
		if after := b.run(t, run); after.Seq > before.Seq+2 {
			t.Errorf("%s: seq went from %d to %d", name, before.Seq, after.Seq)
		}
	}
	if got := b.drain(t, id); len(got) != 0 {
		t.Errorf("events are %v, want none", types(got))
	}
}

func TestIntentsAreUnique(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.enroll(t, b.candidate(t, "ATS-1"), "nurture")
	first := b.plan(t, run, "thanks", crm.Email)
	b.plan(t, run, "thanks", crm.Email) // a definition that was migrated back to the step
	turn, err := b.Begin(t.Context(), run, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer turn.Rollback()
	if m := turn.Facts().Messages; len(m) != 1 || m[0].ID != first {
		t.Errorf("messages are %+v, want the first one alone", m)
	}
}

// A decision waits for whoever holds the lock, and sees what they commit.
func TestDecideWaitsForLock(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	run := b.enroll(t, id, "nurture")
	turn, err := b.Begin(t.Context(), run, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer turn.Rollback()
	type result struct {
		facts *crm.Facts
		err   error
	}
	second := make(chan result, 1)
	go func() {
		turn, err := b.Begin(t.Context(), run, 0)
		if err != nil {
			second <- result{err: err}
			return
		}
		defer turn.Rollback()
		second <- result{facts: turn.Facts()}
	}()
	b.awaitLockWaiter(t)
	f := turn.Facts()
	d := &crm.Decision{
		EnrollmentID: run, Seq: 1, At: b.now(), Command: crm.CommandWait, Messages: nil, Until: b.now(),
		Change: &crm.CandidateChange{Set: map[string]any{"status": "hired"}},
	}
	d.Messages = []crm.Message{intent(f, d, "thanks", crm.Email)}
	if err := turn.Commit(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	got := <-second
	if got.err != nil {
		t.Fatal(got.err)
	}
	if got.facts.Enrollment.Seq != 1 || len(got.facts.Sends) != 1 || got.facts.Candidate.Status != "hired" {
		t.Errorf("the waiting decision saw %+v", got.facts)
	}
}
