package booking_test

import (
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// The candidate of a booked meeting is erased: nothing of it is known but whose calendars have its event.
func TestTakeOut(t *testing.T) {
	t.Parallel()
	r := duo(t)
	id, other := r.booked(t, "ana"), r.booked(t, "ben")
	if _, err := r.Erase(t.Context(), crm.Erasure{
		Candidate: r.meeting(t, id).CandidateID, Mode: crm.RetentionErase, Rule: "request", Reason: "art-17", By: "lena", At: r.now(),
	}); err != nil {
		t.Fatal(err)
	}
	jobs, err := r.TakeErasureJobs(t.Context(), r.now(), time.Minute, 100)
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	for _, j := range jobs {
		if j.Kind != crm.ErasureCalendar {
			continue
		}
		taken++
		for range 2 { // the second time it is gone
			if err := r.booker.TakeOut(t.Context(), j.Payload.Meeting, j.Payload.Interviewer); err != nil {
				t.Error(err)
			}
		}
	}
	if taken != len(r.gates) {
		t.Errorf("%d calendars of %d were looked after", taken, len(r.gates))
	}
	r.consistent(t, other)
	if err := r.booker.TakeOut(t.Context(), id, "int_nobody"); err != nil {
		t.Errorf("of an interviewer who is gone too: %v", err)
	}
}
