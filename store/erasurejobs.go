package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store/seal"
)

const (
	// erasureJobsLast is how long it is tried to do something outside. After that what it takes is deleted too.
	erasureJobsLast = 14 * 24 * time.Hour
	// erasureKeySetting holds the key that seals jobs where the installation has none.
	erasureKeySetting = "erasure_key"
)

// pendingJob is a job as it is queued.
type pendingJob = crm.ErasureJob

// jobs are what is to be done outside the database. Done again after a restore, nobody else is told once more.
func (e *erasing) jobs() []pendingJob {
	var jobs []pendingJob
	add := func(kind crm.ErasureKind, p crm.ErasurePayload) {
		jobs = append(jobs, pendingJob{Kind: kind, Payload: p})
	}
	for _, r := range slices.Concat(e.runs, e.requests) {
		add(crm.ErasureRun, crm.ErasurePayload{Workflow: r.WorkflowID, Wake: r.Wake})
	}
	for _, x := range e.seats {
		if x.Written != nil {
			add(crm.ErasureCalendar, crm.ErasurePayload{Meeting: x.MeetingID, Interviewer: x.InterviewerID})
		}
	}
	if e.log != nil {
		return jobs
	}
	for _, p := range e.asked {
		p.At = e.At
		add(crm.ErasureMail, p)
	}
	for _, address := range e.untold {
		add(crm.ErasureProvider, crm.ErasurePayload{Address: address})
	}
	for i := range e.locked {
		if c := &e.locked[i]; c.externalID != "" {
			add(crm.ErasureATS, crm.ErasurePayload{Candidate: c.id, ExternalID: c.externalID, Mode: e.Mode, At: e.At})
		}
	}
	return jobs
}

// queueErasureJobs queues what is to be done outside, sealed.
func (s *Store) queueErasureJobs(batch *pgx.Batch, r *crm.ErasureReceipt, jobs []pendingJob) error {
	now := s.now()
	for i := range jobs {
		text, err := json.Marshal(jobs[i].Payload)
		if err != nil {
			return fmt.Errorf("encode job of erasure: %w", err)
		}
		sealed, err := s.jobSeal.Seal(crm.Secret(text), jobPlace(r.ID, jobs[i].Kind))
		if err != nil {
			return fmt.Errorf("seal job of erasure: %w", err)
		}
		batch.Queue("insert into erasure_jobs (erasure_id, kind, sealed, not_before, give_up_at) values ($1, $2, $3, $4, $5)",
			r.ID, jobs[i].Kind, sealed, moment(now), moment(now.Add(erasureJobsLast)))
	}
	return nil
}

// jobPlace is what a sealed job is bound to.
func jobPlace(erasureID string, kind crm.ErasureKind) string { return erasureID + "/" + string(kind) }

// sealJobs finds the keys that seal jobs: the installation's, else one that is kept in the database. That one keeps a job from being read
// by chance, not by who has the whole database.
func (s *Store) sealJobs(ctx context.Context) error {
	s.keyed.Lock()
	ready := s.jobSeal.Ready()
	s.keyed.Unlock()
	if ready {
		return nil
	}
	keys := s.seal
	if !keys.Ready() {
		text, err := s.Setting(ctx, erasureKeySetting, func() (string, error) { return seal.Make(), nil })
		if err != nil {
			return err
		}
		if keys, err = seal.Parse(text); err != nil {
			return fmt.Errorf("read setting %s: %w", erasureKeySetting, err)
		}
	}
	s.keyed.Lock()
	defer s.keyed.Unlock()
	s.jobSeal = keys
	return nil
}

// sealedJob is a job as it is kept.
type sealedJob struct {
	crm.ErasureJob
	sealed []byte
}

// TakeErasureJobs takes up to limit jobs that are due, for as long as the lease: what is not finished or postponed by then comes again, so
// that a job is done at least once. A job that no key opens is finished as locked.
func (s *Store) TakeErasureJobs(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]crm.ErasureJob, error) {
	if err := s.sealJobs(ctx); err != nil {
		return nil, err
	}
	rows, err := all(ctx, s, func(row pgx.CollectableRow) (j sealedJob, err error) {
		err = row.Scan(&j.ID, &j.ErasureID, &j.Kind, &j.Passes, &j.Attempts, &j.GiveUpAt, &j.sealed)
		return j, err
	}, `update erasure_jobs set attempts = attempts + 1, not_before = $2 where id in (
			select id from erasure_jobs where finished_at is null and not_before <= $1 order by not_before, id limit $3 for update skip locked)
		returning id, erasure_id, kind, passes, attempts, give_up_at, sealed`, moment(now), moment(now.Add(lease)), limit)
	if err != nil {
		return nil, fmt.Errorf("take jobs of erasures: %w", err)
	}
	slices.SortFunc(rows, func(a, b sealedJob) int { return int(a.ID - b.ID) })
	var jobs []crm.ErasureJob
	for i := range rows {
		j := &rows[i]
		text, err := s.jobSeal.Open(j.sealed, jobPlace(j.ErasureID, j.Kind))
		if err != nil || json.Unmarshal([]byte(text), &j.Payload) != nil {
			if err := s.FinishErasureJob(ctx, j.ID, "locked", now); err != nil {
				return nil, err
			}
			continue
		}
		jobs = append(jobs, j.ErasureJob)
	}
	return jobs, nil
}

// FinishErasureJob notes what came of a job, and deletes what it took.
func (s *Store) FinishErasureJob(ctx context.Context, id int64, outcome string, at time.Time) error {
	_, err := s.pool.Exec(ctx, "update erasure_jobs set sealed = null, outcome = $2, finished_at = $3 where id = $1 and finished_at is null", id, outcome, moment(at))
	if err != nil {
		return fmt.Errorf("finish job of erasure: %w", err)
	}
	return nil
}

// PostponeErasureJob has a job come again at a time. Passed tells that it was done once, and is to be done once more.
func (s *Store) PostponeErasureJob(ctx context.Context, id int64, until time.Time, passed bool) error {
	_, err := s.pool.Exec(ctx, "update erasure_jobs set not_before = $2, passes = passes + $3::bool::int where id = $1 and finished_at is null", id, moment(until), passed)
	if err != nil {
		return fmt.Errorf("postpone job of erasure: %w", err)
	}
	return nil
}

// ErasureOutcome counts jobs of one kind that came to the same end; "": they are not done yet.
type ErasureOutcome struct {
	ErasureID string
	Kind      crm.ErasureKind
	Outcome   string
	N         int64
}

// ErasureOutcomes tells how far what is done outside the database has got, of some erasures.
func (s *Store) ErasureOutcomes(ctx context.Context, erasureIDs ...string) ([]ErasureOutcome, error) {
	found, err := all(ctx, s, pgx.RowToStructByPos[ErasureOutcome], `select erasure_id, kind, outcome, count(*) from erasure_jobs
		where erasure_id = any($1) group by 1, 2, 3 order by 1, 2, 3`, erasureIDs)
	if err != nil {
		return nil, fmt.Errorf("count jobs of erasures: %w", err)
	}
	return found, nil
}
