package crm

import (
	"strings"
	"time"
)

// EnrollmentStatus is where an enrollment is in its life.
type EnrollmentStatus string

// The statuses. An enrollment is open until it is closed.
const (
	EnrollmentStarting EnrollmentStatus = "starting" // the row is there, its workflow is not started yet
	EnrollmentRunning  EnrollmentStatus = "running"
	EnrollmentClosed   EnrollmentStatus = "closed"
)

// Outcomes that every run can have beside the words of its exits.
const (
	OutcomeCompleted = "completed"
	OutcomeOptedOut  = "opted_out"
	OutcomeStopped   = "stopped"
	OutcomeLeft      = "left"
	OutcomeMerged    = "merged"
	OutcomeErased    = "erased"
)

// AwaitSettled among a run's Awaits has it woken when the fate of one of its messages becomes known.
const AwaitSettled = "message.settled"

// Enrollment is one run of a sequence for one candidate (or one of their applications). It is pinned to the content hash
// of the definition it started with. The row is the truth; the workflow only waits for it.
type Enrollment struct {
	ID            string           `json:"id"`
	Definition    string           `json:"definition"` // the sequence's name
	Hash          string           `json:"hash"`       // the definition's content hash
	Version       int              `json:"version"`    // the hash's number, for people
	CandidateID   string           `json:"candidate_id"`
	ApplicationID string           `json:"application_id,omitempty"` // Application.ID in runs per application
	N             int              `json:"n"`                        // this candidate's n-th run of the sequence, from 1
	Workflow      string           `json:"-"`                        // its workflow's id, where it is not the usual one: see WorkflowID
	Status        EnrollmentStatus `json:"status"`
	Paused        bool             `json:"paused,omitempty"`
	Held          bool             `json:"held,omitempty"`   // the whole sequence is paused; read, never stored
	Ending        string           `json:"ending,omitempty"` // the outcome that a person, another run or a pool has asked for
	Pool          string           `json:"pool,omitempty"`   // whose membership enrolled: leaving it ends the run
	Outcome       string           `json:"outcome,omitempty"`
	StartedAt     time.Time        `json:"started_at"`
	ClosedAt      time.Time        `json:"closed_at,omitzero"`
	GoalAt        time.Time        `json:"goal_at,omitzero"` // when the goal was reached, also after the run

	Event    *Event `json:"event,omitempty"` // the one that enrolled, kept; nil when enrolled by hand
	Position int64  `json:"position"`        // the candidate's position at enrollment: only later events count

	Wake     int64     `json:"wake"`      // raised by every event the run awaits
	WakeSeen int64     `json:"wake_seen"` // the wake the last decision has seen
	WakeSent int64     `json:"wake_sent"` // the wake the workflow was last signalled
	Seq      int64     `json:"seq"`       // of the last decision
	Due      time.Time `json:"due,omitzero"`
	Awaits   []string  `json:"awaits,omitempty"`  // event types, changed:FIELD and AwaitSettled, that wake the run now
	Listens  []string  `json:"listens,omitempty"` // every event type its definition looks at
	Progress Progress  `json:"progress"`
}

// WorkflowID returns the id of the run's workflow: sequence/<name>/<candidate>/<n>, for interviews LoopWorkflow. A run that came
// from a candidate who was merged into this one keeps the workflow it has.
func (e *Enrollment) WorkflowID() string {
	if e.Workflow != "" {
		return e.Workflow
	}
	return "sequence/" + e.Definition + "/" + e.CandidateID + "/" + itoa(e.N)
}

// LoopWorkflow is the id of the workflow of an interview's run: interview/<name>/<application>/<n>.
func LoopWorkflow(interview, applicationID string, n int) string {
	return loopPrefix + interview + "/" + applicationID + "/" + itoa(n)
}

const loopPrefix = "interview/"

// LoopID tells whether a workflow of that id is an interview's.
func LoopID(workflowID string) bool { return strings.HasPrefix(workflowID, loopPrefix) }

// Open tells whether the run is not closed.
func (e *Enrollment) Open() bool { return e.Status != EnrollmentClosed }

// Progress is a run's cursor: a path by ids, never by list positions, so that it survives an edit of the definition.
type Progress struct {
	At            string               `json:"at,omitempty"`             // the instruction it stands at; "" before the first
	Reached       time.Time            `json:"reached,omitzero"`         // when it got there
	ReachedPos    int64                `json:"reached_pos,omitempty"`    // the candidate's position then
	Begun         bool                 `json:"begun,omitempty"`          // its condition held; a send has been planned
	Anchor        time.Time            `json:"anchor,omitzero"`          // what a wait counts from
	AnchorMessage string               `json:"anchor_message,omitempty"` // whose real send moves the anchor
	LastMessage   string               `json:"last_message,omitempty"`   // the message that the last step planned
	NotBefore     time.Time            `json:"not_before,omitzero"`      // of a deferred send
	Deferred      string               `json:"deferred,omitempty"`       // why it was deferred
	Checked       int64                `json:"checked,omitempty"`        // position up to which the current wait has looked
	Seen          int64                `json:"seen,omitempty"`           // position up to which exits have looked
	Calling       int64                `json:"calling,omitempty"`        // the decision whose call's answer is awaited
	Loops         map[string]Loop      `json:"loops,omitempty"`          // by step id, of the repeats the run is in
	Steps         map[string]StepState `json:"steps,omitempty"`          // by step id, latest occurrence
}

// Loop is where a run is in a repeat.
type Loop struct {
	Round   int       `json:"round"`            // rounds begun; 0 while the first is awaited
	Started time.Time `json:"started,omitzero"` // when the round was begun, or the repeat was reached
}

// StepState is what is known of a step that a run has taken.
type StepState struct {
	Outcome    string    `json:"outcome,omitempty"`
	At         time.Time `json:"at,omitzero"`
	Position   int64     `json:"position,omitempty"` // the candidate's position when it was taken
	Occurrence int       `json:"occurrence,omitempty"`
	MessageID  string    `json:"message_id,omitempty"`
	TaskID     string    `json:"task_id,omitempty"`
	Result     any       `json:"result,omitempty"`
}
