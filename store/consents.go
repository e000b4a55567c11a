package store

import (
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

const (
	consentsOf   = "select candidate_id, purpose, channel, granted, source, wording, cause, at from consents where candidate_id "
	consentOrder = " order by candidate_id, at, id"
)

// consentLine is a line of a consent history, with the opt-out that caused it, if one did.
type consentLine struct {
	crm.Consent
	cause crm.SuppressionReason
}

func scanConsent(row pgx.CollectableRow) (c consentLine, err error) {
	err = row.Scan(&c.CandidateID, &c.Purpose, &c.Channel, &c.Granted, &c.Source, &c.Wording, &c.cause, &c.At)
	return c, err
}

func plainConsents(lines []consentLine) []crm.Consent {
	var consents []crm.Consent
	for i := range lines {
		consents = append(consents, lines[i].Consent)
	}
	return consents
}

// queueConsents adds lines to the histories. A line that is there already, to the microsecond, is not added again.
func queueConsents(batch *pgx.Batch, lines []consentLine) {
	for i := range lines {
		l := &lines[i]
		batch.Queue(`insert into consents (candidate_id, purpose, channel, granted, source, wording, cause, at)
			values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing`,
			l.CandidateID, l.Purpose, l.Channel, l.Granted, l.Source, l.Wording, l.cause, moment(l.At))
	}
}

func isConsent(e *crm.Event) bool {
	return e.Type == crm.EventConsentGranted || e.Type == crm.EventConsentRevoked
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
