package crm

import (
	"strconv"
	"time"
)

// StepNotice is the step of the ledger under which a retention policy tells candidates that it takes their data. No step of a
// definition can have that id.
const StepNotice = "retention.notice"

// OutcomeNoticed is the outcome of the run that holds a notice: it is closed from the beginning.
const OutcomeNoticed = "noticed"

// RetentionState is how far a run of a retention policy is.
type RetentionState string

// The states:
//
//	wanted → looking → [asked →] acting → done
//
// and stopped, from any but done.
const (
	RetentionWanted  RetentionState = "wanted"  // somebody had it start; its workflow is not there yet
	RetentionLooking RetentionState = "looking" // at everybody, and does nothing
	RetentionAsked   RetentionState = "asked"   // it would do more than its guard allows, or than a first run may: a person decides
	RetentionActing  RetentionState = "acting"  // tells and takes
	RetentionDone    RetentionState = "done"
	RetentionStopped RetentionState = "stopped" // by a person, as the policy is no longer in force, or before the next run, with turns left that fail
)

// RetentionRun is one run of a policy over all candidates. First it looks at everybody and notes whom the policy tells or takes now; then,
// if those are not more than its guard allows, each is decided again under their lock, and told or taken.
type RetentionRun struct {
	Policy     string           `json:"policy"`
	Day        string           `json:"day"` // of the policy's zone, such as 2026-11-22; of a run by hand with the time after a dot
	Hash       string           `json:"hash"`
	State      RetentionState   `json:"state"`
	At         time.Time        `json:"at"`                // the moment for which it looks
	Total      int64            `json:"total"`             // candidates, counted when it starts
	Looked     int64            `json:"looked"`            // looked at so far
	Scope      int64            `json:"scope"`             // of them, those to whom the policy applies
	Due        int64            `json:"due"`               // of them, those whom it would take
	Notify     int64            `json:"notify"`            // and those whom it would tell
	Noticed    int64            `json:"noticed"`           // told
	Taken      int64            `json:"taken"`             // erased or anonymized: each has a receipt
	Kept       map[string]int64 `json:"kept"`              // of those in scope, by reason; a Kept word, or KeptSending or KeptOther
	Waiting    int64            `json:"waiting,omitempty"` // those whom it comes back to: see Error, or something of theirs is on its way
	MaxShare   float64          `json:"max_share,omitempty"`
	First      bool             `json:"first,omitempty"` // no run of the policy as it is written now was done before
	StartedAt  time.Time        `json:"started_at,omitzero"`
	WorkedAt   time.Time        `json:"worked_at,omitzero"`
	FinishedAt time.Time        `json:"finished_at,omitzero"`
	DecidedBy  string           `json:"decided_by,omitempty"` // who said that it goes on or stops, or had it start
	Error      string           `json:"error,omitempty"`      // a code: why it rests or ended early
	Workflow   string           `json:"workflow"`             // its workflow's id

	Cursor string `json:"-"` // the last candidate that was looked at
}

// Reasons beside those of policies why a run left somebody alone.
const (
	KeptSending = "sending" // a message to them, or an event of theirs, was on its way each time; the next run comes back to them
	KeptOther   = "other"   // another policy tells or takes them
)

// What the first run of a policy without a guard may do unasked: more than a tenth of those to whom it applies, if they are not a handful,
// is looked at by a person once, as a condition that is too wide shows there.
const (
	firstShare = 0.1
	firstFew   = 20
)

// Guarded tells whether a person decides before the run does anything: it would take more than its guard allows, or the policy has none,
// was never run as it is written now, and would tell or take many.
func (r *RetentionRun) Guarded() bool {
	if r.MaxShare > 0 {
		return float64(r.Due) > r.MaxShare*float64(r.Scope)
	}
	n := r.Due + r.Notify
	return r.First && n >= firstFew && float64(n) > firstShare*float64(r.Scope)
}

// Asking says what a run would do that asks, and why it does, as the end of a sentence.
func (r *RetentionRun) Asking() string {
	if r.MaxShare > 0 {
		return "would take " + grouped(r.Due) + " of the " + grouped(r.Scope) + " to whom the policy applies, more than its guard allows"
	}
	return "would tell " + grouped(r.Notify) + " and take " + grouped(r.Due) + " of the " + grouped(r.Scope) +
		" to whom the policy applies; it has no guard, and this is the first run of it as it is written now"
}

// Standing says how far the run is, in a sentence.
func (r *RetentionRun) Standing() string {
	text := grouped(r.Looked) + " of " + grouped(max(r.Total, r.Looked)) + " looked at, " + grouped(r.Noticed) + " noticed, " + grouped(r.Taken) + " erased"
	switch r.State {
	case RetentionAsked:
		text += "; it " + r.Asking() + ": confirm or stop it"
	case RetentionActing:
		text += "; " + grouped(r.Notify) + " were to be told and " + grouped(r.Due) + " to be erased" + r.waiting()
	case RetentionWanted, RetentionLooking, RetentionDone, RetentionStopped:
	}
	return text + "."
}

// waiting says whom the run comes back to, and the last error.
func (r *RetentionRun) waiting() string {
	switch {
	case r.Waiting == 0:
		return ""
	case r.Error == "":
		return "; " + grouped(r.Waiting) + " of them are tried again"
	}
	return "; " + grouped(r.Waiting) + " of them are tried again, the last error is " + r.Error
}

// grouped writes a number with a comma after every three digits.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// Open tells whether the run has not ended.
func (r *RetentionRun) Open() bool { return r.State != RetentionDone && r.State != RetentionStopped }

// RetentionWorkflow is the id of the workflow of a run that somebody has started by hand: retention/<policy>/<day>. Those of a schedule
// are retention/<policy>, with the time that Temporal puts behind it.
func RetentionWorkflow(policy, day string) string { return RetentionPrefix + policy + "/" + day }

// RetentionPrefix begins the ids of workflows and schedules of retention policies.
const RetentionPrefix = "retention/"

// RetentionAct is what is to be done with one candidate now. The zero value: nothing.
type RetentionAct struct {
	Reason  string           // why nothing is done: a Kept word
	Erasure *Erasure         // takes the data
	Notice  *RetentionNotice // tells the candidate, by Message
	Message *Message         // of Notice; it needs no run: it is given one
}

// RetentionResult is what became of one candidate.
type RetentionResult string

// The results.
const (
	RetentionTaken   RetentionResult = "taken"
	RetentionNoticed RetentionResult = "noticed"
	RetentionKept    RetentionResult = "kept"
	RetentionLater   RetentionResult = "later" // a message to them, or an event of theirs, is on its way; try again
	RetentionOver    RetentionResult = "over"  // the run was stopped
)
