package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// november is the period of the reports in tests; its meetings are an hour long, at ten on a day.
func november() crm.Span {
	return crm.Span{Start: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}
}

func onDay(day int, seats ...string) crm.Slot {
	at := time.Date(2026, 11, day, 10, 0, 0, 0, time.UTC)
	return crm.Slot{StartsAt: at, EndsAt: at.Add(time.Hour), Seats: seats}
}

// book has a candidate with a meeting that is booked, written to all calendars.
func (b *bundle) book(t *testing.T, name string, slot crm.Slot) (meetingID, runID string) {
	t.Helper()
	id, run := b.offered(t, name, slot)
	b.change(t, id, func(m *crm.Meeting) error {
		m.OfferedAt = b.now()
		_, err := m.Pick(slot.StartsAt, 3, time.Time{}, b.now())
		m.Book(b.now())
		return err
	})
	return id, run
}

// says tells of a change of a meeting at some moment.
func (b *bundle) says(t *testing.T, meetingID, eventType string, at time.Time, data map[string]any) {
	t.Helper()
	_, err := b.ChangeMeeting(t.Context(), meetingID, func(m *crm.Meeting) (store.MeetingChanged, error) {
		data["meeting"], data["round"] = m.ID, m.Round
		id := crm.NewID(crm.PrefixEvent, at)
		return store.MeetingChanged{Unchanged: true, Events: []crm.Event{{
			ID: id, Source: crm.SourceRapport, ExternalID: id, Type: eventType, Subject: m.CandidateID, CandidateID: m.CandidateID, Time: at, ReceivedAt: at, Data: data,
		}}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestInterviewerLoads(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ids := b.people(t, "ada", "bo", "cy", "dee")
	ada, bo, cy := ids[0], ids[1], ids[2]
	b.book(t, "held", onDay(3, ada))
	done, _ := b.book(t, "done", onDay(4, ada, bo))
	missed, _ := b.book(t, "missed", onDay(5, bo))
	b.book(t, "ahead", onDay(25, ada))
	replaced, _ := b.book(t, "replaced", onDay(26, bo))
	called, _ := b.book(t, "called off", onDay(27, bo))
	shadow := onDay(28, ada)
	shadow.Shadows = []string{cy}
	b.book(t, "shadowed", shadow)
	december := onDay(1, bo)
	december.StartsAt, december.EndsAt = december.StartsAt.AddDate(0, 1, 0), december.EndsAt.AddDate(0, 1, 0)
	b.book(t, "december", december)
	end := func(id string, state crm.MeetingState) {
		b.change(t, id, func(m *crm.Meeting) error { m.State, m.ClosedAt = state, m.EndsAt; return nil })
	}
	end(done, crm.MeetingCompleted)
	end(missed, crm.MeetingNoShow)
	end(called, crm.MeetingCancelled)
	b.says(t, replaced, crm.EventDeclined, b.now(), map[string]any{"by": "bo@north.example"})
	b.says(t, replaced, crm.EventDeclined, b.now(), map[string]any{"interviewer": ada})
	b.says(t, replaced, crm.EventDeclined, b.now().AddDate(0, -1, 0), map[string]any{"interviewer": ada})
	b.change(t, replaced, func(m *crm.Meeting) error { m.Substitute(onDay(26, cy)); return nil })

	got, err := b.InterviewerLoads(t.Context(), november(), onDay(20).StartsAt)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		got[i] = store.InterviewerLoad{
			Name: got[i].Name, Held: got[i].Held, Upcoming: got[i].Upcoming, Missed: got[i].Missed, Shadowed: got[i].Shadowed,
			Released: got[i].Released, Declined: got[i].Declined, Time: got[i].Time,
		}
	}
	want := []store.InterviewerLoad{
		{Name: "ada", Held: 2, Upcoming: 2, Declined: 1, Time: 4 * time.Hour},
		{Name: "bo", Held: 1, Missed: 1, Released: 1, Declined: 1, Time: time.Hour},
		{Name: "cy", Upcoming: 1, Shadowed: 1, Time: time.Hour},
		{Name: "dee"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The first choice and the first booking count, also where the time was changed later.
func TestMeetingStories(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ada := b.people(t, "ada")
	moved, run := b.book(t, "moved", onDay(3, ada...))
	other, _ := b.book(t, "other", onDay(4, ada...))
	at := b.now()
	b.says(t, moved, crm.EventPicked, at.Add(3*time.Hour), map[string]any{})
	b.says(t, moved, crm.EventPicked, at.Add(30*time.Hour), map[string]any{})
	b.says(t, moved, "interview.booked", at.Add(4*time.Hour), map[string]any{"by": run})
	b.change(t, moved, func(m *crm.Meeting) error { m.BookedAt, m.Moves = at.Add(31*time.Hour), 1; return nil })
	b.set(november().End)
	b.book(t, "december", crm.Slot{StartsAt: november().End.Add(time.Hour), EndsAt: november().End.Add(2 * time.Hour), Seats: ada})

	got, err := b.MeetingStories(t.Context(), november())
	if err != nil {
		t.Fatal(err)
	}
	type story struct {
		id             string
		picked, booked time.Time
		moves          int
	}
	var stories []story
	for i := range got {
		stories = append(stories, story{got[i].ID, got[i].PickedAt, got[i].FirstBooked, got[i].Moves})
	}
	want := map[string]story{moved: {moved, at.Add(3 * time.Hour), at.Add(4 * time.Hour), 1}, other: {other, time.Time{}, at, 0}}
	if len(stories) != len(want) {
		t.Fatalf("%d stories, want %d", len(stories), len(want))
	}
	for _, s := range stories {
		if s != want[s.id] {
			t.Errorf("got %+v\nwant %+v", s, want[s.id])
		}
	}
}
