package dsl

import (
	"slices"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// Admits tells whether a candidate would be enrolled now as a member of a pool, by the rules of Dispatch: they are in it, and
// no run of the sequence is open or has ended too recently. The inbox holds what is known of the candidate; its events are
// not looked at.
func (s *Set) Admits(sequence, pool string, in *crm.Inbox, now time.Time) bool {
	asked := *in
	asked.Events = []crm.Event{{
		ID: "plan", Source: crm.SourceControl, Type: crm.ControlMember, CandidateID: in.Candidate.ID, Time: now, ReceivedAt: now,
		Data: map[string]any{"definition": sequence, "pool": pool},
	}}
	return len(Dispatch(s, &asked, now).Enrollments) > 0
}

// Members returns the pools that a candidate is in once the conditions of some pools are looked at again. The inbox holds what
// is known of the candidate.
func (s *Set) Members(review []string, in *crm.Inbox, now time.Time) []string {
	pools := slices.Clone(in.Pools)
	facts := crm.Facts{
		Candidate: in.Candidate, Position: in.Position, Consents: in.Consents, Applications: in.Applications,
		Enrolled: in.Enrolled, Pools: in.Pools,
	}
	for _, name := range review {
		p := s.Pools[name]
		if p == nil || p.ByHand() {
			continue
		}
		pools = without(pools, name)
		if p.Member(s.Workspace, &facts, Env{Now: now}) {
			pools = append(pools, name)
		}
	}
	slices.Sort(pools)
	return pools
}

// PoolsOf lists the pools whose members a sequence enrolls: with now, those that it enrolls when it is published.
func (p *Program) PoolsOf(now bool) []string {
	var pools []string
	for _, r := range p.Enroll {
		if r.In != "" && (!now || len(r.On) == 0 && r.At.IsZero()) {
			pools = append(pools, r.In)
		}
	}
	slices.Sort(pools)
	return slices.Compact(pools)
}

// Texts lists the messages and surveys that runs of a program may use: they are read when they are sent, not when the run
// begins.
func (p *Program) Texts() (messages, surveys []string) {
	for i := range p.Code {
		if s := p.Code[i].Send; s != nil {
			messages = append(messages, s.Use...)
		}
		if a := p.Code[i].Survey; a != nil {
			surveys = append(surveys, a.Use)
		}
	}
	return messages, surveys
}
