package store

import (
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// scope says whose facts are read, as the right-hand sides of comparisons; the first parameter is an id of a run, or a list
// of them. One id has a form of its own because Postgres plans it once, and a list anew each time.
type scope struct{ runs, candidates string }

func oneRun() scope {
	return scope{runs: "= $1 ", candidates: "= (select candidate_id from enrollments where id = $1) "}
}

func manyRuns() scope {
	return scope{runs: "= any($1) ", candidates: "= any(array(select candidate_id from enrollments where id = any($1))) "}
}

// factRows are the rows that the facts of some runs are made of.
type factRows struct {
	runs         []crm.Enrollment
	candidates   []candidateRow
	consents     []consentLine
	suppressions []owned[crm.Suppression]
	applications []crm.Application
	messages     []crm.Message
	enrolled     []owned[string]
	now          time.Time
}

// owned is a value that belongs to a candidate.
type owned[T any] struct {
	candidateID string
	value       T
}

// queueFacts queues the loads of all facts but the events. Nothing of it depends on another result, so that it can be sent
// along with the lock.
func queueFacts(batch *pgx.Batch, of scope, runs any, now time.Time) *factRows {
	f := &factRows{now: now}
	gather(batch.Queue("select "+enrollmentColumns+enrollmentTables+"where r.id "+of.runs, runs), scanEnrollment, &f.runs)
	gather(batch.Queue("select "+candidateColumns+" from candidates where id "+of.candidates, runs), scanCandidate, &f.candidates)
	gather(batch.Queue(consentsOf+of.candidates+consentOrder, runs), scanConsent, &f.consents)
	gather(batch.Queue(`select c.candidate_id, x.channel, x.reason, x.at from contact_points c
		join suppressions x using (address_hash) where c.candidate_id `+of.candidates+"order by x.at, x.reason, x.channel", runs),
		scanSuppression, &f.suppressions)
	gather(batch.Queue(applicationsOf+of.candidates+"order by id", runs), scanApplication, &f.applications)
	gather(batch.Queue("select "+messageColumns+" from messages where candidate_id "+of.candidates+
		"and (planned_at > $2 or enrollment_id "+of.runs+") order by planned_at, id", runs, now.Add(-crm.CapHorizon)),
		scanMessage, &f.messages)
	gather(batch.Queue("select distinct candidate_id, definition from enrollments where status <> 'closed' and candidate_id "+
		of.candidates+"order by candidate_id, definition", runs), scanOwned, &f.enrolled)
	return f
}

// of puts together the facts of one run.
func (f *factRows) of(run *crm.Enrollment) crm.Facts {
	facts := crm.Facts{Enrollment: *run}
	id := run.CandidateID
	for i := range f.candidates {
		if f.candidates[i].ID == id {
			facts.Candidate, facts.Position = f.candidates[i].seen(f.now), f.candidates[i].position
		}
	}
	for i := range f.consents {
		if f.consents[i].CandidateID == id {
			facts.Consents = append(facts.Consents, f.consents[i].Consent)
		}
	}
	facts.Suppressions = ownedBy(f.suppressions, id)
	facts.Enrolled = ownedBy(f.enrolled, id)
	for i := range f.applications {
		if f.applications[i].CandidateID == id {
			facts.Applications = append(facts.Applications, f.applications[i])
		}
	}
	for i := range f.messages {
		m := &f.messages[i]
		if m.CandidateID == id && m.Counts() {
			facts.Sends = append(facts.Sends, crm.Send{At: m.Place(), Definition: m.Definition})
		}
		if m.EnrollmentID == run.ID {
			facts.Messages = append(facts.Messages, *m)
		}
	}
	slices.SortStableFunc(facts.Sends, func(a, b crm.Send) int { return a.At.Compare(b.At) })
	return facts
}

// moreFacts are those of one run that only a decision needs, as the columns of one row: a statement for each would cost more
// than the reading.
type moreFacts struct {
	pools, had  []string
	steps, arms []string
	call        *crm.CallResult
	meetings    []crm.Meeting
}

// queueMoreFacts queues the load of the facts that a decision needs beside those of queueFacts.
func queueMoreFacts(batch *pgx.Batch, enrollmentID string) *moreFacts {
	f := &moreFacts{}
	batch.Queue(`select
		array(select pool from pool_members where candidate_id = r.candidate_id),
		array(select distinct template from messages where candidate_id = r.candidate_id and template <> '' and recipient = '' and state = any($2)),
		array(select step from settled where definition = r.definition order by step),
		array(select arm from settled where definition = r.definition order by step),
		(select jsonb_build_object('seq', seq, 'outcome', outcome, 'reason', reason, 'result', result) from calls
			where enrollment_id = r.id order by seq desc limit 1),
		(select jsonb_agg(body order by m.body->>'created_at', m.id) from meetings m where m.enrollment_id = r.id)
		from enrollments r where r.id = $1`, enrollmentID, hadStates()).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			if err := rows.Scan(&f.pools, &f.had, &f.steps, &f.arms, &f.call, &f.meetings); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	return f
}

// hadStates are those of a message that its candidate got, or may yet get.
func hadStates() []crm.MessageState {
	return []crm.MessageState{crm.MessagePlanned, crm.MessageClaimed, crm.MessageAccepted, crm.MessageUnknown, crm.MessageSettled}
}

// fill adds them to the facts. Names are sorted here: the database may sort texts by the rules of a language.
func (f *moreFacts) fill(facts *crm.Facts) {
	slices.Sort(f.pools)
	slices.Sort(f.had)
	facts.Pools, facts.Had, facts.Call = f.pools, f.had, f.call
	facts.Meetings = f.meetings
	for i := range facts.Meetings {
		belongs(&facts.Meetings[i], &facts.Enrollment)
	}
	for i, step := range f.steps {
		if facts.Arms == nil {
			facts.Arms = make(map[string]string, len(f.steps))
		}
		facts.Arms[step] = f.arms[i]
	}
}

func ownedBy[T any](values []owned[T], candidateID string) []T {
	var theirs []T
	for i := range values {
		if values[i].candidateID == candidateID {
			theirs = append(theirs, values[i].value)
		}
	}
	return theirs
}

func scanSuppression(row pgx.CollectableRow) (o owned[crm.Suppression], err error) {
	err = row.Scan(&o.candidateID, &o.value.Channel, &o.value.Reason, &o.value.At)
	return o, err
}

func scanOwned(row pgx.CollectableRow) (o owned[string], err error) {
	err = row.Scan(&o.candidateID, &o.value)
	return o, err
}

const (
	applicationsFrom = `select id, external_id, candidate_id, role, role_function, stage, status, reason, source, applied_at,
	closed_at, hiring_manager from applications `
	applicationsOf = applicationsFrom + "where candidate_id "
)

func scanApplication(row pgx.CollectableRow) (a crm.Application, err error) {
	err = row.Scan(&a.ID, &a.ExternalID, &a.CandidateID, &a.Role, &a.RoleFunction, &a.Stage, &a.Status, &a.Reason, &a.Source,
		at(&a.AppliedAt), at(&a.ClosedAt), &a.Manager)
	return a, err
}
