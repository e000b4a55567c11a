package crm

import (
	"crypto/sha256"
	"errors"
	"time"
)

// Reasons why a message whose fate was unknown counts as refused.
const (
	ReasonNeverArrived = "never_arrived" // the provider, which would know, does not know it
	ReasonNotSent      = "not_sent"      // a person says so
)

// FirstLookup is how long after a message became unknown its provider is asked about it for the first time: most webhooks are
// faster.
const FirstLookup = 2 * time.Minute

// ResendOnce is the value of on_unknown that lets a message go once more when its fate stays unknown.
const ResendOnce = "resend_once"

// Lookup is what a provider is asked about a message whose fate is unknown.
type Lookup struct {
	MessageID string
	To, From  string
	BodyHash  []byte    // BodyHash of the text that was handed over; nil: not known
	ClaimedAt time.Time // the message was handed over at this time or later
	UnknownAt time.Time // and at this time or before
	Now       time.Time
}

// Sighting is a message that the provider has, and that may be the one that was looked up.
type Sighting struct {
	ProviderID string
	Exact      bool // it is that message, or one that says the same to the same person
}

// Finding is what a provider has.
type Finding struct {
	Sightings []Sighting
	Complete  bool // a message that is not among them never arrived
}

// ErrNoListing says that the account cannot be asked for its messages.
var ErrNoListing = errors.New("the account has no listing of its messages")

// BodyHash is what is kept of a text, for as long as its fate is not known: enough to know it again.
func BodyHash(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// Evidence is what was looked up, or said, about a message whose fate was unknown.
type Evidence struct {
	At     time.Time      `json:"at"`
	Source string         `json:"source"` // the channel's provider that was asked, or "person"
	Result EvidenceResult `json:"result"`
	By     string         `json:"by,omitempty"` // of a person: which API key
	Note   string         `json:"note,omitempty"`
}

// SourcePerson is the source of what a person said.
const SourcePerson = "person"

// EvidenceResult is what a look-up came to.
type EvidenceResult string

// The results.
const (
	EvidenceFound        EvidenceResult = "found"         // the provider has it
	EvidenceNotFound     EvidenceResult = "not_found"     // it does not show it, which proves nothing yet
	EvidenceNeverArrived EvidenceResult = "never_arrived" // it would show it by now
	EvidenceAmbiguous    EvidenceResult = "ambiguous"     // it shows one to the same person that says something else
	EvidenceNoListing    EvidenceResult = "no_listing"    // the account cannot be asked
	EvidenceFailed       EvidenceResult = "failed"        // it did not answer
	EvidenceResent       EvidenceResult = "resent"        // nobody could tell, and the step says to send it once more
	EvidenceSent         EvidenceResult = "sent"          // a person says so
	EvidenceNotSent      EvidenceResult = "not_sent"      // a person says so
)
