package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Setting returns the value that an installation keeps under a name. If there is none yet, create makes one; when several
// processes do so at once, one value wins and all get it.
func (s *Store) Setting(ctx context.Context, name string, create func() (string, error)) (string, error) {
	const read = "select value from settings where name = $1"
	var value string
	err := s.pool.QueryRow(ctx, read, name).Scan(&value)
	if err == nil {
		return value, nil
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("read setting %s: %w", name, err)
	}
	if value, err = create(); err != nil {
		return "", fmt.Errorf("make setting %s: %w", name, err)
	}
	_, err = s.pool.Exec(ctx, "insert into settings (name, value) values ($1, $2) on conflict (name) do nothing", name, value)
	if err != nil {
		return "", fmt.Errorf("write setting %s: %w", name, err)
	}
	if err := s.pool.QueryRow(ctx, read, name).Scan(&value); err != nil {
		return "", fmt.Errorf("read setting %s: %w", name, err)
	}
	return value, nil
}
