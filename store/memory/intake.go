package memory

import (
	"slices"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// Receive stores events of known candidates, in their order; others are left out, and so is what was received before, by
// source and external id. Consent events are written to the consent history at the same time.
func (s *Store) Receive(events ...crm.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := instant(s.now())
	for _, e := range events {
		p := s.people[e.CandidateID]
		if p == nil || s.seen[[2]string{e.Source, e.ExternalID}] {
			continue
		}
		if e.ReceivedAt.IsZero() {
			e.ReceivedAt = now
		}
		if e.Time.IsZero() {
			e.Time = e.ReceivedAt
		}
		if e.ID == "" {
			e.ID = crm.DeriveID(crm.PrefixEvent, e.ReceivedAt, e.Source, e.ExternalID)
		}
		if err := s.queue(e); err != nil {
			return err
		}
		for _, c := range e.Consents() {
			p.addConsent(line{Consent: c})
		}
		if until, ok := e.Paused(); ok {
			p.pause(until, now)
		}
	}
	return nil
}

// pause puts off what the candidate gets. What waits for the end of an earlier pause is looked at again.
func (p *person) pause(until, now time.Time) {
	p.PausedUntil = instant(until)
	for _, m := range p.messages {
		if m.State == crm.MessagePlanned && m.Reason == crm.ReasonPaused {
			m.NotBefore = now
		}
	}
}

// Change changes a candidate as a source would, and tells of it by candidate.updated. A score that is given again says nothing
// new: it is worth what is left of it. The error has crm.CodeNotFound when there is no such candidate.
func (s *Store) Change(candidateID string, c *crm.CandidateChange, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.people[candidateID]
	if p == nil {
		return notFound("There is no such candidate.")
	}
	said := *c
	if said.Score != nil && said.Score.Points == p.Score {
		said.Score = nil
	}
	return s.change(p, &said, "", &crm.Decision{At: at})
}

// OptOut is a candidate's word, or a provider's, that messages must stop.
type OptOut struct {
	Channel crm.Channel
	Reason  crm.SuppressionReason
	Source  string
	At      time.Time
}

// OptOut suppresses the candidate's present address on the channel and, but for a bounce, revokes every consent on it. For
// every purpose that is revoked a consent.revoked event is added, so that runs exit.
func (s *Store) OptOut(candidateID string, o OptOut) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.people[candidateID]
	if p == nil {
		return notFound("There is no such candidate.")
	}
	address := crm.NormalAddress(o.Channel, p.Address(o.Channel))
	known := func(x suppression) bool {
		return x.address == address && x.Reason == o.Reason && x.Channel == o.Channel
	}
	if address != "" && !slices.ContainsFunc(p.suppressions, known) {
		p.suppressions = append(p.suppressions, suppression{
			Suppression: crm.Suppression{Channel: o.Channel, Reason: o.Reason, At: instant(o.At)}, address: address,
		})
	}
	if o.Reason == crm.SuppressedBounce {
		return nil // the address is dead; the candidate has said nothing
	}
	for _, purpose := range p.granted(o.Channel) {
		l := line{cause: o.Reason, Consent: crm.Consent{
			CandidateID: p.ID, Purpose: purpose, Channel: o.Channel, Source: o.Source, At: p.after(purpose, o),
		}}
		p.addConsent(l)
		e := s.fact("consent.revoked", p.ID, s.now(), map[string]any{
			"purpose": purpose, "channels": []string{string(o.Channel)}, "source": o.Source,
		})
		if err := s.queue(e); err != nil {
			return err
		}
	}
	return nil
}

// granted lists the purposes with consent on a channel, sorted.
func (p *person) granted(ch crm.Channel) []string {
	last := map[string]bool{}
	for i := range p.consents {
		if c := &p.consents[i]; c.Channel == ch { // also one that is asked for and not confirmed
			last[c.Purpose] = c.Granted
		}
	}
	var purposes []string
	for purpose, granted := range last {
		if granted {
			purposes = append(purposes, purpose)
		}
	}
	slices.Sort(purposes)
	return purposes
}

// after is the time of an opt-out's line: its own, unless the history has got there already.
func (p *person) after(purpose string, o OptOut) time.Time {
	at := instant(o.At)
	for i := range p.consents {
		if c := &p.consents[i]; c.Purpose == purpose && c.Channel == o.Channel && !c.At.Before(at) {
			at = c.At.Add(time.Microsecond)
		}
	}
	return at
}

// addConsent adds a line to the history. One that is there already, to the microsecond, is not added again.
func (p *person) addConsent(l line) {
	l.At = instant(l.At)
	for i := range p.consents {
		if c := &p.consents[i]; c.Purpose == l.Purpose && c.Channel == l.Channel && c.At.Equal(l.At) && c.Granted == l.Granted {
			return
		}
	}
	p.consents = append(p.consents, l)
	slices.SortStableFunc(p.consents, func(a, b line) int { return a.At.Compare(b.At) })
}
