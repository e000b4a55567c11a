package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// PoolMember is a candidate in a pool.
type PoolMember struct {
	CandidateID string
	ExternalID  string
	FirstName   string
	LastName    string
	Since       time.Time
}

// PoolSizes returns how many candidates are in each pool that has any.
func (s *Store) PoolSizes(ctx context.Context) (map[string]int, error) {
	rows, err := s.pool.Query(ctx, "select pool, count(*) from pool_members group by pool")
	if err != nil {
		return nil, fmt.Errorf("count members of pools: %w", err)
	}
	sizes := map[string]int{}
	var pool string
	var n int
	_, err = pgx.ForEachRow(rows, []any{&pool, &n}, func() error {
		sizes[pool] = n
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count members of pools: %w", err)
	}
	return sizes, nil
}

// PoolMembers returns a page of a pool's members in the order of their ids, and the cursor of the next page, "" after the
// last. A limit of 0 is 50; at most 500.
func (s *Store) PoolMembers(ctx context.Context, pool, after string, limit int) (items []PoolMember, next string, err error) {
	limit = pageSize(limit)
	items, err = all(ctx, s, scanMember, `select c.id, c.external_id, c.first_name, c.last_name, m.since
		from pool_members m join candidates c on c.id = m.candidate_id
		where m.pool = $1 and m.candidate_id > $2 order by m.candidate_id limit $3`, pool, after, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list members of pool: %w", err)
	}
	items, next = page(items, limit, func(m *PoolMember) string { return m.CandidateID })
	return items, next, nil
}

func scanMember(row pgx.CollectableRow) (m PoolMember, err error) {
	err = row.Scan(&m.CandidateID, word(&m.ExternalID), &m.FirstName, &m.LastName, &m.Since)
	return m, err
}

// AddToPool puts candidates, named by id or external id, into a pool that is kept by hand, and tells by a pool.entered event of
// each who was not in it. It returns how many these were. By is who says so. Nobody is added when one of the candidates does
// not exist; the error then has crm.CodeNotFound.
func (s *Store) AddToPool(ctx context.Context, pool string, candidates []string, by string, at time.Time) (int, error) {
	n, err := s.changePool(ctx, crm.PoolChange{Pool: pool, Entered: true}, candidates, by, instant(at))
	return n, wrapped("add to pool", err)
}

// RemoveFromPool takes candidates, named by id or external id, out of a pool that is kept by hand, and tells by a pool.left event
// of each who was in it: a run that their membership began ends as left. It returns how many these were. The error is that of
// AddToPool.
func (s *Store) RemoveFromPool(ctx context.Context, pool string, candidates []string, by string, at time.Time) (int, error) {
	n, err := s.changePool(ctx, crm.PoolChange{Pool: pool}, candidates, by, instant(at))
	return n, wrapped("remove from pool", err)
}

func (s *Store) changePool(ctx context.Context, change crm.PoolChange, names []string, by string, at time.Time) (int, error) {
	var locked []lockedCandidate
	lock := &pgx.Batch{}
	lockCandidates(lock, &locked, names, names, nil)
	tx, err := s.begin(ctx, lock)
	if err != nil {
		return 0, err
	}
	defer tx.rollback(ctx)
	ids, err := named(locked, names)
	if err != nil {
		return 0, err
	}
	var changed []string
	write := &pgx.Batch{}
	if change.Entered {
		gather(write.Queue(`insert into pool_members (pool, candidate_id, since) select $1, id, $3 from unnest($2::text[]) as u (id)
			order by id on conflict do nothing returning candidate_id`, change.Pool, ids, moment(at)), text, &changed)
	} else {
		gather(write.Queue("delete from pool_members where pool = $1 and candidate_id = any($2) returning candidate_id",
			change.Pool, ids), text, &changed)
	}
	if err := tx.send(ctx, write); err != nil {
		return 0, err
	}
	events := make([]crm.Event, len(changed))
	for i, id := range changed {
		events[i] = poolFact(change, id, by, at)
	}
	if len(changed) > 0 {
		tx.tell(membership(change, changed, at))
	}
	last := &pgx.Batch{}
	if err := queueEvents(last, events); err != nil {
		return 0, err
	}
	if err := tx.commit(ctx, last); err != nil {
		return 0, err
	}
	if len(changed) > 0 {
		s.Notify(TopicEvents)
	}
	return len(changed), nil
}

// membership is what the audit log says of candidates whom somebody has put into a pool or taken out.
func membership(change crm.PoolChange, changed []string, at time.Time) crm.AuditRecord {
	r := crm.AuditRecord{At: at, Action: crm.AuditChange, Kind: "pool", Object: change.Pool, Detail: strconv.Itoa(len(changed)) + " left", Parts: crm.About(changed...)}
	if change.Entered {
		r.Detail = strconv.Itoa(len(changed)) + " entered"
	}
	return r
}

// named returns the ids of the candidates that are named by id or external id. An id goes before an equal external id, and
// both before a former one.
func named(locked []lockedCandidate, names []string) ([]string, error) {
	byName := make(map[string]string, 2*len(locked))
	for _, c := range locked {
		for _, alias := range c.aliases {
			byName[alias] = c.id
		}
	}
	for _, c := range locked {
		byName[c.externalID] = c.id
	}
	for _, c := range locked {
		byName[c.id] = c.id
	}
	delete(byName, "")
	ids := make([]string, 0, len(names))
	unknown, first := 0, ""
	for _, name := range names {
		if id := byName[name]; id != "" {
			ids = append(ids, id)
			continue
		}
		if unknown++; unknown == 1 {
			first = name
		}
	}
	switch unknown {
	case 0:
		return ids, nil
	case 1:
		return nil, notFound(fmt.Sprintf("There is no candidate %q; nothing was changed.", first))
	}
	return nil, notFound(fmt.Sprintf("There is no candidate %q, nor are there %s others of those named; nothing was changed.", first, strconv.Itoa(unknown-1)))
}

// queueMembership writes changes of the pools that one candidate is in. The candidate's lock is held.
func queueMembership(batch *pgx.Batch, candidateID string, changes []crm.PoolChange, at time.Time) {
	for _, c := range changes {
		if c.Entered {
			batch.Queue("insert into pool_members (pool, candidate_id, since) values ($1, $2, $3) on conflict do nothing",
				c.Pool, candidateID, moment(at))
			continue
		}
		batch.Queue("delete from pool_members where pool = $1 and candidate_id = $2", c.Pool, candidateID)
	}
}

// poolFact is the event that tells of a change that a person or a run has made.
func poolFact(c crm.PoolChange, candidateID, by string, at time.Time) crm.Event {
	eventType := "pool.left"
	if c.Entered {
		eventType = "pool.entered"
	}
	return fact(eventType, candidateID, instant(at), map[string]any{"pool": c.Pool, "by": by})
}

func wrapped(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
