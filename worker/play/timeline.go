package play

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// Timeline is what happened.
type Timeline struct {
	Lines    []Line // in order
	Runs     []crm.Enrollment
	Messages []crm.Message
	Zone     *time.Location // the candidate's at the end
	End      time.Time
}

// LineKind says what a line is about: one of the kinds of dsl.Expectation, which tests list, or one of those below, which
// explain.
type LineKind string

// The kinds that explain.
const (
	LineEvent       LineKind = "event" // of the script
	LineEnrolled    LineKind = "enrolled"
	LineNotEnrolled LineKind = "not_enrolled"
	LineDeferred    LineKind = "deferred"
	LineWaiting     LineKind = "waiting"
	LineBranch      LineKind = "branch"
	LineRound       LineKind = "round"
	LinePaused      LineKind = "paused"
	LineGoal        LineKind = "goal"
	LinePlanned     LineKind = "planned" // a message that was neither sent nor skipped when the play ended
	LineProblem     LineKind = "problem"
	LineMeeting     LineKind = "meeting" // what calendars were asked for, and how a round ended
)

// Line is a line of the timeline.
type Line struct {
	At         time.Time
	Zone       *time.Location // the candidate's then
	Kind       LineKind
	Definition string
	Step       string   // or ""; an id that the compiler made is left out
	Name       string   // what it is called: a message, a step, an arm, an outcome, an event type
	Names      []string // all that a test may call it
	Reason     string   // a code: why it was skipped, deferred, not enrolled
	Text       string   // more for people: an expression, the outcome of a wait
	Until      time.Time
	To         string    // of a message: the interviewer who gets it; "": the candidate
	Starts     time.Time // of a booked round
	With       []string  // of a booked round: who holds it, sorted
	Offered    []crm.Slot
	Problem    string // a condition that could not be evaluated, a text that could not be rendered: fails a test

	// Listed tells whether a test has to list the line, as long as it lists everything.
	Listed bool
}

// add adds a line at this moment, and returns its place.
func (p *player) add(l Line) int {
	l.At, l.Zone = p.clock, p.zone()
	if len(l.Names) == 0 {
		l.Names = []string{l.Name}
	}
	p.lines = append(p.lines, l)
	return len(p.lines) - 1
}

// record adds what is told of an event and a definition: whether it enrolled.
func (p *player) record(r *crm.Record) {
	for i := range r.Notes {
		n := &r.Notes[i]
		if p.set.Programs[r.Definition] == nil { // a step asked for a sequence that is not played
			continue
		}
		kind := LineEnrolled
		if n.Kind == crm.NoteNotEnrolled {
			kind = LineNotEnrolled
		}
		p.add(Line{
			Kind: kind, Definition: r.Definition, Name: r.Definition, Reason: n.Reason, Text: explained(n), Problem: problemOf(n),
		})
	}
}

// explained is the expression of a note with what it gave.
func explained(n *crm.Note) string {
	if n.Expression == "" {
		return n.Text
	}
	return n.Expression + " is " + n.Result
}

// problemOf says why a note fails a test, or "": a condition could not be evaluated. A wait for a moment that is not known
// yet is a wait.
func problemOf(n *crm.Note) string {
	switch {
	case n.Reason == "moment":
		return ""
	case n.Expression != "" && n.Result != "true" && n.Result != "false":
		return n.Expression + " cannot be evaluated: " + n.Result
	case n.Kind == crm.NoteProblem:
		return strings.TrimPrefix(n.Step+": ", ": ") + cmp.Or(n.Text, n.Result, n.Reason)
	}
	return ""
}

// decided adds the lines of a decision.
func (p *player) decided(run *crm.Enrollment, d *crm.Decision) {
	program := p.set.Programs[run.Definition]
	for i := range d.Notes {
		n := &d.Notes[i]
		in := &dsl.Instr{ID: n.Step, Implied: n.Step == ""}
		if pc, ok := program.Find(n.Step); ok && n.Step != "" && pc < len(program.Code) {
			in = &program.Code[pc]
		}
		l := Line{
			Kind: lineKind(n.Kind), Definition: run.Definition, Name: in.ID, Reason: n.Reason, Text: explained(n), Until: n.Until,
			Problem: problemOf(n),
		}
		if !in.Implied {
			l.Step = in.ID
		}
		p.detail(&l, n, in, program)
		if program.Loop != nil {
			p.interviewDetail(&l, n, d)
		}
		at := p.add(l)
		if n.Kind == crm.NotePlanned {
			p.unsettled[n.MessageID] = at
		}
	}
	if d.Withdraw {
		p.cancelled(run.ID)
	}
}

// cancelled notes the planned messages that a run takes back as it ends.
func (p *player) cancelled(run string) {
	for _, m := range p.store.Messages(p.id) {
		if at, planned := p.unsettled[m.ID]; planned && m.EnrollmentID == run && m.State == crm.MessageCancelled {
			p.notSent(at, string(crm.MessageCancelled))
			delete(p.unsettled, m.ID)
		}
	}
}

// lineKind is the kind of a note's line.
func lineKind(kind crm.NoteKind) LineKind {
	switch kind {
	case crm.NoteSkipped:
		return LineKind(dsl.ExpectSkipped)
	case crm.NoteTask:
		return LineKind(dsl.ExpectTask)
	case crm.NoteUpdated:
		return LineKind(dsl.ExpectUpdate)
	case crm.NoteArm:
		return LineKind(dsl.ExpectArm)
	case crm.NoteEmitted:
		return LineKind(dsl.ExpectEmit)
	case crm.NoteCall:
		return LineKind(dsl.ExpectCall)
	case crm.NoteATS:
		return LineKind(dsl.ExpectATS)
	case crm.NoteExit:
		return LineKind(dsl.ExpectOutcome)
	case crm.NoteAsked:
		return LineKind(dsl.ExpectEnroll)
	case crm.NotePlanned, crm.NoteEnrolled, crm.NoteNotEnrolled, crm.NoteDeferred, crm.NoteWaiting, crm.NoteBranch, crm.NoteRound,
		crm.NotePaused, crm.NoteGoal, crm.NoteProblem, crm.NoteMigrated, crm.NoteResent, crm.NoteSettled, crm.NoteMeeting:
	}
	return LineKind(kind)
}

// detail fills in what depends on the kind: what the line is called, and whether a test has to list it. Effects of steps
// without an id have no name to list.
func (p *player) detail(l *Line, n *crm.Note, in *dsl.Instr, program *dsl.Program) {
	l.Names = program.Names(in, "")
	switch n.Kind {
	case crm.NoteSkipped:
		l.Name, l.Listed = l.Names[0], n.Reason != dsl.ReasonCondition
		if in.Send != nil && len(in.Send.Use) > 1 { // which one it would have been is not said
			l.Name = in.ID
		}
	case crm.NoteTask:
		l.Listed = !in.Implied
		l.Text = n.Text
	case crm.NoteUpdated, crm.NoteEmitted:
		l.Listed = !in.Implied
		if n.EventType != "" {
			l.Text = n.EventType
		}
	case crm.NoteCall, crm.NoteATS:
		l.Listed, l.Text = !in.Implied, n.Reason
		l.Reason = n.Outcome
	case crm.NoteAsked:
		l.Kind, l.Listed, l.Text = LineKind(n.Outcome), !in.Implied, n.Text
	case crm.NoteArm:
		l.Name, l.Names = n.Outcome, []string{n.Outcome}
	case crm.NoteExit:
		l.Name, l.Names, l.Listed = n.Outcome, []string{n.Outcome}, true
		l.Text = cmp.Or(n.EventType, l.Text)
	case crm.NotePlanned:
		l.Names = program.Names(in, n.Text)
		l.Name = l.Names[0]
		l.Text = ""
	case crm.NoteBranch:
		l.Text = n.Outcome
		if n.EventType != "" {
			l.Text += ", by " + n.EventType
		}
	case crm.NoteRound, crm.NoteMeeting:
		l.Text = n.Outcome
	case crm.NoteEnrolled, crm.NoteNotEnrolled, crm.NoteDeferred, crm.NoteWaiting, crm.NotePaused, crm.NoteGoal, crm.NoteProblem,
		crm.NoteMigrated, crm.NoteResent, crm.NoteSettled:
	}
}

// accepted makes the line of a planned message that of one that was sent.
func (p *player) accepted(m *crm.Message) {
	at, ok := p.unsettled[m.ID]
	if !ok {
		return
	}
	delete(p.unsettled, m.ID)
	l := &p.lines[at]
	l.At, l.Zone, l.Kind, l.Listed = p.clock, p.zone(), LineKind(m.Channel), true
	switch {
	case m.Calendar == crm.CalendarRequest:
		l.Kind = LineKind(dsl.ExpectInvitation)
		return
	case m.Calendar == crm.CalendarCancel:
		l.Kind = LineKind(dsl.ExpectCancellation)
		return
	case m.Recipient != "" && p.set.Templates[m.Template] == nil: // one of Rapport's own
		l.Kind = LineKind(dsl.ExpectScorecard)
		return
	}
	if pc, ok := p.set.Programs[m.Definition].Find(m.Step); ok && p.set.Programs[m.Definition].Code[pc].Op == dsl.OpSurvey {
		l.Kind = LineKind(dsl.ExpectSurvey)
	}
}

// checked notes what the last check said of a message that does not go.
func (p *player) checked(m *crm.Message, v dsl.Clearance) {
	at, ok := p.unsettled[m.ID]
	if ok && (v.State == crm.MessageSkipped || v.State == crm.MessageExpired) {
		p.notSent(at, v.Reason)
		delete(p.unsettled, m.ID)
	}
}

func (p *player) notSent(at int, reason string) {
	l := &p.lines[at]
	l.At, l.Zone, l.Kind, l.Listed, l.Reason = p.clock, p.zone(), LineKind(dsl.ExpectSkipped), true, reason
	if l.Step != "" {
		l.Names = append(l.Names, l.Step)
	}
}

// timeline puts the lines in order: by time, and at the same time as they were decided.
func (p *player) timeline() *Timeline {
	lines := slices.Clone(p.lines)
	slices.SortStableFunc(lines, func(a, b Line) int { return a.At.Compare(b.At) })
	return &Timeline{
		Lines: lines, Runs: p.store.Enrollments(p.id), Messages: p.store.Messages(p.id), Zone: p.zone(), End: p.clock,
	}
}
