package store

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// Removal is a candidate's wish, in words of their own, to be left alone. It is no opt-out: a person reads it and decides. Until
// then the candidate's open runs rest.
type Removal struct {
	CandidateID string
	Event       string    // ExternalID of the event of the same call that says so: a duplicate's is not acted on again
	Title       string    // of the task that the candidate's owner gets
	Spared      []string  // hashes of definitions whose runs go on: the transactional ones
	At          time.Time // when the wish came
}

// ReceiveWithRemovals is Receive for events that carry such wishes. In the same transaction, under the locks of the candidates
// concerned, their open runs are paused, so that nothing is claimed for them afterwards; for each an enrollment.paused event says
// so and wakes it; and the owner gets a task.
func (s *Store) ReceiveWithRemovals(ctx context.Context, events []crm.Event, removals []Removal) ([]Received, error) {
	prepared, err := s.prepare(events)
	if err != nil {
		return nil, err
	}
	received, err := s.receiveRemovals(ctx, prepared, removals)
	if err != nil {
		return nil, receiveError(err)
	}
	s.Notify(TopicEvents)
	return received, nil
}

// owner is whom a candidate belongs to.
type owner struct{ candidateID, email string }

func scanOwner(row pgx.CollectableRow) (o owner, err error) {
	err = row.Scan(&o.candidateID, &o.email)
	return o, err
}

// openRun is a run that may be paused.
type openRun struct{ id, candidateID, hash string }

func scanOpenRun(row pgx.CollectableRow) (r openRun, err error) {
	err = row.Scan(&r.id, &r.candidateID, &r.hash)
	return r, err
}

func (s *Store) receiveRemovals(ctx context.Context, events []crm.Event, removals []Removal) ([]Received, error) {
	var locked []lockedCandidate
	var names []string
	for i := range removals {
		names = append(names, removals[i].CandidateID)
	}
	lock := &pgx.Batch{}
	lockCandidates(lock, &locked, names, nil, nil)
	tx, err := s.begin(ctx, lock)
	if err != nil {
		return nil, err
	}
	defer tx.rollback(ctx)
	var rows eventRows
	for i := range events {
		if err := rows.add(&events[i], events[i].CandidateID == ""); err != nil {
			return nil, err
		}
	}
	var inserted []insertedRow
	var first []firstRow
	r := resting{candidates: locked}
	load := &pgx.Batch{}
	gather(load.Queue(insertEvents, rows.arguments()...), scanInserted, &inserted)
	gather(load.Queue(firstEvents, rows.sources, rows.externalIDs), scanFirst, &first)
	gather(load.Queue("select id, owner from candidates where id = any($1)", lockedIDs(locked)), scanOwner, &r.owners)
	gather(load.Queue(`select id, candidate_id, hash from enrollments
		where candidate_id = any($1) and status <> 'closed' and ending = '' and not paused order by id`, lockedIDs(locked)), scanOpenRun, &r.runs)
	if err := tx.send(ctx, load); err != nil {
		return nil, err
	}
	received, err := answer(events, inserted, func([]crm.Event) ([]firstRow, error) { return first, nil })
	if err != nil {
		return nil, err
	}
	write := &pgx.Batch{}
	if err := r.queue(write, received, removals); err != nil {
		return nil, err
	}
	return received, tx.commit(ctx, write)
}

// resting is what wishes to be left alone meet.
type resting struct {
	candidates []lockedCandidate
	owners     []owner
	runs       []openRun
}

// queue writes what the wishes of new events lead to.
func (r *resting) queue(batch *pgx.Batch, received []Received, removals []Removal) error {
	var controls []crm.Event
	var paused []string
	for i := range removals {
		wish := &removals[i]
		candidate := whose(r.candidates, wish.CandidateID)
		said := slices.IndexFunc(received, func(e Received) bool { return e.Event.ExternalID == wish.Event && !e.Duplicate })
		if said < 0 || candidate == "" {
			continue
		}
		at := instant(wish.At)
		task := crm.Task{ID: crm.NewID(crm.PrefixTask, at), CandidateID: candidate, Title: wish.Title, CreatedAt: at}
		for _, o := range r.owners {
			if o.candidateID == candidate {
				task.Assignee = o.email
			}
		}
		queueTask(batch, &task)
		for _, run := range r.runs {
			if run.candidateID != candidate || slices.Contains(wish.Spared, run.hash) || slices.Contains(paused, run.id) {
				continue
			}
			paused = append(paused, run.id)
			e := fact(crm.ControlPause, candidate, at, map[string]any{
				"enrollment": run.id, "by": crm.SourceRapport, "reason": crm.ReasonAsksRemoval, "event": received[said].Event.ID,
			})
			e.Source = crm.SourceControl
			controls = append(controls, e)
		}
	}
	// The event does the same once more when it is dispatched, and wakes the run. The sender must not wait for that.
	batch.Queue("update enrollments set paused = true where id = any($1) and status <> 'closed'", list(paused))
	return queueEvents(batch, controls)
}
