package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
	"github.com/rapport-crm/rapport/store/seal"
)

// sealing opens the database with keys.
func (b *bundle) sealing(t *testing.T, current string, older ...string) *store.Store {
	t.Helper()
	keys, err := seal.Parse(current, older...)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), b.dsn, store.Options{Now: b.now, MaxConns: 4, Seal: keys})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func connect(t *testing.T, s *store.Store, w store.CalendarWrite) (crm.CalendarLink, bool) {
	t.Helper()
	link, created, err := s.PutCalendar(t.Context(), "ann@trust.example", w, "ops", start())
	if err != nil {
		t.Fatal(err)
	}
	return link, created
}

func opened(t *testing.T, s *store.Store, id string) []crm.CalendarLink {
	t.Helper()
	links, err := s.OpenCalendars(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return links
}

func TestCalendarsAreSealed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	i := crm.Interviewer{Email: "ann@trust.example"}
	ann := b.interviewer(t, &i).ID
	first, second := seal.Make(), seal.Make()
	s := b.sealing(t, first)
	dav := store.CalendarWrite{Kind: crm.CalendarCalDAV, Address: "https://dav.example/ann/", Account: "ann", Secret: "hunter2"}
	link, created := connect(t, s, dav)
	if !created || !crm.HasPrefix(link.ID, crm.PrefixCalendar) {
		t.Fatalf("%+v", link)
	}
	if _, _, err := b.PutCalendar(t.Context(), ann, dav, "ops", start()); crm.CodeOf(err) != crm.CodeConflict || !strings.Contains(err.Error(), "RAPPORT_SEAL_KEY") {
		t.Errorf("without a key: %v", err)
	}
	links, err := s.Calendars(t.Context(), ann)
	if err != nil || len(links) != 1 || links[0].Secret != "" || links[0].Address != dav.Address {
		t.Errorf("%+v, %v", links, err)
	}
	if got := opened(t, s, ann); string(got[0].Secret) != "hunter2" || got[0].Locked {
		t.Errorf("%+v", got)
	}
	if got := opened(t, b.Store, ann); got[0].Secret != "" || !got[0].Locked {
		t.Errorf("without a key: %+v", got)
	}
	conn, err := pgx.Connect(t.Context(), b.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var row string
	if err := conn.QueryRow(t.Context(), "select c::text || encode(sealed, 'escape') from interviewer_calendars c").Scan(&row); err != nil || strings.Contains(row, "hunter2") {
		t.Errorf("the row is %s, %v", row, err)
	}

	rotated := b.sealing(t, second, first)
	if resealed, locked, err := rotated.Reseal(t.Context()); err != nil || resealed != 1 || locked != 0 {
		t.Errorf("resealed %d, locked %d, %v", resealed, locked, err)
	}
	if resealed, locked, err := rotated.Reseal(t.Context()); err != nil || resealed != 0 || locked != 0 {
		t.Errorf("again: resealed %d, locked %d, %v", resealed, locked, err)
	}
	if got := opened(t, b.sealing(t, second), ann); string(got[0].Secret) != "hunter2" {
		t.Errorf("with the new key alone: %+v", got)
	}
	if resealed, locked, err := s.Reseal(t.Context()); err != nil || resealed != 0 || locked != 1 {
		t.Errorf("with the old key alone: resealed %d, locked %d, %v", resealed, locked, err)
	}
	if err := rotated.RenewCalendarSecret(t.Context(), link.ID, "hunter3"); err != nil {
		t.Error(err)
	}
	if got := opened(t, rotated, ann); string(got[0].Secret) != "hunter3" {
		t.Errorf("renewed: %+v", got)
	}
}

func TestCalendarsAreKnownAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	i := crm.Interviewer{Email: "ann@trust.example"}
	ann := b.interviewer(t, &i).ID
	s := b.sealing(t, seal.Make())
	dav := store.CalendarWrite{Kind: crm.CalendarCalDAV, Address: "https://dav.example/ann/", Account: "ann", Secret: "one"}
	first, _ := connect(t, s, dav)
	if err := s.CalendarFailed(t.Context(), first.ID, crm.CalendarUnauthorized, start()); err != nil {
		t.Fatal(err)
	}
	dav.Secret = ""
	if again, created := connect(t, s, dav); created || again.ID != first.ID || again.State != crm.CalendarUnauthorized {
		t.Errorf("the same without a secret: %+v", again)
	}
	dav.Secret = "two"
	if again, created := connect(t, s, dav); created || again.ID != first.ID || again.State != crm.CalendarNew {
		t.Errorf("the same with another secret: %+v", again)
	}
	if got := opened(t, s, ann); len(got) != 1 || string(got[0].Secret) != "two" || got[0].State != crm.CalendarNew {
		t.Errorf("%+v", got)
	}
	elsewhere := store.CalendarWrite{Kind: crm.CalendarCalDAV, Address: "https://evil.example/", Account: "ann"}
	if _, _, err := s.PutCalendar(t.Context(), ann, elsewhere, "ops", start()); crm.CodeOf(err) != crm.CodeInvalid {
		t.Errorf("a secret went elsewhere: %v", err)
	}
	feed := store.CalendarWrite{Kind: crm.CalendarICS, Address: "https://feeds.example", Secret: "https://feeds.example/private-1.ics"}
	one, _ := connect(t, s, feed)
	if again, created := connect(t, s, feed); created || again.ID != one.ID {
		t.Errorf("the same feed: %+v", again)
	}
	feed.Secret = "https://feeds.example/private-2.ics"
	if another, created := connect(t, s, feed); !created || another.ID == one.ID {
		t.Errorf("another feed of the same host: %+v", another)
	}
	own, _ := connect(t, s, store.CalendarWrite{Kind: crm.CalendarOwn})
	for _, id := range []string{own.ID, one.ID} {
		if err := s.RemoveCalendar(t.Context(), ann, id, "ops", start()); err != nil {
			t.Error(err)
		}
		if err := s.RemoveCalendar(t.Context(), ann, id, "ops", start()); crm.CodeOf(err) != crm.CodeNotFound {
			t.Errorf("removed twice: %v", err)
		}
	}
	changes, _, err := s.InterviewerChanges(t.Context(), ann, 0, 0)
	var told []string
	for _, c := range changes {
		told = append(told, c.What+fmt.Sprint(c.Fields))
	}
	want := "calendar_removed[ics] calendar_removed[own] calendar_connected[own] calendar_connected[ics] calendar_connected[ics] calendar_changed[caldav] calendar_connected[caldav] created[]"
	if got := strings.Join(told, " "); err != nil || got != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
}

func TestBusyTimesAreKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	i := crm.Interviewer{Email: "ann@trust.example"}
	ann := b.interviewer(t, &i).ID
	s := b.sealing(t, seal.Make())
	link, _ := connect(t, s, store.CalendarWrite{Kind: crm.CalendarGoogle, Address: "primary", Account: "ann@trust.example", Secret: "1//refresh"})
	hour := func(from, to int) crm.Span {
		return crm.Span{Start: start().Add(time.Duration(from) * time.Hour), End: start().Add(time.Duration(to) * time.Hour)}
	}
	at := func(minutes int) time.Time { return start().Add(time.Duration(minutes) * time.Minute) }
	answered := func(minutes int, within crm.Span, busy ...crm.Span) {
		t.Helper()
		if err := s.CalendarAnswered(t.Context(), link.ID, busy, within, at(minutes)); err != nil {
			t.Fatal(err)
		}
	}
	failed := func(minutes int, state crm.CalendarState) {
		t.Helper()
		if err := s.CalendarFailed(t.Context(), link.ID, state, at(minutes)); err != nil {
			t.Fatal(err)
		}
	}
	is := func(want crm.CalendarLink) {
		t.Helper()
		want.ID, want.InterviewerID, want.Kind, want.Address, want.Account, want.CreatedAt = link.ID, ann, link.Kind, link.Address, link.Account, start()
		links, err := s.Calendars(t.Context(), ann)
		if err != nil || len(links) != 1 || cmp.Diff(want, links[0]) != "" {
			t.Errorf("%v\n%s", err, cmp.Diff(want, links[0]))
		}
	}
	want := crm.CalendarLink{State: crm.CalendarOK, Since: at(10), LastOK: at(10), Busy: []crm.Span{hour(1, 4)}, BusyAt: at(10), BusyFor: hour(0, 9)}
	answered(10, hour(0, 9), hour(2, 4), hour(1, 2))
	is(want)
	answered(5, hour(0, 1)) // was on its way for longer
	failed(9, crm.CalendarUnavailable)
	is(want)
	failed(20, crm.CalendarUnavailable)
	failed(30, crm.CalendarUnavailable)
	want.State, want.Since = crm.CalendarUnavailable, at(20)
	is(want)
	answered(40, crm.Span{}, hour(5, 6)) // a smaller question
	want.State, want.Since, want.LastOK = crm.CalendarOK, at(40), at(40)
	is(want)
	answered(50, hour(0, 8))
	want.LastOK, want.Busy, want.BusyAt, want.BusyFor = at(50), nil, at(50), hour(0, 8)
	is(want)
}
