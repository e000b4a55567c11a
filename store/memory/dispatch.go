package memory

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// inboxSize is how many events of a candidate are dispatched at once at most; the rest follow in the next call.
const inboxSize = 200

// Pending lists the candidates with events to dispatch, as they were added.
func (s *Store) Pending() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, id := range s.order {
		if slices.ContainsFunc(s.people[id].events, func(e stored) bool { return e.Position == 0 }) {
			ids = append(ids, id)
		}
	}
	return ids
}

// Dispatch has decide make out what becomes of a candidate's new events, and commits that. Done is false when there is no
// such candidate. Nothing is done either when decide returns an error, which is passed on.
func (s *Store) Dispatch(_ context.Context, candidateID string, decide func(*crm.Inbox) (*crm.Dispatched, error)) (done bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.people[candidateID]
	if p == nil {
		return false, nil
	}
	in := p.inbox()
	if len(in.Events) == 0 {
		return true, nil
	}
	out, err := decide(in)
	if err != nil {
		return false, err
	}
	return true, s.follow(p, in, out)
}

func (p *person) inbox() *crm.Inbox {
	in := &crm.Inbox{
		Candidate: p.Candidate, Position: p.position, Applications: slices.Clone(p.applications), Pools: slices.Clone(p.pools),
	}
	for i := range p.consents {
		in.Consents = append(in.Consents, p.consents[i].Consent)
	}
	for i := range p.events {
		if e := &p.events[i]; e.Position == 0 && len(in.Events) < inboxSize {
			in.Events = append(in.Events, p.joined(e.Event))
		}
	}
	for _, r := range p.runs {
		if r.Open() || !slices.ContainsFunc(p.runs, r.before) {
			in.Runs = append(in.Runs, r.Enrollment)
		}
		if r.Open() && !slices.Contains(in.Enrolled, r.Definition) {
			in.Enrolled = append(in.Enrolled, r.Definition)
		}
	}
	slices.SortStableFunc(in.Runs, func(a, b crm.Enrollment) int {
		return cmp.Or(cmp.Compare(a.Definition, b.Definition), cmp.Compare(a.N, b.N))
	})
	return in
}

// before tells whether another run is a later closed one of the same definition and key.
func (r *run) before(other *run) bool {
	return !other.Open() && other.Definition == r.Definition && other.ApplicationID == r.ApplicationID && other.N > r.N
}

// follow commits what becomes of an inbox.
func (s *Store) follow(p *person, in *crm.Inbox, out *crm.Dispatched) error {
	p.place(out)
	for _, a := range out.Applications {
		p.applied(a)
	}
	if err := s.fold(p, out); err != nil {
		return err
	}
	for _, id := range out.Wake {
		if r := s.runs[id]; r != nil && r.Open() {
			r.Wake++
		}
	}
	for _, c := range out.Controls {
		if r := s.runs[c.EnrollmentID]; r != nil && r.Open() {
			r.Paused, r.Ending = c.Paused, c.Ending
			r.Wake++
		}
	}
	for id, e := range out.Goals {
		if r := s.runs[id]; r != nil && r.GoalAt.IsZero() {
			r.GoalAt = e.ReceivedAt
		}
	}
	for _, m := range out.Measured {
		s.measured(m)
	}
	for _, c := range out.Pools {
		p.join(c.Pool, c.Entered)
	}
	if score := out.Candidate.Score; score != nil {
		p.Score, p.ScoredAt = score.Points, instant(score.At)
	}
	for i := range out.Enrollments {
		r := &run{Enrollment: out.Enrollments[i]}
		r.StartedAt, r.Status = instant(r.StartedAt), crm.EnrollmentStarting
		s.runs[r.ID] = r
		p.runs = append(p.runs, r)
	}
	for _, e := range out.New {
		if err := s.queue(e); err != nil {
			return err
		}
	}
	p.position = max(p.position, in.Position)
	return nil
}

// place gives the events their positions, and the candidate theirs.
func (p *person) place(out *crm.Dispatched) {
	for i := range out.Events {
		for j := range p.events {
			if e := &p.events[j]; e.ID == out.Events[i].ID {
				e.Position, e.aside = out.Events[i].Position, out.SetAside[e.ID]
			}
		}
		p.position = max(p.position, out.Events[i].Position)
	}
	p.LastActivityAt = later(p.LastActivityAt, out.Candidate.LastActivityAt)
	p.LastDecisionAt = later(p.LastDecisionAt, out.Candidate.LastDecisionAt)
}

func (p *person) applied(a crm.Application) {
	i := slices.IndexFunc(p.applications, func(known crm.Application) bool { return known.ExternalID == a.ExternalID })
	if i >= 0 {
		a.ID = p.applications[i].ID
		p.applications[i] = a
		return
	}
	p.applications = append(p.applications, a)
	slices.SortFunc(p.applications, func(a, b crm.Application) int { return cmp.Compare(a.ID, b.ID) })
}

// fold writes what events say of messages into the ledger. Where the sender never learnt that its message was taken, this
// is when it becomes known.
func (s *Store) fold(p *person, out *crm.Dispatched) error {
	for _, m := range p.messages {
		open := m.State == crm.MessageClaimed || m.State == crm.MessageUnknown
		changed := false
		for i := range out.Events {
			e := &out.Events[i]
			if _, aside := out.SetAside[e.ID]; !aside && strings.HasPrefix(e.Type, "message.") && e.Text("message") == m.ID && m.Fold(e) {
				changed = true
			}
		}
		if !changed || !open || m.AcceptedAt.IsZero() {
			continue
		}
		if err := s.taken(p, m, s.now()); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) measured(m crm.Measured) {
	r := s.runs[m.EnrollmentID]
	if r == nil {
		return
	}
	for i := range r.assigned {
		if a := &r.assigned[i]; a.Step == m.Step && a.MeasuredAt.IsZero() {
			a.MeasuredAt = instant(m.At)
		}
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return instant(b)
	}
	return a
}
