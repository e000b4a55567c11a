package store

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// OptOut is a candidate's word, or a provider's, that messages must stop; or with Undo that they may go on.
type OptOut struct {
	Channel     crm.Channel
	Address     string // "" stands for the candidate's present address
	CandidateID string // may be "": candidates are found by address too
	Reason      crm.SuppressionReason
	// Purpose limits an unsubscribe to one purpose: consent to it is revoked and the address stays usable. "" suppresses the
	// address and, but for a bounce, revokes every consent on the channel.
	Purpose string
	Source  string // where it was said: "sms STOP", "unsubscribe link"; kept in the consent history
	Event   string // ExternalID of the event of the same call that says so: a duplicate's opt-out is not applied again
	At      time.Time
	// Undo takes back what an earlier opt-out of that reason did: the suppression, and the consents that it revoked.
	Undo bool
}

// ReceiveWithOptOuts is Receive for events that carry opt-outs. Everything is committed together, under the locks of the
// candidates concerned: who claims a message afterwards sees it. For every purpose that is revoked an internal
// consent.revoked event is added, so that runs exit. Messages that are planned stay: the sender checks before it sends.
//
// An opt-out counts from when it is received: it outweighs a consent whose date is later than the opt-out's.
func (s *Store) ReceiveWithOptOuts(ctx context.Context, events []crm.Event, optOuts []OptOut) ([]Received, error) {
	prepared, err := s.prepare(events)
	if err != nil {
		return nil, err
	}
	received, err := s.receiveLocked(ctx, prepared, optOuts)
	if err != nil {
		return nil, receiveError(err)
	}
	s.Notify(TopicEvents)
	return received, nil
}

// locking is an intake under the locks of candidates.
type locking struct {
	events   []crm.Event
	optOuts  []OptOut
	key      []byte
	locked   []lockedCandidate
	points   []contactPoint
	consents []consentLine
	inserted []insertedRow
	first    []firstRow
}

type contactPoint struct {
	candidateID string
	channel     crm.Channel
	hash        []byte
}

func scanPoint(row pgx.CollectableRow) (p contactPoint, err error) {
	err = row.Scan(&p.candidateID, &p.channel, &p.hash)
	return p, err
}

func (s *Store) receiveLocked(ctx context.Context, events []crm.Event, optOuts []OptOut) ([]Received, error) {
	key, err := s.addressKey(ctx)
	if err != nil {
		return nil, err
	}
	l := &locking{events: events, optOuts: slices.Clone(optOuts), key: key}
	lock := &pgx.Batch{}
	l.queueLock(lock)
	tx, err := s.begin(ctx, lock)
	if err != nil {
		return nil, err
	}
	defer tx.rollback(ctx)
	for i := range l.optOuts {
		o := &l.optOuts[i]
		o.CandidateID = whose(l.locked, o.CandidateID)
	}
	load := &pgx.Batch{}
	if err := l.queueLoad(load); err != nil {
		return nil, err
	}
	if err := tx.send(ctx, load); err != nil {
		return nil, err
	}
	received, err := answer(l.events, l.inserted, func([]crm.Event) ([]firstRow, error) { return l.first, nil })
	if err != nil {
		return nil, err
	}
	write := &pgx.Batch{}
	if err := l.queueEffects(write, received, s.now()); err != nil {
		return nil, err
	}
	tx.tell(l.audited(ctx)...)
	if err := tx.commit(ctx, write); err != nil {
		return nil, err
	}
	return received, nil
}

// queueLock locks the candidates that consents may change of.
func (l *locking) queueLock(batch *pgx.Batch) {
	var ids, externalIDs []string
	var hashes [][]byte
	for i := range l.events {
		if e := &l.events[i]; isChoice(e) {
			ids = append(ids, e.CandidateID, e.Subject)
			externalIDs = append(externalIDs, e.Subject)
		}
	}
	for i := range l.optOuts {
		o := &l.optOuts[i]
		ids = append(ids, o.CandidateID)
		if o.Address != "" {
			hashes = append(hashes, hashAddress(l.key, o.Channel, o.Address))
		}
	}
	lockCandidates(batch, &l.locked, ids, externalIDs, hashes)
}

// queueLoad inserts the events and reads what the opt-outs meet. A consent event belongs to a candidate whose lock is held,
// or for now to nobody: who was created since the lock adopts it.
func (l *locking) queueLoad(batch *pgx.Batch) error {
	var rows eventRows
	for i := range l.events {
		e := &l.events[i]
		if isChoice(e) && e.CandidateID == "" {
			e.CandidateID = whose(l.locked, e.Subject)
		}
		if err := rows.add(e, e.CandidateID == "" && !isChoice(e)); err != nil {
			return err
		}
	}
	ids := lockedIDs(l.locked)
	if len(l.events) > 0 {
		gather(batch.Queue(insertEvents, rows.arguments()...), scanInserted, &l.inserted)
		gather(batch.Queue(firstEvents, rows.sources, rows.externalIDs), scanFirst, &l.first)
	}
	gather(batch.Queue("select candidate_id, channel, address_hash from contact_points where candidate_id = any($1)", ids),
		scanPoint, &l.points)
	gather(batch.Queue(consentsOf+"= any($1)"+consentOrder, ids), scanConsent, &l.consents)
	return nil
}

// queueEffects writes what the new events and opt-outs lead to.
func (l *locking) queueEffects(batch *pgx.Batch, received []Received, now time.Time) error {
	var lines []consentLine
	var fresh []crm.Event
	seen := map[string]bool{} // external ids of new events
	for i := range received {
		if !received[i].Duplicate {
			seen[received[i].Event.ExternalID] = true
			fresh = append(fresh, received[i].Event)
			lines = append(lines, linesOf(&received[i].Event)...)
		}
	}
	l.consents = append(l.consents, lines...)
	var facts []crm.Event
	var suppress []suppression
	for i := range l.optOuts {
		o := &l.optOuts[i]
		if o.Event != "" && !seen[o.Event] {
			continue
		}
		added := l.apply(o)
		lines = append(lines, added...)
		for j := range added {
			facts = append(facts, consentFact(&added[j], now))
		}
		suppress = append(suppress, l.suppressions(o)...)
	}
	queueConsents(batch, lines)
	queuePauses(batch, fresh)
	queueSuppressions(batch, suppress)
	return queueEvents(batch, facts)
}

// apply returns the lines that an opt-out adds to the histories of the candidates it concerns.
func (l *locking) apply(o *OptOut) []consentLine {
	var added []consentLine
	for _, candidate := range l.concerned(o) {
		for _, purpose := range l.purposes(candidate, o) {
			line := consentLine{cause: o.Reason, Consent: crm.Consent{
				CandidateID: candidate, Purpose: purpose, Channel: o.Channel, Granted: o.Undo, Source: o.Source,
				At: l.after(candidate, purpose, o),
			}}
			added = append(added, line)
			l.consents = append(l.consents, line)
		}
	}
	return added
}

// concerned are the candidates with the address, and the one who is named.
func (l *locking) concerned(o *OptOut) []string {
	var hash []byte
	if o.Address != "" {
		hash = hashAddress(l.key, o.Channel, o.Address)
	}
	var ids []string
	for _, c := range l.locked {
		if c.id == o.CandidateID || slices.ContainsFunc(l.points, func(p contactPoint) bool {
			return p.candidateID == c.id && bytes.Equal(p.hash, hash)
		}) {
			ids = append(ids, c.id)
		}
	}
	return ids
}

// purposes are those whose state the opt-out changes: the one it names, else all that are granted. Undone are those whose
// last word was an opt-out for the same reason.
func (l *locking) purposes(candidate string, o *OptOut) []string {
	if o.Reason == crm.SuppressedBounce {
		return nil // the address is dead; the candidate has said nothing
	}
	last := map[string]consentLine{}
	before := map[string]bool{} // what was revoked last had been granted, not only asked for
	for _, c := range l.consents {
		if c.CandidateID != candidate || c.Channel != o.Channel || c.At.Before(last[c.Purpose].At) {
			continue
		}
		if was := last[c.Purpose]; !c.Granted && was.Granted {
			before[c.Purpose] = !was.Pending
		}
		if c.Pending && last[c.Purpose].Granted { // to ask again changes nothing
			continue
		}
		last[c.Purpose] = c
	}
	if o.Purpose != "" && !o.Undo {
		if c, ok := last[o.Purpose]; ok && !c.Granted {
			return nil
		}
		return []string{o.Purpose}
	}
	var purposes []string
	for purpose, c := range last {
		undone := o.Undo && !c.Granted && before[purpose] && c.cause == o.Reason && (o.Purpose == "" || o.Purpose == purpose)
		if undone || !o.Undo && c.Granted {
			purposes = append(purposes, purpose)
		}
	}
	slices.Sort(purposes)
	return purposes
}

// after is the time of an opt-out's line: its own, unless the history has got there already. Then it is the next instant, so
// that what was said last is in force.
func (l *locking) after(candidate, purpose string, o *OptOut) time.Time {
	at := instant(o.At)
	for _, c := range l.consents {
		if c.CandidateID == candidate && c.Purpose == purpose && c.Channel == o.Channel && !c.At.Before(at) {
			at = c.At.Add(time.Microsecond)
		}
	}
	return at
}

// consentFact is the event that tells runs of a consent that changed other than by an event.
func consentFact(line *consentLine, now time.Time) crm.Event {
	eventType := crm.EventConsentRevoked
	data := map[string]any{"purpose": line.Purpose, "channels": []string{string(line.Channel)}, "source": line.Source}
	switch {
	case line.Pending:
		eventType = crm.EventConsentRequested
	case line.Granted:
		eventType = crm.EventConsentGranted
	}
	if !line.ConfirmedAt.IsZero() {
		data["confirmed_at"] = line.ConfirmedAt.UTC().Format(time.RFC3339)
	}
	return fact(eventType, line.CandidateID, now, data)
}
