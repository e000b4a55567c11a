package crm

import "time"

// Facts is all that a decision is made from, read under the candidate's lock. It is plain data: the same facts lead to the
// same decision wherever they come from, Postgres or memory.
type Facts struct {
	Enrollment   Enrollment
	Candidate    Candidate
	Position     int64 // the candidate's last position
	Consents     []Consent
	Suppressions []Suppression // of the candidate's present addresses
	Applications []Application
	Events       []Event   // after Enrollment.Position, of types in Enrollment.Listens, in order of position
	Messages     []Message // of this run
	Sends        []Send    // over all runs, within CapHorizon: what counts towards caps
	Enrolled     []string  // names of the sequences with an open run
	Pools        []string  // names of the pools the candidate is in, sorted
	Had          []string  // names of the messages that the candidate was sent, or may yet be, by any run

	Arms map[string]string // by step id: the arm of an experiment of the definition that is settled, or fixed by a test
	Call *CallResult       // of the run's last call; nil while there is none

	Meetings []Meeting // of the run of an interview, in the order in which they were made; before a send, the one that it is about

	// Recipient is the interviewer whom the message is for that is about to be sent; nil when it is for the candidate, or when there
	// is no such interviewer any more.
	Recipient *Recipient
}

// Send is a message that takes a place under the caps.
type Send struct {
	At         time.Time // when it was sent, or is planned for
	Definition string
}

// Command is all that a workflow is ever told to do.
type Command string

// The commands.
const (
	CommandWait  Command = "wait"  // until Decision.Until, or until woken; a zero Until is only ended by a wake
	CommandCall  Command = "call"  // an HTTP request that is stored with the decision; then ask again
	CommandExit  Command = "exit"  // the run is closed
	CommandAgain Command = "again" // nothing was decided: the workflow's clock was too far behind. Ask again
)

// Decision is one step of a run, committed in one transaction: what the workflow does next, what changes, and why.
type Decision struct {
	EnrollmentID string    `json:"enrollment_id"`
	Seq          int64     `json:"seq"`
	At           time.Time `json:"at"` // the run's clock
	Command      Command   `json:"command"`
	Until        time.Time `json:"until,omitzero"` // of a wait
	Seen         int64     `json:"seen"`           // the wake that was seen
	Outcome      string    `json:"outcome,omitempty"`
	Summary      string    `json:"summary,omitempty"` // for engineers: ids and times only, no personal data
	Details      string    `json:"details,omitempty"` // Markdown, as above
	Notes        []Note    `json:"-"`                 // the explanation, kept on the timeline

	Progress Progress         `json:"-"`
	Awaits   []string         `json:"-"`
	Messages []Message        `json:"-"` // new intents
	Tasks    []Task           `json:"-"` // new tasks
	Change   *CandidateChange `json:"-"`
	Events   []Event          `json:"-"` // what the run emits, and what it asks for other sequences: control events
	Assigned []Assignment     `json:"-"` // arms of experiments
	Call     *Call            `json:"-"` // of CommandCall
	Meetings []Meeting        `json:"-"` // new ones and those that change, whole
	Withdraw bool             `json:"-"` // the run is ended from outside: what it planned is cancelled, its open tasks are closed
}

// DecideInput asks for the next decision of a run. It is the only thing a workflow ever sends to Postgres.
type DecideInput struct {
	EnrollmentID string    `json:"enrollment_id"`
	After        int64     `json:"after"` // the last decision the workflow has followed; 0 at the start of a run
	Now          time.Time `json:"now"`   // the workflow's clock
}

// Answer is what a workflow gets to know of a decision, and all that its history holds: ids, times and words of the
// definition. Until is in real time, whatever the scale.
type Answer struct {
	Seq     int64     `json:"seq"`
	Command Command   `json:"command"`
	Until   time.Time `json:"until,omitzero"`
	Seen    int64     `json:"seen"`
	Outcome string    `json:"outcome,omitempty"`
	Summary string    `json:"summary,omitempty"`
	Details string    `json:"details,omitempty"`
}

// CandidateChange is what an update step changes. Only the named fields change.
type CandidateChange struct {
	Set   map[string]any `json:"set,omitempty"` // field, or attributes.NAME, to new value
	Tag   []string       `json:"tag,omitempty"`
	Untag []string       `json:"untag,omitempty"`
	Score *Score         `json:"score,omitempty"` // what it is from now on; nil: unchanged
	Enter []string       `json:"enter,omitempty"` // pools kept by hand that the candidate is put into
	Leave []string       `json:"leave,omitempty"` // and taken out of
}

// Assignment is the arm of an experiment that a run was given.
type Assignment struct {
	Step string
	Arm  string
	At   time.Time
}

// CallInput asks for the HTTP request that a decision has stored. Its answer is stored too; the workflow only learns that it
// is there.
type CallInput struct {
	EnrollmentID string `json:"enrollment_id"`
	Seq          int64  `json:"seq"` // of the decision
}

// CallDone is what a workflow gets to know of an HTTP request.
type CallDone struct {
	Outcome string `json:"outcome"` // ok or failed
}

// NoteKind says what a line of the timeline is about.
type NoteKind string

// The kinds.
const (
	NoteEnrolled    NoteKind = "enrolled"
	NoteNotEnrolled NoteKind = "not_enrolled"
	NotePlanned     NoteKind = "planned"  // a message was handed to the sender
	NoteSkipped     NoteKind = "skipped"  // a step was not taken
	NoteDeferred    NoteKind = "deferred" // a send has to wait
	NoteWaiting     NoteKind = "waiting"
	NoteBranch      NoteKind = "branch"  // a wait ended, or a choice was made
	NoteTask        NoteKind = "task"    // a task was created
	NoteUpdated     NoteKind = "updated" // the candidate was changed
	NoteArm         NoteKind = "arm"     // an experiment gave the run an arm
	NoteRound       NoteKind = "round"   // a repeat began a round
	NoteEmitted     NoteKind = "emitted" // an event was emitted
	NoteAsked       NoteKind = "asked"   // another sequence was asked to enroll the candidate, or to let them go
	NoteCall        NoteKind = "call"    // an HTTP request was made
	NoteATS         NoteKind = "ats"     // the applicant tracking system was told
	NotePaused      NoteKind = "paused"
	NoteExit        NoteKind = "exit"
	NoteGoal        NoteKind = "goal"
	NoteProblem     NoteKind = "problem"  // a condition could not be evaluated, an event was set aside
	NoteResent      NoteKind = "resent"   // a message of unknown fate is planned once more
	NoteSettled     NoteKind = "settled"  // a person said what became of a message of unknown fate
	NoteMigrated    NoteKind = "migrated" // the run went on in another version of its definition
	NoteMeeting     NoteKind = "meeting"  // times were found, agreed, changed or given up
)

// Note is one line of explanation: what happened at a step, for which reason, and by which expression with what result.
type Note struct {
	Kind       NoteKind  `json:"kind"`
	Step       string    `json:"step,omitempty"`
	Reason     string    `json:"reason,omitempty"` // a code: condition, no_consent, suppressed, cap, window, already_running...
	Outcome    string    `json:"outcome,omitempty"`
	Until      time.Time `json:"until,omitzero"`
	Expression string    `json:"expression,omitempty"`
	Result     string    `json:"result,omitempty"` // what the expression gave, or why it gave nothing
	EventID    string    `json:"event_id,omitempty"`
	EventType  string    `json:"event_type,omitempty"`
	MessageID  string    `json:"message_id,omitempty"`
	Text       string    `json:"text,omitempty"` // anything else worth saying, for people
}
