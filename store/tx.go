package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype/zeronull"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rapport-crm/rapport/crm"
)

// rollbackTimeout is how long a rollback may take before the connection is given up instead.
const rollbackTimeout = 5 * time.Second

// transaction is a connection on which a transaction is run as pipelined batches: one round trip each, with "begin" as the
// first statement of the first batch and "commit" as the last of the last.
type transaction struct {
	conn  *pgxpool.Conn // nil once it is over
	clock func() time.Time
	told  []crm.AuditRecord // for the audit log: written by the commit, after everything else
}

// tell has the audit log say what the transaction does.
func (tx *transaction) tell(records ...crm.AuditRecord) { tx.told = append(tx.told, records...) }

// beginAttempts is how often a transaction is begun whose candidates are gone once it has their locks. Only a merge does that,
// and one candidate is seldom merged twice.
const beginAttempts = 5

// begin takes a connection and sends the first batch, with "begin" before it. When it fails nothing is left open. Where a
// candidate was merged into another while the batch waited for their lock, it is sent again and locks the survivor.
func (s *Store) begin(ctx context.Context, first *pgx.Batch) (tx *transaction, err error) {
	for range beginAttempts {
		if tx, err = s.tryBegin(ctx, first); SQLState(err) != stateSerialization {
			break
		}
	}
	return tx, err
}

func (s *Store) tryBegin(ctx context.Context, first *pgx.Batch) (*transaction, error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	tx := &transaction{conn: conn, clock: s.now}
	opened := &pgx.Batch{}
	opened.Queue("begin isolation level read committed")
	for _, q := range first.QueuedQueries { // copies: a query that was sent is tied to its connection
		opened.QueuedQueries = append(opened.QueuedQueries, &pgx.QueuedQuery{SQL: q.SQL, Arguments: q.Arguments, Fn: q.Fn})
	}
	if err := tx.send(ctx, opened); err != nil {
		tx.rollback(ctx)
		return nil, err
	}
	return tx, nil
}

// send runs a batch; the callbacks of its queries are called in order.
func (tx *transaction) send(ctx context.Context, batch *pgx.Batch) error {
	if batch.Len() == 0 {
		return nil
	}
	return tx.conn.SendBatch(ctx, batch).Close()
}

// commit sends the last batch and commits. The transaction is over either way.
func (tx *transaction) commit(ctx context.Context, last *pgx.Batch) error {
	if tx.conn == nil {
		return errors.New("transaction is over")
	}
	if err := queueAudit(ctx, last, tx.clock(), tx.told); err != nil {
		tx.rollback(ctx)
		return err
	}
	last.Queue("commit").Exec(func(tag pgconn.CommandTag) error {
		if tag.String() != "COMMIT" { // a transaction in which a statement failed answers ROLLBACK, without an error
			return errors.New("transaction was rolled back")
		}
		return nil
	})
	if err := tx.send(ctx, last); err != nil {
		tx.rollback(ctx)
		return err
	}
	tx.conn.Release()
	tx.conn = nil
	return nil
}

// rollback ends the transaction if it is not over. It works when the caller's context has ended: a connection that does
// not answer is closed, which the server takes as a rollback.
func (tx *transaction) rollback(ctx context.Context) {
	if tx.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	if !tx.conn.Conn().IsClosed() {
		// Whatever it answers: Release closes a connection that is still inside a transaction.
		_, _ = tx.conn.Exec(ctx, "rollback")
	}
	tx.conn.Release()
	tx.conn = nil
}

// once runs a batch as a transaction of its own, in one round trip. A statement that depends on an earlier one has to say so
// in SQL, since all of them have been sent when the first answers.
func (s *Store) once(ctx context.Context, batch *pgx.Batch) error {
	batch.Queue("commit")
	tx, err := s.begin(ctx, batch)
	if err != nil {
		return err
	}
	tx.conn.Release()
	return nil
}

// SQLState returns the five characters by which Postgres classifies an error, or "" when it is not one of Postgres's. It
// is what may be told to others: the error's text can hold personal data.
func SQLState(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code
	}
	return ""
}

// SQLSTATEs of Appendix A of the PostgreSQL manual.
const (
	stateUniqueViolation = "23505"
	stateForeignKey      = "23503"
	stateForbidden       = "42501"
	stateSerialization   = "40001" // raised by lock_candidates
	classDataException   = "22"
	classConstraint      = "23"
)

func notFound(message string) error {
	return &crm.Error{Code: crm.CodeNotFound, Message: message, Next: "Check the id."}
}

func conflict(message, next string) error {
	return &crm.Error{Code: crm.CodeConflict, Message: message, Next: next}
}

func invalid(message, next string) error {
	return &crm.Error{Code: crm.CodeInvalid, Message: message, Next: next}
}

// moment is a time as a query parameter: the zero time is null.
func moment(t time.Time) zeronull.Timestamptz { return zeronull.Timestamptz(instant(t)) }

// at is a place to read a time into: null is the zero time.
func at(t *time.Time) *zeronull.Timestamptz { return (*zeronull.Timestamptz)(t) }

// word is a place to read a text into: null is "".
func word(s *string) *zeronull.Text { return (*zeronull.Text)(s) }

// optional is a text as a query parameter: "" is null.
func optional(s string) zeronull.Text { return zeronull.Text(s) }

// list is a list as a query parameter: nil is the empty list, not null.
func list(items []string) []string {
	if items == nil {
		return []string{}
	}
	return items
}

// object is a JSON object as a query parameter: nil is the empty object, not null.
func object(fields map[string]any) map[string]any {
	if fields == nil {
		return map[string]any{}
	}
	return fields
}

// gather reads the rows of a queued query into out.
func gather[T any](query *pgx.QueuedQuery, scan pgx.RowToFunc[T], out *[]T) {
	query.Query(func(rows pgx.Rows) (err error) {
		*out, err = pgx.CollectRows(rows, scan)
		return err
	})
}

// all runs one query and reads its rows.
func all[T any](ctx context.Context, s *Store, scan pgx.RowToFunc[T], sql string, arguments ...any) ([]T, error) {
	rows, err := s.pool.Query(ctx, sql, arguments...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scan)
}

// text reads a row of one text column.
func text(row pgx.CollectableRow) (t string, err error) {
	err = row.Scan(&t)
	return t, err
}
