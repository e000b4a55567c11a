package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	defaultLimit = 100
	highestLimit = 10_000
)

// ErrNotFound says that the sandbox holds no such message.
var ErrNotFound = errors.New("message not found")

const messageColumns = `seq, id, request_id, provider, direction, sender, sender_name, recipient, recipient_name, copy, reply_to,
    subject, body_text, body_html, headers, custom_args, categories, callback, reference, message_id, parent, status, error_code,
    segments, media, accepted_at, updated_at, sent_at`

func scanMessage(row pgx.CollectableRow) (Message, error) {
	var m Message
	err := row.Scan(&m.Seq, &m.ID, &m.RequestID, &m.Provider, &m.Direction, &m.From, &m.FromName, &m.To, &m.ToName, &m.Copy, &m.ReplyTo,
		&m.Subject, &m.Text, &m.HTML, &m.Headers, &m.CustomArgs, &m.Categories, &m.Callback, &m.Reference, &m.MessageID, &m.parent, &m.Status,
		&m.ErrorCode, &m.Segments, &m.Media, &m.AcceptedAt, &m.UpdatedAt, &m.SentAt)
	return m, err
}

// conditions collects the parts of a where clause and their arguments.
type conditions struct {
	parts []string
	args  []any
}

// add appends a condition; each ? in it stands for the argument.
func (c *conditions) add(condition string, arg any) {
	c.args = append(c.args, arg)
	c.parts = append(c.parts, strings.ReplaceAll(condition, "?", "$"+strconv.Itoa(len(c.args))))
}

func (c *conditions) where() string {
	if len(c.parts) == 0 {
		return ""
	}
	return " where " + strings.Join(c.parts, " and ")
}

func (f Filter) conditions() *conditions {
	c := &conditions{}
	if f.Direction == "" {
		f.Direction = Outbound
	}
	c.add("direction = ?", f.Direction)
	if f.Provider != "" {
		c.add("provider = ?", f.Provider)
	}
	if f.To != "" {
		c.add("recipient = ?", f.To)
	}
	if f.From != "" {
		c.add("sender = ?", f.From)
	}
	if f.Search != "" {
		c.add("strpos(lower(recipient || ' ' || recipient_name), lower(?)) > 0", f.Search)
	}
	if len(f.CustomArgs) > 0 {
		c.add("custom_args @> ?", f.CustomArgs)
	}
	if f.Reference != "" {
		c.add("reference = ?", f.Reference)
	}
	if f.After > 0 {
		c.add("seq > ?", f.After)
	}
	if f.before > 0 {
		c.add("seq < ?", f.before)
	}
	return c
}

// Messages returns what the sandbox accepted, in the order of acceptance unless the filter says otherwise.
func (s *Sandbox) Messages(ctx context.Context, filter Filter) ([]Message, error) {
	order := " order by seq"
	if filter.Newest {
		order += " desc"
	}
	limit := filter.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	return s.selectMessages(ctx, filter.conditions(), order+" limit "+strconv.Itoa(min(limit, highestLimit)))
}

// selectMessages adds the conditions and the given end to the one query over messages.
func (s *Sandbox) selectMessages(ctx context.Context, c *conditions, end string) ([]Message, error) {
	rows, err := s.pool.Query(ctx, "select "+messageColumns+" from sandbox.messages"+c.where()+end, c.args...)
	if err != nil {
		return nil, fmt.Errorf("list messages: %w", err)
	}
	messages, err := pgx.CollectRows(rows, scanMessage)
	if err != nil {
		return nil, fmt.Errorf("list messages: %w", err)
	}
	return messages, nil
}

// Message returns one message with its raw request, by sg_message_id or sid. It fails with ErrNotFound.
func (s *Sandbox) Message(ctx context.Context, id string) (Message, error) {
	c := &conditions{}
	c.add("id = ?", id)
	found, err := s.selectMessages(ctx, c, "")
	if err != nil {
		return Message{}, err
	}
	if len(found) == 0 {
		return Message{}, ErrNotFound
	}
	m := found[0]
	if err := s.pool.QueryRow(ctx, "select raw from sandbox.messages where seq = $1", m.Seq).Scan(&m.Raw); err != nil {
		return Message{}, fmt.Errorf("load raw request: %w", err)
	}
	return m, nil
}

// rawRequests returns the requests of several messages by seq.
func (s *Sandbox) rawRequests(ctx context.Context, seqs []int64) (map[int64]json.RawMessage, error) {
	rows, err := s.pool.Query(ctx, "select seq, raw from sandbox.messages where seq = any($1)", seqs)
	if err != nil {
		return nil, fmt.Errorf("load raw requests: %w", err)
	}
	requests := make(map[int64]json.RawMessage, len(seqs))
	var seq int64
	var raw json.RawMessage
	_, err = pgx.ForEachRow(rows, []any{&seq, &raw}, func() error {
		requests[seq] = slices.Clone(raw)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load raw requests: %w", err)
	}
	return requests, nil
}

// Stats counts what Rapport sent, and how much of it twice.
func (s *Sandbox) Stats(ctx context.Context) (Stats, error) {
	var st Stats
	err := s.pool.QueryRow(ctx, `
select count(*), count(*) filter (where provider = 'sendgrid'), count(*) filter (where provider = 'twilio'),
    count(*) filter (where reference <> ''), count(distinct reference) filter (where reference <> ''),
    (select count(*) from sandbox.webhooks where state = 'pending'), (select count(*) from sandbox.webhooks where state = 'refused'),
    (select count(*) from sandbox.ats_updates)
from sandbox.messages where direction = 'outbound'`).
		Scan(&st.Messages, &st.Mails, &st.Texts, &st.Referenced, &st.Distinct, &st.WebhooksPending, &st.WebhooksRefused, &st.ATSUpdates)
	if err != nil {
		return Stats{}, fmt.Errorf("count messages: %w", err)
	}
	st.Duplicates = st.Referenced - st.Distinct
	return st, nil
}

// happening is one line of a message's history.
type happening struct {
	Target   string
	Event    string
	State    string
	Attempts int
	Answer   string
	Message  int64
	At       time.Time
	Coming   bool
}

// history returns what happened to messages and whether Rapport was told, in order.
func (s *Sandbox) history(ctx context.Context, messages ...int64) ([]happening, error) {
	rows, err := s.pool.Query(ctx, `select target, event, state, attempts, answer, message, coalesce(happened_at, created_at), happened_at is null
from sandbox.webhooks where message = any($1) order by seq`, messages)
	if err != nil {
		return nil, fmt.Errorf("load history: %w", err)
	}
	happenings, err := pgx.CollectRows(rows, pgx.RowToStructByPos[happening])
	if err != nil {
		return nil, fmt.Errorf("load history: %w", err)
	}
	return happenings, nil
}

// version changes whenever a page may look different.
func (s *Sandbox) version(ctx context.Context) (string, error) {
	var version string
	err := s.pool.QueryRow(ctx, `select concat_ws('.', (select max(seq) from sandbox.messages), (select max(seq) from sandbox.webhooks),
    (select count(*) from sandbox.webhooks where happened_at is null), (select sum(attempts) from sandbox.ats_updates),
    (select concat(count(*), '.', sum(attempts)) from sandbox.webhooks where state = 'pending'))`).Scan(&version)
	if err != nil {
		return "", fmt.Errorf("load version: %w", err)
	}
	return version, nil
}
