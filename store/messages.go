package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

const messageColumns = `id, candidate_id, enrollment_id, definition, hash, step, occurrence, channel, purpose, template,
	template_hash, priority, state, reason, planned_at, not_before, not_after, claimed_at, lease_until, attempts, address, subject,
	provider, provider_id, accepted_at, delivered_at, opened_at, clicked_at, replied_at, bounced_at, complained_at,
	unknown_at, unknown_reason, lookup_at, resent_at, recipient, meeting_id, calendar, appointment`

func scanMessage(row pgx.CollectableRow) (m crm.Message, err error) {
	err = row.Scan(&m.ID, &m.CandidateID, &m.EnrollmentID, &m.Definition, &m.Hash, &m.Step, &m.Occurrence, &m.Channel, &m.Purpose,
		&m.Template, &m.TemplateHash, &m.Priority, &m.State, &m.Reason, &m.PlannedAt, &m.NotBefore, at(&m.NotAfter), at(&m.ClaimedAt),
		at(&m.LeaseUntil), &m.Attempts, &m.Address, &m.Subject, &m.Provider, &m.ProviderID, at(&m.AcceptedAt), at(&m.DeliveredAt),
		at(&m.OpenedAt), at(&m.ClickedAt), at(&m.RepliedAt), at(&m.BouncedAt), at(&m.ComplainedAt),
		at(&m.UnknownAt), &m.UnknownReason, at(&m.LookupAt), at(&m.ResentAt), &m.Recipient, &m.MeetingID, &m.Calendar, &m.Appointment)
	return m, err
}

// queueMessage adds an intent to the ledger. A step sends once per occurrence: what is there already stays.
func queueMessage(batch *pgx.Batch, m *crm.Message) {
	state := m.State
	if state == "" {
		state = crm.MessagePlanned
	}
	batch.Queue(`insert into messages (id, candidate_id, enrollment_id, definition, hash, step, occurrence, channel, purpose,
		template, template_hash, priority, state, reason, planned_at, not_before, not_after, changed_at, recipient, meeting_id, calendar,
		appointment) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $15, $18, $19, $20, $21)
		on conflict (enrollment_id, step, occurrence) do nothing`,
		m.ID, m.CandidateID, m.EnrollmentID, m.Definition, m.Hash, m.Step, m.Occurrence, m.Channel, m.Purpose, m.Template,
		m.TemplateHash, m.Priority, state, m.Reason, moment(m.PlannedAt), moment(orElse(m.NotBefore, m.PlannedAt)), moment(m.NotAfter),
		m.Recipient, m.MeetingID, m.Calendar, m.Appointment)
}

// queueFold writes what provider events have made of a message: see crm.Message.Fold.
func queueFold(batch *pgx.Batch, m *crm.Message, now time.Time) {
	batch.Queue(`update messages set state = $2, reason = $3, accepted_at = $4, delivered_at = $5, opened_at = $6, clicked_at = $7,
		replied_at = $8, bounced_at = $9, complained_at = $10, lease_until = null, body_hash = null, lookup_at = null, changed_at = $11 where id = $1`,
		m.ID, m.State, m.Reason, moment(m.AcceptedAt), moment(m.DeliveredAt), moment(m.OpenedAt), moment(m.ClickedAt),
		moment(m.RepliedAt), moment(m.BouncedAt), moment(m.ComplainedAt), moment(now))
}

// MessageByID returns a message of the ledger. The error has crm.CodeNotFound when there is none.
func (s *Store) MessageByID(ctx context.Context, id string) (crm.Message, error) {
	return s.message(ctx, "id = $1", id)
}

// MessageByProvider returns the message that a provider knows by its own id. The error has crm.CodeNotFound when there is
// none.
func (s *Store) MessageByProvider(ctx context.Context, provider, providerID string) (crm.Message, error) {
	return s.message(ctx, "provider = $1 and provider_id = $2 and provider_id <> '' order by accepted_at desc nulls last limit 1",
		provider, providerID)
}

// LastMessageTo returns the last message that a provider took for an address after since and until at: the one that a reply,
// which names none, most likely answers. The error has crm.CodeNotFound when there is none.
func (s *Store) LastMessageTo(ctx context.Context, channel crm.Channel, address string, since, at time.Time) (crm.Message, error) {
	return s.message(ctx, `lower(address) = lower($1) and address <> '' and channel = $2 and accepted_at > $3 and accepted_at <= $4
		order by accepted_at desc limit 1`, crm.NormalAddress(channel, address), channel, moment(since), moment(at))
}

func (s *Store) message(ctx context.Context, where string, arguments ...any) (crm.Message, error) {
	found, err := all(ctx, s, scanMessage, "select "+messageColumns+" from messages where "+where, arguments...)
	if err != nil {
		return crm.Message{}, fmt.Errorf("read message: %w", err)
	}
	if len(found) == 0 {
		return crm.Message{}, notFound("There is no such message.")
	}
	return found[0], nil
}
