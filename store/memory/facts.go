package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// Turn is one decision under way: nothing else happens in the store until Commit or Rollback. It is for one goroutine.
type Turn struct {
	store *Store
	run   *run
	facts crm.Facts
	over  bool
}

// Begin waits for the store and reads the facts of a run. The error has crm.CodeNotFound when there is no such run.
func (s *Store) Begin(_ context.Context, enrollmentID string) (*Turn, error) {
	s.mu.Lock()
	r := s.runs[enrollmentID]
	if r == nil {
		s.mu.Unlock()
		return nil, notFound("There is no such enrollment.")
	}
	p := s.people[r.CandidateID]
	t := &Turn{store: s, run: r, facts: s.facts(p, r, s.now())}
	for i := range p.events {
		e := &p.events[i]
		if e.Position > r.Position && e.aside == "" && !e.RecordOnly && slices.Contains(r.Listens, e.Type) {
			t.facts.Events = append(t.facts.Events, p.joined(e.Event))
		}
	}
	return t, nil
}

// Facts returns all that is known of a candidate and belongs to no run. The error has crm.CodeNotFound when there is no such
// candidate.
func (s *Store) Facts(candidateID string) (crm.Facts, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.people[candidateID]
	if p == nil {
		return crm.Facts{}, notFound("There is no such candidate.")
	}
	return s.facts(p, &run{}, s.now()), nil
}

// facts are all facts of a run but the events.
func (s *Store) facts(p *person, r *run, now time.Time) crm.Facts {
	f := crm.Facts{
		Enrollment: r.Enrollment, Candidate: p.Candidate, Position: p.position, Pools: slices.Clone(p.pools),
		Applications: slices.Clone(p.applications),
	}
	for i := range p.consents {
		f.Consents = append(f.Consents, p.consents[i].Consent)
	}
	f.Suppressions = p.suppressed()
	for _, other := range p.runs {
		if other.Open() {
			f.Enrolled = append(f.Enrolled, other.Definition)
		}
	}
	f.Enrolled = slices.Compact(slices.Sorted(slices.Values(f.Enrolled)))
	since := now.Add(-crm.CapHorizon)
	for _, m := range p.ledger() {
		if m.EnrollmentID == r.ID {
			f.Messages = append(f.Messages, *m)
		}
		if m.Counts() && (m.PlannedAt.After(since) || m.EnrollmentID == r.ID) {
			f.Sends = append(f.Sends, crm.Send{At: m.Place(), Definition: m.Definition})
		}
		if m.Template != "" && m.Recipient == "" && had(m) {
			f.Had = append(f.Had, m.Template)
		}
	}
	slices.SortStableFunc(f.Sends, func(a, b crm.Send) int { return a.At.Compare(b.At) })
	f.Had = slices.Compact(slices.Sorted(slices.Values(f.Had)))
	for key, arm := range s.settled {
		if key[0] == r.Definition {
			if f.Arms == nil {
				f.Arms = map[string]string{}
			}
			f.Arms[key[1]] = arm
		}
	}
	for i := range r.meetings {
		f.Meetings = append(f.Meetings, r.meeting(i))
	}
	if n := len(r.calls); n > 0 {
		last := r.calls[n-1]
		f.Call = &last
	}
	return f
}

// suppressed are the suppressions of the candidate's present addresses, by time.
func (p *person) suppressed() []crm.Suppression {
	var list []crm.Suppression
	for _, x := range p.suppressions {
		if x.address == crm.NormalAddress(x.Channel, p.Address(x.Channel)) {
			list = append(list, x.Suppression)
		}
	}
	slices.SortStableFunc(list, func(a, b crm.Suppression) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Channel, b.Channel))
	})
	return list
}

// ledger are the candidate's messages as they were planned; those of one moment by id.
func (p *person) ledger() []*crm.Message {
	return slices.SortedFunc(slices.Values(p.messages), func(a, b *crm.Message) int {
		return cmp.Or(a.PlannedAt.Compare(b.PlannedAt), cmp.Compare(a.ID, b.ID))
	})
}

// had tells whether the candidate was sent a message, or may yet be.
func had(m *crm.Message) bool {
	switch m.State {
	case crm.MessageRefused, crm.MessageCancelled, crm.MessageExpired, crm.MessageSkipped:
		return false
	case crm.MessagePlanned, crm.MessageClaimed, crm.MessageAccepted, crm.MessageUnknown, crm.MessageSettled:
	}
	return true
}

// Facts returns what the decision is to be made from.
func (t *Turn) Facts() *crm.Facts { return &t.facts }

// Generation is the number of the definitions in force: they never change here.
func (t *Turn) Generation() int64 { return 0 }

// Stored returns the decision with that number, if it was made before.
func (t *Turn) Stored(seq int64) (crm.Decision, bool) {
	if seq < 1 || seq > int64(len(t.run.decisions)) {
		return crm.Decision{}, false
	}
	return t.run.decisions[seq-1], true
}

// Rollback gives the turn up. After a Commit it does nothing.
func (t *Turn) Rollback() {
	if !t.over {
		t.over = true
		t.store.mu.Unlock()
	}
}
