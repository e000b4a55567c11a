package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// RetentionCases returns the cases of the next candidates after one, in the order of their ids: fewer than the limit at the end. They are
// read without locks and may be out of date when they are looked at. Types are those of the events that policies read.
func (s *Store) RetentionCases(ctx context.Context, after string, limit int, types []string) ([]crm.RetentionCase, error) {
	candidates, err := all(ctx, s, scanCandidate, "select "+candidateColumns+" from candidates where id > $1 order by id limit $2", after, limit)
	if err != nil {
		return nil, fmt.Errorf("read candidates: %w", err)
	}
	return s.cases(ctx, candidates, types)
}

// RetentionCase returns the case of one candidate, named by id or external id. The error has crm.CodeNotFound when there is none.
func (s *Store) RetentionCase(ctx context.Context, candidate string, types []string) (crm.RetentionCase, error) {
	found, _, err := s.Candidate(ctx, candidate)
	if err != nil {
		return crm.RetentionCase{}, err
	}
	cases, err := s.cases(ctx, []candidateRow{{Candidate: found}}, types)
	if err != nil {
		return crm.RetentionCase{}, err
	}
	return cases[0], nil
}

func (s *Store) cases(ctx context.Context, candidates []candidateRow, types []string) ([]crm.RetentionCase, error) {
	if len(candidates) == 0 {
		return nil, nil
	}
	rest := &pgx.Batch{}
	load := queueCases(rest, candidates, types)
	if err := s.pool.SendBatch(ctx, rest).Close(); err != nil {
		return nil, fmt.Errorf("read facts of candidates: %w", err)
	}
	return load.read(s), nil
}

// caseLoad is the load of some candidates' cases.
type caseLoad struct {
	cases []crm.RetentionCase
	wide  []crm.Hold // those in force on a role, or by a condition
}

// read returns the cases, once the batch was sent. Which of the wide holds are on whom is asked here, as only facts tell.
func (l *caseLoad) read(s *Store) []crm.RetentionCase {
	now := s.now()
	for i := range l.cases {
		c := &l.cases[i]
		for j := range l.wide {
			if h := &l.wide[j]; s.holds(h, &c.Facts, now) {
				c.Holds = append(c.Holds, crm.RetentionHold{Why: h.Why, Until: h.Until})
			}
		}
	}
	return l.cases
}

// noticeCases returns the cases of those whom due notices are for, by message, with all events: few candidates are told in one go.
func (s *Store) noticeCases(ctx context.Context, tx *transaction, due []crm.Message, candidates []candidateRow) (map[string]*crm.RetentionCase, error) {
	var told []candidateRow
	notices := map[string]string{} // by candidate: of one there is one message
	for i := range due {
		if due[i].Step == crm.StepNotice {
			notices[due[i].CandidateID] = due[i].ID
		}
	}
	for i := range candidates {
		if notices[candidates[i].ID] != "" {
			told = append(told, candidates[i])
		}
	}
	if len(told) == 0 {
		return nil, nil //nolint:nilnil // there is none, and reading of none is fine
	}
	batch := &pgx.Batch{}
	load := queueCases(batch, told, []string{anyType})
	if err := tx.send(ctx, batch); err != nil {
		return nil, err
	}
	found := make(map[string]*crm.RetentionCase, len(told))
	for i, c := range load.read(s) {
		found[notices[told[i].ID]] = &c
	}
	return found, nil
}

// restrictedByThem finds those of some candidates who asked that their data be kept and not used (GDPR Art. 18): by a request for it, answered
// since when they are restricted, or soon to be, or by an objection to everything that nobody has decided yet. One whose restriction was lifted, and
// who is restricted again because a deletion was refused, is not among them.
const restrictedByThem = `select c.id from candidates c where c.id = any($1) and exists (select from privacy_requests q where q.candidate_id = c.id and (
	q.kind = 'restriction' and (q.state = 'open' or q.state = 'answered' and q.closed_at >= c.restricted_at)
	or q.kind = 'objection' and q.purpose = '' and q.state = 'open'))`

// anyType among the types of events stands for all of them.
const anyType = "*"

// queueCases queues the loads of all that belongs to the cases of some candidates but themselves.
func queueCases(batch *pgx.Batch, candidates []candidateRow, types []string) *caseLoad {
	cases := make([]crm.RetentionCase, len(candidates))
	load := &caseLoad{cases: cases}
	places := make(map[string]*crm.RetentionCase, len(candidates))
	facts := make(map[string]*crm.Facts, len(candidates))
	ids := make([]string, len(candidates))
	for i := range candidates {
		c := &cases[i]
		c.Facts.Candidate, c.Facts.Position = candidates[i].Candidate, candidates[i].position
		id := candidates[i].ID
		places[id], facts[id], ids[i] = c, &c.Facts, id
	}
	(&Walk{Consents: true, Applied: true, Enrolled: true}).queueFacts(batch, ids, facts)
	deal(batch.Queue(`select candidate_id, why, until from legal_holds where lifted_at is null and candidate_id = any($1) order by candidate_id, id`, ids),
		func(row pgx.CollectableRow) (o owned[crm.RetentionHold], err error) {
			err = row.Scan(&o.candidateID, &o.value.Why, at(&o.value.Until))
			return o, err
		}, func(o owned[crm.RetentionHold]) {
			places[o.candidateID].Holds = append(places[o.candidateID].Holds, o.value)
		})
	gather(batch.Queue("select "+holdColumns+", "+externalID+" from legal_holds where lifted_at is null and (role <> '' or condition <> '') order by id"), scanHold, &load.wide)
	deal(batch.Queue(`select distinct r.candidate_id, r.definition from enrollments r where r.status <> 'closed' and r.candidate_id = any($1)
			and exists (select from definitions d where d.kind = 'interview' and d.name = r.definition and d.hash = r.hash) order by 1, 2`, ids), scanOwned,
		func(o owned[string]) {
			places[o.candidateID].Interviews = append(places[o.candidateID].Interviews, o.value)
		})
	deal(batch.Queue(restrictedByThem, ids), text, func(id string) { places[id].Restricted = true })
	if len(types) > 0 {
		of := "e.type = any($2)"
		if slices.Contains(types, anyType) {
			of = "$2::text[] is not null"
		}
		deal(batch.Queue("select "+eventColumns+" from events e"+joinMessage+"where e.candidate_id = any($1) and "+of+" order by e.seq", ids, types), scanEvent,
			func(e crm.Event) { places[e.CandidateID].Said = append(places[e.CandidateID].Said, e) })
	}
	deal(batch.Queue(`select n.candidate_id, n.policy, n.until, n.due, m.state, m.reason, m.planned_at, m.accepted_at, m.bounced_at, m.changed_at
			from retention_notices n join messages m on m.id = n.message_id where n.candidate_id = any($1) order by m.planned_at, m.id`, ids), scanNotice,
		func(n noticeRow) {
			if notice, ok := n.read(); ok {
				places[n.candidateID].Notices = append(places[n.candidateID].Notices, notice)
			}
		})
	return load
}

// noticeRow is a notice with the message by which it goes.
type noticeRow struct {
	crm.RetentionNotice

	candidateID string
	message     crm.Message
	changedAt   time.Time // when the message got its state
}

func scanNotice(row pgx.CollectableRow) (n noticeRow, err error) {
	err = row.Scan(&n.candidateID, &n.Policy, &n.Until, &n.Due, &n.message.State, &n.message.Reason, &n.message.PlannedAt, at(&n.message.AcceptedAt),
		at(&n.message.BouncedAt), &n.changedAt)
	return n, err
}

// ourFault are reasons why a notice could not be sent that say nothing about the candidate: they were not told, and nobody tried.
func ourFault(reason string) bool {
	return reason == "template" || reason == "no_provider" || reason == "moot"
}

// read says what became of the notice; false: nobody tried to send it.
func (n *noticeRow) read() (notice crm.RetentionNotice, ok bool) {
	m := &n.message
	notice = n.RetentionNotice
	switch m.State {
	case crm.MessagePlanned, crm.MessageClaimed, crm.MessageUnknown:
		notice.State, notice.At = crm.NoticePlanned, m.PlannedAt
	case crm.MessageAccepted, crm.MessageSettled:
		notice.State, notice.At = crm.NoticeSent, orElse(m.AcceptedAt, n.changedAt)
		if !m.BouncedAt.IsZero() {
			notice.State = crm.NoticeBounced
		}
	case crm.MessageRefused, crm.MessageSkipped:
		if ourFault(m.Reason) {
			return notice, false
		}
		notice.State, notice.At = crm.NoticeUnreachable, n.changedAt
	case crm.MessageCancelled, crm.MessageExpired:
		return notice, false
	}
	return notice, true
}
