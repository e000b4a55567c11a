package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// turn has a run of a policy that acts, and has something to do for one candidate.
func (b *bundle) turn(t *testing.T, s *store.Store, candidate string) store.RetentionTurn {
	t.Helper()
	turn := store.RetentionTurn{Policy: "quiet", Day: "2026-11-22", Candidate: candidate, At: b.now()}
	run, err := s.BeginRetention(t.Context(), &crm.RetentionRun{Policy: turn.Policy, Day: turn.Day, Workflow: "retention/quiet", Hash: "h", At: b.now()})
	if err != nil {
		t.Fatal(err)
	}
	run.State = crm.RetentionActing
	if ours, err := s.LookedAt(t.Context(), run, "", []string{candidate}); err != nil || !ours {
		t.Fatal(ours, err)
	}
	return turn
}

func takes(b *bundle) func(c *crm.RetentionCase) crm.RetentionAct {
	return func(c *crm.RetentionCase) crm.RetentionAct {
		what := b.erasure(c.Facts.Candidate.ID)
		return crm.RetentionAct{Erasure: &what}
	}
}

// A hold on a role locks nobody, so it can be placed in the middle of a turn. The erasure sees it, and the run goes on with the next.
func TestHoldInTheMiddleOfATurn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := b.reading(t)
	id := b.candidate(t, "ATS-1")
	b.dispatchNothing(t, id)
	b.exec(t, "update applications set role = 'NUR-7' where id = $1", b.application(t, id, "APP-1"))
	turn := b.turn(t, s, id)
	result, err := s.Retain(t.Context(), turn, func(c *crm.RetentionCase) crm.RetentionAct {
		if len(c.Holds) > 0 {
			t.Errorf("holds are %v", c.Holds)
		}
		if _, err := b.AddHold(t.Context(), crm.Hold{Role: "NUR-7", Why: "a claim", By: "lena"}); err != nil {
			t.Error(err)
		}
		return takes(b)(c)
	})
	if err != nil || result != crm.RetentionKept {
		t.Fatalf("%s, %v", result, err)
	}
	run, err := s.RetentionRun(t.Context(), turn.Policy, turn.Day)
	if err != nil || run.Taken != 0 || run.Kept[crm.KeptHold] != 1 {
		t.Errorf("the run is %+v, %v", run, err)
	}
	if left, _, err := s.RetentionActs(t.Context(), turn.Policy, turn.Day, b.now(), 10); err != nil || len(left) > 0 {
		t.Errorf("%v is left to be done, %v", left, err)
	}
}

// While an event of theirs waits to be decided on, nobody's turn comes: it may be a yes.
func TestTurnWaitsForEvents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	b.dispatchNothing(t, id)
	turn := b.turn(t, b.Store, id)
	b.receive(t, b.event("consent.granted", id, map[string]any{"purpose": "news"}))
	result, err := b.Retain(t.Context(), turn, func(*crm.RetentionCase) crm.RetentionAct {
		t.Error("it is decided what is done with them")
		return crm.RetentionAct{}
	})
	if err != nil || result != crm.RetentionLater {
		t.Fatalf("%s, %v", result, err)
	}
	b.dispatchNothing(t, id)
	if result, err = b.Retain(t.Context(), turn, takes(b)); err != nil || result != crm.RetentionTaken {
		t.Fatalf("%s, %v", result, err)
	}
}

// dispatchNothing decides on the events of a candidate that nothing follows from them.
func (b *bundle) dispatchNothing(t *testing.T, id string) {
	t.Helper()
	b.exec(t, "update events set position = 1, dispatched_at = $2 where candidate_id = $1 and position is null", id, b.now())
}

// A case has the holds of every kind that are on the candidate, and those of nobody else.
func TestCasesHaveAllHolds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := b.reading(t)
	german := b.upsert(t, store.Write{Candidate: crm.Candidate{ExternalID: "ATS-1", Country: "DE"}})[0].ID
	french := b.upsert(t, store.Write{Candidate: crm.Candidate{ExternalID: "ATS-2", Country: "FR"}})[0].ID
	b.exec(t, "update applications set role = 'NUR-7' where id = $1", b.application(t, german, "APP-1"))
	until := b.now().Add(24 * time.Hour)
	for _, h := range []crm.Hold{{Condition: "DE", Until: until}, {Condition: "FR"}, {Role: "NUR-7"}, {Role: "NUR-8"}, {CandidateID: german}} {
		h.Why, h.By = h.Condition+h.Role+h.CandidateID, "lena"
		if _, err := s.AddHold(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
	lifted, err := s.AddHold(t.Context(), crm.Hold{Role: "NUR-7", Why: "over", By: "lena"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.LiftHold(t.Context(), lifted.ID, "lena", b.now()); err != nil {
		t.Fatal(err)
	}
	cases, err := s.RetentionCases(t.Context(), "", 10, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]crm.RetentionHold{}
	for i := range cases {
		got[cases[i].Facts.Candidate.ID] = cases[i].Holds
	}
	want := map[string][]crm.RetentionHold{german: {{Why: german}, {Why: "DE", Until: until}, {Why: "NUR-7"}}, french: {{Why: "FR"}}}
	byReason := cmpopts.SortSlices(func(a, b crm.RetentionHold) bool { return a.Why < b.Why })
	if diff := cmp.Diff(want, got, byReason); diff != "" {
		t.Error(diff)
	}
}
