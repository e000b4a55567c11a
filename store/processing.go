package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// maxAttributeNames bounds how many names of attributes are told: whoever has more has put values into names.
const maxAttributeNames = 500

// Attributes counts the candidates who have an attribute, by its name: of the 500 that most have. It reads every candidate once.
func (s *Store) Attributes(ctx context.Context) (map[string]int64, error) {
	type counted struct {
		Name string
		N    int64
	}
	var found []counted
	batch := &pgx.Batch{}
	gather(batch.Queue(`select name, count(*) from candidates, jsonb_object_keys(attributes) name where attributes <> '{}'
		group by name order by count(*) desc, name limit $1`, maxAttributeNames), pgx.RowToStructByPos[counted], &found)
	if err := s.once(ctx, batch); err != nil {
		return nil, fmt.Errorf("count attributes: %w", err)
	}
	counts := make(map[string]int64, len(found))
	for _, c := range found {
		counts[c.Name] = c.N
	}
	return counts, nil
}

// HasCalendars tells whether any interviewer has connected a calendar.
func (s *Store) HasCalendars(ctx context.Context) (bool, error) {
	var found []bool
	batch := &pgx.Batch{}
	gather(batch.Queue("select exists (select from interviewer_calendars)"), pgx.RowTo[bool], &found)
	if err := s.once(ctx, batch); err != nil {
		return false, fmt.Errorf("look for calendars: %w", err)
	}
	return found[0], nil
}
