package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// queueAssignments notes the arms that a run was given. Of a step that it comes to again, the first counts.
func queueAssignments(batch *pgx.Batch, run *crm.Enrollment, assigned []crm.Assignment) {
	for _, a := range assigned {
		batch.Queue(`insert into assignments (enrollment_id, step, definition, arm, at) values ($1, $2, $3, $4, $5)
			on conflict do nothing`, run.ID, a.Step, run.Definition, a.Arm, moment(a.At))
	}
}

// queueMeasured notes the runs that have met the measure of an experiment. The first time counts.
func queueMeasured(batch *pgx.Batch, measured []crm.Measured) {
	for _, m := range measured {
		batch.Queue("update assignments set measured_at = coalesce(measured_at, $3) where enrollment_id = $1 and step = $2",
			m.EnrollmentID, m.Step, moment(m.At))
	}
}

// ExperimentArms counts the arms of a sequence's experiments, over all of its versions, by step and arm. Mature are the runs
// that were given their arm at their step's time or before it; of a step without a time, all are. Of people who were anonymized only the
// month is known, and mature are those of whole months; an arm that fewer than crm.SmallestGroup of them had is left out.
func (s *Store) ExperimentArms(ctx context.Context, definition string, mature map[string]time.Time) ([]crm.ArmCount, error) {
	steps, times := make([]string, 0, len(mature)), make([]time.Time, 0, len(mature))
	for step, at := range mature {
		steps, times = append(steps, step), append(times, instant(at))
	}
	arms, err := all(ctx, s, pgx.RowToStructByPos[crm.ArmCount], countedArms, definition, steps, times, crm.SmallestGroup)
	if err != nil {
		return nil, fmt.Errorf("count arms of experiments: %w", err)
	}
	return arms, nil
}

// countedArms counts the runs there are, and adds what is counted of those that were anonymized.
const countedArms = `with m as (select * from unnest($2::text[], $3::timestamptz[]) as m (step, at)), counted as (
		select a.step, a.arm, 1 as n, (a.measured_at is not null)::int as met, a.at <= coalesce(m.at, 'infinity') as mature
		from assignments a left join m on m.step = a.step where a.definition = $1
		union all
		select p.step, p.outcome, case p.kind when 'arm' then p.n else 0 end, case p.kind when 'measured' then p.n else 0 end,
			(p.month + interval '1 month') at time zone 'UTC' <= coalesce(m.at, 'infinity')
		from past_counts p left join m on m.step = p.step where p.definition = $1 and p.kind in ('arm', 'measured')
			and (select sum(o.n) from past_counts o where o.kind = 'arm' and o.definition = $1 and o.step = p.step and o.outcome = p.outcome) >= $4
	)
	select step, arm, sum(n)::bigint, sum(met)::bigint, coalesce(sum(n) filter (where mature), 0)::bigint, coalesce(sum(met) filter (where mature), 0)::bigint
	from counted group by step, arm order by step, arm`

// SettledArms returns the arms that a sequence's experiments are settled to, by step.
func (s *Store) SettledArms(ctx context.Context, definition string) (map[string]crm.SettledArm, error) {
	rows, err := all(ctx, s, pgx.RowToStructByPos[crm.SettledArm],
		"select step, arm, at from settled where definition = $1", definition)
	if err != nil {
		return nil, fmt.Errorf("read settled experiments: %w", err)
	}
	settled := make(map[string]crm.SettledArm, len(rows))
	for _, r := range rows {
		settled[r.Step] = r
	}
	return settled, nil
}

// Settle settles an experiment: from now on every run that comes to the step gets the arm. An experiment is settled once: it
// returns false where that was done before, and changes nothing.
func (s *Store) Settle(ctx context.Context, definition, step, arm string, at time.Time) (bool, error) {
	tag, err := s.pool.Exec(ctx, "insert into settled (definition, step, arm, at) values ($1, $2, $3, $4) on conflict do nothing",
		definition, step, arm, moment(at))
	if err != nil {
		return false, fmt.Errorf("settle experiment: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}
