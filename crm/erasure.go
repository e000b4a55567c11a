package crm

import (
	"regexp"
	"time"
)

// Erasure says whose data goes, how, and by which rule.
type Erasure struct {
	Candidate string // id or external id
	Mode      string // RetentionErase or RetentionAnonymize
	// Rule is the policy or right by which it is done, such as retention/gone-quiet, and Reason what led to it, such as request.
	// Both stay for ever, so they are codes and no sentences: these could name somebody.
	Rule   string
	Reason string
	By     string // who had it done: a colleague, or what of Rapport did it; never the candidate's own name or address
	At     time.Time
}

// erasureCode is what Rule and Reason look like. An address, with its @ and its dots, does not.
var erasureCode = regexp.MustCompile(`^[a-z0-9][a-z0-9_/-]{0,99}$`)

// Bounds of what is kept of who had it done, in bytes.
const maxErasedBy = 320

// Check says what is wrong with it. The error has CodeInvalid.
func (e *Erasure) Check() error {
	switch {
	case e.Mode != RetentionErase && e.Mode != RetentionAnonymize:
		return &Error{Code: CodeInvalid, Message: "It is not said how the data is to go.", Next: "Say erase or anonymize."}
	case !erasureCode.MatchString(e.Rule) || !erasureCode.MatchString(e.Reason):
		return &Error{
			Code: CodeInvalid, Message: "The rule and the reason of an erasure are kept for ever, so they are codes.",
			Next: "Write small letters, digits, -, _ and / only, such as request or retention/gone-quiet.",
		}
	case e.By == "" || len(e.By) > maxErasedBy:
		return &Error{Code: CodeInvalid, Message: "It is not said who has the data erased.", Next: "Name a person, or what does it."}
	}
	return nil
}

// ErasureKind is something that an erasure has done outside the database.
type ErasureKind string

// The kinds.
const (
	ErasureRun      ErasureKind = "run"      // a workflow is woken, so that it ends now
	ErasureCalendar ErasureKind = "calendar" // an event is taken out of an interviewer's calendars
	ErasureProvider ErasureKind = "provider" // the provider of email is told to suppress an address
	ErasureATS      ErasureKind = "ats"      // the applicant tracking system is told
	ErasureMail     ErasureKind = "mail"     // an interviewer who was invited by mail is told that it does not take place
)

// ErasureJob is one such thing to do. What it takes is sealed in the database, and deleted when it is done.
type ErasureJob struct {
	ID        int64          `json:"-"`
	ErasureID string         `json:"-"`
	Kind      ErasureKind    `json:"-"`
	Passes    int            `json:"-"` // how often it was done: of calendars twice
	Attempts  int            `json:"-"` // this one included
	GiveUpAt  time.Time      `json:"-"`
	Payload   ErasurePayload `json:"-"`
}

// ErasurePayload is what a job needs to know.
type ErasurePayload struct {
	Workflow    string    `json:"workflow,omitempty"`
	Wake        int64     `json:"wake,omitempty"`
	Meeting     string    `json:"meeting,omitempty"`
	Interviewer string    `json:"interviewer,omitempty"`
	Address     string    `json:"address,omitempty"`
	Candidate   string    `json:"candidate,omitempty"` // id
	ExternalID  string    `json:"external_id,omitempty"`
	Mode        string    `json:"mode,omitempty"`
	At          time.Time `json:"at,omitzero"` // of the erasure
	// Of mail: what the last invitation said, and the first one, which calendars answer to.
	Appointment *Appointment `json:"appointment,omitempty"`
	Invitation  string       `json:"invitation,omitempty"`
}

// PastCount counts something about people who were anonymized, in a month.
type PastCount struct {
	Kind       string    `json:"kind"`                 // run, message, mark, arm, measured or application
	Definition string    `json:"definition,omitempty"` // the sequence; of an application the function of the role
	Step       string    `json:"step,omitempty"`
	Outcome    string    `json:"outcome,omitempty"` // of a run its outcome, of a message its state, of a mark what happened to it, of an experiment its arm, of an application its status
	Month      time.Time `json:"month"`             // its first day
	N          int64     `json:"n"`
}

// SmallestGroup is how many a count has at least that is shown: fewer could be told apart.
const SmallestGroup = 5
