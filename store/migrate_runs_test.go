package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// onto moves every run to a version; those that stand at "odd" are refused.
func onto(hash string) func(*crm.Enrollment) (*crm.Migration, error) {
	return func(run *crm.Enrollment) (*crm.Migration, error) {
		m := &crm.Migration{Hash: hash, Version: 2, Listens: []string{"message.opened"}, Progress: run.Progress}
		m.Landing = crm.Landing{Kind: crm.LandMoves, From: run.Progress.At, To: "letter"}
		m.Progress.At = "letter"
		if run.Progress.At == "odd" {
			m.Landing = crm.Landing{Kind: crm.LandRefused, From: "odd", Reason: "It is odd."}
		}
		return m, nil
	}
}

// crowd begins runs of the sequence nurture and lets them wait somewhere.
func (b *bundle) crowd(t *testing.T, places ...string) []string {
	t.Helper()
	var runs []string
	for i, at := range places {
		run := b.enroll(t, b.candidate(t, fmt.Sprint("C-", i)), "nurture")
		b.decide(t, run, func(_ *crm.Facts, d *crm.Decision) { d.Progress.At = at })
		runs = append(runs, run)
	}
	return runs
}

func TestMigrateRunsResumes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.apply(t, sequence("nurture", "one"))
	runs := b.crowd(t, "wait", "odd", "wait", "wait", "wait")
	b.decide(t, runs[4], func(_ *crm.Facts, d *crm.Decision) { d.Command, d.Outcome = crm.CommandExit, "completed" })
	wakes := b.run(t, runs[0]).Wake

	moved, next, err := b.MigrateRuns(t.Context(), "nurture", "hash two", "", 2, onto("hash two"))
	if err != nil || len(moved) != 2 || next == "" {
		t.Fatalf("the first part: %+v, next %q, %v", moved, next, err)
	}
	// The process dies here, in the middle of the second part, which leaves nothing behind.
	broken := errors.New("killed")
	if _, _, err := b.MigrateRuns(t.Context(), "nurture", "hash two", next, 2, func(*crm.Enrollment) (*crm.Migration, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
	// It is begun again from the start, twice.
	var all []store.Moved
	for range 2 {
		for after := ""; ; after = next {
			if moved, next, err = b.MigrateRuns(t.Context(), "nurture", "hash two", after, 2, onto("hash two")); err != nil {
				t.Fatal(err)
			}
			all = append(all, moved...)
			if next == "" {
				break
			}
		}
	}
	count := map[crm.LandingKind]int{}
	for _, m := range all {
		count[m.Landing.Kind]++
	}
	if count[crm.LandRefused] != 2 || count[crm.LandMoves] > 3 {
		t.Errorf("again: %v", count)
	}
	for i, id := range runs {
		run := b.run(t, id)
		if i == 1 || i == 4 { // refused, closed
			if run.Hash == "hash two" || run.Wake != wakes {
				t.Errorf("run %d was moved: %+v", i, run)
			}
			continue
		}
		if run.Hash != "hash two" || run.Version != 2 || run.Progress.At != "letter" || !slices.Equal(run.Listens, []string{"message.opened"}) || run.Wake != wakes+1 {
			t.Errorf("run %d is %+v, want it moved and woken once", i, run)
		}
		entries, _, err := b.Timeline(t.Context(), run.CandidateID, 100, "")
		if err != nil {
			t.Fatal(err)
		}
		notes := 0
		for _, e := range entries {
			if e.Kind == store.EntryKind(crm.NoteMigrated) && e.Step == "wait" && e.Outcome == "letter" {
				notes++
			}
		}
		if notes != 1 {
			t.Errorf("run %d: its timeline tells %d times that it was migrated", i, notes)
		}
	}
}

func TestMigrateRunsWaitsForDecisions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.apply(t, sequence("nurture", "one"))
	run := b.crowd(t, "wait")[0]
	turn, err := b.Begin(t.Context(), run, 1)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, _, err := b.MigrateRuns(t.Context(), "nurture", "hash two", "", 10, func(r *crm.Enrollment) (*crm.Migration, error) {
			if r.Progress.At != "further" {
				t.Errorf("it is moved from %q, where it no longer stands", r.Progress.At)
			}
			return onto("hash two")(r)
		})
		done <- err
	}()
	b.awaitLockWaiter(t)
	f := turn.Facts()
	d := &crm.Decision{EnrollmentID: run, Seq: f.Enrollment.Seq + 1, At: b.now(), Command: crm.CommandWait, Progress: crm.Progress{At: "further"}}
	if err := turn.Commit(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := b.run(t, run); got.Hash != "hash two" {
		t.Errorf("got %+v", got)
	}
}

func TestPublishRemoves(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one := sequence("nurture", "one")
	b.apply(t, one, sequence("other", "x"))
	run := b.crowd(t, "wait")[0]
	generation, err := b.DefinitionsGeneration(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := &store.Publication{Documents: []crm.Document{sequence("other", "y")}, Remove: []crm.Document{one}, Generation: &generation}
	stale := generation - 1
	_, err = b.Publish(t.Context(), &store.Publication{Documents: p.Documents, Remove: p.Remove, Generation: &stale}, b.now())
	wantCode(t, err, crm.CodeConflict)
	if active, _, err := b.ActiveDefinitions(t.Context()); err != nil || len(active) != 2 || active[1].Source != "x" {
		t.Fatalf("a refused publication has changed something: %+v, %v", active, err)
	}
	if _, _, err := b.StopRuns(t.Context(), "nurture", "test", "", 10, b.now()); err != nil {
		t.Fatal(err)
	}
	applied, err := b.Publish(t.Context(), p, b.now())
	if err != nil || len(applied) != 2 || applied[1].Status != store.StatusRemoved || applied[1].Version != 1 {
		t.Fatalf("%+v, %v", applied, err)
	}
	active, after, err := b.ActiveDefinitions(t.Context())
	if err != nil || len(active) != 1 || after != generation+1 {
		t.Errorf("in force are %+v of generation %d, %v", active, after, err)
	}
	if d, err := b.DefinitionByHash(t.Context(), one.Hash); err != nil || d.Active || d.Source != "one" {
		t.Errorf("a run finds its version: %+v, %v", d, err)
	}
	if again, err := b.Publish(t.Context(), &store.Publication{Remove: p.Remove}, b.now()); err != nil || len(again) != 0 {
		t.Errorf("removed again: %+v, %v", again, err)
	}

	for range 2 {
		if n, next, err := b.StopRuns(t.Context(), "nurture", "test", "", 10, b.now()); err != nil || n != 1 || next != "" {
			t.Errorf("%d runs stopped, next %q, %v", n, next, err)
		}
	}
	var stops []crm.Event
	for _, e := range b.drain(t, b.run(t, run).CandidateID) {
		if e.Type == crm.ControlStop && e.Text("enrollment") == run {
			stops = append(stops, e)
		}
	}
	if len(stops) != 1 {
		t.Errorf("the run was asked to stop %d times, also while its sequence was in force", len(stops))
	}
	b.apply(t, one)
	if got := b.apply(t, one); got[0] != "sequence/nurture v1 unchanged" {
		t.Errorf("it came back as %v", got)
	}
}

func TestAudience(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ids := []string{b.candidate(t, "A"), b.candidate(t, "B", grant("news", crm.Email)), b.candidate(t, "C")}
	slices.Sort(ids)
	for _, id := range ids[:2] {
		b.exec(t, "insert into pool_members (pool, candidate_id, since) values ('nurses', $1, now())", id)
	}
	run := b.enroll(t, ids[0], "nurture")
	var all, members []crm.Inbox
	for after := ""; ; {
		found, next, err := b.Audience(t.Context(), nil, []string{"nurture"}, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if all = append(all, found...); next == "" {
			break
		}
		after = next
	}
	members, next, err := b.Audience(t.Context(), []string{"nurses"}, nil, "", 10)
	if err != nil || len(all) != 3 || len(members) != 2 || next != "" {
		t.Fatalf("%d candidates, %d members, next %q, %v", len(all), len(members), next, err)
	}
	if a := all[0]; a.Candidate.ID != ids[0] || len(a.Runs) != 1 || a.Runs[0].ID != run || !slices.Equal(a.Enrolled, []string{"nurture"}) || !slices.Equal(a.Pools, []string{"nurses"}) {
		t.Errorf("got %+v", a)
	}
	if len(members[0].Runs) != 0 || len(all[2].Pools) != 0 {
		t.Errorf("got %+v and %+v", members[0], all[2])
	}
	if n, err := b.CountMembers(t.Context(), "nurses"); err != nil || n != 2 {
		t.Errorf("%d members, %v", n, err)
	}
}
