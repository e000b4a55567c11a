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
	Wake         []string         // ids of runs to wake
	Controls     []ControlledRun  // runs whose flags change
	Enrollments  []Enrollment     // new ones, status starting
	Goals        map[string]Event // run id → the event that reached its goal
	Records      []Record         // timeline lines that belong to no decision of a run: enrolled or not, and why
}

// CandidateActivity is what events say about the candidate's own times. Zero times change nothing; others only move
// forward.
type CandidateActivity struct {
	LastActivityAt time.Time
	LastDecisionAt time.Time
}

// ControlledRun is a run whose flags a control event changes. The run is woken.
type ControlledRun struct {
	EnrollmentID string
	Paused       bool
	Stop         bool
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
