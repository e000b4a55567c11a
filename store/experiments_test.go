package store_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
)

func TestExperimentArms(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.set(start().Add(30 * 24 * time.Hour))
	// Arms of the runs, how long ago they were given, and whether the measure was met.
	for i, given := range []struct {
		arm  string
		days int
		met  bool
	}{
		{"growth", 20, true}, {"growth", 14, false}, {"growth", 3, true}, {"story", 20, false}, {"story", 1, false},
	} {
		id := b.candidate(t, fmt.Sprint("ATS-", i))
		run := b.enroll(t, id, "letters")
		at := b.now().Add(-time.Duration(given.days) * 24 * time.Hour)
		b.decide(t, run, func(_ *crm.Facts, d *crm.Decision) {
			d.Assigned = []crm.Assignment{{Step: "letter", Arm: given.arm, At: at}}
		})
		b.decide(t, run, func(_ *crm.Facts, d *crm.Decision) { // a second round: the first arm counts
			d.Assigned = []crm.Assignment{{Step: "letter", Arm: "other", At: b.now()}}
		})
		for range 2 {
			if !given.met {
				break
			}
			b.receive(t, b.event("message.clicked", id, nil))
			b.dispatch(t, id, func(in *crm.Inbox) (*crm.Dispatched, error) {
				out := positions(in)
				out.Measured = []crm.Measured{{EnrollmentID: run, Step: "letter", At: b.now()}, {EnrollmentID: run, Step: "none", At: b.now()}}
				return out, nil
			})
		}
	}
	for name, test := range map[string]struct {
		mature map[string]time.Time
		want   []crm.ArmCount
	}{
		"a time to be measured": {map[string]time.Time{"letter": b.now().Add(-14 * 24 * time.Hour)}, []crm.ArmCount{
			{Step: "letter", Arm: "growth", Assigned: 3, Measured: 2, Mature: 2, Met: 1},
			{Step: "letter", Arm: "story", Assigned: 2, Measured: 0, Mature: 1, Met: 0},
		}},
		"none": {nil, []crm.ArmCount{
			{Step: "letter", Arm: "growth", Assigned: 3, Measured: 2, Mature: 3, Met: 2},
			{Step: "letter", Arm: "story", Assigned: 2, Measured: 0, Mature: 2, Met: 0},
		}},
	} {
		got, err := b.ExperimentArms(t.Context(), "letters", test.mature)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: arms differ (-want +got):\n%s", name, diff)
		}
	}
	if got, err := b.ExperimentArms(t.Context(), "nurture", nil); err != nil || len(got) != 0 {
		t.Errorf("another sequence has %v, %v", got, err)
	}
}

func TestSettle(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.enroll(t, b.candidate(t, "ATS-1"), "letters")
	other := b.enroll(t, b.candidate(t, "ATS-2"), "nurture")
	for i, arm := range []string{"growth", "story"} {
		first, err := b.Settle(t.Context(), "letters", "letter", arm, b.now())
		if err != nil || first != (i == 0) {
			t.Errorf("settling to %s: %v, %v", arm, first, err)
		}
	}
	settled, err := b.SettledArms(t.Context(), "letters")
	if err != nil || len(settled) != 1 || settled["letter"].Arm != "growth" || !settled["letter"].At.Equal(b.now()) {
		t.Errorf("settled are %v, %v", settled, err)
	}
	b.decide(t, run, func(f *crm.Facts, _ *crm.Decision) {
		if !maps.Equal(f.Arms, map[string]string{"letter": "growth"}) {
			t.Errorf("arms of the run are %v", f.Arms)
		}
	})
	b.decide(t, other, func(f *crm.Facts, _ *crm.Decision) {
		if len(f.Arms) != 0 {
			t.Errorf("arms of another sequence's run are %v", f.Arms)
		}
	})
}

// The messages that a candidate has had are those of all runs, however long ago, that were or may yet be sent.
func TestHad(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	before := b.enroll(t, id, "letters")
	for i, state := range []crm.MessageState{
		crm.MessageSettled, crm.MessageUnknown, crm.MessageAccepted, crm.MessageClaimed, crm.MessagePlanned,
		crm.MessageRefused, crm.MessageCancelled, crm.MessageExpired, crm.MessageSkipped, crm.MessageSettled, crm.MessageSettled,
	} {
		template := string(state)
		if i >= 9 {
			template = "" // written in the step
		}
		b.decide(t, before, func(f *crm.Facts, d *crm.Decision) {
			m := intent(f, d, fmt.Sprint("step", i), crm.Email)
			m.Template, m.State, m.PlannedAt = template, state, d.At.Add(-2*crm.CapHorizon)
			d.Messages = []crm.Message{m}
		})
	}
	run := b.enroll(t, id, "nurture")
	b.decide(t, run, func(f *crm.Facts, _ *crm.Decision) {
		if want := []string{"accepted", "claimed", "planned", "settled", "unknown"}; !slices.Equal(f.Had, want) {
			t.Errorf("the candidate has had %v, want %v", f.Had, want)
		}
	})
}
