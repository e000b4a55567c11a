package api

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
)

// TaskDone is what came of a task.
type TaskDone struct {
	Outcome string `json:"outcome,omitempty" maxLength:"200" doc:"One of the outcomes that the step lists; if it lists none, anything, and done if it is left out."`
	Note    string `json:"note,omitempty" maxLength:"10000"`
}

// outcomeDone is a task's outcome when nothing else is said.
const outcomeDone = "done"

func (s *server) registerTasks() {
	audited(s, operation(http.MethodGet, "/v1/tasks", "list-tasks", "Tasks", ScopeEnrollmentsRead, "List tasks", "The newest first."), crm.AuditList, "tasks", s.listTasks, pageAbout(func(x *crm.Task) string { return x.CandidateID }))
	complete := operation(http.MethodPost, "/v1/tasks/{id}/complete", "complete-task", "Tasks", ScopeEnrollmentsWrite, "Complete a task", "A run that waits for it goes on.")
	huma.Register(s.huma, changes(complete, crm.AuditChange, "task"), s.completeTask)
}

func (s *server) listTasks(ctx context.Context, in *struct {
	Paging
	Candidate  string `query:"candidate" maxLength:"1000" doc:"Id or external id."`
	Enrollment string `query:"enrollment" maxLength:"100"`
	Assignee   string `query:"assignee" maxLength:"1000" doc:"Email address."`
	State      string `query:"state" enum:"open,done,closed"`
},
) (*body[Page[crm.Task]], error) {
	filter := store.TaskFilter{
		Candidate: in.Candidate, Enrollment: in.Enrollment, Assignee: in.Assignee, State: crm.TaskState(in.State), Limit: in.Limit, After: in.After,
	}
	if in.Candidate != "" {
		c, _, err := s.Store.Candidate(ctx, in.Candidate)
		if err != nil {
			return nil, problemOf(err)
		}
		filter.Candidate = c.ID
	}
	items, next, err := s.Store.ListTasks(ctx, filter)
	return pageOf(items, next, err)
}

func (s *server) completeTask(ctx context.Context, in *struct {
	ID   string `path:"id" maxLength:"100"`
	Body TaskDone
},
) (*struct{}, error) {
	outcomes, err := s.outcomes(ctx, in.ID)
	if err != nil {
		return nil, problemOf(err)
	}
	outcome := in.Body.Outcome
	switch {
	case len(outcomes) > 0 && !slices.Contains(outcomes, outcome):
		ends := strings.Join(outcomes, ", ")
		return nil, invalid("The task cannot end that way.", "Say one of: "+ends+".", Located{Location: "body.outcome", Message: "it is not one of: " + ends})
	case outcome == "":
		outcome = outcomeDone
	}
	if err := s.Store.CompleteTask(ctx, in.ID, outcome, in.Body.Note, caller(ctx), s.Now()); err != nil {
		return nil, problemOf(err)
	}
	return nil, nil //nolint:nilnil // no content
}

// outcomes are those that the step of a task lists, in the version that its run is pinned to; none if it lists none, or if the
// run or its definition is not there any more: then nobody waits for the word.
func (s *server) outcomes(ctx context.Context, taskID string) ([]string, error) {
	task, err := s.Store.Task(ctx, taskID)
	if err != nil || task.EnrollmentID == "" {
		return nil, err
	}
	run, err := s.Store.Enrollment(ctx, task.EnrollmentID)
	if err != nil {
		return nil, unlessNotFound(err)
	}
	d, err := s.Store.DefinitionByHash(ctx, run.Hash)
	if err != nil {
		return nil, unlessNotFound(err)
	}
	program, err := dsl.Compile(d.Document)
	if err != nil {
		return nil, err
	}
	in, ok := program.Instr(task.Step)
	if !ok || in.Task == nil {
		return nil, nil
	}
	return in.Task.Outcomes, nil
}

func unlessNotFound(err error) error {
	if crm.CodeOf(err) == crm.CodeNotFound {
		return nil
	}
	return err
}
