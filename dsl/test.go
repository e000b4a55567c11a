package dsl

import (
	"slices"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// Test is a test document: a script for one candidate, and all that must come of it. It is checked, and never published.
type Test struct {
	Name string // a sentence
	Of   string // the sequence, or the retention policy
	File string
	Line int

	Start        time.Time
	Until        time.Time     // zero: a year after the script, or the end of the run if that is later
	Candidate    crm.Candidate // without an id
	Consents     []crm.Consent // given at the start
	Pools        []string      // kept by hand
	Beside       []string      // of a retention policy: others that are in force with it
	Applications []crm.Application
	Interviewers []Attendant               // of an interview: who there is
	Arms         map[string]string         // by step id
	Calls        map[string]crm.CallResult // by step id, also of ats steps; what is not there is answered ok
	Script       []Happening
	Expect       []Expected
}

// Happening is an entry of a script: one of an event, a change of the candidate's facts, or an enrollment by hand.
type Happening struct {
	Line  int
	After Duration // from the entry before, in the candidate's zone
	At    Moment   // instead of After, in the candidate's zone

	Event  string // a type
	ID     string // the source's id; "": one is made
	Source string
	Data   map[string]any
	Step   string // whose message, task or survey the event is about, or ""

	Set    map[string]any // field of the candidate, or attributes.NAME, to new value
	Enroll string         // a definition, by hand
	Deed   *Deed          // what somebody does about the interview
}

// Attendant is somebody who can hold the interviews of a test. Their id is what the test calls them.
type Attendant struct {
	crm.Interviewer

	Busy []crm.Span // what is in their calendar at the start
}

// Deed is what somebody does about the interview that is tested, or what comes up in a calendar.
type Deed struct {
	Do   DeedKind
	At   Moment // of a pick: the time; zero: the first that is offered
	Who  string // of what an interviewer does: their id
	Text string // of a cancellation: why
	Card crm.Scorecard
	Busy map[string][]crm.Span // of a conflict: what is in calendars from now on, by interviewer
}

// DeedKind is what is done, as the script says it.
type DeedKind string

// The kinds.
const (
	DeedPick      DeedKind = "pick"   // the candidate picks a time, also another one than before
	DeedAsk       DeedKind = "ask"    // the candidate asks for other times
	DeedCancel    DeedKind = "cancel" // the candidate does not want the interview
	DeedDecline   DeedKind = "decline"
	DeedNoShow    DeedKind = "no_show" // an interviewer reports that the candidate is not there
	DeedScorecard DeedKind = "scorecard"
	DeedBusy      DeedKind = "busy" // something comes up in calendars
)

// deeds are all kinds.
func deeds() []DeedKind {
	return []DeedKind{DeedPick, DeedAsk, DeedCancel, DeedDecline, DeedNoShow, DeedScorecard, DeedBusy}
}

// Expectation is what a test expects: a line of the timeline.
type Expectation string

// The kinds.
const (
	ExpectEmail   Expectation = "email"
	ExpectSMS     Expectation = "sms"
	ExpectSkipped Expectation = "skipped"
	ExpectTask    Expectation = "task"
	ExpectSurvey  Expectation = "survey"
	ExpectUpdate  Expectation = "update"
	ExpectEnroll  Expectation = "enroll"
	ExpectLeave   Expectation = "leave"
	ExpectEmit    Expectation = "emit"
	ExpectCall    Expectation = "call"
	ExpectATS     Expectation = "ats"
	ExpectArm     Expectation = "arm"
	ExpectOutcome Expectation = "outcome"

	// Of interviews.
	ExpectInvitation   Expectation = "invitation"   // by calendar mail; also one that tells of a change
	ExpectCancellation Expectation = "cancellation" // by calendar mail
	ExpectScorecard    Expectation = "scorecard"    // somebody is asked for theirs
	ExpectOffered      Expectation = "offered"      // how many times were found
	ExpectBooked       Expectation = "booked"       // a round
)

// expectations are all kinds; outcome is last, as it is also a detail of a call and of an ats step.
func expectations() []Expectation {
	return []Expectation{
		ExpectEmail, ExpectSMS, ExpectSkipped, ExpectTask, ExpectSurvey, ExpectUpdate, ExpectEnroll, ExpectLeave, ExpectEmit,
		ExpectCall, ExpectATS, ExpectArm, ExpectInvitation, ExpectCancellation, ExpectScorecard, ExpectOffered, ExpectBooked, ExpectOutcome,
	}
}

// Expected is a line of a test's expectations.
type Expected struct {
	Line   int
	Kind   Expectation
	Name   string   // of a message, a step, a sequence, an arm, a round or an outcome; who gets calendar mail; how many times
	Of     string   // of an arm: its step, or ""
	Reason string   // of a skip; of a call or an ats step: its outcome; or ""
	At     Moment   // to the minute, in the candidate's zone; zero: any time
	Within Duration // how much later it may be
	Until  Moment   // of data that are kept: until when, to the minute

	To     string   // of a message: the interviewer who gets it; "": the candidate
	Starts Moment   // of a booked round: when the interview begins
	With   []string // of a booked round: who holds it
}

// ToCandidate is how calendar mail to the candidate is told from that to interviewers.
const ToCandidate = toCandidate

// Names are what a test may call what an instruction does: a message by its name; an inline one and everything else by the
// step's id; an enrollment in another sequence also by the sequence's name. In an interview the round may be left out of an id, a
// survey has its own name, and a reminder that is left out is called like its message. The message is "" where there is none.
func (p *Program) Names(in *Instr, message string) []string {
	switch {
	case in.Op == OpSend && message != "":
		return []string{message}
	case in.Op == OpSend && in.Send != nil && len(in.Send.Use) > 0:
		return append(slices.Clone(in.Send.Use), p.called(in)...)
	case in.Op == OpEnroll || in.Op == OpLeave || in.Op == OpInterview:
		return []string{in.ID, in.Sequence}
	case in.Op == OpSurvey && p.Loop != nil:
		return append([]string{in.Survey.Use}, p.called(in)...)
	case in.Op == OpMeet && in.Meet.Before != nil:
		return append(in.Meet.Before.names(), p.called(&p.Code[in.Next])...)
	}
	return p.called(in)
}

// called are the id of a step and, in an interview, the word after its round.
func (p *Program) called(in *Instr) []string {
	_, word, inRound := strings.Cut(in.ID, ".")
	if p.Loop == nil || !inRound {
		return []string{in.ID}
	}
	return []string{word, in.ID}
}

// names are those of the messages.
func (n Notes) names() []string {
	return slices.DeleteFunc([]string{n.Email, n.SMS}, func(name string) bool { return name == "" })
}
