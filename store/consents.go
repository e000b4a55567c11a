package store

import (
	"slices"
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

// Types of events that change consents.
const (
	consentGranted = "consent.granted"
	consentRevoked = "consent.revoked"
)

func isConsent(e *crm.Event) bool { return e.Type == consentGranted || e.Type == consentRevoked }

// linesOf are the consent lines that an event of a known candidate means. They are dated as the source says, but never
// later than they were received, so that a source's wrong clock cannot outlive a later revocation. An event that names no
// channel grants email only and revokes all.
func linesOf(e *crm.Event) []consentLine {
	purpose := e.Text("purpose")
	if !isConsent(e) || purpose == "" || e.CandidateID == "" {
		return nil
	}
	granted := e.Type == consentGranted
	channels := channelsOf(e)
	if len(channels) == 0 {
		channels = []crm.Channel{crm.Email}
		if !granted {
			channels = append(channels, crm.SMS)
		}
	}
	source := e.Text("source")
	if source == "" {
		source = e.Source
	}
	var lines []consentLine
	for _, channel := range channels {
		lines = append(lines, consentLine{Consent: crm.Consent{
			CandidateID: e.CandidateID, Purpose: purpose, Channel: channel, Granted: granted,
			Source: source, Wording: e.Text("wording"), At: earlier(e.Time, e.ReceivedAt),
		}})
	}
	return lines
}

func channelsOf(e *crm.Event) []crm.Channel {
	named, _ := e.Data["channels"].([]any)
	if texts, ok := e.Data["channels"].([]string); ok {
		for _, t := range texts {
			named = append(named, t)
		}
	}
	var channels []crm.Channel
	for _, n := range named {
		if name, ok := n.(string); ok && (name == string(crm.Email) || name == string(crm.SMS)) {
			channels = append(channels, crm.Channel(name))
		}
	}
	slices.Sort(channels)
	return slices.Compact(channels)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
