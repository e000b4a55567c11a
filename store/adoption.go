package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// queueAdoption gives kept events to the candidates that their subjects name. The locks of the candidates are held. With
// their candidate the events become pending; what they say about consent is for the caller to write.
func queueAdoption(batch *pgx.Batch, subjects, candidateIDs []string, adopted *[]crm.Event) {
	gather(batch.Queue(`update events e set candidate_id = k.candidate_id
		from unnest($1::text[], $2::text[]) as k (subject, candidate_id)
		where e.candidate_id is null and e.subject = k.subject
		returning e.id, e.source, e.type, e.candidate_id, e.time, e.received_at, e.data`, subjects, candidateIDs), scanAdopted, adopted)
}

func scanAdopted(row pgx.CollectableRow) (e crm.Event, err error) {
	err = row.Scan(&e.ID, &e.Source, &e.Type, &e.CandidateID, &e.Time, &e.ReceivedAt, &e.Data)
	return e, err
}

func linesOfAll(events []crm.Event) []consentLine {
	var lines []consentLine
	for i := range events {
		lines = append(lines, linesOf(&events[i])...)
	}
	return lines
}

// adoptionWindow is how many kept events one call looks at, at either place: many are of people who never become candidates.
const adoptionWindow = 4_000

// AdoptEvents gives kept events, of up to limit subjects, to candidates who exist by now, and returns how many it was. It
// heals the race of an event that arrives while its candidate is being created: neither transaction sees the other. A call
// looks at the newest kept events, and at a stretch of the older ones that moves on with every call.
func (s *Store) AdoptEvents(ctx context.Context, limit int) (int, error) {
	n, err := s.adopt(ctx, limit)
	if err != nil {
		return 0, fmt.Errorf("adopt events: %w", err)
	}
	if n > 0 {
		s.Notify(TopicEvents)
	}
	return n, nil
}

func (s *Store) adopt(ctx context.Context, limit int) (int, error) {
	subjects, err := s.adoptable(ctx, limit)
	if err != nil || len(subjects) == 0 {
		return 0, err
	}
	var locked []lockedCandidate
	lock := &pgx.Batch{}
	lockCandidates(lock, &locked, subjects, subjects, nil)
	tx, err := s.begin(ctx, lock)
	if err != nil {
		return 0, err
	}
	defer tx.rollback(ctx)
	var names, owners []string
	for _, c := range locked {
		names, owners = append(names, c.id), append(owners, c.id)
		if c.externalID != "" {
			names, owners = append(names, c.externalID), append(owners, c.id)
		}
	}
	var adopted []crm.Event
	take := &pgx.Batch{}
	queueAdoption(take, names, owners, &adopted)
	if err := tx.send(ctx, take); err != nil {
		return 0, err
	}
	last := &pgx.Batch{}
	queueConsents(last, linesOfAll(adopted))
	queuePauses(last, adopted)
	return len(adopted), tx.commit(ctx, last)
}

// adoptable returns subjects of kept events that name a candidate.
func (s *Store) adoptable(ctx context.Context, limit int) ([]string, error) {
	const kept = "from events where candidate_id is null and subject <> ''"
	since := s.adopted.Load()
	var subjects []string
	var until []int64
	batch := &pgx.Batch{}
	gather(batch.Queue(`with recent as materialized (
			(select subject `+kept+` order by seq desc limit $3) union all (select subject `+kept+` and seq > $2 order by seq limit $3)
		)
		select subject from recent join candidates c on c.external_id = subject
		union select subject from recent join candidates c on c.id = subject limit $1`,
		limit, since, adoptionWindow), text, &subjects)
	gather(batch.Queue("select coalesce(max(seq), 0) from (select seq "+kept+" and seq > $1 order by seq limit $2) older",
		since, adoptionWindow), pgx.RowTo[int64], &until)
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return nil, err
	}
	if len(subjects) < limit { // else there is more where these came from
		s.adopted.Store(until[0])
	}
	return subjects, nil
}
