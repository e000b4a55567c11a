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

// AdoptEvents gives up to limit kept events to candidates who exist by now, and returns how many it was. It heals the race
// of an event that arrives while its candidate is being created: neither transaction sees the other.
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
	subjects, err := all(ctx, s, text, `select distinct e.subject from events e
		where e.candidate_id is null and e.subject <> ''
		and exists (select from candidates c where c.external_id = e.subject or c.id = e.subject) limit $1`, limit)
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
	defer tx.rollback()
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
	return len(adopted), tx.commit(ctx, last)
}
