package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// TopicRetention is rung when somebody has a run of a policy start, go on or stop.
const TopicRetention = "retention"

const retentionRunColumns = `policy, day, hash, workflow_id, state, at, cursor, total, looked, scope, due, share, first, notify, noticed, taken, kept,
	started_at, worked_at, finished_at, decided_by, error, ` + retentionWaiting

// retentionWaiting counts those whom a run comes back to: what it has to do for others is never put off, and so begins when the run did.
const retentionWaiting = `(select count(*) from retention_acts a where a.policy = retention_runs.policy and a.day = retention_runs.day
	and a.not_before > retention_runs.at)`

func scanRetentionRun(row pgx.CollectableRow) (r crm.RetentionRun, err error) {
	err = row.Scan(&r.Policy, &r.Day, &r.Hash, &r.Workflow, &r.State, &r.At, &r.Cursor, &r.Total, &r.Looked, &r.Scope, &r.Due, &r.MaxShare, &r.First, &r.Notify,
		&r.Noticed, &r.Taken, &r.Kept, at(&r.StartedAt), at(&r.WorkedAt), at(&r.FinishedAt), &r.DecidedBy, &r.Error, &r.Waiting)
	return r, err
}

// AskRetention notes that somebody wants a run of a policy. The error has crm.CodeConflict when there is one of that name.
func (s *Store) AskRetention(ctx context.Context, policy, day, by string) (crm.RetentionRun, error) {
	var made []crm.RetentionRun
	batch, now := &pgx.Batch{}, s.now()
	gather(batch.Queue(`insert into retention_runs (policy, day, hash, workflow_id, state, at, decided_by, wake)
		values ($1, $2, '', $3, $4, $5, $6, 1) on conflict do nothing returning `+retentionRunColumns,
		policy, day, crm.RetentionWorkflow(policy, day), crm.RetentionWanted, moment(now), by), scanRetentionRun, &made)
	tx, err := s.begin(ctx, batch)
	if err != nil {
		return crm.RetentionRun{}, fmt.Errorf("ask for retention run: %w", err)
	}
	defer tx.rollback(ctx)
	if len(made) == 0 {
		return crm.RetentionRun{}, conflict("There is a run of this policy already.", "See `rapport retention status`.")
	}
	tx.tell(tellRetention(crm.AuditRun, policy, day, now))
	if err := tx.commit(ctx, &pgx.Batch{}); err != nil {
		return crm.RetentionRun{}, fmt.Errorf("ask for retention run: %w", err)
	}
	s.Notify(TopicRetention)
	return made[0], nil
}

// BeginRetention returns the run of a workflow, and makes it one if there is none yet: then with the day, hash, moment and share of first.
// It returns nil when another workflow has that day's run.
func (s *Store) BeginRetention(ctx context.Context, first *crm.RetentionRun) (*crm.RetentionRun, error) {
	batch := &pgx.Batch{}
	batch.Queue(`insert into retention_runs (policy, day, hash, workflow_id, state, at) values ($1, $2, '', $3, $4, $5) on conflict do nothing`,
		first.Policy, first.Day, first.Workflow, crm.RetentionWanted, moment(first.At))
	batch.Queue(`update retention_runs set state = $2, hash = $3, at = $4, share = $5, started_at = $4, worked_at = $4,
		total = (select count(*) from candidates), first = not exists (select from retention_runs d where d.policy = $7 and d.hash = $3 and d.state = $8)
		where workflow_id = $1 and state = $6`,
		first.Workflow, crm.RetentionLooking, first.Hash, moment(first.At), first.MaxShare, crm.RetentionWanted, first.Policy, crm.RetentionDone)
	var found []crm.RetentionRun
	gather(batch.Queue("select "+retentionRunColumns+" from retention_runs where workflow_id = $1", first.Workflow), scanRetentionRun, &found)
	if err := s.once(ctx, batch); err != nil {
		return nil, fmt.Errorf("begin retention run: %w", err)
	}
	if len(found) == 0 {
		return nil, nil //nolint:nilnil // the day's run is another's, which is no error
	}
	return &found[0], nil
}

// LookedAt writes what a run has found among the next candidates: run is how it stands now, and acts are those for whom there is something
// to do. It returns false, and writes nothing, when somebody else was faster, or has stopped the run.
func (s *Store) LookedAt(ctx context.Context, run *crm.RetentionRun, from string, acts []string) (bool, error) {
	var moved []string
	batch := &pgx.Batch{}
	gather(batch.Queue(`update retention_runs set state = $5, cursor = $6, looked = $7, scope = $8, due = $9, notify = $10, kept = $11,
		worked_at = $12, finished_at = $13, error = '' where policy = $1 and day = $2 and state = $3 and cursor = $4 returning day`,
		run.Policy, run.Day, crm.RetentionLooking, from, run.State, run.Cursor, run.Looked, run.Scope, run.Due, run.Notify, counted(run.Kept),
		moment(s.now()), moment(run.FinishedAt)), text, &moved)
	tx, err := s.begin(ctx, batch)
	if err != nil {
		return false, fmt.Errorf("write progress of retention: %w", err)
	}
	defer tx.rollback(ctx)
	if len(moved) == 0 {
		return false, nil
	}
	write := &pgx.Batch{}
	if len(acts) > 0 { // whoever was erased in the meantime needs none
		write.Queue(`insert into retention_acts (policy, day, candidate_id, not_before)
			select $1, $2, id, $4 from candidates where id = any($3) for key share on conflict do nothing`, run.Policy, run.Day, acts, moment(run.At))
	}
	if err := tx.commit(ctx, write); err != nil {
		return false, fmt.Errorf("write progress of retention: %w", err)
	}
	return true, nil
}

func counted(kept map[string]int64) map[string]int64 {
	if kept == nil {
		return map[string]int64{}
	}
	return kept
}

// RetentionActs returns up to limit candidates for whom a run has something to do at a time, and when the next one comes after that; zero:
// nothing is left.
func (s *Store) RetentionActs(ctx context.Context, policy, day string, now time.Time, limit int) (candidates []string, next time.Time, err error) {
	var nexts []time.Time
	batch := &pgx.Batch{}
	gather(batch.Queue(`select candidate_id from retention_acts where policy = $1 and day = $2 and not_before <= $3 order by not_before, candidate_id limit $4`,
		policy, day, moment(now), limit), text, &candidates)
	gather(batch.Queue("select not_before from retention_acts where policy = $1 and day = $2 order by not_before limit 1", policy, day),
		pgx.RowTo[time.Time], &nexts)
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return nil, next, fmt.Errorf("read acts of retention: %w", err)
	}
	if len(nexts) > 0 {
		next = nexts[0]
	}
	return candidates, next, nil
}

// EndRetention ends an open run, and forgets what it had still to do. The reason is a code; "": it is done. By is who stopped it.
func (s *Store) EndRetention(ctx context.Context, policy, day, reason, by string) error {
	state := crm.RetentionDone
	if reason != "" || by != "" {
		state = crm.RetentionStopped
	}
	var ended []string
	batch, now := &pgx.Batch{}, s.now()
	gather(batch.Queue(`update retention_runs set state = $3, error = $4, decided_by = case when $5 = '' then decided_by else $5 end, finished_at = $6,
		worked_at = $6, wake = wake + ($5 <> '')::int where policy = $1 and day = $2 and finished_at is null returning day`,
		policy, day, state, reason, by, moment(now)), text, &ended)
	batch.Queue(`delete from retention_acts a using retention_runs r where (a.policy, a.day) = ($1, $2) and (r.policy, r.day) = ($1, $2)
		and r.finished_at is not null`, policy, day)
	tx, err := s.begin(ctx, batch)
	if err != nil {
		return fmt.Errorf("end retention run: %w", err)
	}
	defer tx.rollback(ctx)
	if by != "" {
		if len(ended) == 0 {
			return conflict("There is no such run, or it has ended.", "See `rapport retention status`.")
		}
		tx.tell(tellRetention(crm.AuditStop, policy, day, now))
	}
	if err := tx.commit(ctx, &pgx.Batch{}); err != nil {
		return fmt.Errorf("end retention run: %w", err)
	}
	s.Notify(TopicRetention)
	return nil
}

// ConfirmRetention has a run go on that asked. The error has crm.CodeConflict when there is none that asks.
func (s *Store) ConfirmRetention(ctx context.Context, policy, day, by string) error {
	var going []string
	batch, now := &pgx.Batch{}, s.now()
	gather(batch.Queue(`update retention_runs set state = $3, decided_by = $4, worked_at = $5, wake = wake + 1
		where policy = $1 and day = $2 and state = $6 returning day`, policy, day, crm.RetentionActing, by, moment(now), crm.RetentionAsked), text, &going)
	tx, err := s.begin(ctx, batch)
	if err != nil {
		return fmt.Errorf("confirm retention run: %w", err)
	}
	defer tx.rollback(ctx)
	if len(going) == 0 {
		return conflict("No such run asks for a decision.", "See `rapport retention status`.")
	}
	tx.tell(tellRetention(crm.AuditConfirm, policy, day, now))
	if err := tx.commit(ctx, &pgx.Batch{}); err != nil {
		return fmt.Errorf("confirm retention run: %w", err)
	}
	s.Notify(TopicRetention)
	return nil
}

// FailRetention notes why a run rests: a code; "": it no longer does.
func (s *Store) FailRetention(ctx context.Context, workflowID, reason string) error {
	_, err := s.pool.Exec(ctx, "update retention_runs set error = $2, worked_at = $3 where workflow_id = $1 and finished_at is null",
		workflowID, reason, moment(s.now()))
	return wrapped("note failure of retention run", err)
}

// RetentionRun returns one run. The error has crm.CodeNotFound when there is none.
func (s *Store) RetentionRun(ctx context.Context, policy, day string) (crm.RetentionRun, error) {
	found, err := all(ctx, s, scanRetentionRun, "select "+retentionRunColumns+" from retention_runs where policy = $1 and day = $2", policy, day)
	if err != nil {
		return crm.RetentionRun{}, fmt.Errorf("read retention run: %w", err)
	}
	if len(found) == 0 {
		return crm.RetentionRun{}, &crm.Error{Code: crm.CodeNotFound, Message: "There is no such run.", Next: "See `rapport retention status`."}
	}
	return found[0], nil
}

// RetentionFilter says which runs to list. Empty fields do not filter.
type RetentionFilter struct {
	Policy string
	State  crm.RetentionState
	Open   bool // only those that have not ended
	Limit  int
}

// RetentionRuns lists runs, the newest first.
func (s *Store) RetentionRuns(ctx context.Context, f RetentionFilter) ([]crm.RetentionRun, error) {
	runs, err := all(ctx, s, scanRetentionRun, "select "+retentionRunColumns+` from retention_runs where ($1 = '' or policy = $1)
		and ($2 = '' or state = $2) and (not $3::bool or finished_at is null) order by day desc, policy limit $4`,
		f.Policy, string(f.State), f.Open, pageSize(f.Limit))
	if err != nil {
		return nil, fmt.Errorf("list retention runs: %w", err)
	}
	return runs, nil
}

// RetentionSignal is a workflow that is to be told of something, and started if it is not there.
type RetentionSignal struct {
	Policy   string
	Workflow string
	Wake     int64
}

// RetentionSignals returns runs whose workflows are to be told.
func (s *Store) RetentionSignals(ctx context.Context, limit int) ([]RetentionSignal, error) {
	found, err := all(ctx, s, pgx.RowToStructByPos[RetentionSignal],
		"select policy, workflow_id, wake from retention_runs where wake > wake_sent order by policy, day limit $1", limit)
	if err != nil {
		return nil, fmt.Errorf("read retention runs: %w", err)
	}
	return found, nil
}

// RetentionSignalled notes that a workflow was told.
func (s *Store) RetentionSignalled(ctx context.Context, r RetentionSignal) error {
	_, err := s.pool.Exec(ctx, "update retention_runs set wake_sent = $2 where workflow_id = $1 and wake_sent < $2", r.Workflow, r.Wake)
	return wrapped("note signal of retention run", err)
}
