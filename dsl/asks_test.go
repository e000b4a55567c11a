package dsl_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

func TestTaskThatIsWaitedFor(t *testing.T) {
	t.Parallel()
	const text = `
  - id: call
    task: {title: Call, wait: true, timeout: 3d, outcomes: [reached, voicemail]}
    then:
      reached: [{exit: talked}]
      timeout: [{exit: nobody}]
`
	done := func(w *world, outcome string) *world {
		return w.event("task.completed", "task", w.facts.Enrollment.Progress.Steps["call"].TaskID, "outcome", outcome)
	}
	t.Run("goes on when it is done", func(t *testing.T) {
		t.Parallel()
		done(play(t, steps(text)).after(day), "reached").expect("call task", "call waiting", "call branch reached", "exit talked")
	})
	t.Run("an outcome without a branch goes on", func(t *testing.T) {
		t.Parallel()
		done(play(t, steps(text)).after(day), "voicemail").expect("call task", "call waiting", "call branch voicemail", "exit completed")
	})
	t.Run("another task's end does not", func(t *testing.T) {
		t.Parallel()
		play(t, steps(text)).event("task.completed", "task", "tsk_other", "outcome", "reached").expect("call task", "call waiting")
	})
	t.Run("ends in a timeout, at the very moment it still counts", func(t *testing.T) {
		t.Parallel()
		play(t, steps(text)).after(4*day).expect("call task", "call waiting", "call branch timeout", "exit nobody")
		w := play(t, steps(text))
		w.now = w.facts.Enrollment.Due
		done(w, "reached").expect("call task", "call waiting", "call branch reached", "exit talked")
	})
	t.Run("without outcomes it is done", func(t *testing.T) {
		t.Parallel()
		w := play(t, steps("  - id: call\n    task: {title: Call, wait: true}\n    then: {done: [{exit: over}]}\n")).due(time.Time{})
		done(w, "").expect("call task", "call waiting", "call branch done", "exit over")
	})
}

func TestSurveyStep(t *testing.T) {
	t.Parallel()
	const text = `
  - id: ask
    survey: {use: evening, by: email, timeout: 7d}
    then:
      answered: [{id: good, if: steps.ask.result.nps >= 9, update: {tag: [promoter]}}]
      timeout: [{exit: silent}]
`
	answer := func(w *world, nps int) *world {
		return w.event("survey.answered", "message", w.facts.Messages[0].ID, "step", "ask", "answers", map[string]any{"nps": nps})
	}
	t.Run("an answer goes on, and later steps can read it", func(t *testing.T) {
		t.Parallel()
		w := answer(play(t, steps(text)).after(day), 9)
		w.expect("ask planned", "ask waiting", "ask branch answered", "good updated", "exit completed")
		answer(play(t, steps(text)).after(day), 3).expect("ask planned", "ask waiting", "ask branch answered", "good skipped condition", "exit completed")
	})
	t.Run("silence is a timeout", func(t *testing.T) {
		t.Parallel()
		play(t, steps(text)).after(8*day).expect("ask planned", "ask waiting", "ask branch timeout", "exit silent")
	})
	t.Run("who cannot be asked is not waited for", func(t *testing.T) {
		t.Parallel()
		play(t, steps(text), func(w *world) { w.facts.Candidate.Email = "" }).expect("ask skipped no_address", "exit completed")
	})
	t.Run("a message that fails ends the wait", func(t *testing.T) {
		t.Parallel()
		play(t, steps(text), func(w *world) { w.slow = true }).settle(crm.MessageRefused).expect("ask planned", "ask waiting", "exit completed")
	})
}

func TestCallStep(t *testing.T) {
	t.Parallel()
	text := steps(`
  - id: badge
    call:
      url: "https://hooks.example.com/x/{{ candidate.id }}"
      headers: {X-Source: rapport}
      body: {name: '{{ candidate.first_name | default: "?" }}', level: 3}
      secret: crm-hook
      save: attributes.badge
    then:
      failed: [{exit: broken}]
  - if: 'string(candidate.attributes.badge.id) == "b-1"'
    update: {tag: [badged]}
`)
	t.Run("asks, keeps the answer, goes on", func(t *testing.T) {
		t.Parallel()
		w := play(t, text)
		if w.last.Command != crm.CommandCall {
			t.Fatalf("the command is %s", w.last.Command)
		}
		got := *w.last.Call
		if !crm.HasPrefix(got.Key, "call") {
			t.Errorf("key %q", got.Key)
		}
		got.Key = ""
		if diff := cmp.Diff(crm.Call{
			Method: "POST", URL: "https://hooks.example.com/x/cnd_1", Headers: map[string]string{"X-Source": "rapport"},
			Body: `{"level":3,"name":"Sarah"}`, Secret: "crm-hook",
		}, got); diff != "" {
			t.Error(diff)
		}
		w.answered(crm.CallResult{Outcome: crm.CallOK, Result: map[string]any{"id": "b-1"}})
		w.expect("badge call ok", "update after badge updated", "exit completed")
	})
	t.Run("a run that lost the answer asks again with the same key", func(t *testing.T) {
		t.Parallel()
		w := play(t, text)
		first := w.last.Call.Key
		w.facts.Call = &crm.CallResult{Seq: 99, Outcome: crm.CallOK}
		if w.decide(); w.last.Call == nil || w.last.Call.Key != first {
			t.Errorf("asked again with %+v, first with key %s", w.last.Call, first)
		}
	})
	t.Run("a failure has a branch", func(t *testing.T) {
		t.Parallel()
		play(t, text).answered(crm.CallResult{Outcome: crm.CallFailed, Reason: "status_404"}).expect("badge call status_404 failed", "exit broken")
	})
}

func TestStepsThatTell(t *testing.T) {
	t.Parallel()
	w := play(t, steps(`
  - emit: {event: custom.keen, data: {level: 3, who: '{{ candidate.first_name | default: "?" }}'}}
  - enroll: other
  - leave: other
`)+"---\nsequence: other\npurpose: news\nenroll: by hand\nsteps: [{wait: 1d}]\n")
	var got []string
	ids := map[string]bool{}
	for _, e := range w.last.Events {
		got = append(got, e.Source+" "+e.Type+" "+e.Text("definition")+e.Text("who"))
		ids[e.ID+e.ExternalID] = true
		if e.Text("by") != "enr_1" || e.CandidateID != "cnd_1" {
			t.Errorf("event %+v", e)
		}
	}
	want := []string{"rapport custom.keen Sarah", "rapport/control enrollment.requested other", "rapport/control enrollment.left other"}
	if diff := cmp.Diff(want, got); diff != "" || len(ids) != 3 {
		t.Error(diff, ids)
	}
	w.expect("emit at start emitted", "enroll at start asked enroll", "leave at start asked leave", "exit completed")
}

func TestUpdateOfPoolsAndScore(t *testing.T) {
	t.Parallel()
	w := play(t, steps(`
  - update: {pool: {add: club}, score: {add: 10}}
  - if: in_pool("club") && candidate.score == 15
    update: {pool: {remove: club}}
`), func(w *world) { // ten points, one half-life ago
		w.facts.Candidate.Score, w.facts.Candidate.ScoredAt = 10, w.now.Add(-30*day)
	})
	if got := w.last.Change; got.Score == nil || got.Score.Points != 15 || !got.Score.At.Equal(friday()) {
		t.Errorf("score %+v", got.Score)
	}
	if c := w.last.Change; len(c.Enter) != 0 || !slices.Equal(c.Leave, []string{"club"}) {
		t.Errorf("pools %+v", c)
	}
}

// TestExitBeforeTheNextEffect makes sure that an exit on the state is looked at between the effects of one decision.
func TestExitBeforeTheNextEffect(t *testing.T) {
	t.Parallel()
	text := strings.Replace(steps(`
  - update: {set: {status: hired}}
  - id: mail
    email: {subject: "Mail", body: "Mail."}
`), "steps:", "exit: {when: candidate.status == \"hired\", outcome: hired}\nsteps:", 1)
	play(t, text).expect("update at start updated", "exit hired")
}

// TestOwnEventsNeverMatch makes sure that what a run itself has caused is not what it waits for or ends by.
func TestOwnEventsNeverMatch(t *testing.T) {
	t.Parallel()
	text := strings.Replace(steps(`
  - id: w
    wait_for: {keen: {on: custom.keen}, timeout: 3d}
`), "steps:", "exit: {on: candidate.updated, outcome: changed}\nsteps:", 1)
	play(t, text).event("candidate.updated", "by", "enr_1").event("custom.keen", "by", "enr_1").expect("w waiting")
	play(t, text).event("custom.keen", "by", "enr_2").expect("w waiting", "w branch keen", "exit completed")
	play(t, text).event("candidate.updated", "by", "maya").expect("w waiting", "exit changed")
}

// TestGoalWithStep makes sure that a goal about a step's message is not met by another one's.
func TestGoalWithStep(t *testing.T) {
	t.Parallel()
	set, problems := dsl.Check([]dsl.File{{Path: "w.yaml", Text: []byte(workspaceYAML + "---" + `
sequence: s
purpose: news
enroll: {on: page.viewed}
goal: {on: message.clicked, step: b}
steps:
  - id: a
    email: one
  - id: b
    email: two
`)}}, nil)
	if set == nil {
		t.Fatal(problems)
	}
	clicked := func(step string) *crm.Dispatched {
		return dsl.Dispatch(set, &crm.Inbox{
			Candidate: crm.Candidate{ID: "cnd_1"}, Position: 5,
			Runs:   []crm.Enrollment{{ID: "enr_1", Definition: "s", CandidateID: "cnd_1", Status: crm.EnrollmentRunning, StartedAt: friday(), Position: 1}},
			Events: []crm.Event{{ID: "evt_1", Type: "message.clicked", Time: friday(), ReceivedAt: friday(), EnrollmentID: "enr_1", Step: step}},
		}, friday())
	}
	if len(clicked("a").Goals) != 0 || len(clicked("b").Goals) != 1 {
		t.Errorf("goals: %v for a, %v for b", clicked("a").Goals, clicked("b").Goals)
	}
}
