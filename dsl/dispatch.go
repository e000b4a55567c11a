package dsl

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// Reasons why an event enrolls nobody.
const (
	ReasonAlreadyRunning = "already_running"
	ReasonReenroll       = "reenroll" // a run ended too recently, or there may be only one
	ReasonNoApplication  = "no_application"
	ReasonNoSequence     = "no_sequence"
	ReasonPanic          = "internal_error"
)

// Dispatch decides what becomes of a candidate's new events, in the order of their arrival: positions, applications, runs to
// wake, runs to begin, and why others do not begin. It is a pure function, as Next is.
func Dispatch(set *Set, in *crm.Inbox, now time.Time) *crm.Dispatched {
	d := &dispatch{set: set, in: in, now: now, position: in.Position, wake: map[string]bool{}}
	d.facts = crm.Facts{
		Candidate: in.Candidate, Consents: in.Consents, Applications: slices.Clone(in.Applications),
		Enrolled: slices.Clone(in.Enrolled), Pools: in.Pools,
	}
	d.runs = slices.Clone(in.Runs)
	d.out = &crm.Dispatched{SetAside: map[string]string{}, Goals: map[string]crm.Event{}}
	for i := range in.Events {
		d.event(in.Events[i])
	}
	d.out.Wake = slices.Sorted(maps.Keys(d.wake))
	return d.out
}

// Mentions tells whether an enrollment rule or a goal of the set is about an event type. Runs that listen to it say so
// themselves.
func (s *Set) Mentions(eventType string) bool {
	for _, p := range s.Programs {
		matches := p.Enroll
		if p.Goal != nil {
			matches = append(slices.Clone(matches), p.Goal.Match)
		}
		if slices.ContainsFunc(matches, func(m *Match) bool { return slices.Contains(m.On, eventType) }) {
			return true
		}
	}
	return false
}

type dispatch struct {
	set      *Set
	in       *crm.Inbox
	now      time.Time
	facts    crm.Facts
	runs     []crm.Enrollment
	position int64
	wake     map[string]bool
	out      *crm.Dispatched
}

func (d *dispatch) event(e crm.Event) {
	d.position++
	e.Position = d.position
	d.out.Events = append(d.out.Events, e)
	d.facts.Position = d.position
	before, runs := *d.out, len(d.runs)
	defer func() {
		if broken := recover(); broken != nil { // a poison event keeps its place in the order and blocks nobody
			events := d.out.Events
			*d.out, d.runs = before, d.runs[:runs]
			d.out.Events = events
			d.out.SetAside[e.ID] = ReasonPanic
		}
	}()
	if e.Source == crm.SourceControl {
		d.control(&e)
		return
	}
	d.application(&e)
	d.activity(&e)
	if e.RecordOnly {
		return
	}
	d.wakes(&e)
	d.goals(&e)
	d.enroll(&e)
}

// control applies what a person told a run to do.
func (d *dispatch) control(e *crm.Event) {
	if e.Type == crm.ControlEnroll {
		d.enrollByHand(e)
		return
	}
	for i := range d.runs {
		run := &d.runs[i]
		if run.ID != e.Text("enrollment") || !run.Open() {
			continue
		}
		switch e.Type {
		case crm.ControlPause:
			run.Paused = true
		case crm.ControlResume:
			run.Paused = false
		case crm.ControlStop:
			run.StopRequested = true
		}
		d.out.Controls = append(d.out.Controls, crm.ControlledRun{EnrollmentID: run.ID, Paused: run.Paused, Stop: run.StopRequested})
		d.wake[run.ID] = true
	}
}

// application folds what an event says about an application into it, creating it where it is new.
func (d *dispatch) application(e *crm.Event) {
	name := e.Text("application")
	if name == "" || !strings.HasPrefix(e.Type, "application.") {
		return
	}
	app := namedApplication(d.facts.Applications, e)
	if app == nil {
		d.facts.Applications = append(d.facts.Applications, crm.Application{
			ID:         crm.DeriveID(crm.PrefixApplication, d.now, e.CandidateID, name),
			ExternalID: name, CandidateID: e.CandidateID, Status: crm.ApplicationOpen,
		})
		app = &d.facts.Applications[len(d.facts.Applications)-1]
	}
	for field, target := range map[string]*string{
		"role": &app.Role, "role_function": &app.RoleFunction, "stage": &app.Stage, "reason": &app.Reason, "source": &app.Source,
	} {
		if v := e.Text(field); v != "" {
			*target = v
		}
	}
	switch e.Type {
	case "application.submitted":
		app.AppliedAt, app.Status, app.ClosedAt = e.Time, crm.ApplicationOpen, time.Time{}
	case "application.rejected":
		app.Status, app.ClosedAt = crm.ApplicationRejected, e.Time
	case "application.withdrawn":
		app.Status, app.ClosedAt = crm.ApplicationWithdrawn, e.Time
	case "application.hired":
		app.Status, app.ClosedAt = crm.ApplicationHired, e.Time
	}
	id := app.ID
	d.out.Applications = slices.DeleteFunc(d.out.Applications, func(a crm.Application) bool { return a.ID == id })
	d.out.Applications = append(d.out.Applications, *app)
}

func (d *dispatch) activity(e *crm.Event) {
	c, out := &d.facts.Candidate, &d.out.Candidate
	if crm.CandidateOriginated(e.Type) && e.Text("text_kind") != "machine" && e.Time.After(c.LastActivityAt) {
		c.LastActivityAt, out.LastActivityAt = e.Time, e.Time
	}
	if (e.Type == "application.rejected" || e.Type == "application.hired") && e.Time.After(c.LastDecisionAt) {
		c.LastDecisionAt, out.LastDecisionAt = e.Time, e.Time
	}
}

// wakes marks the open runs that await the event. A wake-up carries no facts: the run looks for itself.
func (d *dispatch) wakes(e *crm.Event) {
	for i := range d.runs {
		run := &d.runs[i]
		if !run.Open() || run.Position >= e.Position || d.wake[run.ID] {
			continue
		}
		if strings.HasPrefix(e.Type, "message.") && e.EnrollmentID != run.ID {
			continue
		}
		if slices.Contains(run.Awaits, e.Type) || changedAwaited(run, e) {
			d.wake[run.ID] = true
		}
	}
}

// changedAwaited tells whether the event changes a field of the candidate that a condition of the run reads.
func changedAwaited(run *crm.Enrollment, e *crm.Event) bool {
	if e.Type != "candidate.updated" {
		return false
	}
	fields, _ := e.Data["changed"].([]any)
	for _, f := range fields {
		if name, ok := f.(string); ok && slices.Contains(run.Awaits, "changed:"+name) {
			return true
		}
	}
	return false
}

// goals notes the runs, also ended ones, whose goal the event reaches.
func (d *dispatch) goals(e *crm.Event) {
	for i := range d.runs {
		run := &d.runs[i]
		p := d.set.Programs[run.Definition]
		if p == nil || p.Goal == nil || !run.GoalAt.IsZero() || e.Position <= run.Position {
			continue
		}
		within := p.Goal.Within.Add(run.StartedAt, ZoneOf(&d.facts.Candidate, d.set.Workspace), d.set.Workspace.Calendar)
		if e.ReceivedAt.After(within) || !slices.Contains(p.Goal.Match.On, e.Type) {
			continue
		}
		if m := p.Goal.Match; m.When != nil && !m.When.Eval(d.env(p, e)).Value {
			continue
		}
		run.GoalAt = e.ReceivedAt
		d.out.Goals[run.ID] = *e
	}
}

func (d *dispatch) env(p *Program, e *crm.Event) *Env {
	return &Env{
		Now: d.now, Facts: &d.facts, Event: e, Application: namedApplication(d.facts.Applications, e),
		Program: p, Workspace: d.set.Workspace,
	}
}

// enroll looks at the enrollment rules of every sequence.
func (d *dispatch) enroll(e *crm.Event) {
	for _, name := range slices.Sorted(maps.Keys(d.set.Programs)) {
		p := d.set.Programs[name]
		for _, m := range p.Enroll {
			if slices.Contains(m.On, e.Type) && d.rule(p, m, e) {
				break
			}
		}
	}
}

// rule tries one enrollment rule on an event of its types. It returns whether the rule spoke: another one need not be tried.
func (d *dispatch) rule(p *Program, m *Match, e *crm.Event) bool {
	n := eventNote(e)
	if m.When != nil {
		res := m.When.Eval(d.env(p, e))
		n.Expression, n.Result = m.When.Source, resultText(res)
		if !res.Value {
			d.refuse(p, n, ReasonCondition)
			return false
		}
	}
	app := namedApplication(d.facts.Applications, e)
	if p.PerApp && app == nil {
		d.refuse(p, n, ReasonNoApplication)
		return true
	}
	if reason := d.blocked(p, app, true); reason != "" {
		d.refuse(p, n, reason)
		return true
	}
	d.begin(p, app, e, n)
	return true
}

// enrollByHand enrolls because a person said so: conditions and the time between runs do not apply, one run at a time does.
func (d *dispatch) enrollByHand(e *crm.Event) {
	n := eventNote(e)
	p := d.set.Programs[e.Text("definition")]
	if p == nil {
		n.Kind, n.Reason = crm.NoteNotEnrolled, ReasonNoSequence
		d.record(crm.Record{Definition: e.Text("definition"), Notes: []crm.Note{n}})
		return
	}
	app := namedApplication(d.facts.Applications, e)
	if p.PerApp && app == nil {
		d.refuse(p, n, ReasonNoApplication)
		return
	}
	if reason := d.blocked(p, app, false); reason != "" {
		d.refuse(p, n, reason)
		return
	}
	n.Text = "by hand"
	d.begin(p, app, e, n)
}

// blocked says why a new run of the sequence may not begin, or "": one is running, or the last one ended too recently.
func (d *dispatch) blocked(p *Program, app *crm.Application, reenroll bool) string {
	var last time.Time
	ran := false
	for i := range d.runs {
		run := &d.runs[i]
		if run.Definition != p.Name || (p.PerApp && run.ApplicationID != app.ID) {
			continue
		}
		if run.Open() {
			return ReasonAlreadyRunning
		}
		ran = true
		if run.ClosedAt.After(last) {
			last = run.ClosedAt
		}
	}
	if !ran || !reenroll {
		return ""
	}
	if p.Reenroll.Never {
		return ReasonReenroll
	}
	if d.now.Before(p.Reenroll.After.Add(last, ZoneOf(&d.facts.Candidate, d.set.Workspace), d.set.Workspace.Calendar)) {
		return ReasonReenroll
	}
	return ""
}

func (d *dispatch) refuse(p *Program, n crm.Note, reason string) {
	n.Kind, n.Reason = crm.NoteNotEnrolled, reason
	d.record(crm.Record{Definition: p.Name, Hash: p.Hash, Notes: []crm.Note{n}})
}

func (d *dispatch) record(r crm.Record) {
	r.CandidateID, r.At = d.in.Candidate.ID, d.now
	d.out.Records = append(d.out.Records, r)
}

// begin adds the enrollment. Its workflow is started by the relay once this is committed.
func (d *dispatch) begin(p *Program, app *crm.Application, e *crm.Event, n crm.Note) {
	run := crm.Enrollment{
		ID:         crm.DeriveID(crm.PrefixEnrollment, d.now, e.ID, p.Name, d.in.Candidate.ID),
		Definition: p.Name, Hash: p.Hash, CandidateID: d.in.Candidate.ID, N: 1,
		Status: crm.EnrollmentStarting, StartedAt: d.now, Position: d.position, Listens: p.Listens,
	}
	if p.PerApp {
		run.ApplicationID = app.ID
	}
	if e.Source != crm.SourceControl {
		kept := *e
		run.Event = &kept
	}
	for i := range d.runs {
		if d.runs[i].Definition == p.Name {
			run.N = max(run.N, d.runs[i].N+1)
		}
	}
	d.runs = append(d.runs, run)
	d.facts.Enrolled = append(d.facts.Enrolled, p.Name)
	d.out.Enrollments = append(d.out.Enrollments, run)
	n.Kind = crm.NoteEnrolled
	d.record(crm.Record{Definition: p.Name, Hash: p.Hash, EnrollmentID: run.ID, Notes: []crm.Note{n}})
}
