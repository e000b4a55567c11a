package crm_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
)

func day(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }

func TestAbsorb(t *testing.T) {
	t.Parallel()
	score := crm.Score{Points: 7, At: day(20)}
	for name, tc := range map[string]struct{ into, from, want crm.Candidate }{
		"what the survivor has stays": {
			crm.Candidate{ID: "s", ExternalID: "A", Email: "a@x.example", Status: "lead"},
			crm.Candidate{ID: "f", ExternalID: "B", Email: "b@x.example", Status: "hired"},
			crm.Candidate{ID: "s", ExternalID: "A", Email: "a@x.example", Status: "lead"},
		},
		"what is missing is taken over": {
			crm.Candidate{ID: "s", Email: "a@x.example"},
			crm.Candidate{ID: "f", ExternalID: "B", Email: "b@x.example", Phone: "+447700900001", Owner: "maya@x.example"},
			crm.Candidate{ID: "s", ExternalID: "B", Email: "a@x.example", Phone: "+447700900001", Owner: "maya@x.example"},
		},
		"lists are united, the survivor's first": {
			crm.Candidate{Skills: []string{"go", "sql"}},
			crm.Candidate{Skills: []string{"sql", "css"}, Tags: []string{"alumni"}},
			crm.Candidate{Skills: []string{"go", "sql", "css"}, Tags: []string{"alumni"}},
		},
		"attributes are merged by key": {
			crm.Candidate{Attributes: map[string]any{"band": 5, "notice": "1m"}},
			crm.Candidate{Attributes: map[string]any{"band": 6, "visa": true}},
			crm.Candidate{Attributes: map[string]any{"band": 5, "notice": "1m", "visa": true}},
		},
		"scores add up": {
			crm.Candidate{Score: 4, ScoredAt: day(1)}, crm.Candidate{Score: 8, ScoredAt: day(2)}, crm.Candidate{Score: 7, ScoredAt: day(20)},
		},
		"no other score says nothing new": {
			crm.Candidate{Score: 4, ScoredAt: day(1)}, crm.Candidate{}, crm.Candidate{Score: 4, ScoredAt: day(1)},
		},
		"a legal hold on either holds": {crm.Candidate{}, crm.Candidate{LegalHold: true}, crm.Candidate{LegalHold: true}},
		"the earlier creation and the latest of the rest": {
			crm.Candidate{CreatedAt: day(3), LastActivityAt: day(4), LastContactedAt: day(9)},
			crm.Candidate{CreatedAt: day(2), LastActivityAt: day(8), LastContactedAt: day(5), LastDecisionAt: day(6)},
			crm.Candidate{CreatedAt: day(2), LastActivityAt: day(8), LastContactedAt: day(9), LastDecisionAt: day(6)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.into.Absorb(&tc.from, score)
			if diff := cmp.Diff(tc.want, tc.into); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A copy of the candidate shares its slices and maps: what was read must not change.
func TestAbsorbLeavesCopiesAlone(t *testing.T) {
	t.Parallel()
	before := crm.Candidate{Tags: append(make([]string, 0, 4), "a"), Attributes: map[string]any{"x": 1}}
	from := crm.Candidate{Tags: []string{"b"}, Attributes: map[string]any{"y": 2}}
	after := before
	after.Absorb(&from, crm.Score{})
	if len(before.Attributes) != 1 || len(from.Attributes) != 1 || before.Tags[:2][1] != "" {
		t.Errorf("changed: %v, %v, %v", before, from, before.Tags[:2])
	}
}

func TestFurther(t *testing.T) {
	t.Parallel()
	run := func(started int, occurrences ...int) *crm.Enrollment {
		e := &crm.Enrollment{StartedAt: day(started), Progress: crm.Progress{Steps: map[string]crm.StepState{}}}
		for i, n := range occurrences {
			e.Progress.Steps[string(rune('a'+i))] = crm.StepState{Occurrence: n}
		}
		return e
	}
	for name, tc := range map[string]struct {
		a, b *crm.Enrollment
		want bool
	}{
		"more steps":            {run(9, 1, 1), run(1, 1), true},
		"fewer steps":           {run(1, 1), run(9, 1, 1), false},
		"rounds count":          {run(9, 3), run(1, 1, 1), true},
		"as far, began earlier": {run(1, 1), run(2, 1), true},
		"as far, began later":   {run(2, 1), run(1, 1), false},
		"equal":                 {run(1), run(1), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tc.a.Further(tc.b); got != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestShift(t *testing.T) {
	t.Parallel()
	steps := map[string]crm.StepState{"a": {Position: 2, Outcome: "sent"}}
	p := crm.Progress{At: "b", ReachedPos: 3, Checked: 4, Seen: 5, Calling: 6, Steps: steps}
	p.Shift(10)
	want := crm.Progress{At: "b", ReachedPos: 13, Checked: 14, Seen: 15, Calling: 6, Steps: map[string]crm.StepState{"a": {Position: 12, Outcome: "sent"}}}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if steps["a"].Position != 2 {
		t.Error("the map that was read has changed")
	}
}

func TestWorkflowIDStays(t *testing.T) {
	t.Parallel()
	e := crm.Enrollment{Definition: "nurses", CandidateID: "cnd_1", N: 2}
	if got := e.WorkflowID(); got != "sequence/nurses/cnd_1/2" {
		t.Errorf("got %s", got)
	}
	e.Workflow, e.CandidateID, e.N = e.WorkflowID(), "cnd_2", 3
	if got := e.WorkflowID(); got != "sequence/nurses/cnd_1/2" {
		t.Errorf("after a merge got %s", got)
	}
}
