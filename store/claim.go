package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// Claim is a message that is about to be sent, with the facts that its last check needs: of meetings the one that it is about, and
// the interviewer whom it is for. Facts.Events is empty.
type Claim struct {
	Message crm.Message
	Facts   crm.Facts
	Case    *crm.RetentionCase // of a notice that a policy takes the data; nil: it is none
}

// Verdict is what the last check says of a message.
type Verdict struct {
	// State is claimed: send it; skipped or expired: never; planned: not before NotBefore.
	State     crm.MessageState
	Reason    string // a code
	NotBefore time.Time
	NotAfter  time.Time // of a planned one: how long it stays good; zero: as long as it was
	Address   string    // of a claimed one: where it will go
}

// claimWindow is how many times more due messages are looked at than are claimed, so that several senders at once find
// candidates that nobody has locked.
const claimWindow = 4

// Claim takes due messages of a channel out of its queue, at most one per candidate and call: by priority, and within a
// priority the sequences take turns, each with its longest due, so that a campaign of thousands holds up nobody else's ten. Under
// the locks of their candidates it reads the facts, has check decide each, and commits what check said; it returns the
// claimed ones, which must then be sent within the lease. Check must be quick and must not use the store. An opt-out that was
// committed before is in the facts; one that comes later finds the message claimed. Messages of paused runs and sequences
// stay; a run that was ended is not paused any more, and has nothing left but to tell that an interview is cancelled.
func (s *Store) Claim(
	ctx context.Context, now time.Time, channel crm.Channel, limit int, lease time.Duration, check func(*Claim) Verdict,
) ([]Claim, error) {
	now = instant(now)
	key, err := s.addressKey(ctx)
	if err != nil {
		return nil, fmt.Errorf("claim messages: %w", err)
	}
	var locked []string
	lock := &pgx.Batch{}
	// SKIP LOCKED never waits, so the order of the locks is free to be that of the queue.
	gather(lock.Queue(claimable+`select c.id from (
			select candidate_id, min(place) as place from (
				select candidate_id, row_number() over (order by priority, turn, not_before, id) as place
				from turns order by priority, turn, not_before, id limit $4
			) due group by candidate_id
		) due join candidates c on c.id = due.candidate_id
		order by due.place limit $3 for no key update of c skip locked`, moment(now), channel, limit, limit*claimWindow), text, &locked)
	tx, err := s.begin(ctx, lock)
	if err != nil {
		return nil, fmt.Errorf("claim messages: %w", err)
	}
	defer tx.rollback(ctx)
	if len(locked) == 0 {
		return nil, nil
	}
	var due []crm.Message
	pick := &pgx.Batch{}
	gather(pick.Queue("select "+messageColumns+` from messages where id in (
			select distinct on (m.candidate_id) m.id from messages m join enrollments r on r.id = m.enrollment_id
				left join published p on p.name = m.definition and `+runKinds+`
			where m.state = 'planned' and m.channel = $2 and m.not_before <= $1 and (not r.paused or r.status = 'closed') and not coalesce(p.paused, false)
				and m.candidate_id = any($3)
			order by m.candidate_id, m.priority, m.planned_at, m.id
		) order by priority, planned_at, id`, moment(now), channel, locked), scanMessage, &due)
	if err := tx.send(ctx, pick); err != nil {
		return nil, fmt.Errorf("claim messages: %w", err)
	}
	claimed, err := s.check(ctx, tx, key, due, now, lease, check)
	if err != nil {
		return nil, fmt.Errorf("claim messages: %w", err)
	}
	return claimed, nil
}

// claimable names, as turns, the messages of channel $2 that may be claimed at $1: of each sequence the $4 that have been due
// for longest, with their turn. Which sequences there are is found by hopping through the index from one to the next, and
// each one's messages are read in the order of the index, so that the cost does not grow with the queue.
const claimable = `with recursive queues as (
		(select priority, definition from messages where state = 'planned' and channel = $2 order by priority, definition limit 1)
		union all
		select n.priority, n.definition from queues q cross join lateral (
			select priority, definition from messages where state = 'planned' and channel = $2
			and (priority, definition) > (q.priority, q.definition) order by priority, definition limit 1
		) n
	), turns as (
		select q.priority, d.*, row_number() over (partition by q.priority, q.definition order by d.not_before, d.id) as turn
		from queues q left join published p on p.name = q.definition and ` + runKinds + `
		cross join lateral (
			select m.candidate_id, m.not_before, m.id from messages m join enrollments r on r.id = m.enrollment_id
			where m.state = 'planned' and m.channel = $2 and m.priority = q.priority and m.definition = q.definition
			and m.not_before <= $1 and (not r.paused or r.status = 'closed') order by m.not_before, m.id limit $4
		) d where not coalesce(p.paused, false)
	) `

// check has every due message checked on its facts and commits the verdicts.
func (s *Store) check(
	ctx context.Context, tx *transaction, key []byte, due []crm.Message, now time.Time, lease time.Duration, check func(*Claim) Verdict,
) ([]Claim, error) {
	if len(due) == 0 {
		return nil, nil
	}
	runs := make([]string, len(due))
	for i := range due {
		runs[i] = due[i].EnrollmentID
	}
	load := &pgx.Batch{}
	rows, about := queueFacts(load, manyRuns(), runs, now), queueAddressees(load, due)
	if err := tx.send(ctx, load); err != nil {
		return nil, err
	}
	if err := about.readSuppressions(ctx, tx, key); err != nil {
		return nil, err
	}
	cases, err := s.noticeCases(ctx, tx, due, rows.candidates)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]*crm.Enrollment, len(rows.runs))
	for i := range rows.runs {
		byID[rows.runs[i].ID] = &rows.runs[i]
	}
	v := verdicts{now: now, lease: lease}
	for i := range due {
		c := Claim{Message: due[i], Facts: rows.of(byID[due[i].EnrollmentID]), Case: cases[due[i].ID]}
		about.add(&c.Facts, &due[i])
		if err := v.queue(&c, check(&c)); err != nil {
			return nil, err
		}
	}
	queueFailure(&v.batch, v.expired, now, crm.MessageExpired)
	queueSettledWake(&v.batch, v.skipped)
	if err := tx.commit(ctx, &v.batch); err != nil {
		return nil, err
	}
	if len(v.expired)+len(v.skipped) > 0 {
		s.Notify(TopicEvents)
		s.Notify(TopicWakes)
	}
	return v.claimed, nil
}

// verdicts are the writes that the checks of one call lead to.
type verdicts struct {
	now              time.Time
	lease            time.Duration
	batch            pgx.Batch
	claimed          []Claim
	expired, skipped []string
}

func (v *verdicts) queue(c *Claim, verdict Verdict) error {
	m := &c.Message
	switch verdict.State {
	case crm.MessageClaimed:
		m.State, m.Reason, m.ClaimedAt, m.LeaseUntil, m.Address = crm.MessageClaimed, "", v.now, v.now.Add(v.lease), verdict.Address
		m.Attempts++
		v.batch.Queue(`update messages set state = $2, reason = '', claimed_at = $3, lease_until = $4, address = $5, attempts = $6,
			changed_at = $3 where id = $1`, m.ID, m.State, moment(v.now), moment(m.LeaseUntil), m.Address, m.Attempts)
		v.claimed = append(v.claimed, *c)
		return nil
	case crm.MessagePlanned:
		v.batch.Queue("update messages set not_before = $2, reason = $3, not_after = coalesce($4, not_after) where id = $1",
			m.ID, moment(verdict.NotBefore), verdict.Reason, moment(verdict.NotAfter))
		return nil
	case crm.MessageExpired:
		v.expired = append(v.expired, m.ID)
	case crm.MessageSkipped:
		v.skipped = append(v.skipped, m.ID)
	case crm.MessageAccepted, crm.MessageRefused, crm.MessageUnknown, crm.MessageSettled, crm.MessageCancelled:
		return fmt.Errorf("verdict %q is not one that a check can give", verdict.State)
	default:
		return fmt.Errorf("verdict %q is not one that a check can give", verdict.State)
	}
	v.batch.Queue("update messages set state = $2, reason = $3, changed_at = $4 where id = $1",
		m.ID, verdict.State, verdict.Reason, moment(v.now))
	return nil
}
