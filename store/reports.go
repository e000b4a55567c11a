package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"github.com/rapport-crm/rapport/crm"
)

// InterviewerLoad is what somebody had to do with interviews that begin in a period. Those they shadow are counted apart.
type InterviewerLoad struct {
	ID       string
	Email    string
	Name     string
	Zone     string
	Groups   []string
	Weight   int
	Trainee  bool
	Active   bool
	Held     int           // booked, and over
	Upcoming int           // booked or about to be, and not over
	Missed   int           // the candidate did not come
	Shadowed int           // in which they came along
	Released int           // in which they were to be, and which others hold: they declined, had something else, or the time was changed
	Declined int           // how often they said in the period that they cannot, or something else came up
	Time     time.Duration // of those held and upcoming
}

// InterviewerLoads returns what everybody has to do who gets interviews or has had one in the period, by name. Whether an interview is
// over is decided by now.
func (s *Store) InterviewerLoads(ctx context.Context, period crm.Span, now time.Time) ([]InterviewerLoad, error) {
	found, err := all(ctx, s, scanLoad, `with places as (
			select x.interviewer_id, m.id as meeting, m.state, m.ends_at > $3 as ahead, m.ends_at - m.starts_at as lasts,
				p.seat is not null as there, coalesce((p.seat->>'shadow')::boolean, false) as shadow
			from meetings m join meeting_seats x on x.meeting_id = m.id
			left join lateral (select seat from jsonb_array_elements(case jsonb_typeof(m.body->'panel') when 'array' then m.body->'panel' else '[]' end) seat
				where seat->>'interviewer' = x.interviewer_id limit 1) p on true
			where m.starts_at >= $1 and m.starts_at < $2 and m.state in ('held', 'booked', 'completed', 'no_show')
		), refusals as (
			select coalesce(e.data->>'interviewer', e.data->>'by') as who, count(distinct e.id) as n
			from (select distinct r.candidate_id from meetings m join enrollments r on r.id = m.enrollment_id
				where (m.body->>'created_at')::timestamptz < $2 and coalesce((m.body->>'closed_at')::timestamptz, 'infinity') >= $1) c
			join events e on e.candidate_id = c.candidate_id and e.type = $4 and e.time >= $1 and e.time < $2
			group by 1
		)
		select i.id, i.email, i.name, i.zone, i.groups, i.weight, i.trainee, i.active,
			count(meeting) filter (where there and not shadow and state <> 'no_show' and not ahead),
			count(meeting) filter (where there and not shadow and state <> 'no_show' and ahead),
			count(meeting) filter (where there and not shadow and state = 'no_show'),
			count(meeting) filter (where there and shadow and state <> 'no_show'),
			count(meeting) filter (where not there),
			(select coalesce(sum(n), 0)::bigint from refusals where who in (i.id, i.email)),
			coalesce(extract(epoch from sum(lasts) filter (where there and not shadow and state <> 'no_show')), 0)::bigint
		from interviewers i left join places on places.interviewer_id = i.id
		group by i.id having i.active or count(meeting) > 0 order by lower(i.name), i.email`,
		moment(period.Start), moment(period.End), moment(now), crm.EventDeclined)
	if err != nil {
		return nil, fmt.Errorf("read load of interviewers: %w", err)
	}
	return found, nil
}

func scanLoad(row pgx.CollectableRow) (l InterviewerLoad, err error) {
	var seconds int64
	err = row.Scan(&l.ID, &l.Email, &l.Name, &l.Zone, &l.Groups, &l.Weight, &l.Trainee, &l.Active,
		&l.Held, &l.Upcoming, &l.Missed, &l.Shadowed, &l.Released, &l.Declined, &seconds)
	l.Time = time.Duration(seconds) * time.Second
	return l, err
}

// MeetingStory is a meeting with what is not on its row: when its time was first picked and first booked, and how its run ended.
type MeetingStory struct {
	crm.Meeting
	PickedAt    time.Time // zero: never
	FirstBooked time.Time // zero: never
	RunOutcome  string    // "" while it is open
}

// MeetingStories returns the meetings that were begun in a period, in the order of their interviews, rounds and times.
func (s *Store) MeetingStories(ctx context.Context, period crm.Span) ([]MeetingStory, error) {
	found, err := all(ctx, s, scanStory, `select m.body, r.id, r.candidate_id, coalesce(r.application_id, ''), r.definition,
			(select min(e.time) from events e where e.candidate_id = r.candidate_id and e.type = $3 and e.data->>'meeting' = m.id),
			coalesce((select min(e.time) from events e where e.candidate_id = r.candidate_id and e.type = 'interview.booked'
				and e.data->>'by' = r.id and e.data->>'round' = m.round and e.time >= b.begun and e.time <= coalesce(b.closed, 'infinity')),
				(m.body->>'booked_at')::timestamptz),
			r.outcome
		from meetings m join enrollments r on r.id = m.enrollment_id
		cross join lateral (select (m.body->>'created_at')::timestamptz as begun, (m.body->>'closed_at')::timestamptz as closed) b
		where b.begun >= $1 and b.begun < $2 order by r.definition, m.round, b.begun, m.id`,
		moment(period.Start), moment(period.End), crm.EventPicked)
	if err != nil {
		return nil, fmt.Errorf("read meetings of a period: %w", err)
	}
	return found, nil
}

func scanStory(row pgx.CollectableRow) (x MeetingStory, err error) {
	var run crm.Enrollment
	err = row.Scan(&x.Meeting, &run.ID, &run.CandidateID, &run.ApplicationID, &run.Definition,
		(*zeronull.Timestamptz)(&x.PickedAt), (*zeronull.Timestamptz)(&x.FirstBooked), &x.RunOutcome)
	belongs(&x.Meeting, &run)
	x.PickedAt, x.FirstBooked = x.PickedAt.UTC(), x.FirstBooked.UTC()
	return x, err
}
