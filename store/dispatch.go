package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// inboxSize is how many events of a candidate are dispatched in one transaction at most; the rest follow in the next.
const inboxSize = 200

// PendingCandidates returns up to limit candidates with events to dispatch, those whose oldest has waited longest first.
func (s *Store) PendingCandidates(ctx context.Context, limit int) ([]string, error) {
	// The oldest events are looked at, not all: a backlog of a million must not be sorted for the sake of a few candidates.
	ids, err := all(ctx, s, text, `select candidate_id from (
			select candidate_id, seq from events where position is null and candidate_id is not null order by seq limit $1::int * 8
		) oldest group by candidate_id order by min(seq) limit $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("find events to dispatch: %w", err)
	}
	return ids, nil
}

// Dispatch has decide make out what becomes of a candidate's new events, and commits that, in two round trips. Decide may
// leave events out; they stay where they are. Done is false when nothing could be done now: somebody holds the candidate's
// lock, or there is no such candidate. Nothing is done either when decide returns an error, which is passed on. Events of a
// candidate who was merged into another while they were received are handed to the survivor; those of one who was erased meanwhile
// are deleted.
func (s *Store) Dispatch(
	ctx context.Context, candidateID string, decide func(*crm.Inbox) (*crm.Dispatched, error),
) (done bool, err error) {
	d := &dispatch{now: s.now()}
	load := &pgx.Batch{}
	d.queueLoad(load, candidateID)
	tx, err := s.begin(ctx, load)
	if err != nil {
		return false, fmt.Errorf("read events: %w", err)
	}
	defer tx.rollback(ctx)
	if len(d.candidates) == 0 {
		tx.rollback(ctx)
		if done, err := s.follow(ctx, candidateID); done || err != nil {
			return done, err
		}
		return s.dropOrphans(ctx, candidateID)
	}
	if len(d.locked) == 0 {
		return false, nil
	}
	if len(d.inbox.Events) == 0 {
		return true, nil
	}
	d.inbox.Candidate, d.inbox.Position = d.candidates[0].seen(d.now), d.candidates[0].position
	d.inbox.Consents = plainConsents(d.consents)
	for i := range d.inbox.Runs {
		if r := &d.inbox.Runs[i]; r.Open() && !slices.Contains(d.inbox.Enrolled, r.Definition) {
			d.inbox.Enrolled = append(d.inbox.Enrolled, r.Definition)
		}
	}
	slices.Sort(d.inbox.Pools)
	out, err := decide(&d.inbox)
	if err != nil {
		return false, err
	}
	write := &pgx.Batch{}
	if err := d.queueWrites(write, out); err != nil {
		return false, fmt.Errorf("write what events lead to: %w", err)
	}
	if err := tx.commit(ctx, write); err != nil {
		return false, fmt.Errorf("write what events lead to: %w", err)
	}
	s.Notify(TopicStarting)
	s.Notify(TopicWakes)
	if len(out.New) > 0 {
		s.Notify(TopicEvents)
	}
	return true, nil
}

// dispatch is the state of one call.
type dispatch struct {
	now        time.Time
	locked     []string
	candidates []candidateRow
	consents   []consentLine
	messages   []crm.Message // that the events are about
	inbox      crm.Inbox
}

func (d *dispatch) queueLoad(batch *pgx.Batch, id string) {
	gather(batch.Queue("select id from candidates where id = $1 for no key update skip locked", id), text, &d.locked)
	gather(batch.Queue("select "+candidateColumns+" from candidates where id = $1", id), scanCandidate, &d.candidates)
	gather(batch.Queue(consentsOf+"= $1"+consentOrder, id), scanConsent, &d.consents)
	gather(batch.Queue(applicationsOf+"= $1 order by id", id), scanApplication, &d.inbox.Applications)
	gather(batch.Queue("select "+eventColumns+" from events e"+joinMessage+
		"where e.candidate_id = $1 and e.position is null order by e.seq limit $2", id, inboxSize), scanEvent, &d.inbox.Events)
	gather(batch.Queue("select "+messageColumns+` from messages where candidate_id = $1 and id in (
			select data->>'message' from events where candidate_id = $1 and position is null and type like 'message.%')`, id),
		scanMessage, &d.messages)
	gather(batch.Queue("select pool from pool_members where candidate_id = $1", id), text, &d.inbox.Pools)
	gather(batch.Queue("select "+enrollmentColumns+enrollmentTables+`where r.candidate_id = $1 and (r.status <> 'closed' or not exists (
			select from enrollments l where l.candidate_id = r.candidate_id and l.definition = r.definition and l.status = 'closed'
			and l.application_id is not distinct from r.application_id and l.n > r.n and l.closed_at >= r.closed_at))
		order by r.definition, r.n`, id),
		scanEnrollment, &d.inbox.Runs)
}

func (d *dispatch) queueWrites(batch *pgx.Batch, out *crm.Dispatched) error {
	d.queueEvents(batch, out)
	for i := range out.Applications {
		queueApplication(batch, &out.Applications[i])
	}
	if err := d.queueFolds(batch, out); err != nil {
		return err
	}
	if err := queueEvents(batch, out.New); err != nil {
		return err
	}
	queueMembership(batch, d.inbox.Candidate.ID, out.Pools, d.now)
	queueMeasured(batch, out.Measured)
	if len(out.Wake) > 0 {
		batch.Queue("update enrollments set wake = wake + 1 where id = any($1) and status <> 'closed'", out.Wake)
	}
	for _, c := range out.Controls {
		// A run that was asked to end is not asked again.
		batch.Queue(`update enrollments set paused = $2, ending = case when ending = '' then $3 else ending end, wake = wake + 1
			where id = $1 and status <> 'closed'`, c.EnrollmentID, c.Paused, c.Ending)
	}
	for run, e := range out.Goals {
		batch.Queue("update enrollments set goal_at = coalesce(goal_at, $2) where id = $1", run, moment(orElse(e.ReceivedAt, e.Time)))
	}
	for i := range out.Enrollments {
		queueEnrollment(batch, &out.Enrollments[i])
	}
	for i := range out.Records {
		r := &out.Records[i]
		batch.Queue(`insert into decisions (candidate_id, enrollment_id, definition, hash, at, notes) values ($1, $2, $3, $4, $5, $6)`,
			d.inbox.Candidate.ID, optional(r.EnrollmentID), r.Definition, r.Hash, moment(orElse(r.At, d.now)), notes(r.Notes))
	}
	return nil
}

// queueEvents gives the events their positions, and the candidate theirs.
func (d *dispatch) queueEvents(batch *pgx.Batch, out *crm.Dispatched) {
	var ids, reasons []string
	var positions []int64
	last := d.inbox.Position
	for i := range out.Events {
		e := &out.Events[i]
		ids, positions = append(ids, e.ID), append(positions, e.Position)
		reasons = append(reasons, out.SetAside[e.ID])
		last = max(last, e.Position)
	}
	batch.Queue(`update events e set position = d.position, dispatched_at = $4, set_aside = nullif(d.reason, '')
		from unnest($1::text[], $2::bigint[], $3::text[]) as d (id, position, reason) where e.id = d.id`,
		list(ids), positions, list(reasons), moment(d.now))
	batch.Queue(`update candidates set position = $2, last_activity_at = greatest(last_activity_at, $3),
		last_decision_at = greatest(last_decision_at, $4) where id = $1`,
		d.inbox.Candidate.ID, last, moment(out.Candidate.LastActivityAt), moment(out.Candidate.LastDecisionAt))
	if score := out.Candidate.Score; score != nil {
		batch.Queue("update candidates set score = $2, scored_at = $3 where id = $1", d.inbox.Candidate.ID, score.Points, moment(score.At))
	}
}

// queueFolds writes what the events say of messages into the ledger. Where the sender never learnt that its message was
// taken, this is when it becomes known: what Accept would have told is told now.
func (d *dispatch) queueFolds(batch *pgx.Batch, out *crm.Dispatched) error {
	for i := range d.messages {
		m := &d.messages[i]
		open := m.State == crm.MessageClaimed || m.Doubtful()
		changed := false
		for j := range out.Events {
			e := &out.Events[j]
			if _, aside := out.SetAside[e.ID]; !aside && e.Text("message") == m.ID && m.Fold(e) {
				changed = true
			}
		}
		if !changed {
			continue
		}
		queueFold(batch, m, d.now)
		if open && !m.AcceptedAt.IsZero() {
			if err := queueEvents(batch, []crm.Event{sentFact(m, m.AcceptedAt, d.now)}); err != nil {
				return err
			}
			batch.Queue("update candidates set last_contacted_at = greatest(last_contacted_at, $2) where id = $1",
				m.CandidateID, moment(m.AcceptedAt))
			queueSettledWake(batch, []string{m.ID})
		}
	}
	return nil
}

func queueApplication(batch *pgx.Batch, a *crm.Application) {
	batch.Queue(`insert into applications (id, candidate_id, external_id, role, role_function, stage, status, reason, source,
		applied_at, closed_at, hiring_manager) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		on conflict (candidate_id, external_id) do update set role = excluded.role, role_function = excluded.role_function,
		stage = excluded.stage, status = excluded.status, reason = excluded.reason, source = excluded.source,
		applied_at = excluded.applied_at, closed_at = excluded.closed_at, hiring_manager = excluded.hiring_manager`,
		a.ID, a.CandidateID, a.ExternalID, a.Role, a.RoleFunction, a.Stage, a.Status, a.Reason, a.Source, moment(a.AppliedAt),
		moment(a.ClosedAt), a.Manager)
}

// queueEnrollment adds a run. Its version, which is for people, is looked up where the rules do not know it.
func queueEnrollment(batch *pgx.Batch, r *crm.Enrollment) {
	event := ""
	if r.Event != nil {
		event = r.Event.ID
	}
	batch.Queue(`insert into enrollments (id, definition, hash, version, candidate_id, application_id, n, status, paused,
		ending, pool, started_at, event_id, position, due, awaits, listens, progress, workflow_id)
		values ($1, $2, $3, case when $4::int > 0 then $4 else coalesce((select max(version) from definitions
			where name = $2 and hash = $3), 0) end, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
		r.ID, r.Definition, r.Hash, r.Version, r.CandidateID, optional(r.ApplicationID), r.N, r.Status, r.Paused, r.Ending, r.Pool,
		moment(r.StartedAt), optional(event), r.Position, moment(r.Due), list(r.Awaits), list(r.Listens), r.Progress, r.Workflow)
}

// SetAside takes an event out of the queue that cannot be dispatched, so that it blocks nobody. It gets its position, as
// every event does, and the reason is on the timeline. The error has crm.CodeNotFound when no such event is pending.
func (s *Store) SetAside(ctx context.Context, eventID, reason string) error {
	var done []string
	batch := &pgx.Batch{}
	batch.Queue(lockOwners("events"), eventID)
	gather(batch.Queue(`update events e set position = c.position + 1, dispatched_at = $2, set_aside = $3 from candidates c
		where e.id = $1 and e.position is null and c.id = e.candidate_id returning e.id`, eventID, moment(s.now()), reason), text, &done)
	batch.Queue(`update candidates c set position = e.position from events e
		where e.id = $1 and c.id = e.candidate_id and c.position < e.position`, eventID)
	if err := s.once(ctx, batch); err != nil {
		return fmt.Errorf("set event aside: %w", err)
	}
	if len(done) == 0 {
		return notFound("There is no such event to set aside.")
	}
	return nil
}
