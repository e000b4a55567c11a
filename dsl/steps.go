package dsl

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// send plans a message, or says why not, or waits until it may.
func (r *run) send(in *Instr) (next int, done bool) {
	if in.Send.To != "" {
		return r.sendPanel(in)
	}
	if r.at.Begun {
		return r.sent(in, r.at.Steps[in.ID])
	}
	template, left := r.unread(in.Send)
	if !left {
		r.note(crm.Note{Kind: crm.NoteSkipped, Step: in.ID, Reason: ReasonAllHad})
		return r.record(in, crm.OutcomeSkipped, crm.StepState{}), true
	}
	if r.moot() {
		r.note(crm.Note{Kind: crm.NoteSkipped, Step: in.ID, Reason: ReasonMoot})
		return r.record(in, crm.OutcomeSkipped, crm.StepState{}), true
	}
	limit := r.latest(in)
	if r.now.After(limit) {
		r.note(crm.Note{Kind: crm.NoteSkipped, Step: in.ID, Reason: ReasonTooLate, Until: limit})
		return r.record(in, crm.OutcomeSkipped, crm.StepState{}), true
	}
	v := Permit(r.ws, &r.f, r.intent(in), r.now)
	switch {
	case v.Skip != "":
		r.note(crm.Note{Kind: crm.NoteSkipped, Step: in.ID, Reason: v.Skip})
		return r.record(in, crm.OutcomeSkipped, crm.StepState{}), true
	case !v.NotBefore.IsZero() && !in.Send.By.IsZero() && v.NotBefore.After(limit):
		r.note(crm.Note{Kind: crm.NoteSkipped, Step: in.ID, Reason: ReasonTooLate, Until: limit, Result: v.Reason})
		return r.record(in, crm.OutcomeSkipped, crm.StepState{}), true
	case !v.NotBefore.IsZero():
		return r.deferSend(in, v)
	}
	return r.plan(in, template)
}

// unread is the message of the step that goes now: of a list, the first that the candidate has not had. It is false when
// they have had all.
func (r *run) unread(s *Send) (template string, left bool) {
	if len(s.Use) == 1 {
		return s.Use[0], true
	}
	for _, name := range s.Use {
		if !slices.Contains(r.f.Had, name) {
			return name, true
		}
	}
	return "", len(s.Use) == 0
}

// latest is the last moment at which the step may still send: `by`, from when it was reached; what is about an interview that
// is to come, not after that has begun.
func (r *run) latest(in *Instr) time.Time {
	if in.Send.By.IsZero() {
		last := r.now.Add(sendWithin)
		if m := r.current(); m != nil && m.StartsAt.After(r.now) && m.StartsAt.Before(last) {
			return m.StartsAt
		}
		return last
	}
	return in.Send.By.Add(r.at.Reached, r.loc, r.ws.Calendar)
}

func (r *run) intent(in *Instr) Intent {
	occurrence := strconv.Itoa(r.at.Steps[in.ID].Occurrence + 1)
	return r.p.Intent(in.Send, r.f.Enrollment.ID+"/"+in.ID+"/"+occurrence)
}

// Intent returns what the rules of sending need to know of a send step.
func (p *Program) Intent(s *Send, seed string) Intent {
	window := s.Window
	if window == nil {
		window = p.Window
	}
	return Intent{Channel: s.Channel, Purpose: p.Purpose, Window: window, Limit: p.Limit, Seed: seed, Request: AboutRequests(p.Name)}
}

func (r *run) deferSend(in *Instr, v Verdict) (int, bool) {
	if r.at.Deferred != v.Reason || !r.at.NotBefore.Equal(v.NotBefore) {
		r.note(crm.Note{Kind: crm.NoteDeferred, Step: in.ID, Reason: v.Reason, Until: v.NotBefore})
	}
	r.at.NotBefore, r.at.Deferred = v.NotBefore, v.Reason
	r.d.Awaits = append(r.d.Awaits, zoneFields()...)
	if v.Reason == ReasonPaused {
		r.d.Awaits = append(r.d.Awaits, crm.EventPaused, crm.EventResumed)
	}
	if r.p.Loop != nil {
		r.d.Awaits = append(r.d.Awaits, meetingEvents()...)
	}
	return r.sleep(v.NotBefore, fmt.Sprintf("%s: deferred by %s until %s", in.ID, v.Reason, clockText(v.NotBefore)),
		fmt.Sprintf("**%s** is deferred by *%s* until %s.", in.ID, v.Reason, clockText(v.NotBefore)))
}

// plan hands the message to the sender. It reserves its place under the caps from now on.
func (r *run) plan(in *Instr, template string) (int, bool) {
	occurrence := r.at.Steps[in.ID].Occurrence + 1
	e := &r.f.Enrollment
	m := crm.Message{
		ID:          crm.DeriveID(crm.PrefixMessage, r.now, e.ID, in.ID, strconv.Itoa(occurrence)),
		CandidateID: e.CandidateID, EnrollmentID: e.ID, Definition: r.p.Name, Hash: r.p.Hash,
		Step: in.ID, Occurrence: occurrence, Channel: in.Send.Channel, Purpose: r.p.Purpose, Template: template,
		Priority: r.p.priority(), State: crm.MessagePlanned, PlannedAt: r.now, NotBefore: r.now, NotAfter: r.latest(in),
	}
	if about := r.current(); about != nil {
		m.MeetingID, m.Appointment = about.ID, appointment(about)
	}
	r.d.Messages = append(r.d.Messages, m)
	r.f.Messages = append(r.f.Messages, m)
	if template != "" {
		r.f.Had = append(r.f.Had, template)
	}
	if m.Counts() {
		r.f.Sends = append(r.f.Sends, crm.Send{At: r.now, Definition: r.p.Name})
	}
	r.note(crm.Note{Kind: crm.NotePlanned, Step: in.ID, MessageID: m.ID, Text: m.Template})
	r.at.Begun = true
	r.clock = r.now // what follows counts from here, not from the wait before
	r.at.Steps[in.ID] = crm.StepState{At: r.now, Position: r.f.Position, Occurrence: occurrence, MessageID: m.ID}
	r.at.LastMessage = m.ID
	if in.Op == OpSurvey {
		return r.survey(in)
	}
	return r.sent(in, r.at.Steps[in.ID])
}

// priority orders the sender's queue: transactional mail goes first.
func (p *Program) priority() int {
	if p.Transactional() {
		return 1
	}
	return 5
}

// sent goes on once the fate of a planned message is known, where the step has branches for it.
func (r *run) sent(in *Instr, planned crm.StepState) (int, bool) {
	if len(in.Then) == 0 {
		return in.Next, true
	}
	outcome := r.fate(planned.MessageID)
	if outcome == "" {
		return 0, r.awaitSettled(in)
	}
	planned.Outcome = outcome
	r.at.Steps[in.ID] = planned
	r.at.LastMessage = planned.MessageID
	r.note(crm.Note{Kind: crm.NoteBranch, Step: in.ID, Outcome: outcome, MessageID: planned.MessageID})
	return in.After(outcome), true
}

// fate is the outcome of a message of this run, "" while it is open.
func (r *run) fate(messageID string) string {
	for i := range r.f.Messages {
		if r.f.Messages[i].ID == messageID {
			return r.f.Messages[i].Outcome()
		}
	}
	return crm.OutcomeFailed
}

// unsettled tells whether a condition looks at a step whose message's fate is open: it has to wait for it.
func (r *run) unsettled(c *Condition) bool {
	if c == nil {
		return false
	}
	for _, step := range c.Steps {
		if s := r.at.Steps[step]; s.MessageID != "" && r.fate(s.MessageID) == "" {
			return true
		}
	}
	return false
}

// awaitSettled waits until the sender has settled the message. The sender expires what it cannot send, so this ends.
func (r *run) awaitSettled(in *Instr) bool {
	r.d.Awaits = append(r.d.Awaits, crm.AwaitSettled)
	r.sleep(time.Time{}, in.ID+": until the message is sent", "**"+in.ID+"** waits until the message is sent.")
	return false
}

func (r *run) task(in *Instr) (int, bool) {
	if r.at.Begun {
		return r.taskDone(in)
	}
	occurrence := r.at.Steps[in.ID].Occurrence + 1
	e := &r.f.Enrollment
	assignee := in.Task.Assign
	if assignee == "owner" || assignee == "" {
		assignee = r.owner()
	}
	title, err := in.Task.Title.Render(r.vars(assignee))
	if err != nil {
		title = in.Task.Title.Source
		r.note(crm.Note{Kind: crm.NoteProblem, Step: in.ID, Reason: "template", Text: "the title could not be rendered"})
	}
	t := crm.Task{
		ID:          crm.DeriveID(crm.PrefixTask, r.now, e.ID, in.ID, strconv.Itoa(occurrence)),
		CandidateID: e.CandidateID, EnrollmentID: e.ID, Definition: r.p.Name, Step: in.ID, Occurrence: occurrence,
		Title: title, Assignee: assignee, Via: in.Task.Via, State: crm.TaskOpen, CreatedAt: r.now,
	}
	if !in.Task.Due.IsZero() {
		t.DueAt = in.Task.Due.Add(r.now, r.loc, r.calendar())
	}
	r.d.Tasks = append(r.d.Tasks, t)
	r.note(crm.Note{Kind: crm.NoteTask, Step: in.ID, Until: t.DueAt, Text: t.Title})
	if !in.Task.Wait {
		return r.record(in, outcomeCreated, crm.StepState{TaskID: t.ID}), true
	}
	r.at.Begun = true
	r.at.Steps[in.ID] = crm.StepState{At: r.now, Position: r.f.Position, Occurrence: occurrence, TaskID: t.ID}
	return r.taskDone(in)
}

// taskDone goes on when the person has done the task, or when the step has waited long enough: then the task stays open.
func (r *run) taskDone(in *Instr) (int, bool) {
	state := r.at.Steps[in.ID]
	due := in.Task.Timeout.Add(r.at.Anchor, r.loc, r.calendar())
	for i := range r.f.Events {
		e := &r.f.Events[i]
		if e.Type != eventTaskDone || e.Text("task") != state.TaskID || !in.Task.Timeout.IsZero() && e.ReceivedAt.After(due) {
			continue
		}
		n := eventNote(e)
		n.Kind, n.Step, n.Outcome = crm.NoteBranch, in.ID, in.Task.outcome(e.Text("outcome"))
		r.note(n)
		return r.conclude(in, n.Outcome), true
	}
	if !in.Task.Timeout.IsZero() && !due.After(r.now) {
		r.clock = due
		r.note(crm.Note{Kind: crm.NoteBranch, Step: in.ID, Outcome: OutcomeTimeout})
		return r.conclude(in, OutcomeTimeout), true
	}
	r.d.Awaits = append(r.d.Awaits, eventTaskDone)
	if in.Task.Timeout.IsZero() {
		due = time.Time{}
	} else {
		r.awaitZone(in.Task.Timeout)
	}
	return r.sleepAt(in, due, "the task")
}

// outcome is how a task ended, in the step's words: of what a person wrote that the step does not know, the first.
func (t *Task) outcome(word string) string {
	ends := t.ends()
	if word != OutcomeTimeout && slices.Contains(ends, word) {
		return word
	}
	return ends[0]
}

// conclude ends a step that has its state already.
func (r *run) conclude(in *Instr, outcome string) int {
	s := r.at.Steps[in.ID]
	s.Outcome, s.At, s.Position = outcome, r.now, r.f.Position
	r.at.Steps[in.ID] = s
	return in.After(outcome)
}

// sleepAt waits at an instruction for something that has a name, until a time if there is one. The timeline says so once,
// and again when the time moves.
func (r *run) sleepAt(in *Instr, due time.Time, what string) (int, bool) {
	if !r.at.NotBefore.Equal(due) || r.at.Deferred != what {
		r.note(crm.Note{Kind: crm.NoteWaiting, Step: in.ID, Until: due, Text: what})
		r.at.NotBefore, r.at.Deferred = due, what
	}
	until := ""
	if !due.IsZero() {
		until = ", or until " + clockText(due)
	}
	return r.sleep(due, in.ID+": "+what+until, "**"+in.ID+"**: "+what+until+".")
}

// owner is the candidate's recruiter, else the definition's owner.
func (r *run) owner() string {
	if r.f.Candidate.Owner != "" {
		return r.f.Candidate.Owner
	}
	return r.p.Owner
}

// calendar counts business days: the sequence's window, else the workspace's calendar.
func (r *run) calendar() *Calendar {
	if r.p.Window != nil {
		return r.p.Window
	}
	return r.ws.Calendar
}

func (r *run) choose(in *Instr) (int, bool) {
	for i := range in.Choose.Arms {
		arm := &in.Choose.Arms[i]
		if r.unsettled(arm.If) {
			return 0, r.awaitSettled(in)
		}
		res := arm.If.Eval(&r.env)
		if res.Value || res.Problem != "" {
			r.note(crm.Note{
				Kind: crm.NoteBranch, Step: in.ID, Outcome: strconv.Itoa(i + 1), Expression: arm.If.Source, Result: resultText(res),
			})
		}
		if res.Value {
			return arm.Go, true
		}
	}
	r.note(crm.Note{Kind: crm.NoteBranch, Step: in.ID, Outcome: "else"})
	return in.Next, true
}

// zoneFields are the candidate's fields that decide their zone: a change re-aims what is counted in local time.
func zoneFields() []string {
	return []string{"changed:time_zone", "changed:country", "changed:region"}
}

// clockText writes a time for engineers. It is in UTC: a zone would say where a candidate lives.
func clockText(t time.Time) string { return t.UTC().Format("Mon 2 Jan 15:04 UTC") }

// title joins branch names for people: "clicked, replied".
func title(branches []Branch) string {
	names := make([]string, len(branches))
	for i := range branches {
		names[i] = branches[i].Name
	}
	return strings.Join(names, " or ")
}
