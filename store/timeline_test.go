package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// story makes a candidate to whom a bit of everything happens.
func (b *bundle) story(t *testing.T) (id, run string) {
	t.Helper()
	b.apply(t, crm.Document{Kind: "sequence", Name: "nurture", Hash: "hash-of-nurture"})
	id = b.candidate(t, "ATS-1", grant("news", crm.Email))
	b.pass(time.Minute)
	run = b.enroll(t, id, "nurture")
	b.pass(time.Minute)
	message := b.plan(t, run, "thanks", crm.Email)
	b.decide(t, run, func(_ *crm.Facts, d *crm.Decision) {
		d.Notes = []crm.Note{
			{Kind: crm.NotePlanned, Step: "thanks", MessageID: message},
			{Kind: crm.NoteWaiting, Step: "heard", Until: b.now().Add(time.Hour), Expression: "1 == 1", Result: "true"},
		}
		d.Tasks = []crm.Task{{ID: "tsk_1", CandidateID: id, EnrollmentID: run, Definition: "nurture", Step: "call", Title: "Call", CreatedAt: d.At}}
	})
	b.pass(time.Minute)
	b.claimAll(t)
	if err := b.Accept(t.Context(), message, store.Acceptance{Provider: "p", ProviderID: "1", Address: "a@example.org", At: b.now()}); err != nil {
		t.Fatal(err)
	}
	b.drain(t, id)
	b.pass(time.Minute)
	b.receive(t, b.event("message.clicked", id, map[string]any{"message": message, "url": "https://x.example", "secret": "s"}))
	b.drain(t, id)
	b.pass(time.Minute)
	b.receive(t, b.event("custom.thing", id, map[string]any{"secret": "s"}))
	b.dispatch(t, id, func(in *crm.Inbox) (*crm.Dispatched, error) {
		out := positions(in)
		out.SetAside = map[string]string{out.Events[0].ID: "malformed"}
		out.Records = []crm.Record{{CandidateID: id, Definition: "other", At: b.now(), Notes: []crm.Note{{Kind: crm.NoteNotEnrolled, Reason: "condition"}}}}
		return out, nil
	})
	b.pass(time.Minute)
	skipped := b.plan(t, run, "nudge", crm.SMS)
	b.claimWith(t, store.Verdict{State: crm.MessageSkipped, Reason: "no_consent"})
	if err := b.CompleteTask(t.Context(), "tsk_1", "done", "a private note", "maya", b.now()); err != nil {
		t.Fatal(err)
	}
	if m := b.message(t, skipped); m.State != crm.MessageSkipped {
		t.Fatal(m)
	}
	return id, run
}

func line(e *store.Entry) string {
	parts := []string{e.At.Sub(start()).String(), string(e.Kind), e.EventType, e.Definition, e.Step, e.Outcome, e.Reason}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), " ")
}

func TestTimeline(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id, run := b.story(t)
	entries, next, err := b.Timeline(t.Context(), "ATS-1", 100, "")
	if err != nil || next != "" {
		t.Fatalf("next %q, %v", next, err)
	}
	want := []string{
		"-1h0m0s consent granted",
		"0s event candidate.created",
		"1m0s event application.rejected",
		"2m0s planned nurture thanks",
		"2m0s waiting nurture heard",
		"2m0s task_state nurture call open",
		"3m0s event message.sent nurture thanks",
		"3m0s message nurture thanks accepted",
		"4m0s event message.clicked nurture thanks",
		"4m0s message nurture thanks clicked",
		"5m0s event custom.thing malformed",
		"5m0s not_enrolled other condition",
		"6m0s event task.completed",
		"6m0s message nurture nudge skipped no_consent",
		"6m0s task_state nurture call done done",
	}
	var got []string
	for i := range entries {
		got = append(got, line(&entries[i]))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the timeline is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if w := entries[4]; w.EnrollmentID != run || w.WorkflowID != "sequence/nurture/"+id+"/1" || w.Version != 1 || w.Expression != "1 == 1" || w.Until.IsZero() {
		t.Errorf("the wait is told as %+v", w)
	}
	if c := entries[8]; c.EnrollmentID != run || c.Position != 4 || c.Source != "ats" || c.Data["url"] != "https://x.example" || c.Data["secret"] != nil {
		t.Errorf("the click is told as %+v", c)
	}
	if s := fmt.Sprint(entries); strings.Contains(s, "secret") || strings.Contains(s, "private") {
		t.Errorf("the timeline tells what it should not: %s", s)
	}
	_, _, err = b.Timeline(t.Context(), "nobody", 10, "")
	wantCode(t, err, crm.CodeNotFound)
	_, _, err = b.Timeline(t.Context(), id, 10, "nonsense")
	wantCode(t, err, crm.CodeInvalid)
}

func TestTimelinePages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id, run := b.story(t)
	b.decide(t, run, func(_ *crm.Facts, d *crm.Decision) { // a row with more notes than a page has lines
		for i := range 7 {
			d.Notes = append(d.Notes, crm.Note{Kind: crm.NoteBranch, Step: fmt.Sprint("s", i)})
		}
	})
	for range 5 {
		b.decide(t, run, nil) // decisions without a word
	}
	var burst []crm.Event
	for range 12 {
		burst = append(burst, b.event("page.viewed", id, nil)) // at one instant
	}
	b.receive(t, burst...)
	whole, _, err := b.Timeline(t.Context(), id, 100, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1, 2, 3, 5, 50} {
		var got []store.Entry
		after := ""
		for {
			entries, next, err := b.Timeline(t.Context(), id, size, after)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, entries...)
			if after = next; next == "" || len(got) > len(whole) {
				break
			}
		}
		same := slices.EqualFunc(got, whole, func(a, b store.Entry) bool { return line(&a) == line(&b) && a.EventID == b.EventID })
		if !same {
			t.Errorf("pages of %d give %d lines, want the same %d", size, len(got), len(whole))
		}
	}
}

// What a candidate has said of messages stands in the timeline in words, also what they have not said in time.
func TestTimelineOfChoices(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	ask := func(purpose string) {
		b.receive(t, b.event(crm.EventConsentRequested, id, map[string]any{"purpose": purpose, "channels": []any{"email"}, "source": "form"}))
	}
	granted := func(purpose string) {
		b.receive(t, b.event(crm.EventConsentGranted, id, map[string]any{"purpose": purpose, "source": crm.SourceDoubleOptIn, "confirmed_at": b.now().Format(time.RFC3339), "confirmed_by": "msg_1"}))
	}
	ask("alerts")
	ask("news")
	b.pass(time.Hour)
	granted("alerts")
	b.pass(24 * time.Hour)
	ask("alerts") // takes nothing away, so it cannot lapse
	b.receive(t, b.event(crm.EventPaused, id, map[string]any{"until": "2027-02-06T00:00:00Z"}))
	b.pass(time.Hour)
	b.receive(t, b.event(crm.EventResumed, id, nil))
	if err := b.SavePreferences(t.Context(), &store.Preferences{
		CandidateID: id, Source: crm.SourcePreferencePage, At: b.now(),
		Choices: []store.Choice{{Purpose: "alerts", Channel: crm.Email}, {Purpose: "letters", Channel: crm.Email, Granted: true}, {Purpose: "texts", Channel: crm.SMS, Granted: true, Pending: true}},
	}); err != nil {
		t.Fatal(err)
	}
	b.pass(6*24*time.Hour - time.Hour)
	ask("late")
	told := func() (told []string) {
		t.Helper()
		var entries []store.Entry
		for after, more := "", true; more; more = after != "" { // page by page: each entry once
			page, next, err := b.Timeline(t.Context(), id, 2, after)
			if err != nil {
				t.Fatal(err)
			}
			entries, after = append(entries, page...), next
		}
		for _, e := range entries {
			if e.Text == "" {
				continue
			}
			line := e.At.Sub(start()).String() + " " + e.Text
			if !e.Until.IsZero() {
				line += " until " + e.Until.UTC().Format(time.DateTime)
			}
			told = append(told, line)
		}
		return told
	}
	want := []string{
		"0s consent to alerts by email waits to be confirmed until " + start().AddDate(0, 0, 7).UTC().Format(time.DateTime),
		"0s consent to news by email waits to be confirmed until " + start().AddDate(0, 0, 7).UTC().Format(time.DateTime),
		"1h0m0s consent to alerts by email confirmed",
		"25h0m0s consent to alerts by email waits to be confirmed until " + start().Add(25*time.Hour).AddDate(0, 0, 7).UTC().Format(time.DateTime),
		"25h0m0s messages paused by the candidate until 2027-02-06 00:00:00",
		"26h0m0s preferences saved: does not want alerts by email",
		"26h0m0s preferences saved: wants letters by email",
		"26h0m0s preferences saved: wants texts by sms, which waits to be confirmed until " + start().Add(26*time.Hour).AddDate(0, 0, 7).UTC().Format(time.DateTime),
		"26h0m0s messages resumed by the candidate",
	}
	late := "169h0m0s consent to late by email waits to be confirmed until " + start().Add(169*time.Hour).AddDate(0, 0, 7).UTC().Format(time.DateTime)
	if diff := cmp.Diff(append(want, "168h0m0s consent to news by email has lapsed: it was not confirmed", late), told()); diff != "" {
		t.Error(diff)
	}
}
