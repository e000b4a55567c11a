package dsl

import (
	"slices"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// Hindsight finds out which runs a sequence's rules about events would have begun, had they been in force when past events
// came. It goes by what is known now: the events as they are stored, and their candidates as they are, not as they were.
type Hindsight struct {
	Types []string // of the events that the rules look at, sorted
	Told  []string // pools whose members the rules tell of events without a candidate, sorted

	set     Set // with nothing but the sequence
	program *Program
	since   time.Time
	matches map[hindsightKey][]time.Time
}

// hindsightKey is what there is one run of at a time.
type hindsightKey struct{ candidate, application string }

// Hindsight returns what looks back with a sequence's rules about events; it is nil when it has none. Runs that began before
// since count as they do when an event comes, later ones as if they were not there: they are what is to be found out.
func (s *Set) Hindsight(sequence string, since time.Time) *Hindsight {
	found := s.Programs[sequence]
	if found == nil {
		return nil
	}
	p := *found
	p.Enroll = slices.DeleteFunc(slices.Clone(p.Enroll), func(r *Rule) bool { return len(r.On) == 0 })
	if len(p.Enroll) == 0 {
		return nil
	}
	h := &Hindsight{program: &p, since: since, matches: map[hindsightKey][]time.Time{}}
	h.set = Set{Workspace: s.Workspace, Programs: map[string]*Program{sequence: &p}}
	for _, r := range p.Enroll {
		h.Types = append(h.Types, r.On...)
		if r.In != "" && slices.ContainsFunc(r.On, crm.Broadcast) {
			h.Told = append(h.Told, r.In)
		}
	}
	slices.Sort(h.Types)
	slices.Sort(h.Told)
	h.Types, h.Told = slices.Compact(h.Types), slices.Compact(h.Told)
	return h
}

// Look looks at an event of a candidate, by the rules of Dispatch. Events may come in any order, each once for a candidate. The
// inbox holds what is known of the candidate; its own events are not looked at.
func (h *Hindsight) Look(in *crm.Inbox, event *crm.Event) {
	if !slices.Contains(h.Types, event.Type) {
		return
	}
	e := *event
	e.CandidateID, e.RecordOnly = in.Candidate.ID, false
	asked := *in
	asked.Events = []crm.Event{e}
	asked.Runs = slices.DeleteFunc(slices.Clone(in.Runs), func(r crm.Enrollment) bool { return !r.StartedAt.Before(h.since) })
	for _, run := range Dispatch(&h.set, &asked, e.Time).Enrollments {
		key := hindsightKey{e.CandidateID, run.ApplicationID}
		if run.ApplicationID != "" { // one that the event creates gets another id each time
			key.application = e.Text("application")
		}
		h.matches[key] = append(h.matches[key], e.Time)
	}
}

// Count returns how many runs there would have been. Of several matches it counts those that are as far apart as `reenroll`
// asks for. How long a run would have taken cannot be known: with `reenroll: always` every match counts.
func (h *Hindsight) Count() int {
	n := 0
	again, ws := h.program.Reenroll, h.set.Workspace
	for _, times := range h.matches {
		slices.SortFunc(times, time.Time.Compare)
		var last time.Time
		for i, at := range times {
			if i > 0 && (again.Never || at.Before(again.After.Add(last, ZoneOf(nil, ws), ws.calendar()))) {
				continue
			}
			last = at
			n++
		}
	}
	return n
}
