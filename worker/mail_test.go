package worker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

const threads = `
sequence: nurture
owner: maya@north.example
purpose: news
enroll: {on: application.rejected}
steps:
  - id: one
    email: {subject: "One", body: "Hello.", from: owner}
  - wait: 1d
  - id: two
    email: {subject: "Two", body: "Hello again."}
  - wait: 1d
  - id: three
    email: {subject: "Re: One", body: "Still there?", from: owner}
---
sequence: other
owner: team@north.example
purpose: transactional
enroll: {on: application.rejected}
steps:
  - wait: 1d
  - id: alone
    email: {subject: "Alone", body: "About your application.", from: owner}
`

// sent waits until the mailbox has so many messages, and returns them by subject.
func (r *rig) sent(n int) map[string]crm.Outgoing {
	r.t.Helper()
	r.until(func() string { return differ("messages", len(r.mailbox.all()), n) })
	bySubject := map[string]crm.Outgoing{}
	for _, out := range r.mailbox.all() {
		bySubject[out.Subject] = out
	}
	return bySubject
}

// The mails of a run are one conversation, whatever their subjects; those of another run are not in it.
func TestMailsOfARunAreAThread(t *testing.T) {
	t.Parallel()
	r := newRig(t, 500*time.Millisecond)
	r.apply(threads)
	r.work()
	r.event(r.candidate("thread"), "application.rejected")
	sent := r.sent(4)

	id := func(subject string) string { return "<" + sent[subject].MessageID + "@north.example>" }
	type headers struct{ ID, InReplyTo, References string }
	got, want := map[string]headers{}, map[string]headers{
		"One": {id("One"), "", ""}, "Two": {id("Two"), id("One"), id("One")},
		"Re: One": {id("Re: One"), id("Two"), id("One") + " " + id("Two")}, "Alone": {id("Alone"), "", ""},
	}
	for subject, out := range sent {
		got[subject] = headers{out.Headers["Message-ID"], out.Headers["In-Reply-To"], out.Headers["References"]}
		oneClick := out.Headers["List-Unsubscribe"] == "<http://localhost/u/"+out.MessageID+">" && out.Headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
		if oneClick != (subject != "Alone") {
			t.Errorf("%s: headers %v", subject, out.Headers)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A person writes via the workspace's own address, which alone can be authenticated, and gets the answers.
func TestWhoWritesAndWhoIsAnswered(t *testing.T) {
	t.Parallel()
	type people struct{ From, ReplyTo string }
	for name, c := range map[string]struct {
		inbound string
		want    map[string]people
	}{
		"without an inbound domain": {"", map[string]people{
			"One":   {`"Maya Lee, RN via North" <careers@north.example>`, `"Maya Lee, RN" <maya@north.example>`},
			"Two":   {"North <careers@north.example>", ""},
			"Alone": {"North <careers@north.example>", "<team@north.example>"}, // nobody knows the name
		}},
		"with one": {"reply.north.example", map[string]people{
			"One":   {`"Maya Lee, RN via North" <careers@north.example>`, `"Maya Lee, RN via North" <reply+MESSAGE@reply.north.example>`},
			"Two":   {"North <careers@north.example>", `"North" <reply+MESSAGE@reply.north.example>`},
			"Alone": {"North <careers@north.example>", `"North" <reply+MESSAGE@reply.north.example>`},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 500*time.Millisecond)
			r.inbound = c.inbound
			r.apply(threads)
			r.work()
			r.event(r.candidate("who"), "application.rejected")
			got := map[string]people{}
			for subject, out := range r.sent(4) {
				if subject != "Re: One" {
					got[subject] = people{out.From, strings.ReplaceAll(out.ReplyTo, out.MessageID, "MESSAGE")}
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

const languages = `
sequence: greet
purpose: news
enroll: {on: application.rejected}
steps:
  - {id: a, email: exact}
  - {id: b, email: language}
  - {id: c, email: default}
---
message: exact
channel: email
subject: exact
body: Hello.
---
message: exact
locale: cy
subject: exact cy
body: Helo.
---
message: exact
locale: cy-GB
subject: exact cy-GB
body: Shwmae.
---
message: language
channel: email
subject: language
body: Hello.
---
message: language
locale: cy
subject: language cy
body: Helo.
---
message: language
locale: de
subject: language de
body: Hallo.
---
message: default
channel: email
subject: default
body: Hello.
---
message: default
locale: cy-AR
subject: default cy-AR
body: Helo.
`

// A candidate reads each message in exactly their locale, else in their language, else as it is for everybody.
func TestMessagesSpeakTheCandidatesLanguage(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.apply(languages)
	r.work()
	candidate := r.candidate("welsh")
	if written, err := r.store.UpsertCandidates(t.Context(), []store.Write{{Candidate: crm.Candidate{ExternalID: "welsh", Locale: "cy-GB"}}}, r.now()); err != nil || written[0].Err != nil {
		t.Fatal(err, written)
	}
	r.event(candidate, "application.rejected")
	lang := map[string]string{"exact cy-GB": "cy-GB", "language cy": "cy", "default": "en"}
	for subject, out := range r.sent(3) {
		if want, ok := lang[subject]; !ok || !strings.Contains(out.HTML, `<html lang="`+want+`"`) {
			t.Errorf("sent %q: %s", subject, out.HTML)
		}
	}
}
