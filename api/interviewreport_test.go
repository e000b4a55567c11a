package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

func TestInterviewReport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(http.MethodPut, "/v1/interviewers/maya@trust.example", object{"name": "Maya Shah", "groups": []string{"recruiters"}}).want(200, nil)
	reader := w.key("interviewers:read")
	var r api.InterviewReport
	w.callAs(reader, http.MethodGet, "/v1/reports/interviews?from=2026-11-01&to=2026-11-30", nil).want(200, &r)
	if r.To.Sub(r.From) != 30*24*time.Hour || len(r.Interviewers) != 1 || r.Interviewers[0].Name != "Maya Shah" || len(r.Groups) != 1 || len(r.Rounds) != 0 {
		t.Errorf("%+v", r)
	}
	w.callAs(reader, http.MethodGet, "/v1/reports/interviews", nil).want(200, nil)
	w.callAs(w.key("events:read"), http.MethodGet, "/v1/reports/interviews", nil).problem(403, api.CodeForbidden)
	for _, query := range []string{"from=yesterday", "from=2026-11-02&to=2026-11-01", "from=2024-01-01&to=2026-01-01"} {
		w.call(http.MethodGet, "/v1/reports/interviews?"+query, nil).problem(422, api.CodeInvalid)
	}
}

// A made-up month of one round, whose answers were worked out by hand.
func TestRoundReports(t *testing.T) {
	t.Parallel()
	day := func(n int, hour float64) time.Time {
		return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC).Add(time.Duration(hour * float64(time.Hour)))
	}
	slot := func(n int) crm.Slot { return crm.Slot{StartsAt: day(n, 10), EndsAt: day(n, 11)} }
	panel := func(cards ...time.Time) (all []crm.Panelist) {
		for _, at := range cards {
			p := crm.Panelist{}
			if !at.IsZero() {
				p.Scorecard = &crm.Scorecard{At: at}
			}
			all = append(all, p)
		}
		return append(all, crm.Panelist{Shadow: true})
	}
	story := func(run string, state crm.MeetingState, change func(m *store.MeetingStory)) store.MeetingStory {
		m := store.MeetingStory{Meeting: crm.Meeting{Definition: "onsite", Round: "screen", EnrollmentID: run, State: state, CreatedAt: day(2, 9), OfferedAt: day(2, 10)}}
		change(&m)
		return m
	}
	stories := []store.MeetingStory{
		story("a", crm.MeetingCompleted, func(m *store.MeetingStory) {
			m.Slot, m.PickedAt, m.FirstBooked, m.Panel = slot(5), day(2, 12), day(2, 12), panel(day(5, 12), day(7, 9))
		}),
		story("b", crm.MeetingNoShow, func(m *store.MeetingStory) { m.Slot, m.PickedAt, m.FirstBooked = slot(6), day(2, 14), day(2, 19) }),
		story("b", crm.MeetingBooked, func(m *store.MeetingStory) {
			m.Slot, m.PickedAt, m.FirstBooked, m.Moves, m.Panel = slot(19), day(3, 10), day(3, 9), 2, panel(time.Time{})
		}),
		story("c", crm.MeetingBooked, func(m *store.MeetingStory) { m.Slot, m.FirstBooked, m.Panel = slot(10), day(2, 10), panel(time.Time{}) }),
		story("d", crm.MeetingCancelled, func(m *store.MeetingStory) { m.Reason = crm.RoundGaveUp }),
		story("e", crm.MeetingCancelled, func(m *store.MeetingStory) { m.Reason = "candidate" }),
		story("f", crm.MeetingOffered, func(*store.MeetingStory) {}),
	}
	stories = append(stories, store.MeetingStory{Meeting: crm.Meeting{Definition: "onsite", Round: "panel", EnrollmentID: "a", State: crm.MeetingAsked}})
	due := func(m *crm.Meeting) time.Time { return m.EndsAt.AddDate(0, 0, 1) }
	got := api.RoundReports(stories, due, day(20, 0))
	want := []api.RoundReport{
		{
			Interview: "onsite", Round: "screen", Loops: 6, Meetings: 7, Booked: 4, Held: 3, Rescheduled: 2, NoShows: 1, Cancelled: 1, GaveUp: 1, Open: 1,
			ToPick: api.Spread{Count: 3, Median: 4, P90: 24}, ToSchedule: api.Spread{Count: 4, Median: 6.5, P90: 24},
			Scorecards: api.ScorecardReport{OnTime: 1, Late: 1, Missing: 1, Due: 1},
		},
		{Interview: "onsite", Round: "panel", Loops: 1, Meetings: 1, Open: 1, Scorecards: api.ScorecardReport{}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestGroupShares(t *testing.T) {
	t.Parallel()
	leads := []string{"leads"}
	got := api.GroupShares([]store.InterviewerLoad{
		{ID: "a", Name: "Ada", Groups: leads, Weight: 1, Active: true, Held: 1},
		{ID: "b", Email: "bo@x.example", Groups: leads, Weight: 2, Active: true, Held: 2, Upcoming: 1},
		{ID: "c", Name: "Cy", Groups: leads, Weight: 1, Active: true, Trainee: true, Shadowed: 4},
		{ID: "d", Name: "Dee", Groups: leads, Weight: 1, Held: 3},
	})
	want := []api.GroupShare{{Name: "leads", Total: 4, Members: []api.MemberShare{
		{ID: "b", Name: "bo@x.example", Interviews: 3, Share: 0.75, Fair: 0.67}, {ID: "a", Name: "Ada", Interviews: 1, Share: 0.25, Fair: 0.33},
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
