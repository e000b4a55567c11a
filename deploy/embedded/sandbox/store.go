package sandbox

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:embed schema.sql
var schema string

// schemaLock is the advisory lock under which the schema is created, so that two starts do not collide.
const schemaLock = 0x5a4d_b0c5

func (s *Sandbox) createSchema(ctx context.Context) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1)", schemaLock); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, schema)
		return err
	})
	if err != nil {
		return fmt.Errorf("create the sandbox's schema: %w", err)
	}
	return nil
}

// storedKey returns the signing key that the database keeps, and makes it on the first start.
func (s *Sandbox) storedKey(ctx context.Context) (*ecdsa.PrivateKey, error) {
	fresh, err := GenerateKey()
	if err != nil {
		return nil, err
	}
	encoded, err := EncodeKey(fresh)
	if err != nil {
		return nil, err
	}
	if _, err := s.pool.Exec(ctx, "insert into sandbox.signing_key (pem) values ($1) on conflict do nothing", string(encoded)); err != nil {
		return nil, fmt.Errorf("keep webhook key: %w", err)
	}
	var kept string
	if err := s.pool.QueryRow(ctx, "select pem from sandbox.signing_key").Scan(&kept); err != nil {
		return nil, fmt.Errorf("load webhook key: %w", err)
	}
	return ParseKey([]byte(kept))
}

const insertMessage = `
with m as (
    insert into sandbox.messages (id, request_id, provider, direction, sender, sender_name, recipient, recipient_name,
        copy, reply_to, subject, body_text, body_html, headers, custom_args, categories, callback, reference, message_id,
        parent, status, error_code, segments, media, raw, accepted_at, updated_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $26)
    returning seq)
insert into sandbox.webhooks (message, target, event, error_code, url, content_type, payload, state, created_at, due_at, first_due_at)
select m.seq, w.target, w.event, w.error_code, w.url, w.content_type, w.payload,
    case when w.url = '' then 'silent' else 'pending' end, $26, now() + w.after * interval '1 second', now() + w.after * interval '1 second'
from m, unnest($27::text[], $28::text[], $29::int[], $30::text[], $31::text[], $32::bytea[], $33::float8[])
    as w (target, event, error_code, url, content_type, payload, after)`

// accept commits messages and all that follows from them in one transaction and one round trip.
func (s *Sandbox) accept(ctx context.Context, drafts ...draft) error {
	at := s.now()
	batch := &pgx.Batch{} // sent without an explicit transaction, a batch is one
	for _, d := range drafts {
		m := clean(d.message)
		if m.Copy == "" {
			m.Copy = "to"
		}
		if len(m.Raw) == 0 {
			m.Raw = json.RawMessage("{}")
		}
		args := []any{
			m.ID, m.RequestID, m.Provider, m.Direction, m.From, m.FromName, m.To, m.ToName, m.Copy, m.ReplyTo, m.Subject,
			m.Text, m.HTML, orEmpty(m.Headers), orEmpty(m.CustomArgs), m.Categories, m.Callback,
			m.Reference, m.MessageID, m.parent, m.Status, m.ErrorCode, m.Segments, m.Media, m.Raw, at,
		}
		batch.Queue(insertMessage, append(args, webhookColumns(d.webhooks)...)...)
	}
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("keep message: %w", err)
	}
	return nil
}

// happen records webhooks for a message that is there already.
func (s *Sandbox) happen(ctx context.Context, message int64, webhooks ...webhook) error {
	args := append([]any{message, s.now()}, webhookColumns(webhooks)...)
	_, err := s.pool.Exec(ctx, `
insert into sandbox.webhooks (message, target, event, error_code, url, content_type, payload, state, created_at, due_at, first_due_at)
select $1, w.target, w.event, w.error_code, w.url, w.content_type, w.payload,
    case when w.url = '' then 'silent' else 'pending' end, $2, now() + w.after * interval '1 second', now() + w.after * interval '1 second'
from unnest($3::text[], $4::text[], $5::int[], $6::text[], $7::text[], $8::bytea[], $9::float8[])
    as w (target, event, error_code, url, content_type, payload, after)`, args...)
	if err != nil {
		return fmt.Errorf("keep webhook: %w", err)
	}
	s.hasten()
	return nil
}

// webhookColumns turns webhooks into the arrays that unnest takes.
func webhookColumns(webhooks []webhook) []any {
	n := len(webhooks)
	targets, events, codes := make([]string, n), make([]string, n), make([]int, n)
	urls, types, payloads, after := make([]string, n), make([]string, n), make([][]byte, n), make([]float64, n)
	for i, w := range webhooks {
		targets[i], events[i], codes[i] = string(w.target), w.event, w.errorCode
		urls[i], types[i], after[i] = w.url, w.contentType, w.after.Seconds()
		payloads[i] = append([]byte{}, w.payload...)
	}
	return []any{targets, events, codes, urls, types, payloads, after}
}

// suppress notes that the provider delivers no more from sender to recipient.
func (s *Sandbox) suppress(ctx context.Context, provider Provider, sender, recipient, reason string) error {
	_, err := s.pool.Exec(ctx, `insert into sandbox.suppressions (provider, sender, recipient, reason, at) values ($1, $2, $3, $4, $5)
on conflict (provider, sender, recipient) do update set reason = excluded.reason, at = excluded.at`, provider, sender, strings.ToLower(recipient), reason, s.now())
	if err != nil {
		return fmt.Errorf("suppress recipient: %w", err)
	}
	return nil
}

// release takes a suppression back, and is content when there was none.
func (s *Sandbox) release(ctx context.Context, provider Provider, sender, recipient string) error {
	_, err := s.pool.Exec(ctx, "delete from sandbox.suppressions where provider = $1 and sender = $2 and recipient = $3",
		provider, sender, strings.ToLower(recipient))
	if err != nil {
		return fmt.Errorf("release recipient: %w", err)
	}
	return nil
}

// suppression returns why the provider would not deliver, or nothing.
func (s *Sandbox) suppression(ctx context.Context, provider Provider, sender, recipient string) (string, error) {
	reasons, err := s.suppressions(ctx, provider, sender, recipient)
	return reasons[strings.ToLower(recipient)], err
}

// suppressions returns the reasons by lower-case recipient, of those recipients that the provider would not deliver to.
func (s *Sandbox) suppressions(ctx context.Context, provider Provider, sender string, recipients ...string) (map[string]string, error) {
	for i := range recipients {
		recipients[i] = strings.ToLower(recipients[i])
	}
	rows, err := s.pool.Query(ctx, "select recipient, reason from sandbox.suppressions where provider = $1 and sender = $2 and recipient = any($3)",
		provider, sender, recipients)
	if err != nil {
		return nil, fmt.Errorf("look up suppressions: %w", err)
	}
	reasons := map[string]string{}
	var recipient, reason string
	_, err = pgx.ForEachRow(rows, []any{&recipient, &reason}, func() error {
		reasons[recipient] = reason
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look up suppressions: %w", err)
	}
	return reasons, nil
}

// clean replaces NUL and broken UTF-8, which Postgres cannot hold. The raw request may escape a NUL: its column is json, not jsonb.
func clean(m Message) Message {
	for _, field := range []*string{&m.From, &m.FromName, &m.To, &m.ToName, &m.ReplyTo, &m.Subject, &m.Text, &m.HTML, &m.Reference, &m.MessageID} {
		*field = withoutNUL(*field)
	}
	m.Headers, m.CustomArgs = cleanMap(m.Headers), cleanMap(m.CustomArgs)
	categories := make([]string, len(m.Categories))
	for i, category := range m.Categories {
		categories[i] = withoutNUL(category)
	}
	m.Categories = categories
	m.Raw = bytes.ToValidUTF8(m.Raw, []byte("\uFFFD"))
	return m
}

func cleanMap(values map[string]string) map[string]string {
	cleaned := make(map[string]string, len(values))
	for name, value := range values {
		cleaned[withoutNUL(name)] = withoutNUL(value)
	}
	return cleaned
}

func withoutNUL(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

func orEmpty(values map[string]string) map[string]string {
	if values == nil {
		return map[string]string{}
	}
	return values
}
