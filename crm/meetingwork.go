package crm

// MeetingChanged is what a change of a meeting leads to, in the same transaction.
type MeetingChanged struct {
	Unchanged bool        // then nothing is written but the answer of the call
	Events    []Event     // that tell of it
	Call      *CallResult // what came of the call by which it changed; the first answer stays, with its change
}

// CalendarSeat is what somebody's calendar should have of a meeting, and what it may have.
type CalendarSeat struct {
	MeetingID     string
	InterviewerID string
	Wanted        *int // the sequence of the event; nil: none
	Written       *int // nil: certainly none
}

// Held is a time at which somebody holds a meeting.
type Held struct {
	Span

	InterviewerID string
	MeetingID     string
}

// MeetingFacts are what has to be known to find a time for a meeting, or to write it down.
type MeetingFacts struct {
	Meeting     Meeting
	Hash        string // of the definition that the run follows
	Candidate   Candidate
	Application Application // zero: there is none
	Elsewhere   []Span      // when the candidate has other meetings, held or booked
}
