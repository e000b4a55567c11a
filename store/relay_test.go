package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

func TestStartRelay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var runs []string
	for _, name := range []string{"ATS-1", "ATS-2", "ATS-3"} {
		b.pass(time.Second)
		runs = append(runs, b.enroll(t, b.candidate(t, name), "nurture"))
	}
	starting := func() []string {
		t.Helper()
		found, err := b.Starting(t.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for i := range found {
			ids = append(ids, found[i].ID)
		}
		return ids
	}
	if got := starting(); !slices.Equal(got, runs) {
		t.Fatalf("starting are %v, want %v", got, runs)
	}
	b.decide(t, runs[0], func(_ *crm.Facts, d *crm.Decision) { d.Command, d.Outcome = crm.CommandExit, "replied" })
	b.decide(t, runs[1], nil)
	if err := b.MarkStarted(t.Context(), runs); err != nil {
		t.Fatal(err)
	}
	if got := starting(); len(got) != 0 {
		t.Errorf("starting are %v, want none", got)
	}
	for i, want := range []crm.EnrollmentStatus{crm.EnrollmentClosed, crm.EnrollmentRunning, crm.EnrollmentRunning} {
		if got := b.run(t, runs[i]).Status; got != want {
			t.Errorf("run %d is %s, want %s", i, got, want)
		}
	}
}

func TestWakeRelay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	run := b.enroll(t, id, "nurture")
	wake := func() {
		b.receive(t, b.event("message.clicked", id, nil))
		b.dispatch(t, id, func(in *crm.Inbox) (*crm.Dispatched, error) {
			out := positions(in)
			out.Wake = []string{run, run}
			return out, nil
		})
	}
	unsignalled := func() []store.Wake {
		t.Helper()
		wakes, err := b.Unsignalled(t.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
		return wakes
	}
	wake()
	if got := unsignalled(); len(got) != 0 {
		t.Errorf("unsignalled are %+v, want none while the run is starting", got)
	}
	if err := b.MarkStarted(t.Context(), []string{run}); err != nil {
		t.Fatal(err)
	}
	wake()
	got := unsignalled()
	want := store.Wake{EnrollmentID: run, WorkflowID: "sequence/nurture/" + id + "/1", Definition: "nurture", CandidateID: id, Wake: 2}
	if len(got) != 1 || got[0] != want {
		t.Fatalf("unsignalled are %+v, want %+v", got, want)
	}
	wake()
	if err := b.MarkSignalled(t.Context(), got); err != nil {
		t.Fatal(err)
	}
	if got := unsignalled(); len(got) != 1 || got[0].Wake != 3 {
		t.Errorf("unsignalled are %+v, want the wake that came meanwhile", got)
	}
	b.decide(t, run, nil) // it has seen wake 3 now
	if got := unsignalled(); len(got) != 0 {
		t.Errorf("unsignalled are %+v, want none", got)
	}
	if err := b.MarkSignalled(t.Context(), got); err != nil { // late: must not go back
		t.Fatal(err)
	}
	if r := b.run(t, run); r.WakeSent != 3 || r.WakeSeen != 3 {
		t.Errorf("the run is %+v", r)
	}
}

func TestWakeOverdue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.apply(t, sequence("held", "one"))
	runs := map[string]string{}
	for i, name := range []string{"overdue", "due later", "closed", "paused", "held", "woken", "starting"} {
		definition := "nurture"
		if name == "held" {
			definition = "held"
		}
		run := b.enroll(t, b.candidate(t, "ATS-"+string(rune('a'+i))), definition)
		runs[name] = run
		if name == "starting" {
			continue
		}
		b.decide(t, run, func(_ *crm.Facts, d *crm.Decision) {
			d.Until = b.now().Add(time.Hour)
			switch name {
			case "due later":
				d.Until = b.now().Add(3 * time.Hour)
			case "closed":
				d.Command, d.Outcome = crm.CommandExit, "replied"
			}
		})
	}
	b.exec(t, "update enrollments set paused = true where id = $1", runs["paused"])
	b.exec(t, "update enrollments set wake = wake + 1 where id = $1", runs["woken"])
	if err := b.PauseDefinition(t.Context(), "held", true); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{1, 0} { // once a wake is under way, no other follows
		n, err := b.WakeOverdue(t.Context(), b.now().Add(2*time.Hour), 10)
		if n != want || err != nil {
			t.Errorf("time %d: woke %d, %v, want %d", i+1, n, err, want)
		}
	}
	if r := b.run(t, runs["overdue"]); r.Wake != 1 {
		t.Errorf("the overdue run is %+v", r)
	}
}

// Whoever holds a row does not hold up the relays: they leave it for the next round.
func TestRelaysDoNotWait(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.enroll(t, b.candidate(t, "ATS-1"), "nurture")
	free := b.enroll(t, b.candidate(t, "ATS-2"), "nurture")
	for _, id := range []string{run, free} {
		b.decide(t, id, func(_ *crm.Facts, d *crm.Decision) { d.Until = b.now() })
	}
	b.exec(t, "update enrollments set wake = 2")
	b.holding(t, "select from enrollments where id = $1 for update", run, func() {
		err := b.MarkSignalled(t.Context(), []store.Wake{{EnrollmentID: run, Wake: 2}, {EnrollmentID: free, Wake: 2}})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := b.WakeOverdue(t.Context(), b.now().Add(time.Hour), 10); n != 1 || err != nil {
			t.Errorf("woke %d, %v, want the free one", n, err)
		}
		if err := b.MarkStarted(t.Context(), []string{run, free}); err != nil {
			t.Fatal(err)
		}
	})
	if r := b.run(t, run); r.WakeSent != 0 {
		t.Errorf("the held run is %+v", r)
	}
	if r := b.run(t, free); r.WakeSent != 2 || r.Wake != 3 {
		t.Errorf("the free run is %+v", r)
	}
}
