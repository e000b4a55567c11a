package crm_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// The time to answer is 30 days, or a month where that is shorter, and an extension two months: never past the end of a month that has no such day.
func TestRequestDeadlines(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ received, due, extended string }{
		{"2026-11-02", "2026-12-02", "2027-02-02"},
		{"2026-12-01", "2026-12-31", "2027-02-28"},
		{"2027-01-01", "2027-01-31", "2027-03-31"},
		{"2027-01-29", "2027-02-28", "2027-04-28"},
		{"2027-01-31", "2027-02-28", "2027-04-28"},
		{"2028-01-31", "2028-02-29", "2028-04-29"},
		{"2028-02-10", "2028-03-10", "2028-05-10"},
		{"2027-08-31", "2027-09-30", "2027-11-30"},
		{"2027-11-30", "2027-12-30", "2028-02-29"},
	} {
		received, err := time.Parse(time.DateOnly, test.received)
		if err != nil {
			t.Fatal(err)
		}
		due := crm.RequestDue(received)
		if got := due.Format(time.DateOnly); got != test.due {
			t.Errorf("received on %s it is due on %s, want %s", test.received, got, test.due)
		}
		if got := crm.RequestExtended(due).Format(time.DateOnly); got != test.extended {
			t.Errorf("received on %s it is extended to %s, want %s", test.received, got, test.extended)
		}
	}
}

// Every kind of request can be refused on some ground, and every ground names an article.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, kind := range crm.RequestKinds() {
		if crm.CheckRefusal(kind, "") == nil || crm.CheckRefusal(kind, crm.RefusalIdentity) != nil {
			t.Errorf("%s cannot be refused as it should", kind)
		}
	}
	seen := map[crm.RefusalCode]bool{}
	for _, r := range crm.Refusals() {
		if r.Article == "" || r.Text == "" || len(r.Kinds) == 0 || seen[r.Code] {
			t.Errorf("ground %+v", r)
		}
		seen[r.Code] = true
	}
}

// A refusal until a day promises a deletion on it, so it has to be of one, on a ground that ends, to somebody who is known, and to come.
func TestDecline(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	known := crm.PrivacyRequest{Kind: crm.RequestDeletion, VerifiedAt: now}
	tests := map[string]struct {
		request crm.PrivacyRequest
		decline crm.Decline
		says    string
	}{
		"until a day":                {known, crm.Decline{Ground: crm.RefusalClaims, Until: now.AddDate(0, 1, 0)}, ""},
		"for good":                   {known, crm.Decline{Ground: crm.RefusalClaims}, ""},
		"nobody is known, for good":  {crm.PrivacyRequest{Kind: crm.RequestDeletion}, crm.Decline{Ground: crm.RefusalIdentity}, ""},
		"nobody is known":            {crm.PrivacyRequest{Kind: crm.RequestDeletion}, crm.Decline{Ground: crm.RefusalClaims, Until: now.AddDate(0, 1, 0)}, "It is not known yet who asks"},
		"known with the refusal":     {crm.PrivacyRequest{Kind: crm.RequestDeletion}, crm.Decline{Ground: crm.RefusalClaims, Until: now.AddDate(0, 1, 0), Verified: true}, ""},
		"a ground without an end":    {known, crm.Decline{Ground: crm.RefusalExcessive, Until: now.AddDate(0, 1, 0)}, "does not end by itself"},
		"a day that has passed":      {known, crm.Decline{Ground: crm.RefusalClaims, Until: now}, "has passed"},
		"a correction until a day":   {crm.PrivacyRequest{Kind: crm.RequestRectification, VerifiedAt: now}, crm.Decline{Ground: crm.RefusalAccurate, Until: now.AddDate(0, 1, 0)}, "Only a deletion"},
		"a ground of another kind":   {known, crm.Decline{Ground: crm.RefusalAccurate}, "needs a ground"},
		"more words than anyone can": {known, crm.Decline{Ground: crm.RefusalClaims, Answer: strings.Repeat("x", 8001)}, "too long"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := test.decline.Check(&test.request, now)
			if test.says == "" && err != nil || test.says != "" && (crm.CodeOf(err) != crm.CodeInvalid || !strings.Contains(err.Error(), test.says)) {
				t.Errorf("it says %v", err)
			}
		})
	}
}
