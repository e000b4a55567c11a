package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"github.com/rapport-crm/rapport/crm"
)

// eventColumns are the columns of an event e and, for a message.* event, of the message m it is about. Both may be absent
// from a join.
const (
	eventColumns = `e.id, e.source, e.external_id, e.type, e.subject, e.candidate_id, e.time, e.received_at, e.position,
		coalesce(e.record_only, false), e.data, m.enrollment_id, m.step`
	// joinMessage takes the message only when it is the candidate's own: a source cannot speak of somebody else's.
	joinMessage = ` left join messages m on e.type like 'message.%' and m.id = e.data->>'message' and m.candidate_id = e.candidate_id `
)

func eventPlaces(e *crm.Event) []any {
	return []any{
		word(&e.ID), word(&e.Source), word(&e.ExternalID), word(&e.Type), word(&e.Subject), word(&e.CandidateID), at(&e.Time),
		at(&e.ReceivedAt), (*zeronull.Int8)(&e.Position), &e.RecordOnly, &e.Data, word(&e.EnrollmentID), word(&e.Step),
	}
}

func scanEvent(row pgx.CollectableRow) (e crm.Event, err error) {
	err = row.Scan(eventPlaces(&e)...)
	return e, err
}

// EventsOf returns a page of a candidate's events as their sources told them, with all of their data, in the order of the
// timeline, and the cursor of the next page, "" after the last. The error has crm.CodeNotFound when there is no such candidate
// and crm.CodeInvalid when the cursor is none of ours.
func (s *Store) EventsOf(ctx context.Context, candidateID string, limit int, after string) ([]crm.Event, string, error) {
	candidate, _, err := s.Candidate(ctx, candidateID)
	if err != nil {
		return nil, "", err
	}
	from, err := decodePlace(after)
	if err != nil {
		return nil, "", err
	}
	limit = pageSize(limit)
	rows, err := all(ctx, s, scanNumberedEvent, "select e.seq, "+eventColumns+" from events e"+joinMessage+
		"where e.candidate_id = $1 and (e.time, e.seq) > ($2, $3) order by e.time, e.seq limit $4", candidate.ID, from.At, from.Part, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("read events: %w", err)
	}
	rows, next := page(rows, limit, func(e *numberedEvent) string { return encodePlace(place{At: e.Time, Part: e.seq}) })
	events := make([]crm.Event, len(rows))
	for i := range rows {
		events[i] = rows[i].Event
	}
	return events, next, nil
}

// numberedEvent is an event with its place in the order of receipt.
type numberedEvent struct {
	crm.Event

	seq int
}

func scanNumberedEvent(row pgx.CollectableRow) (e numberedEvent, err error) {
	err = row.Scan(append([]any{&e.seq}, eventPlaces(&e.Event)...)...)
	return e, err
}

// EventsBefore goes back over the events that were received before one of them, from the newest for "", and returns those of
// some types that happened at or after since, the newest first. It looks at up to limit events of all types, so that a call is
// short however rare the types are. next is the event to go on before, "" when all that were received since then were looked
// at. Left out are events of people who are not known, the copies that members of pools get, and what was set aside.
func (s *Store) EventsBefore(
	ctx context.Context, types []string, since time.Time, before string, limit int,
) (events []crm.Event, next string, err error) {
	// Ids begin with the time of receipt. They are compared with whole ids only, or with what sorts so in every language.
	first := crm.NewID(crm.PrefixEvent, since)[:len(crm.PrefixEvent)+1+idTime]
	if before == "" {
		before = crm.PrefixEvent + "z"
	}
	ids, err := all(ctx, s, text, "select id from events where id < $1 and id >= $2 order by id desc limit $3", before, first, limit)
	if err != nil {
		return nil, "", fmt.Errorf("find events: %w", err)
	}
	if len(ids) == 0 {
		return nil, "", nil
	}
	oldest := ids[len(ids)-1]
	events, err = all(ctx, s, scanEvent, "select "+eventColumns+" from events e"+joinMessage+`where e.id < $1 and e.id >= $2 and e.type = any($3)
		and e.time >= $4 and e.set_aside is null and e.source <> $5 and (e.candidate_id is not null or e.subject = '') order by e.id desc`,
		before, oldest, types, since, crm.SourceFanout)
	if err != nil {
		return nil, "", fmt.Errorf("read events: %w", err)
	}
	if len(ids) == limit {
		next = oldest
	}
	return events, next, nil
}

// idTime is how many characters of an id after its prefix hold nothing but its time, to eight milliseconds.
const idTime = 9

// insertEvents inserts rows in the order of their unique key, so that two transactions that bring the same events cannot
// wait for each other, while seq follows the order in which they were given. An event whose candidate is not given yet is
// resolved by its subject, an external id or an id, where the caller allows it. Who was merged into another is the survivor. What
// is told of somebody who was erased is left out, but for an application that they have made since.
const insertEvents = `
	insert into events (id, seq, source, external_id, type, subject, candidate_id, time, received_at, record_only, data)
	select i.id, i.seq, i.source, i.external_id, i.type, i.subject, i.owner, i.time, i.received_at, i.record_only, i.data::jsonb
	from (
		select nextval('events_seq') as seq, u.*,
			case when u.candidate_id <> '' then coalesce((select a.candidate_id from aliases a where a.name = u.candidate_id), u.candidate_id)
				when u.resolve then coalesce((select c.id from candidates c where c.external_id = u.subject),
					(select c.id from candidates c where c.id = u.subject), (select a.candidate_id from aliases a where a.name = u.subject)) end as owner
		from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bool[], $8::timestamptz[],
			$9::timestamptz[], $10::bool[], $11::text[])
			as u (id, source, external_id, type, subject, candidate_id, resolve, time, received_at, record_only, data)
	) i
	where case when i.owner is not null or i.subject = '' then true
		when i.type = 'application.submitted' then i.time > coalesce(erased_at(i.subject), '-infinity')
		else erased_at(i.subject) is null end
	order by i.source, i.external_id, i.seq
	on conflict (source, external_id) do nothing
	returning id, candidate_id`

// eventRows are events as the arrays that insertEvents takes.
type eventRows struct {
	ids, sources, externalIDs, types, subjects, candidates []string
	resolve, recordOnly                                    []bool
	times, received                                        []time.Time
	data                                                   []string
}

func (r *eventRows) add(e *crm.Event, resolve bool) error {
	data, err := json.Marshal(object(e.Data))
	if err != nil {
		return fmt.Errorf("encode data of event: %w", err)
	}
	r.ids = append(r.ids, e.ID)
	r.sources = append(r.sources, e.Source)
	r.externalIDs = append(r.externalIDs, e.ExternalID)
	r.types = append(r.types, e.Type)
	r.subjects = append(r.subjects, e.Subject)
	r.candidates = append(r.candidates, e.CandidateID)
	r.resolve = append(r.resolve, resolve && e.Subject != "")
	r.recordOnly = append(r.recordOnly, e.RecordOnly)
	r.times = append(r.times, e.Time)
	r.received = append(r.received, e.ReceivedAt)
	r.data = append(r.data, string(data))
	return nil
}

func (r *eventRows) arguments() []any {
	return []any{
		r.ids, r.sources, r.externalIDs, r.types, r.subjects, r.candidates, r.resolve, r.times, r.received, r.recordOnly, r.data,
	}
}

// queueEvents inserts events that Rapport makes itself, of known candidates. Their ids are filled in.
func queueEvents(batch *pgx.Batch, events []crm.Event) error {
	if len(events) == 0 {
		return nil
	}
	var rows eventRows
	for i := range events {
		if err := rows.add(&events[i], false); err != nil {
			return err
		}
	}
	batch.Queue(insertEvents, rows.arguments()...)
	return nil
}

// fact is an event that Rapport makes itself.
func fact(eventType, candidateID string, at time.Time, data map[string]any) crm.Event {
	id := crm.NewID(crm.PrefixEvent, at)
	return crm.Event{
		ID: id, Source: crm.SourceRapport, ExternalID: id, Type: eventType, Subject: candidateID, CandidateID: candidateID,
		Time: at, ReceivedAt: at, Data: data,
	}
}
