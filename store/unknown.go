package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

const (
	// lookupsFor is how long a provider is asked about a message.
	lookupsFor = 3 * 24 * time.Hour
	// slowestLookup is the longest time between two look-ups; the time doubles from crm.FirstLookup on.
	slowestLookup = 6 * time.Hour
)

// Handover is what a later look-up needs to know of a text that is about to be handed to its provider.
type Handover struct {
	ID       string
	Sender   string
	BodyHash []byte
}

// Prepare writes down what claimed messages will look like at the provider. It has to be committed before it is called.
func (s *Store) Prepare(ctx context.Context, handovers []Handover) error {
	if len(handovers) == 0 {
		return nil
	}
	ids, senders, hashes := make([]string, len(handovers)), make([]string, len(handovers)), make([][]byte, len(handovers))
	for i := range handovers {
		ids[i], senders[i], hashes[i] = handovers[i].ID, handovers[i].Sender, handovers[i].BodyHash
	}
	_, err := s.pool.Exec(ctx, `update messages m set sender = u.sender, body_hash = u.hash
		from unnest($1::text[], $2::text[], $3::bytea[]) as u (id, sender, hash) where m.id = u.id and m.state = 'claimed'`, ids, senders, hashes)
	if err != nil {
		return fmt.Errorf("prepare messages: %w", err)
	}
	return nil
}

// Unknown is a message whose fate is unknown, with what its provider can be asked by.
type Unknown struct {
	crm.Message

	Sender   string
	BodyHash []byte
}

// DueLookups returns messages of unknown fate on some channels whose provider is to be asked about them now, and puts off the
// next time for each: twice as long every time, up to six hours, and for three days in all. So several workers share them.
func (s *Store) DueLookups(ctx context.Context, now time.Time, channels []crm.Channel, limit int) ([]Unknown, error) {
	due, err := all(ctx, s, func(row pgx.CollectableRow) (u Unknown, err error) {
		u.Message, err = scanMessage(prefixed{row, []any{&u.Sender, &u.BodyHash}})
		return u, err
	}, `update messages set lookups = lookups + 1,
			lookup_at = case when $1 < unknown_at + $4::interval then
				$1::timestamptz + least($5::interval * power(2, least(lookups, 20)), $6::interval) end
		where id in (select id from messages where state = 'unknown' and lookup_at <= $1 and channel = any($2)
			order by lookup_at limit $3 for no key update skip locked)
		returning sender, body_hash, `+messageColumns, moment(now), channels, limit, lookupsFor, crm.FirstLookup, slowestLookup)
	if err != nil {
		return nil, fmt.Errorf("list messages to look up: %w", err)
	}
	return due, nil
}

// prefixed is a row of which the first columns are scanned into something of their own.
type prefixed struct {
	pgx.CollectableRow

	first []any
}

// Scan is part of pgx.CollectableRow.
func (p prefixed) Scan(rest ...any) error { return p.CollectableRow.Scan(append(p.first, rest...)...) }

// AddEvidence writes down what was looked up about a message. With last the provider is not asked again.
func (s *Store) AddEvidence(ctx context.Context, id string, e crm.Evidence, last bool) error {
	batch := &pgx.Batch{}
	queueEvidence(batch, id, e)
	if last {
		batch.Queue("update messages set lookup_at = null where id = $1 and state = 'unknown'", id)
	}
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("add evidence: %w", err)
	}
	return nil
}

func queueEvidence(batch *pgx.Batch, id string, e crm.Evidence) {
	batch.Queue("insert into message_evidence (message_id, at, source, result, said_by, note) values ($1, $2, $3, $4, $5, $6)",
		id, moment(e.At), e.Source, e.Result, e.By, e.Note)
}

// Evidence returns what was looked up or said about messages, in order, by message.
func (s *Store) Evidence(ctx context.Context, ids []string) (map[string][]crm.Evidence, error) {
	type line struct {
		id string
		e  crm.Evidence
	}
	lines, err := all(ctx, s, func(row pgx.CollectableRow) (l line, err error) {
		err = row.Scan(&l.id, &l.e.At, &l.e.Source, &l.e.Result, &l.e.By, &l.e.Note)
		return l, err
	}, "select message_id, at, source, result, said_by, note from message_evidence where message_id = any($1) order by id", ids)
	if err != nil {
		return nil, fmt.Errorf("read evidence: %w", err)
	}
	byID := map[string][]crm.Evidence{}
	for _, l := range lines {
		byID[l.id] = append(byID[l.id], l.e)
	}
	return byID, nil
}

// Missing notes that a message of unknown fate never arrived at the provider: it is refused for that reason. With resend it is
// planned once more instead, if its time has not passed and it was not before; e.Result says whether that can mean twice. It
// tells whether the message was planned again. The error has crm.CodeConflict when its fate is known meanwhile.
func (s *Store) Missing(ctx context.Context, id string, e crm.Evidence, resend bool) (resent bool, err error) {
	var open []crm.Message
	lock := &pgx.Batch{}
	lock.Queue(lockOwners("messages"), id)
	gather(lock.Queue("select "+messageColumns+" from messages where id = $1 and state = 'unknown'", id), scanMessage, &open)
	tx, err := s.begin(ctx, lock)
	if err != nil {
		return false, fmt.Errorf("note missing message: %w", err)
	}
	defer tx.rollback(ctx)
	if len(open) == 0 {
		return false, conflict("The fate of the message is known.", "Look at its state.")
	}
	write := &pgx.Batch{}
	queueEvidence(write, id, e)
	m := &open[0]
	resent = resend && m.ResentAt.IsZero() && e.At.Before(m.NotAfter)
	if resent {
		write.Queue(`update messages set state = 'planned', reason = '', not_before = $2, claimed_at = null, lookup_at = null, resent_at = $2,
			changed_at = $2 where id = $1`, id, moment(e.At))
		queueWithdrawn(write, id)
		n := crm.Note{Kind: crm.NoteResent, Step: m.Step, MessageID: id, Reason: string(e.Result)}
		if e.Result == crm.EvidenceResent { // nobody could tell
			n.Reason = "may_arrive_twice"
		}
		queueLedgerNote(write, m, e.At, n)
	} else {
		write.Queue(`update messages set state = 'refused', reason = $2, lookup_at = null, body_hash = null, changed_at = $3 where id = $1`,
			id, crm.ReasonNeverArrived, moment(e.At))
	}
	if err := tx.commit(ctx, write); err != nil {
		return false, fmt.Errorf("note missing message: %w", err)
	}
	if resent {
		s.Notify(TopicMessages)
	}
	return resent, nil
}

// queueWithdrawn cancels a message that was planned again, if its run was ended meanwhile: that cancels what is planned, but for
// the cancellations of interviews.
func queueWithdrawn(batch *pgx.Batch, id string) {
	batch.Queue(`update messages m set state = 'cancelled', reason = r.outcome from enrollments r
		where m.id = $1 and m.state = 'planned' and r.id = m.enrollment_id and r.withdrawn and m.calendar <> 'CANCEL'`, id)
}

// queueLedgerNote puts a line about a message on its candidate's timeline.
func queueLedgerNote(batch *pgx.Batch, m *crm.Message, at time.Time, n crm.Note) {
	batch.Queue(`insert into decisions (candidate_id, enrollment_id, definition, hash, at, notes) values ($1, $2, $3, $4, $5, $6)`,
		m.CandidateID, m.EnrollmentID, m.Definition, m.Hash, moment(at), notes([]crm.Note{n}))
}

// SettleMessage notes what a person says became of a message of unknown fate, with who said it and why. That it was sent is told
// by a message.sent event. The error has crm.CodeNotFound when there is no such message and crm.CodeConflict when its fate
// is known.
func (s *Store) SettleMessage(ctx context.Context, id string, sent bool, e crm.Evidence) error {
	m, err := s.MessageByID(ctx, id)
	if err != nil {
		return err
	}
	e.Source, e.Result = crm.SourcePerson, crm.EvidenceNotSent
	state, reason := crm.MessageRefused, crm.ReasonNotSent
	if sent {
		e.Result, state, reason = crm.EvidenceSent, crm.MessageAccepted, ""
	}
	var settled []string
	lock := &pgx.Batch{}
	lock.Queue(lockOwners("messages"), id)
	gather(lock.Queue(`update messages set state = $2, reason = $3, lookup_at = null, body_hash = null, changed_at = $4,
		accepted_at = case when $5 then coalesce(accepted_at, claimed_at, $4) end
		where id = $1 and state = 'unknown' returning id`, id, string(state), reason, moment(e.At), sent), text, &settled)
	tx, err := s.begin(ctx, lock)
	if err != nil {
		return fmt.Errorf("settle message: %w", err)
	}
	defer tx.rollback(ctx)
	if len(settled) == 0 {
		return conflict("The fate of the message is known.", "Nothing is left to settle.")
	}
	write := &pgx.Batch{}
	queueEvidence(write, id, e)
	queueLedgerNote(write, &m, e.At, crm.Note{Kind: crm.NoteSettled, Step: m.Step, MessageID: id, Outcome: string(e.Result), Text: e.By})
	if sent {
		write.Queue(`update candidates c set last_contacted_at = greatest(c.last_contacted_at, m.accepted_at) from messages m
			where m.id = $1 and c.id = m.candidate_id`, id)
		queueSent(write, []string{id}, true)
	}
	queueSettledWake(write, settled)
	tx.tell(crm.AuditRecord{At: e.At, Action: crm.AuditChange, Kind: "message", Object: id, Detail: string(e.Result), Parts: crm.About(m.CandidateID)})
	if err := tx.commit(ctx, write); err != nil {
		return fmt.Errorf("settle message: %w", err)
	}
	s.Notify(TopicEvents)
	s.Notify(TopicWakes)
	return nil
}

// MessageFilter says which messages to list. Empty fields do not filter.
type MessageFilter struct {
	Candidate string // id
	State     crm.MessageState
	Limit     int    // of a page; 0: 50, at most 500
	After     string // the cursor that the page before returned
}

// ListMessages returns a page of messages, the newest first, and the cursor of the next page, "" after the last.
func (s *Store) ListMessages(ctx context.Context, f MessageFilter) (items []crm.Message, next string, err error) {
	limit := pageSize(f.Limit)
	where := "($1 = '' or candidate_id = $1) and ($2 = '' or state = $2)"
	if f.State == crm.MessageUnknown {
		where = "($1 = '' or candidate_id = $1) and $2 <> '' and state = 'unknown'" // so that their own index is used
	}
	items, err = all(ctx, s, scanMessage, "select "+messageColumns+` from messages where `+where+`
		and ($3 = '' or id < $3) order by id desc limit $4`, f.Candidate, string(f.State), f.After, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list messages: %w", err)
	}
	items, next = page(items, limit, func(m *crm.Message) string { return m.ID })
	return items, next, nil
}
