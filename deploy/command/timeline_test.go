package command_test

import (
	"testing"

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
		"note":      {store.Entry{Kind: store.EntryNote, Outcome: "call", Source: "maya@north.example", Said: &store.Said{Text: "Wants nights."}}, "call, noted by maya@north.example\n                     Wants nights."},
		"not shown": {store.Entry{Kind: store.EntryNote, Outcome: "call", Source: "maya@north.example"}, "call, noted by maya@north.example"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, command.Sentence(&api.TimelineEntry{Entry: tc.entry})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
