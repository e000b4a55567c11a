package store_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// slot is an hour on the day after start, some minutes after ten.
func slot(minutes int, seats ...string) crm.Slot {
	at := start().AddDate(0, 0, 1).Add(time.Hour + time.Duration(minutes)*time.Minute)
	return crm.Slot{StartsAt: at, EndsAt: at.Add(time.Hour), Seats: seats}
}

// people adds interviewers and returns their ids.
func (b *bundle) people(t *testing.T, names ...string) []string {
	t.Helper()
	ids := make([]string, len(names))
	for i, name := range names {
		ids[i] = b.interviewer(t, &crm.Interviewer{Email: name + "@north.example", Name: name, Active: true}).ID
	}
	return ids
}

// offered has a candidate with a run and a meeting for which times were found.
func (b *bundle) offered(t *testing.T, name string, slots ...crm.Slot) (meetingID, runID string) {
	t.Helper()
	run := b.enroll(t, b.candidate(t, name), "onsite")
	id := crm.DeriveID(crm.PrefixMeeting, b.now(), run)
	b.decide(t, run, func(_ *crm.Facts, d *crm.Decision) {
		d.Meetings = []crm.Meeting{{ID: id, EnrollmentID: run, Round: "screen", N: 1, State: crm.MeetingAsked, CreatedAt: d.At}}
	})
	b.change(t, id, func(m *crm.Meeting) error { m.Offer(slots, ""); return nil })
	return id, run
}

func (b *bundle) change(t *testing.T, id string, change func(m *crm.Meeting) error) crm.Meeting {
	t.Helper()
	m, err := b.ChangeMeeting(t.Context(), id, func(m *crm.Meeting) (store.MeetingChanged, error) {
		return store.MeetingChanged{}, change(m)
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (b *bundle) pick(t *testing.T, id string, s crm.Slot) error {
	t.Helper()
	_, err := b.ChangeMeeting(t.Context(), id, func(m *crm.Meeting) (store.MeetingChanged, error) {
		changed, err := m.Pick(s.StartsAt, 3, time.Time{}, b.now())
		return store.MeetingChanged{Unchanged: !changed}, err
	})
	return err
}

func (b *bundle) meeting(t *testing.T, id string) crm.Meeting {
	t.Helper()
	m, err := b.Meeting(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMeetingIsAFact(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ada := b.people(t, "ada")
	id, run := b.offered(t, "c", slot(0, ada...))
	if err := b.pick(t, id, slot(0)); err != nil {
		t.Fatal(err)
	}
	want := b.meeting(t, id)
	if want.State != crm.MeetingHeld || want.EnrollmentID != run || want.CandidateID == "" || want.Definition != "onsite" || want.Seat(ada[0]) == nil {
		t.Errorf("the meeting is %+v", want)
	}
	b.decide(t, run, func(f *crm.Facts, _ *crm.Decision) {
		if diff := cmp.Diff([]crm.Meeting{want}, f.Meetings); diff != "" {
			t.Errorf("facts (-want +got):\n%s", diff)
		}
	})
	if _, err := b.Meeting(t.Context(), "mtg_none"); crm.CodeOf(err) != crm.CodeNotFound {
		t.Errorf("a meeting that is not there: %v", err)
	}
}

// TestNobodyIsBookedTwice lets a thousand candidates pick overlapping times of five people at once.
func TestNobodyIsBookedTwice(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ids := b.people(t, "ada", "ben", "cleo", "dan", "eve")
	const candidates, picks = 40, 1000
	meetings := make([]string, candidates)
	for i := range meetings {
		var slots []crm.Slot
		for n := range 8 {
			slots = append(slots, slot(n*20, ids[(i+n)%5], ids[(i+n+1+n%4)%5])) // two people
		}
		meetings[i], _ = b.offered(t, fmt.Sprint("c", i), slots...)
	}
	var won, lost, other atomic.Int64
	var all sync.WaitGroup
	for i := range picks {
		all.Go(func() {
			switch err := b.pick(t, meetings[i%candidates], slot((i/candidates)*20%160)); {
			case err == nil:
				won.Add(1)
			case crm.CodeOf(err) == crm.CodeConflict:
				lost.Add(1)
			default:
				other.Add(1)
				t.Error(err)
			}
		})
	}
	all.Wait()
	if won.Load() == 0 || lost.Load() == 0 || won.Load()+lost.Load() != picks {
		t.Fatalf("%d won, %d lost, %d failed", won.Load(), lost.Load(), other.Load())
	}
	overlaps := b.number(t, `select count(*) from meeting_seats a join meeting_seats b on a.interviewer_id = b.interviewer_id
		and a.meeting_id < b.meeting_id and a.during && b.during`)
	held := b.number(t, "select count(*) from meetings where state = 'held'")
	seats := b.number(t, "select count(*) from meeting_seats where during is not null")
	if overlaps != 0 || held == 0 || seats != 2*held {
		t.Errorf("%d overlap, %d held with %d seats", overlaps, held, seats)
	}
}

// TestMoveKeepsBothTimes holds that the booked time stays until the new one is, and that the panel of both is kept from others.
func TestMoveKeepsBothTimes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.people(t, "ada", "ben")
	first, second := slot(0, p[0]), slot(30, p[1])
	id, _ := b.offered(t, "c", first, second)
	other, _ := b.offered(t, "d", first, second)
	book := func(m *crm.Meeting) error { m.Book(b.now()); return nil }
	if err := b.pick(t, id, first); err != nil {
		t.Fatal(err)
	}
	if err := b.MarkSeats(t.Context(), id, 1); err != nil {
		t.Fatal(err)
	}
	b.change(t, id, book)
	if err := b.pick(t, id, second); err != nil {
		t.Fatal(err)
	}
	for _, s := range []crm.Slot{first, second} {
		if err := b.pick(t, other, s); crm.CodeOf(err) != crm.CodeConflict {
			t.Errorf("%s is free while it is moved: %v", s.StartsAt, err)
		}
	}
	held, err := b.HeldBy(t.Context(), p, crm.Span{Start: start(), End: start().AddDate(0, 0, 9)})
	want := []store.Held{
		{InterviewerID: p[0], MeetingID: id, Span: crm.Span{Start: first.StartsAt, End: first.EndsAt}},
		{InterviewerID: p[1], MeetingID: id, Span: crm.Span{Start: second.StartsAt, End: second.EndsAt}},
	}
	if diff := cmp.Diff(want, held, cmp.Comparer(time.Time.Equal)); diff != "" || err != nil {
		t.Errorf("held (-want +got): %s %v", diff, err)
	}
	b.change(t, id, book)
	if err := b.pick(t, other, first); err != nil {
		t.Errorf("the old time is not free: %v", err)
	}
	behind, err := b.SeatsBehind(t.Context(), 10)
	if len(behind) != 2 || err != nil {
		t.Fatalf("behind: %+v %v", behind, err)
	}
	for _, s := range behind {
		if gone := s.InterviewerID == p[0]; gone != (s.Wanted == nil) || gone != (s.Written != nil) {
			t.Errorf("%+v", s)
		}
		if err := b.SeatWritten(t.Context(), s.MeetingID, s.InterviewerID, s.Wanted); err != nil {
			t.Error(err)
		}
	}
	if behind, err = b.SeatsBehind(t.Context(), 10); len(behind) != 0 || err != nil {
		t.Errorf("still behind: %+v %v", behind, err)
	}
}

// TestCalledOffIsTold holds that what the last decision plans goes out though it takes everything back that was planned before.
func TestCalledOffIsTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.enroll(t, b.candidate(t, "c"), "onsite")
	before := b.plan(t, run, "remind", crm.Email)
	var told string
	b.decide(t, run, func(f *crm.Facts, d *crm.Decision) {
		d.Command, d.Outcome, d.Withdraw = crm.CommandExit, "withdrawn", true
		m := intent(f, d, "called_off", crm.Email)
		m.Calendar, m.Recipient, m.MeetingID = crm.CalendarCancel, "int_1", "mtg_1"
		told, d.Messages = m.ID, []crm.Message{m}
	})
	if m := b.message(t, before); m.State != crm.MessageCancelled {
		t.Errorf("what was planned before is %s", m.State)
	}
	if m := b.message(t, told); m.State != crm.MessagePlanned || m.Calendar != crm.CalendarCancel || m.Recipient != "int_1" || m.MeetingID != "mtg_1" {
		t.Errorf("what tells of the end is %+v", m)
	}
}

// TestAnswerComesWithItsChange holds that what a call found is there exactly when its answer is, and only once.
func TestAnswerComesWithItsChange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ada := b.people(t, "ada")
	id, run := b.offered(t, "c")
	b.decide(t, run, func(_ *crm.Facts, d *crm.Decision) {
		d.Command, d.Call = crm.CommandCall, &crm.Call{Action: crm.ActionFind, Meeting: id, Round: "screen"}
	})
	seq := b.run(t, run).Seq
	found := func(m *crm.Meeting) (store.MeetingChanged, error) {
		m.Offer([]crm.Slot{slot(0, ada...)}, "")
		return store.MeetingChanged{Call: &crm.CallResult{Seq: seq, Outcome: crm.MeetingFound}}, nil
	}
	for range 2 {
		if _, err := b.ChangeMeeting(t.Context(), id, found); err != nil {
			t.Fatal(err)
		}
	}
	call, done, err := b.CallOf(t.Context(), run, seq)
	if err != nil || call.Action != crm.ActionFind || done == nil || done.Outcome != crm.MeetingFound || len(b.meeting(t, id).Offered) != 1 {
		t.Errorf("got %+v, %+v, %v", call, done, err)
	}
}

// TestLastMeetingOfARun holds that a run's last meeting is the one that was begun last.
func TestLastMeetingOfARun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, run := b.offered(t, "c")
	b.pass(time.Hour)
	second := crm.DeriveID(crm.PrefixMeeting, b.now(), run)
	b.decide(t, run, func(_ *crm.Facts, d *crm.Decision) {
		d.Meetings = []crm.Meeting{{ID: second, EnrollmentID: run, Round: "panel", N: 1, State: crm.MeetingAsked, CreatedAt: b.now()}}
	})
	b.change(t, first, func(m *crm.Meeting) error { m.Offer(nil, "stale"); return nil })
	last, err := b.MeetingOf(t.Context(), run)
	if err != nil || last.ID != second || last.EnrollmentID != run {
		t.Errorf("the last is %+v, %v", last, err)
	}
	all, err := b.MeetingsOf(t.Context(), run)
	if err != nil || len(all) != 2 || all[0].ID != first || all[1].ID != second {
		t.Errorf("all are %+v, %v", all, err)
	}
	if _, err := b.MeetingOf(t.Context(), "enr_none"); crm.CodeOf(err) != crm.CodeNotFound {
		t.Errorf("of a run that is not there: %v", err)
	}
	if _, err := b.Application(t.Context(), "apl_none"); crm.CodeOf(err) != crm.CodeNotFound {
		t.Errorf("an application that is not there: %v", err)
	}
}
