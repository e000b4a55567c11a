package worker_test

import (
	"strings"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"

	"github.com/rapport-crm/rapport/crm"
)

const mergedSequence = `
sequence: s
purpose: news
enroll: {on: application.rejected}
steps:
  - id: hello
    email: {subject: "Hello", body: "Hello."}
  - id: go
    wait_for:
      go: {on: custom.go}
      timeout: 20d
  - id: more
    email: {subject: "More", body: "More."}
  - id: on
    wait_for:
      on: {on: custom.on}
      timeout: 20d
  - id: last
    email: {subject: "Last", body: "Last."}
`

func (r *rig) merge(from, into string) {
	r.t.Helper()
	if _, err := r.store.Merge(r.t.Context(), from, into, "maya", r.now(), nil); err != nil {
		r.t.Fatal(err)
	}
}

// Two candidates in the same sequence are one person. The run that is further goes on and finishes, on the workflow that it has;
// the other ends as merged, and no message is sent twice.
func TestMergedCandidates(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.apply(mergedSequence)
	r.work()
	from, into := r.candidate("from"), r.candidate("into")
	r.event(from, "application.rejected")
	r.event(into, "application.rejected")
	r.reaches(from, "s", "at go")
	surplus := r.reaches(into, "s", "at go")
	r.event(from, "custom.go")
	goes := r.reaches(from, "s", "at on")
	sent := func(subject string) (n int) {
		for _, m := range r.mailbox.all() {
			if m.Subject == subject {
				n++
			}
		}
		return n
	}
	r.until(func() string { return differ("messages", sent("Hello")+sent("More"), 3) })

	r.merge("from", into)
	outcome := func(id string) string {
		run, err := r.store.Enrollment(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return run.Outcome
	}
	r.until(func() string { return differ("the other run's outcome", outcome(surplus.ID), crm.OutcomeMerged) })
	r.event("from", "custom.go") // the one that stood there has ended
	r.event("from", "custom.on")
	r.until(func() string { return differ("the further run's outcome", outcome(goes.ID), crm.OutcomeCompleted) })
	r.until(func() string { return differ("last messages", sent("Last"), 1) })
	if hello, more := sent("Hello"), sent("More"); hello != 2 || more != 1 { // each had been sent one Hello before anybody knew
		t.Errorf("%d Hello and %d More", hello, more)
	}
	last := r.mailbox.all()[len(r.mailbox.all())-1]
	if last.To != "into@zebra.example" {
		t.Errorf("the last message went to %s, want the survivor's address", last.To)
	}
	for _, run := range []crm.Enrollment{goes, surplus} {
		r.until(func() string {
			described, err := r.temporal.DescribeWorkflowExecution(t.Context(), run.WorkflowID(), "")
			if err != nil {
				return err.Error()
			}
			return differ("workflow "+run.WorkflowID(), described.GetWorkflowExecutionInfo().GetStatus(), enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED)
		})
	}
	now, err := r.store.Enrollment(t.Context(), goes.ID)
	if err != nil || now.CandidateID != into || now.WorkflowID() != goes.WorkflowID() || !strings.Contains(now.WorkflowID(), from) {
		t.Errorf("the run is %+v, %v", now, err)
	}
	if n := r.sql("select count(*) from enrollments where candidate_id = $1", into); n != 2 {
		t.Errorf("there are %d runs", n)
	}
}

const sinceEnroll = `
sequence: s
purpose: news
enroll: {on: application.rejected}
exit:
  - {on: custom.bye, outcome: bye}
goal: {on: custom.goal}
steps:
  - id: first
    wait_for:
      go: {on: custom.go}
      timeout: 10d
  - id: any
    wait_for:
      page: {on: page.viewed, since: enroll}
      timeout: 10d
  - id: later
    wait: 20d
`

// What the survivor inherits triggers nothing in their own runs: no wait that looks back, no exit, no goal, no enrollment. In a
// run that came along its own past still counts.
func TestInheritedEventsTriggerNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.apply(strings.ReplaceAll(sinceEnroll, "sequence: s", "sequence: own") + "---\n" +
		strings.ReplaceAll(strings.ReplaceAll(sinceEnroll, "sequence: s", "sequence: came"), "application.rejected", "application.submitted") + `---
sequence: hired
purpose: news
enroll: {on: custom.bye}
steps:
  - id: later
    wait: 1d
`)
	r.work()
	from, into := r.candidate("from"), r.candidate("into")
	r.event(from, "application.submitted")
	r.event(into, "application.rejected")
	r.reaches(into, "own", "at first")
	r.reaches(from, "came", "at first")
	r.event(from, "page.viewed")
	r.event(from, "custom.goal")
	other := r.candidate("other")
	r.event(other, "custom.bye")
	r.event(other, "page.viewed")
	r.reaches(other, "hired", "at later")
	r.until(func() string {
		return differ("pending", r.sql("select count(*) from events where position is null"), 0)
	})

	r.merge(from, into)
	r.merge(other, into)
	r.event("other", "custom.go")
	r.reaches(into, "came", "at later") // it had viewed a page since it enrolled
	if run := r.reaches(into, "own", "at any"); !run.GoalAt.IsZero() {
		t.Error("an inherited event reached the goal")
	}
	if n := r.sql("select count(*) from enrollments where candidate_id = $1 and definition = 'hired'", into); n != 1 {
		t.Errorf("%d runs of hired, want the one that came along", n)
	}
	r.event("from", "page.viewed")
	r.reaches(into, "own", "at later")
	r.event("from", "custom.bye")
	r.reaches(into, "own", "ended bye")
	r.reaches(into, "came", "ended bye")
}
