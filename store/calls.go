package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// CallOf returns the HTTP request that a decision has asked for, and what came of it if that is known. The error has
// crm.CodeNotFound when the decision asked for none.
func (s *Store) CallOf(ctx context.Context, enrollmentID string, seq int64) (crm.Call, *crm.CallResult, error) {
	type row struct {
		call   *crm.Call
		answer *crm.CallResult
	}
	rows, err := all(ctx, s, func(r pgx.CollectableRow) (found row, err error) {
		var outcome, reason *string
		var result []byte
		if err := r.Scan(&found.call, &outcome, &reason, &result); err != nil || outcome == nil {
			return found, err
		}
		found.answer = &crm.CallResult{Seq: seq, Outcome: *outcome, Reason: *reason}
		if result != nil {
			err = json.Unmarshal(result, &found.answer.Result)
		}
		return found, err
	}, `select d.call, c.outcome, c.reason, c.result from decisions d left join calls c using (enrollment_id, seq)
		where d.enrollment_id = $1 and d.seq = $2 and d.call is not null`, enrollmentID, seq)
	if err != nil {
		return crm.Call{}, nil, fmt.Errorf("read call: %w", err)
	}
	if len(rows) == 0 {
		return crm.Call{}, nil, notFound("There is no such call.")
	}
	return *rows[0].call, rows[0].answer, nil
}

// CallDone stores what came of a call. The first answer stays.
func (s *Store) CallDone(ctx context.Context, enrollmentID string, r crm.CallResult) error {
	var result []byte
	if r.Result != nil {
		text, err := json.Marshal(r.Result)
		if err != nil {
			return fmt.Errorf("write answer of call: %w", err)
		}
		result = text
	}
	batch := &pgx.Batch{}
	batch.Queue(`insert into calls (enrollment_id, seq, outcome, reason, result, at) values ($1, $2, $3, $4, $5, $6)
		on conflict do nothing`, enrollmentID, r.Seq, r.Outcome, r.Reason, result, moment(s.now()))
	if err := s.once(ctx, batch); err != nil {
		return fmt.Errorf("write answer of call: %w", err)
	}
	return nil
}
