package store

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// Write is what a source says about a candidate.
type Write struct {
	Candidate crm.Candidate
	Consents  []crm.Consent // candidate and, where it is zero, time are filled in
	// Present names the fields of Candidate that are given, by their JSON names; an empty field among them is cleared. Nil:
	// those that are not empty.
	Present map[string]bool
}

// Upserted is what became of a Write.
type Upserted struct {
	ID      string
	Created bool
	Changed []string // fields that an existing candidate got new values in, sorted, and "consents"
	Err     error    // why this one was not written; the others were
}

// upsertAttempts is how often an upsert is tried that meets another one for the same new candidate.
const upsertAttempts = 5

// UpsertCandidates creates or changes candidates in one transaction. A candidate is found by external id, else by id, also by
// a former one of somebody who was merged into them; one that is found by neither is created, unless an id was given. What changed is told by an internal candidate.created or
// candidate.updated event, and by a consent event for each consent that changed of an existing candidate; a write that says
// nothing new changes nothing. Events that were kept for the candidate become theirs. Who was erased is not created again, by external id or
// address, until an event tells of an application that they have made since.
func (s *Store) UpsertCandidates(ctx context.Context, writes []Write, at time.Time) ([]Upserted, error) {
	if len(writes) == 0 {
		return nil, nil
	}
	return s.upsert(ctx, writes, at, false)
}

// CreateCandidate creates a candidate. The error has crm.CodeConflict when the external id is taken.
func (s *Store) CreateCandidate(ctx context.Context, write Write, at time.Time) (Upserted, error) {
	write.Candidate.ID = ""
	upserted, err := s.upsert(ctx, []Write{write}, at, true)
	if err != nil {
		return Upserted{}, err
	}
	return upserted[0], upserted[0].Err
}

func (s *Store) upsert(ctx context.Context, writes []Write, at time.Time, createOnly bool) (done []Upserted, err error) {
	for range upsertAttempts {
		done, err = s.tryUpsert(ctx, writes, instant(at), createOnly)
		if SQLState(err) != stateUniqueViolation {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("write candidates: %w", err)
	}
	s.Notify(TopicEvents)
	return done, nil
}

func (s *Store) tryUpsert(ctx context.Context, writes []Write, at time.Time, createOnly bool) ([]Upserted, error) {
	key, err := s.addressKey(ctx)
	if err != nil {
		return nil, err
	}
	u := &upsert{key: key, at: at, createOnly: createOnly}
	lock := &pgx.Batch{}
	ids, externalIDs, hashes := writtenOf(key, writes)
	lockCandidates(lock, &u.locked, ids, externalIDs, nil)
	tx, err := s.begin(ctx, lock)
	if err != nil {
		return nil, err
	}
	defer tx.rollback(ctx)
	load := &pgx.Batch{}
	var rows []candidateRow
	locked := lockedIDs(u.locked)
	gather(load.Queue("select "+candidateColumns+" from candidates where id = any($1)", locked), scanCandidate, &rows)
	gather(load.Queue(consentsOf+"= any($1)"+consentOrder, locked), scanConsent, &u.consents)
	queueBuried(load, hashes, &u.buried)
	gather(load.Queue(`select subject, max(time) from events where candidate_id is null and subject = any($1)
		and type = 'application.submitted' group by subject`, list(externalIDs)), scanApplied, &u.applied)
	if err := tx.send(ctx, load); err != nil {
		return nil, err
	}
	u.read(rows)
	done := make([]Upserted, len(writes))
	for i := range writes {
		done[i] = u.write(&writes[i])
	}
	write := &pgx.Batch{}
	var adopted []crm.Event
	if err := u.queue(write, &adopted); err != nil {
		return nil, err
	}
	if err := tx.send(ctx, write); err != nil {
		return nil, err
	}
	tx.tell(u.audited(ctx)...)
	last := &pgx.Batch{}
	queueConsents(last, linesOfAll(adopted))
	queuePauses(last, adopted)
	if err := tx.commit(ctx, last); err != nil {
		return nil, err
	}
	return done, nil
}

// writtenOf are the ids and external ids of those who are written down, and the hashes by which they would be recognised.
func writtenOf(key []byte, writes []Write) (ids, externalIDs []string, hashes [][]byte) {
	for i := range writes {
		ids = append(ids, writes[i].Candidate.ID)
		externalIDs = append(externalIDs, writes[i].Candidate.ExternalID)
		hashes = append(hashes, identityHashes(key, &writes[i].Candidate)...)
	}
	return ids, externalIDs, hashes
}

// upsert is the state of one attempt.
type upsert struct {
	key        []byte
	at         time.Time
	createOnly bool
	locked     []lockedCandidate
	consents   []consentLine // of the candidates there were
	buried     []buried      // of those who are written down
	applied    []applied     // by external id
	reopened   []string      // erasures of people who have come back
	drafts     []*draft
	byID       map[string]*draft
	byExternal map[string]*draft
	byAlias    map[string]*draft // by former ids and external ids
}

// draft is a candidate as the writes leave them.
type draft struct {
	before  *crm.Candidate // nil: a new one
	now     crm.Candidate
	history []crm.Consent
	added   []crm.Consent
}

func (u *upsert) read(rows []candidateRow) {
	u.byID, u.byExternal, u.byAlias = map[string]*draft{}, map[string]*draft{}, map[string]*draft{}
	histories := map[string][]crm.Consent{}
	for i := range u.consents {
		c := &u.consents[i]
		histories[c.CandidateID] = append(histories[c.CandidateID], c.Consent)
	}
	for i := range rows {
		c := rows[i].Candidate
		c.Attributes = maps.Clone(c.Attributes)
		u.add(&draft{before: &rows[i].Candidate, now: c, history: histories[c.ID]})
	}
	for i := range u.locked {
		for _, alias := range u.locked[i].aliases {
			u.byAlias[alias] = u.byID[u.locked[i].id]
		}
	}
}

func (u *upsert) add(d *draft) {
	u.drafts = append(u.drafts, d)
	u.byID[d.now.ID] = d
	if d.now.ExternalID != "" {
		u.byExternal[d.now.ExternalID] = d
	}
}

// write applies one write to its draft.
func (u *upsert) write(w *Write) Upserted {
	d, given := u.byExternal[w.Candidate.ExternalID], w.Candidate
	if d == nil && u.byAlias[given.ExternalID] != nil { // the survivor keeps the external id they have
		d = u.byAlias[given.ExternalID]
		given.ExternalID = d.now.ExternalID
	}
	if d == nil && given.ID != "" {
		if d = cmp.Or(u.byID[given.ID], u.byAlias[given.ID]); d == nil {
			return Upserted{Err: notFound("There is no candidate with that id.")}
		}
	}
	if d != nil && u.createOnly {
		return Upserted{ID: d.now.ID, Err: conflict("There is a candidate with that external id.", "Update it instead.")}
	}
	if d == nil {
		return u.create(w)
	}
	before := d.now
	d.now.Attributes = maps.Clone(d.now.Attributes)
	d.now.Merge(&given, w.Present)
	u.scored(d, &before)
	if d.now.ExternalID != "" {
		u.byExternal[d.now.ExternalID] = d
	}
	changed := d.now.Changed(&before)
	if u.consent(d, w) {
		changed = append(changed, "consents")
	}
	return Upserted{ID: d.now.ID, Changed: changed}
}

// create adds a candidate, unless they were erased and have not come back by themselves.
func (u *upsert) create(w *Write) Upserted {
	for _, b := range u.erased(&w.Candidate) {
		if !slices.ContainsFunc(u.applied, func(a applied) bool { return a.subject == w.Candidate.ExternalID && a.at.After(b.at) }) {
			return Upserted{Err: erasedError(&b)}
		}
		if b.kind == tombstoneName { // of an address it may be somebody else's who shares it
			u.reopened = append(u.reopened, b.erasureID)
		}
	}
	d := &draft{now: crm.Candidate{ID: crm.NewID(crm.PrefixCandidate, u.at), CreatedAt: instant(orElse(w.Candidate.CreatedAt, u.at))}}
	d.now.Merge(&w.Candidate, w.Present)
	u.scored(d, &crm.Candidate{})
	u.consent(d, w)
	u.add(d)
	return Upserted{ID: d.now.ID, Created: true}
}

// erased are the erasures that somebody is recognised from, the last one first.
func (u *upsert) erased(c *crm.Candidate) []buried {
	hashes := identityHashes(u.key, c)
	return slices.DeleteFunc(slices.Clone(u.buried), func(b buried) bool {
		return !slices.ContainsFunc(hashes, func(hash []byte) bool { return bytes.Equal(hash, b.hash) })
	})
}

// scored dates a score that the source gives: it is worth that much now. The same number again says nothing new, so that an
// import that is repeated does not bring back what the score has lost since.
func (u *upsert) scored(d *draft, before *crm.Candidate) {
	d.now.ScoredAt = before.ScoredAt
	if d.now.Score != before.Score {
		d.now.ScoredAt = u.at
	}
}

// consent adds the consents that differ from the state in force, and tells whether there are any.
func (u *upsert) consent(d *draft, w *Write) bool {
	before := len(d.added)
	for _, c := range w.Consents {
		c.CandidateID = d.now.ID
		c.At = earlier(instant(orElse(c.At, u.at)), u.at)
		state, want := crm.ConsentFor(d.history, c.Purpose, c.Channel), crm.ConsentRevoked
		switch {
		case c.Granted && c.Pending && state == crm.ConsentGranted:
			continue
		case c.Granted && c.Pending:
			want = crm.ConsentPending
		case c.Granted:
			want = crm.ConsentGranted
		}
		if state == want || slices.ContainsFunc(d.history, func(h crm.Consent) bool {
			return h.Purpose == c.Purpose && h.Channel == c.Channel && h.Granted == c.Granted && h.At.Equal(c.At)
		}) {
			continue
		}
		d.added = append(d.added, c)
		d.history = append(d.history, c)
		slices.SortStableFunc(d.history, func(a, b crm.Consent) int { return a.At.Compare(b.At) })
	}
	return len(d.added) > before
}

// queue writes what has changed, in the order of external ids, and adopts the events that were kept for the candidates.
func (u *upsert) queue(batch *pgx.Batch, adopted *[]crm.Event) error {
	slices.SortFunc(u.drafts, func(a, b *draft) int { return cmp.Compare(a.now.ExternalID, b.now.ExternalID) })
	var facts []crm.Event
	var subjects, owners []string
	for _, d := range u.drafts {
		facts = append(facts, u.queueDraft(batch, d)...)
		for _, subject := range []string{d.now.ID, d.now.ExternalID} {
			if subject != "" {
				subjects, owners = append(subjects, subject), append(owners, d.now.ID)
			}
		}
	}
	if err := queueEvents(batch, facts); err != nil {
		return err
	}
	if len(u.reopened) > 0 {
		batch.Queue("update erasures set reopened_at = $2 where id = any($1)", u.reopened, moment(u.at))
	}
	queueAdoption(batch, subjects, owners, adopted)
	return nil
}

func (u *upsert) queueDraft(batch *pgx.Batch, d *draft) []crm.Event {
	var facts []crm.Event
	created := d.before == nil
	var changed []string
	if !created {
		changed = d.now.Changed(d.before)
	}
	moved := !created && (!d.now.LastActivityAt.Equal(d.before.LastActivityAt) || !d.now.LastDecisionAt.Equal(d.before.LastDecisionAt))
	if created || len(changed) > 0 || moved {
		d.now.UpdatedAt = u.at
		queueCandidate(batch, &d.now, created)
		queueContactPoints(batch, u.key, d.before, &d.now)
	}
	if created {
		facts = append(facts, fact("candidate.created", d.now.ID, u.at, nil))
	} else if len(changed) > 0 {
		facts = append(facts, fact("candidate.updated", d.now.ID, u.at, map[string]any{"changed": changed}))
	}
	lines := make([]consentLine, len(d.added))
	for i := range d.added {
		lines[i].Consent = d.added[i]
		if !created || lines[i].Pending { // who is asked to confirm is asked by a run
			facts = append(facts, consentFact(&lines[i], u.at))
		}
	}
	queueConsents(batch, lines)
	return facts
}
