package memory

import (
	"cmp"
	"context"
	"slices"

	"github.com/rapport-crm/rapport/crm"
)

// Meetings lists the meetings of a run, in the order in which they were begun.
func (s *Store) Meetings(enrollmentID string) []crm.Meeting {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.runs[enrollmentID]
	if r == nil {
		return nil
	}
	meetings := make([]crm.Meeting, len(r.meetings))
	for i := range r.meetings {
		meetings[i] = r.meeting(i)
	}
	return meetings
}

// meeting is a meeting of the run, with whose it is.
func (r *run) meeting(i int) crm.Meeting {
	m := r.meetings[i]
	m.EnrollmentID, m.CandidateID, m.ApplicationID, m.Definition = r.ID, r.CandidateID, r.ApplicationID, r.Definition
	return m
}

// runOf finds a meeting in its run, which is nil when there is none.
func (s *Store) runOf(id string) (*run, int) {
	for _, r := range s.runs {
		if i := slices.IndexFunc(r.meetings, func(m crm.Meeting) bool { return m.ID == id }); i >= 0 {
			return r, i
		}
	}
	return nil, 0
}

// everyMeeting calls visit with all meetings, in a fixed order.
func (s *Store) everyMeeting(visit func(m *crm.Meeting)) {
	for _, id := range s.order {
		for _, r := range s.people[id].runs {
			for i := range r.meetings {
				m := r.meeting(i)
				visit(&m)
			}
		}
	}
}

// MeetingFacts returns what has to be known to find a time for a meeting. The error has crm.CodeNotFound when there is no such
// meeting.
func (s *Store) MeetingFacts(_ context.Context, id string) (crm.MeetingFacts, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, i := s.runOf(id)
	if r == nil {
		return crm.MeetingFacts{}, notFound("There is no such interview.")
	}
	p := s.people[r.CandidateID]
	m, err := plain(r.meetings[i])
	if err != nil {
		return crm.MeetingFacts{}, err
	}
	f := crm.MeetingFacts{Hash: r.Hash, Candidate: p.Candidate, Meeting: m}
	whole := r.meeting(i)
	f.Meeting.EnrollmentID, f.Meeting.CandidateID, f.Meeting.ApplicationID = whole.EnrollmentID, whole.CandidateID, whole.ApplicationID
	for _, a := range p.applications {
		if a.ID == r.ApplicationID {
			f.Application = a
		}
	}
	s.everyMeeting(func(other *crm.Meeting) {
		if other.ID != id && other.CandidateID == r.CandidateID && (other.State == crm.MeetingHeld || other.State == crm.MeetingBooked) {
			f.Elsewhere = append(f.Elsewhere, crm.Span{Start: other.StartsAt, End: other.EndsAt})
		}
	})
	slices.SortStableFunc(f.Elsewhere, func(a, b crm.Span) int { return a.Start.Compare(b.Start) })
	return f, nil
}

// ChangeMeeting changes a meeting, and tells of it. The error has crm.CodeNotFound when there is none, and crm.CodeConflict when
// somebody of the panel holds another meeting at that time. An error of change is returned as it is, and nothing is written.
func (s *Store) ChangeMeeting(_ context.Context, id string, change func(*crm.Meeting) (crm.MeetingChanged, error)) (crm.Meeting, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, i := s.runOf(id)
	if r == nil {
		return crm.Meeting{}, notFound("There is no such interview.")
	}
	m, err := plain(r.meetings[i])
	if err != nil {
		return crm.Meeting{}, err
	}
	whole := r.meeting(i)
	m.EnrollmentID, m.CandidateID, m.ApplicationID = whole.EnrollmentID, whole.CandidateID, whole.ApplicationID
	changed, err := change(&m)
	if err != nil {
		return crm.Meeting{}, err
	}
	if !changed.Unchanged && s.clashes(&m) {
		return crm.Meeting{}, conflict("That time is not free any more.", "Please pick one of the others.")
	}
	if changed.Call != nil {
		if slices.ContainsFunc(r.calls, func(c crm.CallResult) bool { return c.Seq == changed.Call.Seq }) {
			return whole, nil // an attempt that was given up for lost comes too late
		}
		if err := r.answered(*changed.Call); err != nil {
			return crm.Meeting{}, err
		}
	}
	if !changed.Unchanged {
		if err := r.keep(&m); err != nil {
			return crm.Meeting{}, err
		}
	}
	for _, e := range changed.Events {
		if err := s.queue(e); err != nil {
			return crm.Meeting{}, err
		}
	}
	return m, nil
}

// clashes tells whether somebody would hold two meetings at once.
func (s *Store) clashes(m *crm.Meeting) (yes bool) {
	s.everyMeeting(func(other *crm.Meeting) {
		if other.ID == m.ID {
			return
		}
		for _, id := range m.Concerned() {
			for _, own := range m.Occupies(id) {
				yes = yes || slices.ContainsFunc(other.Occupies(id), own.Overlaps)
			}
		}
	})
	return yes
}

// HeldBy lists what some people hold, or are about to, that overlaps a time, in order.
func (s *Store) HeldBy(_ context.Context, interviewers []string, within crm.Span) ([]crm.Held, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []crm.Held
	s.everyMeeting(func(m *crm.Meeting) {
		for _, id := range m.Concerned() {
			for _, span := range m.Occupies(id) {
				if slices.Contains(interviewers, id) && span.Overlaps(within) {
					all = append(all, crm.Held{Span: span, InterviewerID: id, MeetingID: m.ID})
				}
			}
		}
	})
	slices.SortStableFunc(all, func(a, b crm.Held) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.InterviewerID, b.InterviewerID))
	})
	return all, nil
}

// SeatsBooked lists who has a booked meeting that begins within a time in their calendar, with the time of the meeting; by
// person. Here calendars have every meeting as soon as it is booked.
func (s *Store) SeatsBooked(_ context.Context, within crm.Span) ([]crm.Held, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []crm.Held
	s.everyMeeting(func(m *crm.Meeting) {
		if m.State != crm.MeetingBooked || !within.Contains(m.StartsAt) {
			return
		}
		for _, p := range m.Panel {
			all = append(all, crm.Held{Span: crm.Span{Start: m.StartsAt, End: m.EndsAt}, InterviewerID: p.InterviewerID, MeetingID: m.ID})
		}
	})
	slices.SortStableFunc(all, func(a, b crm.Held) int {
		return cmp.Or(cmp.Compare(a.InterviewerID, b.InterviewerID), a.Start.Compare(b.Start), cmp.Compare(a.MeetingID, b.MeetingID))
	})
	return all, nil
}
