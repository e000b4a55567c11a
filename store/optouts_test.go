package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

func (b *bundle) state(t *testing.T, id, purpose string, channel crm.Channel) crm.ConsentState {
	t.Helper()
	_, history, err := b.Candidate(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return crm.ConsentFor(history, purpose, channel)
}

func (b *bundle) suppressions(t *testing.T, runID string) []crm.SuppressionReason {
	t.Helper()
	turn, err := b.Begin(t.Context(), runID, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer turn.Rollback()
	var reasons []crm.SuppressionReason
	for _, s := range turn.Facts().Suppressions {
		reasons = append(reasons, s.Reason)
	}
	return reasons
}

func types(events []crm.Event) []string {
	var names []string
	for i := range events {
		names = append(names, events[i].Type)
	}
	return names
}

func TestOptOut(t *testing.T) {
	t.Parallel()
	const mail = " ATS-1@example.ORG"
	for name, test := range map[string]struct {
		optOut       store.OptOut
		news, jobs   crm.ConsentState // by email
		text         crm.ConsentState // news by SMS
		suppressions []crm.SuppressionReason
		events       []string
	}{
		"complaint by address": {
			store.OptOut{Channel: crm.Email, Address: mail, Reason: crm.SuppressedComplaint},
			crm.ConsentRevoked, crm.ConsentRevoked, crm.ConsentGranted,
			[]crm.SuppressionReason{crm.SuppressedComplaint},
			[]string{"message.complained", "consent.revoked", "consent.revoked"},
		},
		"unsubscribe from one purpose": {
			store.OptOut{Channel: crm.Email, Address: mail, Reason: crm.SuppressedUnsubscribe, Purpose: "news"},
			crm.ConsentRevoked, crm.ConsentGranted, crm.ConsentGranted, nil,
			[]string{"message.complained", "consent.revoked"},
		},
		"objection to a purpose without consent": {
			store.OptOut{Channel: crm.Email, Address: mail, Reason: crm.SuppressedUnsubscribe, Purpose: "sourced"},
			crm.ConsentGranted, crm.ConsentGranted, crm.ConsentGranted, nil,
			[]string{"message.complained", "consent.revoked"},
		},
		"hard bounce": {
			store.OptOut{Channel: crm.Email, Address: mail, Reason: crm.SuppressedBounce},
			crm.ConsentGranted, crm.ConsentGranted, crm.ConsentGranted,
			[]crm.SuppressionReason{crm.SuppressedBounce},
			[]string{"message.complained"},
		},
		"stop by candidate, present number": {
			store.OptOut{Channel: crm.SMS, CandidateID: "the candidate", Reason: crm.SuppressedStop},
			crm.ConsentGranted, crm.ConsentGranted, crm.ConsentRevoked,
			[]crm.SuppressionReason{crm.SuppressedStop},
			[]string{"message.complained", "consent.revoked"},
		},
		"somebody else's address": {
			store.OptOut{Channel: crm.Email, Address: "other@example.org", Reason: crm.SuppressedComplaint},
			crm.ConsentGranted, crm.ConsentGranted, crm.ConsentGranted, nil,
			[]string{"message.complained"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.candidate(t, "ATS-1", grant("news", crm.Email), grant("jobs", crm.Email), grant("news", crm.SMS))
			run := b.enroll(t, id, "nurture")
			if test.optOut.CandidateID != "" {
				test.optOut.CandidateID = id
			}
			test.optOut.At, test.optOut.Source = b.now(), "test"
			event := b.event("message.complained", id, nil)
			if _, err := b.ReceiveWithOptOuts(t.Context(), []crm.Event{event}, []store.OptOut{test.optOut}); err != nil {
				t.Fatal(err)
			}
			for _, want := range []struct {
				purpose string
				channel crm.Channel
				state   crm.ConsentState
			}{{"news", crm.Email, test.news}, {"jobs", crm.Email, test.jobs}, {"news", crm.SMS, test.text}} {
				if got := b.state(t, id, want.purpose, want.channel); got != want.state {
					t.Errorf("%s by %s is %d, want %d", want.purpose, want.channel, got, want.state)
				}
			}
			if got := b.suppressions(t, run); !slices.Equal(got, test.suppressions) {
				t.Errorf("suppressions are %v, want %v", got, test.suppressions)
			}
			if got := types(b.drain(t, id)); !slices.Equal(got, test.events) {
				t.Errorf("events are %v, want %v", got, test.events)
			}
		})
	}
}

func TestOptOutOutweighsLaterConsent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	consent := grant("news", crm.SMS)
	consent.At = b.now()
	id := b.candidate(t, "ATS-1", consent)
	stop := store.OptOut{Channel: crm.SMS, CandidateID: id, Reason: crm.SuppressedStop, At: b.now().Add(-time.Second)}
	if _, err := b.ReceiveWithOptOuts(t.Context(), nil, []store.OptOut{stop}); err != nil {
		t.Fatal(err)
	}
	if got := b.state(t, id, "news", crm.SMS); got != crm.ConsentRevoked {
		t.Errorf("the consent is %d after a STOP that is dated before it, want revoked", got)
	}
}

func TestStopAndStart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1", grant("news", crm.SMS), grant("jobs", crm.SMS))
	run := b.enroll(t, id, "nurture")
	b.pass(time.Minute)
	b.receive(t, b.event("consent.revoked", id, map[string]any{"purpose": "jobs", "channels": []string{"sms"}}))
	stop := store.OptOut{Channel: crm.SMS, CandidateID: id, Reason: crm.SuppressedStop, Source: "sms STOP"}
	begin := stop
	begin.Undo, begin.Source = true, "sms START"
	for range 2 { // over and over, at the same instant
		stop.At, begin.At = b.now(), b.now()
		if _, err := b.ReceiveWithOptOuts(t.Context(), nil, []store.OptOut{stop}); err != nil {
			t.Fatal(err)
		}
		if b.state(t, id, "news", crm.SMS) != crm.ConsentRevoked || len(b.suppressions(t, run)) != 1 {
			t.Error("STOP did not stop")
		}
		if _, err := b.ReceiveWithOptOuts(t.Context(), nil, []store.OptOut{begin}); err != nil {
			t.Fatal(err)
		}
		if b.state(t, id, "news", crm.SMS) != crm.ConsentGranted || len(b.suppressions(t, run)) != 0 {
			t.Error("START did not take back what STOP did")
		}
	}
	if b.state(t, id, "jobs", crm.SMS) != crm.ConsentRevoked {
		t.Error("START granted what STOP had not revoked")
	}
}

// A webhook that is delivered again must not undo what the candidate has agreed to since.
func TestOptOutOfDuplicate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1", grant("news", crm.Email))
	event := b.event("message.complained", id, nil)
	out := store.OptOut{Channel: crm.Email, CandidateID: id, Reason: crm.SuppressedUnsubscribe, Purpose: "news", Event: event.ExternalID, At: b.now()}
	if _, err := b.ReceiveWithOptOuts(t.Context(), []crm.Event{event}, []store.OptOut{out}); err != nil {
		t.Fatal(err)
	}
	b.pass(time.Hour)
	b.receive(t, b.event("consent.granted", id, map[string]any{"purpose": "news"}))
	got, err := b.ReceiveWithOptOuts(t.Context(), []crm.Event{event}, []store.OptOut{out})
	if err != nil || !got[0].Duplicate {
		t.Fatalf("got %+v, %v, want a duplicate", got, err)
	}
	if b.state(t, id, "news", crm.Email) != crm.ConsentGranted {
		t.Error("the repeated webhook revoked a newer consent")
	}
}

// A suppression holds for the address, whoever has it later.
func TestSuppressionFollowsAddress(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dead := store.OptOut{Channel: crm.Email, Address: "dead@example.org", Reason: crm.SuppressedBounce, At: b.now()}
	if _, err := b.ReceiveWithOptOuts(t.Context(), nil, []store.OptOut{dead, dead}); err != nil {
		t.Fatal(err)
	}
	id := b.candidate(t, "ATS-1")
	run := b.enroll(t, id, "nurture")
	if got := b.suppressions(t, run); len(got) != 0 {
		t.Errorf("suppressions are %v, want none", got)
	}
	for _, step := range []struct {
		email string
		want  int
	}{{"DEAD@example.org ", 1}, {"alive@example.org", 0}} {
		if _, err := b.UpsertCandidates(t.Context(), []store.Write{{Candidate: crm.Candidate{ExternalID: "ATS-1", Email: step.email}}}, b.now()); err != nil {
			t.Fatal(err)
		}
		if got := b.suppressions(t, run); len(got) != step.want {
			t.Errorf("with %q suppressions are %v, want %d", step.email, got, step.want)
		}
	}
	found, err := b.CandidatesByAddress(t.Context(), crm.Email, "Alive@Example.org")
	if err != nil || len(found) != 1 || found[0].ID != id {
		t.Errorf("found %v by address, %v", found, err)
	}
}
