package memory

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rapport-crm/rapport/crm"
)

// Commit writes the decision and all that it leads to. Where it withdraws, the run's planned messages are cancelled and its
// open tasks closed. The turn is over either way.
func (t *Turn) Commit(_ context.Context, d *crm.Decision) error {
	defer t.Rollback()
	if d.Command == crm.CommandAgain {
		return errors.New("write decision: again is not a decision")
	}
	if d.Seq != int64(len(t.run.decisions))+1 {
		return fmt.Errorf("write decision: %d follows %d", d.Seq, len(t.run.decisions))
	}
	s, r := t.store, t.run
	p := s.people[r.CandidateID]
	if err := s.change(p, d.Change, r.ID, d); err != nil {
		return fmt.Errorf("write decision: %w", err)
	}
	for _, e := range d.Events {
		if err := s.queue(e); err != nil {
			return fmt.Errorf("write decision: %w", err)
		}
	}
	r.decisions = append(r.decisions, *d)
	r.follow(d)
	if d.Withdraw {
		p.withdraw(r.ID, d)
	}
	for i := range d.Messages {
		m := d.Messages[i]
		m.PlannedAt, m.NotBefore, m.NotAfter = instant(m.PlannedAt), instant(m.NotBefore), instant(m.NotAfter)
		p.messages = append(p.messages, &m)
	}
	for i := range d.Tasks {
		task := d.Tasks[i]
		task.DueAt = instant(task.DueAt)
		p.tasks = append(p.tasks, &task)
	}
	for _, a := range d.Assigned {
		r.assign(a)
	}
	for i := range d.Meetings {
		if err := r.keep(&d.Meetings[i]); err != nil {
			return fmt.Errorf("write decision: %w", err)
		}
	}
	return nil
}

// follow moves the row to where the decision leaves it. A wake that the decision has seen needs no signal any more.
func (r *run) follow(d *crm.Decision) {
	r.Status = crm.EnrollmentRunning
	if d.Command == crm.CommandExit {
		r.Status, r.ClosedAt = crm.EnrollmentClosed, instant(d.At)
	}
	r.Outcome, r.Seq, r.WakeSeen, r.WakeSent = d.Outcome, d.Seq, d.Seen, max(r.WakeSent, d.Seen)
	r.Due, r.Awaits, r.Progress, r.withdrawn = instant(d.Until), slices.Clone(d.Awaits), d.Progress, d.Withdraw
	for id, state := range r.Progress.Steps {
		if state.Result == nil {
			continue
		}
		if read, err := plain(state.Result); err == nil {
			state.Result = read
			r.Progress.Steps[id] = state
		}
	}
}

// keep writes a meeting whole, as JSON keeps it.
func (r *run) keep(m *crm.Meeting) error {
	kept, err := plain(*m)
	if err != nil {
		return err
	}
	same := func(o crm.Meeting) bool { return o.ID == m.ID }
	if i := slices.IndexFunc(r.meetings, same); i >= 0 {
		r.meetings[i] = kept
	} else {
		r.meetings = append(r.meetings, kept)
	}
	return nil
}

// assign keeps the arm that a run was given. Of a step that it comes to again, the first counts.
func (r *run) assign(a crm.Assignment) {
	if !slices.ContainsFunc(r.assigned, func(known Assigned) bool { return known.Step == a.Step }) {
		a.At = instant(a.At)
		r.assigned = append(r.assigned, Assigned{Assignment: a})
	}
}

// withdraw takes back what a run leaves behind that was ended from outside.
func (p *person) withdraw(runID string, d *crm.Decision) {
	for _, m := range p.messages {
		if m.EnrollmentID == runID && m.State == crm.MessagePlanned && m.Calendar != crm.CalendarCancel {
			m.State, m.Reason = crm.MessageCancelled, d.Outcome
		}
	}
	for _, task := range p.tasks {
		if task.EnrollmentID == runID && task.State == crm.TaskOpen {
			task.State, task.Outcome, task.ClosedAt = crm.TaskClosed, d.Outcome, instant(d.At)
		}
	}
}

// change changes the candidate on behalf of a run, or of a source if by is empty, and tells of it if there is anything to tell.
func (s *Store) change(p *person, c *crm.CandidateChange, by string, d *crm.Decision) error {
	if c == nil {
		return nil
	}
	after := p.Candidate
	if err := after.Apply(c); err != nil {
		return err
	}
	after = plainCandidate(after)
	fields := after.Changed(&p.Candidate)
	if len(fields) > 0 {
		after.UpdatedAt = instant(d.At)
		p.Candidate = after
		told := map[string]any{"changed": fields}
		if by != "" {
			told["by"] = by
		}
		if err := s.queue(s.fact("candidate.updated", p.ID, d.At, told)); err != nil {
			return err
		}
	}
	p.ScoredAt = after.ScoredAt
	for _, pool := range c.Enter {
		if err := s.member(p, pool, true, by, d); err != nil {
			return err
		}
	}
	for _, pool := range c.Leave {
		if err := s.member(p, pool, false, by, d); err != nil {
			return err
		}
	}
	return nil
}

// member puts the candidate into a pool or takes them out of it, and tells of it where that changes anything.
func (s *Store) member(p *person, pool string, in bool, by string, d *crm.Decision) error {
	if !p.join(pool, in) {
		return nil
	}
	eventType := "pool.left"
	if in {
		eventType = "pool.entered"
	}
	return s.queue(s.fact(eventType, p.ID, d.At, map[string]any{"pool": pool, "by": by}))
}

// join notes a membership, and tells whether it is new.
func (p *person) join(pool string, in bool) bool {
	at, is := slices.BinarySearch(p.pools, pool)
	switch {
	case in && !is:
		p.pools = slices.Insert(slices.Clone(p.pools), at, pool)
	case !in && is:
		p.pools = slices.Delete(slices.Clone(p.pools), at, at+1)
	}
	return is != in
}
