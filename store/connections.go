package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// Connection is a link by which an interviewer connects a calendar of theirs at a provider.
type Connection struct {
	ID            string
	InterviewerID string
	Kind          crm.CalendarKind
	ExpiresAt     time.Time
}

func scanConnection(row pgx.CollectableRow) (c Connection, err error) {
	err = row.Scan(&c.ID, &c.InterviewerID, &c.Kind, &c.ExpiresAt)
	return c, err
}

// NewConnection makes a link for an interviewer. The error has crm.CodeNotFound when there is no such interviewer, and
// crm.CodeConflict when there is no key to seal what will come back.
func (s *Store) NewConnection(ctx context.Context, idOrEmail string, kind crm.CalendarKind, until time.Time, by string, at time.Time) (Connection, error) {
	if !s.seal.Ready() {
		return Connection{}, noSealKey()
	}
	c := Connection{ID: crm.NewID(crm.PrefixConnection, at), Kind: kind, ExpiresAt: instant(until)}
	err := s.changeInterviewer(ctx, idOrEmail, func(tx *transaction, i *crm.Interviewer, batch *pgx.Batch) error {
		c.InterviewerID = i.ID
		batch.Queue("delete from calendar_connections where expires_at <= $1", moment(at))
		batch.Queue("insert into calendar_connections (id, interviewer_id, kind, expires_at) values ($1, $2, $3, $4)", c.ID, i.ID, c.Kind, moment(c.ExpiresAt))
		queueInterviewerChange(tx, batch, InterviewerChange{InterviewerID: i.ID, At: at, By: by, What: "calendar_link", Fields: []string{string(kind)}})
		return nil
	})
	return c, wrapped("make link to connect a calendar", err)
}

// ConnectionByID returns a link that was not used yet, and has not expired. The error has crm.CodeNotFound when there is none.
func (s *Store) ConnectionByID(ctx context.Context, id string, at time.Time) (Connection, error) {
	found, err := all(ctx, s, scanConnection, "select id, interviewer_id, kind, expires_at from calendar_connections where id = $1 and expires_at > $2", id, moment(at))
	if err != nil {
		return Connection{}, fmt.Errorf("read link to connect a calendar: %w", err)
	}
	if len(found) == 0 {
		return Connection{}, notFound("There is no such link.")
	}
	return found[0], nil
}

// Consent is somebody who was sent to a provider by a link, and comes back with a state.
type Consent struct {
	State        []byte // hashed
	ConnectionID string
	Challenge    string // of PKCE
	ExpiresAt    time.Time
}

// BeginConsent keeps that somebody was sent to the provider.
func (s *Store) BeginConsent(ctx context.Context, c Consent, at time.Time) error {
	batch := &pgx.Batch{}
	batch.Queue("delete from calendar_consents where expires_at <= $1", moment(at))
	batch.Queue("insert into calendar_consents (state, connection_id, challenge, expires_at) values ($1, $2, $3, $4)", c.State, c.ConnectionID, c.Challenge, moment(c.ExpiresAt))
	return wrapped("begin to connect a calendar", s.once(ctx, batch))
}

// EndConsent returns the link by which somebody with that state was sent, if their browser meets the challenge. A state is good for
// once: whatever comes of it, the error has crm.CodeNotFound the next time, as when it has expired, or the link was used meanwhile.
func (s *Store) EndConsent(ctx context.Context, state []byte, challenge string, at time.Time) (Connection, error) {
	found, err := all(ctx, s, scanConnection, `with x as (delete from calendar_consents where state = $1 returning connection_id, challenge, expires_at)
		select c.id, c.interviewer_id, c.kind, c.expires_at from x join calendar_connections c on c.id = x.connection_id
		where x.challenge = $2 and x.expires_at > $3`, state, challenge, moment(at))
	if err != nil {
		return Connection{}, fmt.Errorf("connect a calendar: %w", err)
	}
	if len(found) == 0 {
		return Connection{}, notFound("Nobody was sent with this state.")
	}
	return found[0], nil
}

// UseConnection forgets a link that was used.
func (s *Store) UseConnection(ctx context.Context, id string) error {
	_, err := s.pool.Exec(ctx, "delete from calendar_connections where id = $1", id)
	return wrapped("forget link to connect a calendar", err)
}
