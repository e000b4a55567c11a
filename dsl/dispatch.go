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
	ReasonNotInPool      = "not_in_pool"
	ReasonPanic          = "internal_error"
)

// Dispatch decides what becomes of a candidate's new events, in the order of their arrival: positions, applications, runs to
// wake, runs to begin, and why others do not begin. It is a pure function, as Next is.
func Dispatch(set *Set, in *crm.Inbox, now time.Time) *crm.Dispatched {
	d := &dispatch{set: set, in: in, now: now, position: in.Position, wake: map[string]bool{}}
	d.facts = crm.Facts{
		Candidate: in.Candidate, Consents: in.Consents, Applications: slices.Clone(in.Applications),
		Enrolled: slices.Clone(in.Enrolled), Pools: slices.Clone(in.Pools),
	}
	d.runs = slices.Clone(in.Runs)
	d.out = &crm.Dispatched{SetAside: map[string]string{}, Goals: map[string]crm.Event{}}
	for i := range in.Events {
		d.event(in.Events[i])
	}
	d.review()
	d.out.Wake = slices.Sorted(maps.Keys(d.wake))
	return d.out
}

// Mentions tells whether anything of the set but its runs is about an event type: an enrollment rule, a goal, a measure, a
// pool, the score. Runs that listen to it say so themselves.
func (s *Set) Mentions(eventType string) bool {
	for _, p := range s.Programs {
		if slices.ContainsFunc(p.Enroll, func(r *Rule) bool { return slices.Contains(r.On, eventType) }) {
			return true
		}
		if p.Goal != nil && slices.Contains(p.Goal.Match.On, eventType) {
			return true
		}
		if slices.ContainsFunc(p.Code, func(in Instr) bool { return in.measures(eventType) }) {
			return true
		}
	}
	for _, pool := range s.Pools {
		if pool.When != nil && slices.Contains(pool.When.Events, eventType) {
			return true
		}
	}
	return s.Workspace.points(eventType) != 0
}

func (in *Instr) measures(eventType string) bool {
	return in.Experiment != nil && in.Experiment.Measure != nil && slices.Contains(in.Experiment.Measure.On, eventType)
}

type dispatch struct {
	set      *Set
	in       *crm.Inbox
	now      time.Time
	facts    crm.Facts
	runs     []crm.Enrollment
	position int64
	wake     map[string]bool
	stale    bool // something happened that pools may look at
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
	d.score(&e)
	d.stale = d.stale || d.concernsPools(&e)
	if e.RecordOnly || e.Machine() {
		return
	}
	if e.Type == "pool.left" {
		d.endRuns(crm.OutcomeLeft, func(run *crm.Enrollment) bool { return run.Pool != "" && run.Pool == e.Text("pool") })
	}
	d.wakes(&e)
	d.goals(&e)
	d.measures(&e)
	d.enroll(&e)
}

// control applies what a person told a run to do.
func (d *dispatch) control(e *crm.Event) {
	switch e.Type {
	case crm.ControlEnroll:
		d.enrollByHand(e)
	case crm.ControlMember:
		d.enrollMember(e)
	case crm.ControlEnded:
		d.wakes(e)
	case crm.ControlPools:
		d.stale = true
	case crm.ControlLeave:
		d.endRuns(crm.OutcomeLeft, func(run *crm.Enrollment) bool { return run.Definition == e.Text("definition") })
	case crm.ControlStop:
		d.endRuns(crm.OutcomeStopped, func(run *crm.Enrollment) bool { return run.ID == e.Text("enrollment") })
	case crm.ControlPause, crm.ControlResume:
		for i := range d.runs {
			if run := &d.runs[i]; run.ID == e.Text("enrollment") && run.Open() {
				run.Paused = e.Type == crm.ControlPause
				d.controlled(run)
			}
		}
	}
}

// endRuns asks open runs to end.
func (d *dispatch) endRuns(outcome string, which func(*crm.Enrollment) bool) {
	for i := range d.runs {
		if run := &d.runs[i]; run.Open() && run.Ending == "" && which(run) {
			run.Ending = outcome
			d.controlled(run)
		}
	}
}

func (d *dispatch) controlled(run *crm.Enrollment) {
	d.out.Controls = append(d.out.Controls, crm.ControlledRun{EnrollmentID: run.ID, Paused: run.Paused, Ending: run.Ending})
	d.wake[run.ID] = true
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
	if manager := e.Text("hiring_manager"); manager != "" {
		app.Manager = crm.NormalAddress(crm.Email, manager)
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
	if crm.CandidateOriginated(e.Type) && !e.Machine() && e.Time.After(c.LastActivityAt) {
		c.LastActivityAt, out.LastActivityAt = e.Time, e.Time
		d.changed("last_activity_at")
	}
	if (e.Type == "application.rejected" || e.Type == "application.hired") && e.Time.After(c.LastDecisionAt) {
		c.LastDecisionAt, out.LastDecisionAt = e.Time, e.Time
		d.changed("last_decision_at")
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

// changed wakes the runs that look at a field which an event has changed by itself.
func (d *dispatch) changed(field string) {
	d.stale = true
	for i := range d.runs {
		if run := &d.runs[i]; run.Open() && slices.Contains(run.Awaits, "changed:"+field) {
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
		if !p.Goal.Within.IsZero() && e.ReceivedAt.After(within) || !d.meets(p, p.Goal.Match, run, e) {
			continue
		}
		run.GoalAt = e.ReceivedAt
		d.out.Goals[run.ID] = *e
	}
}

// measures notes the runs, also ended ones, that meet the measure of an experiment they have an arm of.
func (d *dispatch) measures(e *crm.Event) {
	for i := range d.runs {
		run := &d.runs[i]
		p := d.set.Programs[run.Definition]
		if p == nil || e.Position <= run.Position {
			continue
		}
		for j := range p.Code {
			in := &p.Code[j]
			state, taken := run.Progress.Steps[in.ID]
			if !in.measures(e.Type) || !taken || e.Position <= state.Position || !d.meets(p, in.Experiment.Measure, run, e) {
				continue
			}
			within := in.Experiment.Within.Add(state.At, ZoneOf(&d.facts.Candidate, d.set.Workspace), d.set.Workspace.Calendar)
			if in.Experiment.Within.IsZero() || !e.ReceivedAt.After(within) {
				d.out.Measured = append(d.out.Measured, crm.Measured{EnrollmentID: run.ID, Step: in.ID, At: e.ReceivedAt})
			}
		}
	}
}

// meets tells whether an event is one that a match about a run is about, where nobody waits for it.
func (d *dispatch) meets(p *Program, m *Match, run *crm.Enrollment, e *crm.Event) bool {
	if !slices.Contains(m.On, e.Type) || e.Text("by") == run.ID {
		return false
	}
	if strings.HasPrefix(e.Type, "message.") {
		if e.EnrollmentID != run.ID || m.Step != "" && !p.inside(e.Step, m.Step) {
			return false
		}
	}
	if app := namedApplication(d.facts.Applications, e); p.PerApp && app != nil && app.ID != run.ApplicationID {
		return false
	}
	return m.When == nil || m.When.Eval(d.env(p, e)).Value
}

func (d *dispatch) env(p *Program, e *crm.Event) *Env {
	return &Env{
		Now: d.now, Facts: &d.facts, Event: e, Application: namedApplication(d.facts.Applications, e),
		Program: p, Workspace: d.set.Workspace,
	}
}
