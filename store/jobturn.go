package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// JobTurn is the open transaction of one chunk of a job: it holds the job's row, so that others leave it alone, and no
// candidate's lock. It is for one goroutine.
type JobTurn struct {
	store *Store
	tx    *transaction
	now   time.Time
	job   crm.Job
}

// TakeJob takes the open job whose last chunk is the longest ago, so that jobs take turns. It returns nil when there is
// nothing to do now: no job, or backlog and more events are still to be dispatched, among which those of real people must not
// wait for long. A campaign is not begun before its pool is made up: looked at, and those who belong into it dispatched.
func (s *Store) TakeJob(ctx context.Context, backlog int) (*JobTurn, error) {
	now := s.now()
	var jobs []crm.Job
	batch := &pgx.Batch{}
	gather(batch.Queue("select "+jobColumns+` from jobs j where finished_at is null and not_before <= $1
		and (kind <> 'campaign' or cursor <> '' or not exists (select from jobs p where p.kind = 'pool' and p.finished_at is null
			and p.created_at <= j.created_at and p.pools && j.pools) and not exists (select from events
			where position is null and candidate_id is not null and type = $3))
		and (select count(*) from (select from events where position is null and candidate_id is not null limit $2) waiting) < $2
		order by worked_at nulls first, id limit 1 for update skip locked`, moment(now), backlog, crm.ControlPools), scanJob, &jobs)
	tx, err := s.begin(ctx, batch)
	if err != nil {
		return nil, fmt.Errorf("take job: %w", err)
	}
	if len(jobs) == 0 {
		tx.rollback(ctx)
		return nil, nil //nolint:nilnil // nothing to do is not an error
	}
	return &JobTurn{store: s, tx: tx, now: now, job: jobs[0]}, nil
}

// Job is the job as it was taken.
func (t *JobTurn) Job() crm.Job { return t.job }

// Event returns the event that a fan-out tells. The error has crm.CodeNotFound when it is gone.
func (t *JobTurn) Event(ctx context.Context) (crm.Event, error) {
	var events []crm.Event
	batch := &pgx.Batch{}
	gather(batch.Queue("select "+eventColumns+" from events e left join messages m on false where e.id = $1", t.job.EventID), scanEvent, &events)
	if err := t.tx.send(ctx, batch); err != nil {
		return crm.Event{}, fmt.Errorf("read event: %w", err)
	}
	if len(events) == 0 {
		return crm.Event{}, notFound("There is no such event.")
	}
	return events[0], nil
}

// Walk says whom a job looks at, in the order of their ids, and which of their facts it needs beside the candidate and their
// pools.
type Walk struct {
	Pools    []string // the members of any of these; nil: all candidates
	Role     string   // also those who have an open run about an application for this role that listens to Event; "": none
	Event    string
	Since    time.Time // of members: those who were in by then; zero: all
	Limit    int       // how many at once
	Consents bool
	Applied  bool // applications
	Enrolled bool
}

// everyone, membersOf and concerned give the ids of those whom a walk looks at: $1 the pools, $2 since when, $3 the role, $4 the
// event.
const (
	everyone  = "select id from candidates where $1::text[] is null and $2::timestamptz is null"
	membersOf = "select candidate_id from pool_members where pool = any($1::text[]) and ($2::timestamptz is null or since <= $2)"
	concerned = ` union select a.candidate_id from applications a join enrollments r on r.application_id = a.id
		where $3::text <> '' and a.role = $3 and r.status <> 'closed' and $4::text = any(r.listens)`
)

// Count counts all whom a walk looks at.
func (t *JobTurn) Count(ctx context.Context, w *Walk) (int64, error) {
	from := membersOf
	if w.Pools == nil {
		from = everyone
	}
	var counts []int64
	batch := &pgx.Batch{}
	gather(batch.Queue("select count(*) from ("+from+concerned+") walk", w.Pools, moment(w.Since), w.Role, w.Event), pgx.RowTo[int64], &counts)
	if err := t.tx.send(ctx, batch); err != nil {
		return 0, fmt.Errorf("count candidates: %w", err)
	}
	return counts[0], nil
}

// Next returns the facts of the next candidates of a walk after the job's cursor: fewer than the limit at its end. They are
// read without locks and may be out of date when they are looked at.
func (t *JobTurn) Next(ctx context.Context, w *Walk) ([]crm.Facts, error) {
	var candidates []candidateRow
	first := &pgx.Batch{}
	if w.Pools == nil {
		gather(first.Queue("select "+candidateColumns+" from candidates where id > $1 order by id limit $2", t.job.Cursor, w.Limit),
			scanCandidate, &candidates)
	} else {
		gather(first.Queue("select "+candidateColumns+` from candidates where id in (
				select distinct m.candidate_id from unnest($1::text[]) as p (pool) cross join lateral (
					select candidate_id from pool_members where pool = p.pool and candidate_id > $2 and ($3::timestamptz is null or since <= $3)
					order by candidate_id limit $4) m
				union
				(select distinct a.candidate_id from applications a join enrollments r on r.application_id = a.id
					where $5::text <> '' and a.role = $5 and a.candidate_id > $2 and r.status <> 'closed' and $6::text = any(r.listens)
					order by a.candidate_id limit $4)
				order by candidate_id limit $4) order by id`, w.Pools, t.job.Cursor, moment(w.Since), w.Limit, w.Role, w.Event), scanCandidate, &candidates)
	}
	if err := t.tx.send(ctx, first); err != nil {
		return nil, fmt.Errorf("read candidates: %w", err)
	}
	facts := make([]crm.Facts, len(candidates))
	places := make(map[string]*crm.Facts, len(candidates))
	ids := make([]string, len(candidates))
	for i := range candidates {
		facts[i].Candidate, facts[i].Position = candidates[i].seen(t.now), candidates[i].position
		places[candidates[i].ID], ids[i] = &facts[i], candidates[i].ID
	}
	rest := &pgx.Batch{}
	w.queueFacts(rest, ids, places)
	if err := t.tx.send(ctx, rest); err != nil {
		return nil, fmt.Errorf("read facts of candidates: %w", err)
	}
	return facts, nil
}

// queueFacts reads what a walk needs beside the candidates into their places.
func (w *Walk) queueFacts(batch *pgx.Batch, ids []string, places map[string]*crm.Facts) {
	deal(batch.Queue("select candidate_id, pool from pool_members where candidate_id = any($1) order by candidate_id, pool", ids), scanOwned,
		func(o owned[string]) { places[o.candidateID].Pools = append(places[o.candidateID].Pools, o.value) })
	if w.Consents {
		deal(batch.Queue(consentsOf+"= any($1)"+consentOrder, ids), scanConsent,
			func(c consentLine) {
				places[c.CandidateID].Consents = append(places[c.CandidateID].Consents, c.Consent)
			})
	}
	if w.Applied {
		deal(batch.Queue(applicationsOf+"= any($1) order by id", ids), scanApplication,
			func(a crm.Application) {
				places[a.CandidateID].Applications = append(places[a.CandidateID].Applications, a)
			})
	}
	if w.Enrolled {
		deal(batch.Queue(`select distinct candidate_id, definition from enrollments where status <> 'closed' and candidate_id = any($1)
			order by candidate_id, definition`, ids), scanOwned,
			func(o owned[string]) {
				places[o.candidateID].Enrolled = append(places[o.candidateID].Enrolled, o.value)
			})
	}
}

// deal hands the rows of a queued query out one by one.
func deal[T any](query *pgx.QueuedQuery, scan pgx.RowToFunc[T], to func(T)) {
	query.Query(func(rows pgx.Rows) error {
		for rows.Next() {
			row, err := scan(rows)
			if err != nil {
				return err
			}
			to(row)
		}
		return rows.Err()
	})
}

// Commit writes how far the job has got, and events into the queues of candidates. An event that is there already, by source
// and external id, is not written again.
func (t *JobTurn) Commit(ctx context.Context, j *crm.Job, events []crm.Event) error {
	defer t.tx.rollback(ctx)
	batch := &pgx.Batch{}
	if err := queueEvents(batch, events); err != nil {
		return err
	}
	batch.Queue(`update jobs set pools = $2, cursor = $3, total = $4, done = $5, found = $6, not_before = $7, started_at = $8,
		worked_at = $9, finished_at = $10, window_at = $11, window_found = $12, error = $13, attempts = 0 where id = $1`,
		t.job.ID, list(j.Pools), j.Cursor, j.Total, j.Done, j.Found, moment(j.NotBefore), moment(j.StartedAt), moment(t.now),
		moment(j.FinishedAt), moment(j.WindowAt), j.WindowFound, j.Error)
	if err := t.tx.commit(ctx, batch); err != nil {
		return fmt.Errorf("write chunk of job: %w", err)
	}
	if len(events) > 0 {
		t.store.Notify(TopicEvents)
	}
	return nil
}

// Rollback gives the chunk up. After a Commit it does nothing.
func (t *JobTurn) Rollback() { t.tx.rollback(context.Background()) }
