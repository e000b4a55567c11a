package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// The statements of this file change enrollment rows without the candidate's lock. They skip rows that are locked, and lock
// nothing else: see the package comment.

// Starting returns runs whose workflow is to be started, the oldest first.
func (s *Store) Starting(ctx context.Context, limit int) ([]crm.Enrollment, error) {
	runs, err := all(ctx, s, scanEnrollment, "select "+enrollmentColumns+enrollmentTables+
		"where r.status = 'starting' order by r.id limit $1", limit)
	if err != nil {
		return nil, fmt.Errorf("find runs to start: %w", err)
	}
	return runs, nil
}

// MarkStarted notes that the workflows of runs are started. A run that somebody is changing right now is left as it is: it
// has made its first decision, which notes the same, or it comes up again.
func (s *Store) MarkStarted(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := s.pool.Exec(ctx, `update enrollments set status = 'running' where id in (
		select id from enrollments where id = any($1) and status = 'starting' for no key update skip locked)`, ids)
	if err != nil {
		return fmt.Errorf("mark runs started: %w", err)
	}
	return nil
}

// Wake is a run to signal, and the number to signal it with.
type Wake struct {
	EnrollmentID string
	WorkflowID   string
	Definition   string
	CandidateID  string
	Version      int
	Wake         int64
}

// Unsignalled returns runs that were woken and whose workflow does not know it, the oldest first. Runs that are still to be
// started are not among them: their first decision sees everything.
func (s *Store) Unsignalled(ctx context.Context, limit int) ([]Wake, error) {
	wakes, err := all(ctx, s, scanWake, `select id, definition, candidate_id, n, version, wake, workflow_id from enrollments
		where status = 'running' and wake > wake_sent order by id limit $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("find runs to wake: %w", err)
	}
	return wakes, nil
}

func scanWake(row pgx.CollectableRow) (Wake, error) {
	var run crm.Enrollment
	err := row.Scan(&run.ID, &run.Definition, &run.CandidateID, &run.N, &run.Version, &run.Wake, &run.Workflow)
	return Wake{
		EnrollmentID: run.ID, WorkflowID: run.WorkflowID(), Definition: run.Definition, CandidateID: run.CandidateID,
		Version: run.Version, Wake: run.Wake,
	}, err
}

// MarkSignalled notes the numbers that runs were signalled with. A run that somebody is changing right now comes up again: a
// second signal with the same number does no harm.
func (s *Store) MarkSignalled(ctx context.Context, wakes []Wake) error {
	if len(wakes) == 0 {
		return nil
	}
	var ids []string
	var numbers []int64
	for _, w := range wakes {
		ids, numbers = append(ids, w.EnrollmentID), append(numbers, w.Wake)
	}
	_, err := s.pool.Exec(ctx, `update enrollments r set wake_sent = greatest(r.wake_sent, w.number)
		from (select e.id, u.number from unnest($1::text[], $2::bigint[]) as u (id, number) join enrollments e on e.id = u.id
			for no key update of e skip locked) w
		where r.id = w.id`, ids, numbers)
	if err != nil {
		return fmt.Errorf("mark runs signalled: %w", err)
	}
	return nil
}

// WakeOverdue wakes running runs that should have decided before a time and that no wake is under way to: their workflow is
// lost, or its timer is. Paused runs are left alone. It returns how many runs it woke.
func (s *Store) WakeOverdue(ctx context.Context, before time.Time, limit int) (int, error) {
	tag, err := s.pool.Exec(ctx, `update enrollments set wake = wake + 1 where id in (
		select r.id from enrollments r left join published p on p.name = r.definition and `+runKinds+`
		where r.status = 'running' and r.due < $1 and r.wake = r.wake_sent and not r.paused and not coalesce(p.paused, false)
		order by r.due limit $2 for no key update of r skip locked)`, moment(before), limit)
	if err != nil {
		return 0, fmt.Errorf("wake overdue runs: %w", err)
	}
	if tag.RowsAffected() > 0 {
		s.Notify(TopicWakes)
	}
	return int(tag.RowsAffected()), nil
}
