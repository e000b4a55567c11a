package worker_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// The tests of this file take constructs of the language through Postgres and Temporal, from the event to the effect.

// runOf returns the candidate's newest run of a sequence.
func (r *rig) runOf(candidate, definition string) crm.Enrollment {
	r.t.Helper()
	runs, _, err := r.store.ListEnrollments(r.t.Context(), store.EnrollmentFilter{Candidate: candidate, Definition: definition, Limit: 1})
	if err != nil {
		r.t.Fatal(err)
	}
	if len(runs) == 0 {
		return crm.Enrollment{}
	}
	return runs[0]
}

// reaches waits until the candidate's run of a sequence stands at a step, or has ended with an outcome: "at STEP", "ended OUTCOME".
func (r *rig) reaches(candidate, definition, place string) crm.Enrollment {
	r.t.Helper()
	where := func() string {
		run := r.runOf(candidate, definition)
		if run.ID != "" && !run.Open() {
			return "ended " + run.Outcome
		}
		return "at " + run.Progress.At
	}
	r.until(func() string { return differ("the run of "+definition, where(), place) })
	return r.runOf(candidate, definition)
}

// member puts a candidate into a pool that is kept by hand, or takes them out.
func (r *rig) member(candidate, pool string, in bool) {
	r.t.Helper()
	change := r.store.RemoveFromPool
	if in {
		change = r.store.AddToPool
	}
	if n, err := change(r.t.Context(), pool, []string{candidate}, "maya", r.now()); err != nil || n != 1 {
		r.t.Fatalf("change pool: %d, %v", n, err)
	}
}

const poolSequences = `
pool: evening
members: by hand
---
pool: nurses
when: '"nursing" in candidate.functions'
---
sequence: invited
purpose: news
enroll: {in: evening}
reenroll: always
steps:
  - id: later
    wait: 20d
---
sequence: nursing
purpose: news
enroll: {in: nurses}
steps:
  - id: later
    wait: 20d
---
sequence: mover
purpose: news
enroll: {on: application.rejected}
steps:
  - update: {pool: {add: evening}}
  - id: heard
    wait_for:
      go: {on: custom.go}
      timeout: 20d
  - update: {pool: {remove: evening}}
  - id: later
    wait: 20d
`

// Members of a pool are enrolled, and end as left when they leave: whether a person, a condition or a step of a run says so.
func TestPoolsEnroll(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.apply(poolSequences)
	r.work()

	byHand := r.candidate("hand")
	r.member(byHand, "evening", true)
	if run := r.reaches(byHand, "invited", "at later"); run.Pool != "evening" {
		t.Errorf("the run is of the pool %q", run.Pool)
	}
	r.member(byHand, "evening", false)
	r.reaches(byHand, "invited", "ended left")
	r.member(byHand, "evening", true)
	if run := r.reaches(byHand, "invited", "at later"); run.N != 2 {
		t.Errorf("coming back began run %d, want the second", run.N)
	}

	byCondition := r.candidate("condition")
	r.functions("condition", "nursing")
	r.reaches(byCondition, "nursing", "at later")
	r.functions("condition", "medicine")
	r.reaches(byCondition, "nursing", "ended left")

	byStep := r.candidate("step")
	r.event(byStep, "application.rejected")
	r.reaches(byStep, "invited", "at later")
	r.event(byStep, "custom.go")
	r.reaches(byStep, "mover", "at later")
	r.reaches(byStep, "invited", "ended left")
}

func (r *rig) functions(externalID string, functions ...string) {
	r.t.Helper()
	written, err := r.store.UpsertCandidates(r.t.Context(), []store.Write{{
		Candidate: crm.Candidate{ExternalID: externalID, Functions: functions},
	}}, r.now())
	if err != nil || written[0].Err != nil {
		r.t.Fatal(err, written)
	}
}

const askingSequences = `
sequence: first
purpose: news
enroll: {on: application.rejected}
steps:
  - enroll: second
  - emit: {event: custom.begun, data: {kind: warm}}
  - id: heard
    wait_for:
      go: {on: custom.go}
      timeout: 20d
  - leave: second
  - exit: done
---
sequence: second
purpose: news
enroll: by hand
steps:
  - id: later
    wait: 20d
---
sequence: third
purpose: news
enroll: {on: custom.begun, when: 'event.data.kind == "warm"'}
steps:
  - id: later
    wait: 20d
`

// A run enrolls the candidate in another sequence, takes them out of it, and emits an event that enrolls in a third.
func TestStepsAskOthers(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.apply(askingSequences)
	r.work()
	c := r.candidate("asked")
	r.event(c, "application.rejected")
	r.reaches(c, "second", "at later")
	r.reaches(c, "third", "at later")
	r.event(c, "custom.go")
	r.reaches(c, "first", "ended done")
	r.reaches(c, "second", "ended left")
	r.reaches(c, "third", "at later")
}

const surveySequence = `
survey: how
intro: "How was it?"
questions: [{id: nps, ask: "Would you recommend us?", kind: nps}]
---
sequence: s
purpose: news
enroll: {on: application.rejected}
steps:
  - id: ask
    survey: {use: how, timeout: 20d}
    then:
      answered:
        - exit: answered
`

// A survey step sends the survey's introduction and a link of the message's own, and goes on with the answer.
func TestSurveyStep(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.apply(surveySequence)
	r.work()
	c := r.candidate("survey")
	r.event(c, "application.rejected")
	r.until(func() string { return differ("messages", len(r.mailbox.all()), 1) })
	sent := r.mailbox.all()[0]
	if link := "http://localhost/s/" + sent.MessageID; sent.Subject != "How was it?" || !strings.Contains(sent.Text, link) || !strings.Contains(sent.HTML, link) {
		t.Errorf("sent %+v", sent)
	}
	r.event(c, "survey.answered", "survey", "how", "step", "ask", "message", sent.MessageID, "answers", map[string]any{"nps": 9})
	run := r.reaches(c, "s", "ended answered")
	if got := fmt.Sprint(run.Progress.Steps["ask"].Result); got != "map[nps:9]" {
		t.Errorf("the answers are %s", got)
	}
}

const listSequence = `
message: one
channel: email
subject: One
body: B
---
message: two
channel: email
subject: Two
body: B
---
sequence: s
purpose: news
enroll: {on: application.rejected}
reenroll: always
steps:
  - id: letter
    email: [one, two]
`

// Of a list of messages each run sends the first that the candidate has not had, and the last run none.
func TestMessageList(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.apply(listSequence)
	r.work()
	c := r.candidate("list")
	for n := range 3 {
		r.event(c, "application.rejected")
		r.until(func() string {
			return differ("runs", r.sql("select count(*) from enrollments where candidate_id = $1 and status = 'closed'", c), n+1)
		})
	}
	r.until(func() string { return differ("messages", len(r.mailbox.all()), 2) })
	subjects := []string{r.mailbox.all()[0].Subject, r.mailbox.all()[1].Subject}
	slices.Sort(subjects)
	if !slices.Equal(subjects, []string{"One", "Two"}) {
		t.Errorf("sent %v", subjects)
	}
}

const experimentSequence = `
sequence: s
purpose: news
enroll: {on: application.rejected}
steps:
  - id: try
    experiment:
      arms:
        a: {do: [{id: mail_a, wait: 20d}]}
        b: {do: [{id: mail_b, wait: 20d}]}
      measure: {on: custom.good}
      settle: {after: 8, to: winner}
`

// An experiment is settled by the sweeper once enough runs are measured, to the arm that does best; later runs get that arm.
func TestExperimentSettles(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.apply(experimentSequence)
	r.work()
	measured := 0
	for i := range 7 {
		c := r.candidate(fmt.Sprint("arm", i))
		r.event(c, "application.rejected")
		r.until(func() string {
			return differ("arms", r.sql("select count(*) from assignments"), i+1)
		})
		if r.runOf(c, "s").Progress.Steps["try"].Outcome == "b" {
			r.event(c, "custom.good")
			measured++
		}
	}
	r.until(func() string {
		return differ("measured", r.sql("select count(*) from assignments where measured_at is not null"), measured)
	})
	winner := "b"
	if measured == 0 { // ids are random, so once in a while nobody draws b; then none does better than the first arm
		winner = "a"
	}
	time.Sleep(2 * time.Second) // the sweeper has counted by now
	if n := r.sql("select count(*) from settled"); n != 0 {
		t.Fatal("the experiment was settled before its time")
	}
	last := r.candidate("eighth")
	r.event(last, "application.rejected")
	r.until(func() string {
		return differ("settled to "+winner, r.sql("select count(*) from settled where step = 'try' and arm = $1", winner), 1)
	})
	for i := range 4 {
		c := r.candidate(fmt.Sprint("after", i))
		r.event(c, "application.rejected")
		r.reaches(c, "s", "at mail_"+winner)
	}
}
