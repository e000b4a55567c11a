package store

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rapport-crm/rapport/crm"
)

// TopicErasures is rung when there is something to do outside the database because of an erasure.
const TopicErasures = "erasures"

// Erased is what became of an erasure.
type Erased struct {
	Receipt crm.SignedReceipt
	Already bool // it was done before, and this is the receipt of then
}

// Erase deletes all that is known of a candidate, in one transaction under their lock, and returns a signed receipt. What is left
// are keyed hashes of their ids and addresses, by which they are recognised, and suppressions; with crm.RetentionAnonymize also
// counts, of which none tells of one person. What has to be done outside, such as in calendars, is queued: see TakeErasureJobs.
//
// The error has crm.CodeNotFound when there is no such candidate, crm.CodeConflict when a legal hold stands against it or there
// is no key that signs receipts, and crm.CodeUnavailable while a message to them is being sent: then nothing was done, and it is
// to be tried again in a moment.
func (s *Store) Erase(ctx context.Context, what crm.Erasure) (Erased, error) {
	if err := what.Check(); err != nil {
		return Erased{}, err
	}
	if err := s.readyToErase(ctx); err != nil {
		return Erased{}, err
	}
	what.At = instant(what.At)
	e := &erasing{Erasure: what, store: s}
	erased, err := e.run(ctx, []string{what.Candidate}, nil)
	return erased, wrapped("erase candidate", err)
}

// readyToErase makes sure of the keys that an erasure takes.
func (s *Store) readyToErase(ctx context.Context) error {
	if len(s.receipts) != ed25519.PrivateKeySize {
		return conflict("There is no key that signs receipts, so nothing can be erased.", "Set RAPPORT_RECEIPT_KEY; `rapport receipt new-key` makes one.")
	}
	return s.sealJobs(ctx)
}

// erasing is the state of one erasure.
type erasing struct {
	crm.Erasure
	store *Store
	key   []byte
	log   *ErasureRecord // of an erasure that a restored database does not know of; nil: it is a new one

	locked     []lockedCandidate
	held       []string
	conditions []crm.Hold // that are in force, whoever they are true of
	sending    []string
	graves     []tombstone
	runs       []Wake
	requests   []Wake   // of rights that they have made use of
	untold     []string // addresses that the provider is yet to suppress

	chain []chainEnd
	there []string // the erasure of the log, if the database knows of it after all
	seats []crm.CalendarSeat
	asked []crm.ErasurePayload // interviewers who were invited by mail to what is still to come
	rows  map[string]int64
}

// chainEnd is the last receipt.
type chainEnd struct {
	number int64
	head   string
}

// run erases whoever goes by one of the names. Several are one person only after a restore, before they were merged.
func (e *erasing) run(ctx context.Context, names []string, record *ErasureRecord) (Erased, error) {
	var err error
	if e.key, err = e.store.addressKey(ctx); err != nil {
		return Erased{}, err
	}
	lock := &pgx.Batch{}
	lockCandidates(lock, &e.locked, names, names, nil)
	tx, err := e.store.begin(ctx, lock)
	if err != nil {
		return Erased{}, err
	}
	defer tx.rollback(ctx)
	if e.log = record; record == nil {
		if len(e.locked) == 0 {
			tx.rollback(ctx)
			return e.before(ctx)
		}
		e.only(whose(e.locked, e.Candidate))
	}
	return e.finish(ctx, tx, &pgx.Batch{})
}

// finish deletes what belongs to those who are locked, and writes the receipt. More is written with it.
func (e *erasing) finish(ctx context.Context, tx *transaction, more *pgx.Batch) (Erased, error) {
	load := &pgx.Batch{}
	e.queueLoad(load)
	if err := tx.send(ctx, load); err != nil {
		return Erased{}, err
	}
	if err := e.heldBy(ctx, tx); err != nil {
		return Erased{}, err
	}
	if err := e.refuse(); err != nil && e.log == nil {
		return Erased{}, err
	}
	deletes := &pgx.Batch{}
	e.queueDeletes(deletes)
	if err := tx.send(ctx, deletes); err != nil {
		return Erased{}, err
	}
	if len(e.there) > 0 { // another process was faster
		return Erased{Receipt: e.log.Receipt, Already: true}, nil
	}
	receipt, err := e.queueReceipt(more)
	if err != nil {
		return Erased{}, err
	}
	told, err := receipt.Read()
	if err != nil {
		return Erased{}, err
	}
	tx.tell(e.audited(&told))
	if err := tx.commit(ctx, more); err != nil {
		return Erased{}, err
	}
	e.store.Notify(TopicErasures)
	return Erased{Receipt: receipt}, nil
}

// only leaves one of the candidates who are locked: what is one's id may be another's external id.
func (e *erasing) only(id string) {
	e.locked = slices.DeleteFunc(e.locked, func(c lockedCandidate) bool { return c.id != id })
}

// before returns the receipt of somebody who is gone already.
func (e *erasing) before(ctx context.Context) (Erased, error) {
	found, err := all(ctx, e.store, text, `select e.receipt from tombstones t join erasures e on e.id = t.erasure_id
		where t.hash = $1 and t.kind = $2 order by e.number desc limit 1`, hashName(e.key, e.Candidate), tombstoneName)
	if err != nil {
		return Erased{}, err
	}
	if len(found) == 0 {
		return Erased{}, notFound("There is no such candidate.")
	}
	receipt, err := readReceipt(found[0])
	return Erased{Receipt: receipt, Already: true}, err
}

func readReceipt(text string) (r crm.SignedReceipt, err error) {
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return r, fmt.Errorf("read receipt: %w", err)
	}
	return r, nil
}

func (e *erasing) queueLoad(batch *pgx.Batch) {
	ids, now := lockedIDs(e.locked), moment(e.At)
	gather(batch.Queue(`select id from legal_holds where candidate_id = any($1) and lifted_at is null and (until is null or until > $2)
		union all select id from candidates where id = any($1) and legal_hold
		union all select h.id from legal_holds h join applications a on a.role = h.role where a.candidate_id = any($1)
			and h.role <> '' and h.lifted_at is null and (h.until is null or h.until > $2)`, ids, now), text, &e.held)
	gather(batch.Queue("select "+holdColumns+", "+externalID+" from legal_holds where condition <> '' and lifted_at is null and (until is null or until > $1) order by id", now),
		scanHold, &e.conditions)
	gather(batch.Queue("select id from messages where candidate_id = any($1) and state = 'claimed' and lease_until > $2", ids, now), text, &e.sending)
	// Addresses that they had once are known from messages and from the proof of consents.
	gather(batch.Queue(`select address_hash, channel from contact_points where candidate_id = any($1)
		union select address_hash, channel from consents where candidate_id = any($1) and address_hash is not null and channel <> ''`, ids), scanTombstone, &e.graves)
	gather(batch.Queue(`select distinct channel, address from messages where candidate_id = any($1) and recipient = '' and address <> ''
		order by channel, address`, ids), e.scanSent, &[]tombstone{})
	gather(batch.Queue(`select id, definition, candidate_id, n, version, wake + 1, workflow_id from enrollments
		where candidate_id = any($1) and status <> 'closed' order by id`, ids), scanWake, &e.runs)
	gather(batch.Queue("select 'request/' || id, wake + 1 from privacy_requests where candidate_id = any($1) and closed_at is null order by id", ids),
		func(row pgx.CollectableRow) (w Wake, err error) {
			err = row.Scan(&w.WorkflowID, &w.Wake)
			return w, err
		}, &e.requests)
}

func scanTombstone(row pgx.CollectableRow) (t tombstone, err error) {
	err = row.Scan(&t.hash, &t.kind)
	return t, err
}

// scanSent notes an address that was written to.
func (e *erasing) scanSent(row pgx.CollectableRow) (t tombstone, err error) {
	var address string
	if err = row.Scan(&t.kind, &address); err == nil {
		t.hash = hashAddress(e.key, crm.Channel(t.kind), address)
		e.graves = append(e.graves, t)
	}
	return t, err
}

// refuse says why it cannot be done now.
func (e *erasing) refuse() error {
	if len(e.held) > 0 {
		return crm.HeldError{}
	}
	if len(e.sending) > 0 {
		return &crm.Error{Code: crm.CodeUnavailable, Message: "A message to the candidate is being sent just now.", Next: "Try again in a minute."}
	}
	return nil
}

// queueDeletes takes a place at the end of the chain of receipts, which makes erasures wait for each other from here on, counts
// what is to be counted, and deletes.
func (e *erasing) queueDeletes(batch *pgx.Batch) {
	gather(batch.Queue("select number, head from erasure_chain for update"), func(row pgx.CollectableRow) (c chainEnd, err error) {
		err = row.Scan(&c.number, &c.head)
		return c, err
	}, &e.chain)
	if e.log != nil {
		gather(batch.Queue("select id from erasures where id = $1", e.log.id()), text, &e.there)
	}
	ids := lockedIDs(e.locked)
	var hashes [][]byte
	for _, g := range e.graves {
		hashes = append(hashes, g.hash)
	}
	gather(batch.Queue(`select distinct coalesce(nullif(x.push, ''), c.address) from suppressions x left join contact_points c using (address_hash)
		where x.address_hash = any($1) and x.channel = 'email' and x.pushed_at is null and x.reason = any($2)
			and coalesce(nullif(x.push, ''), c.address) is not null`, hashes, pushedReasons()), text, &e.untold)
	if e.Mode == crm.RetentionAnonymize {
		queuePastCounts(batch, ids)
	}
	e.rows = map[string]int64{}
	gather(batch.Queue(`select meeting_id, recipient, appointment, first from (
			select distinct on (meeting_id, recipient) meeting_id, recipient, calendar, appointment,
				first_value(id) over (partition by meeting_id, recipient order by planned_at, id) as first
			from messages where candidate_id = any($1) and recipient <> '' and calendar <> '' and state in ('claimed', 'accepted', 'unknown', 'settled')
			order by meeting_id, recipient, planned_at desc, id desc) last
		where calendar = 'REQUEST' and (appointment->>'ends_at')::timestamptz > $2
			and not exists (select from interviewer_calendars c where c.interviewer_id = recipient and c.kind = $3) -- it has events of its own
		order by meeting_id, recipient`, ids, moment(e.At), crm.CalendarMicrosoft), scanAsked, &e.asked)
	// Of whoever may just be writing an event, or has it written, the calendar is looked after.
	gather(batch.Queue(`with gone as (delete from meeting_seats where meeting_id in (
			select m.id from meetings m join enrollments r on r.id = m.enrollment_id where r.candidate_id = any($1))
			returning meeting_id, interviewer_id, written, during)
		select meeting_id, interviewer_id, null::int, case when written is not null or during is not null then 1 end from gone
		order by meeting_id, interviewer_id`, ids), scanSeat, &e.seats)
	for _, b := range belongings() {
		batch.Queue("delete from "+b.table+" where "+b.whose, ids).Exec(func(tag pgconn.CommandTag) error {
			e.rows[b.table] += tag.RowsAffected()
			return nil
		})
	}
	batch.Queue("delete from events where candidate_id is null and subject = any($1)", e.names()).Exec(func(tag pgconn.CommandTag) error {
		e.rows["events"] += tag.RowsAffected()
		return nil
	})
}

func scanAsked(row pgx.CollectableRow) (p crm.ErasurePayload, err error) {
	err = row.Scan(&p.Meeting, &p.Interviewer, &p.Appointment, &p.Invitation)
	return p, err
}

// belonging is a table with rows of candidates: whose finds those of $1.
type belonging struct{ table, whose string }

// belongings lists what a candidate's rows are, in an order in which they can be deleted. Seats of meetings are deleted before.
func belongings() []belonging {
	const (
		theirs  = "candidate_id = any($1)"
		ofRun   = "enrollment_id in (select id from enrollments where candidate_id = any($1))"
		ofWrite = "message_id in (select id from messages where candidate_id = any($1))"
	)
	return []belonging{
		{"message_evidence", ofWrite},
		{"meetings", ofRun},
		{"calls", ofRun},
		{"assignments", ofRun},
		{"retention_notices", theirs},
		{"retention_acts", theirs},
		{"tasks", theirs},
		{"notes", theirs},
		{"messages", theirs},
		{"decisions", theirs},
		{"events", theirs},
		{"pool_members", theirs},
		{"consents", theirs},
		{"enrollments", theirs},
		{"applications", theirs},
		{"contact_points", theirs},
		{"aliases", theirs},
		{"legal_holds", theirs},
		{"privacy_requests", theirs},
		{"audit_openings", theirs},
		{"candidates", "id = any($1)"},
	}
}

// names are all that they go by, or went by.
func (e *erasing) names() []string {
	var names []string
	for i := range e.locked {
		c := &e.locked[i]
		names = append(append(names, c.id), c.aliases...)
		if c.externalID != "" {
			names = append(names, c.externalID)
		}
	}
	return names
}

// queueReceipt writes the receipt, what is left of the candidate, and what is to be done outside.
func (e *erasing) queueReceipt(batch *pgx.Batch) (crm.SignedReceipt, error) {
	for _, name := range e.names() {
		e.graves = append(e.graves, tombstone{hashName(e.key, name), tombstoneName})
	}
	e.graves = distinct(e.graves)
	r := &crm.ErasureReceipt{
		Kind: crm.ReceiptKind, ID: crm.NewID(crm.PrefixErasure, e.At), Number: e.chain[0].number + 1, At: e.At, Mode: e.Mode,
		Rule: e.Rule, Reason: e.Reason, By: e.By, Previous: e.chain[0].head, Rows: e.rows, Tombstones: len(e.graves), Outside: map[crm.ErasureKind]int64{},
	}
	e.rows["meeting_seats"] = int64(len(e.seats))
	jobs := e.jobs()
	for _, j := range jobs {
		r.Outside[j.Kind]++
	}
	signed, err := e.sign(r)
	if err != nil {
		return signed, err
	}
	text, err := json.Marshal(signed)
	if err != nil {
		return signed, fmt.Errorf("encode receipt: %w", err)
	}
	head, err := signed.Hash()
	if err != nil {
		return signed, err
	}
	batch.Queue("insert into erasures (id, number, at, mode, rule, receipt, logged_at) values ($1, $2, $3, $4, $5, $6, $7)",
		r.ID, r.Number, moment(r.At), r.Mode, r.Rule, string(text), moment(e.logged()))
	batch.Queue("update erasure_chain set number = greatest(number, $1), head = case when $1 > number then $2 else head end", r.Number, head)
	queueTombstoneKey(batch, e.key)
	e.queueTombstones(batch, r.ID)
	return signed, e.store.queueErasureJobs(batch, r, jobs)
}

// sign makes the receipt that is kept. The one of an erasure that is done again stays.
func (e *erasing) sign(r *crm.ErasureReceipt) (crm.SignedReceipt, error) {
	if e.log != nil {
		*r = e.log.receipt
		return e.log.Receipt, nil
	}
	r.Candidate = e.locked[0].id
	return r.Sign(e.store.receipts)
}

// logged is when the receipt was written to the log outside the database; zero: not yet.
func (e *erasing) logged() time.Time {
	if e.log != nil {
		return e.store.now()
	}
	return time.Time{}
}
