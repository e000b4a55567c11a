package dsl_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
)

const movedSequence = `
sequence: s
purpose: transactional
enroll: {on: [application.submitted, custom.met]}
steps:
  - update: {set: {attributes.grade: five, city: Leeds}}
  - id: filed
    ats:
      move_to: talent pool
      push: [phone, city, region, skills, score, created_at, attributes.grade, attributes.band]
      note: "{{ candidate.first_name | default: 'They' }} <was> at the fair."
    then: {failed: [{exit: by_hand}]}
`

// named lets the run begin with an event, and the candidate have an application.
func named(eventType, application string) func(w *world) {
	return func(w *world) {
		w.facts.Candidate.ExternalID = "A-7"
		w.facts.Applications = []crm.Application{
			{ID: "app_1", ExternalID: "R-1", Status: crm.ApplicationRejected}, {ID: "app_2", ExternalID: "R-2", Status: crm.ApplicationOpen},
		}
		w.facts.Enrollment.Event = &crm.Event{Type: eventType, Data: map[string]any{}}
		if application != "" {
			w.facts.Enrollment.Event.Data["application"] = application
		}
	}
}

// sent reads what the run wants to have sent.
func (w *world) sent() map[string]any {
	w.t.Helper()
	if w.last.Command != crm.CommandCall {
		w.t.Fatalf("the command is %s: %v", w.last.Command, w.log)
	}
	var body map[string]any
	if err := json.Unmarshal([]byte(w.last.Call.Body), &body); err != nil {
		w.t.Fatal(err)
	}
	return body
}

func (w *world) answered(r crm.CallResult) *world {
	w.t.Helper()
	r.Seq = w.facts.Enrollment.Progress.Calling
	w.facts.Call = &r
	return w.decide()
}

func TestATSStep(t *testing.T) {
	t.Parallel()
	t.Run("sends what is true at the decision", func(t *testing.T) {
		t.Parallel()
		w := play(t, movedSequence, named("application.submitted", "R-1"))
		request := *w.last.Call
		if !crm.HasPrefix(request.Key, "call") || !request.ATS {
			t.Errorf("the request is %+v", request)
		}
		request.Body, request.Key, request.ATS = "", "", false
		if diff := cmp.Diff(crm.Call{}, request); diff != "" {
			t.Errorf("the definition says where it goes: %s", diff)
		}
		want := map[string]any{
			"type": "application.update", "timestamp": w.now.Format(time.RFC3339),
			"data": map[string]any{
				"candidate": "A-7", "application": "R-1", "move_to": "talent pool", "note": "Sarah <was> at the fair.",
				"fields": map[string]any{
					"phone": "+447700900123", "city": "Leeds", "region": nil, "skills": []any{}, "score": 0.0,
					"created_at": w.now.AddDate(0, -1, 0).Format(time.RFC3339), "attributes.grade": "five", "attributes.band": nil,
				},
				"sequence": "s", "step": "filed",
			},
		}
		if diff := cmp.Diff(want, w.sent()); diff != "" {
			t.Error(diff)
		}
		w.answered(crm.CallResult{Outcome: crm.CallOK, Result: map[string]any{"id": "n-1"}})
		w.expect("update at start updated", "filed ats ok", "exit completed")
	})
	t.Run("says nothing that the step does not", func(t *testing.T) {
		t.Parallel()
		w := play(t, steps("  - id: filed\n    ats: {note: Hello.}\n"))
		want := map[string]any{
			"candidate": "cnd_1", "application": nil, "move_to": nil, "fields": map[string]any{}, "note": "Hello.", "sequence": "s", "step": "filed",
		}
		if diff := cmp.Diff(want, w.sent()["data"]); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("a run per application is about its own", func(t *testing.T) {
		t.Parallel()
		w := play(t, "\nsequence: s\npurpose: transactional\nper: application\nenroll: {on: application.submitted}\nsteps:\n  - id: filed\n    ats: {move_to: offer}\n",
			named("application.submitted", "R-1"), func(w *world) { w.facts.Enrollment.ApplicationID = "app_2" })
		if data, ok := w.sent()["data"].(map[string]any); !ok || data["application"] != "R-2" {
			t.Errorf("sent %v", w.sent())
		}
	})
	t.Run("a failure has a branch", func(t *testing.T) {
		t.Parallel()
		play(t, movedSequence, named("application.submitted", "R-1")).answered(crm.CallResult{Outcome: crm.CallFailed, Reason: "no_ats"}).
			expect("update at start updated", "filed ats no_ats failed", "exit by_hand")
	})
	t.Run("a run that lost the answer asks again with the same key", func(t *testing.T) {
		t.Parallel()
		w := play(t, movedSequence, named("application.submitted", "R-1"))
		first := w.last.Call.Key
		w.facts.Call = &crm.CallResult{Seq: 99, Outcome: crm.CallOK}
		if w.decide(); w.last.Call == nil || w.last.Call.Key != first {
			t.Errorf("asked again with %+v, first with key %s", w.last.Call, first)
		}
	})
	for name, application := range map[string]string{"an event without an application": "", "an application that is not there": "R-9"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, movedSequence, named("custom.met", application)).
				expect("update at start updated", "filed ats no_application failed", "exit by_hand")
		})
	}
}
