package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// Merged is what became of a merge.
type Merged struct {
	ID      string // the survivor's
	Already bool   // it was done before: nothing has changed
}

// Merge makes one candidate of two who are the same person, named by id or external id: into survives, from goes. It is one
// transaction under the locks of both. All that belongs to the one who goes becomes the survivor's: see crm.Candidate.Absorb
// for the fields; of two applications with one external id the survivor's stays. Their names stay known: whoever uses them
// reaches the survivor.
//
// Events that were dispatched are inherited: they stand behind the survivor's own in the order, runs that came along still
// see them, and they trigger nothing in the survivor's. Of two open runs of a sequence the further one goes on, the other ends
// as merged. Every open run is woken, since anything that it looks at may have changed. By is who says so. Worth tells what a
// score is worth at that time, and is not kept.
//
// The error has crm.CodeNotFound when there is no such candidate and crm.CodeInvalid when both are the same one.
func (s *Store) Merge(
	ctx context.Context, from, into, by string, at time.Time, worth func(*crm.Candidate) float64,
) (Merged, error) {
	key, err := s.addressKey(ctx)
	if err != nil {
		return Merged{}, err
	}
	m := &merge{at: instant(at), by: by, key: key, worth: worth}
	lock := &pgx.Batch{}
	names := []string{from, into}
	lockCandidates(lock, &m.locked, names, names, nil)
	tx, err := s.begin(ctx, lock)
	if err != nil {
		return Merged{}, fmt.Errorf("merge candidates: %w", err)
	}
	defer tx.rollback(ctx)
	ids, err := named(m.locked, names)
	if err != nil {
		return Merged{}, err
	}
	if ids[0] == ids[1] {
		if m.former(from) {
			return Merged{ID: ids[1], Already: true}, nil
		}
		return Merged{}, invalid("A candidate cannot be merged into themselves.", "Name two candidates.")
	}
	load := &pgx.Batch{}
	m.queueLoad(load, ids)
	if err := tx.send(ctx, load); err != nil {
		return Merged{}, fmt.Errorf("merge candidates: %w", err)
	}
	m.sort(ids[0])
	write := &pgx.Batch{}
	if err := m.queue(write); err != nil {
		return Merged{}, fmt.Errorf("merge candidates: %w", err)
	}
	tx.tell(crm.AuditRecord{At: m.at, Action: crm.AuditMerge, Kind: "candidate", Parts: []crm.AuditPart{
		{Owner: ids[1], Name: "candidate", Value: ids[1]}, {Owner: ids[1], Name: "merged", Value: ids[0]},
	}})
	if err := tx.commit(ctx, write); err != nil {
		return Merged{}, fmt.Errorf("merge candidates: %w", err)
	}
	s.Notify(TopicEvents)
	s.Notify(TopicWakes)
	return Merged{ID: ids[1]}, nil
}

// merge is the state of one call.
type merge struct {
	at     time.Time
	by     string
	key    []byte
	worth  func(*crm.Candidate) float64
	locked []lockedCandidate

	candidates   []candidateRow
	consents     []consentLine
	applications []crm.Application
	runs         []crm.Enrollment

	from, into *candidateRow
}

// former tells whether a name is one that somebody had who was merged already.
func (m *merge) former(name string) bool {
	return !slices.ContainsFunc(m.locked, func(c lockedCandidate) bool { return c.id == name || c.externalID == name })
}

func (m *merge) queueLoad(batch *pgx.Batch, ids []string) {
	gather(batch.Queue("select "+candidateColumns+" from candidates where id = any($1)", ids), scanCandidate, &m.candidates)
	gather(batch.Queue(consentsOf+"= any($1)"+consentOrder, ids), scanConsent, &m.consents)
	gather(batch.Queue(applicationsOf+"= any($1) order by id", ids), scanApplication, &m.applications)
	gather(batch.Queue("select "+enrollmentColumns+enrollmentTables+"where r.candidate_id = any($1) order by r.definition, r.n", ids),
		scanEnrollment, &m.runs)
}

// sort tells the one who goes from the one who survives, whose runs come first.
func (m *merge) sort(from string) {
	m.from, m.into = &m.candidates[0], &m.candidates[1]
	if m.into.ID == from {
		m.from, m.into = m.into, m.from
	}
	slices.SortStableFunc(m.runs, func(a, b crm.Enrollment) int {
		if a.CandidateID == b.CandidateID {
			return 0
		}
		if a.CandidateID == m.into.ID {
			return -1
		}
		return 1
	})
}

// queue writes the merge. The row of the one who goes takes with it whatever still refers to it, so it is deleted last.
func (m *merge) queue(batch *pgx.Batch) error {
	survivor := m.survivor()
	facts := m.queueConsents(batch)
	m.queueRuns(batch)
	m.queueBelongings(batch)
	batch.Queue(`update events set candidate_id = $2, position = position + $3 where candidate_id = $1`,
		m.from.ID, m.into.ID, m.into.position)
	batch.Queue("update aliases set candidate_id = $2 where candidate_id = $1", m.from.ID, m.into.ID)
	batch.Queue("delete from candidates where id = $1", m.from.ID)
	for _, name := range []string{m.from.ID, m.from.ExternalID} {
		if name != "" && name != survivor.ExternalID {
			batch.Queue(`insert into aliases (name, candidate_id, at) values ($1, $2, $3)
				on conflict (name) do update set candidate_id = excluded.candidate_id, at = excluded.at`, name, m.into.ID, moment(m.at))
		}
	}
	queueCandidate(batch, &survivor, false)
	queueContactPoints(batch, m.key, &m.into.Candidate, &survivor)
	batch.Queue("update candidates set position = $2, last_contacted_at = $3, paused_until = $4, restricted_at = $5 where id = $1",
		m.into.ID, m.into.position+m.from.position, moment(survivor.LastContactedAt), moment(survivor.PausedUntil), moment(survivor.RestrictedAt))
	return queueEvents(batch, append(m.told(&survivor), facts...))
}

// survivor is the candidate that both make together.
func (m *merge) survivor() crm.Candidate {
	worth := m.worth
	if worth == nil {
		worth = func(c *crm.Candidate) float64 { return c.Score }
	}
	survivor := m.into.Candidate
	survivor.Absorb(&m.from.Candidate, crm.Score{Points: worth(&m.into.Candidate) + worth(&m.from.Candidate), At: m.at})
	survivor.UpdatedAt = m.at
	return survivor
}

// told are the events that tell of the merge, and of what it has changed of the survivor.
func (m *merge) told(survivor *crm.Candidate) []crm.Event {
	changed := survivor.Changed(&m.into.Candidate)
	facts := []crm.Event{fact("candidate.merged", m.into.ID, m.at, map[string]any{
		"into": m.into.ID, "from": m.from.ID, "changed": list(changed), "by": m.by,
	})}
	if len(changed) > 0 {
		facts = append(facts, fact("candidate.updated", m.into.ID, m.at, map[string]any{"changed": changed}))
	}
	return facts
}

// queueConsents unites the histories in the order of time, so that the last word counts, and returns the events that tell of
// consents which one of the two had given and that are revoked now: runs that rest on them end.
func (m *merge) queueConsents(batch *pgx.Batch) []crm.Event {
	batch.Queue(`update consents c set candidate_id = $2 where candidate_id = $1 and not exists (select from consents s
		where s.candidate_id = $2 and (s.purpose, s.channel, s.at, s.granted) = (c.purpose, c.channel, c.at, c.granted))`,
		m.from.ID, m.into.ID)
	type subject struct {
		purpose string
		channel crm.Channel
	}
	last := map[subject]map[string]consentLine{} // by candidate
	var subjects []subject
	for _, c := range m.consents {
		about := subject{c.Purpose, c.Channel}
		if last[about] == nil {
			last[about] = map[string]consentLine{}
			subjects = append(subjects, about)
		}
		last[about][c.CandidateID] = c
	}
	var facts []crm.Event
	for _, about := range subjects {
		one, other := last[about][m.from.ID], last[about][m.into.ID]
		if !one.Granted {
			one, other = other, one
		}
		// Now one is the grant, if the two differ. Said at the same instant, the no counts.
		if one.Granted && !other.Granted && other.Purpose != "" && !one.At.After(other.At) {
			other.CandidateID = m.into.ID
			if one.At.Equal(other.At) {
				other.At = other.At.Add(time.Microsecond)
				queueConsents(batch, []consentLine{other})
			}
			facts = append(facts, consentFact(&other, m.at))
		}
	}
	return facts
}

// queueBelongings hands over what needs no more than another name on it. Planned messages go to the survivor's addresses.
func (m *merge) queueBelongings(batch *pgx.Batch) {
	batch.Queue("select from candidates where id = $1 for update", m.from.ID) // whoever has read them: their opening comes along, or is the survivor's
	batch.Queue(`update applications a set candidate_id = $2 where candidate_id = $1 and not exists (select from applications s
		where s.candidate_id = $2 and s.external_id = a.external_id)`, m.from.ID, m.into.ID)
	batch.Queue(`insert into pool_members (pool, candidate_id, since) select pool, $2, since from pool_members where candidate_id = $1
		on conflict (pool, candidate_id) do update set since = least(pool_members.since, excluded.since)`, m.from.ID, m.into.ID)
	// What both have asked for is asked once: the survivor's own request goes on.
	batch.Queue(`update privacy_requests r set candidate_id = $2, wake = wake + 1 where candidate_id = $1 and (closed_at is not null or not exists (
		select from privacy_requests s where s.candidate_id = $2 and s.kind = r.kind and s.purpose = r.purpose and s.closed_at is null))`, m.from.ID, m.into.ID)
	for _, table := range []string{"messages", "tasks", "decisions", "notes", "audit_openings", "legal_holds", "retention_notices"} {
		batch.Queue("update "+table+" set candidate_id = $2 where candidate_id = $1", m.from.ID, m.into.ID)
	}
}

// follow hands events to the survivor that were received for somebody while they were merged into them. It returns whether
// there were any.
func (s *Store) follow(ctx context.Context, former string) (bool, error) {
	tag, err := s.pool.Exec(ctx, `update events e set candidate_id = a.candidate_id from aliases a
		where a.name = $1 and e.candidate_id = $1 and e.position is null`, former)
	if err != nil {
		return false, fmt.Errorf("hand events to survivor: %w", err)
	}
	if tag.RowsAffected() > 0 {
		s.Notify(TopicEvents)
	}
	return tag.RowsAffected() > 0, nil
}
