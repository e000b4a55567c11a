package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// AuditChecks is how the checkpoints of the audit log are getting on.
type AuditChecks struct {
	CheckedAt time.Time // when a worker last looked, and had written a checkpoint; zero: never
	Age       time.Duration
	Number    int64 // of the last entry then
	Hash      string
	Since     int64     // entries since
	BrokenAt  time.Time // since when the log is known to be broken; zero: it is not known to be
}

// AuditChecks returns how the checkpoints of the audit log are getting on.
func (s *Store) AuditChecks(ctx context.Context) (AuditChecks, error) {
	found, err := all(ctx, s, func(row pgx.CollectableRow) (c AuditChecks, err error) {
		err = row.Scan(at(&c.CheckedAt), &c.Number, &c.Hash, &c.Since, at(&c.BrokenAt))
		return c, err
	}, `select c.checked_at, coalesce(c.number, 0), coalesce(c.hash, ''), greatest(h.number - coalesce(c.number, 0), 0), c.broken_at
		from audit_head h left join audit_checks c on true`)
	if err != nil {
		return AuditChecks{}, fmt.Errorf("read checks of audit log: %w", err)
	}
	if len(found) == 0 { // somebody has taken the head away
		return AuditChecks{BrokenAt: s.now()}, nil
	}
	if c := &found[0]; !c.CheckedAt.IsZero() {
		c.Age = max(s.now().Sub(c.CheckedAt), 0)
	}
	return found[0], nil
}

// CheckedAudit notes that a checkpoint was compared and written. That the log is broken stays noted until a person takes it back.
func (s *Store) CheckedAudit(ctx context.Context, c *crm.AuditCheckpoint, broken bool) error {
	_, err := s.pool.Exec(ctx, `insert into audit_checks (checked_at, number, hash, broken_at) values ($1, $2, $3, case when $4 then $1::timestamptz end)
		on conflict (one) do update set checked_at = excluded.checked_at, number = excluded.number, hash = excluded.hash,
		broken_at = coalesce(audit_checks.broken_at, excluded.broken_at)`, moment(s.now()), c.Number, c.Hash, broken)
	return wrapped("note check of audit log", err)
}
