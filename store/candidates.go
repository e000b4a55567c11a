package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

const candidateColumns = `id, external_id, first_name, last_name, email, phone, country, region, city, time_zone, locale, status,
	source, owner, seniority, functions, skills, tags, score, scored_at, attributes, legal_hold, created_at, updated_at,
	last_activity_at, last_contacted_at, last_decision_at, paused_until, restricted_at, position, ` + heldUntil

// candidateRow is a candidate with the position of their last event, and until when a hold stands that is kept in a table of its own.
type candidateRow struct {
	crm.Candidate
	position  int64
	heldUntil time.Time
}

// seen is the candidate as conditions and people see them: under a legal hold whatever it was placed on. It is not written back.
func (c *candidateRow) seen(now time.Time) crm.Candidate {
	shown := c.Candidate
	shown.LegalHold = shown.LegalHold || c.heldUntil.After(now)
	return shown
}

func scanCandidate(row pgx.CollectableRow) (candidateRow, error) {
	var c candidateRow
	err := row.Scan(&c.ID, word(&c.ExternalID), &c.FirstName, &c.LastName, &c.Email, &c.Phone, &c.Country, &c.Region, &c.City,
		&c.TimeZone, &c.Locale, &c.Status, &c.Source, &c.Owner, &c.Seniority, &c.Functions, &c.Skills, &c.Tags, &c.Score,
		at(&c.ScoredAt), &c.Attributes, &c.LegalHold, &c.CreatedAt, &c.UpdatedAt, at(&c.LastActivityAt), at(&c.LastContactedAt),
		at(&c.LastDecisionAt), at(&c.PausedUntil), at(&c.RestrictedAt), &c.position, at(&c.heldUntil))
	emptyToNil(&c.Candidate)
	return c, err
}

// queueCandidate writes all of a candidate but the position, the last contact, the pause and the restriction, which have writers of their own.
func queueCandidate(batch *pgx.Batch, c *crm.Candidate, created bool) {
	sql := `update candidates set external_id = $2, first_name = $3, last_name = $4, email = $5, phone = $6, country = $7,
		region = $8, city = $9, time_zone = $10, locale = $11, status = $12, source = $13, owner = $14, seniority = $15,
		functions = $16, skills = $17, tags = $18, score = $19, attributes = $20, legal_hold = $21, created_at = $22,
		updated_at = $23, last_activity_at = $24, last_decision_at = $25, scored_at = $26
		where id = $1`
	if created {
		sql = `insert into candidates (id, external_id, first_name, last_name, email, phone, country, region, city, time_zone,
			locale, status, source, owner, seniority, functions, skills, tags, score, attributes, legal_hold, created_at,
			updated_at, last_activity_at, last_decision_at, scored_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
			$24, $25, $26)`
	}
	batch.Queue(sql, c.ID, optional(c.ExternalID), c.FirstName, c.LastName, c.Email, c.Phone, c.Country, c.Region, c.City,
		c.TimeZone, c.Locale, c.Status, c.Source, c.Owner, c.Seniority, list(c.Functions), list(c.Skills), list(c.Tags), c.Score,
		object(c.Attributes), c.LegalHold, moment(c.CreatedAt), moment(c.UpdatedAt), moment(c.LastActivityAt),
		moment(c.LastDecisionAt), moment(c.ScoredAt))
}

// lockCandidates is the first statement of every transaction that knows its candidates: by id, by external id, or by the
// hash of an address. It locks in the order of the ids and waits for whoever holds a lock. A former name is as good as a
// present one.
func lockCandidates(batch *pgx.Batch, locked *[]lockedCandidate, ids, externalIDs []string, hashes [][]byte) {
	gather(batch.Queue(`select * from lock_candidates(array(
			select id from candidates where id = any($1)
			union select id from candidates where external_id = any($2)
			union select candidate_id from contact_points where address_hash = any($3)
			union select candidate_id from aliases where name = any($1) or name = any($2)))`,
		list(ids), list(externalIDs), hashes), scanLocked, locked)
}

// lockOwners is the first statement of a transaction that changes what belongs to the candidate of a row: the table is given,
// the row's id is the parameter.
func lockOwners(table string) string {
	return "select id from lock_candidates(array(select c.id from " + table + " x join candidates c on c.id = x.candidate_id where x.id = $1))"
}

// lockedCandidate names a candidate whose lock this transaction holds.
type lockedCandidate struct {
	id, externalID string
	aliases        []string
}

func scanLocked(row pgx.CollectableRow) (c lockedCandidate, err error) {
	err = row.Scan(&c.id, word(&c.externalID), &c.aliases)
	return c, err
}

// whose returns the id of the locked candidate that a name means, or "": a present id or external id goes before a former one.
func whose(locked []lockedCandidate, name string) string {
	if name == "" {
		return ""
	}
	for _, means := range []func(*lockedCandidate) bool{
		func(c *lockedCandidate) bool { return c.id == name },
		func(c *lockedCandidate) bool { return c.externalID == name },
		func(c *lockedCandidate) bool { return slices.Contains(c.aliases, name) },
	} {
		for i := range locked {
			if means(&locked[i]) {
				return locked[i].id
			}
		}
	}
	return ""
}

func lockedIDs(locked []lockedCandidate) []string {
	ids := make([]string, len(locked))
	for i := range locked {
		ids[i] = locked[i].id
	}
	return ids
}

// Candidate returns a candidate and the history of their consents, oldest first. The error has crm.CodeNotFound when there
// is none with that id or external id; an id goes before an equal external id, and both before the former ones of a candidate
// who was merged into another: these mean the survivor.
func (s *Store) Candidate(ctx context.Context, idOrExternalID string) (crm.Candidate, []crm.Consent, error) {
	found, err := all(ctx, s, scanCandidate,
		"select "+candidateColumns+` from candidates where id = $1 or external_id = $1 or id = (select candidate_id from aliases where name = $1)
		order by id = $1 desc, coalesce(external_id = $1, false) desc limit 1`, idOrExternalID)
	if err != nil {
		return crm.Candidate{}, nil, fmt.Errorf("read candidate: %w", err)
	}
	if len(found) == 0 {
		return crm.Candidate{}, nil, notFound("There is no such candidate.")
	}
	consents, err := all(ctx, s, scanProof, proofOf+"= $1"+consentOrder, found[0].ID)
	if err != nil {
		return crm.Candidate{}, nil, fmt.Errorf("read consents: %w", err)
	}
	return found[0].seen(s.now()), plainConsents(consents), nil
}

// Countries returns the countries of the candidates who have, or had before a merge, these external ids; of those where it is known.
func (s *Store) Countries(ctx context.Context, externalIDs []string) (map[string]string, error) {
	countries := make(map[string]string, len(externalIDs))
	_, err := all(ctx, s, func(row pgx.CollectableRow) (struct{}, error) {
		var externalID, country string
		err := row.Scan(&externalID, &country)
		countries[externalID] = country
		return struct{}{}, err
	}, `select a.name, c.country from aliases a join candidates c on c.id = a.candidate_id where a.name = any($1) and c.country <> ''
		union all select external_id, country from candidates where external_id = any($1) and country <> ''`, externalIDs)
	if err != nil {
		return nil, fmt.Errorf("read countries: %w", err)
	}
	return countries, nil
}

// CandidateFilter says which candidates to list. Empty fields do not filter.
type CandidateFilter struct {
	Query  string // part of a name, an email address, a number or an external id, in any case
	Status string
	Limit  int    // of a page; 0: 50, at most 500
	After  string // the cursor that the page before returned
}

// ListCandidates returns a page of candidates, the newest first, and the cursor of the next page, "" after the last.
func (s *Store) ListCandidates(ctx context.Context, f CandidateFilter) (items []crm.Candidate, next string, err error) {
	limit := pageSize(f.Limit)
	rows, err := all(ctx, s, scanCandidate, "select "+candidateColumns+` from candidates
		where ($1 = '' or id < $1) and ($2 = '' or status = $2)
		and ($3 = '' or first_name || ' ' || last_name ilike $3 or email ilike $3 or phone ilike $3 or external_id ilike $3)
		order by id desc limit $4`, f.After, f.Status, pattern(f.Query), limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list candidates: %w", err)
	}
	for i := range rows {
		items = append(items, rows[i].Candidate)
	}
	items, next = page(items, limit, func(c *crm.Candidate) string { return c.ID })
	return items, next, nil
}

// CandidatesByAddress returns the candidates that have that address now, by id: people who share a mailbox, or one person
// whom the system of record holds twice.
func (s *Store) CandidatesByAddress(ctx context.Context, channel crm.Channel, address string) ([]crm.Candidate, error) {
	hash, err := s.addressHash(ctx, channel, address)
	if err != nil {
		return nil, err
	}
	rows, err := all(ctx, s, scanCandidate, "select "+candidateColumns+` from candidates
		where id in (select candidate_id from contact_points where address_hash = $1) order by id`, hash)
	if err != nil {
		return nil, fmt.Errorf("find candidates by address: %w", err)
	}
	found := make([]crm.Candidate, len(rows))
	for i := range rows {
		found[i] = rows[i].Candidate
	}
	return found, nil
}

// Bounds of a page of a list.
const (
	defaultPage = 50
	largestPage = 500
)

func pageSize(limit int) int {
	if limit <= 0 {
		return defaultPage
	}
	return min(limit, largestPage)
}

// page cuts a list that was read with one row too many, and returns the cursor of the next page.
func page[T any](items []T, limit int, cursor func(*T) string) ([]T, string) {
	if len(items) <= limit {
		return items, ""
	}
	items = items[:limit]
	return items, cursor(&items[limit-1])
}

// pattern is an ILIKE pattern for a part of a text, or "" for none.
func pattern(part string) string {
	if part = strings.TrimSpace(part); part == "" {
		return ""
	}
	return "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(part) + "%"
}

// emptyToNil undoes what the columns' "not null" does, so that a candidate comes back as it went in.
func emptyToNil(c *crm.Candidate) {
	for _, l := range []*[]string{&c.Functions, &c.Skills, &c.Tags} {
		if len(*l) == 0 {
			*l = nil
		}
	}
	if len(c.Attributes) == 0 {
		c.Attributes = nil
	}
}

// orElse returns t, or other when t is not known.
func orElse(t, other time.Time) time.Time {
	if t.IsZero() {
		return other
	}
	return t
}

// Application returns an application by our id. The error has crm.CodeNotFound when there is none.
func (s *Store) Application(ctx context.Context, id string) (crm.Application, error) {
	found, err := all(ctx, s, scanApplication, applicationsFrom+"where id = $1", id)
	if err != nil {
		return crm.Application{}, fmt.Errorf("read application: %w", err)
	}
	if len(found) == 0 {
		return crm.Application{}, notFound("There is no such application.")
	}
	return found[0], nil
}
