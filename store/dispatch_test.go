package store_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

func TestDispatchInbox(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1", grant("news", crm.Email))
	closed := b.enroll(t, id, "nurture")
	end := func(run string) {
		b.decide(t, run, func(_ *crm.Facts, d *crm.Decision) { d.Command, d.Outcome = crm.CommandExit, "replied" })
	}
	end(closed)
	b.pass(time.Minute)
	last := b.enroll(t, id, "nurture")
	end(last)
	b.pass(time.Minute)
	open := b.enroll(t, id, "other")
	message := b.plan(t, open, "hello", crm.Email)
	b.receive(t, b.event("message.clicked", id, map[string]any{"message": message}), b.event("page.viewed", id, nil))
	b.dispatch(t, id, func(in *crm.Inbox) (*crm.Dispatched, error) {
		if in.Candidate.ID != id || in.Position != 4 || len(in.Consents) != 1 {
			t.Errorf("the inbox is %+v", in)
		}
		var runs []string
		for _, r := range in.Runs {
			runs = append(runs, r.ID)
		}
		if !slices.Equal(runs, []string{last, open}) || !slices.Equal(in.Enrolled, []string{"other"}) {
			t.Errorf("runs are %v, enrolled %v, want the last closed one and the open one", runs, in.Enrolled)
		}
		if len(in.Events) != 2 || in.Events[0].EnrollmentID != open || in.Events[0].Step != "hello" || in.Events[1].EnrollmentID != "" {
			t.Errorf("events are %+v", in.Events)
		}
		return positions(in), nil
	})
	if run := b.run(t, last); run.N != 2 || run.WorkflowID() != "sequence/nurture/"+id+"/2" {
		t.Errorf("the second run is %+v", run)
	}
}

func TestDispatchWrites(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.apply(t, crm.Document{Kind: "sequence", Name: "fresh", Hash: "hash-of-fresh"})
	id := b.candidate(t, "ATS-1")
	woken, told, idle := b.enroll(t, id, "woken"), b.enroll(t, id, "told"), b.enroll(t, id, "idle")
	submitted := b.event("application.submitted", id, map[string]any{"application": "A-1"})
	stored := b.receive(t, submitted)[0].Event
	applied := b.now().Add(-time.Hour)
	app := crm.Application{
		ID: "apl_1", ExternalID: "A-1", CandidateID: id, Role: "Nurse", RoleFunction: "nursing", Stage: "new", Status: crm.ApplicationOpen,
		Source: "site", AppliedAt: applied,
	}
	b.dispatch(t, id, func(in *crm.Inbox) (*crm.Dispatched, error) {
		out := positions(in)
		out.Applications = []crm.Application{app}
		out.Candidate = crm.CandidateActivity{LastActivityAt: applied}
		out.Wake = []string{woken}
		out.Controls = []crm.ControlledRun{{EnrollmentID: told, Paused: true, Ending: crm.OutcomeStopped}}
		out.Goals = map[string]crm.Event{idle: out.Events[0]}
		out.Enrollments = []crm.Enrollment{{
			ID: "enr_1", Definition: "fresh", Hash: "hash-of-fresh", CandidateID: id, ApplicationID: app.ID, N: 1,
			Status: crm.EnrollmentStarting, StartedAt: b.now(), Event: &out.Events[0], Position: 5, Listens: []string{"message.clicked"},
		}}
		out.Records = []crm.Record{{
			CandidateID: id, Definition: "fresh", Hash: "hash-of-fresh", EnrollmentID: "enr_1", At: b.now(), Notes: []crm.Note{{Kind: crm.NoteEnrolled}},
		}}
		return out, nil
	})
	if r := b.run(t, woken); r.Wake != 1 || r.Paused {
		t.Errorf("the woken run is %+v", r)
	}
	if r := b.run(t, told); r.Wake != 1 || !r.Paused || r.Ending != crm.OutcomeStopped {
		t.Errorf("the controlled run is %+v", r)
	}
	if r := b.run(t, idle); r.Wake != 0 || !r.GoalAt.Equal(stored.ReceivedAt) {
		t.Errorf("the run with the goal is %+v", r)
	}
	r := b.run(t, "enr_1")
	if r.Version != 1 || r.Status != crm.EnrollmentStarting || r.ApplicationID != app.ID || r.Event == nil || r.Event.ID != stored.ID || r.Position != 5 {
		t.Errorf("the new run is %+v", r)
	}
	turn, err := b.Begin(t.Context(), "enr_1", 0)
	if err != nil {
		t.Fatal(err)
	}
	f := turn.Facts()
	turn.Rollback()
	if diff := cmp.Diff([]crm.Application{app}, f.Applications); diff != "" {
		t.Errorf("applications differ (-want +got):\n%s", diff)
	}
	if !f.Candidate.LastActivityAt.Equal(applied) || f.Position != 5 {
		t.Errorf("the candidate was last active %v, at position %d", f.Candidate.LastActivityAt, f.Position)
	}

	// Times only move forward; an application is changed by its external id.
	b.receive(t, b.event("application.rejected", id, nil))
	b.dispatch(t, id, func(in *crm.Inbox) (*crm.Dispatched, error) {
		out := positions(in)
		changed := app
		changed.ID, changed.Status, changed.ClosedAt = "apl_other", crm.ApplicationRejected, b.now()
		out.Applications = []crm.Application{changed}
		out.Candidate = crm.CandidateActivity{LastActivityAt: applied.Add(-time.Hour), LastDecisionAt: b.now()}
		return out, nil
	})
	candidate, _, err := b.Candidate(t.Context(), id)
	if err != nil || !candidate.LastActivityAt.Equal(applied) || !candidate.LastDecisionAt.Equal(b.now()) {
		t.Errorf("the candidate is %+v, %v", candidate, err)
	}
	b.receive(t, b.event("page.viewed", id, nil))
	b.dispatch(t, id, func(in *crm.Inbox) (*crm.Dispatched, error) {
		if a := in.Applications; len(a) != 1 || a[0].ID != "apl_1" || a[0].Status != crm.ApplicationRejected {
			t.Errorf("applications are %+v", a)
		}
		return positions(in), nil
	})
}

func TestDispatchLeavesOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	b.receive(t, b.event("page.viewed", id, nil), b.event("page.viewed", id, nil))
	b.dispatch(t, id, func(in *crm.Inbox) (*crm.Dispatched, error) {
		in.Events = in.Events[:1]
		return positions(in), nil
	})
	if events := b.drain(t, id); len(events) != 1 || events[0].Position != 3 {
		t.Errorf("left were %+v, want one, to come at position 3", events)
	}
}

func TestDispatchFails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	b.receive(t, b.event("page.viewed", id, nil))
	poison := errors.New("poison")
	for name, decide := range map[string]func(*crm.Inbox) (*crm.Dispatched, error){
		"the rules": func(*crm.Inbox) (*crm.Dispatched, error) { return nil, poison },
		"the database": func(in *crm.Inbox) (*crm.Dispatched, error) {
			out := positions(in)
			out.Records = []crm.Record{{Definition: "\x00"}}
			return out, nil
		},
	} {
		if done, err := b.Dispatch(t.Context(), id, decide); done || err == nil {
			t.Errorf("%s: done %v, %v", name, done, err)
		}
	}
	if err := b.SetAside(t.Context(), b.pending(t, id)[0].ID, "poison"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, b.SetAside(t.Context(), "evt_none", "poison"), crm.CodeNotFound)
	b.receive(t, b.event("page.viewed", id, nil))
	if events := b.drain(t, id); len(events) != 1 || events[0].Position != 3 {
		t.Errorf("events are %+v, want one at position 3, after the one set aside", events)
	}
}

// pending peeks at a candidate's events.
func (b *bundle) pending(t *testing.T, id string) []crm.Event {
	t.Helper()
	var events []crm.Event
	peek := errors.New("peek")
	if _, err := b.Dispatch(t.Context(), id, func(in *crm.Inbox) (*crm.Dispatched, error) {
		events = in.Events
		return nil, peek
	}); !errors.Is(err, peek) {
		t.Fatal(err)
	}
	return events
}

func TestDispatchSkipsLocked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	run := b.enroll(t, id, "nurture")
	turn, err := b.Begin(t.Context(), run, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, candidate := range []string{id, "cnd_none"} {
		done, err := b.Dispatch(t.Context(), candidate, func(*crm.Inbox) (*crm.Dispatched, error) {
			t.Error("decided without the lock")
			return nil, errors.New("stop")
		})
		if done || err != nil {
			t.Errorf("done %v, %v, want to be told to come again", done, err)
		}
	}
	turn.Rollback()
	if len(b.drain(t, id)) != 0 {
		t.Error("there are events")
	}
}

func TestOneOpenRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	b.enroll(t, id, "nurture")
	b.receive(t, b.event("page.viewed", id, nil))
	_, err := b.Dispatch(t.Context(), id, func(in *crm.Inbox) (*crm.Dispatched, error) {
		out := positions(in)
		out.Enrollments = []crm.Enrollment{{ID: "enr_2", Definition: "nurture", CandidateID: id, N: 2, Status: crm.EnrollmentStarting, StartedAt: b.now()}}
		return out, nil
	})
	if state := store.SQLState(err); state != "23505" {
		t.Errorf("a second open run gave %v, want a unique violation", err)
	}
}

func TestPendingCandidates(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var want []string
	var events []crm.Event
	for i := range 3 {
		name := fmt.Sprintf("ATS-%d", i)
		want = append(want, b.candidate(t, name))
		events = append(events, b.event("page.viewed", name, nil))
	}
	slices.Reverse(want)
	slices.Reverse(events)
	b.receive(t, append(events, events[2], b.event("page.viewed", "ATS-unknown", nil))...)
	for limit, n := range map[int]int{10: 3, 2: 2} {
		got, err := b.PendingCandidates(t.Context(), limit)
		if err != nil || !slices.Equal(got, want[:n]) {
			t.Errorf("pending are %v, %v, want %v", got, err, want[:n])
		}
	}
	for _, id := range want {
		b.drain(t, id)
	}
	if got, err := b.PendingCandidates(t.Context(), 10); len(got) != 0 || err != nil {
		t.Errorf("pending are %v, %v, want none", got, err)
	}
}

// Events that arrive while others are dispatched get positions without gaps or repetitions.
func TestPositionsUnderLoad(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	const total = 200
	var senders, dispatchers sync.WaitGroup
	for range 4 {
		senders.Go(func() {
			for range total / 4 {
				if _, err := b.Receive(t.Context(), []crm.Event{b.event("page.viewed", id, nil)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var mu sync.Mutex
	given := map[int64]bool{}
	for range 3 {
		dispatchers.Go(func() {
			for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
				mu.Lock()
				n := len(given)
				mu.Unlock()
				if n == total {
					return
				}
				var out *crm.Dispatched
				done, err := b.Dispatch(t.Context(), id, func(in *crm.Inbox) (*crm.Dispatched, error) {
					out = positions(in)
					return out, nil
				})
				if err != nil {
					t.Error(err)
					return
				}
				if !done || out == nil {
					continue
				}
				mu.Lock()
				for _, e := range out.Events {
					if given[e.Position] {
						t.Errorf("position %d was given twice", e.Position)
					}
					given[e.Position] = true
				}
				mu.Unlock()
			}
		})
	}
	senders.Wait()
	dispatchers.Wait()
	for p := int64(2); p <= total+1; p++ {
		if !given[p] {
			t.Fatalf("position %d was not given; %d were", p, len(given))
		}
	}
}

func TestFold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	run := b.enroll(t, id, "nurture")
	message := b.plan(t, run, "thanks", crm.Email)
	b.claimAll(t)
	if err := b.Unknown(t.Context(), message, "timeout", b.now()); err != nil {
		t.Fatal(err)
	}
	before := b.run(t, run).Wake
	stranger := b.candidate(t, "ATS-2")
	about := map[string]any{"message": message}
	b.pass(time.Minute)
	b.receive(t, b.event("message.bounced", stranger, about)) // somebody else cannot speak of it
	b.drain(t, stranger)
	b.receive(t, b.event("message.opened", id, about), b.event("message.delivered", id, about), b.event("message.opened", id, about))
	b.drain(t, id)
	m := b.message(t, message)
	if m.State != crm.MessageSettled || !m.DeliveredAt.Equal(b.now()) || !m.OpenedAt.Equal(b.now()) || !m.AcceptedAt.Equal(b.now()) ||
		!m.BouncedAt.IsZero() || m.Reason != "" {
		t.Errorf("the message is %+v", m)
	}
	// What the sender never learnt is told now, once, and the run that waits for it is woken.
	if got := types(b.drain(t, id)); !slices.Equal(got, []string{"message.sent"}) {
		t.Errorf("events are %v, want that it was sent", got)
	}
	if wake := b.run(t, run).Wake; wake != before+1 {
		t.Errorf("the run's wake went from %d to %d", before, wake)
	}
	if err := b.Accept(t.Context(), message, store.Acceptance{Provider: "sendgrid", ProviderID: "p1", Address: "ana@example.org", At: b.now()}); err != nil {
		t.Fatal(err)
	}
	if m := b.message(t, message); m.State != crm.MessageSettled || m.ProviderID != "p1" {
		t.Errorf("after the late receipt the message is %+v", m)
	}
	if events := b.drain(t, id); len(events) != 0 {
		t.Errorf("events are %v, want none", types(events))
	}
}

func TestControl(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.apply(t, sequence("nurture", "one"))
	id := b.candidate(t, "ATS-1")
	run := b.enroll(t, id, "nurture")
	for _, control := range []string{crm.ControlPause, crm.ControlResume, crm.ControlStop} {
		if err := b.Control(t.Context(), run, control, "ops@trust.example", b.now()); err != nil {
			t.Fatal(err)
		}
	}
	request, err := b.RequestEnrollment(t.Context(), "ATS-1", "nurture", "A-1", "ops@trust.example", b.now())
	if err != nil {
		t.Fatal(err)
	}
	events := b.drain(t, id)
	want := []string{crm.ControlPause, crm.ControlResume, crm.ControlStop, crm.ControlEnroll}
	if !slices.Equal(types(events), want) {
		t.Fatalf("events are %v, want %v", types(events), want)
	}
	if e := events[0]; e.Source != crm.SourceControl || e.Text("enrollment") != run || e.Text("by") != "ops@trust.example" {
		t.Errorf("the control event is %+v", e)
	}
	if e := events[3]; e.ID != request || e.Text("definition") != "nurture" || e.Text("application") != "A-1" {
		t.Errorf("the request is %+v", e)
	}
	b.decide(t, run, func(_ *crm.Facts, d *crm.Decision) { d.Command, d.Outcome = crm.CommandExit, crm.OutcomeStopped })
	wantCode(t, b.Control(t.Context(), run, crm.ControlStop, "ops", b.now()), crm.CodeConflict)
	wantCode(t, b.Control(t.Context(), "enr_none", crm.ControlStop, "ops", b.now()), crm.CodeNotFound)
	wantCode(t, b.Control(t.Context(), run, "enrollment.danced", "ops", b.now()), crm.CodeInvalid)
	_, err = b.RequestEnrollment(t.Context(), id, "none", "", "ops", b.now())
	wantCode(t, err, crm.CodeNotFound)
	_, err = b.RequestEnrollment(t.Context(), "cnd_none", "nurture", "", "ops", b.now())
	wantCode(t, err, crm.CodeNotFound)
}
