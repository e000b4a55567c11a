package dsl_test

import (
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/phrases"
)

// A condition of a hold is one over the candidate; what has no value holds.
func TestHoldConditions(t *testing.T) {
	t.Parallel()
	h, moment := &dsl.Holding{}, time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	facts := &crm.Facts{Candidate: crm.Candidate{Country: "US", Tags: []string{"nurse"}}, Applications: []crm.Application{{Status: "open", Role: "NUR-7"}}}
	for text, want := range map[string]struct{ held, wrong bool }{
		`candidate.country == "US"`:    {true, false},
		`candidate.country == "DE"`:    {false, false},
		`"nurse" in candidate.tags`:    {true, false},
		`candidate.seniority == "x"`:   {true, false}, // it is not known
		`candidate.country`:            {true, true},
		``:                             {true, true},
		`candidate.email == "x@y.org"`: {true, true},
		`candidate.legal_hold`:         {true, true},
		"true\nmembers: by hand":       {true, true},
	} {
		for range 2 {
			held, err := h.Holds(text, facts, moment)
			if held != want.held || (err != nil) != want.wrong {
				t.Errorf("%q: %v, %v", text, held, err)
			}
			if err != nil && crm.CodeOf(err) != crm.CodeInvalid {
				t.Errorf("%q: %v", text, err)
			}
		}
	}
}

// Whose data is restricted gets nothing but mail about their requests.
func TestRestrictedIsSentNothing(t *testing.T) {
	t.Parallel()
	moment := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	facts := &crm.Facts{Candidate: crm.Candidate{Email: "ana@example.org", RestrictedAt: moment}}
	in := dsl.Intent{Channel: crm.Email, Purpose: crm.PurposeTransactional}
	if got := dsl.Permit(&dsl.Workspace{}, facts, in, moment); got.Skip != dsl.ReasonRestricted {
		t.Errorf("it is %+v", got)
	}
	if in.Request = true; !dsl.Permit(&dsl.Workspace{}, facts, in, moment).OK() {
		t.Error("mail about the request itself is not sent")
	}
}

// The mails about requests are five sequences and three messages in every language.
func TestRequestMails(t *testing.T) {
	t.Parallel()
	if got := len(dsl.RequestMails(&dsl.Workspace{Name: "north"})); got != 5+3*len(phrases.Languages()) {
		t.Errorf("there are %d documents", got)
	}
}
