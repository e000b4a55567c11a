package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

const taskColumns = `id, candidate_id, enrollment_id, definition, step, occurrence, title, assignee, via, due_at, state, outcome,
	created_at, closed_at`

func scanTask(row pgx.CollectableRow) (t crm.Task, err error) {
	err = row.Scan(&t.ID, &t.CandidateID, word(&t.EnrollmentID), &t.Definition, &t.Step, &t.Occurrence, &t.Title, &t.Assignee,
		&t.Via, at(&t.DueAt), &t.State, &t.Outcome, &t.CreatedAt, at(&t.ClosedAt))
	return t, err
}

func queueTask(batch *pgx.Batch, t *crm.Task) {
	state := t.State
	if state == "" {
		state = crm.TaskOpen
	}
	batch.Queue(`insert into tasks (id, candidate_id, enrollment_id, definition, step, occurrence, title, assignee, via, due_at,
		state, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		t.ID, t.CandidateID, optional(t.EnrollmentID), t.Definition, t.Step, t.Occurrence, t.Title, t.Assignee, t.Via,
		moment(t.DueAt), state, moment(t.CreatedAt))
}

// TaskFilter says which tasks to list. Empty fields do not filter.
type TaskFilter struct {
	Candidate  string // id
	Enrollment string // id
	Assignee   string // email
	State      crm.TaskState
	Limit      int    // of a page; 0: 50, at most 500
	After      string // the cursor that the page before returned
}

// ListTasks returns a page of tasks, the newest first, and the cursor of the next page, "" after the last.
func (s *Store) ListTasks(ctx context.Context, f TaskFilter) (items []crm.Task, next string, err error) {
	limit := pageSize(f.Limit)
	items, err = all(ctx, s, scanTask, "select "+taskColumns+` from tasks
		where ($1 = '' or candidate_id = $1) and ($2 = '' or enrollment_id = $2) and ($3 = '' or assignee = $3)
		and ($4 = '' or state = $4) and ($5 = '' or id < $5) order by id desc limit $6`,
		f.Candidate, f.Enrollment, f.Assignee, string(f.State), f.After, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list tasks: %w", err)
	}
	items, next = page(items, limit, func(t *crm.Task) string { return t.ID })
	return items, next, nil
}

// Task returns one task. The error has crm.CodeNotFound when there is none.
func (s *Store) Task(ctx context.Context, id string) (crm.Task, error) {
	found, err := all(ctx, s, scanTask, "select "+taskColumns+" from tasks where id = $1", id)
	if err != nil {
		return crm.Task{}, fmt.Errorf("read task: %w", err)
	}
	if len(found) == 0 {
		return crm.Task{}, notFound("There is no such task.")
	}
	return found[0], nil
}

// CompleteTask notes that a person did a task, and tells by a task.completed event. The error has crm.CodeNotFound when there
// is no such task and crm.CodeConflict when it is not open.
func (s *Store) CompleteTask(ctx context.Context, id, outcome, note, by string, at time.Time) error {
	var known, done []crm.Task
	lock := &pgx.Batch{}
	lock.Queue(lockOwners("tasks"), id)
	gather(lock.Queue("select "+taskColumns+" from tasks where id = $1", id), scanTask, &known)
	gather(lock.Queue(`update tasks set state = 'done', outcome = $2, note = $3, closed_by = $4, closed_at = $5
		where id = $1 and state = 'open' returning `+taskColumns, id, outcome, note, by, moment(at)), scanTask, &done)
	tx, err := s.begin(ctx, lock)
	if err != nil {
		return fmt.Errorf("complete task: %w", err)
	}
	defer tx.rollback(ctx)
	switch {
	case len(known) == 0:
		return notFound("There is no such task.")
	case len(done) == 0:
		return conflict("The task is closed already.", "Nothing is left to do.")
	}
	write := &pgx.Batch{}
	completed := fact("task.completed", done[0].CandidateID, instant(at), map[string]any{
		"step": done[0].Step, "sequence": done[0].Definition, "outcome": outcome, "note": note, "task": id, "by": by,
	})
	if err := queueEvents(write, []crm.Event{completed}); err != nil {
		return fmt.Errorf("complete task: %w", err)
	}
	tx.tell(crm.AuditRecord{At: at, Action: crm.AuditChange, Kind: "task", Object: id, Detail: string(crm.TaskDone), Parts: crm.About(done[0].CandidateID)})
	if err := tx.commit(ctx, write); err != nil {
		return fmt.Errorf("complete task: %w", err)
	}
	s.Notify(TopicEvents)
	return nil
}
