package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// runKinds are, of published p, the definitions that candidates are enrolled in: no two of them have the same name.
const runKinds = "p.kind in ('sequence', 'interview') and p.locale = ''"

// enrollmentColumns are those of a run r, whether its sequence is paused, and the event that enrolled.
const (
	enrollmentColumns = `r.id, r.definition, r.hash, r.version, r.candidate_id, r.application_id, r.n, r.status, r.paused,
		coalesce(p.paused, false), r.ending, r.pool, r.outcome, r.started_at, r.closed_at, r.goal_at, r.position, r.wake,
		r.wake_seen, r.wake_sent, r.seq, r.due, r.awaits, r.listens, r.progress, r.workflow_id, ` + eventColumns
	enrollmentTables = ` from enrollments r
		left join published p on p.name = r.definition and ` + runKinds + `
		left join events e on e.id = r.event_id` + joinMessage
)

func scanEnrollment(row pgx.CollectableRow) (crm.Enrollment, error) {
	var r crm.Enrollment
	var e crm.Event
	places := []any{
		&r.ID, &r.Definition, &r.Hash, &r.Version, &r.CandidateID, word(&r.ApplicationID), &r.N, &r.Status, &r.Paused, &r.Held,
		&r.Ending, &r.Pool, &r.Outcome, &r.StartedAt, at(&r.ClosedAt), at(&r.GoalAt), &r.Position, &r.Wake, &r.WakeSeen, &r.WakeSent,
		&r.Seq, at(&r.Due), &r.Awaits, &r.Listens, &r.Progress, &r.Workflow,
	}
	err := row.Scan(append(places, eventPlaces(&e)...)...)
	if e.ID != "" {
		r.Event = &e
	}
	return r, err
}

// EnrollmentFilter says which enrollments to list. Empty fields do not filter.
type EnrollmentFilter struct {
	Candidate  string // id
	Definition string // name
	Status     crm.EnrollmentStatus
	Limit      int    // of a page; 0: 50, at most 500
	After      string // the cursor that the page before returned
}

// ListEnrollments returns a page of enrollments, the newest first, and the cursor of the next page, "" after the last.
func (s *Store) ListEnrollments(ctx context.Context, f EnrollmentFilter) (items []crm.Enrollment, next string, err error) {
	limit := pageSize(f.Limit)
	items, err = all(ctx, s, scanEnrollment, "select "+enrollmentColumns+enrollmentTables+`
		where ($1 = '' or r.candidate_id = $1) and ($2 = '' or r.definition = $2) and ($3 = '' or r.status = $3)
		and ($4 = '' or r.id < $4) order by r.id desc limit $5`, f.Candidate, f.Definition, string(f.Status), f.After, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list enrollments: %w", err)
	}
	items, next = page(items, limit, func(r *crm.Enrollment) string { return r.ID })
	return items, next, nil
}

// Enrollment returns one enrollment. The error has crm.CodeNotFound when there is none.
func (s *Store) Enrollment(ctx context.Context, id string) (crm.Enrollment, error) {
	found, err := all(ctx, s, scanEnrollment, "select "+enrollmentColumns+enrollmentTables+"where r.id = $1", id)
	if err != nil {
		return crm.Enrollment{}, fmt.Errorf("read enrollment: %w", err)
	}
	if len(found) == 0 {
		return crm.Enrollment{}, notFound("There is no such enrollment.")
	}
	return found[0], nil
}

// Control tells a run to pause, resume or stop: one of crm.ControlPause, ControlResume and ControlStop. It stores an event,
// audited and in order, that the dispatcher carries out; Temporal need not be up. The error has crm.CodeNotFound when there
// is no such run and crm.CodeConflict when it is closed.
func (s *Store) Control(ctx context.Context, enrollmentID, controlType, by string, at time.Time) error {
	action := map[string]string{crm.ControlPause: crm.AuditPause, crm.ControlResume: crm.AuditResume, crm.ControlStop: crm.AuditStop}[controlType]
	if action == "" {
		return invalid("A run cannot be told that.", "Pause, resume or stop it.")
	}
	run, err := s.Enrollment(ctx, enrollmentID)
	if err != nil {
		return err
	}
	if !run.Open() {
		return conflict("The enrollment is closed.", "Only a running one can be paused, resumed or stopped.")
	}
	told := crm.AuditRecord{Action: action, Kind: "enrollment", Object: run.ID}
	_, err = s.control(ctx, controlType, run.CandidateID, at, map[string]any{"enrollment": run.ID, "by": by}, told)
	return err
}

// RequestEnrollment asks for a run of a sequence by hand; applicationExternalID is empty for sequences per candidate. It
// stores an event and returns its id; whether a run begins is on the timeline. The error has crm.CodeNotFound when there is
// no such candidate or no such sequence in force.
func (s *Store) RequestEnrollment(
	ctx context.Context, candidateID, definition, applicationExternalID, by string, at time.Time,
) (eventID string, err error) {
	candidate, _, err := s.Candidate(ctx, candidateID)
	if err != nil {
		return "", err
	}
	if _, err := s.Definition(ctx, "sequence", definition, "", 0); err != nil {
		return "", err
	}
	data := map[string]any{"definition": definition, "by": by}
	if applicationExternalID != "" {
		data["application"] = applicationExternalID
	}
	told := crm.AuditRecord{Action: crm.AuditCreate, Kind: "enrollment", Object: "sequence/" + definition}
	return s.control(ctx, crm.ControlEnroll, candidate.ID, at, data, told)
}

func (s *Store) control(ctx context.Context, controlType, candidateID string, at time.Time, data map[string]any, told crm.AuditRecord) (string, error) {
	e := fact(controlType, candidateID, instant(at), data)
	e.Source = crm.SourceControl
	var rows eventRows
	if err := rows.add(&e, false); err != nil {
		return "", err
	}
	told.At, told.Parts = at, crm.About(candidateID)
	batch := &pgx.Batch{}
	batch.Queue(insertEvents, rows.arguments()...)
	if err := queueAudit(ctx, batch, at, []crm.AuditRecord{told}); err != nil {
		return "", err
	}
	if err := s.once(ctx, batch); err != nil {
		return "", fmt.Errorf("store control event: %w", err)
	}
	s.Notify(TopicEvents)
	return e.ID, nil
}
