package store_test

import (
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

func TestTasks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	run := b.enroll(t, id, "nurture")
	due := b.now().Add(time.Hour)
	b.decide(t, run, func(_ *crm.Facts, d *crm.Decision) {
		d.Tasks = []crm.Task{{
			ID: "tsk_1", CandidateID: id, EnrollmentID: run, Definition: "nurture", Step: "call", Occurrence: 1, Title: "Call Ana",
			Assignee: "maya@trust.example", Via: "phone", DueAt: due, State: crm.TaskOpen, CreatedAt: d.At,
		}}
	})
	for _, test := range []struct {
		filter store.TaskFilter
		want   int
	}{
		{store.TaskFilter{Assignee: "maya@trust.example", State: crm.TaskOpen}, 1},
		{store.TaskFilter{Candidate: id}, 1},
		{store.TaskFilter{State: crm.TaskDone}, 0},
	} {
		tasks, _, err := b.ListTasks(t.Context(), test.filter)
		if err != nil || len(tasks) != test.want {
			t.Errorf("%+v gives %+v, %v", test.filter, tasks, err)
		}
	}
	if err := b.CompleteTask(t.Context(), "tsk_1", "reached", "will apply", "maya@trust.example", b.now()); err != nil {
		t.Fatal(err)
	}
	tasks, _, err := b.ListTasks(t.Context(), store.TaskFilter{State: crm.TaskDone})
	if err != nil || len(tasks) != 1 || tasks[0].Outcome != "reached" || !tasks[0].ClosedAt.Equal(b.now()) || !tasks[0].DueAt.Equal(due) {
		t.Errorf("tasks are %+v, %v", tasks, err)
	}
	events := b.drain(t, id)
	if len(events) != 1 || events[0].Type != "task.completed" || events[0].Text("step") != "call" || events[0].Text("outcome") != "reached" {
		t.Errorf("events are %+v", events)
	}
	wantCode(t, b.CompleteTask(t.Context(), "tsk_1", "reached", "", "", b.now()), crm.CodeConflict)
	wantCode(t, b.CompleteTask(t.Context(), "tsk_none", "reached", "", "", b.now()), crm.CodeNotFound)
}
