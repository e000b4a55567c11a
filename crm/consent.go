package crm

import (
	"slices"
	"time"
)

// PurposeTransactional is the purpose of messages about an application or interview that the candidate is part of. It
// needs no consent, and it cannot be used for anything else.
const PurposeTransactional = "transactional"

// Consent is one line of a candidate's consent history: a grant or a revocation of one purpose on one channel. History is
// only ever added to; the last line for a purpose and channel is in force (GDPR Art. 7(1): the controller must be able to
// demonstrate consent, so wording, source and time are kept).
type Consent struct {
	CandidateID string    `json:"candidate_id"`
	Purpose     string    `json:"purpose"`
	Channel     Channel   `json:"channel"`
	Granted     bool      `json:"granted"`
	Source      string    `json:"source,omitempty"`  // where it was given: a form, a page, an import, "sms STOP"
	Wording     string    `json:"wording,omitempty"` // what the candidate read when they agreed
	At          time.Time `json:"at"`
}

// Basis is the legal basis on which a purpose may be used.
type Basis string

// The bases of GDPR Art. 6(1) that a purpose can rest on: (a) and (f).
const (
	BasisConsent            Basis = "consent"
	BasisLegitimateInterest Basis = "legitimate_interest"
)

// ConsentState is what a consent history says now about one purpose and channel.
type ConsentState int

// The states.
const (
	ConsentNone ConsentState = iota // never asked or never answered
	ConsentGranted
	ConsentRevoked
)

// ConsentFor folds a history, oldest line first, into the state of one purpose and channel.
func ConsentFor(history []Consent, purpose string, ch Channel) ConsentState {
	state := ConsentNone
	for i := range history {
		if history[i].Purpose != purpose || history[i].Channel != ch {
			continue
		}
		state = ConsentRevoked
		if history[i].Granted {
			state = ConsentGranted
		}
	}
	return state
}

// Types of events that change consents.
const (
	EventConsentGranted = "consent.granted"
	EventConsentRevoked = "consent.revoked"
)

// Consents are the lines of history that the event means; none when it is about something else. They are dated as the source
// says, but never later than the event was received, so that a source's wrong clock cannot outlive a later revocation. An
// event that names no channel grants email only and revokes all.
func (e *Event) Consents() []Consent {
	purpose, granted := e.Text("purpose"), e.Type == EventConsentGranted
	if !granted && e.Type != EventConsentRevoked || purpose == "" {
		return nil
	}
	channels := e.channels()
	if len(channels) == 0 {
		channels = []Channel{Email}
		if !granted {
			channels = append(channels, SMS)
		}
	}
	source, at := e.Text("source"), e.Time
	if source == "" {
		source = e.Source
	}
	if e.ReceivedAt.Before(at) {
		at = e.ReceivedAt
	}
	lines := make([]Consent, len(channels))
	for i, channel := range channels {
		lines[i] = Consent{
			CandidateID: e.CandidateID, Purpose: purpose, Channel: channel, Granted: granted, Source: source,
			Wording: e.Text("wording"), At: at,
		}
	}
	return lines
}

// channels are the channels that the event names, in order and once.
func (e *Event) channels() []Channel {
	named, _ := e.Data["channels"].([]any)
	if texts, ok := e.Data["channels"].([]string); ok {
		for _, t := range texts {
			named = append(named, t)
		}
	}
	var channels []Channel
	for _, n := range named {
		if name, ok := n.(string); ok && (name == string(Email) || name == string(SMS)) {
			channels = append(channels, Channel(name))
		}
	}
	slices.Sort(channels)
	return slices.Compact(channels)
}

// SuppressionReason tells why an address must not be written to.
type SuppressionReason string

// The reasons. A bounce or complaint holds for every message, the others for all but transactional mail; a STOP by SMS
// holds for every SMS, as carriers block them anyway.
const (
	SuppressedBounce      SuppressionReason = "bounce"
	SuppressedComplaint   SuppressionReason = "complaint"
	SuppressedStop        SuppressionReason = "stop"
	SuppressedUnsubscribe SuppressionReason = "unsubscribe"
	SuppressedManual      SuppressionReason = "manual"
)

// Suppression says that one address of the candidate must not be written to.
type Suppression struct {
	Channel Channel           `json:"channel"`
	Reason  SuppressionReason `json:"reason"`
	At      time.Time         `json:"at"`
}

// Blocks tells whether the suppression stops a message of that kind.
func (s Suppression) Blocks(ch Channel, transactional bool) bool {
	if s.Channel != ch {
		return false
	}
	switch s.Reason {
	case SuppressedBounce, SuppressedComplaint, SuppressedStop:
		return true
	case SuppressedUnsubscribe, SuppressedManual:
		return !transactional
	}
	return true
}
