package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"github.com/rapport-crm/rapport/crm"
)

// TopicJobs is rung when there is a new job, or an event that will be one.
const TopicJobs = "jobs"

// jobsKept is how long finished jobs are kept.
const jobsKept = 30 * 24 * time.Hour

const jobColumns = `id, key, kind, definition, pools, event_id, date, cursor, total, done, found, created_at, not_before, started_at,
	worked_at, finished_at, window_at, window_found, attempts, error`

func scanJob(row pgx.CollectableRow) (j crm.Job, err error) {
	err = row.Scan(&j.ID, &j.Key, &j.Kind, &j.Definition, &j.Pools, word(&j.EventID), at(&j.Date), &j.Cursor, &j.Total, &j.Done,
		&j.Found, &j.CreatedAt, &j.NotBefore, at(&j.StartedAt), at(&j.WorkedAt), at(&j.FinishedAt), at(&j.WindowAt), &j.WindowFound, &j.Attempts, &j.Error)
	return j, err
}

// JobState is what tells which jobs are to be made.
type JobState struct {
	Generation int64 // of the definitions that the rest belongs to
	Marks      []crm.JobMark
	Changed    map[string]time.Time // when the version in force of a sequence was published, by name
}

// JobState returns what jobs were made for, and the generation that it belongs to at least.
func (s *Store) JobState(ctx context.Context) (JobState, error) {
	state := JobState{Changed: map[string]time.Time{}}
	// The generation is read first: what changes in between makes the caller read again, and misses nothing.
	var err error
	if state.Generation, err = s.DefinitionsGeneration(ctx); err != nil {
		return JobState{}, err
	}
	type change struct {
		name string
		at   time.Time
	}
	var changes []change
	batch := &pgx.Batch{}
	gather(batch.Queue("select kind, definition, pool, state from job_marks"), pgx.RowToStructByPos[crm.JobMark], &state.Marks)
	gather(batch.Queue("select name, changed_at from published p where "+runKinds), func(row pgx.CollectableRow) (c change, err error) {
		err = row.Scan(&c.name, &c.at)
		return c, err
	}, &changes)
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return JobState{}, fmt.Errorf("read job marks: %w", err)
	}
	for _, c := range changes {
		state.Changed[c.name] = c.at
	}
	return state, nil
}

// AddJobs adds jobs and sets marks, all or none, and forgets jobs that finished a month ago. A job whose key is there
// already is left as it is. It does nothing and returns false when the definitions are no longer of the generation that jobs
// and marks were made for.
func (s *Store) AddJobs(ctx context.Context, generation int64, jobs []crm.Job, marks []crm.JobMark) (bool, error) {
	var current []int64
	lock := &pgx.Batch{}
	gather(lock.Queue("select value from generation for share"), pgx.RowTo[int64], &current)
	tx, err := s.begin(ctx, lock)
	if err != nil {
		return false, fmt.Errorf("add jobs: %w", err)
	}
	defer tx.rollback(ctx)
	if current[0] != generation {
		return false, nil
	}
	now := s.now()
	write := &pgx.Batch{}
	for i := range jobs {
		j := &jobs[i]
		write.Queue(`insert into jobs (id, key, kind, definition, pools, date, created_at, not_before)
			values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (key) do nothing`,
			crm.NewID(crm.PrefixJob, now), j.Key, j.Kind, j.Definition, list(j.Pools), moment(j.Date), moment(now),
			moment(orElse(j.NotBefore, now)))
	}
	for _, m := range marks {
		if m.State == "" {
			write.Queue("delete from job_marks where kind = $1 and definition = $2 and pool = $3", m.Kind, m.Definition, m.Pool)
			continue
		}
		write.Queue(`insert into job_marks (kind, definition, pool, state) values ($1, $2, $3, $4)
			on conflict (kind, definition, pool) do update set state = excluded.state`, m.Kind, m.Definition, m.Pool, m.State)
	}
	write.Queue("delete from jobs where finished_at < $1", moment(now.Add(-jobsKept)))
	if err := tx.commit(ctx, write); err != nil {
		return false, fmt.Errorf("add jobs: %w", err)
	}
	s.Notify(TopicJobs)
	return true, nil
}

// AddFanouts makes a job of every event that has no candidate. Such an event is in nobody's order: its position is 0. The
// one that is only recorded is told to nobody.
func (s *Store) AddFanouts(ctx context.Context) error {
	var types []string
	for _, t := range crm.EventTypes() {
		if crm.Broadcast(t) {
			types = append(types, t)
		}
	}
	_, err := s.pool.Exec(ctx, `with told as (
			update events set position = 0, dispatched_at = $2 where id in (
				select id from events where position is null and candidate_id is null and subject = '' and type = any($1)
				order by seq limit 100 for update skip locked)
			returning id, seq, record_only
		)
		insert into jobs (id, key, kind, event_id, created_at, not_before)
		select $3 || substr(id, strpos(id, '_')), 'fanout/' || id, 'fanout', id, $2, $2 from told where not record_only
		order by seq on conflict (key) do nothing`, types, moment(s.now()), crm.PrefixJob)
	if err != nil {
		return fmt.Errorf("make jobs of events: %w", err)
	}
	return nil
}

// FailJob notes that an attempt at a job failed and when the next one may be. The reason is a code.
func (s *Store) FailJob(ctx context.Context, id, reason string, next time.Time) error {
	_, err := s.pool.Exec(ctx, `update jobs set error = $2, attempts = attempts + 1, not_before = greatest(not_before, $3), worked_at = $4
		where id = $1 and finished_at is null`, id, reason, moment(next), moment(s.now()))
	if err != nil {
		return fmt.Errorf("note failure of job: %w", err)
	}
	return nil
}

// JobFilter says which jobs to list. Empty fields do not filter.
type JobFilter struct {
	Kind       crm.JobKind
	Definition string
	Open       bool   // only jobs that are not finished
	Limit      int    // of a page; 0: 50, at most 500
	After      string // the cursor that the page before returned
}

// ListJobs returns a page of jobs, the newest first, and the cursor of the next page, "" after the last.
func (s *Store) ListJobs(ctx context.Context, f JobFilter) (items []crm.Job, next string, err error) {
	limit := pageSize(f.Limit)
	before, id, _ := strings.Cut(f.After, "/")
	var created time.Time
	if f.After != "" {
		if created, err = time.Parse(time.RFC3339Nano, before); err != nil {
			return nil, "", invalid("The cursor is not one of a list of jobs.", "Take it from the page before.")
		}
	}
	items, err = all(ctx, s, scanJob, "select "+jobColumns+` from jobs where ($1 = '' or kind = $1) and ($2 = '' or definition = $2)
		and (not $3::bool or finished_at is null) and ($4::timestamptz is null or (created_at, id) < ($4, $5))
		order by created_at desc, id desc limit $6`,
		string(f.Kind), f.Definition, f.Open, zeronull.Timestamptz(created), id, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list jobs: %w", err)
	}
	items, next = page(items, limit, func(j *crm.Job) string { return j.CreatedAt.Format(time.RFC3339Nano) + "/" + j.ID })
	return items, next, nil
}
