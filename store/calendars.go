package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store/seal"
)

const calendarColumns = `id, interviewer_id, kind, address, account, sealed, created_at, state, since, last_ok,
	busy_starts, busy_ends, busy_at, busy_from, busy_to`

// calendarRow is a calendar with its secret as it is kept.
type calendarRow struct {
	crm.CalendarLink
	sealed []byte
}

func scanCalendar(row pgx.CollectableRow) (c calendarRow, err error) {
	var starts, ends []time.Time
	err = row.Scan(&c.ID, &c.InterviewerID, &c.Kind, &c.Address, &c.Account, &c.sealed, &c.CreatedAt, &c.State, at(&c.Since), at(&c.LastOK),
		&starts, &ends, at(&c.BusyAt), at(&c.BusyFor.Start), at(&c.BusyFor.End))
	c.Busy = spans(starts, ends)
	return c, err
}

const calendarsOf = "select " + calendarColumns + " from interviewer_calendars where interviewer_id = any($1) order by interviewer_id, id"

// Calendars returns the calendars of interviewers, without what opens them, by interviewer and in the order in which they
// were connected.
func (s *Store) Calendars(ctx context.Context, interviewerIDs ...string) ([]crm.CalendarLink, error) {
	rows, err := all(ctx, s, scanCalendar, calendarsOf, interviewerIDs)
	if err != nil {
		return nil, fmt.Errorf("read calendars: %w", err)
	}
	links := make([]crm.CalendarLink, len(rows))
	for i := range rows {
		links[i] = rows[i].CalendarLink
	}
	return links, nil
}

// OpenCalendars returns calendars as Calendars does, with what opens them. One whose secret no key opens is Locked.
func (s *Store) OpenCalendars(ctx context.Context, interviewerIDs ...string) ([]crm.CalendarLink, error) {
	rows, err := all(ctx, s, scanCalendar, calendarsOf, interviewerIDs)
	if err != nil {
		return nil, fmt.Errorf("read calendars: %w", err)
	}
	links := make([]crm.CalendarLink, len(rows))
	for i := range rows {
		s.unseal(&rows[i])
		links[i] = rows[i].CalendarLink
	}
	return links, nil
}

func (s *Store) unseal(c *calendarRow) {
	if c.sealed == nil {
		return
	}
	secret, err := s.seal.Open(c.sealed, c.ID)
	c.Secret, c.Locked = secret, err != nil
}

// CalendarWrite is what somebody says about a calendar.
type CalendarWrite struct {
	Kind    crm.CalendarKind
	Address string
	Account string
	Secret  crm.Secret // "": the one that is there, or none
}

// mostCalendars is how many one person can have.
const mostCalendars = 20

// PutCalendar connects a calendar of an interviewer, or gives one that is connected a new secret; the calendar is known by its
// kind, address and account, a feed by its whole URL. A new secret forgets the state of the calendar. The error has
// crm.CodeNotFound when there is no such interviewer, and crm.CodeConflict when there is a secret and no key to seal it.
func (s *Store) PutCalendar(ctx context.Context, idOrEmail string, w CalendarWrite, by string, at time.Time) (link crm.CalendarLink, created bool, err error) {
	if w.Secret != "" && !s.seal.Ready() {
		return link, false, noSealKey()
	}
	at = instant(at)
	err = s.changeInterviewer(ctx, idOrEmail, func(tx *transaction, i *crm.Interviewer, batch *pgx.Batch) error {
		var rows []calendarRow
		load := &pgx.Batch{}
		gather(load.Queue(calendarsOf, []string{i.ID}), scanCalendar, &rows)
		if err := tx.send(ctx, load); err != nil {
			return err
		}
		link, created = s.calendarOf(rows, &w), false
		if link.ID != "" && (w.Secret == "" || w.Kind == crm.CalendarICS) {
			return nil // nothing new
		}
		change := InterviewerChange{InterviewerID: i.ID, At: at, By: by, What: "calendar_changed", Fields: []string{string(w.Kind)}}
		if link.ID == "" {
			if len(rows) >= mostCalendars {
				return conflict(fmt.Sprintf("This interviewer has %d calendars.", len(rows)), "Remove one first.")
			}
			if w.Secret == "" && w.Kind != crm.CalendarOwn {
				return invalid("This calendar is not connected yet, and its secret is missing.", "Send the secret that opens it.")
			}
			created, change.What = true, "calendar_connected"
			link = crm.CalendarLink{ID: crm.NewID(crm.PrefixCalendar, at), InterviewerID: i.ID, Kind: w.Kind, Address: w.Address, Account: w.Account, CreatedAt: at}
		}
		queueInterviewerChange(tx, batch, change)
		return s.queueCalendar(batch, &link, w.Secret)
	})
	return link, created, wrapped("connect calendar", err)
}

// calendarOf returns the calendar that a write means, or none.
func (s *Store) calendarOf(rows []calendarRow, w *CalendarWrite) crm.CalendarLink {
	for i := range rows {
		c := &rows[i]
		if c.Kind != w.Kind || c.Address != w.Address || c.Account != w.Account {
			continue
		}
		if s.unseal(c); c.Kind != crm.CalendarICS || c.Secret == w.Secret {
			c.Secret = ""
			return c.CalendarLink
		}
	}
	return crm.CalendarLink{}
}

// queueCalendar writes a calendar that is new or has a new secret.
func (s *Store) queueCalendar(batch *pgx.Batch, c *crm.CalendarLink, secret crm.Secret) error {
	var sealed []byte
	if secret != "" {
		var err error
		if sealed, err = s.seal.Seal(secret, c.ID); err != nil {
			return fmt.Errorf("seal secret: %w", err)
		}
	}
	c.State, c.Since = crm.CalendarNew, time.Time{}
	batch.Queue(`insert into interviewer_calendars (id, interviewer_id, kind, address, account, sealed, created_at)
		values ($1, $2, $3, $4, $5, $6, $7)
		on conflict (id) do update set sealed = excluded.sealed, state = '', since = null`,
		c.ID, c.InterviewerID, c.Kind, c.Address, c.Account, sealed, moment(c.CreatedAt))
	return nil
}

func noSealKey() error {
	return &crm.Error{
		Code: crm.CodeConflict, Message: "What opens a calendar cannot be stored: this installation has no seal key.",
		Next: "Give every serve and work the same RAPPORT_SEAL_KEY, made with `openssl rand -base64 32`.", Err: seal.ErrNoKey,
	}
}

// RemoveCalendar forgets a calendar of an interviewer and what opened it. The error has crm.CodeNotFound when there is no such
// interviewer or calendar.
func (s *Store) RemoveCalendar(ctx context.Context, idOrEmail, calendarID, by string, at time.Time) error {
	err := s.changeInterviewer(ctx, idOrEmail, func(tx *transaction, i *crm.Interviewer, batch *pgx.Batch) error {
		var kinds []string
		remove := &pgx.Batch{}
		gather(remove.Queue("delete from interviewer_calendars where id = $1 and interviewer_id = $2 returning kind", calendarID, i.ID), text, &kinds)
		if err := tx.send(ctx, remove); err != nil {
			return err
		}
		if len(kinds) == 0 {
			return notFound("This interviewer has no such calendar.")
		}
		queueInterviewerChange(tx, batch, InterviewerChange{InterviewerID: i.ID, At: at, By: by, What: "calendar_removed", Fields: kinds})
		return nil
	})
	return wrapped("remove calendar", err)
}

// RenewCalendarSecret keeps what a provider gave in the place of a secret, such as the next refresh token.
func (s *Store) RenewCalendarSecret(ctx context.Context, calendarID string, secret crm.Secret) error {
	sealed, err := s.seal.Seal(secret, calendarID)
	if errors.Is(err, seal.ErrNoKey) {
		return noSealKey()
	}
	if err == nil {
		_, err = s.pool.Exec(ctx, "update interviewer_calendars set sealed = $2 where id = $1", calendarID, sealed)
	}
	return wrapped("renew secret of calendar", err)
}

// CalendarAnswered notes that a calendar answered, and keeps what is busy within a span for the time when it does not answer.
// An empty span keeps what was kept before: the answer to a smaller question does not displace that to a larger one.
func (s *Store) CalendarAnswered(ctx context.Context, calendarID string, busy []crm.Span, within crm.Span, at time.Time) error {
	const healthy = `update interviewer_calendars set since = case when state = 'ok' then since else $2 end, state = 'ok', last_ok = $2
		where id = $1 and coalesce(last_ok <= $2, true)`
	batch := &pgx.Batch{}
	batch.Queue(healthy, calendarID, moment(at))
	if !within.IsEmpty() {
		starts, ends := unspan(crm.MergeSpans(busy))
		batch.Queue(`update interviewer_calendars set busy_starts = $3, busy_ends = $4, busy_at = $2, busy_from = $5, busy_to = $6
			where id = $1 and coalesce(busy_at <= $2, true)`, calendarID, moment(at), starts, ends, moment(within.Start), moment(within.End))
	}
	return wrapped("keep answer of calendar", s.once(ctx, batch))
}

// CalendarFailed notes that a calendar did not answer, and why. An answer that came later stands.
func (s *Store) CalendarFailed(ctx context.Context, calendarID string, state crm.CalendarState, at time.Time) error {
	_, err := s.pool.Exec(ctx, `update interviewer_calendars set since = case when state = $2 then since else $3 end, state = $2
		where id = $1 and coalesce(last_ok < $3, true)`, calendarID, state, moment(at))
	return wrapped("keep state of calendar", err)
}

// Reseal seals anew whatever an older key has sealed. It returns how many it did, and how many no key opens.
func (s *Store) Reseal(ctx context.Context) (resealed, locked int, err error) {
	rows, err := all(ctx, s, scanCalendar, "select "+calendarColumns+" from interviewer_calendars where sealed is not null order by id")
	if err != nil {
		return 0, 0, fmt.Errorf("read calendars: %w", err)
	}
	for i := range rows {
		c := &rows[i]
		if s.unseal(c); c.Locked {
			locked++
			continue
		}
		if !s.seal.Old(c.sealed) {
			continue
		}
		sealed, err := s.seal.Seal(c.Secret, c.ID)
		if err != nil {
			return resealed, locked, fmt.Errorf("seal secret: %w", err)
		}
		tag, err := s.pool.Exec(ctx, "update interviewer_calendars set sealed = $3 where id = $1 and sealed = $2", c.ID, c.sealed, sealed)
		if err != nil {
			return resealed, locked, fmt.Errorf("seal secrets anew: %w", err)
		}
		resealed += int(tag.RowsAffected())
	}
	return resealed, locked, nil
}
