package store

import (
	"context"
	"fmt"
	"time"
)

// Counts are the lengths of the queues, for metrics.
type Counts struct {
	PendingEvents   int64
	Starting        int64
	Unsignalled     int64
	PlannedMessages int64
	UnknownMessages int64
	RetentionAsked  int64         // runs of retention policies that wait for a person
	OldestPending   time.Duration // age of the oldest pending event; 0: there is none
}

// Counts counts what waits in the queues.
func (s *Store) Counts(ctx context.Context) (Counts, error) {
	var c Counts
	var oldest time.Time
	err := s.pool.QueryRow(ctx, `select
		(select count(*) from events where position is null and candidate_id is not null),
		(select count(*) from enrollments where status = 'starting'),
		(select count(*) from enrollments where status = 'running' and wake > wake_sent),
		(select count(*) from messages where state = 'planned'),
		(select count(*) from messages where state = 'unknown'),
		(select count(*) from retention_runs where state = 'asked'),
		(select received_at from events where position is null and candidate_id is not null order by seq limit 1)`).
		Scan(&c.PendingEvents, &c.Starting, &c.Unsignalled, &c.PlannedMessages, &c.UnknownMessages, &c.RetentionAsked, at(&oldest))
	if err != nil {
		return Counts{}, fmt.Errorf("count queues: %w", err)
	}
	if !oldest.IsZero() {
		c.OldestPending = max(s.now().Sub(oldest), 0)
	}
	return c, nil
}
