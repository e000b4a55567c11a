package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// Turn is the open transaction of one decision: it holds the lock of the run's candidate until Commit or Rollback. It is for
// one goroutine.
type Turn struct {
	store  *Store
	tx     *transaction
	key    []byte
	facts  crm.Facts
	stored []crm.Decision

	generation []int64 // of the definitions: one
}

// Begin opens a transaction, locks the run's candidate and reads the facts: one round trip. Of the decisions that were made
// it reads the one after the given number, and the last. The error has crm.CodeNotFound when there is no such run.
func (s *Store) Begin(ctx context.Context, enrollmentID string, after int64) (*Turn, error) {
	key, err := s.addressKey(ctx)
	if err != nil {
		return nil, err
	}
	batch := &pgx.Batch{}
	batch.Queue(lockOwners("enrollments"), enrollmentID)
	rows := queueFacts(batch, oneRun(), enrollmentID, s.now())
	t := &Turn{store: s, key: key}
	var events []crm.Event
	gather(batch.Queue("select "+eventColumns+` from enrollments r
		join events e on e.candidate_id = r.candidate_id and e.position > r.position and e.type = any(r.listens)`+joinMessage+`
		where r.id = $1 and not e.record_only and e.set_aside is null and not e.position <@ r.unseen order by e.position`, enrollmentID), scanEvent, &events)
	more := queueMoreFacts(batch, enrollmentID)
	gather(batch.Queue(`select command from decisions where enrollment_id = $1
		and (seq = $2 or seq = (select seq from enrollments where id = $1)) order by seq`, enrollmentID, after+1),
		scanDecision, &t.stored)
	gather(batch.Queue("select value from generation"), pgx.RowTo[int64], &t.generation)
	if t.tx, err = s.begin(ctx, batch); err != nil {
		return nil, fmt.Errorf("read facts: %w", err)
	}
	if len(rows.runs) == 0 {
		t.tx.rollback(ctx)
		return nil, notFound("There is no such enrollment.")
	}
	t.facts = rows.of(&rows.runs[0])
	t.facts.Events = events
	more.fill(&t.facts)
	return t, nil
}

func scanDecision(row pgx.CollectableRow) (d crm.Decision, err error) {
	err = row.Scan(&d)
	return d, err
}

// Facts returns what the decision is to be made from.
func (t *Turn) Facts() *crm.Facts { return &t.facts }

// Generation is the number of the definitions in force: see ActiveDefinitions.
func (t *Turn) Generation() int64 { return t.generation[0] }

// Stored returns the decision with that number if Begin has read it: what the workflow is told, without the explanation.
func (t *Turn) Stored(seq int64) (crm.Decision, bool) {
	for i := range t.stored {
		if t.stored[i].Seq == seq {
			return t.stored[i], true
		}
	}
	return crm.Decision{}, false
}

// Rollback gives the turn up. After a Commit it does nothing.
func (t *Turn) Rollback() { t.tx.rollback(context.Background()) }

// Commit writes the decision and all that it leads to, in one round trip. Where it withdraws, the run's planned
// messages are cancelled and its open tasks closed. The turn is over either way; after an error the decision may or may not
// be there, and asking again tells.
func (t *Turn) Commit(ctx context.Context, d *crm.Decision) error {
	defer t.tx.rollback(ctx)
	batch := &pgx.Batch{}
	events, err := t.queue(batch, d)
	if err != nil {
		return err
	}
	if err := queueEvents(batch, events); err != nil {
		return fmt.Errorf("write decision: %w", err)
	}
	if err := t.tx.commit(ctx, batch); err != nil {
		return fmt.Errorf("write decision: %w", err)
	}
	if len(d.Messages) > 0 {
		t.store.Notify(TopicMessages)
	}
	if len(events) > 0 {
		t.store.Notify(TopicEvents)
	}
	return nil
}

// queue writes a decision but for the events that it leads to, which it returns.
func (t *Turn) queue(batch *pgx.Batch, d *crm.Decision) ([]crm.Event, error) {
	run := &t.facts.Enrollment
	batch.Queue(`insert into decisions (candidate_id, enrollment_id, seq, definition, hash, at, command, notes, call)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		run.CandidateID, run.ID, d.Seq, run.Definition, run.Hash, moment(d.At), d, notes(d.Notes), d.Call)
	status, closed := crm.EnrollmentRunning, time.Time{}
	switch d.Command {
	case crm.CommandWait, crm.CommandCall:
	case crm.CommandExit:
		status, closed = crm.EnrollmentClosed, d.At
	case crm.CommandAgain:
		return nil, errors.New("write decision: again is not a decision")
	}
	// A wake that the decision has seen needs no signal any more.
	batch.Queue(`update enrollments set status = $2, outcome = $3, closed_at = $4, seq = $5, wake_seen = $6,
		wake_sent = greatest(wake_sent, $6), due = $7, awaits = $8, progress = $9, withdrawn = $10 where id = $1`,
		run.ID, status, d.Outcome, moment(closed), d.Seq, d.Seen, moment(d.Until), list(d.Awaits), d.Progress, d.Withdraw)
	if d.Withdraw { // first: what the decision itself plans, such as that an interview is cancelled, goes out
		queueWithdrawal(batch, run.ID, d)
	}
	for i := range d.Messages {
		queueMessage(batch, &d.Messages[i])
	}
	for i := range d.Tasks {
		queueTask(batch, &d.Tasks[i])
	}
	for i := range d.Meetings {
		if err := queueMeeting(batch, &d.Meetings[i]); err != nil {
			return nil, err
		}
	}
	queueAssignments(batch, run, d.Assigned)
	changed, err := t.queueChange(batch, d)
	return append(changed, d.Events...), err
}

// queueWithdrawal takes back what a run leaves behind that was ended from outside. Who was invited is told of a cancellation in any
// case.
func queueWithdrawal(batch *pgx.Batch, runID string, d *crm.Decision) {
	batch.Queue(`update messages set state = 'cancelled', reason = $2, changed_at = $3
		where enrollment_id = $1 and state = 'planned' and calendar <> 'CANCEL'`, runID, d.Outcome, moment(d.At))
	batch.Queue(`update tasks set state = 'closed', outcome = $2, closed_at = $3
		where enrollment_id = $1 and state = 'open'`, runID, d.Outcome, moment(d.At))
}

// queueChange writes a change of the candidate, and returns the events that tell of it if there is anything to tell.
func (t *Turn) queueChange(batch *pgx.Batch, d *crm.Decision) ([]crm.Event, error) {
	if d.Change == nil {
		return nil, nil
	}
	before, after := t.facts.Candidate, t.facts.Candidate
	if err := after.Apply(d.Change); err != nil {
		return nil, fmt.Errorf("write decision: %w", err)
	}
	after.ScoredAt = instant(after.ScoredAt)
	var events []crm.Event
	if fields := after.Changed(&before); len(fields) > 0 {
		after.UpdatedAt = d.At
		queueCandidate(batch, &after, false)
		queueContactPoints(batch, t.key, &before, &after)
		events = append(events, fact("candidate.updated", after.ID, instant(d.At), map[string]any{
			"changed": fields, "by": t.facts.Enrollment.ID,
		}))
	}
	return append(events, t.queuePools(batch, d)...), nil
}

// queuePools writes which pools a decision puts the candidate into and takes them out of, and returns the events that tell of
// it. Where they were already, or were not, nothing happens.
func (t *Turn) queuePools(batch *pgx.Batch, d *crm.Decision) []crm.Event {
	var changes []crm.PoolChange
	for _, pool := range d.Change.Enter {
		changes = append(changes, crm.PoolChange{Pool: pool, Entered: true})
	}
	for _, pool := range d.Change.Leave {
		changes = append(changes, crm.PoolChange{Pool: pool})
	}
	in := slices.Clone(t.facts.Pools)
	changes = slices.DeleteFunc(changes, func(c crm.PoolChange) bool {
		if slices.Contains(in, c.Pool) == c.Entered {
			return true
		}
		in = append(in, c.Pool)
		if !c.Entered {
			in = slices.DeleteFunc(in, func(pool string) bool { return pool == c.Pool })
		}
		return false
	})
	run := &t.facts.Enrollment
	queueMembership(batch, run.CandidateID, changes, d.At)
	events := make([]crm.Event, len(changes))
	for i, c := range changes {
		events[i] = poolFact(c, run.CandidateID, run.ID, d.At)
	}
	return events
}

// notes is an explanation as a query parameter: nil is the empty list, not null.
func notes(n []crm.Note) []crm.Note {
	if n == nil {
		return []crm.Note{}
	}
	return n
}
