package retention_test

import (
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/retention"
)

// Somebody is in the week of their notice and in that of their end, by the policy that takes them; parts add up.
func TestForecast(t *testing.T) {
	t.Parallel()
	r := rules(t, documents(maximum("short", "6mo", "candidate.last_decision_at", asks), maximum("long", "2y", "candidate.last_decision_at")))
	at := on(t, "2026-06-01T12:00")
	whole, part := retention.NewForecast(at, 90), retention.NewForecast(at, 90)
	if len(whole.Weeks) != 13 {
		t.Fatalf("%d weeks", len(whole.Weeks))
	}
	if !whole.Add(r.Judge(rejected(t), at), "short") { // told on 15 June at three in the morning, gone after 15 July
		t.Error("nobody is reached")
	}
	late := rejected(t)
	late.Facts.Candidate.LastDecisionAt = on(t, "2026-05-30T10:00")
	if part.Add(r.Judge(late, at), "short") {
		t.Error("somebody is reached who is not")
	}
	over := rejected(t)
	over.Facts.Candidate.LastDecisionAt = on(t, "2025-01-15T10:00")
	over.Notices = []crm.RetentionNotice{{Policy: "short", Until: on(t, "2025-07-15T10:00"), Due: on(t, "2025-08-16T03:00"), At: on(t, "2025-07-01T03:00"), State: crm.NoticeSent}}
	part.Add(r.Judge(over, at), "short")
	whole.Merge(part)
	if noticed, taken := whole.Totals(); noticed != 1 || taken != 2 || whole.Looked != 3 || whole.Scope != 3 || whole.Now != 1 {
		t.Errorf("the forecast is %+v", whole)
	}
	if whole.Weeks[0].Taken != 1 || whole.Weeks[1].Noticed != 1 || whole.Weeks[6].Taken != 1 {
		t.Errorf("the weeks are %+v", whole.Weeks)
	}
	other := retention.NewForecast(at, 90)
	if other.Add(r.Judge(rejected(t), at), "long") || other.Scope != 0 {
		t.Errorf("the other policy takes %+v", other)
	}
}

// A run is on its day by the clocks of its zone, and those that a clock change moves are known.
func TestShifted(t *testing.T) {
	t.Parallel()
	r := rules(t, maximum("early", "6mo", "candidate.last_decision_at", `daily: {at: "02:30", zone: Europe/Berlin}`))
	if day := r.Day("early", time.Date(2026, 3, 28, 23, 30, 0, 0, time.UTC)); day != "2026-03-29" {
		t.Errorf("the day is %s", day)
	}
	got := r.Shifted("early", on(t, "2026-01-01T00:00"), on(t, "2027-01-01T00:00"))
	if len(got) != 1 || !got[0].Equal(on(t, "2026-03-29T03:00")) || got[0].Hour() != 3 || got[0].Minute() != 0 {
		t.Errorf("shifted are %v", got)
	}
	if at := on(t, "2026-01-01T00:00"); r.Day("none", at) != "" || r.Shifted("none", at, at.AddDate(1, 0, 0)) != nil {
		t.Error("a policy that there is not has runs")
	}
}
