package worker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/deploy/embedded/temporal/temporaltest"
	"github.com/rapport-crm/rapport/store"
)

const repliedSequence = `
sequence: s
purpose: news
enroll: {on: application.rejected}
exit:
  - {on: message.replied, outcome: replied}
steps:
  - id: first
    email: {subject: "One", body: "Hello."}
  - wait: 5d
  - id: second
    email: {subject: "Two", body: "Hello again."}
`

// A machine's answer and a bounce that may pass leave a nurture running; what a person writes ends it.
func TestOnlyPeopleEndANurture(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		eventType string
		data      []any
		outcome   string
		mails     int
	}{
		"out of office": {"message.auto_replied", []any{"text", "I am away."}, "completed", 2},
		"soft bounce":   {"message.bounced", []any{"hard", false}, "completed", 2},
		"a reply":       {"message.replied", []any{"text", "Yes."}, "replied", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 300*time.Millisecond)
			r.apply(repliedSequence)
			r.work()
			c := r.candidate("person")
			r.event(c, "application.rejected")
			r.until(func() string { return differ("messages", len(r.mailbox.all()), 1) })
			r.event(c, tc.eventType, append([]any{"message", r.mailbox.all()[0].MessageID, "channel", "email"}, tc.data...)...)
			r.ended(c, tc.outcome)
			r.until(func() string { return differ("mails", len(r.mailbox.all()), tc.mails) }) // the last goes out after its run has ended
		})
	}
}

// A run whose candidate asks to be left alone rests, however far its workflow is, until a person lets it go on; Temporal gets to
// know that it rests, and none of the words.
func TestARunRestsUntilAPersonHasRead(t *testing.T) {
	t.Parallel()
	r := newRig(t, 100*time.Millisecond)
	r.apply(strings.ReplaceAll(repliedSequence, "  - {on: message.replied, outcome: replied}", "  - {on: message.complained, outcome: complained}"))
	r.work()
	c := r.candidate("person")
	r.event(c, "application.rejected")
	r.until(func() string { return differ("messages", len(r.mailbox.all()), 1) })
	run := r.run(c)
	_, err := r.store.ReceiveWithRemovals(t.Context(), []crm.Event{{
		Source: "sendgrid", ExternalID: "mail/1", Type: "message.replied", CandidateID: c, Subject: c,
		Data: map[string]any{"message": r.mailbox.all()[0].MessageID, "text": "Zanzibar: please remove me"},
	}}, []store.Removal{{CandidateID: c, Event: "mail/1", Title: "asks to be removed: Zanzibar", At: r.now()}})
	if err != nil {
		t.Fatal(err)
	}
	due := r.now().Add(10 * 24 * time.Hour) // twice the wait
	r.until(func() string { return differ("due", r.now().After(due), true) })
	if run = r.run(c); len(r.mailbox.all()) != 1 || !run.Paused || !run.Open() {
		t.Errorf("%d mails went out; the run is %+v", len(r.mailbox.all()), run)
	}
	if err := r.store.Control(t.Context(), run.ID, crm.ControlResume, "maya", r.now()); err != nil {
		t.Fatal(err)
	}
	r.ended(c, "completed")
	r.until(func() string { return differ("mails", len(r.mailbox.all()), 2) })
	for _, value := range temporaltest.Dump(t) {
		if strings.Contains(value, "Zanzibar") {
			t.Errorf("temporal keeps what the candidate wrote: %.200q", value)
		}
	}
}
