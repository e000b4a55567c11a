package store

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// queuePastCounts adds what candidates were part of to counts by month, before their rows go. The counts hold no id and no day. They
// are added to in one order, so that two erasures cannot wait for each other.
func queuePastCounts(batch *pgx.Batch, candidateIDs []string) {
	smallest := strconv.Itoa(crm.SmallestGroup)
	for _, counted := range []string{
		// A run that is still going ends by this.
		`select 'run', definition, '', case when status = 'closed' then outcome else 'erased' end, started_at from enrollments where candidate_id = any($1)`,
		`select 'message', definition, step, state, planned_at from messages where candidate_id = any($1) and recipient = ''`,
		`select 'mark', m.definition, m.step, v.what, m.planned_at from messages m cross join lateral (values
			('delivered', m.delivered_at), ('opened', m.opened_at), ('clicked', m.clicked_at), ('replied', m.replied_at),
			('bounced', m.bounced_at), ('complained', m.complained_at)) as v (what, at)
			where m.candidate_id = any($1) and m.recipient = '' and v.at is not null`,
		`select 'arm', definition, step, arm, at from assignments where enrollment_id in (select id from enrollments where candidate_id = any($1))`,
		`select 'measured', definition, step, arm, at from assignments where measured_at is not null
			and enrollment_id in (select id from enrollments where candidate_id = any($1))`,
		// The word comes from the ATS. One that few others have, now and before, could tell who it was.
		`select 'application', case when exists (select from past_counts p where p.kind = 'application' and p.definition = a.role_function) or ` + smallest + ` = (
				select count(*) from (select distinct o.candidate_id from applications o where o.role_function = a.role_function and a.role_function <> '' limit ` + smallest + `) o)
			then a.role_function else '' end, '', status, coalesce(applied_at, closed_at, 'epoch') from applications a where candidate_id = any($1)`,
	} {
		batch.Queue(`insert into past_counts (kind, definition, step, outcome, month, n)
			select kind, definition, step, outcome, date_trunc('month', at at time zone 'UTC')::date, count(*)
			from (`+counted+`) c (kind, definition, step, outcome, at) group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5
			on conflict (kind, definition, step, outcome, month) do update set n = past_counts.n + excluded.n`, candidateIDs)
	}
}

// PastCounts returns what is counted of people who were anonymized, in order. A group of fewer than crm.SmallestGroup is left out
// until it has grown.
func (s *Store) PastCounts(ctx context.Context) ([]crm.PastCount, error) {
	counts, err := all(ctx, s, pgx.RowToStructByPos[crm.PastCount],
		"select kind, definition, step, outcome, month, n from past_counts where n >= $1 order by kind, definition, step, outcome, month", crm.SmallestGroup)
	if err != nil {
		return nil, fmt.Errorf("read past counts: %w", err)
	}
	return counts, nil
}
