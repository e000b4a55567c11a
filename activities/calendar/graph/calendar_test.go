package graph_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/calendartest"
	"github.com/rapport-crm/rapport/activities/calendar/graph"
	"github.com/rapport-crm/rapport/crm"
)

func TestCalendar(t *testing.T) {
	t.Parallel()
	calendartest.Run(t, func(t *testing.T) calendartest.Rig {
		t.Helper()
		return newServer(t, 25)
	})
}

func TestCalendarByID(t *testing.T) {
	t.Parallel()
	s := newServer(t, 0, func(c *graph.Config) { c.Calendar = "AAMk/1=" })
	if err := s.calendar.Put(t.Context(), calendartest.Interview()); err != nil {
		t.Fatalf("put: %v", err)
	}
	other := newServer(t, 0, func(c *graph.Config) { c.Calendar = "AAMk/2=" })
	wantFailure(t, other.calendar.Put(t.Context(), calendartest.Interview()), calendar.Gone, "http_404")
}

func november(t *testing.T, s *server) []string {
	t.Helper()
	start, _ := calendartest.Clock("2026-11-02")
	end, _ := calendartest.Clock("2026-11-16")
	blocks, err := s.calendar.Busy(t.Context(), crm.Span{Start: start, End: end})
	if err != nil {
		t.Fatalf("busy: %v", err)
	}
	return calendartest.Show(blocks)
}

func wantFailure(t *testing.T, err error, kind calendar.Kind, code string) {
	t.Helper()
	failure, ok := errors.AsType[*calendar.Error](err)
	if !ok || failure.Kind != kind || failure.Code != code {
		t.Fatalf("error is %v; want %s (%s)", err, kind, code)
	}
	if text := failure.Error(); strings.Contains(text, "Secret") || strings.Contains(text, "@") {
		t.Errorf("error says too much: %s", text)
	}
}

func TestShowAs(t *testing.T) {
	t.Parallel()
	for status, want := range map[string][]string{
		"busy": {"u Thu 05 10:00-11:00"}, "oof": {"u Thu 05 10:00-11:00"}, "unknown": {"u Thu 05 10:00-11:00"},
		"tentative": {"u Thu 05 10:00-11:00 tentative"}, "free": nil, "workingElsewhere": nil,
	} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, 0)
			s.Add(calendartest.Entry{UID: "u", From: "2026-11-05 10:00", To: "2026-11-05 11:00"})
			s.items[0].set["showAs"] = status
			if diff := cmp.Diff(want, november(t, s)); diff != "" {
				t.Errorf("busy times (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWholeDaysAreTheOwners(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			zone, err := time.LoadLocation(name)
			if err != nil {
				t.Fatalf("load zone: %v", err)
			}
			s := newServer(t, 0, func(c *graph.Config) { c.Zone = zone })
			s.Add(calendartest.Entry{UID: "u", From: "2026-11-05", To: "2026-11-06"})
			day := crm.Span{Start: time.Date(2026, 11, 5, 0, 0, 0, 0, zone), End: time.Date(2026, 11, 6, 0, 0, 0, 0, zone)}
			for _, hour := range []time.Time{day.Start, day.End.Add(-time.Hour)} {
				blocks, err := s.calendar.Busy(t.Context(), crm.Span{Start: hour, End: hour.Add(time.Hour)})
				if err != nil || len(blocks) != 1 || !blocks[0].Start.Equal(day.Start) || !blocks[0].End.Equal(day.End) {
					t.Errorf("blocks are %v, %v; want %v", blocks, err, day)
				}
			}
			if blocks, err := s.calendar.Busy(t.Context(), crm.Span{Start: day.End, End: day.End.Add(time.Hour)}); err != nil || len(blocks) != 0 {
				t.Errorf("blocks of the next day are %v, %v; want none", blocks, err)
			}
		})
	}
}

func TestScheduleWhereEventsAreHidden(t *testing.T) {
	t.Parallel()
	s := newServer(t, 0)
	s.denied = true
	s.Add(calendartest.Entry{UID: "a", From: "2026-11-05 10:00", To: "2026-11-05 11:00"})
	s.Add(calendartest.Entry{UID: "b", From: "2026-11-06 10:00", To: "2026-11-06 11:00", Tentative: true})
	s.Add(calendartest.Entry{UID: "c", From: "2026-11-07 10:00", To: "2026-11-07 11:00", Free: true})
	if diff := cmp.Diff([]string{"Thu 05 10:00-11:00", "Fri 06 10:00-11:00 tentative"}, november(t, s)); diff != "" {
		t.Errorf("busy times (-want +got):\n%s", diff)
	}
	wantFailure(t, s.calendar.Put(t.Context(), calendartest.Interview()), calendar.ReadOnly, "access_denied")

	s.Add(calendartest.Entry{UID: "d", From: "2026-11-08 10:00", To: "2027-03-01 10:00"}) // over the borders of what can be asked at a time
	start, _ := calendartest.Clock("2026-11-07")
	end, _ := calendartest.Clock("2027-03-01")
	blocks, err := s.calendar.Busy(t.Context(), crm.Span{Start: start, End: end})
	if err != nil || len(blocks) != 1 || len(s.scheduled) != 4 {
		t.Errorf("blocks are %v by %d questions, %v; want one by 4", blocks, len(s.scheduled), err)
	}
}

func TestHiddenWithoutAnAddress(t *testing.T) {
	t.Parallel()
	s := newServer(t, 0, func(c *graph.Config) { c.Owner = "" })
	s.denied = true
	_, err := s.calendar.Busy(t.Context(), crm.Span{Start: time.Unix(0, 0), End: time.Unix(1, 0)})
	wantFailure(t, err, calendar.ReadOnly, "access_denied")
}

func TestTitlesAreNotAskedFor(t *testing.T) {
	t.Parallel()
	s := newServer(t, 0)
	november(t, s)
	if s.selected[0] == "" || strings.Contains(s.selected[0], "subject") || strings.Contains(s.selected[0], "body") {
		t.Errorf("selected is %q", s.selected[0])
	}
}

// An event that was just created may not be found yet: its transaction id keeps it from being created again.
func TestCreatedAndNotYetFound(t *testing.T) {
	t.Parallel()
	s := newServer(t, 0)
	for range 2 {
		s.lag = 1
		if err := s.calendar.Put(t.Context(), calendartest.Interview()); err != nil {
			t.Fatalf("put: %v", err)
		}
	}
	s.lag = 1
	later := calendartest.Interview()
	later.Sequence++
	later.Start, later.End = later.Start.Add(time.Hour), later.End.Add(time.Hour)
	if err := s.calendar.Put(t.Context(), later); err != nil {
		t.Fatalf("put: %v", err)
	}
	if diff := cmp.Diff([]string{later.UID + " Thu 05 11:00-12:00"}, november(t, s)); diff != "" {
		t.Errorf("busy times (-want +got):\n%s", diff)
	}
}

// The answer to the invitation by mail, a second event with our UID, is the answer.
func TestAnswerToMail(t *testing.T) {
	t.Parallel()
	s := newServer(t, 0)
	e := calendartest.Interview()
	s.Add(calendartest.Entry{UID: e.UID, From: "2026-11-05 10:00", To: "2026-11-05 11:00", Invited: true, Answer: calendar.Declined})
	found, err := s.calendar.Find(t.Context(), e.UID)
	if err != nil || found == nil || found.Answer != calendar.Declined || found.Sequence != 0 {
		t.Errorf("found %+v, %v; want it declined", found, err)
	}
	if err := s.calendar.Put(t.Context(), e); err != nil {
		t.Fatalf("put: %v", err)
	}
	found, err = s.calendar.Find(t.Context(), e.UID)
	if err != nil || found.Answer != calendar.Declined || found.Sequence != e.Sequence || found.Summary != e.Summary {
		t.Errorf("found %+v, %v; want ours, declined", found, err)
	}
}

func TestPageElsewhere(t *testing.T) {
	t.Parallel()
	s := newServer(t, 0)
	for day := 2; day < 12; day++ {
		s.Add(calendartest.Entry{UID: "u", From: time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly) + " 10:00", To: "2026-11-14 11:00"})
	}
	s.base = "https://elsewhere.example.com"
	_, err := s.calendar.Busy(t.Context(), crm.Span{Start: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC), End: time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)})
	wantFailure(t, err, calendar.Unreadable, "foreign_page")
}
