package store

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// ErasureFilter says which erasures to list. Empty fields do not filter.
type ErasureFilter struct {
	Candidate string // an id or external id that somebody had who was erased
	Limit     int
	After     string // the cursor that the page before returned
}

// ListErasures returns a page of receipts in the order of their numbers, and the cursor of the next page, "" after the last.
func (s *Store) ListErasures(ctx context.Context, f ErasureFilter) (items []crm.SignedReceipt, next string, err error) {
	key, err := s.addressKey(ctx)
	if err != nil {
		return nil, "", err
	}
	after := int64(0)
	if f.After != "" {
		if after, err = strconv.ParseInt(f.After, 10, 64); err != nil {
			return nil, "", invalid("The cursor is not one that a list gave.", "Begin without a cursor.")
		}
	}
	var hash []byte
	if f.Candidate != "" {
		hash = hashName(key, f.Candidate)
	}
	limit := pageSize(f.Limit)
	rows, err := all(ctx, s, func(row pgx.CollectableRow) (r numberedReceipt, err error) {
		err = row.Scan(&r.number, &r.text)
		return r, err
	}, `select number, receipt from erasures e where number > $1
		and ($2::bytea is null or exists (select from tombstones t where t.erasure_id = e.id and t.hash = $2)) order by number, id limit $3`, after, hash, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list erasures: %w", err)
	}
	rows, next = page(rows, limit, func(r *numberedReceipt) string { return strconv.FormatInt(r.number, 10) })
	items = make([]crm.SignedReceipt, len(rows))
	for i := range rows {
		if items[i], err = readReceipt(rows[i].text); err != nil {
			return nil, "", fmt.Errorf("list erasures: %w", err)
		}
	}
	return items, next, nil
}

type numberedReceipt struct {
	number int64
	text   string
}

// ErasureRecord is an erasure as it is written down outside the database, so that it can be done again when an older state of that
// is restored. It holds hashes, and no names and addresses.
type ErasureRecord struct {
	Receipt crm.SignedReceipt `json:"receipt"`
	Names   []string          `json:"names"`            // tombstones of ids and external ids, in hex
	Emails  []string          `json:"emails,omitempty"` // of addresses
	Numbers []string          `json:"numbers,omitempty"`

	receipt crm.ErasureReceipt
}

// id is the erasure's.
func (r *ErasureRecord) id() string { return r.receipt.ID }

// graves are the tombstones of a record. What cannot be read is left out.
func (r *ErasureRecord) graves() []tombstone {
	var graves []tombstone
	for kind, hashes := range map[string][]string{tombstoneName: r.Names, string(crm.Email): r.Emails, string(crm.SMS): r.Numbers} {
		for _, text := range hashes {
			if hash, err := hex.DecodeString(text); err == nil {
				graves = append(graves, tombstone{hash, kind})
			}
		}
	}
	return graves
}

// unloggedRow is an erasure that is in no log yet.
type unloggedRow struct {
	receipt string
	hashes  map[string][]string // by kind
}

// UnloggedErasures returns up to limit erasures that were not written to the log outside the database, in order.
func (s *Store) UnloggedErasures(ctx context.Context, limit int) ([]ErasureRecord, error) {
	rows, err := all(ctx, s, func(row pgx.CollectableRow) (u unloggedRow, err error) {
		err = row.Scan(&u.receipt, &u.hashes)
		return u, err
	}, `select e.receipt, (select jsonb_object_agg(kind, hashes) from (
			select kind, jsonb_agg(encode(hash, 'hex') order by hash) as hashes from tombstones where erasure_id = e.id group by kind) t)
		from erasures e where logged_at is null order by number limit $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("read erasures: %w", err)
	}
	records := make([]ErasureRecord, len(rows))
	for i := range rows {
		r := &records[i]
		if r.Receipt, err = readReceipt(rows[i].receipt); err != nil {
			return nil, err
		}
		if r.receipt, err = r.Receipt.Read(); err != nil {
			return nil, err
		}
		r.Names, r.Emails, r.Numbers = rows[i].hashes[tombstoneName], rows[i].hashes[string(crm.Email)], rows[i].hashes[string(crm.SMS)]
	}
	return records, nil
}

// MarkErasuresLogged notes that erasures were written to the log.
func (s *Store) MarkErasuresLogged(ctx context.Context, records []ErasureRecord) error {
	ids := make([]string, len(records))
	for i := range records {
		ids[i] = records[i].id()
	}
	if _, err := s.pool.Exec(ctx, "update erasures set logged_at = $2 where id = any($1)", ids, moment(s.now())); err != nil {
		return fmt.Errorf("mark erasures logged: %w", err)
	}
	return nil
}

// ReplayErasures does those erasures of a log again that the database does not know of, because an older state of it was restored. It
// asks nobody: what stood against them then was looked at then. It returns how many it did. It is to be called before anything is sent.
func (s *Store) ReplayErasures(ctx context.Context, records []ErasureRecord) (done int, err error) {
	missing, err := s.missing(ctx, records)
	if err != nil || len(missing) == 0 {
		return 0, err
	}
	names, err := s.named(ctx, missing)
	if err != nil {
		return 0, err
	}
	if err := s.sealJobs(ctx); err != nil {
		return 0, err
	}
	for i := range missing {
		r := &missing[i]
		e := &erasing{store: s, Erasure: crm.Erasure{
			Candidate: r.receipt.Candidate, Mode: r.receipt.Mode, Rule: r.receipt.Rule, Reason: r.receipt.Reason, By: r.receipt.By, At: instant(r.receipt.At),
		}}
		erased, err := e.run(ctx, names[r.id()], r)
		if err != nil {
			return done, fmt.Errorf("erase again: %w", err)
		}
		if !erased.Already {
			done++
		}
	}
	return done, nil
}

// recordWindow is how many records of a log are looked up at a time.
const recordWindow = 1_000

// missing are the records that the database does not know of, in order.
func (s *Store) missing(ctx context.Context, records []ErasureRecord) ([]ErasureRecord, error) {
	var missing []ErasureRecord
	for window := range slices.Chunk(records, recordWindow) {
		ids := make([]string, len(window))
		for i := range window {
			var err error
			if window[i].receipt, err = window[i].Receipt.Read(); err != nil {
				return nil, err
			}
			ids[i] = window[i].id()
		}
		unknown, err := all(ctx, s, text, "select u.id from unnest($1::text[]) u (id) where not exists (select from erasures e where e.id = u.id)", ids)
		if err != nil {
			return nil, fmt.Errorf("read erasures: %w", err)
		}
		for i := range window {
			if slices.Contains(unknown, ids[i]) {
				missing = append(missing, window[i])
			}
		}
	}
	return missing, nil
}

// nameWindow is how many names are hashed at a time.
const nameWindow = 10_000

// named finds whom records mean: all that have one of their ids or external ids. Of names only the hashes are known, so that every
// name in the database has to be hashed.
func (s *Store) named(ctx context.Context, records []ErasureRecord) (map[string][]string, error) {
	key, err := s.addressKey(ctx)
	if err != nil {
		return nil, err
	}
	whose := map[string][]string{} // ids of erasures, by hash
	for i := range records {
		for _, g := range records[i].graves() {
			if g.kind == tombstoneName {
				whose[string(g.hash)] = append(whose[string(g.hash)], records[i].id())
			}
		}
	}
	names := map[string][]string{}
	for after := ""; ; {
		found, err := all(ctx, s, text, `select name from (select id as name from candidates union select external_id from candidates
			where external_id is not null union select name from aliases) n where name collate "C" > $1 order by name collate "C" limit $2`, after, nameWindow)
		if err != nil {
			return nil, fmt.Errorf("read names: %w", err)
		}
		for _, name := range found {
			for _, id := range whose[string(hashName(key, name))] {
				names[id] = append(names[id], name)
			}
		}
		if len(found) < nameWindow {
			return names, nil
		}
		after = found[len(found)-1]
	}
}

// VacuumErased takes what was deleted out of the tables' files, and out of the samples that the planner keeps. Full rewrites them, which
// leaves nothing in them, locks each table for as long as that takes, and ends the write-ahead log that has what was there.
func (s *Store) VacuumErased(ctx context.Context, full bool) error {
	command := "vacuum (analyze) "
	if full {
		command = "vacuum (full, analyze) "
	}
	tables := []string{"meeting_seats", "suppressions", "erasure_jobs"}
	for _, b := range belongings() {
		tables = append(tables, b.table)
	}
	// Last, as the others leave their old samples there. Who owns the database may do this; else Postgres warns, and autovacuum does it.
	tables = append(tables, "pg_catalog.pg_statistic")
	for _, table := range tables {
		if _, err := s.pool.Exec(ctx, command+table); err != nil {
			return fmt.Errorf("vacuum %s: %w", table, err)
		}
	}
	if full {
		return s.endLog(ctx)
	}
	return nil
}

// endLog begins a new file of the write-ahead log and lets go of those before. The role of an installation that has its Postgres from
// somebody else may be allowed neither: then they go by themselves, later.
func (s *Store) endLog(ctx context.Context) error {
	for _, statement := range []string{"select pg_switch_wal()", "checkpoint"} {
		_, err := s.pool.Exec(ctx, statement)
		if SQLState(err) == stateForbidden {
			s.log.WarnContext(ctx, "the write-ahead log keeps what was erased until it is recycled: the database's role may not do it", "statement", statement)
			continue
		}
		if err != nil {
			return fmt.Errorf("end write-ahead log: %w", err)
		}
	}
	return nil
}

// vacuumLock is the advisory lock of who vacuums after erasures.
const vacuumLock = 0x7261_7076

// VacuumAfterErasures vacuums if something was erased since it was done last, and nobody else is at it. It returns whether it did.
func (s *Store) VacuumAfterErasures(ctx context.Context) (done bool, err error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return false, fmt.Errorf("vacuum after erasures: %w", err)
	}
	defer conn.Release()
	var mine bool
	if err := conn.QueryRow(ctx, "select case when exists (select from erasures where vacuumed_at is null) then pg_try_advisory_lock($1) else false end", vacuumLock).Scan(&mine); err != nil || !mine {
		return false, wrapped("vacuum after erasures", err)
	}
	defer func() {
		_, unlocked := conn.Exec(context.WithoutCancel(ctx), "select pg_advisory_unlock($1)", vacuumLock)
		err = errors.Join(err, wrapped("vacuum after erasures", unlocked))
	}()
	ids, err := all(ctx, s, text, "select id from erasures where vacuumed_at is null")
	if err != nil {
		return false, fmt.Errorf("vacuum after erasures: %w", err)
	}
	if err := s.VacuumErased(ctx, false); err != nil {
		return false, err
	}
	_, err = s.pool.Exec(ctx, "update erasures set vacuumed_at = $2 where id = any($1)", ids, moment(s.now()))
	return true, wrapped("vacuum after erasures", err)
}

// Line is a record as it is written to a log: one line of JSON.
func (r *ErasureRecord) Line() ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode erasure: %w", err)
	}
	return append(text, '\n'), nil
}
