package dsl

import (
	"fmt"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// sendSlack is how much later than planned a send may be and still count as on time. Without it every wait would end with a
// second timer for the moment that a provider takes.
const sendSlack = time.Minute

// wait lets time pass: a duration, until clocks show a time, or until a moment.
func (r *run) wait(in *Instr) (int, bool) {
	r.at.Begun = true
	w := in.Wait
	if r.unsettled(w.Until) {
		return 0, r.awaitSettled(in)
	}
	anchor, open := r.anchor()
	due, problem := r.until(w, anchor)
	if problem != "" && r.at.Deferred != problem {
		r.note(crm.Note{Kind: crm.NoteProblem, Step: in.ID, Reason: "moment", Expression: w.Until.Source, Result: problem})
		r.at.Deferred = problem
	}
	if !due.IsZero() && !due.After(r.now) {
		if open {
			return 0, r.awaitSettled(in)
		}
		if due.After(r.clock) || w.Until == nil {
			r.clock = due
		}
		return r.record(in, "", crm.StepState{}), true
	}
	r.awaitMoves(w)
	if !r.at.NotBefore.Equal(due) { // said once, and again when it moves
		r.note(crm.Note{Kind: crm.NoteWaiting, Step: in.ID, Until: due})
		r.at.NotBefore = due
	}
	if due.IsZero() {
		return r.sleep(due, in.ID+": until there is a moment to wait for", "**"+in.ID+"**: until there is a moment to wait for.")
	}
	return r.sleep(due, fmt.Sprintf("%s: until %s", in.ID, clockText(due)), fmt.Sprintf("**%s**: until %s.", in.ID, clockText(due)))
}

// until is when a wait ends; zero while that is not known, with the reason.
func (r *run) until(w *Wait, anchor time.Time) (due time.Time, problem string) {
	switch {
	case w.Until != nil:
		if due, problem = w.Until.Moment(&r.env); problem == "" && due.Before(anchor) {
			due = anchor // it is over already
		}
	case w.Local():
		due = nextClock(anchor, r.loc, w.Clock, w.Days)
	default:
		due = w.For.Add(anchor, r.loc, r.calendar())
	}
	if !w.Timeout.IsZero() {
		if last := w.Timeout.Add(anchor, r.loc, r.calendar()); due.IsZero() || last.Before(due) {
			due = last
		}
	}
	return due, problem
}

// awaitMoves wakes the run when something changes that moves the end of the wait.
func (r *run) awaitMoves(w *Wait) {
	if w.Until == nil {
		if w.Local() {
			r.d.Awaits = append(r.d.Awaits, zoneFields()...)
		} else {
			r.awaitZone(w.For)
		}
		return
	}
	r.d.Awaits = append(append(r.d.Awaits, zoneFields()...), w.Until.Events...)
	for _, field := range w.Until.Reads {
		r.d.Awaits = append(r.d.Awaits, "changed:"+field)
	}
}

// due is when a duration ends that the step waits.
func (r *run) due(d Duration) (due time.Time, open bool) {
	anchor, open := r.anchor()
	return d.Add(anchor, r.loc, r.calendar()), open
}

// anchor is what a wait counts from: when the step was reached; after a send, when the message was planned or, if the provider
// took it later, then. While the message is on its way, open is true.
func (r *run) anchor() (at time.Time, open bool) {
	at = r.at.Anchor
	for i := range r.f.Messages {
		m := &r.f.Messages[i]
		if m.ID != r.at.AnchorMessage {
			continue
		}
		open = m.Outcome() == ""
		if m.AcceptedAt.After(at.Add(sendSlack)) {
			at = m.AcceptedAt
		}
	}
	return at, open
}

// awaitZone wakes the run when the candidate moves, if that can move the end of the wait.
func (r *run) awaitZone(d Duration) {
	if d.Exact == 0 {
		r.d.Awaits = append(r.d.Awaits, zoneFields()...)
	}
}

// waitFor goes on with the first event that one of the branches is about, with a state that one of them describes, or with
// the timeout.
func (r *run) waitFor(in *Instr) (int, bool) {
	r.at.Begun = true
	due, open := r.due(in.WaitFor.Timeout)
	if b, e := r.happened(in.WaitFor, due); b != nil {
		n := eventNote(e)
		n.Kind, n.Step, n.Outcome = crm.NoteBranch, in.ID, b.Name
		if b.Match.When != nil {
			n.Expression, n.Result = b.Match.When.Source, "true"
		}
		r.note(n)
		return r.record(in, b.Name, crm.StepState{}), true
	}
	if b := r.holding(in); b != nil {
		r.note(crm.Note{Kind: crm.NoteBranch, Step: in.ID, Outcome: b.Name, Expression: b.Match.When.Source, Result: "true"})
		return r.record(in, b.Name, crm.StepState{}), true
	}
	r.at.Checked = r.f.Position
	if !due.After(r.now) && !open {
		r.clock = due
		r.note(crm.Note{Kind: crm.NoteBranch, Step: in.ID, Outcome: "timeout"})
		return r.record(in, "timeout", crm.StepState{}), true
	}
	r.awaitZone(in.WaitFor.Timeout)
	for _, b := range in.WaitFor.Branches {
		r.d.Awaits = append(r.d.Awaits, b.Match.wakes()...)
	}
	if !due.After(r.now) { // the message the time counts from is still on its way
		r.d.Awaits = append(r.d.Awaits, crm.AwaitSettled)
		return r.sleep(time.Time{}, in.ID+": until the message is sent", "**"+in.ID+"** waits until the message is sent.")
	}
	if !r.at.NotBefore.Equal(due) {
		r.note(crm.Note{Kind: crm.NoteWaiting, Step: in.ID, Until: due, Text: title(in.WaitFor.Branches)})
		r.at.NotBefore = due
	}
	return r.sleep(due, fmt.Sprintf("%s: %s, or until %s", in.ID, title(in.WaitFor.Branches), clockText(due)),
		fmt.Sprintf("**%s**: %s, or until %s.", in.ID, title(in.WaitFor.Branches), clockText(due)))
}

// happened returns the branch of the earliest event that matches one, ties in listing order. An event at the very timeout
// counts; one that was received after it does not.
func (r *run) happened(w *WaitFor, due time.Time) (*Branch, *crm.Event) {
	for i := range r.f.Events {
		e := &r.f.Events[i]
		if e.Position <= r.at.Checked || e.ReceivedAt.After(due) {
			continue
		}
		for j := range w.Branches {
			b := &w.Branches[j]
			if !b.Match.State() && r.matches(b.Match, e, r.since(b.Match)) {
				return b, e
			}
		}
	}
	return nil, nil
}

// since is the position after which events count: since the step's send, since the wait was reached, or as `since` says.
func (r *run) since(m *Match) int64 {
	switch {
	case m.Since == "enroll":
		return r.f.Enrollment.Position
	case m.Since != "":
		return r.at.Steps[m.Since].Position
	case m.Step != "":
		if s, ok := r.at.Steps[m.Step]; ok {
			return s.Position
		}
		return r.f.Enrollment.Position // a step that contains sends: events of its messages can only come after them
	}
	return r.at.ReachedPos
}

// holding returns the first branch whose state condition is true now.
func (r *run) holding(in *Instr) *Branch {
	for j := range in.WaitFor.Branches {
		b := &in.WaitFor.Branches[j]
		if !b.Match.State() || r.unsettled(b.Match.When) {
			continue
		}
		res := b.Match.When.Eval(&r.env)
		if res.Value {
			return b
		}
		if res.Problem != "" && r.at.NotBefore.IsZero() { // said once, when the wait begins
			r.note(crm.Note{Kind: crm.NoteProblem, Step: in.ID, Reason: "condition", Expression: b.Match.When.Source, Result: res.Problem})
		}
	}
	return nil
}
