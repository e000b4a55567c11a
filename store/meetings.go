package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rapport-crm/rapport/crm"
)

// stateExclusion is the SQLSTATE of a row that an exclusion constraint refuses.
const stateExclusion = "23P01"

// belongs fills in what a meeting's body does not say: whose it is can change by a merge.
func belongs(m *crm.Meeting, run *crm.Enrollment) {
	m.EnrollmentID, m.CandidateID, m.ApplicationID, m.Definition = run.ID, run.CandidateID, run.ApplicationID, run.Definition
}

// queueMeeting writes a meeting whole, and who is kept by it from holding another. What is in calendars is not touched: only
// what should be there.
func queueMeeting(batch *pgx.Batch, m *crm.Meeting) error {
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode meeting: %w", err)
	}
	batch.Queue(`insert into meetings (id, enrollment_id, round, n, state, starts_at, ends_at, body) values ($1, $2, $3, $4, $5, $6, $7, $8)
		on conflict (id) do update set state = excluded.state, starts_at = excluded.starts_at, ends_at = excluded.ends_at, body = excluded.body`,
		m.ID, m.EnrollmentID, m.Round, m.N, m.State, moment(m.StartsAt), moment(m.EndsAt), body)
	concerned := m.Concerned()
	// Two who want the same people at once would wait for each other's rows: an exclusion constraint looks after it has written. So
	// they queue up before.
	batch.Queue("select id from interviewers where id = any($1) order by id for no key update", list(concerned))
	// Time that is given up comes first: a constraint looks at each row as it is written.
	batch.Queue("update meeting_seats set during = null, wanted = null where meeting_id = $1 and not interviewer_id = any($2)", m.ID, list(concerned))
	for _, id := range concerned {
		p := m.Seat(id)
		var starts, ends []time.Time
		for _, s := range m.Occupies(id) {
			starts, ends = append(starts, s.Start), append(ends, s.End)
		}
		batch.Queue(`insert into meeting_seats (meeting_id, interviewer_id, shadow, during, wanted)
			values ($1, $2, $3, (select range_agg(tstzrange(a, b)) from unnest($4::timestamptz[], $5::timestamptz[]) as s (a, b)), $6)
			on conflict (meeting_id, interviewer_id) do update set shadow = excluded.shadow, during = excluded.during,
			wanted = case when $7 then meeting_seats.wanted else excluded.wanted end`,
			m.ID, id, p != nil && p.Shadow, starts, ends, wanted(m, p), keepsEvents(m))
	}
	return nil
}

// wanted is the sequence of the event that somebody's calendar should have, nil for none.
func wanted(m *crm.Meeting, p *crm.Panelist) *int {
	if m.State != crm.MeetingBooked || p == nil {
		return nil
	}
	return &m.Sequence
}

// keepsEvents tells whether calendars stay as they are: while a time is being booked, and when the meeting was.
func keepsEvents(m *crm.Meeting) bool {
	return m.State == crm.MeetingHeld || m.State == crm.MeetingCompleted || m.State == crm.MeetingNoShow
}

const meetingsOf = `select m.body, r.id, r.candidate_id, coalesce(r.application_id, ''), r.definition
	from meetings m join enrollments r on r.id = m.enrollment_id `

func scanMeeting(row pgx.CollectableRow) (m crm.Meeting, err error) {
	var run crm.Enrollment
	if err = row.Scan(&m, &run.ID, &run.CandidateID, &run.ApplicationID, &run.Definition); err == nil {
		belongs(&m, &run)
	}
	return m, err
}

// Meeting returns a meeting. The error has crm.CodeNotFound when there is none.
func (s *Store) Meeting(ctx context.Context, id string) (crm.Meeting, error) {
	found, err := all(ctx, s, scanMeeting, meetingsOf+"where m.id = $1", id)
	if err != nil {
		return crm.Meeting{}, fmt.Errorf("read meeting: %w", err)
	}
	if len(found) == 0 {
		return crm.Meeting{}, notFound("There is no such interview.")
	}
	return found[0], nil
}

// MeetingOf returns the last meeting of a run. The error has crm.CodeNotFound when there is none.
func (s *Store) MeetingOf(ctx context.Context, enrollmentID string) (crm.Meeting, error) {
	found, err := all(ctx, s, scanMeeting, meetingsOf+"where m.enrollment_id = $1 order by (m.body->>'created_at')::timestamptz desc, m.id desc limit 1", enrollmentID)
	if err != nil {
		return crm.Meeting{}, fmt.Errorf("read meeting of a run: %w", err)
	}
	if len(found) == 0 {
		return crm.Meeting{}, notFound("No interview has been begun.")
	}
	return found[0], nil
}

// MeetingsOf returns the meetings of a run, in the order in which they were begun.
func (s *Store) MeetingsOf(ctx context.Context, enrollmentID string) ([]crm.Meeting, error) {
	found, err := all(ctx, s, scanMeeting, meetingsOf+"where m.enrollment_id = $1 order by (m.body->>'created_at')::timestamptz, m.id", enrollmentID)
	if err != nil {
		return nil, fmt.Errorf("read meetings of a run: %w", err)
	}
	return found, nil
}

// MeetingChanged is what a change of a meeting leads to.
type MeetingChanged = crm.MeetingChanged

// ChangeMeeting changes a meeting under its candidate's lock. The error has crm.CodeNotFound when there is none, and
// crm.CodeConflict when somebody of the panel holds another meeting at that time. An error of change is returned as it is, and
// nothing is written.
func (s *Store) ChangeMeeting(ctx context.Context, id string, change func(m *crm.Meeting) (MeetingChanged, error)) (crm.Meeting, error) {
	var found []crm.Meeting
	lock := &pgx.Batch{}
	lock.Queue("select id from lock_candidates(array(select r.candidate_id from meetings m join enrollments r on r.id = m.enrollment_id where m.id = $1))", id)
	gather(lock.Queue(meetingsOf+"where m.id = $1", id), scanMeeting, &found)
	tx, err := s.begin(ctx, lock)
	if err != nil {
		return crm.Meeting{}, fmt.Errorf("change meeting: %w", err)
	}
	defer tx.rollback(ctx)
	if len(found) == 0 {
		return crm.Meeting{}, notFound("There is no such interview.")
	}
	m := found[0]
	changed, err := change(&m)
	if err != nil {
		return crm.Meeting{}, err
	}
	if first, err := s.answerFirst(ctx, tx, m.EnrollmentID, changed.Call); err != nil {
		return crm.Meeting{}, err
	} else if !first { // an attempt that was given up for lost comes too late
		tx.rollback(ctx)
		return s.Meeting(ctx, id)
	}
	batch := &pgx.Batch{}
	if !changed.Unchanged {
		if err := queueMeeting(batch, &m); err != nil {
			return crm.Meeting{}, err
		}
	}
	if err := queueEvents(batch, changed.Events); err != nil {
		return crm.Meeting{}, fmt.Errorf("change meeting: %w", err)
	}
	switch err := tx.commit(ctx, batch); {
	case SQLState(err) == stateExclusion:
		return crm.Meeting{}, &crm.Error{Code: crm.CodeConflict, Message: "That time is not free any more.", Next: "Please pick one of the others.", Err: err}
	case err != nil:
		return crm.Meeting{}, fmt.Errorf("change meeting: %w", err)
	}
	if len(changed.Events) > 0 {
		s.Notify(TopicEvents)
	}
	return m, nil
}

// answerFirst stores the answer of a call, if there is one. It is false when there was an answer already: that one stays, with what
// it changed.
func (s *Store) answerFirst(ctx context.Context, tx *transaction, enrollmentID string, r *crm.CallResult) (first bool, err error) {
	if r == nil {
		return true, nil
	}
	batch := &pgx.Batch{}
	if err := queueCallDone(batch, enrollmentID, r, s.now()); err != nil {
		return false, err
	}
	batch.QueuedQueries[0].Exec(func(tag pgconn.CommandTag) error {
		first = tag.RowsAffected() > 0
		return nil
	})
	if err := tx.send(ctx, batch); err != nil {
		return false, fmt.Errorf("store answer of call: %w", err)
	}
	return first, nil
}

// Seat is what somebody's calendar should have of a meeting, and what it may have.
type Seat = crm.CalendarSeat

// MarkSeats notes, before it is, that an event is written to the calendars of a held meeting. Whatever happens then, somebody
// looks after it: an event that is not wanted in the end is taken out again.
func (s *Store) MarkSeats(ctx context.Context, meetingID string, sequence int) error {
	_, err := s.pool.Exec(ctx, `update meeting_seats x set written = $2 from meetings m
		where m.id = $1 and m.state = 'held' and x.meeting_id = m.id and x.during is not null`, meetingID, sequence)
	if err != nil {
		return fmt.Errorf("mark seats: %w", err)
	}
	return nil
}

// SeatWritten notes what a calendar has from now on; nil: no event.
func (s *Store) SeatWritten(ctx context.Context, meetingID, interviewerID string, sequence *int) error {
	_, err := s.pool.Exec(ctx, "update meeting_seats set written = $3 where meeting_id = $1 and interviewer_id = $2", meetingID, interviewerID, sequence)
	if err != nil {
		return fmt.Errorf("note seat: %w", err)
	}
	return nil
}

// SeatsBehind lists calendars that do not have what they should, of meetings that nobody is booking at the moment.
func (s *Store) SeatsBehind(ctx context.Context, limit int) ([]Seat, error) {
	found, err := all(ctx, s, scanSeat, `select x.meeting_id, x.interviewer_id, x.wanted, x.written from meeting_seats x
		join meetings m on m.id = x.meeting_id where x.written is distinct from x.wanted and m.state not in ('held', 'completed', 'no_show')
		order by m.starts_at nulls first, x.meeting_id, x.interviewer_id limit $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("read seats: %w", err)
	}
	return found, nil
}

func scanSeat(row pgx.CollectableRow) (x Seat, err error) {
	err = row.Scan(&x.MeetingID, &x.InterviewerID, &x.Wanted, &x.Written)
	return x, err
}

// Held is a time at which somebody holds a meeting.
type Held = crm.Held

// HeldBy lists what some people hold, or are about to, that overlaps a time, in order.
func (s *Store) HeldBy(ctx context.Context, interviewers []string, within crm.Span) ([]Held, error) {
	found, err := all(ctx, s, scanHeld, `select x.interviewer_id, x.meeting_id, lower(r), upper(r) from meeting_seats x, unnest(x.during) r
		where x.interviewer_id = any($1) and r && tstzrange($2, $3) order by lower(r), x.interviewer_id`,
		list(interviewers), moment(within.Start), moment(within.End))
	if err != nil {
		return nil, fmt.Errorf("read meetings: %w", err)
	}
	return found, nil
}

func scanHeld(row pgx.CollectableRow) (h Held, err error) {
	err = row.Scan(&h.InterviewerID, &h.MeetingID, &h.Start, &h.End)
	return h, err
}
