package booking_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/activities/booking"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// TestReplace holds that somebody steps in who is free now, and that calendars follow.
func TestReplace(t *testing.T) {
	t.Parallel()
	r := duo(t)
	r.loop.Loop.Rounds[0].Interviewers = one()
	id := r.booked(t, "ana")
	m := r.meeting(t, id)
	holder, other := "ada", "bo"
	if m.Panel[0].Name == "bo" {
		holder, other = other, holder
	}
	r.want(t, id, crm.ActionReplace, crm.MeetingReplaced) // nobody said anything
	if after := r.meeting(t, id); after.Sequence != m.Sequence {
		t.Errorf("it changed: %+v", after)
	}
	if err := r.change(t.Context(), id, func(m *crm.Meeting) error {
		_, err := m.Reply(r.ids[holder], crm.AnswerDeclined, r.now())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	r.gates[other].Fail(http.StatusServiceUnavailable, nil, 1000)
	if _, err := r.act(t.Context(), id, crm.ActionReplace); kindOf(err) != "calendar_unavailable" {
		t.Errorf("somebody whose calendar does not answer: %v", err)
	}
	r.gates[other].Fail(0, nil, 0)
	found := r.want(t, id, crm.ActionReplace, crm.MeetingReplaced).Result.(booking.Found)
	after := r.meeting(t, id)
	if !slices.Equal(panelOf(&after), []string{other}) || after.State != crm.MeetingBooked || len(found.Times) != 1 || len(after.Left) != 1 {
		t.Errorf("%+v, %+v", after, found)
	}
	r.settle(t)
	r.consistent(t, id)

	if err := r.change(t.Context(), id, func(m *crm.Meeting) error {
		_, err := m.Reply(r.ids[other], crm.AnswerDeclined, r.now())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	r.want(t, id, crm.ActionReplace, crm.MeetingNone) // both have declined
}

// TestWatch holds what is noticed in calendars.
func TestWatch(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		happens        func(t *testing.T, r *rig, m *crm.Meeting)
		answer         crm.Answered
		clash, putBack bool
		reason         string
	}{
		"nothing": {happens: func(*testing.T, *rig, *crm.Meeting) {}},
		"declined": {reason: "calendar", answer: crm.AnswerDeclined, happens: func(t *testing.T, r *rig, m *crm.Meeting) {
			t.Helper()
			path := r.path("ada") + r.uid(m.ID) + ".ics"
			text := strings.ReplaceAll(r.server.must(t, http.MethodGet, path, "", http.StatusOK), "\r\n ", "")
			if !strings.Contains(text, "PARTSTAT=NEEDS-ACTION") {
				t.Fatalf("no question in %s", text)
			}
			r.server.must(t, http.MethodPut, path, strings.ReplaceAll(text, "PARTSTAT=NEEDS-ACTION", "PARTSTAT=DECLINED"), http.StatusCreated)
		}},
		"something else": {reason: "conflict", clash: true, happens: func(t *testing.T, r *rig, m *crm.Meeting) {
			t.Helper()
			r.appointment(t, "ada", "dentist", crm.Span{Start: m.EndsAt.Add(-time.Minute), End: m.EndsAt.Add(time.Hour)})
		}},
		"something right after": {happens: func(t *testing.T, r *rig, m *crm.Meeting) {
			t.Helper()
			r.appointment(t, "ada", "dentist", crm.Span{Start: m.EndsAt, End: m.EndsAt.Add(time.Hour)})
		}},
		"deleted": {putBack: true, happens: func(t *testing.T, r *rig, m *crm.Meeting) {
			t.Helper()
			r.server.must(t, http.MethodDelete, r.path("ada")+r.uid(m.ID)+".ics", "", http.StatusOK)
		}},
		"deleted twice": {reason: "deleted", answer: crm.AnswerDeclined, putBack: true, happens: func(t *testing.T, r *rig, m *crm.Meeting) {
			t.Helper()
			path := r.path("ada") + r.uid(m.ID) + ".ics"
			r.server.must(t, http.MethodDelete, path, "", http.StatusOK)
			r.watch(t)
			r.server.must(t, http.MethodDelete, path, "", http.StatusOK)
		}},
		"no answer": {happens: func(t *testing.T, r *rig, m *crm.Meeting) {
			t.Helper()
			r.server.must(t, http.MethodDelete, r.path("ada")+r.uid(m.ID)+".ics", "", http.StatusOK)
			r.gates["ada"].Fail(http.StatusServiceUnavailable, nil, 1000)
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, one()...)
			r.withCalendar(t, "ada", "leads")
			id := r.booked(t, "ana")
			m := r.meeting(t, id)
			c.happens(t, r, &m)
			r.watch(t)
			r.watch(t) // nothing is told twice
			got := r.meeting(t, id)
			p := got.Seat(r.ids["ada"])
			if p.Answer != c.answer || p.Clash != c.clash || p.Restored != c.putBack || got.State != crm.MeetingBooked {
				t.Errorf("%+v", *p)
			}
			if told := r.told(t, got.CandidateID); !slices.Equal(told, reasons(c.reason)) {
				t.Errorf("told %v, want %q", told, c.reason)
			}
			if _, there := r.server.events(t, r.path("ada"))[r.uid(id)]; there != (name != "deleted twice" && name != "no answer") {
				t.Errorf("the event is there: %v", there)
			}
		})
	}
}

func reasons(reason string) []string {
	if reason == "" {
		return nil
	}
	return []string{reason}
}

func (r *rig) watch(t *testing.T) {
	t.Helper()
	if err := r.booker.Watch(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// told lists why runs were told that somebody cannot come.
func (r *rig) told(t *testing.T, candidateID string) (list []string) {
	t.Helper()
	if _, err := r.Dispatch(t.Context(), candidateID, func(in *crm.Inbox) (*crm.Dispatched, error) {
		out := &crm.Dispatched{}
		for i, e := range in.Events {
			if e.Type == crm.EventDeclined {
				list = append(list, e.Text("reason"))
			}
			e.Position = in.Position + int64(i) + 1
			out.Events = append(out.Events, e)
		}
		return out, nil
	}); err != nil {
		t.Fatal(err)
	}
	return list
}

// TestPanelIsTheRound holds who is asked: the hiring manager by the application, groups by the people.
func TestPanelIsTheRound(t *testing.T) {
	t.Parallel()
	r := newRig(t, dsl.Seat{HiringManager: true}, dsl.Seat{Group: "leads", Any: 1})
	r.person(t, "cleo", "leads")
	r.person(t, "dan")
	id := r.asked(t, "ana", "Dan@North.example")
	r.want(t, id, crm.ActionFind, crm.MeetingFound)
	if err := r.pick(t.Context(), id, 0); err != nil {
		t.Fatal(err)
	}
	r.want(t, id, crm.ActionBook, crm.MeetingWritten)
	if m := r.meeting(t, id); !slices.Equal(panelOf(&m), []string{"cleo", "dan"}) {
		t.Errorf("panel %v", panelOf(&m))
	}
	nobody := r.asked(t, "bea", "")
	if found := r.want(t, nobody, crm.ActionFind, crm.MeetingNone).Result.(booking.Found); !strings.Contains(found.Report, "who is not known") {
		t.Errorf("found %+v", found)
	}
	if m := r.meeting(t, nobody); m.State != crm.MeetingAsked || m.Reason != "no_times" {
		t.Errorf("%+v", m)
	}
}

// TestOtherTimes holds that times that do not suit are not offered again, and that interviews go to who has fewest.
func TestOtherTimes(t *testing.T) {
	t.Parallel()
	r := newRig(t, one()...)
	r.person(t, "cleo", "leads")
	r.person(t, "dan", "leads")
	id := r.offered(t, "ana")
	before := r.meeting(t, id).Offered
	if err := r.change(t.Context(), id, (*crm.Meeting).AskMore); err != nil {
		t.Fatal(err)
	}
	r.want(t, id, crm.ActionFind, crm.MeetingFound)
	for _, s := range r.meeting(t, id).Offered {
		for _, old := range before {
			if s.StartsAt.Before(old.EndsAt) && old.StartsAt.Before(s.EndsAt) {
				t.Errorf("%s is offered again", s.StartsAt)
			}
		}
	}
	first, second := r.booked(t, "bea"), r.offered(t, "cy")
	bea := r.meeting(t, first)
	for _, s := range r.meeting(t, second).Offered {
		if slices.Contains(s.Seats, bea.Panel[0].InterviewerID) {
			t.Errorf("%s holds one already, and is offered again on %s", bea.Panel[0].Name, s.StartsAt)
		}
	}
}
