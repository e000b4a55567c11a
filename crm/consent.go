package crm

import (
	"maps"
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

	// Proof. A grant that is pending counts for nothing until a later line confirms it.
	Pending     bool      `json:"pending,omitempty"`      // asked for, and not confirmed by the holder of the address
	ConfirmedAt time.Time `json:"confirmed_at,omitzero"`  // when the holder of the address confirmed it
	ConfirmedBy string    `json:"confirmed_by,omitempty"` // the message whose link they used; "" when the source vouches for it
	AddressHash string    `json:"address_hash,omitempty"` // of the address it was for, keyed as suppressions are; hex
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
	ConsentPending // asked for, and not confirmed yet: nothing may be sent
)

// ConsentFor folds a history, oldest line first, into the state of one purpose and channel. To ask again for what was granted
// takes nothing away.
func ConsentFor(history []Consent, purpose string, ch Channel) ConsentState {
	state := ConsentNone
	for i := range history {
		if history[i].Purpose != purpose || history[i].Channel != ch {
			continue
		}
		switch {
		case !history[i].Granted:
			state = ConsentRevoked
		case !history[i].Pending:
			state = ConsentGranted
		case state != ConsentGranted:
			state = ConsentPending
		}
	}
	return state
}

// Types of events that change consents.
const (
	EventConsentGranted = "consent.granted"
	EventConsentRevoked = "consent.revoked"
	// EventConsentRequested is a grant that somebody else says of the candidate, for a purpose that asks for double opt-in.
	EventConsentRequested = "consent.requested"
)

// Types of events by which a candidate says how they want to be written to.
const (
	EventPaused            = "messages.paused"       // data: until
	EventResumed           = "messages.resumed"      //
	EventPreferencesWanted = "preferences.requested" // they want a new link to their preference page
	EventErasureRequested  = "erasure.requested"     // GDPR Art. 17; data: due, by when it must be answered
	SourcePreferencePage   = "preference page"       // where the candidate said it, as consents name it
	SourceDoubleOptIn      = "double opt-in"         //
	ConfirmationDays       = 7                       // a request for consent that is not confirmed by then has lapsed
	PreferenceLinkDays     = 365                     // how long a link to the preference page works
	PauseMonths            = 3                       // what the preference page offers
)

// ReasonPaused is why a message waits that the candidate has put off.
const ReasonPaused = "paused_by_candidate"

// Paused returns until when the event pauses messages; the zero time when it ends a pause. It is not ok when it is about
// something else, or names no time.
func (e *Event) Paused() (until time.Time, ok bool) {
	switch e.Type {
	case EventResumed:
		return time.Time{}, true
	case EventPaused:
		until, err := time.Parse(time.RFC3339, e.Text("until"))
		return until, err == nil
	}
	return time.Time{}, false
}

// Consents are the lines of history that the event means; none when it is about something else. They are dated as the source
// says, but never later than the event was received, so that a source's wrong clock cannot outlive a later revocation. An
// event that names no channel grants email only and revokes all.
func (e *Event) Consents() []Consent {
	purpose, granted, pending := e.Text("purpose"), e.Type == EventConsentGranted, e.Type == EventConsentRequested
	granted = granted || pending
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
	confirmed, _ := e.ConfirmedAt()
	lines := make([]Consent, len(channels))
	for i, channel := range channels {
		lines[i] = Consent{
			CandidateID: e.CandidateID, Purpose: purpose, Channel: channel, Granted: granted, Source: source,
			Wording: e.Text("wording"), At: at, Pending: pending,
		}
		if granted && !pending {
			lines[i].ConfirmedAt, lines[i].ConfirmedBy = confirmed, e.Text("confirmed_by")
		}
	}
	return lines
}

// ConfirmedAt is when the candidate confirmed the consent that the event grants, as its source says and not later than it was
// received. It is not ok when the source says nothing of it.
func (e *Event) ConfirmedAt() (time.Time, bool) {
	at, err := time.Parse(time.RFC3339, e.Text("confirmed_at"))
	if err != nil {
		return time.Time{}, false
	}
	if !e.ReceivedAt.IsZero() && e.ReceivedAt.Before(at) {
		at = e.ReceivedAt
	}
	return at, true
}

// Unconfirmed makes of a grant that nobody has confirmed a request for one, with the channels that it is for. Other events
// stay as they are.
func (e *Event) Unconfirmed() {
	if _, confirmed := e.ConfirmedAt(); confirmed || e.Type != EventConsentGranted {
		return
	}
	data := maps.Clone(e.Data)
	channels := e.channels()
	if len(channels) == 0 {
		channels = []Channel{Email}
	}
	named := make([]any, len(channels))
	for i, channel := range channels {
		named[i] = string(channel)
	}
	data["channels"] = named
	e.Type, e.Data = EventConsentRequested, data
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
	SuppressedErased      SuppressionReason = "erased" // until its owner, who was erased, consents anew
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
	case SuppressedUnsubscribe, SuppressedManual, SuppressedErased:
		return !transactional
	}
	return true
}
