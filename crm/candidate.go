package crm

import (
	"strings"
	"time"
)

// Channel is a way to reach a candidate.
type Channel string

// The channels.
const (
	Email Channel = "email"
	SMS   Channel = "sms"
)

// Candidate is a person in the talent database. Empty strings, nil slices and zero times mean "not known".
type Candidate struct {
	ID         string `json:"id"`
	ExternalID string `json:"external_id,omitempty"` // the id in the system of record, usually the ATS; unique when set
	FirstName  string `json:"first_name,omitempty"`
	LastName   string `json:"last_name,omitempty"`
	Email      string `json:"email,omitempty"` // the primary address
	Phone      string `json:"phone,omitempty"` // the primary number, E.164
	Country    string `json:"country,omitempty"`
	Region     string `json:"region,omitempty"`
	City       string `json:"city,omitempty"`
	TimeZone   string `json:"time_zone,omitempty"` // IANA name
	Locale     string `json:"locale,omitempty"`    // BCP 47
	Status     string `json:"status,omitempty"`
	Source     string `json:"source,omitempty"`
	Owner      string `json:"owner,omitempty"` // email of the recruiter
	Seniority  string `json:"seniority,omitempty"`

	Functions  []string       `json:"functions,omitempty"`
	Skills     []string       `json:"skills,omitempty"`
	Tags       []string       `json:"tags,omitempty"`
	Score      float64        `json:"score"` // at ScoredAt; it loses value from then on
	ScoredAt   time.Time      `json:"scored_at,omitzero"`
	Attributes map[string]any `json:"attributes,omitempty"`
	LegalHold  bool           `json:"legal_hold,omitempty"`

	PausedUntil  time.Time `json:"paused_until,omitzero"`  // the candidate wants nothing but transactional mail before
	RestrictedAt time.Time `json:"restricted_at,omitzero"` // since when their data are kept and not used (GDPR Art. 18); zero: they are used

	CreatedAt       time.Time `json:"created_at"`
	UpdatedAt       time.Time `json:"updated_at"`
	LastActivityAt  time.Time `json:"last_activity_at,omitzero"`  // candidate-originated, opens excluded
	LastContactedAt time.Time `json:"last_contacted_at,omitzero"` // last message a provider took
	LastDecisionAt  time.Time `json:"last_decision_at,omitzero"`  // last rejection or hire
}

// Address returns the candidate's primary address on a channel, or "".
func (c *Candidate) Address(ch Channel) string {
	if ch == SMS {
		return c.Phone
	}
	return c.Email
}

// NormalAddress brings an address to the form in which two spellings of one are equal. RFC 5321 allows mailbox names that
// differ by case; nobody has them.
func NormalAddress(ch Channel, address string) string {
	address = strings.TrimSpace(address)
	if ch == Email {
		return strings.ToLower(address)
	}
	return address
}

// Application is a candidate's application for a role (a requisition).
type Application struct {
	ID           string    `json:"id"`          // ours, opaque
	ExternalID   string    `json:"external_id"` // the ATS's; unique per candidate, not over all candidates
	CandidateID  string    `json:"candidate_id"`
	Role         string    `json:"role,omitempty"`
	RoleFunction string    `json:"role_function,omitempty"`
	Stage        string    `json:"stage,omitempty"`
	Status       string    `json:"status"` // open, rejected, withdrawn or hired
	Reason       string    `json:"reason,omitempty"`
	Source       string    `json:"source,omitempty"`
	Manager      string    `json:"hiring_manager,omitempty"` // email of the person who decides about the role
	AppliedAt    time.Time `json:"applied_at,omitzero"`
	ClosedAt     time.Time `json:"closed_at,omitzero"`
}

// Statuses of an application.
const (
	ApplicationOpen      = "open"
	ApplicationRejected  = "rejected"
	ApplicationWithdrawn = "withdrawn"
	ApplicationHired     = "hired"
)
