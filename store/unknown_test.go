package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// lost plans a message, has it claimed and its fate unknown.
func (b *bundle) lost(t *testing.T, externalID string) (candidate, message string) {
	t.Helper()
	candidate = b.candidate(t, externalID)
	message = b.plan(t, b.enroll(t, candidate, "nurture"), "thanks", crm.Email)
	b.claimAll(t)
	if err := b.Unknown(t.Context(), message, "timeout", b.now()); err != nil {
		t.Fatal(err)
	}
	return candidate, message
}

func (b *bundle) lookups(t *testing.T, channels ...crm.Channel) []store.Unknown {
	t.Helper()
	due, err := b.DueLookups(t.Context(), b.now(), channels, 10)
	if err != nil {
		t.Fatal(err)
	}
	return due
}

// A provider is asked after two minutes, then less and less often, and no longer than three days.
func TestDueLookups(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, message := b.lost(t, "ATS-1")
	if due := b.lookups(t, crm.Email); len(due) != 0 {
		t.Errorf("looked up at once: %+v", due)
	}
	b.pass(2 * time.Minute)
	if due := b.lookups(t, crm.SMS); len(due) != 0 {
		t.Errorf("looked up on another channel: %+v", due)
	}
	var asked []time.Duration
	for began := b.now(); b.now().Sub(began) < 5*24*time.Hour; b.pass(time.Minute) {
		m := b.message(t, message)
		if m.LookupAt.IsZero() {
			break
		}
		b.set(m.LookupAt)
		if due := b.lookups(t, crm.Email, crm.SMS); len(due) != 1 || due[0].ID != message || due[0].UnknownReason != "timeout" {
			t.Fatalf("due are %+v", due)
		}
		if due := b.lookups(t, crm.Email); len(due) != 0 {
			t.Fatalf("two workers look it up at once: %+v", due)
		}
		asked = append(asked, b.now().Sub(m.UnknownAt))
	}
	if len(asked) < 10 || len(asked) > 25 || asked[0] != 2*time.Minute || asked[1] != 4*time.Minute || asked[2] != 8*time.Minute ||
		asked[len(asked)-1] < 3*24*time.Hour || asked[len(asked)-1] > 3*24*time.Hour+6*time.Hour {
		t.Errorf("asked after %v", asked)
	}
}

func TestPrepare(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.enroll(t, b.candidate(t, "ATS-1"), "nurture")
	message := b.plan(t, run, "thanks", crm.SMS)
	b.claimAll(t)
	h := store.Handover{ID: message, Sender: "+447700900000", BodyHash: crm.BodyHash("hello")}
	if err := b.Prepare(t.Context(), []store.Handover{h}); err != nil {
		t.Fatal(err)
	}
	b.pass(2 * time.Minute)
	if _, err := b.ExpireLeases(t.Context(), b.now()); err != nil {
		t.Fatal(err)
	}
	b.pass(2 * time.Minute)
	due := b.lookups(t, crm.SMS)
	if len(due) != 1 || due[0].Sender != h.Sender || !slices.Equal(due[0].BodyHash, h.BodyHash) || due[0].UnknownReason != "lease_expired" {
		t.Fatalf("due are %+v", due)
	}
	if err := b.Accept(t.Context(), message, store.Acceptance{Provider: "twilio", ProviderID: "SM1", At: b.now()}); err != nil {
		t.Fatal(err)
	}
	if m := b.message(t, message); m.State != crm.MessageAccepted || !m.LookupAt.IsZero() {
		t.Errorf("the message is %+v", m)
	}
	b.exec(t, "do $$ begin assert (select body_hash is null from messages); end $$") // forgotten once its fate is known
}

func TestMissing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		resend, late, withdrawn bool
		state                   crm.MessageState
		resent                  bool
	}{
		"refused":                {state: crm.MessageRefused},
		"planned once more":      {resend: true, state: crm.MessagePlanned, resent: true},
		"its time has passed":    {resend: true, late: true, state: crm.MessageRefused},
		"its run has been ended": {resend: true, withdrawn: true, state: crm.MessageCancelled, resent: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			candidate, message := b.lost(t, "ATS-1")
			if test.withdrawn {
				b.exec(t, "update enrollments set withdrawn = true where candidate_id = $1", candidate)
			}
			b.pass(time.Hour)
			if test.late {
				b.pass(72 * time.Hour)
			}
			e := crm.Evidence{At: b.now(), Source: "twilio", Result: crm.EvidenceNeverArrived}
			resent, err := b.Missing(t.Context(), message, e, test.resend)
			if err != nil || resent != test.resent {
				t.Fatalf("resent: %v, %v", resent, err)
			}
			if m := b.message(t, message); m.State != test.state || m.ResentAt.IsZero() == test.resent {
				t.Errorf("the message is %+v", m)
			}
			_, err = b.Missing(t.Context(), message, e, test.resend)
			wantCode(t, err, crm.CodeConflict)
			evidence, err := b.Evidence(t.Context(), []string{message})
			if err != nil || len(evidence[message]) != 1 || evidence[message][0].Result != crm.EvidenceNeverArrived {
				t.Errorf("evidence is %+v, %v", evidence, err)
			}
			entries, _, err := b.Timeline(t.Context(), candidate, 100, "")
			if err != nil {
				t.Fatal(err)
			}
			told := slices.ContainsFunc(entries, func(e store.Entry) bool {
				return e.Kind == store.EntryKind(crm.NoteResent) && e.MessageID == message && e.Step == "thanks"
			})
			if told != test.resent {
				t.Errorf("the timeline tells of it: %v", told)
			}
		})
	}
}

// A message goes once more at most, and not at all when a report comes before.
func TestResentOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, message := b.lost(t, "ATS-1")
	b.pass(time.Hour)
	e := crm.Evidence{At: b.now(), Source: "twilio", Result: crm.EvidenceNeverArrived}
	if resent, err := b.Missing(t.Context(), message, e, true); !resent || err != nil {
		t.Fatal(resent, err)
	}
	if claims := b.claimAll(t); len(claims) != 1 || claims[0].Message.Attempts != 2 {
		t.Fatalf("claimed %+v", claims)
	}
	if err := b.Unknown(t.Context(), message, "timeout", b.now()); err != nil {
		t.Fatal(err)
	}
	if resent, err := b.Missing(t.Context(), message, e, true); resent || err != nil {
		t.Errorf("resent again: %v, %v", resent, err)
	}
	_, other := b.lost(t, "ATS-2")
	if _, err := b.Missing(t.Context(), other, e, true); err != nil {
		t.Fatal(err)
	}
	if err := b.Accept(t.Context(), other, store.Acceptance{Provider: "twilio", ProviderID: "SM1", At: b.now()}); err != nil {
		t.Fatal(err)
	}
	if claims := b.claimAll(t); len(claims) != 0 {
		t.Errorf("claimed %+v, which had arrived after all", claims)
	}
}

func TestSettleMessage(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		sent   bool
		state  crm.MessageState
		events []string
	}{
		"sent":     {true, crm.MessageAccepted, []string{"message.failed", "message.sent"}},
		"not sent": {false, crm.MessageRefused, []string{"message.failed"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			candidate, message := b.lost(t, "ATS-1")
			claimed := b.now()
			b.pass(time.Hour)
			e := crm.Evidence{At: b.now(), By: "ops", Note: "seen in the console"}
			if err := b.SettleMessage(t.Context(), message, test.sent, e); err != nil {
				t.Fatal(err)
			}
			m := b.message(t, message)
			if m.State != test.state || m.UnknownReason != "timeout" || test.sent && !m.AcceptedAt.Equal(claimed) {
				t.Errorf("the message is %+v", m)
			}
			wantCode(t, b.SettleMessage(t.Context(), message, test.sent, e), crm.CodeConflict)
			wantCode(t, b.SettleMessage(t.Context(), "msg_none", test.sent, e), crm.CodeNotFound)
			evidence, err := b.Evidence(t.Context(), []string{message})
			if err != nil || len(evidence[message]) != 1 || evidence[message][0].By != "ops" || evidence[message][0].Source != crm.SourcePerson {
				t.Errorf("evidence is %+v, %v", evidence, err)
			}
			if got := types(b.drain(t, candidate)); !slices.Equal(got, test.events) {
				t.Errorf("events are %v, want %v", got, test.events)
			}
			page, _, err := b.ListMessages(t.Context(), store.MessageFilter{State: crm.MessageUnknown})
			if err != nil || len(page) != 0 {
				t.Errorf("unknown are %+v, %v", page, err)
			}
			if page, _, err = b.ListMessages(t.Context(), store.MessageFilter{Candidate: candidate, State: test.state}); err != nil || len(page) != 1 {
				t.Errorf("listed are %+v, %v", page, err)
			}
		})
	}
}
