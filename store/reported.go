package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// NoteReport writes what a provider says of a message to an interviewer into the ledger, and nowhere else: it is no fact about the
// candidate, so no run is woken and nothing is told. The event need not be stored. The error has crm.CodeNotFound when there is no
// such message.
func (s *Store) NoteReport(ctx context.Context, messageID string, e *crm.Event) error {
	var found []crm.Message
	lock := &pgx.Batch{}
	lock.Queue(lockOwners("messages"), messageID)
	gather(lock.Queue("select "+messageColumns+" from messages where id = $1", messageID), scanMessage, &found)
	tx, err := s.begin(ctx, lock)
	if err != nil {
		return fmt.Errorf("note report: %w", err)
	}
	defer tx.rollback(ctx)
	if len(found) == 0 {
		return notFound("There is no such message.")
	}
	if !found[0].Fold(e) {
		return nil
	}
	write := &pgx.Batch{}
	queueFold(write, &found[0], s.now())
	if err := tx.commit(ctx, write); err != nil {
		return fmt.Errorf("note report: %w", err)
	}
	return nil
}
