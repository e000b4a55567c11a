package dsl

import (
	"maps"
	"slices"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// enroll looks at the enrollment rules of every sequence.
func (d *dispatch) enroll(e *crm.Event) {
	for _, name := range slices.Sorted(maps.Keys(d.set.Programs)) {
		p := d.set.Programs[name]
		for _, rule := range p.Enroll {
			if rule.about(e) && d.rule(p, rule, e) {
				break
			}
		}
	}
}

// about tells whether an event is of a kind that the rule looks at.
func (r *Rule) about(e *crm.Event) bool {
	switch {
	case !r.At.IsZero():
		return false
	case r.In != "" && len(r.On) == 0:
		return e.Type == "pool.entered" && e.Text("pool") == r.In
	}
	return slices.Contains(r.On, e.Type)
}

// rule tries one enrollment rule on an event of its types. It returns whether the rule spoke: another one need not be tried.
func (d *dispatch) rule(p *Program, m *Rule, e *crm.Event) bool {
	n := eventNote(e)
	if m.In != "" && len(m.On) > 0 && !slices.Contains(d.facts.Pools, m.In) {
		n.Text = m.In
		d.refuse(p, n, ReasonNotInPool)
		return false
	}
	if !d.holds(p, m, e, &n) {
		d.refuse(p, n, ReasonCondition)
		return false
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
	pool := ""
	if len(m.On) == 0 {
		pool = m.In
	}
	d.begin(p, app, e, n, pool)
	return true
}

// holds tells whether a rule's condition holds on an event, and notes what it came to.
func (d *dispatch) holds(p *Program, m *Rule, e *crm.Event, n *crm.Note) bool {
	if m.When == nil {
		return true
	}
	res := m.When.Eval(d.env(p, e))
	n.Expression, n.Result = m.When.Source, resultText(res)
	return res.Value
}

// enrollMember enrolls a member of a pool: one who was in it when the sequence was published, or at a campaign's date. Each
// date is a new run, however long ago the last one was.
func (d *dispatch) enrollMember(e *crm.Event) {
	n := eventNote(e)
	p, pool, date := d.set.Programs[e.Text("definition")], e.Text("pool"), e.Text("date")
	n.Text = pool
	if p == nil {
		return // it was withdrawn in the meantime
	}
	if !slices.Contains(d.facts.Pools, pool) {
		d.refuse(p, n, ReasonNotInPool)
		return
	}
	for _, m := range p.Enroll {
		if m.In != pool || len(m.On) > 0 || !m.isFor(d.set.Workspace, date) {
			continue
		}
		if !d.holds(p, m, e, &n) {
			d.refuse(p, n, ReasonCondition)
			return
		}
		if reason := d.blocked(p, nil, date == ""); reason != "" {
			d.refuse(p, n, reason)
			return
		}
		if date != "" {
			pool = ""
		}
		d.begin(p, nil, e, n, pool)
		return
	}
}

// enrollByHand enrolls because a person said so: conditions and the time between runs do not apply, one run at a time does.
// Where a step of another run says so, the time between runs applies as well.
func (d *dispatch) enrollByHand(e *crm.Event) {
	n := eventNote(e)
	p := d.set.Programs[e.Text("definition")]
	if p == nil {
		n.Kind, n.Reason = crm.NoteNotEnrolled, ReasonNoSequence
		d.record(crm.Record{Definition: e.Text("definition"), Notes: []crm.Note{n}})
		d.never(e)
		return
	}
	app := namedApplication(d.facts.Applications, e)
	if p.PerApp && app == nil {
		d.refuse(p, n, ReasonNoApplication)
		return
	}
	byRun := crm.HasPrefix(e.Text("by"), crm.PrefixEnrollment)
	if reason := d.blocked(p, app, byRun); reason != "" {
		d.refuse(p, n, reason)
		return
	}
	n.Text = "by hand"
	if byRun {
		n.Text = "by a step of another run"
	}
	d.begin(p, app, e, n, "")
}

// never tells a run that has asked for an interview, and waits for its end, that there will be none: it was withdrawn meanwhile.
func (d *dispatch) never(asked *crm.Event) {
	if !crm.HasPrefix(asked.Text("by"), crm.PrefixEnrollment) {
		return
	}
	id := crm.DeriveID(crm.PrefixEvent, d.now, asked.ID, crm.ControlEnded)
	data := map[string]any{"definition": asked.Text("definition"), "outcome": crm.RoundCancelled}
	if app := asked.Text("application"); app != "" {
		data["application"] = app
	}
	d.out.New = append(d.out.New, crm.Event{
		ID: id, Source: crm.SourceControl, ExternalID: id, Type: crm.ControlEnded, Subject: d.in.Candidate.ID,
		CandidateID: d.in.Candidate.ID, Time: d.now, ReceivedAt: d.now, Data: data,
	})
}

// blocked says why a new run of the sequence may not begin, or "": one is running, or the last one ended too recently.
func (d *dispatch) blocked(p *Program, app *crm.Application, reenroll bool) string {
	if !d.facts.Candidate.RestrictedAt.IsZero() && !AboutRequests(p.Name) {
		return ReasonRestricted
	}
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
func (d *dispatch) begin(p *Program, app *crm.Application, e *crm.Event, n crm.Note, pool string) {
	run := crm.Enrollment{
		ID:         crm.DeriveID(crm.PrefixEnrollment, d.now, e.ID, p.Name, d.in.Candidate.ID),
		Definition: p.Name, Hash: p.Hash, CandidateID: d.in.Candidate.ID, N: 1,
		Status: crm.EnrollmentStarting, StartedAt: d.now, Position: d.position, Listens: p.Listens,
		Pool: pool,
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
	if p.Loop != nil {
		run.Workflow = crm.LoopWorkflow(p.Name, app.ID, run.N)
	}
	d.runs = append(d.runs, run)
	d.facts.Enrolled = append(d.facts.Enrolled, p.Name)
	d.out.Enrollments = append(d.out.Enrollments, run)
	n.Kind = crm.NoteEnrolled
	d.record(crm.Record{Definition: p.Name, Hash: p.Hash, EnrollmentID: run.ID, Notes: []crm.Note{n}})
}
