package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// OpenRuns returns up to limit open runs of a sequence that are on other versions than the given one, after a run's id in the
// order of ids.
func (s *Store) OpenRuns(ctx context.Context, definition, hash, after string, limit int) ([]crm.Enrollment, error) {
	runs, err := all(ctx, s, scanEnrollment, "select "+enrollmentColumns+enrollmentTables+`
		where r.definition = $1 and r.status <> 'closed' and r.hash <> $2 and r.id > $3 order by r.id limit $4`, definition, hash, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read open runs: %w", err)
	}
	return runs, nil
}

// OpenHashes returns the content hashes of the definitions that open runs are pinned to, sorted.
func (s *Store) OpenHashes(ctx context.Context) ([]string, error) {
	hashes, err := all(ctx, s, text, "select distinct hash from enrollments where status <> 'closed' order by hash")
	if err != nil {
		return nil, fmt.Errorf("read versions of open runs: %w", err)
	}
	return hashes, nil
}

// Moved is a run that has moved to another version, or why it has not.
type Moved struct {
	EnrollmentID string
	Version      int // it was on
	Landing      crm.Landing
}

// MigrateRuns moves up to limit open runs of a sequence to another version, after a candidate's id in the order of ids, in one
// transaction under their candidates' locks. land says where each belongs; a refused run stays as it is. A run that has moved is
// woken, and its timeline says so. Runs that are on that version already are left alone, so that a migration that was cut
// short is simply done again. next is the id to go on after, "" when all are done.
func (s *Store) MigrateRuns(
	ctx context.Context, definition, hash, after string, limit int, land func(*crm.Enrollment) (*crm.Migration, error),
) (moved []Moved, next string, err error) {
	var locked []lockedCandidate
	lock := &pgx.Batch{}
	gather(lock.Queue(`select * from lock_candidates(array(
			select distinct candidate_id from enrollments
			where definition = $1 and status <> 'closed' and hash <> $2 and candidate_id > $3 order by candidate_id limit $4))`, definition, hash, after, limit), scanLocked, &locked)
	var runs []crm.Enrollment
	tx, err := s.begin(ctx, lock)
	if err != nil {
		return nil, "", fmt.Errorf("lock candidates: %w", err)
	}
	defer tx.rollback(ctx)
	load := &pgx.Batch{}
	gather(load.Queue("select "+enrollmentColumns+enrollmentTables+`where r.candidate_id = any($1) and r.definition = $2
		and r.status <> 'closed' and r.hash <> $3 order by r.id`, lockedIDs(locked), definition, hash), scanEnrollment, &runs)
	if err := tx.send(ctx, load); err != nil {
		return nil, "", fmt.Errorf("read runs: %w", err)
	}
	write, at := &pgx.Batch{}, instant(s.now())
	for i := range runs {
		m, err := land(&runs[i])
		if err != nil {
			return nil, "", err
		}
		moved = append(moved, Moved{EnrollmentID: runs[i].ID, Version: runs[i].Version, Landing: m.Landing})
		if m.Landing.Kind != crm.LandRefused {
			queueMigration(write, &runs[i], m, at)
		}
	}
	if len(moved) > 0 {
		tx.tell(crm.AuditRecord{At: at, Action: crm.AuditMigrate, Kind: "definition", Object: "sequence/" + definition, Detail: fmt.Sprintf("%d runs to %s", len(moved), hash)})
	}
	if err := tx.commit(ctx, write); err != nil {
		return nil, "", fmt.Errorf("move runs: %w", err)
	}
	s.Notify(TopicWakes)
	if len(locked) == limit {
		next = locked[limit-1].id
	}
	return moved, next, nil
}

// queueMigration moves one run. What it awaits is found out by its next decision, which the wake brings.
func queueMigration(batch *pgx.Batch, run *crm.Enrollment, m *crm.Migration, at time.Time) {
	batch.Queue(`update enrollments set hash = $2, version = $3, listens = $4, progress = $5, wake = wake + 1 where id = $1`,
		run.ID, m.Hash, m.Version, list(m.Listens), m.Progress)
	note := crm.Note{
		Kind: crm.NoteMigrated, Step: m.Landing.From, Outcome: m.Landing.To, Reason: string(m.Landing.Kind),
		Text: fmt.Sprintf("version %d to %d", run.Version, m.Version),
	}
	batch.Queue(`insert into decisions (candidate_id, enrollment_id, definition, hash, at, notes) values ($1, $2, $3, $4, $5, $6)`,
		run.CandidateID, run.ID, run.Definition, m.Hash, moment(at), notes([]crm.Note{note}))
}

// StopRuns asks up to limit open runs of a sequence that is not in force any more to end as stopped, after a run's id in the
// order of ids. It stores an event for each, as Control does. next is the id to go on after, "" when all are asked.
func (s *Store) StopRuns(ctx context.Context, definition, by, after string, limit int, at time.Time) (stopped int, next string, err error) {
	runs, err := all(ctx, s, scanOwned, `select r.candidate_id, r.id from enrollments r where r.definition = $1 and r.status <> 'closed'
		and r.ending = '' and r.id > $2 and not exists (
			select from published p where p.name = r.definition and `+runKinds+`)
		order by r.id limit $3`, definition, after, limit)
	if err != nil {
		return 0, "", fmt.Errorf("read open runs: %w", err)
	}
	var rows eventRows
	for _, r := range runs {
		e := fact(crm.ControlStop, r.candidateID, instant(at), map[string]any{"enrollment": r.value, "by": by})
		e.Source, e.ExternalID = crm.SourceControl, r.value+"/withdrawn"
		if err := rows.add(&e, false); err != nil {
			return 0, "", err
		}
		next = r.value
	}
	if len(runs) < limit {
		next = ""
	}
	if len(runs) == 0 {
		return 0, "", nil
	}
	batch := &pgx.Batch{}
	batch.Queue(insertEvents, rows.arguments()...)
	record := crm.AuditRecord{At: at, Action: crm.AuditStop, Kind: "definition", Object: "sequence/" + definition, Detail: fmt.Sprintf("%d runs", len(runs))}
	if err := queueAudit(ctx, batch, at, []crm.AuditRecord{record}); err != nil {
		return 0, "", err
	}
	if err := s.once(ctx, batch); err != nil {
		return 0, "", fmt.Errorf("store control events: %w", err)
	}
	s.Notify(TopicEvents)
	return len(runs), next, nil
}
