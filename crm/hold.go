package crm

import (
	"strings"
	"time"
)

// Hold is a legal hold: while it is in force, nothing of those whom it concerns is deleted, whoever asks. It concerns a candidate, the
// candidate of an application, everybody who has applied for a role, or everybody of whom a condition is true.
type Hold struct {
	ID            string    `json:"id"`
	CandidateID   string    `json:"candidate_id,omitempty"`   // also of one that is on an application
	ExternalID    string    `json:"external_id,omitempty"`    // the candidate's, where there is one; as it is read, not as it is written
	ApplicationID string    `json:"application_id,omitempty"` // its own id
	Role          string    `json:"role,omitempty"`           // the role of applications
	Condition     string    `json:"condition,omitempty"`      // CEL over the candidate, asked anew each time
	Why           string    `json:"why"`                      // for colleagues; no candidate reads it
	By            string    `json:"by"`                       // who placed it
	Until         time.Time `json:"until,omitzero"`           // when it ends by itself; zero: when somebody lifts it
	CreatedAt     time.Time `json:"created_at"`
	LiftedAt      time.Time `json:"lifted_at,omitzero"`
	LiftedBy      string    `json:"lifted_by,omitempty"`
}

// Bounds of what is said of a hold, in bytes.
const (
	maxHoldWhy       = 2000
	maxHoldCondition = 4000
)

// InForce tells whether the hold stops deletions at a moment.
func (h *Hold) InForce(now time.Time) bool {
	return h.LiftedAt.IsZero() && (h.Until.IsZero() || h.Until.After(now))
}

// Check says what is wrong with a hold that is to be placed at a moment. The error has CodeInvalid. Whether the condition can be read is
// not looked at.
func (h *Hold) Check(now time.Time) error {
	given := 0
	for _, what := range []string{h.CandidateID, h.ApplicationID, h.Role, h.Condition} {
		if what != "" {
			given++
		}
	}
	switch {
	case given != 1:
		return &Error{Code: CodeInvalid, Message: "It is not clear whom the hold is on.", Next: "Name one of a candidate, an application, a role or a condition."}
	case strings.TrimSpace(h.Why) == "" || len(h.Why) > maxHoldWhy:
		return &Error{Code: CodeInvalid, Message: "A hold needs a reason of at most 2,000 bytes.", Next: "Say which claim or proceeding it is for."}
	case len(h.Condition) > maxHoldCondition:
		return &Error{Code: CodeInvalid, Message: "The condition of the hold is too long.", Next: "Use at most 4,000 bytes."}
	case h.By == "":
		return &Error{Code: CodeInvalid, Message: "It is not said who places the hold.", Next: "Name a person."}
	case !h.Until.IsZero() && !h.Until.After(now):
		return &Error{Code: CodeInvalid, Message: "The hold would have ended already.", Next: "Give a time in the future, or none."}
	}
	return nil
}

// HeldError says that a legal hold stands against a deletion. It has CodeConflict.
type HeldError struct{}

// Error implements error.
func (HeldError) Error() string { return heldReason().Error() }

// Unwrap returns the error as it is told to people.
func (HeldError) Unwrap() error { return heldReason() }

func heldReason() *Error {
	return &Error{Code: CodeConflict, Message: "A legal hold stands against it.", Next: "Lift the hold first, or wait until it ends."}
}
