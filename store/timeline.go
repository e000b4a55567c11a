package store

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// Entry is one line of a candidate's timeline. Its fields hold no names, addresses or texts of messages, but for Text and Said.
type Entry struct {
	At           time.Time      `json:"at"`
	Kind         EntryKind      `json:"kind"`
	Source       string         `json:"source,omitempty"` // of an event or a consent: who says so
	Definition   string         `json:"definition,omitempty"`
	Version      int            `json:"version,omitempty"` // of the definition; 0: not known
	EnrollmentID string         `json:"enrollment_id,omitempty"`
	WorkflowID   string         `json:"workflow_id,omitempty"`
	Step         string         `json:"step,omitempty"`
	Reason       string         `json:"reason,omitempty"`
	Outcome      string         `json:"outcome,omitempty"` // of a message: the state it reached; of a task: open, done, closed; of a consent: granted, pending, confirmed, lapsed, revoked
	EventID      string         `json:"event_id,omitempty"`
	EventType    string         `json:"event_type,omitempty"`
	Position     int64          `json:"position,omitempty"` // of an event; 0: not dispatched yet
	MessageID    string         `json:"message_id,omitempty"`
	TaskID       string         `json:"task_id,omitempty"`
	NoteID       string         `json:"note_id,omitempty"`
	Expression   string         `json:"expression,omitempty"`
	Result       string         `json:"result,omitempty"`
	Text         string         `json:"text,omitempty"`
	Data         map[string]any `json:"data,omitempty"` // of an event: the declared fields
	Until        time.Time      `json:"until,omitzero"`
	Said         *Said          `json:"said,omitempty"` // of the conversation: a reply, a note, a message that was sent

	rank int    // of the kind, among entries of the same time
	key  string // of the row, within the rank
	part int    // of the row
}

// Said is what the candidate or one of us said.
type Said struct {
	Subject      string     `json:"subject,omitempty"`
	Text         string     `json:"text,omitempty"`          // of a reply, what is new in it; of what was sent nothing, as it is not kept
	Files        []SaidFile `json:"files,omitempty"`         // that came along, and were not kept
	Damaged      bool       `json:"damaged,omitempty"`       // not all of it could be read
	OtherAddress bool       `json:"other_address,omitempty"` // it came from another address than the one written to
}

// SaidFile is what is known of a file.
type SaidFile struct {
	Name string `json:"name,omitempty"`
	Size int    `json:"size,omitempty"` // in bytes; 0: not known
	Type string `json:"type,omitempty"`
}

// EntryKind says what an entry is about: one of the kinds below, or the crm.NoteKind of a decision's note.
type EntryKind string

// The kinds beside those of notes.
const (
	EntryEvent   EntryKind = "event"
	EntryConsent EntryKind = "consent"
	EntryMessage EntryKind = "message" // a change in the ledger; that it was planned is a decision's note
	EntryTask    EntryKind = "task_state"
	EntryNote    EntryKind = "note" // what a person wrote down; its outcome is the kind: call, meeting, email or note
)

// place is where an entry stands in the order of a timeline: by time, then consents, events, decisions, messages, tasks, notes.
// It is the cursor too.
type place struct {
	At   time.Time `json:"a"`
	Rank int       `json:"r"`
	Key  string    `json:"k"`
	Part int       `json:"p"`
}

// Ranks of entries of the same time: what is known comes before what follows from it.
const (
	rankConsent = iota
	rankEvent
	rankDecision
	rankMessage
	rankTask
	rankNote
)

func (e *Entry) place() place { return place{e.At, e.rank, e.key, e.part} }

func (p place) compare(q place) int {
	return cmp.Or(p.At.Compare(q.At), cmp.Compare(p.Rank, q.Rank), strings.Compare(p.Key, q.Key), cmp.Compare(p.Part, q.Part))
}

// Timeline returns a page of all that happened to a candidate, the oldest first: events, decisions with their reasons,
// messages, consents, tasks and notes, and the cursor of the next page, "" after the last. The error has crm.CodeNotFound when there
// is no such candidate and crm.CodeInvalid when the cursor is none of ours.
func (s *Store) Timeline(
	ctx context.Context, candidateID string, limit int, after string,
) (entries []Entry, next string, err error) {
	candidate, _, err := s.Candidate(ctx, candidateID)
	if err != nil {
		return nil, "", err
	}
	from, err := decodePlace(after)
	if err != nil {
		return nil, "", err
	}
	limit = pageSize(limit)
	batch := &pgx.Batch{}
	parts := queueTimeline(batch, candidate.ID, from, limit+2, s.now()) // the place's own row, and one to know of a next page
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return nil, "", fmt.Errorf("read timeline: %w", err)
	}
	for _, part := range parts {
		for _, row := range *part {
			entries = append(entries, row...)
		}
	}
	entries = slices.DeleteFunc(entries, func(e Entry) bool { return after != "" && e.place().compare(from) <= 0 })
	slices.SortFunc(entries, func(a, b Entry) int { return a.place().compare(b.place()) })
	entries, next = page(entries, limit, func(e *Entry) string { return encodePlace(e.place()) })
	return entries, next, nil
}

func encodePlace(p place) string {
	raw, err := json.Marshal(p)
	if err != nil {
		return "" // a place is always encodable
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func decodePlace(cursor string) (p place, err error) {
	if cursor == "" {
		return place{Rank: -1}, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(raw, &p)
	}
	if err != nil {
		return place{}, invalid("The cursor is not one that a timeline gave.", "Begin without a cursor.")
	}
	return p, nil
}

// queueTimeline queues one query for each kind of row. Each returns the first rows at or after the place, in order, as the
// entries that they stand for. A row with several entries may begin before the place.
func queueTimeline(batch *pgx.Batch, candidateID string, from place, limit int, now time.Time) []*[][]Entry {
	var parts []*[][]Entry
	read := func(rank int, sql string, scan pgx.RowToFunc[[]Entry], more ...any) {
		part := &[][]Entry{}
		// ($2, $3, $4) is the place: time, rank and key.
		gather(batch.Queue(sql, append([]any{candidateID, from.At, from.Rank - rank, from.Key, limit}, more...)...), scan, part)
		parts = append(parts, part)
	}
	read(rankConsent, consentLines, scanConsentEntry, moment(now), crm.ConfirmationDays)
	read(rankEvent, "select e.time, lpad(e.seq::text, 20, '0') as key, coalesce(e.set_aside, ''), r.definition, r.version, r.n, r.workflow_id, "+
		eventColumns+` from events e`+joinMessage+`left join enrollments r
		on r.id = coalesce(m.enrollment_id, e.data->>'enrollment') and r.candidate_id = e.candidate_id
		where e.candidate_id = $1 and (e.time, 0, lpad(e.seq::text, 20, '0')) >= ($2, $3::int, $4 collate "C") order by e.time, e.seq limit $5`,
		scanEventEntry)
	read(rankDecision, `select d.at, lpad(d.id::text, 20, '0') as key, d.definition, coalesce(v.version, r.version, 0), d.enrollment_id,
		coalesce(r.n, 0), d.candidate_id, r.workflow_id, d.notes
		from decisions d left join enrollments r on r.id = d.enrollment_id
		left join lateral (select version from definitions where name = d.definition and hash = d.hash limit 1) v on true
		where d.candidate_id = $1 and jsonb_array_length(d.notes) > 0 and (d.at, 0, lpad(d.id::text, 20, '0')) >= ($2, $3::int, $4 collate "C") order by d.at, d.id limit $5`,
		scanDecisionEntries)
	read(rankMessage, `select * from (
			select c.at, m.id || c.what as key, c.what, m.id, m.reason, m.step, m.definition, r.version, r.id, r.n, m.candidate_id, r.workflow_id, m.channel, m.subject
			from messages m join enrollments r on r.id = m.enrollment_id
			cross join lateral (values ('accepted', m.accepted_at), ('delivered', m.delivered_at), ('opened', m.opened_at),
				('clicked', m.clicked_at), ('replied', m.replied_at), ('bounced', m.bounced_at), ('complained', m.complained_at),
				(m.state, case when m.state in ('refused', 'unknown', 'cancelled', 'expired', 'skipped') then m.changed_at end)
			) as c (what, at)
			where m.candidate_id = $1 and c.at is not null
		) l where (at, 0, key) >= ($2, $3::int, $4 collate "C") order by at, key collate "C" limit $5`, scanMessageEntry)
	read(rankTask, `select * from (
			select c.at, t.id || c.what as key, c.what, t.id, t.title, t.outcome, t.step, t.definition, r.version, r.id, r.n, t.candidate_id, r.workflow_id, t.due_at
			from tasks t left join enrollments r on r.id = t.enrollment_id
			cross join lateral (values ('open', t.created_at), (t.state, t.closed_at)) as c (what, at)
			where t.candidate_id = $1 and c.at is not null
		) l where (at, 0, key) >= ($2, $3::int, $4 collate "C") order by at, key collate "C" limit $5`, scanTaskEntry)
	read(rankNote, `select at, id, kind, author, source, text from notes
		where candidate_id = $1 and (at, 0, id) >= ($2, $3::int, $4 collate "C") order by at, id collate "C" limit $5`, scanNoteEntry)
	return parts
}

// consentLines are a candidate's consents, and the moments at which those lapsed that nobody confirmed: $7 days after they were
// asked, by $6, unless something was said meanwhile, or they count anyway.
const consentLines = `select * from (
		select l.at, lpad(c.id::text, 20, '0') || l.what as key, l.what, c.purpose, c.channel, c.source
		from consents c cross join lateral (values
			(case when not c.granted then 'revoked' when c.pending then 'pending' when c.confirmed_by <> '' then 'confirmed' else 'granted' end, c.at),
			('lapsed', case when c.granted and c.pending then c.at + $7::int * interval '1 day' end)) as l (what, at)
		where c.candidate_id = $1 and (l.what <> 'lapsed' or l.at <= $6
			and not exists (select from consents n where n.candidate_id = c.candidate_id and n.purpose = c.purpose and n.channel = c.channel
				and (n.at, n.id) > (c.at, c.id) and n.at < l.at)
			and not coalesce((select p.granted from consents p where p.candidate_id = c.candidate_id and p.purpose = c.purpose and p.channel = c.channel
				and (p.at, p.id) < (c.at, c.id) and not p.pending order by p.at desc, p.id desc limit 1), false))
	) l where (at, 0, key) >= ($2, $3::int, $4 collate "C") order by at, key collate "C" limit $5`
