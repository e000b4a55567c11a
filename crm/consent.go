package crm

import "time"

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
