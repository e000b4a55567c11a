package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

func TestAccept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	run := b.enroll(t, id, "nurture")
	message := b.plan(t, run, "thanks", crm.Email)
	receipt := store.Acceptance{
		Provider: "sendgrid", ProviderID: "p1", Address: "Ana@example.org", Subject: "Thank you", TemplateHash: "t1", At: b.now(),
	}
	wantCode(t, b.Accept(t.Context(), message, receipt), crm.CodeConflict) // nobody has claimed it
	if got := b.drain(t, id); len(got) != 0 {
		t.Errorf("events are %v", types(got))
	}
	b.claimAll(t)
	b.pass(time.Second)
	receipt.At = b.now()
	for range 2 {
		if err := b.Accept(t.Context(), message, receipt); err != nil {
			t.Fatal(err)
		}
	}
	m := b.message(t, message)
	if m.State != crm.MessageAccepted || !m.AcceptedAt.Equal(b.now()) || m.ProviderID != "p1" || m.Subject != "Thank you" || m.TemplateHash != "t1" ||
		m.Address != "Ana@example.org" || !m.LeaseUntil.IsZero() {
		t.Errorf("the message is %+v", m)
	}
	candidate, _, err := b.Candidate(t.Context(), id)
	if err != nil || !candidate.LastContactedAt.Equal(b.now()) {
		t.Errorf("the candidate was last contacted %v, %v", candidate.LastContactedAt, err)
	}
	events := b.drain(t, id)
	if len(events) != 1 || events[0].Type != "message.sent" || events[0].ExternalID != "sent/"+message || events[0].Text("step") != "thanks" ||
		events[0].Text("sequence") != "nurture" || events[0].Text("channel") != "email" || events[0].EnrollmentID != run {
		t.Errorf("events are %+v", events)
	}
	if r := b.run(t, run); r.Wake == 0 {
		t.Error("the run that waits for the message's fate was not woken")
	}
	found, err := b.MessageByProvider(t.Context(), "sendgrid", "p1")
	if err != nil || found.ID != message {
		t.Errorf("by provider: %+v, %v", found, err)
	}
	_, err = b.MessageByProvider(t.Context(), "sendgrid", "")
	wantCode(t, err, crm.CodeNotFound)
}

func TestLastMessageTo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	run := b.enroll(t, id, "nurture")
	var sent []string
	for i := range 3 {
		b.pass(time.Hour)
		message := b.plan(t, run, fmt.Sprintf("step%d", i), crm.Email)
		b.claimAll(t)
		if err := b.Accept(t.Context(), message, store.Acceptance{Provider: "p", ProviderID: message, Address: "Ana@example.org", At: b.now()}); err != nil {
			t.Fatal(err)
		}
		sent = append(sent, message)
	}
	got, err := b.LastMessageTo(t.Context(), crm.Email, " ana@EXAMPLE.org", start().Add(-time.Hour), b.now().Add(-time.Hour))
	if err != nil || got.ID != sent[1] {
		t.Errorf("got %s, %v, want the last one before that time, %s", got.ID, err, sent[1])
	}
	_, err = b.LastMessageTo(t.Context(), crm.SMS, "ana@example.org", start().Add(-time.Hour), b.now())
	wantCode(t, err, crm.CodeNotFound)
	_, err = b.LastMessageTo(t.Context(), crm.Email, "ana@example.org", start().Add(-time.Hour), start())
	wantCode(t, err, crm.CodeNotFound)
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fail   func(t *testing.T, b *bundle, id string) error
		state  crm.MessageState
		reason string
		events []string
		woken  bool
	}{
		"refused": {
			func(t *testing.T, b *bundle, id string) error {
				t.Helper()
				return b.Refuse(t.Context(), id, "invalid_address", b.now())
			},
			crm.MessageRefused, "invalid_address",
			[]string{"message.failed"},
			true,
		},
		"unknown": {
			func(t *testing.T, b *bundle, id string) error {
				t.Helper()
				return b.Unknown(t.Context(), id, "timeout", b.now())
			},
			crm.MessageUnknown, "timeout",
			[]string{"message.failed"},
			true,
		},
		"released": {
			func(t *testing.T, b *bundle, id string) error {
				t.Helper()
				return b.Release(t.Context(), id, b.now().Add(time.Minute))
			},
			crm.MessagePlanned, "", nil, false,
		},
		"lease over": {
			func(t *testing.T, b *bundle, _ string) error {
				t.Helper()
				b.pass(2 * time.Minute)
				n, err := b.ExpireLeases(t.Context(), b.now())
				if n != 1 {
					t.Errorf("expired %d leases", n)
				}
				return err
			},
			crm.MessageUnknown, "lease_expired",
			[]string{"message.failed"},
			true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.candidate(t, "ATS-1")
			run := b.enroll(t, id, "nurture")
			message := b.plan(t, run, "thanks", crm.Email)
			b.claimAll(t)
			if n, err := b.ExpireLeases(t.Context(), b.now()); n != 0 || err != nil {
				t.Errorf("expired %d leases too early, %v", n, err)
			}
			if err := test.fail(t, b, message); err != nil {
				t.Fatal(err)
			}
			if m := b.message(t, message); m.State != test.state || m.Reason != test.reason || !m.LeaseUntil.IsZero() {
				t.Errorf("the message is %+v", m)
			}
			if got := types(b.drain(t, id)); !slices.Equal(got, test.events) {
				t.Errorf("events are %v, want %v", got, test.events)
			}
			if woken := b.run(t, run).Wake > 0; woken != test.woken {
				t.Errorf("the run was woken: %v, want %v", woken, test.woken)
			}
			if claims := b.claimAll(t); len(claims) != 0 {
				t.Errorf("claimed %+v, want nothing to be sent twice", claims)
			}
			b.pass(time.Hour)
			if claims := b.claimAll(t); len(claims) == 1 != (name == "released") {
				t.Errorf("claimed %+v later", claims)
			}
		})
	}
}

func TestLedgerRefusesWrongStates(t *testing.T) {
	t.Parallel()
	b := setup(t)
	message := b.plan(t, b.enroll(t, b.candidate(t, "ATS-1"), "nurture"), "thanks", crm.Email)
	wantCode(t, b.Refuse(t.Context(), message, "x", b.now()), crm.CodeConflict)
	wantCode(t, b.Unknown(t.Context(), message, "x", b.now()), crm.CodeConflict)
	wantCode(t, b.Release(t.Context(), message, b.now()), crm.CodeConflict)
	wantCode(t, b.Refuse(t.Context(), "msg_none", "x", b.now()), crm.CodeConflict)
	_, err := b.MessageByID(t.Context(), "msg_none")
	wantCode(t, err, crm.CodeNotFound)
	b.claimAll(t)
	if err := b.Unknown(t.Context(), message, "timeout", b.now()); err != nil {
		t.Fatal(err)
	}
	wantCode(t, b.Release(t.Context(), message, b.now()), crm.CodeConflict) // an unknown message is never sent again by itself
	if err := b.Accept(t.Context(), message, store.Acceptance{Provider: "p", ProviderID: "1", At: b.now()}); err != nil {
		t.Fatal(err) // the provider's lookup has found it
	}
	wantCode(t, b.Refuse(t.Context(), message, "x", b.now()), crm.CodeConflict)
}

// TestFateKnownWakesNobody holds that a report of what is known already, which is refused, wakes no run.
func TestFateKnownWakesNobody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.enroll(t, b.candidate(t, "c"), "seq")
	id := b.plan(t, run, "thanks", crm.Email)
	b.claimAll(t)
	if err := b.Refuse(t.Context(), id, "550", b.now()); err != nil {
		t.Fatal(err)
	}
	before := b.run(t, run).Wake
	if err := b.Unknown(t.Context(), id, "timeout", b.now()); crm.CodeOf(err) != crm.CodeConflict {
		t.Errorf("got %v", err)
	}
	if after := b.run(t, run).Wake; before == 0 || after != before {
		t.Errorf("wake went from %d to %d", before, after)
	}
}
