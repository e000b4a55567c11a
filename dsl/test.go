package dsl

import (
	"slices"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// Test is a test document: a script for one candidate, and all that must come of it. It is checked, and never published.
type Test struct {
	Name string // a sentence
	Of   string // the sequence
	File string
	Line int

	Start        time.Time
	Until        time.Time     // zero: a year after the script, or the end of the run if that is later
	Candidate    crm.Candidate // without an id
	Consents     []crm.Consent // given at the start
	Pools        []string      // kept by hand
	Applications []crm.Application
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
	Enroll string         // a sequence, by hand
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
)

// expectations are all kinds; outcome is last, as it is also a detail of a call and of an ats step.
func expectations() []Expectation {
	return []Expectation{
		ExpectEmail, ExpectSMS, ExpectSkipped, ExpectTask, ExpectSurvey, ExpectUpdate, ExpectEnroll, ExpectLeave, ExpectEmit,
		ExpectCall, ExpectATS, ExpectArm, ExpectOutcome,
	}
}

// Expected is a line of a test's expectations.
type Expected struct {
	Line   int
	Kind   Expectation
	Name   string   // of a message, a step, a sequence, an arm or an outcome
	Of     string   // of an arm: its step, or ""
	Reason string   // of a skip; of a call or an ats step: its outcome; or ""
	At     Moment   // to the minute, in the candidate's zone; zero: any time
	Within Duration // how much later it may be
}

// Names are what a test may call a message or step by: of a message, its name; of an inline one and everything else, the
// step's id; of an enrollment in another sequence also the sequence's name. The message is "" where there is none.
func (in *Instr) Names(message string) []string {
	switch {
	case in.Op == OpSend && message != "":
		return []string{message}
	case in.Op == OpSend && in.Send != nil && len(in.Send.Use) > 0:
		return append(slices.Clone(in.Send.Use), in.ID)
	case in.Op == OpEnroll || in.Op == OpLeave || in.Op == OpInterview:
		return []string{in.ID, in.Sequence}
	}
	return []string{in.ID}
}
