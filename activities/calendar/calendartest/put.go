package calendartest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/activities/calendar"
)

const uid = "interview-0b9d'f2@rapport.example.com" // with an apostrophe, which some queries have to escape

// Interview is an event as Rapport puts it: on Thursday, 5 November 2026, from 10 to 11 in Berlin.
func Interview() calendar.Event {
	return calendar.Event{
		UID: uid, Sequence: 2, Span: within("2026-11-05 10:00", "2026-11-05 11:00"), Zone: "Europe/Berlin",
		Summary: "Interview: Systems", Description: "With Grace & Alan <onsite>.\nPlease read the plan.", Location: "Room \"Turing\"; 3rd floor",
		URL:       "https://rapport.example.com/i/1",
		Organizer: calendar.Person{Name: "Recruiting", Email: "jobs@example.com"},
		Attendees: []calendar.Attendee{{Person: calendar.Person{Name: "Ada", Email: Owner}}, {Person: calendar.Person{Name: "Alan", Email: "alan@example.com"}}},
	}
}

func at(e calendar.Event, sequence int, from, to string) calendar.Event {
	e.Sequence, e.Span = sequence, within(from, to)
	return e
}

func later() calendar.Event { return at(Interview(), 3, "2026-11-06 14:00", "2026-11-06 15:00") }

const (
	onThursday = uid + " Thu 05 10:00-11:00"
	onFriday   = uid + " Fri 06 14:00-15:00"
)

func puts() map[string]func(*testing.T, Rig) {
	return map[string]func(*testing.T, Rig){
		"put and found":                      putAndFound,
		"the same again changes nothing":     again,
		"moved by a higher sequence":         moved,
		"a newer one stays":                  newer,
		"changed within a sequence":          changed,
		"cancelled":                          cancelled,
		"deleted":                            deleted,
		"deleted by the owner":               deletedByOwner,
		"moved by the owner":                 movedByOwner,
		"answered":                           answered,
		"the answer to a put is lost":        lostPut,
		"the answer to a change is lost":     lostChange,
		"the answer to a deletion is lost":   lostDelete,
		"a newer one comes in between":       newerBetween,
		"the owner comes in between":         ownerBetween,
		"deleted in between":                 deletedBetween,
		"created in between":                 createdBetween,
		"everybody at once":                  atOnce,
		"throttled":                          throttled,
		"in trouble":                         inTrouble,
		"an event without a time is refused": refused,
	}
}

func put(t *testing.T, rig Rig, e calendar.Event) {
	t.Helper()
	if err := rig.Calendar().Put(t.Context(), e); err != nil {
		t.Fatalf("put: %v", err)
	}
}

func find(t *testing.T, rig Rig) *calendar.Event {
	t.Helper()
	found, err := rig.Calendar().Find(t.Context(), uid)
	if err != nil {
		t.Fatalf("find: %v", err)
	}
	return found
}

// kind is the kind and the code of a failure.
func kind(t *testing.T, err error) (calendar.Kind, string) {
	t.Helper()
	failure, ok := errors.AsType[*calendar.Error](err)
	if !ok {
		t.Fatalf("error is %v; want one of the type *calendar.Error", err)
	}
	return failure.Kind, failure.Code
}

func checkOne(t *testing.T, rig Rig, want string) {
	t.Helper()
	checkBusy(t, rig, "2026-11-02", "2026-11-16", want)
	if n := rig.Count(uid); n != 1 {
		t.Errorf("there are %d events; want 1", n)
	}
}

func putAndFound(t *testing.T, rig Rig) {
	t.Helper()
	want := Interview()
	if found := find(t, rig); found != nil {
		t.Fatalf("found %+v before it was put", found)
	}
	put(t, rig, want)
	checkOne(t, rig, onThursday)
	found := find(t, rig)
	if found == nil {
		t.Fatal("not found")
	}
	if !found.Start.Equal(want.Start) || !found.End.Equal(want.End) || found.AllDay || found.Cancelled || found.Answer != calendar.None {
		t.Errorf("found %+v; want %+v", found, want)
	}
	if len(found.Description) < len(want.Description) || found.Description[:len(want.Description)] != want.Description {
		t.Errorf("description is %q; want %q", found.Description, want.Description)
	}
	got := []any{found.UID, found.Sequence, found.Summary, found.Location}
	if diff := cmp.Diff([]any{want.UID, want.Sequence, want.Summary, want.Location}, got); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
}

func again(t *testing.T, rig Rig) {
	t.Helper()
	put(t, rig, Interview())
	before := rig.Writes()
	put(t, rig, Interview())
	if n := rig.Writes() - before; n != 0 {
		t.Errorf("%d writes for nothing", n)
	}
	checkOne(t, rig, onThursday)
}

func moved(t *testing.T, rig Rig) {
	t.Helper()
	put(t, rig, Interview())
	put(t, rig, later())
	checkOne(t, rig, onFriday)
	if found := find(t, rig); found.Sequence != 3 {
		t.Errorf("sequence is %d; want 3", found.Sequence)
	}
}

func newer(t *testing.T, rig Rig) {
	t.Helper()
	put(t, rig, later())
	kind, code := kind(t, rig.Calendar().Put(t.Context(), Interview()))
	if kind != calendar.Conflict || code != "newer_sequence" {
		t.Errorf("error is %s (%s); want a conflict about the sequence", kind, code)
	}
	checkOne(t, rig, onFriday)
}

func changed(t *testing.T, rig Rig) {
	t.Helper()
	e := Interview()
	put(t, rig, e)
	e.Summary, e.Description, e.URL, e.Location = "Interview: Design", "", "", ""
	put(t, rig, e)
	checkOne(t, rig, onThursday)
	if found := find(t, rig); found.Summary != e.Summary || found.Description != "" || found.Location != "" || found.URL != "" {
		t.Errorf("found %+v; want %+v", found, e)
	}
}

func cancelled(t *testing.T, rig Rig) {
	t.Helper()
	e := Interview()
	put(t, rig, e)
	e.Sequence, e.Cancelled = 3, true
	put(t, rig, e)
	put(t, rig, e)
	checkBusy(t, rig, "2026-11-02", "2026-11-16")
	if found := find(t, rig); found == nil || !found.Cancelled || found.Sequence != 3 {
		t.Errorf("found %+v; want it cancelled", found)
	}
	put(t, rig, at(Interview(), 4, "2026-11-05 10:00", "2026-11-05 11:00"))
	checkOne(t, rig, onThursday)
}

func deleted(t *testing.T, rig Rig) {
	t.Helper()
	put(t, rig, Interview())
	for range 2 {
		if err := rig.Calendar().Delete(t.Context(), uid); err != nil {
			t.Fatalf("delete: %v", err)
		}
	}
	if err := rig.Calendar().Delete(t.Context(), "never-put"); err != nil {
		t.Errorf("delete what was never there: %v", err)
	}
	checkBusy(t, rig, "2026-11-02", "2026-11-16")
	if found := find(t, rig); found != nil {
		t.Errorf("found %+v; want nothing", found)
	}
}

func deletedByOwner(t *testing.T, rig Rig) {
	t.Helper()
	put(t, rig, Interview())
	rig.Remove(uid)
	if found := find(t, rig); found != nil {
		t.Errorf("found %+v; want nothing", found)
	}
	put(t, rig, Interview())
	checkOne(t, rig, onThursday)
	rig.Remove(uid)
	put(t, rig, later())
	checkOne(t, rig, onFriday)
}

func movedByOwner(t *testing.T, rig Rig) {
	t.Helper()
	put(t, rig, Interview())
	rig.Move(uid, within("2026-11-05 17:00", "2026-11-05 18:00"))
	if found := find(t, rig); !found.Start.Equal(within("2026-11-05 17:00", "2026-11-05 18:00").Start) || found.Sequence != 2 {
		t.Errorf("found %+v; want it where the owner put it", found)
	}
	put(t, rig, Interview())
	checkOne(t, rig, onThursday)
}

func answered(t *testing.T, rig Rig) {
	t.Helper()
	put(t, rig, Interview())
	for _, answer := range []calendar.Answer{calendar.Accepted, calendar.Tentative, calendar.Declined} {
		if !rig.Answer(uid, answer) {
			t.Skip("no answers there")
		}
		if found := find(t, rig); found.Answer != answer {
			t.Errorf("answer is %q; want %q", found.Answer, answer)
		}
	}
	checkBusy(t, rig, "2026-11-02", "2026-11-16")
	e := Interview()
	put(t, rig, e)
	e.Summary = "Interview: Design"
	put(t, rig, e)
	if found := find(t, rig); found.Answer != calendar.Declined {
		t.Errorf("answer is %q after a change of the title; want it kept", found.Answer)
	}
	put(t, rig, later())
	if found := find(t, rig); found.Answer != calendar.None {
		t.Errorf("answer is %q after a change of the time; want none", found.Answer)
	}
}

// lost runs something twice: the first time its answer is lost.
func lost(t *testing.T, rig Rig, do func(context.Context) error) {
	t.Helper()
	rig.LoseAnswer()
	failure, ok := errors.AsType[*calendar.Error](do(t.Context()))
	if !ok || failure.Kind != calendar.Unavailable || !failure.Retryable() {
		t.Fatalf("error is %v; want it to be tried again", failure)
	}
	if err := do(t.Context()); err != nil {
		t.Fatalf("again: %v", err)
	}
}

func lostPut(t *testing.T, rig Rig) {
	t.Helper()
	lost(t, rig, func(ctx context.Context) error { return rig.Calendar().Put(ctx, Interview()) })
	checkOne(t, rig, onThursday)
	if n := rig.Writes(); n != 1 {
		t.Errorf("%d writes; want 1", n)
	}
}

func lostChange(t *testing.T, rig Rig) {
	t.Helper()
	put(t, rig, Interview())
	lost(t, rig, func(ctx context.Context) error { return rig.Calendar().Put(ctx, later()) })
	checkOne(t, rig, onFriday)
}

func lostDelete(t *testing.T, rig Rig) {
	t.Helper()
	put(t, rig, Interview())
	lost(t, rig, func(ctx context.Context) error { return rig.Calendar().Delete(ctx, uid) })
	checkBusy(t, rig, "2026-11-02", "2026-11-16")
}

func newerBetween(t *testing.T, rig Rig) {
	t.Helper()
	put(t, rig, Interview())
	rig.BeforeWrite(func() { put(t, rig, at(Interview(), 9, "2026-11-06 14:00", "2026-11-06 15:00")) })
	kind, code := kind(t, rig.Calendar().Put(t.Context(), at(Interview(), 5, "2026-11-07 10:00", "2026-11-07 11:00")))
	if kind != calendar.Conflict || code != "newer_sequence" {
		t.Errorf("error is %s (%s); want a conflict about the sequence", kind, code)
	}
	checkOne(t, rig, onFriday)
}

func ownerBetween(t *testing.T, rig Rig) {
	t.Helper()
	put(t, rig, Interview())
	rig.BeforeWrite(func() { rig.Move(uid, within("2026-11-05 17:00", "2026-11-05 18:00")) })
	put(t, rig, later())
	checkOne(t, rig, onFriday)
}

func deletedBetween(t *testing.T, rig Rig) {
	t.Helper()
	put(t, rig, Interview())
	rig.BeforeWrite(func() { rig.Remove(uid) })
	put(t, rig, later())
	checkOne(t, rig, onFriday)
	rig.BeforeWrite(func() { rig.Remove(uid) })
	if err := rig.Calendar().Delete(t.Context(), uid); err != nil {
		t.Errorf("delete: %v", err)
	}
}

func createdBetween(t *testing.T, rig Rig) {
	t.Helper()
	rig.BeforeWrite(func() { put(t, rig, Interview()) })
	put(t, rig, later())
	checkOne(t, rig, onFriday)
}

func atOnce(t *testing.T, rig Rig) {
	t.Helper()
	var all sync.WaitGroup
	errs := make(chan error, 8)
	for range cap(errs) {
		all.Go(func() { errs <- rig.Calendar().Put(t.Context(), Interview()) })
	}
	all.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Errorf("put: %v", err)
		}
	}
	checkOne(t, rig, onThursday)
}

func throttled(t *testing.T, rig Rig) {
	t.Helper()
	rig.Fail(429, map[string]string{"Retry-After": "17"}, 1)
	failure, ok := errors.AsType[*calendar.Error](rig.Calendar().Put(t.Context(), Interview()))
	if !ok || failure.Kind != calendar.Throttled || !failure.Retryable() || failure.RetryAfter != 17*time.Second {
		t.Fatalf("error is %v; want it throttled for 17 seconds", failure)
	}
	put(t, rig, Interview())
	checkOne(t, rig, onThursday)
}

func inTrouble(t *testing.T, rig Rig) {
	t.Helper()
	for _, status := range []int{500, 502, 503, 504} {
		rig.Fail(status, nil, 1)
		if kind, code := kind(t, rig.Calendar().Put(t.Context(), Interview())); kind != calendar.Unavailable {
			t.Errorf("error after %d is %s (%s); want it unavailable", status, kind, code)
		}
	}
	put(t, rig, Interview())
	checkOne(t, rig, onThursday)
}

func refused(t *testing.T, rig Rig) {
	t.Helper()
	e := Interview()
	e.End = e.Start
	if kind, code := kind(t, rig.Calendar().Put(t.Context(), e)); kind != calendar.Refused {
		t.Errorf("error is %s (%s); want it refused", kind, code)
	}
}
