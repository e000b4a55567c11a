package dsl

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

const (
	// maxInstructions bounds what one decision runs; a program has no loop that does not wait, so it is never reached by a
	// checked program.
	maxInstructions = 1000
	// sendWithin is how long a planned message stays good when its step does not say (`by`): long enough to sit out a
	// provider's bad day, short enough that nobody is thanked a week late.
	sendWithin = 48 * time.Hour
)

// Next decides what a run does next. It is a pure function: the same workspace, facts and time give the same decision, with
// the same explanation. It runs instructions until one has to wait or the run ends. The facts are not changed.
func (p *Program) Next(ws *Workspace, f *crm.Facts, now time.Time) *crm.Decision {
	r := newRun(p, ws, f, now)
	if out, ended := r.exits(); ended {
		r.d.Withdraw = true // what was planned before must not follow the candidate's reply
		return r.end(out)
	}
	if r.f.Enrollment.Paused || r.f.Enrollment.Held {
		return r.hold()
	}
	for range maxInstructions {
		pc, ok := p.Find(r.at.At)
		if !ok {
			return r.stuck("no instruction " + r.at.At)
		}
		if pc >= len(p.Code) {
			return r.end(exit{outcome: crm.OutcomeCompleted})
		}
		if x, ended := r.changedExits(); ended {
			r.d.Withdraw = true
			return r.end(x)
		}
		next, done := r.step(&p.Code[pc])
		if !done {
			return r.d
		}
		if r.ended != nil {
			return r.end(*r.ended)
		}
		r.arrive(next)
	}
	return r.stuck("too many instructions")
}

// run is the state of one call of Next.
type run struct {
	p     *Program
	ws    *Workspace
	f     crm.Facts // a shallow copy: its slices are only appended to, its enrollment's progress is at
	env   Env
	at    *crm.Progress
	d     *crm.Decision
	now   time.Time
	clock time.Time // logical: the end of the wait that just passed, so that latency does not add up
	loc   *time.Location
	ended *exit
	fresh bool // the run has changed the candidate since exits were looked at
}

type exit struct {
	outcome string
	note    crm.Note
}

func newRun(p *Program, ws *Workspace, f *crm.Facts, now time.Time) *run {
	r := &run{p: p, ws: ws, f: *f, now: now, clock: now, loc: ZoneOf(&f.Candidate, ws)}
	r.at = &r.f.Enrollment.Progress
	r.at.Steps = make(map[string]crm.StepState, len(f.Enrollment.Progress.Steps)+1)
	maps.Copy(r.at.Steps, f.Enrollment.Progress.Steps)
	r.at.Loops = maps.Clone(f.Enrollment.Progress.Loops)
	r.f.Sends = slices.Clip(f.Sends)
	r.f.Messages = slices.Clip(f.Messages)
	r.f.Had = slices.Clip(f.Had)
	r.f.Pools = slices.Clone(f.Pools)
	r.f.Meetings = slices.Clone(f.Meetings)
	r.env = Env{Now: now, Facts: &r.f, Application: r.application(), Rounds: r.rounds(), Program: p, Workspace: ws}
	r.d = &crm.Decision{
		EnrollmentID: f.Enrollment.ID, Seq: f.Enrollment.Seq + 1, At: now, Seen: f.Enrollment.Wake, Command: crm.CommandWait,
	}
	if r.at.At == "" {
		r.at.Seen = f.Enrollment.Position
		r.arrive(0)
	}
	return r
}

// application returns the run's application, read live; nil in runs per candidate.
func (r *run) application() *crm.Application {
	for i := range r.f.Applications {
		if r.f.Applications[i].ID == r.f.Enrollment.ApplicationID {
			return &r.f.Applications[i]
		}
	}
	return nil
}

// arrive puts the cursor on an instruction.
func (r *run) arrive(pc int) {
	at := r.at
	at.At = EndID
	if pc < len(r.p.Code) {
		at.At = r.p.Code[pc].ID
	}
	at.Reached, at.ReachedPos = r.clock, r.f.Position
	at.Anchor, at.AnchorMessage = r.clock, at.LastMessage
	at.NotBefore, at.Deferred, at.Checked, at.LastMessage, at.Begun, at.Calling = time.Time{}, "", 0, "", false, 0
}

// step runs one instruction. It returns the next one, or false when the run has to wait: then the decision is complete.
func (r *run) step(in *Instr) (next int, done bool) {
	if in.If != nil && !r.at.Begun && !r.looping(in) {
		if r.unsettled(in.If) {
			return 0, r.awaitSettled(in)
		}
		if !r.holds(in.If, in.ID, ReasonCondition) {
			return r.record(in, crm.OutcomeSkipped, crm.StepState{}), true
		}
	}
	switch in.Op {
	case OpSend:
		return r.send(in)
	case OpTask:
		return r.task(in)
	case OpUpdate:
		return r.update(in)
	case OpWait:
		return r.wait(in)
	case OpWaitFor:
		return r.waitFor(in)
	case OpChoose:
		return r.choose(in)
	case OpExperiment:
		return r.experiment(in), true
	case OpRepeat:
		return r.repeat(in)
	case OpEnroll, OpLeave:
		return r.ask(in), true
	case OpInterview:
		return r.interview(in)
	case OpSurvey:
		return r.survey(in)
	case OpCall:
		return r.call(in)
	case OpATS:
		return r.ats(in)
	case OpEmit:
		return r.emit(in), true
	case OpMeet:
		return r.meet(in)
	case OpExit:
		return r.leave(in), true
	}
	r.note(crm.Note{Kind: crm.NoteProblem, Step: in.ID, Reason: "unknown_instruction", Text: string(in.Op)})
	return in.Next, true
}

// leave ends the run.
func (r *run) leave(in *Instr) int {
	r.ended = &exit{outcome: in.Exit, note: crm.Note{Step: in.ID}}
	return in.Next
}

// holds evaluates a condition that decides about a step, and explains a no.
func (r *run) holds(c *Condition, step, reason string) bool {
	res := c.Eval(&r.env)
	if res.Value {
		return true
	}
	r.note(crm.Note{Kind: crm.NoteSkipped, Step: step, Reason: reason, Expression: c.Source, Result: resultText(res)})
	return false
}

func resultText(res Result) string {
	if res.Problem != "" {
		return res.Problem
	}
	return strconv.FormatBool(res.Value)
}

func (r *run) note(n crm.Note) {
	if r.d.Notes == nil {
		r.d.Notes = make([]crm.Note, 0, usualNotes)
	}
	r.d.Notes = append(r.d.Notes, n)
}

// usualNotes is how many notes most decisions need at most.
const usualNotes = 8

// record keeps what became of a step, and returns where that leads.
func (r *run) record(in *Instr, outcome string, s crm.StepState) int {
	if !in.Implied {
		s.Outcome, s.At, s.Position = outcome, r.now, r.f.Position
		s.Occurrence = r.at.Steps[in.ID].Occurrence + 1
		r.at.Steps[in.ID] = s
	}
	return in.After(outcome)
}

// After is the instruction that follows an outcome.
func (in *Instr) After(outcome string) int {
	if pc, ok := in.Then[outcome]; ok {
		return pc
	}
	return in.Next
}

// sleep completes a decision that waits.
func (r *run) sleep(until time.Time, summary, details string) (int, bool) {
	r.d.Command, r.d.Until = crm.CommandWait, until
	r.d.Awaits = r.awaits(r.d.Awaits)
	r.d.Summary, r.d.Details = summary, details
	r.d.Progress = *r.at
	return 0, false
}

// awaits lists what wakes the run: what its exits look at, and what the instruction it stands at adds.
func (r *run) awaits(more []string) []string {
	all := append(slices.Clone(more), "consent.revoked")
	for _, m := range r.p.Exits {
		all = append(all, m.wakes()...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// wakes lists what can make a match true: its event types, or the candidate's fields and the events that its condition
// depends on.
func (m *Match) wakes() []string {
	if !m.State() {
		return m.On
	}
	fields := slices.Clone(m.When.Events)
	for _, field := range m.When.Reads {
		fields = append(fields, "changed:"+field)
	}
	return fields
}

func (r *run) hold() *crm.Decision {
	r.note(crm.Note{Kind: crm.NotePaused, Step: r.at.At})
	r.sleep(time.Time{}, "paused at "+r.at.At, "**Paused** at `"+r.at.At+"`. Exits still apply.")
	return r.d
}

// stuck waits for a person: the definition and the row disagree, and guessing could send something.
func (r *run) stuck(why string) *crm.Decision {
	r.note(crm.Note{Kind: crm.NoteProblem, Step: r.at.At, Reason: "stuck", Text: why})
	r.sleep(time.Time{}, "stuck: "+why, "**Stuck**: "+why)
	return r.d
}

func (r *run) end(x exit) *crm.Decision {
	x.note.Kind, x.note.Outcome = crm.NoteExit, x.outcome
	r.note(x.note)
	if r.p.Loop != nil {
		r.callOff(x.outcome)
		r.over(x.outcome)
	}
	r.d.Command, r.d.Outcome, r.d.Until, r.d.Awaits = crm.CommandExit, x.outcome, time.Time{}, nil
	r.d.Summary, r.d.Details = x.outcome, "Ended: **"+x.outcome+"**."
	r.d.Progress = *r.at
	return r.d
}

// exits looks whether the run is over: stopped by a person, opted out, or by one of the definition's exits. All that is
// known counts, also what came after an event that a wait is about to take: a run that is over has no more effects.
func (r *run) exits() (exit, bool) {
	if ending := r.f.Enrollment.Ending; ending != "" {
		return exit{outcome: ending}, true
	}
	for i := range r.f.Events {
		e := &r.f.Events[i]
		if e.Position <= r.at.Seen {
			continue
		}
		if e.Type == "consent.revoked" && e.Text("purpose") == r.p.Purpose {
			return exit{outcome: crm.OutcomeOptedOut, note: eventNote(e)}, true
		}
		for _, m := range r.p.Exits {
			if m.State() || !r.matches(m, e, r.f.Enrollment.Position) {
				continue
			}
			n := eventNote(e)
			if m.When != nil {
				n.Expression, n.Result = m.When.Source, "true"
			}
			return exit{outcome: m.Outcome, note: n}, true
		}
	}
	r.at.Seen = r.f.Position
	return r.stateExits()
}

func (r *run) stateExits() (exit, bool) {
	for _, m := range r.p.Exits {
		if !m.State() || r.unsettled(m.When) {
			continue
		}
		res := m.When.Eval(&r.env)
		if res.Value {
			return exit{outcome: m.Outcome, note: crm.Note{Expression: m.When.Source, Result: "true"}}, true
		}
		if res.Problem != "" && r.d.Seq == 1 { // said once, not at every decision
			r.note(crm.Note{Kind: crm.NoteProblem, Reason: "exit_condition", Expression: m.When.Source, Result: res.Problem})
		}
	}
	return exit{}, false
}

// changedExits looks at the conditions on the state again where a step of this very decision has changed it: an exit comes
// before the next effect.
func (r *run) changedExits() (exit, bool) {
	if !r.fresh {
		return exit{}, false
	}
	r.fresh = false
	return r.stateExits()
}

func eventNote(e *crm.Event) crm.Note { return crm.Note{EventID: e.ID, EventType: e.Type} }

// matches tells whether an event after the given position is one that the match is about.
func (r *run) matches(m *Match, e *crm.Event, since int64) bool {
	if e.Position <= since || !slices.Contains(m.On, e.Type) || e.Text("by") == r.f.Enrollment.ID {
		return false
	}
	if strings.HasPrefix(e.Type, "message.") && !r.ours(m, e) {
		return false
	}
	if crm.Broadcast(e.Type) && r.p.PerApp && (r.env.Application == nil || r.env.Application.Role != e.Text("role")) {
		return false
	}
	if app := e.Text("application"); r.p.PerApp && app != "" && (r.env.Application == nil || app != r.env.Application.ExternalID) {
		return false
	}
	if m.When == nil {
		return true
	}
	env := r.env
	env.Event = e
	if env.Application == nil {
		env.Application = namedApplication(r.f.Applications, e)
	}
	res := m.When.Eval(&env)
	if res.Problem != "" {
		n := eventNote(e)
		n.Kind, n.Reason, n.Expression, n.Result = crm.NoteProblem, "condition", m.When.Source, res.Problem
		r.note(n)
	}
	return res.Value
}

// ours tells whether a message event is about a message of this run, and of the step that the match names. What a machine
// did does not count.
func (r *run) ours(m *Match, e *crm.Event) bool {
	if e.EnrollmentID != r.f.Enrollment.ID || e.Machine() {
		return false
	}
	return m.Step == "" || r.p.inside(e.Step, m.Step)
}

// namedApplication returns the application that an event names, or nil.
func namedApplication(apps []crm.Application, e *crm.Event) *crm.Application {
	name := e.Text("application")
	for i := range apps {
		if name != "" && apps[i].ExternalID == name {
			return &apps[i]
		}
	}
	return nil
}
