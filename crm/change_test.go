package crm_test

import (
	"slices"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

func TestApply(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change  crm.CandidateChange
		changed []string
		fails   bool
	}{
		"nothing":       {change: crm.CandidateChange{}},
		"text":          {change: crm.CandidateChange{Set: map[string]any{"status": "hired"}}, changed: []string{"status"}},
		"same text":     {change: crm.CandidateChange{Set: map[string]any{"status": "lead"}}},
		"list":          {change: crm.CandidateChange{Set: map[string]any{"skills": []any{"icu", "theatre"}}}, changed: []string{"skills"}},
		"score":         {change: crm.CandidateChange{Set: map[string]any{"score": 3.0}, Score: &crm.Score{Points: 2}}, changed: []string{"score"}},
		"legal hold":    {change: crm.CandidateChange{Set: map[string]any{"legal_hold": true}}, changed: []string{"legal_hold"}},
		"attribute":     {change: crm.CandidateChange{Set: map[string]any{"attributes.band": "7"}}, changed: []string{"attributes"}},
		"number there":  {change: crm.CandidateChange{Set: map[string]any{"attributes.rank": 3, "attributes.wards": []string{"icu"}}}},
		"no attribute":  {change: crm.CandidateChange{Set: map[string]any{"attributes.band": nil}}, changed: []string{"attributes"}},
		"tags":          {change: crm.CandidateChange{Tag: []string{"b", "b"}, Untag: []string{"a", "z"}}, changed: []string{"tags"}},
		"tag there is":  {change: crm.CandidateChange{Tag: []string{"a"}}},
		"unknown field": {change: crm.CandidateChange{Set: map[string]any{"id": "x"}}, fails: true},
		"wrong text":    {change: crm.CandidateChange{Set: map[string]any{"status": 1}}, fails: true},
		"wrong list":    {change: crm.CandidateChange{Set: map[string]any{"skills": []any{1}}}, fails: true},
		"wrong score":   {change: crm.CandidateChange{Set: map[string]any{"score": "1.5"}}, fails: true},
		"wrong hold":    {change: crm.CandidateChange{Set: map[string]any{"legal_hold": "yes"}}, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := crm.Candidate{ID: "cnd_1", Status: "lead", Tags: []string{"a"}, Attributes: map[string]any{
				"band": "6", "rank": 3.0, "wards": []any{"icu"}, // as they are read back
			}}
			after := before
			if err := after.Apply(&test.change); (err != nil) != test.fails {
				t.Fatalf("got error %v", err)
			}
			if test.fails {
				return
			}
			if got := after.Changed(&before); !slices.Equal(got, test.changed) {
				t.Errorf("changed %v, want %v", got, test.changed)
			}
			if before.Attributes["band"] != "6" || !slices.Equal(before.Tags, []string{"a"}) {
				t.Errorf("the change reached the candidate before: %+v", before)
			}
		})
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	old := func() crm.Candidate {
		return crm.Candidate{
			ID: "cnd_1", City: "Leeds", Skills: []string{"icu"}, Score: 4, LegalHold: true, Attributes: map[string]any{"a": 1, "b": 2},
			LastActivityAt: day,
		}
	}
	for name, test := range map[string]struct {
		given   crm.Candidate
		present map[string]bool
		changed []string
	}{
		"what is empty says nothing":        {crm.Candidate{}, nil, nil},
		"what is given and empty clears":    {crm.Candidate{}, map[string]bool{"city": true, "skills": true, "score": true}, []string{"city", "score", "skills"}},
		"what is not given says nothing":    {crm.Candidate{City: "York"}, map[string]bool{"skills": false}, nil},
		"what is not empty is taken":        {crm.Candidate{City: "York", Score: 5}, nil, []string{"city", "score"}},
		"attributes are merged":             {crm.Candidate{Attributes: map[string]any{"a": nil, "c": 3}}, nil, []string{"attributes"}},
		"the same attribute is no change":   {crm.Candidate{Attributes: map[string]any{"a": 1}}, nil, nil},
		"ids and old times are left alone":  {crm.Candidate{ID: "cnd_2", LastActivityAt: day.Add(-time.Hour)}, nil, nil},
		"a hold is lifted only by its name": {crm.Candidate{}, map[string]bool{"legal_hold": true}, []string{"legal_hold"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, after := old(), old()
			after.Merge(&test.given, test.present)
			if got := after.Changed(&before); !slices.Equal(got, test.changed) {
				t.Errorf("changed %v, want %v", got, test.changed)
			}
			if after.ID != "cnd_1" || !after.LastActivityAt.Equal(day) {
				t.Errorf("merged into %+v", after)
			}
		})
	}
	c := old()
	c.Merge(&crm.Candidate{LastActivityAt: day.Add(time.Hour), LastDecisionAt: day}, nil)
	if !c.LastActivityAt.Equal(day.Add(time.Hour)) || !c.LastDecisionAt.Equal(day) {
		t.Errorf("times did not move forward: %+v", c)
	}
}
