package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// toLead has a candidate with a meeting, and a message about it to who holds it.
func (b *bundle) toLead(t *testing.T, method crm.CalendarMethod) (message, run, lead string) {
	t.Helper()
	lead = b.people(t, "ada")[0]
	at := slot(0, lead)
	meeting, run := b.offered(t, "ATS-1", at)
	d := b.decide(t, run, func(f *crm.Facts, d *crm.Decision) {
		m := intent(f, d, "talk.invitations", crm.Email)
		m.Recipient, m.MeetingID, m.Calendar = lead, meeting, method
		m.Appointment = &crm.Appointment{Sequence: 2, StartsAt: at.StartsAt, EndsAt: at.EndsAt}
		d.Messages, d.Awaits = []crm.Message{m}, []string{crm.AwaitSettled}
	})
	return d.Messages[0].ID, run, lead
}

func TestClaimBringsMeetingAndRecipient(t *testing.T) {
	t.Parallel()
	b := setup(t)
	message, run, lead := b.toLead(t, crm.CalendarRequest)
	b.exec(t, `insert into interviewer_calendars (id, interviewer_id, kind, address, account, created_at)
		values ('cal_1', $1, 'microsoft', 'primary', 'ada', now())`, lead)
	if err := b.Suppress(t.Context(), []store.OptOut{{Channel: crm.Email, Address: "Ada@north.example", Reason: crm.SuppressedBounce, Source: "test", At: b.now()}}); err != nil {
		t.Fatal(err)
	}
	checked := 0
	_, err := b.Claim(t.Context(), b.now(), crm.Email, 10, time.Minute, func(c *store.Claim) store.Verdict {
		checked++
		to := c.Facts.Recipient
		if to == nil || to.ID != lead || to.Email != "ada@north.example" || !to.OwnEvent || len(to.Suppressions) != 1 || to.Suppressions[0].Reason != crm.SuppressedBounce {
			t.Errorf("for %+v", to)
		}
		if len(c.Facts.Suppressions) != 0 || len(c.Facts.Meetings) != 1 || c.Facts.Meetings[0].ID != c.Message.MeetingID || c.Facts.Meetings[0].EnrollmentID != run {
			t.Errorf("about %+v, suppressions %v", c.Facts.Meetings, c.Facts.Suppressions)
		}
		want := &crm.Appointment{Sequence: 2, StartsAt: slot(0).StartsAt, EndsAt: slot(0).EndsAt}
		if diff := cmp.Diff(want, c.Message.Appointment); diff != "" || c.Message.ID != message {
			t.Error(diff)
		}
		return store.Verdict{State: crm.MessageClaimed, Address: to.Email}
	})
	if err != nil || checked != 1 {
		t.Fatalf("checked %d, %v", checked, err)
	}
}

// What becomes of mail to an interviewer is in the ledger, and no fact about the candidate.
func TestMailToInterviewersIsNoFact(t *testing.T) {
	t.Parallel()
	for name, happens := range map[string]func(b *bundle, id string) error{
		"accepted": func(b *bundle, id string) error {
			return b.Accept(t.Context(), id, store.Acceptance{Provider: "sendgrid", ProviderID: "p", Address: "ada@north.example", At: b.now()})
		},
		"refused": func(b *bundle, id string) error { return b.Refuse(t.Context(), id, "template", b.now()) },
		"unknown": func(b *bundle, id string) error { return b.Unknown(t.Context(), id, "timeout", b.now()) },
		"settled": func(b *bundle, id string) error {
			return b.NoteReport(t.Context(), id, &crm.Event{Source: "sendgrid", Type: "message.bounced", Time: b.now(), Data: map[string]any{}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			message, run, _ := b.toLead(t, crm.CalendarRequest)
			before := b.run(t, run)
			b.claimAll(t)
			if err := happens(b, message); err != nil {
				t.Fatal(err)
			}
			if m := b.message(t, message); m.State != crm.MessageState(name) || (name == "settled") == m.BouncedAt.IsZero() {
				t.Errorf("%+v", m)
			}
			candidate, _, err := b.Candidate(t.Context(), before.CandidateID)
			if err != nil || !candidate.LastContactedAt.IsZero() || b.run(t, run).Wake != before.Wake {
				t.Errorf("contacted %v, wake %d, %v", candidate.LastContactedAt, b.run(t, run).Wake, err)
			}
			for _, e := range b.drain(t, before.CandidateID) {
				if e.Text("message") != "" {
					t.Errorf("told %+v", e)
				}
			}
		})
	}
}

// Who was invited is told that it is off, whatever becomes of the run.
func TestCancellationsOutliveTheirRun(t *testing.T) {
	t.Parallel()
	for _, method := range []crm.CalendarMethod{crm.CalendarRequest, crm.CalendarCancel} {
		t.Run(string(method), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			message, run, _ := b.toLead(t, method)
			b.decide(t, run, func(_ *crm.Facts, d *crm.Decision) {
				d.Command, d.Outcome, d.Withdraw = crm.CommandExit, "closed", true
			})
			b.exec(t, "update enrollments set paused = true where id = $1", run)
			claims := b.claimAll(t)
			if method == crm.CalendarRequest {
				if m := b.message(t, message); len(claims) != 0 || m.State != crm.MessageCancelled {
					t.Errorf("claimed %+v", claims)
				}
				return
			}
			if len(claims) != 1 {
				t.Fatal("it is not sent")
			}
			if err := b.Release(t.Context(), message, b.now()); err != nil {
				t.Fatal(err)
			}
			if again := b.claimAll(t); len(again) != 1 {
				t.Error("it is not tried again")
			}
		})
	}
}
