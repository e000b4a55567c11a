package memory

import (
	"cmp"
	"slices"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// Claim is a message that is about to be sent, with the facts that its last check needs. Facts.Events is empty.
type Claim struct {
	Message crm.Message
	Facts   crm.Facts
}

// Verdict is what the last check says of a message.
type Verdict struct {
	State     crm.MessageState // claimed: it goes; skipped or expired: never; planned: not before NotBefore
	Reason    string           // a code
	NotBefore time.Time
	NotAfter  time.Time // of a planned one: how long it stays good; zero: as long as it was
	Address   string    // of a claimed one: where it will go
}

// Claim takes due messages out of the queue, by priority and age, at most one per candidate and call. It reads the facts,
// has check decide each, and commits what check said; it returns the claimed ones. Messages of paused runs stay.
func (s *Store) Claim(now time.Time, check func(*Claim) Verdict) ([]Claim, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now = instant(now)
	var claimed []Claim
	for _, id := range s.order {
		p := s.people[id]
		m := s.due(p, now)
		if m == nil {
			continue
		}
		c := Claim{Message: *m, Facts: s.facts(p, s.runs[m.EnrollmentID], now)}
		v := check(&c)
		m.Reason = v.Reason
		switch v.State {
		case crm.MessageClaimed:
			m.State, m.ClaimedAt, m.Address, m.Attempts = v.State, now, v.Address, m.Attempts+1
			claimed = append(claimed, Claim{Message: *m, Facts: c.Facts})
		case crm.MessagePlanned:
			m.NotBefore = instant(v.NotBefore)
			if !v.NotAfter.IsZero() {
				m.NotAfter = instant(v.NotAfter)
			}
		case crm.MessageExpired:
			m.State = v.State
			if err := s.failed(m, now); err != nil {
				return nil, err
			}
		case crm.MessageSkipped, crm.MessageAccepted, crm.MessageRefused, crm.MessageUnknown, crm.MessageSettled, crm.MessageCancelled:
			m.State = crm.MessageSkipped
			s.wakeSettled(m)
		}
	}
	return claimed, nil
}

// due is the candidate's message that goes first of those that may go now.
func (s *Store) due(p *person, now time.Time) *crm.Message {
	var first *crm.Message
	for _, m := range p.messages {
		if m.State != crm.MessagePlanned || m.NotBefore.After(now) || s.held(m) {
			continue
		}
		if first == nil || cmp.Or(cmp.Compare(m.Priority, first.Priority), m.PlannedAt.Compare(first.PlannedAt), cmp.Compare(m.ID, first.ID)) < 0 {
			first = m
		}
	}
	return first
}

// held tells whether a message stays because its run is paused.
func (s *Store) held(m *crm.Message) bool {
	r := s.runs[m.EnrollmentID]
	return r.Paused && r.Open()
}

// Due is when the next planned message may go, zero when none is planned.
func (s *Store) Due() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	var next time.Time
	for _, p := range s.people {
		for _, m := range p.messages {
			if m.State == crm.MessagePlanned && !s.held(m) && (next.IsZero() || m.NotBefore.Before(next)) {
				next = m.NotBefore
			}
		}
	}
	return next
}

// Accept notes that the provider took a claimed message, or one whose fate was unknown. Where the provider's own report was
// faster only what is missing is added. The error has crm.CodeConflict when it cannot have been sent.
func (s *Store) Accept(id string, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, m := s.find(id, crm.MessageClaimed, crm.MessageUnknown, crm.MessageAccepted, crm.MessageSettled)
	if m == nil {
		return conflict("The message is not being sent.", "Look at its state.")
	}
	if m.State == crm.MessageClaimed || m.State == crm.MessageUnknown {
		m.State, m.Reason, m.LookupAt = crm.MessageAccepted, "", time.Time{}
	}
	if m.Provider = "played"; m.AcceptedAt.IsZero() {
		m.AcceptedAt = instant(at)
	}
	return s.taken(p, m, at)
}

// Unknown notes that nobody knows whether the provider took a claimed message. The error has crm.CodeConflict when the
// message is not claimed.
func (s *Store) Unknown(id, reason string, at time.Time) error {
	return s.fail(id, crm.MessageUnknown, reason, at, crm.MessageClaimed)
}

// Refuse notes that the provider will never take a message. The error has crm.CodeConflict when the message is neither claimed
// nor unknown.
func (s *Store) Refuse(id, reason string, at time.Time) error {
	return s.fail(id, crm.MessageRefused, reason, at, crm.MessageClaimed, crm.MessageUnknown)
}

func (s *Store) fail(id string, state crm.MessageState, reason string, at time.Time, from ...crm.MessageState) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, m := s.find(id, from...)
	if m == nil {
		return conflict("The message is not being sent.", "Look at its state.")
	}
	m.State, m.Reason, m.LookupAt = state, reason, time.Time{}
	if state == crm.MessageUnknown {
		m.UnknownAt, m.UnknownReason, m.LookupAt = instant(at), reason, instant(at).Add(crm.FirstLookup)
	}
	return s.failed(m, at)
}

// failed tells that a message has not arrived, or may not have.
func (s *Store) failed(m *crm.Message, at time.Time) error {
	if m.Recipient != "" { // no fact about the candidate
		return nil
	}
	s.wakeSettled(m)
	return s.queue(s.ledgerFact("message.failed", "failed/", m, at))
}

// find returns a message that is in one of the states, and whose it is; nil when there is none.
func (s *Store) find(id string, states ...crm.MessageState) (*person, *crm.Message) {
	for _, p := range s.people {
		if m := p.message(id); m != nil && slices.Contains(states, m.State) {
			return p, m
		}
	}
	return nil, nil
}

// taken tells that a message was sent, which became known at a time that may be later.
func (s *Store) taken(p *person, m *crm.Message, known time.Time) error {
	if m.Recipient != "" { // no fact about the candidate
		return nil
	}
	p.LastContactedAt = later(p.LastContactedAt, m.AcceptedAt)
	s.wakeSettled(m)
	e := s.ledgerFact("message.sent", "sent/", m, known)
	e.Time = m.AcceptedAt
	return s.queue(e)
}

// ledgerFact is the event that tells what became of a message, once per message.
func (s *Store) ledgerFact(eventType, prefix string, m *crm.Message, at time.Time) crm.Event {
	e := s.fact(eventType, m.CandidateID, at, map[string]any{
		"message": m.ID, "step": m.Step, "sequence": m.Definition, "channel": m.Channel,
	})
	e.ExternalID = prefix + m.ID
	return e
}

// wakeSettled wakes the run of a message if it waits for the message's fate.
func (s *Store) wakeSettled(m *crm.Message) {
	if m.State == crm.MessagePlanned || m.State == crm.MessageClaimed || m.Recipient != "" {
		return
	}
	if r := s.runs[m.EnrollmentID]; r != nil && r.Open() && slices.Contains(r.Awaits, crm.AwaitSettled) {
		r.Wake++
	}
}
