package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// MeetingFacts returns what has to be known to find a time for a meeting. The error has crm.CodeNotFound when there is no such
// meeting.
func (s *Store) MeetingFacts(ctx context.Context, id string) (crm.MeetingFacts, error) {
	const run = "= (select enrollment_id from meetings where id = $1)"
	const candidate = "= (select candidate_id from enrollments where id " + run + ")"
	var (
		meetings     []crm.Meeting
		runs         []crm.Enrollment
		candidates   []candidateRow
		applications []crm.Application
		f            crm.MeetingFacts
	)
	batch := &pgx.Batch{}
	gather(batch.Queue(meetingsOf+"where m.id = $1", id), scanMeeting, &meetings)
	gather(batch.Queue("select "+enrollmentColumns+enrollmentTables+"where r.id "+run, id), scanEnrollment, &runs)
	gather(batch.Queue("select "+candidateColumns+" from candidates where id "+candidate, id), scanCandidate, &candidates)
	gather(batch.Queue(applicationsOf+candidate+" and id = (select application_id from enrollments where id "+run+")", id), scanApplication, &applications)
	gather(batch.Queue(`select m.starts_at, m.ends_at from meetings m join enrollments r on r.id = m.enrollment_id
		where m.id <> $1 and m.state in ('held', 'booked') and r.candidate_id `+candidate+" order by m.starts_at", id), scanSpan, &f.Elsewhere)
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return crm.MeetingFacts{}, fmt.Errorf("read facts of meeting: %w", err)
	}
	if len(meetings) == 0 || len(runs) == 0 || len(candidates) == 0 {
		return crm.MeetingFacts{}, notFound("There is no such interview.")
	}
	f.Meeting, f.Hash, f.Candidate = meetings[0], runs[0].Hash, candidates[0].seen(s.now())
	if len(applications) > 0 {
		f.Application = applications[0]
	}
	return f, nil
}

func scanSpan(row pgx.CollectableRow) (x crm.Span, err error) {
	err = row.Scan(&x.Start, &x.End)
	return x, err
}

// SeatsBooked lists who has a booked meeting that begins within a time in their calendar, with the time of the meeting; by
// person. Those whose calendar is yet to be written are left out.
func (s *Store) SeatsBooked(ctx context.Context, within crm.Span) ([]crm.Held, error) {
	found, err := all(ctx, s, scanHeld, `select x.interviewer_id, m.id, m.starts_at, m.ends_at from meetings m join meeting_seats x on x.meeting_id = m.id
		where m.state = 'booked' and m.starts_at >= $1 and m.starts_at < $2 and x.written = x.wanted
		order by x.interviewer_id, m.starts_at, m.id`, moment(within.Start), moment(within.End))
	if err != nil {
		return nil, fmt.Errorf("read booked seats: %w", err)
	}
	return found, nil
}
