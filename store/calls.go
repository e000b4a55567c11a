package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// storedCall is the request of a decision, and what came of it if that is known.
type storedCall struct {
	call   crm.Call
	result *crm.CallResult
}

// CallOf returns the HTTP request that a decision asks for, and what came of it, nil while that is not known. The error has
// crm.CodeNotFound when there is no such decision, or it asks for none: its run was erased.
func (s *Store) CallOf(ctx context.Context, enrollmentID string, seq int64) (crm.Call, *crm.CallResult, error) {
	found, err := all(ctx, s, scanCall, `select d.call, case when c.seq is not null then
			jsonb_build_object('seq', c.seq, 'outcome', c.outcome, 'reason', c.reason, 'result', c.result) end
		from decisions d left join calls c on c.enrollment_id = d.enrollment_id and c.seq = d.seq
		where d.enrollment_id = $1 and d.seq = $2 and d.call is not null`, enrollmentID, seq)
	if err != nil {
		return crm.Call{}, nil, fmt.Errorf("read call: %w", err)
	}
	if len(found) == 0 {
		return crm.Call{}, nil, notFound("There is no such call.")
	}
	return found[0].call, found[0].result, nil
}

func scanCall(row pgx.CollectableRow) (c storedCall, err error) {
	err = row.Scan(&c.call, &c.result)
	return c, err
}

// CallDone stores what came of the call of a decision. The first answer stays: a request that was made again after a crash
// changes nothing that a decision may have been made from. The error has crm.CodeNotFound when the run was erased.
func (s *Store) CallDone(ctx context.Context, enrollmentID string, r crm.CallResult) error {
	batch := &pgx.Batch{}
	if err := queueCallDone(batch, enrollmentID, &r, s.now()); err != nil {
		return err
	}
	err := s.pool.SendBatch(ctx, batch).Close()
	if SQLState(err) == stateForeignKey {
		return notFound("There is no such enrollment.")
	}
	if err != nil {
		return fmt.Errorf("store answer of call: %w", err)
	}
	return nil
}

func queueCallDone(batch *pgx.Batch, enrollmentID string, r *crm.CallResult, at time.Time) error {
	result, err := json.Marshal(r.Result)
	if err != nil {
		return fmt.Errorf("encode answer of call: %w", err)
	}
	batch.Queue(`insert into calls (enrollment_id, seq, outcome, reason, result, at) values ($1, $2, $3, $4, $5, $6)
		on conflict do nothing`, enrollmentID, r.Seq, r.Outcome, r.Reason, result, moment(at))
	return nil
}
