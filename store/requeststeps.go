package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// AdvanceRequest does what a request needs now, in one transaction under its candidate's lock: what can be answered without a person
// is answered, and assignee is asked for the rest, and reminded when it is time. Deletion is left to the caller: see Erases. To do it again does nothing
// more. The error has crm.CodeNotFound when the request is gone, as after an erasure.
func (s *Store) AdvanceRequest(ctx context.Context, id, assignee string) (crm.AdvancedRequest, error) {
	var found []crm.AdvancedRequest
	lock := &pgx.Batch{}
	lock.Queue(lockOwners("privacy_requests"), id)
	gather(lock.Queue("select "+requestColumns+", wake, "+reachableByMail+", "+deletionBeingTold+" from privacy_requests r where id = $1", id),
		func(row pgx.CollectableRow) (r crm.AdvancedRequest, err error) {
			err = row.Scan(append(requestPlaces(&r.PrivacyRequest), &r.Seen, &r.Reachable, &r.Telling)...)
			return r, err
		}, &found)
	tx, err := s.begin(ctx, lock)
	if err != nil {
		return crm.AdvancedRequest{}, fmt.Errorf("advance request: %w", err)
	}
	defer tx.rollback(ctx)
	if len(found) == 0 {
		return crm.AdvancedRequest{}, noRequest()
	}
	r := found[0]
	r.At = s.now()
	if r.Closed() {
		return r, nil
	}
	was, now := r.PrivacyRequest, r.At
	write := &pgx.Batch{}
	facts := settleRequest(write, &r.PrivacyRequest, r.Reachable, now)
	remindOfRequest(write, &r, assignee, now)
	if r.PrivacyRequest != was {
		if err := s.queueRequest(write, &was, &r.PrivacyRequest, now); err != nil {
			return r, err
		}
		r.Seen++ // queueRequest has raised it
	}
	write.Queue("update privacy_requests set wake_sent = wake where id = $1", id) // its workflow is asking
	if err := queueEvents(write, facts); err != nil {
		return r, err
	}
	tx.tell(changedRequest(&was, &r.PrivacyRequest, now)...)
	if err := tx.commit(ctx, write); err != nil {
		return r, fmt.Errorf("advance request: %w", err)
	}
	if len(facts) > 0 || r.PrivacyRequest != was {
		s.Notify(TopicEvents)
		s.Notify(TopicRequests)
	}
	return r, nil
}

const (
	// reachableByMail tells whether the candidate of a request r has an address that takes mail.
	reachableByMail = `exists (select from contact_points p where p.candidate_id = r.candidate_id and p.channel = 'email' and not exists (
		select from suppressions x where x.address_hash = p.address_hash and x.reason in ('bounce', 'complaint')))`
	// deletionBeingTold tells whether the mail that tells of the deletion that a request r asks for is yet to go out.
	deletionBeingTold = `exists (select from events e left join enrollments n on n.candidate_id = e.candidate_id and n.event_id = e.id
			left join messages m on m.enrollment_id = n.id
		where e.candidate_id = r.candidate_id and e.type = 'request.deleting' and e.data->>'request' = r.id
			and (e.dispatched_at is null or n.status <> 'closed' or m.state in ('planned', 'claimed')))`
)

// KeepRequest notes what stands against a deletion: an open request is refused for as long, and the data restricted; one that was refused
// before is told of only what has changed. The error has crm.CodeNotFound when there is no such request, and crm.CodeConflict when it
// is closed for good.
func (s *Store) KeepRequest(ctx context.Context, id string, k crm.Keeping, by string) (crm.PrivacyRequest, error) {
	return s.changeRequest(ctx, id, "keep data of request", func(r *crm.PrivacyRequest, now time.Time) error {
		if err := crm.CheckRefusal(r.Kind, k.Ground); err != nil {
			return err
		}
		if !r.Closed() {
			r.State, r.ClosedAt = crm.RequestRefused, now
		}
		r.ClosedBy = by // what a person has said was about another ground
		r.Ground, r.KeptBy, r.KeptUntil, r.AgainAt = k.Ground, k.By, instant(k.Until), instant(k.Again)
		return nil
	}, (*crm.PrivacyRequest).Stands)
}

// TellDeletion has the candidate told that their data is about to be deleted, once. The errors are those of KeepRequest.
func (s *Store) TellDeletion(ctx context.Context, id string) (crm.PrivacyRequest, error) {
	return s.changeRequest(ctx, id, "tell of deletion", func(r *crm.PrivacyRequest, now time.Time) error {
		if r.ToldAt.IsZero() {
			r.ToldAt = now
		}
		return nil
	}, (*crm.PrivacyRequest).Stands)
}

// RefusedFor is the refusal of a person that stands against deleting a candidate's data: whoever asks again, meanwhile, is refused until that
// day too. The zero Keeping is none.
func (s *Store) RefusedFor(ctx context.Context, candidateID string) (crm.Keeping, error) {
	found, err := all(ctx, s, scanRequest, "select "+requestColumns+` from privacy_requests where candidate_id = $1 and kind = 'deletion' and state = 'refused'
		and again_at > $2 and kept_until > $2 and closed_by <> $3 order by kept_until desc limit 1`, candidateID, moment(s.now()), crm.ByRequest)
	if err != nil {
		return crm.Keeping{}, fmt.Errorf("read refusal: %w", err)
	}
	if len(found) == 0 {
		return crm.Keeping{}, nil
	}
	return crm.Keeping{Ground: found[0].Ground, Until: found[0].KeptUntil, Again: found[0].AgainAt}, nil
}

// settleRequest answers what needs no person.
func settleRequest(batch *pgx.Batch, r *crm.PrivacyRequest, reachable bool, now time.Time) (facts []crm.Event) {
	if r.State != crm.RequestOpen {
		return nil
	}
	done := func(answer string) {
		r.State, r.Answer, r.ClosedAt, r.ClosedBy = crm.RequestAnswered, answer, now, crm.ByRapport
	}
	switch r.Kind {
	case crm.RequestAccess, crm.RequestPortability:
		if !reachable {
			return nil // somebody has to hand it over
		}
		done("A link to a copy of the data was sent to the known address.")
		return []crm.Event{requestFact(crm.EventRequestReady, r, now, nil)}
	case crm.RequestRestriction:
		// Who asks for this now opposes that a deletion which was refused for a time is done one day (GDPR Art. 18(1)(b) and (c)).
		batch.Queue("update privacy_requests set again_at = null, wake = wake + 1 where candidate_id = $1 and again_at is not null", r.CandidateID)
		done("The data is kept and not used from now on.")
		return []crm.Event{queueRestriction(batch, r.CandidateID, now)}
	case crm.RequestObjection:
		if r.Purpose == "" { // it stays restricted until a person has decided (GDPR Art. 18(1)(d))
			batch.Queue("update candidates set restricted_at = $2, updated_at = $2 where id = $1 and restricted_at is null", r.CandidateID, moment(now))
			return nil
		}
		done("The data is not used for that purpose any more.")
		var lines []consentLine
		for _, channel := range []crm.Channel{crm.Email, crm.SMS} {
			line := consentLine{Consent: crm.Consent{CandidateID: r.CandidateID, Purpose: r.Purpose, Channel: channel, Source: "objection", At: now}}
			lines, facts = append(lines, line), append(facts, consentFact(&line, now))
		}
		queueConsents(batch, lines)
		return facts
	case crm.RequestRectification, crm.RequestDeletion:
	}
	return nil
}

// remindOfRequest asks for an answer, and again at each of the reminders whose time has come.
func remindOfRequest(batch *pgx.Batch, r *crm.AdvancedRequest, assignee string, now time.Time) {
	if r.Closed() {
		return
	}
	// Who cannot be asked by mail whether it was them has to be asked by a person.
	if r.State == crm.RequestOpen && !r.Erases() || r.State == crm.RequestVerifying && !r.Reachable {
		queueRequestTask(batch, &r.PrivacyRequest, 0, assignee, now)
	}
	for n, at := range crm.RequestReminders(r.DueAt) {
		if n >= r.Reminded && !now.Before(at) {
			queueRequestTask(batch, &r.PrivacyRequest, n+1, assignee, now)
			r.Reminded = n + 1
		}
	}
}

// requestTasks are the ids of the tasks that a request's due date can lead to.
func requestTasks(r *crm.PrivacyRequest) []string {
	ids := make([]string, len(crm.RequestReminders(r.DueAt))+1)
	for n := range ids {
		ids[n] = crm.DeriveID(crm.PrefixTask, r.DueAt, r.ID, string(rune('0'+n)))
	}
	return ids
}

// queueRequestTask asks a person to see to a request: n is 0 when it has come, and counts reminders from 1. A reminder replaces what was
// asked before.
func queueRequestTask(batch *pgx.Batch, r *crm.PrivacyRequest, n int, assignee string, now time.Time) {
	titles := []string{"", "7 days left: ", "2 days left: ", "Overdue: "}
	title := titles[n] + "answer a request for " + string(r.Kind) + " by " + r.DueAt.UTC().Format(time.DateOnly) + " (" + r.ID + ")"
	title = strings.ToUpper(title[:1]) + title[1:]
	ids := requestTasks(r)
	batch.Queue("update tasks set state = $2, closed_at = $3 where id = any($1) and state = $4", ids[:n], crm.TaskClosed, moment(now), crm.TaskOpen)
	batch.Queue(`insert into tasks (id, candidate_id, definition, step, occurrence, title, assignee, via, due_at, state, created_at)
		values ($1, $2, '', $3, $4, $5, coalesce(nullif($6, ''), (select owner from candidates where id = $2), ''), '', $7, $8, $9) on conflict do nothing`,
		ids[n], r.CandidateID, crm.TaskRequest, n+1, title, assignee, moment(r.DueAt), crm.TaskOpen, moment(now))
}

// UnsentRequest is a request whose workflow does not know of a change.
type UnsentRequest struct {
	ID          string
	CandidateID string
	Kind        crm.RequestKind
	Wake        int64
}

// againGrace is after how long a deletion that nobody has looked at again in its time is taken for one whose workflow was lost.
const againGrace = time.Hour

// UnsentRequests returns up to limit requests whose workflow is to be started or woken, the oldest first. Among them are refused deletions
// whose time has come and passed: a workflow that was lost must not keep data for ever.
func (s *Store) UnsentRequests(ctx context.Context, limit int) ([]UnsentRequest, error) {
	now := s.now()
	if _, err := s.pool.Exec(ctx, "update privacy_requests set wake = wake + 1, again_at = $1 where again_at < $2", moment(now), moment(now.Add(-againGrace))); err != nil {
		return nil, fmt.Errorf("find refused deletions: %w", err)
	}
	found, err := all(ctx, s, pgx.RowToStructByPos[UnsentRequest], "select id, candidate_id, kind, wake from privacy_requests where wake > wake_sent order by id limit $1", limit)
	if err != nil {
		return nil, fmt.Errorf("find requests to wake: %w", err)
	}
	return found, nil
}

// MarkRequestsSent notes the numbers that workflows of requests were woken with.
func (s *Store) MarkRequestsSent(ctx context.Context, sent []UnsentRequest) error {
	for _, r := range sent {
		if _, err := s.pool.Exec(ctx, "update privacy_requests set wake_sent = greatest(wake_sent, $2) where id = $1", r.ID, r.Wake); err != nil {
			return fmt.Errorf("mark requests woken: %w", err)
		}
	}
	return nil
}
