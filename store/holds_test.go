package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// reading opens the store once more, with a reader of conditions that knows one: the candidate's country.
func (b *bundle) reading(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), b.dsn, store.Options{Now: b.now, MaxConns: 4, Receipts: receiptKey(), Holding: func(condition string, f *crm.Facts, _ time.Time) (bool, error) {
		if condition == "?" {
			return false, errors.New("it cannot be read")
		}
		return f.Candidate.Country == condition, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// A hold of any kind stops an erasure until it is lifted or ends, and nobody else's.
func TestHoldsStopErasures(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		hold  func(candidate, application string) crm.Hold
		held  bool
		until time.Duration
	}{
		"on the candidate":         {hold: func(c, _ string) crm.Hold { return crm.Hold{CandidateID: c} }, held: true},
		"by external id":           {hold: func(_, _ string) crm.Hold { return crm.Hold{CandidateID: "ATS-1"} }, held: true},
		"on an application":        {hold: func(_, a string) crm.Hold { return crm.Hold{ApplicationID: a} }, held: true},
		"on a role":                {hold: func(_, _ string) crm.Hold { return crm.Hold{Role: "NUR-7"} }, held: true},
		"on another role":          {hold: func(_, _ string) crm.Hold { return crm.Hold{Role: "NUR-8"} }},
		"by a condition":           {hold: func(_, _ string) crm.Hold { return crm.Hold{Condition: "DE"} }, held: true},
		"by another condition":     {hold: func(_, _ string) crm.Hold { return crm.Hold{Condition: "FR"} }},
		"by one nobody can read":   {hold: func(_, _ string) crm.Hold { return crm.Hold{Condition: "?"} }, held: true},
		"until tomorrow":           {hold: func(c, _ string) crm.Hold { return crm.Hold{CandidateID: c} }, held: true, until: 24 * time.Hour},
		"on a role until tomorrow": {hold: func(_, _ string) crm.Hold { return crm.Hold{Role: "NUR-7"} }, held: true, until: 24 * time.Hour},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			s := b.reading(t)
			id := b.upsert(t, store.Write{Candidate: crm.Candidate{ExternalID: "ATS-1", Country: "DE", Email: "ana@example.org"}})[0].ID
			b.pass(time.Second) // ids go by time
			b.candidate(t, "another")
			application := b.application(t, id, "APP-1")
			b.exec(t, "update applications set role = 'NUR-7' where id = $1", application)
			h := test.hold(id, application)
			h.Why, h.By = "a claim", "lena"
			if test.until > 0 {
				h.Until = b.now().Add(test.until)
			}
			placed, err := s.AddHold(t.Context(), h)
			if err != nil {
				t.Fatal(err)
			}
			c, _, err := s.Candidate(t.Context(), id)
			if err != nil || c.LegalHold != (test.held && h.Condition == "") {
				t.Errorf("the candidate is shown with hold %v, %v", c.LegalHold, err)
			}
			cases, err := s.RetentionCases(t.Context(), "", 10, nil)
			if err != nil || len(cases) != 2 || (len(cases[0].Holds) == 1) != test.held || len(cases[1].Holds) > 0 && h.Condition != "?" {
				t.Errorf("the cases are %+v, %v", cases, err)
			}
			what := crm.Erasure{Candidate: id, Mode: crm.RetentionErase, Rule: "request", Reason: "art-17", By: "lena", At: b.now()}
			_, err = s.Erase(t.Context(), what)
			if _, held := errors.AsType[crm.HeldError](err); held != test.held || held != (err != nil) {
				t.Fatalf("erased with %v", err)
			}
			if !test.held {
				return
			}
			if test.until > 0 {
				b.pass(test.until)
			} else if _, err := s.LiftHold(t.Context(), placed.ID, "lena", b.now()); err != nil {
				t.Fatal(err)
			}
			if c, _, err := s.Candidate(t.Context(), id); err != nil || c.LegalHold {
				t.Errorf("the hold is over, and shown: %v", err)
			}
			what.At = b.now()
			if _, err := s.Erase(t.Context(), what); err != nil {
				t.Errorf("the hold is over, and erasing says %v", err)
			}
		})
	}
}

// Where nobody can read conditions, one holds everybody.
func TestConditionHoldsWithoutReader(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	if _, err := b.AddHold(t.Context(), crm.Hold{Condition: "FR", Why: "a claim", By: "lena"}); err != nil {
		t.Fatal(err)
	}
	_, err := b.Erase(t.Context(), crm.Erasure{Candidate: id, Mode: crm.RetentionErase, Rule: "request", Reason: "art-17", By: "lena", At: b.now()})
	if crm.CodeOf(err) != crm.CodeConflict {
		t.Errorf("erased with %v", err)
	}
}

func TestHoldsStayOnRecord(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	h, err := b.AddHold(t.Context(), crm.Hold{CandidateID: id, Why: "a claim", By: "lena"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.LiftHold(t.Context(), h.ID, "omar", b.now()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.LiftHold(t.Context(), h.ID, "omar", b.now()); crm.CodeOf(err) != crm.CodeConflict {
		t.Errorf("lifted twice: %v", err)
	}
	if _, err := b.LiftHold(t.Context(), "hld_none", "omar", b.now()); crm.CodeOf(err) != crm.CodeNotFound {
		t.Errorf("lifted what is not there: %v", err)
	}
	inForce, _, err := b.ListHolds(t.Context(), store.HoldFilter{Candidate: "ATS-1"})
	if err != nil || len(inForce) != 0 {
		t.Errorf("in force are %v, %v", inForce, err)
	}
	all, _, err := b.ListHolds(t.Context(), store.HoldFilter{Candidate: "ATS-1", Ended: true})
	if err != nil || len(all) != 1 || all[0].LiftedBy != "omar" || all[0].Why != "a claim" {
		t.Errorf("on record are %v, %v", all, err)
	}
	for name, bad := range map[string]crm.Hold{
		"on nobody": {Why: "x", By: "y"}, "on two": {CandidateID: id, Role: "r", Why: "x", By: "y"}, "without a reason": {CandidateID: id, By: "y"},
		"ended": {CandidateID: id, Why: "x", By: "y", Until: b.now()},
	} {
		if _, err := b.AddHold(t.Context(), bad); crm.CodeOf(err) != crm.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
