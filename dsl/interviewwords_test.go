package dsl_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
)

// TestLoopTellsItsStory holds what recruiters read of a decision, and that Temporal is told nothing of people.
func TestLoopTellsItsStory(t *testing.T) {
	t.Parallel()
	w := playLoop(t)
	if got := w.last.Summary; !strings.Contains(got, "screen.answer_1: the candidate's choice of 2 times") {
		t.Errorf("it waits for %q", got)
	}
	slot := w.slot(3, "int_ada")
	w.pick(slot)
	for i := range w.facts.Meetings {
		w.facts.Meetings[i].Panel = []crm.Panelist{{InterviewerID: "int_ada", Name: "Ada Lee", Email: "ada@north.example"}}
	}
	w.tell("interview.declined", func(m *crm.Meeting) { m.Panel[0].Answer = crm.AnswerDeclined })
	for i := range w.facts.Meetings {
		if m := &w.facts.Meetings[i]; m.State != crm.MeetingBooked {
			t.Fatalf("the meeting is %s", m.State)
		}
	}
	var got []string
	for _, n := range w.last.Notes {
		got = append(got, strings.TrimSpace(string(n.Kind)+" "+n.Step+" "+n.Outcome+": "+n.Text))
	}
	want := []string{
		"meeting screen.replace replaced: from now on",
		"planned screen.invitations : calendar REQUEST",
		"planned screen.invitations : calendar REQUEST",
		"planned screen.invitations Ada Lee: calendar CANCEL",
		"waiting screen.before_1 : the interview of " + slot.StartsAt.UTC().Format("Mon 2 Jan 15:04 UTC"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	told := w.last.Summary + w.last.Details
	if !strings.Contains(w.last.Details, "- screen: booked for ") || strings.Contains(told, "Lee") || strings.Contains(told, "@") || strings.Contains(told, "int_") {
		t.Errorf("Temporal is told %q", told)
	}
}
