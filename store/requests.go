package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// TopicRequests is rung when the workflow of a request is to be started or woken.
const TopicRequests = "requests"

const requestColumns = `id, candidate_id, kind, state, purpose, wish, source, said_by, received_at, verified_at, verified_by, due_at, extended_at,
	extended_why, closed_at, closed_by, ground, answer, reminded, kept_until, kept_by, again_at, told_at, ` + externalID

// externalID is what a row's candidate is called elsewhere.
const externalID = "(select external_id from candidates where candidates.id = candidate_id)"

func scanRequest(row pgx.CollectableRow) (r crm.PrivacyRequest, err error) {
	err = row.Scan(requestPlaces(&r)...)
	return r, err
}

func requestPlaces(r *crm.PrivacyRequest) []any {
	return []any{
		&r.ID, &r.CandidateID, &r.Kind, &r.State, &r.Purpose, &r.Wish, &r.Source, &r.By, &r.ReceivedAt, at(&r.VerifiedAt), &r.VerifiedBy, &r.DueAt,
		at(&r.ExtendedAt), &r.ExtendedWhy, at(&r.ClosedAt), &r.ClosedBy, &r.Ground, &r.Answer, &r.Reminded,
		at(&r.KeptUntil), &r.KeptBy, at(&r.AgainAt), at(&r.ToldAt), word(&r.ExternalID),
	}
}

// OpenRequest writes down what a candidate, named by id or external id, asks for. With VerifiedBy it is known to be them; without, they are
// asked by a mail to the known address, which the event request.received sends. While one of the same kind and purpose is open, that one is
// returned, and duplicate is true. The error has crm.CodeNotFound when there is no such candidate and crm.CodeInvalid when the request makes no sense.
func (s *Store) OpenRequest(ctx context.Context, r crm.PrivacyRequest) (kept crm.PrivacyRequest, duplicate bool, err error) {
	if err := r.Check(); err != nil {
		return r, false, err
	}
	now := s.now()
	if r.ReceivedAt.IsZero() || r.ReceivedAt.After(now) {
		r.ReceivedAt = now
	}
	r.ID, r.ReceivedAt, r.DueAt = crm.NewID(crm.PrefixRequest, now), instant(r.ReceivedAt), instant(crm.RequestDue(r.ReceivedAt))
	r.State, r.VerifiedAt = crm.RequestVerifying, time.Time{}
	if r.VerifiedBy != "" {
		r.State, r.VerifiedAt = crm.RequestOpen, now
	}
	var locked []lockedCandidate
	lock := &pgx.Batch{}
	lockCandidates(lock, &locked, []string{r.CandidateID}, []string{r.CandidateID}, nil)
	tx, err := s.begin(ctx, lock)
	if err != nil {
		return r, false, fmt.Errorf("open request: %w", err)
	}
	defer tx.rollback(ctx)
	if r.CandidateID = whose(locked, r.CandidateID); r.CandidateID == "" {
		return r, false, notFound("There is no such candidate.")
	}
	var open []crm.PrivacyRequest
	load := &pgx.Batch{}
	gather(load.Queue("select "+requestColumns+" from privacy_requests where candidate_id = $1 and kind = $2 and purpose = $3 and closed_at is null",
		r.CandidateID, r.Kind, r.Purpose), scanRequest, &open)
	if err := tx.send(ctx, load); err != nil {
		return r, false, fmt.Errorf("open request: %w", err)
	}
	if len(open) > 0 {
		return open[0], true, nil
	}
	write := &pgx.Batch{}
	write.Queue(`insert into privacy_requests (id, candidate_id, kind, state, purpose, wish, source, said_by, received_at, verified_at, verified_by, due_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`, r.ID, r.CandidateID, r.Kind, r.State, r.Purpose, r.Wish, r.Source, r.By,
		moment(r.ReceivedAt), moment(r.VerifiedAt), r.VerifiedBy, moment(r.DueAt))
	if err := queueEvents(write, []crm.Event{requestFact(crm.EventRequestReceived, &r, now, map[string]any{"verify": r.State == crm.RequestVerifying})}); err != nil {
		return r, false, err
	}
	tx.tell(tellRequest(crm.AuditCreate, &r, string(r.State), now))
	if err := tx.commit(ctx, write); err != nil {
		return r, false, fmt.Errorf("open request: %w", err)
	}
	s.Notify(TopicRequests)
	s.Notify(TopicEvents)
	return r, false, nil
}

// requestFact is an event that tells of a request, and nothing that somebody wrote.
func requestFact(eventType string, r *crm.PrivacyRequest, now time.Time, more map[string]any) crm.Event {
	data := map[string]any{"request": r.ID, "kind": string(r.Kind), "due": r.DueAt.UTC().Format(time.RFC3339)}
	maps.Copy(data, more)
	return fact(eventType, r.CandidateID, now, data)
}

// Request returns a request. The error has crm.CodeNotFound when there is none.
func (s *Store) Request(ctx context.Context, id string) (crm.PrivacyRequest, error) {
	found, err := all(ctx, s, scanRequest, "select "+requestColumns+" from privacy_requests where id = $1", id)
	if err != nil {
		return crm.PrivacyRequest{}, fmt.Errorf("read request: %w", err)
	}
	if len(found) == 0 {
		return crm.PrivacyRequest{}, noRequest()
	}
	return found[0], nil
}

func noRequest() error { return notFound("There is no such request.") }

// RequestFilter says which requests to list. Empty fields do not filter.
type RequestFilter struct {
	Candidate string // id or external id
	Kind      crm.RequestKind
	Closed    bool // also those that are closed
	Limit     int  // of a page; 0: 50, at most 500
	After     string
}

// ListRequests returns a page of requests, the newest first, and the cursor of the next page, "" after the last.
func (s *Store) ListRequests(ctx context.Context, f RequestFilter) (items []crm.PrivacyRequest, next string, err error) {
	limit := pageSize(f.Limit)
	items, err = all(ctx, s, scanRequest, "select "+requestColumns+` from privacy_requests where ($1 = '' or candidate_id = (`+meant+`))
		and ($2 = '' or kind = $2) and ($3 or closed_at is null) and ($4 = '' or id < $4) order by id desc limit $5`,
		f.Candidate, string(f.Kind), f.Closed, f.After, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list requests: %w", err)
	}
	items, next = page(items, limit, func(r *crm.PrivacyRequest) string { return r.ID })
	return items, next, nil
}

// VerifyRequest notes that it is the candidate who asks: by names the message whose link they used, or who looked at it. To do it twice
// is to do it once. The errors of this and the following are crm.CodeNotFound when there is no such request, and crm.CodeConflict when it is closed.
func (s *Store) VerifyRequest(ctx context.Context, id, by string) (crm.PrivacyRequest, error) {
	return s.changeRequest(ctx, id, "verify request", func(r *crm.PrivacyRequest, now time.Time) error {
		if r.State == crm.RequestVerifying {
			r.State, r.VerifiedAt, r.VerifiedBy = crm.RequestOpen, now, by
		}
		return nil
	})
}

// AnswerRequest closes a request as done. Of a rectification and an objection to everything, answer says what has changed.
func (s *Store) AnswerRequest(ctx context.Context, id, answer, by string) (crm.PrivacyRequest, error) {
	return s.changeRequest(ctx, id, "answer request", func(r *crm.PrivacyRequest, now time.Time) error {
		if err := crm.CheckAnswer(answer, r.Kind == crm.RequestRectification || r.Kind == crm.RequestObjection); err != nil {
			return err
		}
		if r.Kind == crm.RequestDeletion {
			return conflict("A request for deletion is answered by deleting.", "Confirm who asks (rapport requests verify), or refuse it with a ground.")
		}
		r.State, r.Answer, r.ClosedAt, r.ClosedBy = crm.RequestAnswered, answer, now, by
		return nil
	})
}

// RefuseRequest closes a request on a ground that the law has for it. Of a deletion the data is restricted from then on, and it rests until
// the day that is said, if one is; an objection's restriction ends.
func (s *Store) RefuseRequest(ctx context.Context, id string, d crm.Decline) (crm.PrivacyRequest, error) {
	return s.changeRequest(ctx, id, "refuse request", func(r *crm.PrivacyRequest, now time.Time) error {
		if err := d.Check(r, now); err != nil {
			return err
		}
		r.State, r.Ground, r.Answer, r.ClosedAt, r.ClosedBy = crm.RequestRefused, d.Ground, d.Answer, now, d.By
		r.KeptUntil, r.AgainAt = instant(d.Until), instant(d.Until)
		if d.Verified && r.VerifiedAt.IsZero() {
			r.VerifiedAt, r.VerifiedBy = now, d.By
		}
		return nil
	})
}

// WithdrawRequest closes a request that the candidate takes back, also a deletion that was refused for a time: then their data is used
// again.
func (s *Store) WithdrawRequest(ctx context.Context, id, by string) (crm.PrivacyRequest, error) {
	return s.changeRequest(ctx, id, "withdraw request", func(r *crm.PrivacyRequest, now time.Time) error {
		r.State, r.ClosedAt, r.ClosedBy, r.AgainAt = crm.RequestWithdrawn, now, by, time.Time{}
		return nil
	}, (*crm.PrivacyRequest).Stands)
}

// ExtendRequest moves a request's due date by two months, once, and says why (GDPR Art. 12(3)). The error has crm.CodeConflict when that
// was done before, or the date has passed.
func (s *Store) ExtendRequest(ctx context.Context, id, why string) (crm.PrivacyRequest, error) {
	return s.changeRequest(ctx, id, "extend request", func(r *crm.PrivacyRequest, now time.Time) error {
		switch {
		case strings.TrimSpace(why) == "" || len(why) > 2000:
			return invalid("An extension needs a reason of at most 2,000 bytes.", "Say why the request is complex, or that there are many.")
		case !r.ExtendedAt.IsZero():
			return conflict("The request was extended already.", "Answer it by its date.")
		case now.After(r.DueAt):
			return conflict("The date has passed, and the candidate had to be told of an extension before it.", "Answer it now.")
		}
		r.ExtendedAt, r.ExtendedWhy, r.DueAt, r.Reminded = now, why, instant(crm.RequestExtended(r.DueAt)), 0
		return nil
	})
}

// changeRequest changes an open request, or a closed one that also allows, under its candidate's lock, writes what follows from that, and
// wakes its workflow.
func (s *Store) changeRequest(ctx context.Context, id, what string, change func(*crm.PrivacyRequest, time.Time) error, also ...func(*crm.PrivacyRequest) bool) (crm.PrivacyRequest, error) {
	var found []crm.PrivacyRequest
	lock := &pgx.Batch{}
	lock.Queue(lockOwners("privacy_requests"), id)
	gather(lock.Queue("select "+requestColumns+" from privacy_requests where id = $1", id), scanRequest, &found)
	tx, err := s.begin(ctx, lock)
	if err != nil {
		return crm.PrivacyRequest{}, fmt.Errorf("%s: %w", what, err)
	}
	defer tx.rollback(ctx)
	if len(found) == 0 {
		return crm.PrivacyRequest{}, noRequest()
	}
	r, now := found[0], s.now()
	if r.Closed() && !slices.ContainsFunc(also, func(allows func(*crm.PrivacyRequest) bool) bool { return allows(&r) }) {
		return r, conflict("The request is closed: it was "+string(r.State)+".", "Open a new one if there is something else.")
	}
	was := r
	if err := change(&r, now); err != nil {
		return was, err
	}
	if r == was {
		return r, nil
	}
	write := &pgx.Batch{}
	if err := s.queueRequest(write, &was, &r, now); err != nil {
		return was, err
	}
	tx.tell(changedRequest(&was, &r, now)...)
	if err := tx.commit(ctx, write); err != nil {
		return was, fmt.Errorf("%s: %w", what, err)
	}
	s.Notify(TopicRequests)
	s.Notify(TopicEvents)
	return r, nil
}

// queueRequest writes a request that has changed, and what follows: tasks of a former due date are closed, the candidate's data is
// restricted or used again, and whoever listens is told.
func (s *Store) queueRequest(batch *pgx.Batch, was, r *crm.PrivacyRequest, now time.Time) error {
	batch.Queue(`update privacy_requests set state = $2, verified_at = $3, verified_by = $4, due_at = $5, extended_at = $6, extended_why = $7, closed_at = $8,
		closed_by = $9, ground = $10, answer = $11, reminded = $12, kept_until = $13, kept_by = $14, again_at = $15, told_at = $16, wake = wake + 1
		where id = $1`, r.ID, r.State, moment(r.VerifiedAt), r.VerifiedBy,
		moment(r.DueAt), moment(r.ExtendedAt), r.ExtendedWhy, moment(r.ClosedAt), r.ClosedBy, r.Ground, r.Answer, r.Reminded,
		moment(r.KeptUntil), r.KeptBy, moment(r.AgainAt), moment(r.ToldAt))
	if r.Closed() || !r.DueAt.Equal(was.DueAt) {
		batch.Queue("update tasks set state = $2, closed_at = $3 where id = any($1) and state = $4", requestTasks(was), crm.TaskClosed, moment(now), crm.TaskOpen)
	}
	facts := newsOfRequest(was, r, now)
	switch {
	case r.State == was.State:
	case r.State == crm.RequestRefused && r.Kind == crm.RequestDeletion:
		facts = append(facts, queueRestriction(batch, r.CandidateID, now))
	case restrictedFor(r) && (r.State == crm.RequestRefused || r.State == crm.RequestWithdrawn):
		facts = append(facts, queueUse(batch, r, now))
	}
	return queueEvents(batch, facts)
}

// restrictedFor tells whether the candidate's data is restricted while the request is not decided, or cannot be done yet.
func restrictedFor(r *crm.PrivacyRequest) bool {
	return r.Kind == crm.RequestObjection && r.Purpose == "" || r.Kind == crm.RequestDeletion
}

// newsOfRequest are the events that tell of a change, also to the candidate: see dsl.RequestMails.
func newsOfRequest(was, r *crm.PrivacyRequest, now time.Time) (facts []crm.Event) {
	tell := func(eventType string, whether bool) {
		facts = append(facts, requestFact(eventType, r, now, map[string]any{"state": string(r.State), "ground": string(r.Ground), "tell": whether}))
	}
	if r.State != was.State && r.Closed() {
		tell(crm.EventRequestClosed, tellsOfAnswer(r))
	}
	if !r.ExtendedAt.Equal(was.ExtendedAt) {
		tell(crm.EventRequestExtended, true)
	}
	if !r.ToldAt.Equal(was.ToldAt) {
		tell(crm.EventRequestDeleting, true)
	}
	if was.Stands() && r.Stands() && (r.Ground != was.Ground || !r.KeptUntil.Equal(was.KeptUntil)) {
		tell(crm.EventRequestKept, true)
	}
	return facts
}

// tellsOfAnswer tells whether a mail says how a request was closed. Whoever takes one back, or objects on the preference page, has seen it
// there; a copy of the data comes with a mail of its own.
func tellsOfAnswer(r *crm.PrivacyRequest) bool {
	switch {
	case r.State == crm.RequestWithdrawn, r.Kind == crm.RequestObjection && r.Purpose != "" && r.Source == crm.SourcePreferencePage:
		return false
	case r.Kind == crm.RequestAccess, r.Kind == crm.RequestPortability:
		return r.State == crm.RequestRefused || r.ClosedBy != crm.ByRapport
	}
	return true
}

// queueRestriction has the candidate's data kept and not used from now on.
func queueRestriction(batch *pgx.Batch, candidateID string, now time.Time) crm.Event {
	batch.Queue("update candidates set restricted_at = coalesce(restricted_at, $2), updated_at = $2 where id = $1", candidateID, moment(now))
	return fact("candidate.updated", candidateID, now, map[string]any{"changed": []string{"restricted"}})
}

// queueUse ends the restriction that waited for a request to be decided, unless another request has led to one.
func queueUse(batch *pgx.Batch, r *crm.PrivacyRequest, now time.Time) crm.Event {
	batch.Queue(`update candidates set restricted_at = null, updated_at = $3 where id = $1 and not exists (select from privacy_requests q where q.candidate_id = $1
		and q.id <> $2 and (q.closed_at >= restricted_at and (q.kind = 'restriction' and q.state = 'answered' or q.kind = 'deletion' and q.state = 'refused')
			or q.kind = 'objection' and q.purpose = '' and q.verified_at is not null and q.state in ('open', 'answered')))`, r.CandidateID, r.ID, moment(now))
	return fact("candidate.updated", r.CandidateID, now, map[string]any{"changed": []string{"restricted"}})
}

// LiftRestriction has a candidate's data used again, and gives up the deletions that were refused for a time. They have to be told before
// (GDPR Art. 18(3)). The error has crm.CodeNotFound when there is no such candidate, and crm.CodeConflict when their data is not restricted.
func (s *Store) LiftRestriction(ctx context.Context, name string) error {
	var locked []lockedCandidate
	lock := &pgx.Batch{}
	lockCandidates(lock, &locked, []string{name}, []string{name}, nil)
	tx, err := s.begin(ctx, lock)
	if err != nil {
		return fmt.Errorf("lift restriction: %w", err)
	}
	defer tx.rollback(ctx)
	id := whose(locked, name)
	if id == "" {
		return notFound("There is no such candidate.")
	}
	var lifted []string
	write := &pgx.Batch{}
	gather(write.Queue("update candidates set restricted_at = null, updated_at = $2 where id = $1 and restricted_at is not null returning id", id, moment(s.now())), text, &lifted)
	write.Queue("update privacy_requests set again_at = null, wake = wake + 1 where candidate_id = $1 and again_at is not null", id)
	if err := tx.send(ctx, write); err != nil {
		return fmt.Errorf("lift restriction: %w", err)
	}
	if len(lifted) == 0 {
		return conflict("Their data is not restricted.", "Nothing is left to do.")
	}
	last := &pgx.Batch{}
	if err := queueEvents(last, []crm.Event{fact("candidate.updated", id, s.now(), map[string]any{"changed": []string{"restricted"}})}); err != nil {
		return err
	}
	tx.tell(crm.AuditRecord{Action: crm.AuditRelease, Kind: "restriction", Parts: crm.About(id)})
	if err := tx.commit(ctx, last); err != nil {
		return fmt.Errorf("lift restriction: %w", err)
	}
	s.Notify(TopicRequests)
	s.Notify(TopicEvents)
	return nil
}
