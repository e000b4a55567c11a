package worker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/workflows"
)

// telling is a policy that tells people four days before, in two languages.
const telling = `
message: stay
channel: email
subject: "We remove your details on {{ retention.due | date: '%Y-%m-%d' }}"
body: "[Stay]({{ links.consent }})"
---
message: stay
locale: de
subject: "Wir entfernen Ihre Angaben am {{ retention.due | date: '%d.%m.%Y' }}"
body: "[Bleiben]({{ links.consent }})"
---
retention: POLICY
basis: GDPR Art. 5(1)(e)
daily: {at: "03:00", zone: Europe/London}
applies_to: candidate.status == "lead"
keep: {for: 8d, after: 'has(candidate.last_activity_at) ? candidate.last_activity_at : candidate.created_at'}
notice: {before: 4d, email: stay, extend: 2y, on: [consent.granted, custom.stays]}
then: erase
`

// quiet adds a candidate who has agreed to nothing and has been there for a year.
func (r *rig) quiet(externalID string) string {
	r.t.Helper()
	id := r.candidate(externalID)
	r.sql("delete from consents where candidate_id = $1", id)
	r.sql("update candidates set created_at = $2 where id = $1", id, r.now().AddDate(-1, 0, 0))
	return id
}

// What a notice says is looked at once more right before it goes: a hold, a yes or an application that came since has it stay. Then it is
// no notice, so that it does not count for the date.
func TestNoticeIsJudgedAgain(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		arrives func(r *rig, candidate string)
		reason  string
	}{
		"nothing":               {arrives: func(*rig, string) {}},
		"a hold":                {func(r *rig, c string) { r.holdOn(crm.Hold{CandidateID: c}) }, "moot"},
		"a hold by a condition": {func(r *rig, _ string) { r.holdOn(crm.Hold{Condition: `candidate.status == "lead"`}) }, "moot"},
		"a consent": {func(r *rig, c string) {
			r.event(c, "consent.granted", "purpose", "news", "channels", []any{"email"}, "source", "the preference page", "wording", "Hear from us")
			r.dispatchOnly(c)
		}, "moot"},
		"a yes by an event": {func(r *rig, c string) {
			r.event(c, "custom.stays")
			r.dispatchOnly(c)
		}, "moot"},
		"an application": {func(r *rig, c string) {
			r.event(c, "application.submitted", "application", "A-1", "role", "NUR-7")
			r.dispatchOnly(c)
		}, "moot"},
		"a restriction": {func(r *rig, c string) { r.restrict(c) }, "moot"},
		"new activity":  {func(r *rig, c string) { r.sql("update candidates set last_activity_at = $2 where id = $1", c, r.now()) }, "moot"},
		"another date": {func(r *rig, c string) {
			r.sql("update candidates set created_at = created_at - interval '3 days' where id = $1", c)
		}, "moot"},
		"another status": {func(r *rig, c string) { r.sql("update candidates set status = 'hired' where id = $1", c) }, "moot"},
		"no address":     {func(r *rig, c string) { r.sql("update candidates set email = '' where id = $1", c) }, "no_address"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 0)
			r.apply(r.named(telling))
			c := r.quiet("ada")
			r.dispatchOnly(c)
			run := r.ask()
			r.pieces(r.retainer(), workflows.RetentionStep{Policy: r.policy(), Workflow: run.Workflow}, crm.RetentionDone)
			if n := r.sql("select count(*) from messages where state = 'planned' and step = $1", crm.StepNotice); n != 1 {
				t.Fatalf("%d notices are planned", n)
			}
			tc.arrives(r, c)
			r.work()
			state := crm.MessageAccepted
			if tc.reason != "" {
				state = crm.MessageSkipped
			}
			r.until(func() string {
				return differ("notices", r.sql("select count(*) from messages where state = $1 and reason = $2 and step = $3", state, tc.reason, crm.StepNotice), 1)
			})
			kept, err := r.store.RetentionCase(t.Context(), c, nil)
			if err != nil {
				t.Fatal(err)
			}
			if sent, counts := len(r.mailbox.all()), len(kept.Notices); (sent == 1) != (tc.reason == "") || (counts == 0) != (tc.reason == "moot") {
				t.Errorf("%d mails were sent, and %d notices count", sent, counts)
			}
		})
	}
}

// A policy day by day: everybody is told in their language, silence and a notice that comes back let the data go on the day that was named,
// a yes keeps them, and new activity moves the day, of which there is another notice.
func TestRetentionStory(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2*time.Second)
	r.apply(r.named(telling))
	ids := map[string]string{}
	for _, name := range []string{"silent", "german", "bounces", "agrees", "clicks"} {
		ids[name] = r.candidate(name)
	}
	r.change("german", crm.Candidate{Locale: "de-AT"})
	r.sql("delete from consents")
	r.work()
	address := func(name string) string { return name + "@zebra.example" }
	first := map[string]crm.Outgoing{}
	r.until(func() string {
		for _, m := range r.mailbox.all() {
			first[m.To] = m
		}
		return differ("people who were told", len(first), len(ids))
	})
	if !strings.HasPrefix(first[address("german")].Subject, "Wir entfernen Ihre Angaben am ") || !strings.HasPrefix(first[address("silent")].Subject, "We remove") {
		t.Errorf("the notices are %q and %q", first[address("german")].Subject, first[address("silent")].Subject)
	}
	r.event(ids["bounces"], "message.bounced", "message", first[address("bounces")].MessageID, "channel", "email", "hard", true)
	r.event(ids["agrees"], "consent.granted", "purpose", "news", "channels", []any{"email"}, "source", "the preference page", "wording", "Hear from us")
	r.event(ids["clicks"], "page.viewed", "url", "https://north.example/jobs")
	gone := func(name string) string {
		return differ(name+" is there", r.sql("select count(*) from candidates where id = $1", ids[name]), 0)
	}
	for _, name := range []string{"silent", "german", "bounces"} {
		r.until(func() string { return gone(name) })
	}
	for name, count := range map[string]int{"silent": 1, "german": 1, "bounces": 1, "agrees": 1} {
		if n := r.mailed(address(name)); n != count {
			t.Errorf("%s got %d notices", name, n)
		}
	}
	if gone("agrees") == "" || gone("clicks") == "" {
		t.Error("who said yes, or was active, is gone")
	}
	r.until(func() string { return gone("clicks") })
	if n := r.mailed(address("clicks")); n != 2 {
		t.Errorf("whose day has moved got %d notices", n)
	}
	due, err := time.Parse(time.DateOnly, strings.TrimPrefix(first[address("silent")].Subject, "We remove your details on "))
	if err != nil {
		t.Fatal(err)
	}
	if n := r.sql("select count(*) from erasures where at < $1", due); n != 0 {
		t.Errorf("%d went before %s", n, due)
	}
	if gone("agrees") == "" {
		t.Error("who said yes is gone")
	}
}

// mailed counts the messages to an address.
func (r *rig) mailed(to string) (n int) {
	for _, m := range r.mailbox.all() {
		if m.To == to {
			n++
		}
	}
	return n
}

// Nobody is erased under a running interview, also when their application is closed; afterwards they are.
func TestRetentionWaitsForInterviews(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.withPeople()
	r.apply(talks + "---" + r.named(silent))
	r.work()
	c := r.quiet("ada")
	r.event(c, "application.submitted", "application", "A-1", "role", "NUR-7")
	r.meeting(c, "talks", crm.MeetingOffered)
	run := r.reach(r.ask(), crm.RetentionDone)
	if run.Kept[crm.KeptApplication] != 1 || run.Due != 0 {
		t.Errorf("with an open application the run is %+v", run)
	}
	r.sql("update applications set status = 'rejected'") // the event would end the interview too
	if run = r.reach(r.askDay(1), crm.RetentionDone); run.Kept[crm.KeptInterview] != 1 || run.Due != 0 {
		t.Errorf("during the interview the run is %+v", run)
	}
	r.event(c, "application.withdrawn", "application", "A-1")
	r.until(func() string {
		return differ("open runs", r.sql("select count(*) from enrollments where status <> 'closed'"), 0)
	})
	if run = r.reach(r.askDay(2), crm.RetentionDone); run.Taken != 1 {
		t.Errorf("after the interview the run is %+v", run)
	}
}
