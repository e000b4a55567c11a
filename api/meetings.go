package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// MeetingDetails is a meeting of an interview, and whose it is.
type MeetingDetails struct {
	crm.Meeting
	StartsAt   time.Time `json:"starts_at,omitzero" doc:"Left out while no time is agreed, as is what follows from it."`
	EndsAt     time.Time `json:"ends_at,omitzero"`
	Seats      []string  `json:"seats,omitempty" doc:"Ids of interviewers."`
	Enrollment string    `json:"enrollment_id"`
	Candidate  string    `json:"candidate_id"`
}

func (s *server) registerMeetings() {
	const notes = " What the candidate needs and the notes of scorecards are left out without the scope notes:read."
	audited(s, operation(http.MethodGet, "/v1/meetings/{id}", "get-meeting", "Enrollments", ScopeEnrollmentsRead, "Get a meeting of an interview",
		"The times that are offered, the one that is agreed, who holds it and what they said."+notes), crm.AuditRead, "meeting", s.getMeeting, oneAbout(func(x *body[MeetingDetails]) string { return x.Body.Candidate }))
	audited(s, operation(http.MethodGet, "/v1/enrollments/{id}/meetings", "list-meetings", "Enrollments", ScopeEnrollmentsRead,
		"List the meetings of an interview", "In the order in which they were begun: one for each round, and another after a no-show."+notes), crm.AuditList, "meetings", s.listMeetings, pageAbout(func(x *MeetingDetails) string { return x.Candidate }))
}

func (s *server) getMeeting(ctx context.Context, in *struct {
	ID string `path:"id" maxLength:"100"`
},
) (*body[MeetingDetails], error) {
	m, err := s.Store.Meeting(ctx, in.ID)
	if err != nil {
		return nil, problemOf(err)
	}
	return &body[MeetingDetails]{Body: meetingFor(ctx, m)}, nil
}

func (s *server) listMeetings(ctx context.Context, in *enrollmentID) (*body[Page[MeetingDetails]], error) {
	if _, err := s.Store.Enrollment(ctx, in.ID); err != nil {
		return nil, problemOf(err)
	}
	found, err := s.Store.MeetingsOf(ctx, in.ID)
	items := make([]MeetingDetails, len(found))
	for i := range found {
		items[i] = meetingFor(ctx, found[i])
	}
	return pageOf(items, "", err)
}

// meetingFor is a meeting as the caller may see it.
func meetingFor(ctx context.Context, m crm.Meeting) MeetingDetails {
	if !may(ctx, ScopeNotesRead) {
		m.Needs, m.Panel = "", slices.Clone(m.Panel)
		for i := range m.Panel {
			if card := m.Panel[i].Scorecard; card != nil {
				kept := *card
				kept.Notes, kept.By = "", nil
				m.Panel[i].Scorecard = &kept
			}
		}
	}
	return MeetingDetails{Meeting: m, StartsAt: m.StartsAt, EndsAt: m.EndsAt, Seats: m.Seats, Enrollment: m.EnrollmentID, Candidate: m.CandidateID}
}
