package crm_test

import (
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
