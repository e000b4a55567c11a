package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// Audience reads up to limit candidates, after an id in the order of ids, with what the rules of enrollment and of pools look
// at: of runs, those of some definitions, open ones and the last closed one of each. With pools only their members are read,
// with nil everybody. It takes no locks: what it reads may be a moment old. next is the id to go on after, "" at the end.
func (s *Store) Audience(ctx context.Context, pools, definitions []string, after string, limit int) (found []crm.Inbox, next string, err error) {
	ids, err := all(ctx, s, text, `select id from candidates where id > $1
		and ($2::text[] is null or id in (select candidate_id from pool_members where pool = any($2))) order by id limit $3`,
		after, pools, limit)
	if err != nil {
		return nil, "", fmt.Errorf("find candidates: %w", err)
	}
	if len(ids) == limit {
		next = ids[limit-1]
	}
	found, err = s.Inboxes(ctx, ids, definitions)
	return found, next, err
}

// Inboxes reads what Audience does of some candidates, in the order of their ids. Who is not there is left out.
func (s *Store) Inboxes(ctx context.Context, ids, definitions []string) (found []crm.Inbox, err error) {
	var candidates []candidateRow
	var consents []consentLine
	var applications []crm.Application
	var runs []crm.Enrollment
	var member, enrolled []owned[string]
	load := &pgx.Batch{}
	gather(load.Queue("select "+candidateColumns+" from candidates where id = any($1) order by id", ids), scanCandidate, &candidates)
	gather(load.Queue(consentsOf+"= any($1)"+consentOrder, ids), scanConsent, &consents)
	gather(load.Queue(applicationsOf+"= any($1) order by id", ids), scanApplication, &applications)
	gather(load.Queue("select candidate_id, pool from pool_members where candidate_id = any($1) order by candidate_id, pool", ids),
		scanOwned, &member)
	gather(load.Queue(`select distinct candidate_id, definition from enrollments where status <> 'closed' and candidate_id = any($1)
		order by candidate_id, definition`, ids), scanOwned, &enrolled)
	gather(load.Queue("select "+enrollmentColumns+enrollmentTables+`where r.candidate_id = any($1) and r.definition = any($2)
		and (r.status <> 'closed' or not exists (select from enrollments l where l.candidate_id = r.candidate_id
			and l.definition = r.definition and l.status = 'closed'
			and l.application_id is not distinct from r.application_id and l.n > r.n)) order by r.definition, r.n`,
		ids, list(definitions)), scanEnrollment, &runs)
	if err := s.pool.SendBatch(ctx, load).Close(); err != nil {
		return nil, fmt.Errorf("read candidates: %w", err)
	}
	index := make(map[string]*crm.Inbox, len(candidates))
	found = make([]crm.Inbox, len(candidates))
	for i := range candidates {
		found[i].Candidate, found[i].Position = candidates[i].seen(s.now()), candidates[i].position
		index[candidates[i].ID] = &found[i]
	}
	for i := range consents {
		addTo(index, consents[i].CandidateID, func(in *crm.Inbox) { in.Consents = append(in.Consents, consents[i].Consent) })
	}
	for _, a := range applications {
		addTo(index, a.CandidateID, func(in *crm.Inbox) { in.Applications = append(in.Applications, a) })
	}
	for _, m := range member {
		addTo(index, m.candidateID, func(in *crm.Inbox) { in.Pools = append(in.Pools, m.value) })
	}
	for _, e := range enrolled {
		addTo(index, e.candidateID, func(in *crm.Inbox) { in.Enrolled = append(in.Enrolled, e.value) })
	}
	for i := range runs {
		addTo(index, runs[i].CandidateID, func(in *crm.Inbox) { in.Runs = append(in.Runs, runs[i]) })
	}
	return found, nil
}

// addTo adds something to one of the candidates that were read, if they are still there.
func addTo(index map[string]*crm.Inbox, candidateID string, add func(*crm.Inbox)) {
	if in := index[candidateID]; in != nil {
		add(in)
	}
}

// CountMembers returns how many candidates are in a pool.
func (s *Store) CountMembers(ctx context.Context, pool string) (n int, err error) {
	if err := s.pool.QueryRow(ctx, "select count(*) from pool_members where pool = $1", pool).Scan(&n); err != nil {
		return 0, fmt.Errorf("count members: %w", err)
	}
	return n, nil
}
