package worker

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/rapport-crm/rapport/activities"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
)

const (
	jobChunk = 500 // candidates in one transaction
	// jobPoolChunk is that of a look at pools, which writes next to nothing: most of its time would go into commits.
	jobPoolChunk = 2000
	// jobBacklog is how many events may wait for the dispatcher before jobs rest: what a candidate does must not wait for long
	// behind the copies of a fan-out.
	jobBacklog = 1000
	// jobSettle is how long (really) jobs of a publication wait, so that no dispatcher is still at work with the definitions
	// from before.
	jobSettle = 2 * time.Second
	// jobRetry and jobRetryMost bound the pauses (real ones) before a chunk that failed is tried again.
	jobRetry     = time.Second
	jobRetryMost = 5 * time.Minute
)

// Jobs makes and does what concerns many candidates at once: it tells pools of events that have no candidate, enrolls the
// members of pools, now or at dates, and looks who belongs into pools. What a job does for a candidate is an event in their
// queue; the dispatcher decides under their lock what becomes of it. Any number of Jobs can work beside each other.
type Jobs struct {
	Store   *store.Store
	Library *activities.Library
	Now     func() time.Time                  // Rapport's clock: the store's
	Span    func(time.Duration) time.Duration // a real duration as that clock counts it; nil: the same
	Chunk   int                               // candidates in one transaction; 0: 500, of a look at pools 2,000
	Backlog int                               // undispatched events at which jobs rest; 0: 1,000
	Settle  time.Duration                     // real time that jobs of a publication wait; 0: not at all
	Log     *slog.Logger

	plan *jobPlan
}

// Work makes the jobs that are due, and does a chunk of one. It returns whether there was one. It is for one goroutine.
func (j *Jobs) Work(ctx context.Context) (more bool, err error) {
	set, err := j.ensure(ctx)
	if err != nil {
		return false, err
	}
	turn, err := j.Store.TakeJob(ctx, cmp.Or(j.Backlog, jobBacklog))
	if err != nil || turn == nil {
		return false, err
	}
	defer turn.Rollback() //nolint:contextcheck // a rollback has to work when the context has ended
	err = j.step(ctx, set, turn)
	if err == nil || ctx.Err() != nil {
		return true, err
	}
	turn.Rollback() //nolint:contextcheck // as above
	return true, j.failed(ctx, turn.Job(), err)
}

// failed notes that a chunk failed, so that the job rests and others have their turn.
func (j *Jobs) failed(ctx context.Context, job crm.Job, cause error) error {
	reason := crm.JobBroken
	if state := store.SQLState(cause); state != "" {
		reason = "database_refused_" + state
	}
	j.Log.ErrorContext(ctx, "chunk of job failed, trying again later", "job", job.ID, "kind", job.Kind, "attempt", job.Attempts+1, "reason", reason, "error", cause)
	pause := min(jobRetry<<min(job.Attempts, 10), jobRetryMost)
	return j.Store.FailJob(ctx, job.ID, reason, j.Now().Add(j.span(pause)))
}

// step does one chunk of a job: it looks at the next candidates and writes the events of those whom the job is for.
func (j *Jobs) step(ctx context.Context, set *dsl.Set, turn *store.JobTurn) error {
	c := &chunk{set: set, job: turn.Job(), now: j.Now(), size: cmp.Or(j.Chunk, jobChunk)}
	if j.Chunk == 0 && c.job.Kind == crm.JobPool {
		c.size = jobPoolChunk
	}
	if c.job.Kind == crm.JobFanout {
		event, err := turn.Event(ctx)
		if err != nil {
			return err
		}
		c.event = &event
	}
	first := c.job.StartedAt.IsZero()
	if first {
		c.job.StartedAt = c.now
	}
	c.job.Error = ""
	walk := c.walk()
	if walk == nil { // nobody is to be told
		c.job.FinishedAt = c.now
		return turn.Commit(ctx, &c.job, nil)
	}
	if first {
		total, err := turn.Count(ctx, walk)
		if err != nil {
			return err
		}
		c.job.Total = total
	}
	facts, err := turn.Next(ctx, walk)
	if err != nil {
		return err
	}
	for i := range facts {
		if c.full() {
			break
		}
		c.look(&facts[i])
	}
	c.finish(len(facts))
	if err := turn.Commit(ctx, &c.job, c.events); err != nil {
		return fmt.Errorf("do chunk of job: %w", err)
	}
	return nil
}

func (j *Jobs) span(d time.Duration) time.Duration {
	if j.Span == nil {
		return d
	}
	return j.Span(d)
}
