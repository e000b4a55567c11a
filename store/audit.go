package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

const (
	auditGroup   = 256              // calls that share one transaction at most
	auditTimeout = 10 * time.Second // of one transaction: whom it serves may have gone
)

// auditWire is a record as the function audit_append takes it.
type auditWire struct {
	At          int64          `json:"at"` // microseconds since 1970
	Actor       string         `json:"actor"`
	Action      string         `json:"action"`
	Kind        string         `json:"kind"`
	Object      string         `json:"object"`
	Detail      string         `json:"detail"`
	Commitments []string       `json:"commitments"`
	Openings    []auditOpening `json:"openings"`
}

type auditOpening struct {
	crm.AuditOpening
	Owner string `json:"owner"`
}

// wire seals what is personal in a record.
func wire(ctx context.Context, r *crm.AuditRecord, now time.Time) auditWire {
	w := auditWire{
		At: instant(orElse(r.At, now)).UnixMicro(), Actor: clean(r.Actor), Action: r.Action, Kind: r.Kind, Object: clean(r.Object), Detail: clean(r.Detail),
		Commitments: make([]string, len(r.Parts)), Openings: make([]auditOpening, len(r.Parts)),
	}
	if w.Actor == "" {
		w.Actor = clean(crm.ActorOf(ctx))
	}
	for i := range r.Parts {
		part := r.Parts[i]
		part.Value = clean(part.Value)
		w.Openings[i].Owner = part.Owner
		w.Commitments[i], w.Openings[i].AuditOpening = part.Seal(i)
	}
	return w
}

// clean leaves out what Postgres cannot keep, so that the hash is that of what is kept.
func clean(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\x00", "?")
}

// queueAudit appends records to the audit log. It is to be the last of a transaction but for its commit: until then everybody else who
// appends waits.
func queueAudit(ctx context.Context, batch *pgx.Batch, now time.Time, records []crm.AuditRecord) error {
	if len(records) == 0 {
		return nil
	}
	wires := make([]auditWire, len(records))
	for i := range records {
		wires[i] = wire(ctx, &records[i], now)
	}
	return queueWires(batch, wires)
}

func queueWires(batch *pgx.Batch, wires []auditWire) error {
	text, err := json.Marshal(wires)
	if err != nil {
		return fmt.Errorf("encode audit entries: %w", err)
	}
	batch.Queue("select audit_append($1)", string(text))
	return nil
}

// audit is where records wait that are told outside a transaction. While one is under way further ones queue up, and the next takes them
// all: under load many share one commit, and without load nobody waits.
type audit struct {
	mu      sync.Mutex
	waiting []*auditRequest
	busy    bool
	lane    sync.WaitGroup
}

type auditRequest struct {
	wires []auditWire
	done  chan error
}

// Audit appends records to the audit log, and returns when they are committed. What it tells of must not be shown to anybody when
// it fails. When ctx ends first, the records may or may not have been written.
func (s *Store) Audit(ctx context.Context, records ...crm.AuditRecord) error {
	r := &auditRequest{done: make(chan error, 1)}
	now := s.now()
	for i := range records {
		r.wires = append(r.wires, wire(ctx, &records[i], now))
	}
	if len(r.wires) == 0 {
		return nil
	}
	a := &s.audit
	a.mu.Lock()
	a.waiting = append(a.waiting, r)
	if !a.busy {
		a.busy = true
		a.lane.Go(func() { s.writeAudit(context.WithoutCancel(ctx)) })
	}
	a.mu.Unlock()
	select {
	case err := <-r.done:
		return wrapped("write audit log", err)
	case <-ctx.Done():
		return fmt.Errorf("write audit log: %w", ctx.Err())
	}
}

// writeAudit writes what waits, until nothing does.
func (s *Store) writeAudit(ctx context.Context) {
	for {
		a := &s.audit
		a.mu.Lock()
		group := a.waiting[:min(len(a.waiting), auditGroup)]
		a.waiting = a.waiting[len(group):]
		if len(group) == 0 {
			a.waiting, a.busy = nil, false
			a.mu.Unlock()
			return
		}
		a.mu.Unlock()
		err := s.appendAudit(ctx, group...)
		for _, r := range group {
			if err != nil && len(group) > 1 { // nobody is to suffer for what another has told
				r.done <- s.appendAudit(ctx, r)
				continue
			}
			r.done <- err
		}
	}
}

func (s *Store) appendAudit(ctx context.Context, group ...*auditRequest) error {
	ctx, cancel := context.WithTimeout(ctx, auditTimeout)
	defer cancel()
	var wires []auditWire
	for _, r := range group {
		wires = append(wires, r.wires...)
	}
	batch := &pgx.Batch{}
	if err := queueWires(batch, wires); err != nil {
		return err
	}
	return s.once(ctx, batch)
}

const auditColumns = "l.number, l.at, l.actor, l.action, l.kind, l.object, l.detail, l.commitments, l.previous, l.hash"

func scanAudit(row pgx.CollectableRow) (l crm.AuditLine, err error) {
	err = row.Scan(&l.Number, &l.At, &l.Actor, &l.Action, &l.Kind, &l.Object, &l.Detail, &l.Commitments, &l.Previous, &l.Hash)
	if len(l.Commitments) == 0 {
		l.Commitments = nil
	}
	return l, err
}

// AuditFilter says which entries to list. Empty fields do not filter.
type AuditFilter struct {
	Candidate string // our id: entries that are known to be about them
	Actor     string
	Action    string
	Kind      string
	From, To  time.Time // from From, before To
	Limit     int
	Before    int64 // the number that the page before returned
}

// ListAudit returns a page of entries, the newest first, with what is still known of their commitments, and the number to go on before,
// 0 after the last.
func (s *Store) ListAudit(ctx context.Context, f *AuditFilter) (lines []crm.AuditLine, next int64, err error) {
	limit, about := pageSize(f.Limit), "$2 = ''"
	if f.Candidate != "" { // by itself, so that the index of openings is used: behind an or, the whole log would be read
		about = "l.number in (select o.number from audit_openings o where o.candidate_id = $2)"
	}
	lines, err = all(ctx, s, scanAudit, "select "+auditColumns+" from audit_log l where "+about+` and ($1 = 0 or l.number < $1)
		and ($3 = '' or l.actor = $3) and ($4 = '' or l.action = $4) and ($5 = '' or l.kind = $5)
		and ($6::timestamptz is null or l.at >= $6) and ($7::timestamptz is null or l.at < $7) order by l.number desc limit $8`,
		f.Before, f.Candidate, f.Actor, f.Action, f.Kind, moment(f.From), moment(f.To), limit+1)
	if err != nil {
		return nil, 0, fmt.Errorf("list audit log: %w", err)
	}
	if len(lines) > limit {
		lines = lines[:limit]
		next = lines[limit-1].Number
	}
	return lines, next, s.openAudit(ctx, lines)
}

// AuditPage returns up to limit entries in order, from number on and up to last. With openings it adds what is still known of their
// commitments.
func (s *Store) AuditPage(ctx context.Context, from, last int64, limit int, openings bool) ([]crm.AuditLine, error) {
	lines, err := all(ctx, s, scanAudit, "select "+auditColumns+" from audit_log l where l.number between $1 and $2 order by l.number limit $3", from, last, limit)
	if err != nil {
		return nil, fmt.Errorf("read audit log: %w", err)
	}
	if !openings {
		return lines, nil
	}
	return lines, s.openAudit(ctx, lines)
}

// numberedOpening is an opening and the entry that it belongs to.
type numberedOpening struct {
	number int64
	crm.AuditOpening
}

// openAudit adds to entries what is known of their commitments.
func (s *Store) openAudit(ctx context.Context, lines []crm.AuditLine) error {
	numbers := make([]int64, len(lines))
	places := make(map[int64]int, len(lines))
	for i := range lines {
		numbers[i], places[lines[i].Number] = lines[i].Number, i
	}
	found, err := all(ctx, s, func(row pgx.CollectableRow) (o numberedOpening, err error) {
		err = row.Scan(&o.number, &o.Part, &o.Name, &o.Value, &o.Salt)
		return o, err
	}, "select number, part, name, value, encode(salt, 'hex') from audit_openings where number = any($1) order by number, part", numbers)
	if err != nil {
		return fmt.Errorf("read audit openings: %w", err)
	}
	for i := range found {
		line := &lines[places[found[i].number]]
		line.Openings = append(line.Openings, found[i].AuditOpening)
	}
	return nil
}

// AuditSpan returns a checkpoint, without a signature, of the entries of a span of time; zero times leave it open. Entries are in the order
// of their commits, so that an entry from just outside may be among them.
func (s *Store) AuditSpan(ctx context.Context, from, to time.Time) (crm.AuditCheckpoint, error) {
	found, err := all(ctx, s, func(row pgx.CollectableRow) (c crm.AuditCheckpoint, err error) {
		var head int64
		err = row.Scan(&c.First, &c.Previous, &c.Number, &c.Hash, &head)
		c.Whole = c.Number == head
		return c, err
	}, `with head as (select number, hash from audit_head),
		span as (select
			case when $1::timestamptz is null then 1 else coalesce((select min(number) from audit_log where at >= $1), head.number + 1) end as first,
			case when $2::timestamptz is null then head.number else coalesce((select max(number) from audit_log where at < $2), 0) end as last from head),
		ends as (select first, greatest(last, first - 1) as last from span)
		select e.first, coalesce((select hash from audit_log where number = e.first - 1), ''), e.last,
			coalesce((select case when e.last = h.number then h.hash else l.hash end from audit_log l where l.number = e.last), case when e.last = h.number then h.hash else '' end), h.number
		from ends e, head h`, moment(from), moment(to))
	if err != nil {
		return crm.AuditCheckpoint{}, fmt.Errorf("read audit log: %w", err)
	}
	found[0].At = s.now()
	return found[0], nil
}

// AuditHashes returns the hashes that some entries have now, by number. An entry that is not there has none.
func (s *Store) AuditHashes(ctx context.Context, numbers []int64) (map[int64]string, error) {
	type hashed struct {
		Number int64
		Hash   string
	}
	found, err := all(ctx, s, pgx.RowToStructByPos[hashed], "select number, hash from audit_log where number = any($1)", slices.Clone(numbers))
	if err != nil {
		return nil, fmt.Errorf("read audit log: %w", err)
	}
	hashes := make(map[int64]string, len(found))
	for _, h := range found {
		hashes[h.Number] = h.Hash
	}
	return hashes, nil
}

// SignCheckpoint signs a checkpoint with the installation's key; without one it stays unsigned.
func (s *Store) SignCheckpoint(c crm.AuditCheckpoint) (crm.SignedCheckpoint, error) {
	return c.Sign(s.receipts)
}
