package command_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/deploy/command"
	"github.com/rapport-crm/rapport/store"
)

// What somebody said stands below its entry, and does not steer the terminal.
func TestTimelineShowsTheConversation(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		entry store.Entry
		want  string
	}{
		"sent": {
			store.Entry{Kind: store.EntryMessage, Outcome: "accepted", Definition: "nurture", Step: "thanks", Said: &store.Said{Subject: "Thank you, Ana"}},
			"[nurture › thanks] message accepted\n                     “Thank you, Ana”",
		},
		"reply": {
			store.Entry{Kind: store.EntryEvent, EventType: "message.replied", Source: "sendgrid", Said: &store.Said{
				Text: "Gladly.\n\x1b[2JIn May.", Files: []store.SaidFile{{Name: "cv.pdf", Size: 1}}, Damaged: true, OtherAddress: true,
			}},
			"message.replied, says sendgrid\n                     Gladly.\n                     [2JIn May.\n                     [cv.pdf, 1 byte, not kept]\n" +
				"                     (from another address)\n                     (not all of it could be read)",
		},
		"note": {store.Entry{Kind: store.EntryNote, Outcome: "call", Source: "maya@north.example", Said: &store.Said{Text: "Wants nights."}}, "call, noted by maya@north.example\n                     Wants nights."},
		"asked": {
			store.Entry{Kind: store.EntryConsent, Outcome: "pending", Source: "form", Text: "consent to news by email waits to be confirmed", Until: time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)},
			"consent to news by email waits to be confirmed (form) until 2026-11-03 09:00:00",
		},
		"lapsed":  {store.Entry{Kind: store.EntryConsent, Outcome: "lapsed", Source: "form", Text: "consent to news by email has lapsed"}, "consent to news by email has lapsed"},
		"wanted":  {store.Entry{Kind: store.EntryConsent, Outcome: "revoked", Source: "preference page", Text: "preferences saved: does not want news by sms"}, "preferences saved: does not want news by sms"},
		"vouched": {store.Entry{Kind: store.EntryConsent, Outcome: "granted", Text: "consent to news by email granted"}, "consent to news by email granted"},
		"paused": {
			store.Entry{Kind: store.EntryEvent, EventType: "messages.paused", Source: "rapport", Text: "messages paused by the candidate", Until: time.Date(2027, 2, 6, 0, 0, 0, 0, time.UTC)},
			"messages paused by the candidate until 2027-02-06 00:00:00",
		},
		"erasure": {
			store.Entry{Kind: store.EntryEvent, EventType: "erasure.requested", Source: "rapport", Text: "the candidate asks for their data to be deleted", Until: time.Date(2027, 2, 6, 0, 0, 0, 0, time.UTC)},
			"the candidate asks for their data to be deleted, due 2027-02-06 00:00:00",
		},
		"found":      {store.Entry{Kind: "meeting", Definition: "onsite", Step: "screen.find", Outcome: "found", Text: "6 times to offer"}, "[onsite › screen.find] 6 times to offer"},
		"declined":   {store.Entry{Kind: "branch", Outcome: "declined", Text: "Anna Reed declines"}, "Anna Reed declines"},
		"invitation": {store.Entry{Kind: "planned", Text: "calendar REQUEST"}, "invitation planned to the candidate"},
		"let go":     {store.Entry{Kind: "planned", Text: "calendar CANCEL", Outcome: "Anna Reed"}, "cancellation planned to Anna Reed"},
		"reminder":   {store.Entry{Kind: "planned", Text: "interviewer-soon", Outcome: "Anna Reed"}, "message planned: interviewer-soon to Anna Reed"},
		"not shown":  {store.Entry{Kind: store.EntryNote, Outcome: "call", Source: "maya@north.example"}, "call, noted by maya@north.example"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, command.Sentence(&api.TimelineEntry{Entry: tc.entry})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
