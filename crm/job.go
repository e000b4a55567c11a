package crm

import "time"

// JobKind is what a job does for many candidates.
type JobKind string

// The kinds.
const (
	JobFanout   JobKind = "fanout"   // tells members of pools of an event that has no candidate
	JobMembers  JobKind = "members"  // enrolls who is in a pool when a sequence for its members is published
	JobPool     JobKind = "pool"     // looks again who belongs into pools
	JobCampaign JobKind = "campaign" // enrolls the members of a pool at a date
)

// Job is work over many candidates that is done in chunks. Its effects are events in the queues of the candidates, written
// in the transaction that moves it on: it can be cut short at any moment, and goes on where it was.
type Job struct {
	ID         string    `json:"id"`
	Key        string    `json:"-"` // unique: the same work is one job, whoever asks for it
	Kind       JobKind   `json:"kind"`
	Definition string    `json:"definition,omitempty"` // a sequence: of JobMembers and JobCampaign
	Pools      []string  `json:"pools,omitempty"`      // of a fan-out, those that its last chunk told
	EventID    string    `json:"event,omitempty"`      // of a fan-out: the event
	Date       time.Time `json:"date,omitzero"`        // of a campaign; of a daily look at pools, the time of day it is for
	Total      int64     `json:"total"`                // candidates to look at, counted when it starts
	Done       int64     `json:"done"`                 // candidates looked at
	Found      int64     `json:"found"`                // candidates among them that got an event
	CreatedAt  time.Time `json:"created_at"`
	NotBefore  time.Time `json:"not_before"` // it rests until then
	StartedAt  time.Time `json:"started_at,omitzero"`
	WorkedAt   time.Time `json:"worked_at,omitzero"` // the last chunk, or attempt at one
	FinishedAt time.Time `json:"finished_at,omitzero"`
	Error      string    `json:"error,omitempty"` // a code: why the last attempt failed, or the job ended early

	Attempts    int       `json:"-"` // that failed one after the other
	Cursor      string    `json:"-"` // the last candidate looked at
	WindowAt    time.Time `json:"-"` // of a pace: when the present window began
	WindowFound int       `json:"-"` // of a pace: candidates found in it
}

// Codes of Job.Error beside those of the database.
const (
	JobWithdrawn = "withdrawn" // what it was for is no longer in force: it ended early
	JobBroken    = "internal_error"
)

// JobMark says what jobs were last made for, so that the same change or date is not acted on twice, also after the job's own
// row is gone.
type JobMark struct {
	Kind       JobKind
	Definition string
	Pool       string
	State      string // "" removes the mark
}
