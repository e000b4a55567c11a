package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// lockRecipient locks the candidate of a message.
const lockRecipient = "select id from candidates where id = (select candidate_id from messages where id = $1) for no key update"

// Acceptance is what is known of a message once a provider took it.
type Acceptance struct {
	Provider     string
	ProviderID   string // the provider's name for it
	Address      string // where it went
	Subject      string // as rendered
	TemplateHash string // of the template that was rendered
	At           time.Time
}

// Accept notes that the provider took a claimed message, or one whose fate was unknown, and tells by a message.sent event.
// Where the provider's own report was faster only what is missing is added. The error has crm.CodeConflict when the message
// is in no state in which it can have been sent.
func (s *Store) Accept(ctx context.Context, id string, a Acceptance) error {
	var sent []crm.Message
	batch := &pgx.Batch{}
	batch.Queue(lockRecipient, id)
	gather(batch.Queue(`update messages set state = case when state in ('claimed', 'unknown') then 'accepted' else state end,
		reason = case when state in ('claimed', 'unknown') then '' else reason end,
		provider = $2, provider_id = $3, address = $4, subject = $5, template_hash = $6, accepted_at = coalesce(accepted_at, $7),
		lease_until = null, changed_at = $7
		where id = $1 and state in ('claimed', 'unknown', 'accepted', 'settled') returning `+messageColumns,
		id, a.Provider, a.ProviderID, strings.TrimSpace(a.Address), a.Subject, a.TemplateHash, moment(a.At)), scanMessage, &sent)
	batch.Queue(`update candidates c set last_contacted_at = greatest(c.last_contacted_at, m.accepted_at) from messages m
		where m.id = $1 and m.accepted_at is not null and c.id = m.candidate_id`, id)
	queueLedgerFacts(batch, "message.sent", "sent/", []string{id}, a.At, crm.MessageAccepted, crm.MessageSettled)
	queueSettledWake(batch, []string{id})
	if err := s.once(ctx, batch); err != nil {
		return fmt.Errorf("note accepted message: %w", err)
	}
	if len(sent) == 0 {
		return conflict("The message is not being sent.", "Look at its state.")
	}
	s.Notify(TopicEvents)
	s.Notify(TopicWakes)
	return nil
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
	batch.Queue(lockRecipient, id)
	gather(batch.Queue(`update messages set state = $2, reason = $3, lease_until = null, changed_at = $4
		where id = $1 and state = any($5) returning id`, id, state, reason, moment(at), from), text, &failed)
	queueFailure(batch, []string{id}, at, state)
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
	batch.Queue(lockRecipient, id)
	gather(batch.Queue(`update messages set state = 'planned', not_before = $2, claimed_at = null, lease_until = null, changed_at = $3
		where id = $1 and state = 'claimed' returning id`, id, moment(notBefore), moment(s.now())), text, &released)
	// Its run may have been ended meanwhile, which cancels what is planned.
	batch.Queue(`update messages m set state = 'cancelled', reason = r.outcome from enrollments r
		where m.id = $1 and m.state = 'planned' and r.id = m.enrollment_id and r.withdrawn`, id)
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
	gather(expire.Queue(`update messages set state = 'unknown', reason = 'lease_expired', changed_at = $1, lease_until = null
		where state = 'claimed' and lease_until < $1 and candidate_id = any($2) returning id`, moment(now), locked), text, &expired)
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
	batch.Queue(`insert into events (id, seq, source, external_id, type, subject, candidate_id, time, received_at, record_only, data)
		select u.event_id, nextval('events_seq'), $3, $4 || m.id, $5, m.candidate_id, m.candidate_id, $6, $6, false,
			jsonb_build_object('message', m.id, 'step', m.step, 'sequence', m.definition, 'channel', m.channel)
		from unnest($1::text[], $2::text[]) as u (id, event_id) join messages m on m.id = u.id
		where m.state = any($7) order by m.id
		on conflict (source, external_id) do nothing`,
		ids, eventIDs, crm.SourceRapport, prefix, eventType, moment(at), states)
}

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
		and id in (select enrollment_id from messages where id = any($1) and state not in ('planned', 'claimed'))`, ids, crm.AwaitSettled)
}
