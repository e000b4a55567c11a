package store

import (
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

const (
	consentsOf = `select candidate_id, purpose, channel, granted, source, wording, cause, at, pending, confirmed_at, confirmed_by
		from consents where candidate_id `
	// proofOf reads the same lines with the address that each is proof for.
	proofOf = `select candidate_id, purpose, channel, granted, source, wording, cause, at, pending, confirmed_at, confirmed_by,
		coalesce(encode(address_hash, 'hex'), '') from consents where candidate_id `
	consentOrder = " order by candidate_id, at, id"
)

// consentLine is a line of a consent history, with the opt-out that caused it, if one did.
type consentLine struct {
	crm.Consent
	cause crm.SuppressionReason
}

func scanConsent(row pgx.CollectableRow) (c consentLine, err error) {
	err = row.Scan(&c.CandidateID, &c.Purpose, &c.Channel, &c.Granted, &c.Source, &c.Wording, &c.cause, &c.At, &c.Pending,
		at(&c.ConfirmedAt), &c.ConfirmedBy)
	return c, err
}

func scanProof(row pgx.CollectableRow) (c consentLine, err error) {
	err = row.Scan(&c.CandidateID, &c.Purpose, &c.Channel, &c.Granted, &c.Source, &c.Wording, &c.cause, &c.At, &c.Pending,
		at(&c.ConfirmedAt), &c.ConfirmedBy, &c.AddressHash)
	return c, err
}

func plainConsents(lines []consentLine) []crm.Consent {
	var consents []crm.Consent
	for i := range lines {
		consents = append(consents, lines[i].Consent)
	}
	return consents
}

// queueConsents adds lines to the histories. A line that is there already, to the microsecond, is not added again. It is
// proof for the address that the candidate has now. A new consent of somebody who was erased lets them be written to again.
func queueConsents(batch *pgx.Batch, lines []consentLine) {
	for i := range lines {
		l := &lines[i]
		batch.Queue(`insert into consents (candidate_id, purpose, channel, granted, source, wording, cause, at, pending, confirmed_at, confirmed_by, address_hash)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, (select address_hash from contact_points where candidate_id = $1 and channel = $3))
			on conflict do nothing`,
			l.CandidateID, l.Purpose, l.Channel, l.Granted, l.Source, l.Wording, l.cause, moment(l.At), l.Pending, moment(l.ConfirmedAt), l.ConfirmedBy)
		if l.Granted && !l.Pending {
			batch.Queue(`delete from suppressions x using contact_points c where c.candidate_id = $1 and c.channel = $2
				and x.address_hash = c.address_hash and x.reason = $3 and x.at < $4`, l.CandidateID, l.Channel, crm.SuppressedErased, moment(l.At))
		}
	}
}

// isChoice tells whether an event says how the candidate may be written to: it takes effect at intake.
func isChoice(e *crm.Event) bool {
	switch e.Type {
	case crm.EventConsentGranted, crm.EventConsentRequested, crm.EventConsentRevoked, crm.EventPaused, crm.EventResumed:
		return true
	}
	return false
}

// queuePauses carries out what events of known candidates say of pauses; the last one counts.
func queuePauses(batch *pgx.Batch, events []crm.Event) {
	for i := range events {
		e := &events[i]
		if until, ok := e.Paused(); ok && e.CandidateID != "" {
			batch.Queue("update candidates set paused_until = $2 where id = $1", e.CandidateID, moment(until))
			// What waits for the end of an earlier pause is looked at again.
			batch.Queue("update messages set not_before = $2 where candidate_id = $1 and state = 'planned' and reason = $3",
				e.CandidateID, moment(e.ReceivedAt), crm.ReasonPaused)
		}
	}
}

// linesOf are the consent lines that an event of a known candidate means.
func linesOf(e *crm.Event) []consentLine {
	if e.CandidateID == "" {
		return nil
	}
	consents := e.Consents()
	lines := make([]consentLine, len(consents))
	for i := range consents {
		lines[i] = consentLine{Consent: consents[i]}
	}
	return lines
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
