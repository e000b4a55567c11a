package store

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// Suppressed is an address that must not be written to, as it is listed: by its hash. What it hides is known only while a
// candidate has the address.
type Suppressed struct {
	Hash        string // hex
	Channel     crm.Channel
	Reason      crm.SuppressionReason
	Source      string
	At          time.Time
	CandidateID string // who has the address now, or ""
	Address     string // the same
}

// SuppressionFilter says which suppressions to list. Empty fields do not filter.
type SuppressionFilter struct {
	Channel crm.Channel
	Address string // needs the channel
	Reason  crm.SuppressionReason
	Limit   int
	After   string // the cursor that the page before returned
}

// ListSuppressions returns a page of suppressions, the newest first, and the cursor of the next page, "" after the last.
func (s *Store) ListSuppressions(ctx context.Context, f SuppressionFilter) (items []Suppressed, next string, err error) {
	var hash []byte
	if f.Address != "" {
		if hash, err = s.addressHash(ctx, f.Channel, f.Address); err != nil {
			return nil, "", err
		}
	}
	from := suppressionPlace{At: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}
	if f.After != "" {
		raw, err := base64.RawURLEncoding.DecodeString(f.After)
		if err != nil || json.Unmarshal(raw, &from) != nil {
			return nil, "", invalid("The cursor is not one that a list gave.", "Begin without a cursor.")
		}
	}
	limit := pageSize(f.Limit)
	items, err = all(ctx, s, scanSuppressed, `select encode(x.address_hash, 'hex'), x.channel, x.reason, x.source, x.at,
			coalesce(c.candidate_id, ''), coalesce(c.address, '')
		from suppressions x left join lateral (select candidate_id, address from contact_points where address_hash = x.address_hash
			order by candidate_id limit 1) c on true
		where ($1::text = '' or x.channel = $1) and ($2::text = '' or x.reason = $2) and ($3::bytea is null or x.address_hash = $3)
			and (x.at, x.address_hash, x.reason) < ($4, decode($5, 'hex'), $6)
		order by x.at desc, x.address_hash desc, x.reason desc limit $7`,
		f.Channel, f.Reason, hash, moment(from.At), from.Hash, from.Reason, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list suppressions: %w", err)
	}
	items, next = page(items, limit, func(x *Suppressed) string {
		raw, _ := json.Marshal(suppressionPlace{x.At, x.Hash, x.Reason})
		return base64.RawURLEncoding.EncodeToString(raw)
	})
	return items, next, nil
}

type suppressionPlace struct {
	At     time.Time             `json:"at"`
	Hash   string                `json:"hash"`
	Reason crm.SuppressionReason `json:"reason"`
}

func scanSuppressed(row pgx.CollectableRow) (x Suppressed, err error) {
	err = row.Scan(&x.Hash, &x.Channel, &x.Reason, &x.Source, &x.At, &x.CandidateID, &x.Address)
	return x, err
}

// Suppress puts addresses on the list, under the locks of the candidates who have them, and has the provider told. Addresses that are there
// for that reason already stay as they are.
func (s *Store) Suppress(ctx context.Context, optOuts []OptOut) error {
	if _, err := s.ReceiveWithOptOuts(ctx, nil, optOuts); err != nil {
		return err
	}
	batch := &pgx.Batch{}
	for i := range optOuts {
		if !slices.Contains(pushedReasons(), string(optOuts[i].Reason)) { // the provider is never told of it, so that its address would stay
			continue
		}
		hash, err := s.addressHash(ctx, optOuts[i].Channel, optOuts[i].Address)
		if err != nil {
			return err
		}
		batch.Queue("update suppressions set push = $3 where address_hash = $1 and reason = $2 and channel = 'email' and pushed_at is null",
			hash, optOuts[i].Reason, crm.NormalAddress(optOuts[i].Channel, optOuts[i].Address))
	}
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("write suppressions: %w", err)
	}
	return nil
}

// Learn puts addresses on the list that the provider has told of: it need not be told of them. What is there already for that
// reason is passed over, so that a list which is read again takes back no consent that was given since.
func (s *Store) Learn(ctx context.Context, optOuts []OptOut, at time.Time) error {
	var fresh []OptOut
	batch := &pgx.Batch{}
	for i := range optOuts {
		o := &optOuts[i]
		hash, err := s.addressHash(ctx, o.Channel, o.Address)
		if err != nil {
			return err
		}
		known, err := all(ctx, s, pgx.RowTo[bool], "select true from suppressions where address_hash = $1 and reason = $2", hash, o.Reason)
		if err != nil {
			return fmt.Errorf("read suppressions: %w", err)
		}
		if len(known) == 0 {
			fresh = append(fresh, *o)
		}
		batch.Queue("update suppressions set pushed_at = $3, push = '' where address_hash = $1 and reason = $2 and pushed_at is null",
			hash, o.Reason, moment(at))
	}
	if len(fresh) > 0 {
		if _, err := s.ReceiveWithOptOuts(ctx, nil, fresh); err != nil {
			return err
		}
	}
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("write suppressions: %w", err)
	}
	return nil
}

// Unsuppress takes an address off the list for a reason, and gives back the consents that the suppression took. The error has
// crm.CodeNotFound when it is not there.
func (s *Store) Unsuppress(ctx context.Context, channel crm.Channel, address string, reason crm.SuppressionReason, source string, at time.Time) error {
	is, err := s.Suppressed(ctx, channel, address, reason)
	if err != nil {
		return err
	}
	if !is {
		return notFound("The address is not suppressed for that reason.")
	}
	_, err = s.ReceiveWithOptOuts(ctx, nil, []OptOut{{Channel: channel, Address: address, Reason: reason, Source: source, At: at, Undo: true}})
	return err
}

// Unpushed is a suppression that the provider of email does not know of yet.
type Unpushed struct {
	Address string
	hash    []byte
	reason  crm.SuppressionReason
}

// UnpushedSuppressions returns up to limit email addresses that the provider is to be told of: those that a person or the candidate
// put on the list, as far as the address is known. What the provider found out itself it knows.
func (s *Store) UnpushedSuppressions(ctx context.Context, limit int) ([]Unpushed, error) {
	rows, err := all(ctx, s, func(row pgx.CollectableRow) (u Unpushed, err error) {
		err = row.Scan(&u.Address, &u.hash, &u.reason)
		return u, err
	}, `select coalesce(nullif(x.push, ''), c.address), x.address_hash, x.reason from suppressions x
		left join lateral (select address from contact_points where address_hash = x.address_hash limit 1) c on true
		where x.pushed_at is null and x.channel = 'email' and x.reason = any($2)
			and coalesce(nullif(x.push, ''), c.address) is not null
		order by x.at, x.address_hash limit $1`, limit, pushedReasons())
	if err != nil {
		return nil, fmt.Errorf("read suppressions: %w", err)
	}
	return rows, nil
}

// pushedReasons are those of which the provider of email is told; of the others it knows first.
func pushedReasons() []string {
	return []string{string(crm.SuppressedManual), string(crm.SuppressedComplaint), string(crm.SuppressedUnsubscribe)}
}

// Pushed notes that the provider was told; the addresses are forgotten.
func (s *Store) Pushed(ctx context.Context, told []Unpushed, at time.Time) error {
	batch := &pgx.Batch{}
	for i := range told {
		batch.Queue("update suppressions set pushed_at = $3, push = '' where address_hash = $1 and reason = $2", told[i].hash, told[i].reason, moment(at))
	}
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("write suppressions: %w", err)
	}
	return nil
}

// ListPosition says how far a provider's list was read.
type ListPosition struct {
	Provider string
	List     string
	ReadTo   time.Time // entries up to then are known; zero: none are
	SyncedAt time.Time // when that was found out; zero: it is to be read now
	Found    int64     // how many addresses it has had so far

	// A reading that is under way: entries up to ReadingTo, of which so many are known. Zero: there is none.
	ReadingTo time.Time
	Offset    int
}

// ListPositions returns how far the lists were read, by provider and list.
func (s *Store) ListPositions(ctx context.Context) ([]ListPosition, error) {
	rows, err := all(ctx, s, func(row pgx.CollectableRow) (p ListPosition, err error) {
		err = row.Scan(&p.Provider, &p.List, at(&p.ReadTo), at(&p.SyncedAt), &p.Found, at(&p.ReadingTo), &p.Offset)
		return p, err
	}, "select provider, list, read_to, synced_at, found, reading_to, pages_to from suppression_lists order by provider, list")
	if err != nil {
		return nil, fmt.Errorf("read positions of lists: %w", err)
	}
	return rows, nil
}

// SetListPosition keeps how far a list was read.
func (s *Store) SetListPosition(ctx context.Context, p *ListPosition) error {
	_, err := s.pool.Exec(ctx, `insert into suppression_lists (provider, list, read_to, synced_at, found, reading_to, pages_to)
			values ($1, $2, $3, $4, $5, $6, $7)
		on conflict (provider, list) do update set read_to = excluded.read_to, synced_at = excluded.synced_at, found = excluded.found,
			reading_to = excluded.reading_to, pages_to = excluded.pages_to`,
		p.Provider, p.List, moment(p.ReadTo), moment(p.SyncedAt), p.Found, moment(p.ReadingTo), p.Offset)
	if err != nil {
		return fmt.Errorf("write position of list: %w", err)
	}
	return nil
}

// AskForLists has every list read again as soon as a worker gets to it.
func (s *Store) AskForLists(ctx context.Context) error {
	if _, err := s.pool.Exec(ctx, "update suppression_lists set synced_at = null"); err != nil {
		return fmt.Errorf("write position of lists: %w", err)
	}
	return nil
}
