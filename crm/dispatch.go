package crm

import "time"

// Inbox is what the dispatcher decides from: one candidate's undispatched events in the order of their arrival, and what
// they could concern, read under the candidate's lock.
type Inbox struct {
	Candidate    Candidate
	Position     int64 // the candidate's last position; the first event gets the next
	Consents     []Consent
	Applications []Application
	Events       []Event
	Runs         []Enrollment // open runs, and of every definition and key the last closed one
	Enrolled     []string
	Pools        []string
}

// Dispatched is what becomes of an inbox. Events keep their order and carry their positions.
type Dispatched struct {
	Events       []Event
	SetAside     map[string]string // event id → reason code: positions are given, nothing else happens
	Applications []Application     // new or changed
	Candidate    CandidateActivity
	Pools        []PoolChange     // of pools with a condition
	Measured     []Measured       // experiments whose measure was met
	Wake         []string         // ids of runs to wake
	Controls     []ControlledRun  // runs whose flags change
	Enrollments  []Enrollment     // new ones, status starting
	Goals        map[string]Event // run id → the event that reached its goal
	New          []Event          // facts that follow: pool.entered and pool.left, ControlEnded
	Records      []Record         // timeline lines that belong to no decision of a run: enrolled or not, and why
}

// CandidateActivity is what events say about the candidate: their own times, of which zero ones change nothing and others
// only move forward, and their score.
type CandidateActivity struct {
	LastActivityAt time.Time
	LastDecisionAt time.Time
	Score          *Score // nil: unchanged
}

// Score is an engagement score at a moment. It loses value from then on, as the workspace says.
type Score struct {
	Points float64
	At     time.Time
}

// PoolChange says that the candidate is in a pool from now on, or no longer.
type PoolChange struct {
	Pool    string
	Entered bool
}

// Measured says that a run has met the measure of an experiment it has an arm of.
type Measured struct {
	EnrollmentID string
	Step         string
	At           time.Time
}

// ControlledRun is a run whose flags a control event changes. The run is woken.
type ControlledRun struct {
	EnrollmentID string
	Paused       bool
	Ending       string // the outcome it is to end with, or ""
}

// Record is a line of the timeline about a definition and an event.
type Record struct {
	CandidateID  string
	Definition   string
	Hash         string
	EnrollmentID string // of a new enrollment
	At           time.Time
	Notes        []Note
}
