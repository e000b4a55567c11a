package google_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/calendartest"
	"github.com/rapport-crm/rapport/activities/calendar/oauth"
	"github.com/rapport-crm/rapport/crm"
)

func keep(context.Context, oauth.Token) error { return nil }

func TestCalendar(t *testing.T) {
	t.Parallel()
	calendartest.Run(t, func(t *testing.T) calendartest.Rig {
		t.Helper()
		s, _ := newServer(t, 25)
		return s
	})
}

func november(t *testing.T, s *server) ([]calendar.Block, error) {
	t.Helper()
	start, _ := calendartest.Clock("2026-11-02")
	end, _ := calendartest.Clock("2026-11-16")
	return s.calendar.Busy(t.Context(), crm.Span{Start: start, End: end})
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

func TestFreeBusyWhereEventsAreHidden(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"", "freeBusyReader", "none", "unscoped"} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			s, _ := newServer(t, 0)
			s.role = role
			s.Add(calendartest.Entry{UID: "a", From: "2026-11-05 10:00", To: "2026-11-05 11:00"})
			s.Add(calendartest.Entry{UID: "b", From: "2026-11-05 11:00", To: "2026-11-05 12:00"})
			s.Add(calendartest.Entry{UID: "c", From: "2026-11-06", To: "2026-11-07", Free: true})
			blocks, err := november(t, s)
			if err != nil {
				t.Fatalf("busy: %v", err)
			}
			if diff := cmp.Diff([]string{"Thu 05 10:00-12:00"}, calendartest.Show(blocks)); diff != "" {
				t.Errorf("busy times (-want +got):\n%s", diff)
			}
			kind := calendar.ReadOnly
			code := "forbidden"
			if role == "unscoped" {
				kind, code = calendar.Unauthorized, "scope_missing"
			}
			wantFailure(t, s.calendar.Put(t.Context(), calendartest.Interview()), kind, code)
		})
	}
}

func TestFreeBusyForLong(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, 0)
	s.role = ""
	s.Add(calendartest.Entry{UID: "a", From: "2026-11-01", To: "2027-03-01"}) // over the borders of what can be asked at a time
	start, _ := calendartest.Clock("2026-11-02")
	end, _ := calendartest.Clock("2027-02-16")
	blocks, err := s.calendar.Busy(t.Context(), crm.Span{Start: start, End: end})
	if err != nil {
		t.Fatalf("busy: %v", err)
	}
	if diff := cmp.Diff([]string{"Mon 02 00:00-Tue 16 00:00"}, calendartest.Show(blocks)); diff != "" {
		t.Errorf("busy times (-want +got):\n%s", diff)
	}
}

// Listed in a calendar that is not theirs, the owner would have the event twice.
func TestAnotherCalendar(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, 0, "team/ä#1@group.calendar.google.com") // to be escaped
	later := calendartest.Interview()
	later.Sequence++
	later.Start = later.Start.Add(-time.Hour)
	for _, e := range []calendar.Event{calendartest.Interview(), later} {
		if err := s.calendar.Put(t.Context(), e); err != nil {
			t.Fatalf("put: %v", err)
		}
		if listed := s.items[0].Attendees; len(listed) != 0 {
			t.Errorf("%v are listed", listed)
		}
	}
	s.id = "gone@group.calendar.google.com"
	_, err := november(t, s)
	wantFailure(t, err, calendar.Gone, "http_404")
	wantFailure(t, s.calendar.Put(t.Context(), later), calendar.Gone, "http_404")
	wantFailure(t, s.calendar.Delete(t.Context(), later.UID), calendar.Gone, "http_404")
}

// What the owner invited and chose themselves stays.
func TestOwnersGuests(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, 0)
	e := calendartest.Interview()
	if err := s.calendar.Put(t.Context(), e); err != nil {
		t.Fatalf("put: %v", err)
	}
	s.items[0].Attendees = append(s.items[0].Attendees, person{Email: "guest@example.com", ResponseStatus: "accepted"})
	e.Sequence++
	e.Start = e.Start.Add(-time.Hour)
	if err := s.calendar.Put(t.Context(), e); err != nil {
		t.Fatalf("put: %v", err)
	}
	want := []person{{Email: calendartest.Owner, Self: true, ResponseStatus: "needsAction"}, {Email: "guest@example.com", ResponseStatus: "accepted"}}
	if diff := cmp.Diff(want, s.items[0].Attendees); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
}

func TestReaderMayNotPut(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, 0)
	s.role = "reader"
	wantFailure(t, s.calendar.Put(t.Context(), calendartest.Interview()), calendar.ReadOnly, "forbidden")
}

func TestTitlesAreNotAskedFor(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, 0)
	if _, err := november(t, s); err != nil {
		t.Fatalf("busy: %v", err)
	}
	if fields := s.asked[0].Get("fields"); fields == "" || strings.Contains(fields, "summary") || strings.Contains(fields, "email") {
		t.Errorf("fields are %q", fields)
	}
}

// Google makes an event of an invitation by mail, with our UID and another organizer.
func TestInvitationByMail(t *testing.T) {
	t.Parallel()
	e := calendartest.Interview()
	mailed := func(t *testing.T) *server {
		t.Helper()
		s, _ := newServer(t, 0)
		s.frozen = true
		s.Add(calendartest.Entry{UID: e.UID, From: "2026-11-05 10:00", To: "2026-11-05 11:00", Invited: true, Answer: calendar.Accepted})
		*s.items[0].Sequence = e.Sequence
		return s
	}
	t.Run("is the event", func(t *testing.T) {
		t.Parallel()
		s := mailed(t)
		if err := s.calendar.Put(t.Context(), e); err != nil {
			t.Fatalf("put: %v", err)
		}
		found, err := s.calendar.Find(t.Context(), e.UID)
		if err != nil || found.Answer != calendar.Accepted || found.Sequence != e.Sequence {
			t.Errorf("found %+v, %v; want it accepted", found, err)
		}
	})
	t.Run("is not ours to change", func(t *testing.T) {
		t.Parallel()
		s := mailed(t)
		later := e
		later.Sequence++
		wantFailure(t, s.calendar.Put(t.Context(), later), calendar.Conflict, "not_organizer")
	})
}

func TestFailures(t *testing.T) {
	t.Parallel()
	t.Run("consent withdrawn", func(t *testing.T) {
		t.Parallel()
		s, issuer := newServer(t, 0)
		issuer.Revoke()
		_, err := november(t, s)
		wantFailure(t, err, calendar.Unauthorized, "invalid_grant")
	})
	t.Run("no token is good", func(t *testing.T) {
		t.Parallel()
		s, _ := newServer(t, 0)
		s.Fail(401, nil, 9)
		_, err := november(t, s)
		wantFailure(t, err, calendar.Unauthorized, "http_401")
	})
	t.Run("each token is good for once", func(t *testing.T) {
		t.Parallel()
		s, issuer := newServer(t, 1)
		if err := s.calendar.Put(t.Context(), calendartest.Interview()); err != nil {
			t.Fatalf("put: %v", err)
		}
		if s.Writes() != 1 || issuer.Issued() != 2 {
			t.Errorf("%d writes with %d tokens; want 1 with 2", s.Writes(), issuer.Issued())
		}
	})
	t.Run("cancelled by the caller", func(t *testing.T) {
		t.Parallel()
		s, _ := newServer(t, 0)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.calendar.Find(ctx, "u"); !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v; want the context's", err)
		}
	})
}
