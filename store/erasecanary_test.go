package store_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// canary is in everything that is written down about the one who is erased.
const canary = "zyxcanary"

// canaries are other forms that it takes.
func canaries() []string {
	return []string{canary, hex.EncodeToString([]byte(canary)), "Żółć", "🦜", "+447700900666"}
}

// remaining are the tables whose rows stay, with why nothing of a candidate is in them. Whoever adds a table either has its rows erased, or
// adds it here.
func remaining() map[string]string {
	return map[string]string{
		"settings": "secrets of the installation", "api_keys": "keys", "definitions": "written by ops", "published": "written by ops", "generation": "a number",
		"settled": "arms of experiments", "jobs": "speak of pools, and of events that have no candidate", "job_marks": "conditions of pools",
		"interviewers": "colleagues", "interviewer_time_off": "colleagues", "interviewer_calendars": "colleagues", "calendar_connections": "colleagues", "calendar_consents": "colleagues", "interviewer_changes": "colleagues",
		"suppression_lists": "how far lists were read", "suppressions": "hashes; push is tested below",
		"erasures": "receipts", "erasure_chain": "hashes", "tombstones": "hashes", "tombstone_key": "a key", "erasure_jobs": "sealed", "past_counts": "counts",
		"retention_runs": "counts, by reason; cursor is a random id",
		"audit_log":      "commitments; what opens them goes", "audit_head": "a number and a hash", "audit_checks": "a number and a hash",
		"goose_db_version": "migrations",
	}
}

// columns of a closed vocabulary, or that say which row belongs to which: what they hold is ours.
func ours() []string {
	return []string{
		"messages.channel", "messages.recipient", "messages.state", "messages.definition", "messages.step", "enrollments.definition", "enrollments.status",
		"enrollments.outcome", "contact_points.channel", "consents.channel", "assignments.definition", "assignments.step", "assignments.arm",
		"applications.role_function", "applications.status", // anonymized, these are counted
		"contact_points.address_hash", "consents.address_hash", // hashes, by which somebody is recognised
		"retention_acts.policy", "retention_acts.day", // of a run
		"decisions.candidate_id", "decisions.enrollment_id", "events.candidate_id", "events.type", "events.source",
	}
}

// everywhere makes a candidate with a row in every table that has rows of candidates.
func (b *bundle) everywhere(t *testing.T) (id string) {
	t.Helper()
	write := store.Write{Consents: []crm.Consent{grant("news", crm.Email)}, Candidate: crm.Candidate{
		ExternalID: "ATS-1", FirstName: "Żółć", LastName: `🦜"';--`, Email: canary + "@example.org", Phone: "+447700900666", Attributes: map[string]any{"visa": canary},
	}}
	id = b.upsert(t, write)[0].ID
	b.merge(t, b.upsert(t, store.Write{Candidate: crm.Candidate{ExternalID: "ATS-0"}})[0].ID, id)
	seat := b.people(t, "ada")[0]
	application := b.application(t, id, "APP-1")
	run := b.enroll(t, id, "onsite")
	b.exec(t, "update enrollments set application_id = $2, status = 'running' where id = $1", run, application)
	meeting := crm.DeriveID(crm.PrefixMeeting, b.now(), run)
	b.decide(t, run, func(f *crm.Facts, d *crm.Decision) {
		m := intent(f, d, "hello", crm.Email)
		d.Messages = []crm.Message{m}
		d.Tasks = []crm.Task{{ID: crm.NewID(crm.PrefixTask, d.At), CandidateID: id, EnrollmentID: run, Title: "Call", CreatedAt: d.At}}
		d.Meetings = []crm.Meeting{{ID: meeting, EnrollmentID: run, Round: "screen", N: 1, State: crm.MeetingAsked, CreatedAt: d.At}}
		d.Assigned = []crm.Assignment{{Step: "try", Arm: "a", At: d.At}}
		d.Change = &crm.CandidateChange{Enter: []string{"evening"}}
		d.Command, d.Call = crm.CommandCall, &crm.Call{Method: "POST", URL: "https://x.example", Key: "k"}
	})
	if err := b.CallDone(t.Context(), run, crm.CallResult{Seq: 1, Outcome: crm.CallOK, Result: canary}); err != nil {
		t.Fatal(err)
	}
	b.change(t, meeting, func(m *crm.Meeting) error { m.Offer([]crm.Slot{slot(0, seat)}, ""); m.Needs = canary; return nil })
	if err := b.pick(t, meeting, slot(0)); err != nil {
		t.Fatal(err)
	}
	if err := b.MarkSeats(t.Context(), meeting, 1); err != nil {
		t.Fatal(err)
	}
	b.exec(t, "insert into message_evidence (message_id, at, source, result) select id, now(), 'person', 'sent' from messages")
	if _, _, err := b.AddNote(t.Context(), crm.Remark{CandidateID: id, Kind: crm.RemarkCall, Text: canary, At: b.now()}); err != nil {
		t.Fatal(err)
	}
	b.receive(t, b.event("survey.answered", id, map[string]any{"comment": canary}), b.event("page.viewed", "unknown", map[string]any{"url": canary}))
	b.exec(t, "update events set subject = 'ATS-1' where subject = 'unknown'") // one that came before its candidate
	out := store.OptOut{Channel: crm.Email, Address: canary + "@example.org", Reason: crm.SuppressedManual, Source: "maya", At: b.now()}
	if err := b.Suppress(t.Context(), []store.OptOut{out}); err != nil {
		t.Fatal(err)
	}
	b.exec(t, "insert into retention_runs (policy, day, hash, workflow_id, state, at) values ('leads', '2026-11-22', '', 'w', 'acting', $1)", b.now())
	b.exec(t, "insert into retention_acts (policy, day, candidate_id, not_before) values ('leads', '2026-11-22', $1, $2)", id, b.now())
	b.exec(t, "insert into retention_notices (message_id, policy, candidate_id, until, due) select id, 'leads', candidate_id, $1, $1 from messages", b.now())
	b.exec(t, `insert into privacy_requests (id, candidate_id, kind, state, source, received_at, due_at) values ('req_1', $1, 'rectification', 'open', 'staff', now(), now())`, id)
	hold := b.hold(t, id)
	b.exec(t, "update legal_holds set lifted_at = $2 where id = $1", hold, b.now())
	return id
}

// hold places a legal hold and returns its id.
func (b *bundle) hold(t *testing.T, candidateID string) string {
	t.Helper()
	id := crm.NewID("hld", b.now())
	b.exec(t, "insert into legal_holds (id, candidate_id, why, said_by, created_at) values ($1, $2, 'a claim', 'lena', $3)", id, candidateID, b.now())
	return id
}

// contaminate puts the canary into every column of every table that can hold words, but for those that are ours and keys. It returns how
// many columns that was.
func (b *bundle) contaminate(t *testing.T) (columns int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), b.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	rows, err := conn.Query(t.Context(), `select c.table_name::text, c.column_name::text, c.data_type::text from information_schema.columns c
		join information_schema.tables using (table_schema, table_name) where c.table_schema = 'public' and table_type = 'BASE TABLE'
		and c.data_type in ('text', 'character varying', 'jsonb', 'json', 'ARRAY', 'bytea') and c.column_name <> 'id'
		and not exists (select from pg_constraint k join pg_attribute a on a.attnum = any(k.conkey) and a.attrelid = k.conrelid
			where k.contype = 'f' and a.attname = c.column_name and k.conrelid = c.table_name::regclass) order by 1, 2`)
	if err != nil {
		t.Fatal(err)
	}
	type column struct{ Table, Name, Kind string }
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[column])
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range found {
		if remaining()[c.Table] != "" || slices.Contains(ours(), c.Table+"."+c.Name) || c.Kind == "ARRAY" && strings.HasPrefix(c.Name, "busy_") {
			continue
		}
		value := map[string]string{
			"text": "coalesce(%[2]s, '') || '%[3]s'", "jsonb": "jsonb_build_object('%[3]s', jsonb_build_array('%[3]s'))", "bytea": "convert_to('%[3]s', 'UTF8')",
			"ARRAY": "array_append(%[2]s, '%[3]s')",
		}[c.Kind]
		if value == "" {
			t.Errorf("%s.%s is %s: the test does not know how to write into it", c.Table, c.Name, c.Kind)
			continue
		}
		if _, err := conn.Exec(t.Context(), fmt.Sprintf("update %s set %s = "+value, c.Table, c.Name, canary)); err != nil {
			t.Errorf("%s.%s: %v", c.Table, c.Name, err)
		}
		columns++
	}
	return columns
}

// tables lists all tables with how many rows each has.
func (b *bundle) tables(t *testing.T) map[string]int {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), b.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	rows, err := conn.Query(t.Context(), "select table_name::text from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'")
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, name := range names {
		counts[name] = b.number(t, "select count(*) from "+name)
	}
	return counts
}

// find looks for the canary in every row of every table.
func (b *bundle) find(t *testing.T) (places []string) {
	t.Helper()
	for _, table := range slices.Sorted(maps.Keys(b.tables(t))) {
		for _, word := range canaries() {
			if n := b.number(t, "select count(*) from "+table+" x where position($1 in x::text) > 0", word); n > 0 {
				places = append(places, fmt.Sprintf("%s: %d rows with %s", table, n, word))
			}
		}
	}
	return places
}

// TestErasedLeavesNothing puts unusual words into every place of the database where words about a candidate can be, and looks for them in
// every row of it after they were erased.
func TestErasedLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{crm.RetentionErase, crm.RetentionAnonymize} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.everywhere(t)
			for table, n := range b.tables(t) {
				if reason := remaining()[table]; reason == "" && n == 0 {
					t.Errorf("nobody has said what an erasure does with %s: give the candidate of this test a row in it, or say why it holds nothing of one", table)
				}
			}
			if n := b.contaminate(t); n < 80 {
				t.Errorf("only %d columns can hold words: the test does not see them", n)
			}
			if places := b.find(t); len(places) < 17 {
				t.Fatalf("the words are only in %v", places)
			}
			b.pass(time.Minute)
			erased, err := b.Erase(t.Context(), crm.Erasure{Candidate: id, Mode: mode, Rule: "request", Reason: "art-17", By: "lena", At: b.now()})
			if err != nil {
				t.Fatal(err)
			}
			for _, place := range b.find(t) {
				t.Error(place)
			}
			for table, n := range b.tables(t) {
				if remaining()[table] == "" && n != 0 {
					t.Errorf("%s has %d rows left", table, n)
				}
			}
			text := string(erased.Receipt.Receipt)
			for _, word := range canaries() {
				if strings.Contains(text, word) {
					t.Errorf("the receipt says %s: %s", word, text)
				}
			}
			b.wantReceipt(t, erased.Receipt, id)
		})
	}
}

// wantReceipt checks a receipt against what was there.
func (b *bundle) wantReceipt(t *testing.T, signed crm.SignedReceipt, id string) {
	t.Helper()
	r, err := signed.Verify(publicKey())
	if err != nil {
		t.Fatal(err)
	}
	if r.Candidate != id || r.Number != 1 || r.Previous != "" || r.Rule != "request" || r.Tombstones < 5 {
		t.Errorf("the receipt says %+v", r)
	}
	for table, reason := range b.tables(t) {
		if remaining()[table] == "" && r.Rows[table] == 0 {
			t.Errorf("the receipt counts no rows of %s %v", table, reason)
		}
	}
	want := map[crm.ErasureKind]int64{crm.ErasureRun: 2, crm.ErasureCalendar: 1, crm.ErasureProvider: 1, crm.ErasureATS: 1}
	if !maps.Equal(r.Outside, want) {
		t.Errorf("outside are %v, want %v", r.Outside, want)
	}
}

// What stays of suppressions is known column by column: a new one may hold an address.
func TestColumnsThatOutliveErasure(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for table, want := range map[string]int{"suppressions": 7, "erasures": 9, "tombstones": 3, "erasure_jobs": 10, "past_counts": 6} {
		if n := b.number(t, "select count(*) from information_schema.columns where table_schema = 'public' and table_name = $1", table); n != want {
			t.Errorf("%s has %d columns and had %d: say here that the new one holds nothing of a candidate, or have it erased", table, n, want)
		}
	}
}
