package memory_test

import (
	"slices"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// begun has the run begin a meeting for which an hour, some minutes after the beginning of tomorrow, is offered with ada.
func (b *bundle) begun(id string, minutes int) crm.Slot {
	b.t.Helper()
	at := b.now.Truncate(24*time.Hour).AddDate(0, 0, 1).Add(time.Duration(minutes) * time.Minute)
	slot := crm.Slot{StartsAt: at, EndsAt: at.Add(time.Hour), Seats: []string{"ada"}}
	b.decide(func(_ *crm.Facts, d *crm.Decision) {
		d.Meetings = []crm.Meeting{{ID: id, Round: "screen", State: crm.MeetingOffered, Offered: []crm.Slot{slot}, CreatedAt: b.now}}
	})
	return slot
}

func (b *bundle) pick(id string, slot crm.Slot, changed crm.MeetingChanged) error {
	_, err := b.ChangeMeeting(b.t.Context(), id, func(m *crm.Meeting) (crm.MeetingChanged, error) {
		_, err := m.Pick(slot.StartsAt, 1, time.Time{}, b.now)
		return changed, err
	})
	return err
}

// Nobody holds two meetings at once, and what a refused change had done is not kept.
func TestNobodyHoldsTwo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, overlaps, after := b.begun("mtg_1", 0), b.begun("mtg_2", 30), b.begun("mtg_3", 60)
	b.must(b.pick("mtg_1", first, crm.MeetingChanged{}))
	if err := b.pick("mtg_2", overlaps, crm.MeetingChanged{}); crm.CodeOf(err) != crm.CodeConflict {
		t.Errorf("overlapping: %v", err)
	}
	b.must(b.pick("mtg_3", after, crm.MeetingChanged{}))
	var states []crm.MeetingState
	for _, m := range b.Meetings(b.run) {
		states = append(states, m.State)
	}
	if want := []crm.MeetingState{crm.MeetingHeld, crm.MeetingOffered, crm.MeetingHeld}; !slices.Equal(states, want) {
		t.Errorf("states %v, want %v", states, want)
	}
	held, err := b.HeldBy(t.Context(), []string{"ada", "ben"}, crm.Span{Start: first.StartsAt, End: after.StartsAt})
	if err != nil || len(held) != 1 || held[0].MeetingID != "mtg_1" || held[0].InterviewerID != "ada" {
		t.Errorf("held %+v, %v", held, err)
	}
	if f, err := b.MeetingFacts(t.Context(), "mtg_2"); err != nil || len(f.Elsewhere) != 2 || f.Candidate.ID != "cnd_1" || f.Meeting.EnrollmentID != b.run {
		t.Errorf("facts %+v, %v", f, err)
	}
	if seats, err := b.SeatsBooked(t.Context(), crm.Span{Start: b.now, End: after.EndsAt}); err != nil || len(seats) != 0 {
		t.Errorf("booked %+v, %v", seats, err)
	}
	if _, err := b.MeetingFacts(t.Context(), "mtg_4"); crm.CodeOf(err) != crm.CodeNotFound {
		t.Errorf("a meeting that is not there: %v", err)
	}
}

// The first answer of a call stays, with what it changed, and what tells of a change comes with it.
func TestMeetingAnswersOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	slot := b.begun("mtg_1", 0)
	told := crm.Event{ID: "evt_1", Source: crm.SourceRapport, ExternalID: "evt_1", Type: crm.EventPicked, CandidateID: "cnd_1", Time: b.now}
	b.must(b.pick("mtg_1", slot, crm.MeetingChanged{Call: &crm.CallResult{Seq: 7, Outcome: crm.MeetingWritten}, Events: []crm.Event{told}}))
	late, err := b.ChangeMeeting(t.Context(), "mtg_1", func(m *crm.Meeting) (crm.MeetingChanged, error) {
		m.Taken()
		return crm.MeetingChanged{Call: &crm.CallResult{Seq: 7, Outcome: crm.MeetingTaken}}, nil
	})
	if err != nil || late.State != crm.MeetingHeld || b.Meetings(b.run)[0].State != crm.MeetingHeld {
		t.Errorf("a second answer changed the meeting: %+v, %v", late, err)
	}
	if f := b.facts(); f.Call == nil || f.Call.Outcome != crm.MeetingWritten || len(f.Meetings) != 1 {
		t.Errorf("facts %+v", f)
	}
	if in := b.dispatchAll(nil); len(in.Events) != 1 || in.Events[0].Type != crm.EventPicked {
		t.Errorf("told %+v", in.Events)
	}
}
