package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// Holding tells whether the condition of a legal hold is true of somebody. An error counts as true.
type Holding func(condition string, facts *crm.Facts, now time.Time) (bool, error)

// heldUntil is until when a hold stands on a candidate that needs no condition to be asked: null is no hold, and the year 9999 one
// without an end.
const heldUntil = `greatest(
		(select max(coalesce(h.until, '9999-01-01')) from legal_holds h where h.candidate_id = candidates.id and h.lifted_at is null),
		(select max(coalesce(h.until, '9999-01-01')) from applications a join legal_holds h on h.role = a.role
			where a.candidate_id = candidates.id and h.role <> '' and h.lifted_at is null))`

const holdColumns = "id, candidate_id, application_id, role, condition, why, said_by, until, created_at, lifted_at, lifted_by"

func scanHold(row pgx.CollectableRow) (h crm.Hold, err error) {
	err = row.Scan(&h.ID, word(&h.CandidateID), word(&h.ApplicationID), &h.Role, &h.Condition, &h.Why, &h.By, at(&h.Until), &h.CreatedAt, at(&h.LiftedAt), &h.LiftedBy, word(&h.ExternalID))
	return h, err
}

// AddHold places a legal hold. A candidate is named by id or external id, an application by its own id. ID and CreatedAt are filled in.
// It is in force for every erasure that has not got the candidate's lock yet. Runs that ask for candidate.legal_hold are told, but for a
// hold with a condition. The error has crm.CodeNotFound when there is no such candidate or application, and crm.CodeInvalid when the
// hold makes no sense. Whether its condition can be read is for the caller to see to.
func (s *Store) AddHold(ctx context.Context, h crm.Hold) (crm.Hold, error) {
	now := s.now()
	if err := h.Check(now); err != nil {
		return crm.Hold{}, err
	}
	h.ID, h.CreatedAt, h.Until = crm.NewID(crm.PrefixHold, now), now, instant(h.Until)
	name := h.CandidateID
	if h.ApplicationID != "" {
		owners, err := all(ctx, s, text, "select candidate_id from applications where id = $1", h.ApplicationID)
		if err != nil {
			return crm.Hold{}, fmt.Errorf("read application: %w", err)
		}
		if len(owners) == 0 {
			return crm.Hold{}, notFound("There is no such application.")
		}
		name = owners[0]
	}
	var locked []lockedCandidate
	lock := &pgx.Batch{}
	lockCandidates(lock, &locked, []string{name}, []string{name}, nil)
	tx, err := s.begin(ctx, lock)
	if err != nil {
		return crm.Hold{}, fmt.Errorf("add hold: %w", err)
	}
	defer tx.rollback(ctx)
	if name != "" {
		if h.CandidateID = whose(locked, name); h.CandidateID == "" {
			return crm.Hold{}, notFound("There is no such candidate.")
		}
	}
	write := &pgx.Batch{}
	write.Queue("insert into legal_holds ("+holdColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, null, '')", h.ID, optional(h.CandidateID),
		optional(h.ApplicationID), h.Role, h.Condition, h.Why, h.By, moment(h.Until), moment(h.CreatedAt))
	tx.tell(crm.AuditRecord{At: now, Action: crm.AuditHold, Kind: "hold", Object: h.ID, Parts: crm.About(h.CandidateID)})
	if err := s.tellHold(ctx, tx, write, &h, now); err != nil {
		return crm.Hold{}, fmt.Errorf("add hold: %w", err)
	}
	return h, nil
}

// tellHold commits a hold that was placed or lifted, and tells by candidate.updated events of those whom it is on. Nothing else is
// locked for a role: a run that is told too early is told once more by its candidate's next change, and no erasure asks events.
func (s *Store) tellHold(ctx context.Context, tx *transaction, write *pgx.Batch, h *crm.Hold, now time.Time) error {
	ids := []string{h.CandidateID}
	if h.CandidateID == "" {
		ids = nil
	}
	if h.Role != "" {
		gather(write.Queue("select distinct candidate_id from applications where role = $1 order by candidate_id", h.Role), text, &ids)
	}
	if err := tx.send(ctx, write); err != nil {
		return err
	}
	events := make([]crm.Event, len(ids))
	for i, id := range ids {
		events[i] = fact("candidate.updated", id, now, map[string]any{"changed": []string{"legal_hold"}})
	}
	last := &pgx.Batch{}
	if err := queueEvents(last, events); err != nil {
		return err
	}
	if err := tx.commit(ctx, last); err != nil {
		return err
	}
	if len(events) > 0 {
		s.Notify(TopicEvents)
	}
	return nil
}

// LiftHold ends a hold, and returns it. One that was lifted stays on record. The error has crm.CodeNotFound when there is none and
// crm.CodeConflict when it was lifted before.
func (s *Store) LiftHold(ctx context.Context, id, by string, at time.Time) (crm.Hold, error) {
	var known, lifted []crm.Hold
	lock := &pgx.Batch{}
	lock.Queue(lockOwners("legal_holds"), id)
	gather(lock.Queue("select "+holdColumns+", "+externalID+" from legal_holds where id = $1", id), scanHold, &known)
	gather(lock.Queue("update legal_holds set lifted_at = $2, lifted_by = $3 where id = $1 and lifted_at is null returning "+holdColumns+", "+externalID,
		id, moment(at), by), scanHold, &lifted)
	tx, err := s.begin(ctx, lock)
	if err != nil {
		return crm.Hold{}, fmt.Errorf("lift hold: %w", err)
	}
	defer tx.rollback(ctx)
	switch {
	case len(known) == 0:
		return crm.Hold{}, notFound("There is no such hold.")
	case len(lifted) == 0:
		return crm.Hold{}, conflict("The hold was lifted already.", "Nothing is left to do.")
	}
	tx.tell(crm.AuditRecord{At: at, Action: crm.AuditRelease, Kind: "hold", Object: id, Parts: crm.About(lifted[0].CandidateID)})
	again := &pgx.Batch{} // deletions that holds stood against: whose they are is for the conditions of holds to say, so all are looked at
	// What a person has refused until a day has nothing to do with holds.
	again.Queue("update privacy_requests set again_at = $1, wake = wake + 1 where again_at > $1 and ground = $2 and kept_until is null", moment(at), crm.RefusalClaims)
	if err := s.tellHold(ctx, tx, again, &lifted[0], instant(at)); err != nil {
		return crm.Hold{}, fmt.Errorf("lift hold: %w", err)
	}
	s.Notify(TopicRequests)
	return lifted[0], nil
}

// HoldFilter says which holds to list. Empty fields do not filter.
type HoldFilter struct {
	Candidate string // id or external id: holds that name them, or a role that they have applied for
	Ended     bool   // also those that were lifted or have ended
	Limit     int    // of a page; 0: 50, at most 500
	After     string // the cursor that the page before returned
}

// ListHolds returns a page of holds, the newest first, and the cursor of the next page, "" after the last. Those with a condition are
// not among a candidate's: those are among the holds of their crm.RetentionCase.
func (s *Store) ListHolds(ctx context.Context, f HoldFilter) (items []crm.Hold, next string, err error) {
	limit := pageSize(f.Limit)
	items, err = all(ctx, s, scanHold, "select "+holdColumns+", "+externalID+` from legal_holds h
		where ($1 = '' or h.candidate_id = (`+meant+`) or h.role <> '' and h.role in (select role from applications where candidate_id = (`+meant+`)))
		and ($2 or h.lifted_at is null and (h.until is null or h.until > $3)) and ($4 = '' or h.id < $4) order by h.id desc limit $5`,
		f.Candidate, f.Ended, moment(s.now()), f.After, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list holds: %w", err)
	}
	items, next = page(items, limit, func(h *crm.Hold) string { return h.ID })
	return items, next, nil
}

// meant is the id of the candidate whom $1 names by id, external id or a former one of these.
const meant = `select id from candidates where id = $1 or external_id = $1 or id = (select candidate_id from aliases where name = $1)
	order by id = $1 desc, coalesce(external_id = $1, false) desc limit 1`

// holds tells whether a hold is on the candidate of some facts.
func (s *Store) holds(h *crm.Hold, f *crm.Facts, now time.Time) bool {
	switch {
	case h.CandidateID != "":
		return h.CandidateID == f.Candidate.ID
	case h.Role != "":
		for i := range f.Applications {
			if f.Applications[i].Role == h.Role {
				return true
			}
		}
		return false
	case s.holding == nil:
		return true
	}
	held, err := s.holding(h.Condition, f, now)
	return held || err != nil
}

// heldBy asks the conditions of holds about the candidates who are locked for an erasure, as they are once nobody else can change them.
func (e *erasing) heldBy(ctx context.Context, tx *transaction) error {
	for i := range e.locked {
		if len(e.conditions) == 0 {
			break
		}
		facts, err := factsOf(ctx, tx, e.locked[i].id)
		if err != nil {
			return err
		}
		for j := range e.conditions {
			if e.store.holds(&e.conditions[j], facts, e.At) {
				e.held = append(e.held, e.conditions[j].ID)
			}
		}
	}
	return nil
}

// factsOf reads what conditions over a candidate can ask.
func factsOf(ctx context.Context, tx *transaction, id string) (*crm.Facts, error) {
	var candidates []candidateRow
	var consents []consentLine
	facts := &crm.Facts{}
	load := &pgx.Batch{}
	gather(load.Queue("select "+candidateColumns+" from candidates where id = $1", id), scanCandidate, &candidates)
	gather(load.Queue(consentsOf+"= $1"+consentOrder, id), scanConsent, &consents)
	gather(load.Queue(applicationsOf+"= $1 order by id", id), scanApplication, &facts.Applications)
	gather(load.Queue("select pool from pool_members where candidate_id = $1 order by pool", id), text, &facts.Pools)
	gather(load.Queue("select distinct definition from enrollments where candidate_id = $1 and status <> 'closed' order by 1", id), text, &facts.Enrolled)
	if err := tx.send(ctx, load); err != nil {
		return nil, err
	}
	if len(candidates) == 0 {
		return nil, errors.New("read candidate: it is gone")
	}
	facts.Candidate, facts.Position, facts.Consents = candidates[0].Candidate, candidates[0].position, plainConsents(consents)
	return facts, nil
}
