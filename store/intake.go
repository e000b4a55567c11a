package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// Topics that processes are told of when a queue has new work.
const (
	TopicEvents   = "events"   // events to dispatch
	TopicStarting = "starting" // enrollments whose workflow is to be started
	TopicWakes    = "wakes"    // runs to signal
	TopicMessages = "messages" // messages to send
)

// Received is what became of an event at intake.
type Received struct {
	Event     crm.Event // as stored; of a duplicate, only ID and CandidateID are the first one's
	Duplicate bool      // the source has sent it before: nothing was done
	Erased    bool      // its subject was erased: nothing was kept. It counts as a duplicate for whoever goes on from it
}

// frontLargest is the number of events up to which a call is merged with others.
const frontLargest = 64

// Receive stores events in one transaction; when it returns without an error they are committed. The answers are in the
// order of the events. An event that was received before, by source and external id, also earlier in the same call, is a
// duplicate. The subject is a candidate's external id or id; an event of an unknown subject is kept until there is such a
// candidate. Consent events are written to the consent history in the same transaction. An event that has no candidate of its
// own, such as role.opened, waits for none: it becomes a job, and its subject is nobody. An event of somebody who was erased is not
// kept, unless it is an application that they have made since.
//
// ID, Time, ReceivedAt and CandidateID are filled in where they are empty. The error has crm.CodeInvalid when an event
// lacks its source, external id or type, or holds text that Postgres cannot store; then none is stored.
func (s *Store) Receive(ctx context.Context, events []crm.Event) ([]Received, error) {
	if len(events) == 0 {
		return nil, nil
	}
	prepared, err := s.prepare(events)
	if err != nil {
		return nil, err
	}
	var received []Received
	switch {
	case slices.ContainsFunc(prepared, func(e crm.Event) bool { return isChoice(&e) }):
		received, err = s.receiveLocked(ctx, prepared, nil)
	case len(prepared) <= frontLargest:
		received, err = s.front.receive(ctx, prepared)
	default:
		received, err = s.insert(ctx, prepared)
	}
	if err != nil {
		return nil, receiveError(err)
	}
	s.Notify(TopicEvents)
	if slices.ContainsFunc(prepared, func(e crm.Event) bool { return crm.Broadcast(e.Type) }) {
		s.Notify(TopicJobs)
	}
	return received, nil
}

func receiveError(err error) error {
	if strings.HasPrefix(SQLState(err), classDataException) {
		return &crm.Error{
			Code: crm.CodeInvalid, Message: "An event holds text that cannot be stored.",
			Next: "Remove NUL characters and send valid UTF-8.", Err: err,
		}
	}
	return fmt.Errorf("store events: %w", err)
}

// prepare returns a copy of the events with everything filled in that does not need the database.
func (s *Store) prepare(events []crm.Event) ([]crm.Event, error) {
	prepared := slices.Clone(events)
	now := s.now()
	for i := range prepared {
		e := &prepared[i]
		if e.Source == "" || e.ExternalID == "" || e.Type == "" {
			return nil, invalid("An event has no source, id or type.", "Name all three.")
		}
		if e.ID == "" {
			e.ID = crm.NewID(crm.PrefixEvent, now)
		}
		if crm.Broadcast(e.Type) {
			e.Subject, e.CandidateID = "", ""
		}
		e.ReceivedAt = instant(orElse(e.ReceivedAt, now))
		e.Time = instant(orElse(e.Time, e.ReceivedAt))
	}
	return prepared, nil
}

// insert stores events in one statement, which is a transaction of its own.
func (s *Store) insert(ctx context.Context, events []crm.Event) ([]Received, error) {
	var rows eventRows
	for i := range events {
		if err := rows.add(&events[i], events[i].CandidateID == ""); err != nil {
			return nil, err
		}
	}
	inserted, err := all(ctx, s, scanInserted, insertEvents, rows.arguments()...)
	if err != nil {
		return nil, err
	}
	return answer(events, inserted, func(missing []crm.Event) ([]firstRow, error) {
		sources, externalIDs := identities(missing)
		return all(ctx, s, scanFirst, firstEvents, sources, externalIDs)
	})
}

// insertedRow is a new event and the candidate that its subject turned out to be.
type insertedRow struct{ id, candidateID string }

func scanInserted(row pgx.CollectableRow) (r insertedRow, err error) {
	err = row.Scan(&r.id, word(&r.candidateID))
	return r, err
}

// firstRow is the event that was there before a duplicate.
type firstRow struct{ id, source, externalID, candidateID string }

const firstEvents = `select e.id, e.source, e.external_id, e.candidate_id
	from unnest($1::text[], $2::text[]) as u (source, external_id) join events e using (source, external_id)`

func scanFirst(row pgx.CollectableRow) (r firstRow, err error) {
	err = row.Scan(&r.id, &r.source, &r.externalID, word(&r.candidateID))
	return r, err
}

func identities(events []crm.Event) (sources, externalIDs []string) {
	for i := range events {
		sources = append(sources, events[i].Source)
		externalIDs = append(externalIDs, events[i].ExternalID)
	}
	return sources, externalIDs
}

// answer matches what was inserted with what was given. What was not inserted is looked up with first, which runs after the
// insert, so that it sees whatever the insert ran into.
func answer(events []crm.Event, inserted []insertedRow, first func([]crm.Event) ([]firstRow, error)) ([]Received, error) {
	candidates := make(map[string]string, len(inserted))
	for _, r := range inserted {
		candidates[r.id] = r.candidateID
	}
	received := make([]Received, len(events))
	var missing []crm.Event
	for i := range events {
		received[i].Event = events[i]
		candidate, isNew := candidates[events[i].ID]
		if !isNew {
			received[i].Duplicate = true
			missing = append(missing, events[i])
			continue
		}
		received[i].Event.CandidateID = candidate
	}
	if len(missing) == 0 {
		return received, nil
	}
	found, err := first(missing)
	if err != nil {
		return nil, err
	}
	byIdentity := make(map[[2]string]firstRow, len(found))
	for _, f := range found {
		byIdentity[[2]string{f.source, f.externalID}] = f
	}
	for i := range received {
		if e := &received[i].Event; received[i].Duplicate {
			f, known := byIdentity[[2]string{e.Source, e.ExternalID}]
			e.ID, e.CandidateID = f.id, f.candidateID
			received[i].Erased = !known
		}
	}
	return received, nil
}
