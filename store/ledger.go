package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// Acceptance is what is known of a message once a provider took it.
type Acceptance struct {
	Provider     string
	ProviderID   string // the provider's name for it
	Address      string // where it went
	Subject      string // as rendered
	TemplateHash string // of the template that was rendered
	At           time.Time
}

// Accepted is a message that a provider took.
type Accepted struct {
	ID string
	Acceptance
}

// Accept notes that the provider took a claimed message, or one whose fate was unknown or is in doubt (crm.Message.Doubtful), and tells by a message.sent event.
// Where the provider's own report was faster only what is missing is added. The error has crm.CodeConflict when the message
// is in no state in which it can have been sent.
func (s *Store) Accept(ctx context.Context, id string, a Acceptance) error {
	noted, err := s.AcceptAll(ctx, []Accepted{{ID: id, Acceptance: a}}, true)
	if err == nil && noted == 0 {
		return conflict("The message is not being sent.", "Look at its state.")
	}
	return err
}

// AcceptAll does what Accept does for many messages in one transaction, and returns for how many. Those that cannot have
// been sent are left out. Unless all of them are to be told of, a message.sent event is only made for candidates with a run
// that listens to it: the ledger knows anyway.
func (s *Store) AcceptAll(ctx context.Context, accepted []Accepted, tell bool) (int, error) {
	if len(accepted) == 0 {
		return 0, nil
	}
	ids := make([]string, len(accepted))
	texts := make([][]string, 5)
	times := make([]time.Time, len(accepted))
	for i := range accepted {
		a := &accepted[i]
		ids[i], times[i] = a.ID, instant(a.At)
		for column, text := range []string{a.Provider, a.ProviderID, strings.TrimSpace(a.Address), a.Subject, a.TemplateHash} {
			texts[column] = append(texts[column], text)
		}
	}
	var noted []string
	batch := &pgx.Batch{}
	batch.Queue("select id from lock_candidates(array(select distinct candidate_id from messages where id = any($1)))", ids)
	gather(batch.Queue(`update messages m set state = case when m.state = 'settled' then 'settled' else 'accepted' end,
		reason = case when m.state in ('accepted', 'settled') then m.reason else '' end, body_hash = null, lookup_at = null,
		provider = u.provider, provider_id = u.provider_id, address = u.address, subject = u.subject, template_hash = u.template,
		accepted_at = coalesce(m.accepted_at, u.at), lease_until = null, changed_at = u.at
		from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
			as u (id, provider, provider_id, address, subject, template, at)
		where m.id = u.id and (m.state in ('claimed', 'unknown', 'accepted', 'settled') or `+doubtful+`) returning m.id`,
		ids, texts[0], texts[1], texts[2], texts[3], texts[4], times), text, &noted)
	batch.Queue(`update candidates c set last_contacted_at = greatest(c.last_contacted_at, m.at)
		from (select candidate_id, max(accepted_at) as at from messages where id = any($1) and recipient = '' group by candidate_id) m
		where c.id = m.candidate_id and m.at is not null`, ids)
	queueSent(batch, ids, tell)
	queueSettledWake(batch, ids)
	if err := s.once(ctx, batch); err != nil {
		return 0, fmt.Errorf("note accepted messages: %w", err)
	}
	s.Notify(TopicEvents)
	s.Notify(TopicWakes)
	return len(noted), nil
}

// doubtful are messages m that were thought not to have arrived, as crm.Message.Doubtful has it; those of unknown fate aside.
const doubtful = `(m.state = 'planned' and m.attempts > 0 or m.state = 'refused' and m.reason in ('never_arrived', 'not_sent'))`

// queueSent tells of messages that were taken: of all, or of those that a run listens for.
func queueSent(batch *pgx.Batch, ids []string, tell bool) {
	eventIDs := make([]string, len(ids))
	for i := range eventIDs {
		eventIDs[i] = crm.NewID(crm.PrefixEvent, time.Now())
	}
	batch.Queue(insertLedgerFacts+`
		where m.state in ('accepted', 'settled') and ($6 or exists (
			select from enrollments r where r.candidate_id = m.candidate_id and r.status <> 'closed' and $5 = any(r.listens)))
		order by m.id on conflict (source, external_id) do nothing`,
		ids, eventIDs, crm.SourceRapport, "sent/", "message.sent", tell)
}

// Refuse notes that the provider will never take a message, and tells by a message.failed event. The error has
// crm.CodeConflict when the message is neither claimed nor unknown.
func (s *Store) Refuse(ctx context.Context, id, reason string, at time.Time) error {
	return s.fail(ctx, id, crm.MessageRefused, reason, at, crm.MessageClaimed, crm.MessageUnknown)
}

// Unknown notes that nobody knows whether the provider took a claimed message, and tells by a message.failed event. The
// error has crm.CodeConflict when the message is not claimed.
func (s *Store) Unknown(ctx context.Context, id, reason string, at time.Time) error {
	return s.fail(ctx, id, crm.MessageUnknown, reason, at, crm.MessageClaimed)
}

func (s *Store) fail(
	ctx context.Context, id string, state crm.MessageState, reason string, at time.Time, from ...crm.MessageState,
) error {
	var failed []string
	batch := &pgx.Batch{}
	batch.Queue(lockOwners("messages"), id)
	// Only a message whose fate this is wakes its run: one that had another already has woken it.
	gather(batch.Queue(`with failed as (update messages set state = $2, reason = $3, lease_until = null, changed_at = $4,
		unknown_at = case when $2 = 'unknown' then $4 else unknown_at end,
		unknown_reason = case when $2 = 'unknown' then $3 else unknown_reason end,
		lookup_at = case when $2 = 'unknown' then $6::timestamptz end, lookups = 0,
		body_hash = case when $2 = 'unknown' then body_hash end
		where id = $1 and state = any($5) returning id, enrollment_id, recipient), woken as (
		update enrollments set wake = wake + 1 where status <> 'closed' and $7 = any(awaits) and id in (select enrollment_id from failed where recipient = ''))
		select id from failed`, id, string(state), reason, moment(at), from, moment(at.Add(crm.FirstLookup)), crm.AwaitSettled), text, &failed)
	queueLedgerFacts(batch, "message.failed", "failed/", []string{id}, at, state)
	if err := s.once(ctx, batch); err != nil {
		return fmt.Errorf("note failed message: %w", err)
	}
	if len(failed) == 0 {
		return conflict("The message is not being sent.", "Look at its state.")
	}
	s.Notify(TopicEvents)
	s.Notify(TopicWakes)
	return nil
}

// Release gives a claimed message back that the provider certainly did not take: it is planned again, for a later time. The
// error has crm.CodeConflict when the message is not claimed.
func (s *Store) Release(ctx context.Context, id string, notBefore time.Time) error {
	var released []string
	batch := &pgx.Batch{}
	batch.Queue(lockOwners("messages"), id)
	gather(batch.Queue(`update messages set state = 'planned', not_before = $2, claimed_at = null, lease_until = null, changed_at = $3
		where id = $1 and state = 'claimed' returning id`, id, moment(notBefore), moment(s.now())), text, &released)
	queueWithdrawn(batch, id)
	if err := s.once(ctx, batch); err != nil {
		return fmt.Errorf("release message: %w", err)
	}
	if len(released) == 0 {
		return conflict("The message is not being sent.", "Look at its state.")
	}
	return nil
}

// expiryBatch is how many claims expire in one transaction.
const expiryBatch = 500

// ExpireLeases makes claims unknown whose lease is over: their sender died, before or after it spoke to the provider. It
// returns how many it was; up to 500 are done at once.
func (s *Store) ExpireLeases(ctx context.Context, now time.Time) (int, error) {
	var expired []string
	lock := &pgx.Batch{}
	var locked []string
	gather(lock.Queue(`select id from candidates where id in (
			select candidate_id from messages where state = 'claimed' and lease_until < $1 order by lease_until limit $2
		) order by id for no key update skip locked`, moment(now), expiryBatch), text, &locked)
	tx, err := s.begin(ctx, lock)
	if err != nil {
		return 0, fmt.Errorf("expire leases: %w", err)
	}
	defer tx.rollback(ctx)
	if len(locked) == 0 {
		return 0, nil
	}
	expire := &pgx.Batch{}
	gather(expire.Queue(`update messages set state = 'unknown', reason = 'lease_expired', changed_at = $1, lease_until = null,
		unknown_at = $1, unknown_reason = 'lease_expired', lookup_at = $3, lookups = 0
		where state = 'claimed' and lease_until < $1 and candidate_id = any($2) returning id`,
		moment(now), locked, moment(now.Add(crm.FirstLookup))), text, &expired)
	if err := tx.send(ctx, expire); err != nil {
		return 0, fmt.Errorf("expire leases: %w", err)
	}
	tell := &pgx.Batch{}
	queueFailure(tell, expired, now, crm.MessageUnknown)
	if err := tx.commit(ctx, tell); err != nil {
		return 0, fmt.Errorf("expire leases: %w", err)
	}
	s.Notify(TopicEvents)
	s.Notify(TopicWakes)
	return len(expired), nil
}

// queueFailure tells of messages that have reached a state of failure.
func queueFailure(batch *pgx.Batch, ids []string, at time.Time, state crm.MessageState) {
	queueLedgerFacts(batch, "message.failed", "failed/", ids, at, state)
	queueSettledWake(batch, ids)
}

// queueLedgerFacts adds an internal event for each of the messages that are in one of the states, once per message whatever
// is repeated.
func queueLedgerFacts(batch *pgx.Batch, eventType, prefix string, ids []string, at time.Time, states ...crm.MessageState) {
	if len(ids) == 0 {
		return
	}
	eventIDs := make([]string, len(ids))
	for i := range eventIDs {
		eventIDs[i] = crm.NewID(crm.PrefixEvent, at)
	}
	batch.Queue(insertLedgerFacts+`
		where m.state = any($6) order by m.id on conflict (source, external_id) do nothing`,
		ids, eventIDs, crm.SourceRapport, prefix, eventType, states)
}

// insertLedgerFacts makes an event of type $5 for each message $1 to a candidate, at the time at which it got its state. What becomes
// of mail to an interviewer is no fact about the candidate.
const insertLedgerFacts = `insert into events (id, seq, source, external_id, type, subject, candidate_id, time, received_at, record_only, data)
	select u.event_id, nextval('events_seq'), $3, $4 || m.id, $5, m.candidate_id, m.candidate_id, m.changed_at, m.changed_at, false,
		jsonb_build_object('message', m.id, 'step', m.step, 'sequence', m.definition, 'channel', m.channel)
	from unnest($1::text[], $2::text[]) as u (id, event_id) join messages m on m.id = u.id and m.recipient = ''`

// sentFact is the message.sent event of one message, the same that queueLedgerFacts makes.
func sentFact(m *crm.Message, at, now time.Time) crm.Event {
	e := fact("message.sent", m.CandidateID, now, map[string]any{
		"message": m.ID, "step": m.Step, "sequence": m.Definition, "channel": m.Channel,
	})
	e.ExternalID, e.Time = "sent/"+m.ID, at
	return e
}

// queueSettledWake wakes the runs that wait for the fate of these messages.
func queueSettledWake(batch *pgx.Batch, ids []string) {
	if len(ids) == 0 {
		return
	}
	batch.Queue(`update enrollments set wake = wake + 1 where status <> 'closed' and $2 = any(awaits)
		and id in (select enrollment_id from messages where id = any($1) and state not in ('planned', 'claimed') and recipient = '')`, ids, crm.AwaitSettled)
}
