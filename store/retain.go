package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// RetentionTurn says for whom a run of a policy is to do something.
type RetentionTurn struct {
	Policy    string
	Day       string
	Candidate string // id
	At        time.Time
	Types     []string // of the events that policies read
}

// Retain does what a policy has for one candidate, in one transaction under their lock: it reads their case, has decide say what is to be
// done with them as they are now, and does it. So a hold or a yes that was committed before counts, whatever was found earlier, and while an
// event of theirs waits to be decided on, as a yes may be, nothing is done: the result is crm.RetentionLater. What was
// done is counted with it, so that it is counted once, and the act is gone. Decide must be quick and must not use the store.
func (s *Store) Retain(ctx context.Context, turn RetentionTurn, decide func(*crm.RetentionCase) crm.RetentionAct) (crm.RetentionResult, error) {
	key, err := s.addressKey(ctx)
	if err != nil {
		return "", fmt.Errorf("retain candidate: %w", err)
	}
	r := &retaining{RetentionTurn: turn, erasing: &erasing{store: s, key: key}}
	result, err := r.run(ctx, decide)
	if crm.CodeOf(err) == crm.CodeUnavailable && len(r.sending) > 0 {
		return crm.RetentionLater, nil
	}
	return result, wrapped("retain candidate", err)
}

// retaining is the state of one turn.
type retaining struct {
	RetentionTurn
	*erasing

	states     []string // of the run, while there is the act
	candidates []candidateRow
	former     []int    // runs that hold notices of the policy
	pending    []string // events that nobody has decided on yet
}

func (r *retaining) run(ctx context.Context, decide func(*crm.RetentionCase) crm.RetentionAct) (crm.RetentionResult, error) {
	lock := &pgx.Batch{}
	lockCandidates(lock, &r.locked, []string{r.Candidate}, nil, nil)
	gather(lock.Queue("select "+candidateColumns+" from candidates where id = $1", r.Candidate), scanCandidate, &r.candidates)
	gather(lock.Queue(`select r.state from retention_runs r join retention_acts a using (policy, day)
		where r.policy = $1 and r.day = $2 and a.candidate_id = $3 for update of a`, r.Policy, r.Day, r.Candidate), text, &r.states)
	tx, err := r.store.begin(ctx, lock)
	if err != nil {
		return "", err
	}
	defer tx.rollback(ctx)
	switch {
	case len(r.states) == 0: // it is done, or they are gone
		return crm.RetentionKept, nil
	case r.states[0] != string(crm.RetentionActing):
		return crm.RetentionOver, nil
	}
	load := &pgx.Batch{}
	cases := queueCases(load, r.candidates, r.Types)
	gather(load.Queue("select n from enrollments where candidate_id = $1 and definition = $2", r.Candidate, r.Policy), pgx.RowTo[int], &r.former)
	gather(load.Queue("select id from events where candidate_id = $1 and position is null limit 1", r.Candidate), text, &r.pending)
	if err := tx.send(ctx, load); err != nil {
		return "", err
	}
	if len(r.pending) > 0 { // it may be a yes
		return crm.RetentionLater, nil
	}
	act := decide(&cases.read(r.store)[0])
	if act.Erasure != nil {
		result, err := r.take(ctx, tx, act.Erasure)
		if _, held := errors.AsType[crm.HeldError](err); !held {
			return result, err
		}
		act = crm.RetentionAct{Reason: crm.KeptHold} // one on a role or by a condition came this moment: it locks nobody
	}
	write := &pgx.Batch{}
	if act.Notice != nil {
		r.queueNotice(write, &act)
		write.Queue("update retention_runs set noticed = noticed + 1, worked_at = $3 where policy = $1 and day = $2", r.Policy, r.Day, moment(r.store.now()))
		r.queueDone(write)
		if err := tx.commit(ctx, write); err != nil {
			return "", err
		}
		r.store.Notify(TopicMessages)
		return crm.RetentionNoticed, nil
	}
	queueKept(write, r.Policy, r.Day, act.Reason, r.store.now())
	r.queueDone(write)
	return crm.RetentionKept, tx.commit(ctx, write)
}

// take erases them.
func (r *retaining) take(ctx context.Context, tx *transaction, what *crm.Erasure) (crm.RetentionResult, error) {
	r.Erasure = *what
	r.Erasure.At = instant(r.Erasure.At)
	if err := r.Check(); err != nil {
		return "", err
	}
	if err := r.store.readyToErase(ctx); err != nil {
		return "", err
	}
	count := &pgx.Batch{}
	count.Queue("update retention_runs set taken = taken + 1, worked_at = $3 where policy = $1 and day = $2", r.Policy, r.Day, moment(r.store.now()))
	_, err := r.finish(ctx, tx, count)
	return crm.RetentionTaken, err
}

// queueNotice plans the message, and gives it a run that is closed already: the ledger has messages of runs only.
func (r *retaining) queueNotice(batch *pgx.Batch, act *crm.RetentionAct) {
	m, n := act.Message, 1
	for _, former := range r.former {
		n = max(n, former+1)
	}
	run := crm.Enrollment{
		ID: m.EnrollmentID, Definition: m.Definition, Hash: m.Hash, CandidateID: r.Candidate, N: n, Status: crm.EnrollmentClosed,
		StartedAt: m.PlannedAt, Position: r.candidates[0].position, Workflow: crm.RetentionWorkflow(r.Policy, r.Day),
	}
	queueEnrollment(batch, &run)
	batch.Queue("update enrollments set outcome = $2, closed_at = $3 where id = $1", run.ID, crm.OutcomeNoticed, moment(m.PlannedAt))
	queueMessage(batch, m)
	batch.Queue("insert into retention_notices (message_id, policy, candidate_id, until, due) values ($1, $2, $3, $4, $5)",
		m.ID, act.Notice.Policy, r.Candidate, moment(act.Notice.Until), moment(act.Notice.Due))
}

func (r *retaining) queueDone(batch *pgx.Batch) {
	batch.Queue("delete from retention_acts where policy = $1 and day = $2 and candidate_id = $3", r.Policy, r.Day, r.Candidate)
}

// queueKept counts one whom a run leaves alone after all.
func queueKept(batch *pgx.Batch, policy, day, reason string, now time.Time) {
	batch.Queue(`update retention_runs set kept = kept || jsonb_build_object($3::text, coalesce((kept->>$3::text)::bigint, 0) + 1), worked_at = $4
		where policy = $1 and day = $2`, policy, day, reason, moment(now))
}

// PostponeRetention has an act come again at a time, as a message to the candidate is on its way, or an event of theirs. After so many tries it is given up: the
// next run comes back to them.
func (s *Store) PostponeRetention(ctx context.Context, turn RetentionTurn, until time.Time, tries int) error {
	batch := &pgx.Batch{}
	batch.Queue(`update retention_acts set not_before = $4, tries = tries + 1 where policy = $1 and day = $2 and candidate_id = $3`,
		turn.Policy, turn.Day, turn.Candidate, moment(until))
	batch.Queue(`with gone as (delete from retention_acts where policy = $1 and day = $2 and candidate_id = $3 and tries >= $4 returning 1)
		update retention_runs set kept = kept || jsonb_build_object($5::text, coalesce((kept->>$5::text)::bigint, 0) + 1)
		where policy = $1 and day = $2 and exists (select from gone)`, turn.Policy, turn.Day, turn.Candidate, tries, crm.KeptSending)
	return wrapped("postpone retention", s.once(ctx, batch))
}

// FailTurn notes with a code that a turn failed, and has it come again: after a pause at first, then after one twice as long each time, and after most
// at most. It is never given up, and what the run has to do for others comes before.
func (s *Store) FailTurn(ctx context.Context, turn RetentionTurn, code string, pause, most time.Duration) error {
	batch, now := &pgx.Batch{}, s.now()
	batch.Queue(`update retention_acts set not_before = $4::timestamptz + least($5 * power(2, least(tries, 30)), $6) * interval '1 second', tries = tries + 1
		where policy = $1 and day = $2 and candidate_id = $3`, turn.Policy, turn.Day, turn.Candidate, moment(now), pause.Seconds(), most.Seconds())
	batch.Queue("update retention_runs set error = $3, worked_at = $4 where policy = $1 and day = $2 and finished_at is null", turn.Policy, turn.Day, code, moment(now))
	return wrapped("note failed turn of retention", s.once(ctx, batch))
}

// NoticeDue returns the moment that a notice names, and its policy. The error has crm.CodeNotFound when the message is no notice.
func (s *Store) NoticeDue(ctx context.Context, messageID string) (due time.Time, err error) {
	found, err := all(ctx, s, pgx.RowTo[time.Time], "select due from retention_notices where message_id = $1", messageID)
	if err != nil {
		return due, fmt.Errorf("read notice: %w", err)
	}
	if len(found) == 0 {
		return due, notFound("There is no such notice.")
	}
	return found[0], nil
}
