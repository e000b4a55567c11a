package dsl_test

import (
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// Who decides about a role comes with the application's events, and stays until another one says somebody else.
func TestHiringManagerOfAnApplication(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 6, 10, 0, 0, 0, time.UTC)
	event := func(id, eventType, manager string) crm.Event {
		data := map[string]any{"application": "R-1"}
		if manager != "" {
			data["hiring_manager"] = manager
		}
		return crm.Event{ID: id, ExternalID: id, Source: "ats", Type: eventType, CandidateID: "cnd_1", Time: now, Data: data}
	}
	for name, tc := range map[string]struct {
		events []crm.Event
		want   string
	}{
		"none":   {[]crm.Event{event("1", "application.submitted", "")}, ""},
		"first":  {[]crm.Event{event("1", "application.submitted", " Maya@Trust.example ")}, "maya@trust.example"},
		"stays":  {[]crm.Event{event("1", "application.submitted", "maya@trust.example"), event("2", "application.stage_changed", "")}, "maya@trust.example"},
		"later":  {[]crm.Event{event("1", "application.submitted", "maya@trust.example"), event("2", "application.stage_changed", "tom@trust.example")}, "tom@trust.example"},
		"others": {[]crm.Event{event("1", "application.submitted", ""), event("2", "offer.extended", "tom@trust.example")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := &crm.Inbox{Candidate: crm.Candidate{ID: "cnd_1"}, Events: tc.events}
			out := dsl.Dispatch(&dsl.Set{}, in, now)
			if len(out.Applications) != 1 || out.Applications[0].Manager != tc.want {
				t.Errorf("applications are %+v, want the manager %q", out.Applications, tc.want)
			}
		})
	}
}
