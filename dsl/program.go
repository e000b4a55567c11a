package dsl

import (
	"slices"

	"github.com/rapport-crm/rapport/crm"
)

// Program is a compiled sequence or interview: a flat list of instructions with stable ids. It is immutable; runs are pinned to its
// Hash and stand at an instruction's ID.
type Program struct {
	Name        string
	Hash        string
	Description string
	Owner       string // email, or ""
	Purpose     string
	PerApp      bool // per: application
	ByHand      bool // enroll: by hand
	Enroll      []*Rule
	Reenroll    Reenroll
	Exits       []*Match
	Goal        *Goal
	Limit       *Limit    // the sequence's own; the workspace's applies too
	Window      *Calendar // the sequence's own; nil: the workspace's, and none for transactional
	Code        []Instr
	Loop        *Interview // what an interview was compiled from; nil for a sequence
	Listens     []string   // every event type that an exit or a wait looks at, sorted

	index    map[string]int      // instruction id → place in Code
	contains map[string][]string // step id → ids of the steps inside its branches, at any depth
	layout   map[string]site     // instruction id → where it was written
}

// site is where an instruction was written.
type site struct {
	where  string // the block it is in, by the step and the branch it hangs on: "heard/clicked"; "" is the outermost
	follow int    // the instruction after it and all that hangs on it
}

// Follower returns the place in Code where the branches of an instruction come together again.
func (p *Program) Follower(pc int) int { return p.layout[p.Code[pc].ID].follow }

// EndID is where the cursor of a run stands that has run out of instructions. No step can have this id.
const EndID = "$end"

// Find returns the place of an instruction in Code. The empty id is the first.
func (p *Program) Find(id string) (int, bool) {
	switch id {
	case "":
		return 0, true
	case EndID:
		return len(p.Code), true
	}
	pc, ok := p.index[id]
	return pc, ok
}

// Instr returns the instruction of an id. The end of a program is none.
func (p *Program) Instr(id string) (*Instr, bool) {
	pc, ok := p.index[id]
	if !ok {
		return nil, false
	}
	return &p.Code[pc], true
}

// inside tells whether a step is the named one or inside one of its branches.
func (p *Program) inside(step, name string) bool {
	return step == name || slices.Contains(p.contains[name], step)
}

// Kind is the kind of document that the program was compiled from.
func (p *Program) Kind() string {
	if p.Loop != nil {
		return KindInterview
	}
	return KindSequence
}

// Transactional tells whether the program's messages need no consent and count towards no cap.
func (p *Program) Transactional() bool { return p.Purpose == crm.PurposeTransactional }

// Endless tells whether a run may repeat something without a bound.
func (p *Program) Endless() bool {
	return slices.ContainsFunc(p.Code, func(in Instr) bool { return in.Repeat != nil && in.Repeat.Times == 0 })
}

// Reenroll says when a candidate (or application) that had a run may get another: never, always (neither), or After the
// last run's end.
type Reenroll struct {
	Never bool
	After Duration
}

// Rule says who is enrolled, and when. It is one of: an event (On); the members of a pool, now and later (In alone); those
// members whom an event is about or is told to (In and On); those members at dates (In and At).
type Rule struct {
	Match
	In    string   // a pool
	At    Moment   // the first date of a campaign; zero: none
	Every Duration // between its dates; zero: there is one
	Pace  *Limit   // how many candidates a date may enroll in how much time; nil: all at once
}

// Goal is what a sequence is for; it is counted and changes nothing.
type Goal struct {
	Match  *Match
	Within Duration // from the start of the run
}

// Limit is a cap: at most Count non-transactional messages in any window of Per.
type Limit struct {
	Count int
	Per   Duration // exact
}

// Op is what an instruction does.
type Op string

// The operations.
const (
	OpSend       Op = "send"
	OpTask       Op = "task"
	OpUpdate     Op = "update"
	OpWait       Op = "wait"
	OpWaitFor    Op = "wait_for"
	OpChoose     Op = "choose"
	OpExperiment Op = "experiment"
	OpRepeat     Op = "repeat"
	OpEnroll     Op = "enroll"
	OpLeave      Op = "leave"
	OpInterview  Op = "interview"
	OpSurvey     Op = "survey"
	OpCall       Op = "call"
	OpATS        Op = "ats"
	OpEmit       Op = "emit"
	OpExit       Op = "exit"
	OpMeet       Op = "meet" // of interviews alone
)

// Instr is one instruction. Exactly the field that belongs to Op is set.
type Instr struct {
	ID      string
	Implied bool // the id was made by the compiler: "after thanks"
	Op      Op
	If      *Condition // nil: always

	Send       *Send // also of OpSurvey: what brings the link
	Task       *Task
	Update     *Update
	Wait       *Wait
	WaitFor    *WaitFor
	Choose     *Choose
	Experiment *Experiment
	Repeat     *Repeat
	Sequence   string // of OpEnroll and OpLeave; of OpInterview the interview
	Survey     *Ask
	Call       *Call
	ATS        *ATS
	Emit       *Emit
	Exit       string // an outcome
	Meet       *Meet

	Next int            // the instruction that follows; len(Code) ends the run as completed
	Then map[string]int // by outcome; an outcome that is not there goes on to Next
}

// Outcomes lists how the instruction can end. Any that has a condition can also be skipped.
func (in *Instr) Outcomes() []string {
	switch in.Op {
	case OpSend:
		return []string{crm.OutcomeSent, crm.OutcomeSkipped, crm.OutcomeFailed}
	case OpTask:
		return in.Task.ends()
	case OpSurvey:
		return []string{outcomeAnswered, OutcomeTimeout}
	case OpCall, OpATS:
		return []string{crm.CallOK, crm.CallFailed}
	case OpWaitFor:
		names := make([]string, 0, len(in.WaitFor.Branches)+1)
		for _, b := range in.WaitFor.Branches {
			names = append(names, b.Name)
		}
		return append(names, OutcomeTimeout)
	case OpInterview:
		return []string{crm.RoundCompleted, crm.RoundGaveUp, crm.RoundCancelled}
	case OpMeet:
		return in.Meet.outcomes()
	case OpUpdate, OpWait, OpChoose, OpExperiment, OpRepeat, OpEnroll, OpLeave, OpEmit, OpExit:
	}
	return nil
}

// Send plans one message.
type Send struct {
	Channel   crm.Channel
	Use       []string  // names of message documents, of which the first not yet had is sent; none: Inline
	Inline    *Template // written in the step
	To        string    // of interviews: interviewers, or those who owe a scorecard; "": the candidate
	FromOwner bool      // from: owner
	Window    *Calendar // the step's own
	By        Duration  // the latest it may go, from the moment the step is reached; zero: sendWithin
	OnUnknown string    // skip (default) or resend_once
}

// Task asks a person to do something.
type Task struct {
	Title  *Text // Liquid
	Assign string
	Via    string
	Due    Duration

	Wait     bool     // go on when it is done
	Timeout  Duration // of the wait; zero: none
	Outcomes []string // how it can end; none: done
}

// Update changes the candidate.
type Update struct {
	Set   []Assign
	Tag   []string
	Untag []string
	Score float64 // added
	Enter []string
	Leave []string
}

// Assign sets one field of the candidate, or attributes.NAME, to a constant.
type Assign struct {
	Field string
	Value any
}

// Wait lets time pass: a duration, until clocks show a time on one of some days, or until a moment that is computed.
type Wait struct {
	For     Duration
	Clock   int        // minutes after midnight, where the wait is for a time of day
	Days    [7]bool    // by time.Weekday; none: any
	Until   *Condition // of type timestamp: see Condition.Moment
	Timeout Duration   // zero: none
}

// Local tells whether the wait is for a time of day or a day of the week.
func (w *Wait) Local() bool { return w.Until == nil && w.For.IsZero() }

// WaitFor waits for the first of several matches, or its timeout.
type WaitFor struct {
	Branches []Branch // in listing order: the order of ties
	Timeout  Duration
}

// Branch is a named match; its name is the outcome.
type Branch struct {
	Name  string
	Match *Match
}

// Choose takes the first arm whose condition holds, else Instr.Next. Its instruction has no outcomes of its own.
type Choose struct {
	Arms []Arm // the else branch, if there is one, is Instr.Next
}

// Experiment splits candidates over arms. The arm is a stable hash of candidate and step, unless the experiment is settled.
type Experiment struct {
	Arms    []ExperimentArm
	Measure *Match // nil: nothing is measured
	Within  Duration
	Settle  *Settle
}

// ExperimentArm is one arm of an experiment.
type ExperimentArm struct {
	Name   string
	Weight int // its share, in relation to the others
	Go     int // the instruction
}

// Settle says when everybody gets the same arm.
type Settle struct {
	After int    // candidates measured
	To    string // an arm, or "" for the one that does best
}

// Repeat does the instructions from Go on again and again; the last of them comes back to it.
type Repeat struct {
	Every Duration
	Times int        // rounds; 0: no bound
	While *Condition // nil: true
	Now   bool       // the first round begins at once
	Go    int
}

// Ask sends the link of a survey and waits for the answer.
type Ask struct {
	Use     string
	Timeout Duration
}

// Call makes an HTTP request.
type Call struct {
	Method  string
	URL     *Text
	Headers []TextField
	Body    *Text       // nil: Fields
	Fields  []TextField // sent as JSON
	Secret  string
	Save    string // an attribute of the candidate for the answer, or ""
}

// Asks tells whether the request only asks: GET has no body (RFC 9110, 9.3.1).
func (c *Call) Asks() bool {
	return c.Method == "GET" //nolint:usestdlibvars // this package links no network package
}

// ATS tells the applicant tracking system what to change.
type ATS struct {
	MoveTo string   // a stage for the run's application, or ""
	Push   []string // fields of the candidate, or attributes.NAME, that are written back
	Note   *Text    // nil: none
}

// TextField is a named value: a text with variables, or a constant.
type TextField struct {
	Name  string
	Text  *Text // nil: Value
	Value any
}

// Emit tells that something happened.
type Emit struct {
	Event string // custom.NAME
	Data  []TextField
}

// Arm is one alternative of a choose.
type Arm struct {
	If *Condition
	Go int // the instruction
}

// Match says which events, or which state, something is about: an exit, a wait, an enrollment, a goal.
type Match struct {
	On      []string   // event types; empty: When is a condition on the state
	When    *Condition // nil: any event of the types
	Step    string     // message.* events of that step's sends only
	Since   string     // "enroll" or a step id; "" is the default of the place
	Outcome string     // of an exit
}

// State tells whether the match is a condition on the state rather than an event.
func (m *Match) State() bool { return len(m.On) == 0 }
