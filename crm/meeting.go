package crm

import (
	"slices"
	"time"
)

// MeetingState is where a meeting of an interview is:
//
//	asked → offered → held → booked → completed | no_show
//
// and cancelled from anywhere before its end. A time that turned out to be taken leads from held back to offered; a
// candidate who picks another time leads from booked back to held, and one whose interviewer cannot come, back to asked.
type MeetingState string

// The states.
const (
	MeetingAsked     MeetingState = "asked"   // times are being looked for, or there are none
	MeetingOffered   MeetingState = "offered" // the candidate can pick a time
	MeetingHeld      MeetingState = "held"    // a time was picked: nobody else gets it, and it is not in the calendars yet
	MeetingBooked    MeetingState = "booked"  // it is in every calendar
	MeetingCompleted MeetingState = "completed"
	MeetingNoShow    MeetingState = "no_show" // the candidate did not come
	MeetingCancelled MeetingState = "cancelled"
)

// Meeting is one interview of a round with one candidate: the times offered, the one agreed, and the people who hold it. A
// round has another meeting after a no-show. Its row is only changed under the candidate's lock; that nobody is in two
// meetings at once is the database's to guarantee.
type Meeting struct {
	ID            string       `json:"id"`
	EnrollmentID  string       `json:"-"` // this and the next two are the run's
	CandidateID   string       `json:"-"`
	ApplicationID string       `json:"-"`
	Definition    string       `json:"definition"` // the interview's name
	Round         string       `json:"round"`      // its id
	N             int          `json:"n"`          // this round's n-th meeting, from 1
	State         MeetingState `json:"state"`
	Reason        string       `json:"reason,omitempty"` // why there are no times, why they changed, or why it was cancelled: a code
	Medium        string       `json:"medium,omitempty"` // video, phone or onsite
	Place         string       `json:"place,omitempty"`  // an address, a link or a number
	CreatedAt     time.Time    `json:"created_at,omitzero"`

	Offered   []Slot    `json:"offered,omitempty"`    // what the candidate can pick from now
	OfferedAt time.Time `json:"offered_at,omitzero"`  // when the candidate was first told; nudges count from here
	Asked     int       `json:"asked,omitempty"`      // how often the candidate has asked for other times
	AskedSeen int       `json:"asked_seen,omitempty"` // how often the run has answered that

	Needs string `json:"needs,omitempty"` // what the candidate needs to take part, in their own words: only who prepares or holds the meeting sees it

	Slot        // agreed; zero before
	Was   *Slot `json:"was,omitempty"`   // while held: what stays booked until the new time is
	Moves int   `json:"moves,omitempty"` // how often the candidate has changed the time

	Panel    []Panelist `json:"panel,omitempty"`    // who holds it
	Left     []Panelist `json:"left,omitempty"`     // who was invited and no longer holds it, until they have been told
	Sequence int        `json:"sequence,omitempty"` // of the event in calendars (RFC 5545, 3.8.7.4): rises with every change
	ToldAt   time.Time  `json:"told_at,omitzero"`   // the beginning that people were last told
	BookedAt time.Time  `json:"booked_at,omitzero"` // when it was last written to every calendar
	Absent   bool       `json:"absent,omitempty"`   // an interviewer says that the candidate is not there

	Answer     Answered  `json:"answer,omitempty"` // the candidate's, to the invitation in their calendar
	AnsweredAt time.Time `json:"answered_at,omitzero"`

	ClosedAt time.Time `json:"closed_at,omitzero"` // when it was completed, missed or cancelled
}

// Slot is a time for a meeting, with the people who can hold it.
type Slot struct {
	StartsAt time.Time `json:"starts_at"`
	EndsAt   time.Time `json:"ends_at"`
	Seats    []string  `json:"seats"`             // interviewers' ids
	Shadows  []string  `json:"shadows,omitempty"` // of trainees who come along
}

// Panelist is somebody who holds a meeting, or shadows it.
type Panelist struct {
	InterviewerID string     `json:"interviewer,omitempty"`
	Email         string     `json:"email,omitempty"`
	Name          string     `json:"name,omitempty"`
	Shadow        bool       `json:"shadow,omitempty"` // comes along: nobody waits for them
	Answer        Answered   `json:"answer,omitempty"` // to the invitation
	AnsweredAt    time.Time  `json:"answered_at,omitzero"`
	Clash         bool       `json:"clash,omitempty"`     // another appointment has come up in their calendar
	Restored      bool       `json:"restored,omitempty"`  // the event was gone from their calendar, and was put there again: once
	Scorecard     *Scorecard `json:"scorecard,omitempty"` // nil: not in yet
}

// Answered is what somebody says to an invitation. The words are those of PARTSTAT (RFC 5545, 3.2.12), in lower case.
type Answered string

// The answers; "" is none.
const (
	AnswerAccepted  Answered = "accepted"
	AnswerDeclined  Answered = "declined"
	AnswerTentative Answered = "tentative"
)

// Open tells whether the meeting may still take place.
func (m *Meeting) Open() bool { return m.ClosedAt.IsZero() }

// Invited tells whether the meeting is in calendars, or was about to be: then people have to be told when it changes.
func (m *Meeting) Invited() bool { return !m.BookedAt.IsZero() }

// Unable returns the first of those who hold the meeting and cannot come; "" when there is none.
func (m *Meeting) Unable() (interviewerID string) {
	for _, p := range m.Panel {
		if !p.Shadow && (p.Answer == AnswerDeclined || p.Clash) {
			return p.InterviewerID
		}
	}
	return ""
}

// NameOf returns what somebody is called who holds the meeting, or did until now; "" when that is not known.
func (m *Meeting) NameOf(interviewerID string) string {
	for _, p := range slices.Concat(m.Panel, m.Left) {
		if p.InterviewerID == interviewerID {
			return p.Name
		}
	}
	return ""
}

// Owing lists those who have not handed in their scorecard.
func (m *Meeting) Owing() []Panelist {
	return slices.DeleteFunc(slices.Clone(m.Panel), func(p Panelist) bool { return p.Shadow || p.Scorecard != nil })
}

// MeetingAction is what a call of an interview does.
type MeetingAction string

// The actions, and how each can end beside CallFailed: calendars could not be reached.
const (
	ActionFind    MeetingAction = "find"    // looks for times: MeetingFound, MeetingNone
	ActionBook    MeetingAction = "book"    // writes a held time to all calendars, unless it is taken: MeetingWritten, MeetingTaken
	ActionReplace MeetingAction = "replace" // looks for somebody else at the same time: MeetingReplaced, MeetingNone
)

// Outcomes of actions.
const (
	MeetingFound    = "found"
	MeetingNone     = "none"
	MeetingWritten  = "booked"
	MeetingTaken    = "taken"
	MeetingReplaced = "replaced"
)
