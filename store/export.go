package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// ExportFile is all that is held about a candidate in one table, as rows of JSON with the names of columns.
type ExportFile struct {
	Name  string            // stable: the file is NAME.json
	About string            // what it is, in English
	Given bool              // the candidate has provided it, or their acts have (GDPR Art. 20)
	Rows  []json.RawMessage // in the order in which they came about
}

// exported says which table a file is made of. Columns that say nothing of the candidate are left out, with why.
type exported struct {
	table, name, about string
	given              bool
	without            []string
	order              string
}

// Exports and NotExported cover every table that an erasure deletes from; a test sees to it.
func exports() []exported {
	counters := []string{"wake", "wake_seen", "wake_sent"} // of Rapport's own work, and no data of anybody
	colleagues := []string{"author", "assignee", "closed_by", "said_by"}
	return []exported{
		{table: "candidates", name: "profile", about: "Who you are to us", given: true, without: []string{"position"}, order: "id"},
		{table: "contact_points", name: "addresses", about: "Addresses and numbers", given: true, without: []string{"address_hash"}, order: "channel"},
		{table: "aliases", name: "former_ids", about: "Ids that records of yours had which were merged", order: "at, name"},
		{table: "consents", name: "consents", about: "What you agreed to and took back, with its proof", given: true, without: []string{"address_hash"}, order: "at, id"},
		{table: "applications", name: "applications", about: "Applications", given: true, without: []string{"hiring_manager"}, order: "id"},
		{table: "events", name: "events", about: "What you did and what happened, answers to surveys and replies among them", given: true, without: []string{"seq"}, order: "received_at, id"},
		{
			table: "messages", name: "messages", about: "Messages to you: when they were sent, opened and clicked, and by which provider", order: "planned_at, id",
			without: append([]string{"hash", "template_hash", "body_hash", "lease_until", "attempts", "priority", "lookups", "lookup_at"}, counters...),
		},
		{table: "message_evidence", name: "message_evidence", about: "What is known of messages whose fate was unclear", without: []string{"said_by"}, order: "id"},
		{table: "meetings", name: "meetings", about: "Interviews", given: true, order: "starts_at, id"},
		{table: "notes", name: "notes", about: "What people wrote down about you", without: colleagues, order: "at, id"},
		{table: "tasks", name: "tasks", about: "What people were asked to do about you", without: colleagues, order: "id"},
		{table: "enrollments", name: "sequences", about: "Sequences and interviews that you were in", order: "id", without: append([]string{"hash", "progress", "awaits", "listens", "unseen"}, counters...)},
		{table: "decisions", name: "decisions", about: "What was decided automatically, by which rule and why", without: []string{"hash", "command"}, order: "at, id"},
		{table: "calls", name: "calls", about: "Answers of other systems that were asked about you", order: "at"},
		{table: "assignments", name: "experiments", about: "Experiments that you were part of", order: "at"},
		{table: "pool_members", name: "pools", about: "Talent pools that you are in", order: "pool"},
		{table: "retention_notices", name: "retention_notices", about: "When you were told that your data would go, and by which policy", order: "due, message_id"},
		{table: "privacy_requests", name: "requests", about: "What you asked for by your rights", given: true, without: append([]string{"said_by", "closed_by"}, counters...), order: "id"},
	}
}

// NotExported lists the tables with rows of candidates that are in no export, with the reason.
func NotExported() map[string]string {
	return map[string]string{
		"legal_holds":    "says which claims are prepared; that data is kept for one is told as a restriction (GDPR Art. 15(4))",
		"audit_openings": "opens what the audit log says of them, which is no record of its own; without it nobody can read that",
		"retention_acts": "who is next in a run of a retention policy: it is empty when the run is over",
		"meeting_seats":  "says which colleagues hold an interview (GDPR Art. 15(4)); when it is stands in meetings",
	}
}

// Export reads everything that is held about a candidate, who is named by id or external id: the tables that an erasure would
// delete from, in one snapshot. The error has crm.CodeNotFound when there is no such candidate.
func (s *Store) Export(ctx context.Context, name string) (crm.Candidate, []ExportFile, error) {
	candidate, _, err := s.Candidate(ctx, name)
	if err != nil {
		return candidate, nil, err
	}
	batch := &pgx.Batch{}
	batch.Queue("set transaction isolation level repeatable read, read only")
	var files []ExportFile
	sources := exports()
	files = make([]ExportFile, len(sources)+1)
	for i, x := range sources {
		files[i] = ExportFile{Name: x.name, About: x.about, Given: x.given}
		gather(batch.Queue("select to_jsonb(x) - $2::text[] from (select * from "+x.table+" where "+whoseRows(x.table)+" order by "+x.order+") x",
			[]string{candidate.ID}, list(x.without)), scanJSON, &files[i].Rows)
	}
	last := &files[len(sources)]
	*last = ExportFile{Name: "suppressions", About: "Addresses of yours that are not written to, and why", Given: true}
	gather(batch.Queue(`select to_jsonb(x) from (select c.channel, c.address, s.reason, s.source, s.at from contact_points c
		join suppressions s using (address_hash) where c.candidate_id = $1 order by s.at) x`, candidate.ID), scanJSON, &last.Rows)
	if err := s.once(ctx, batch); err != nil {
		return candidate, nil, fmt.Errorf("export candidate: %w", err)
	}
	return candidate, files, nil
}

// whoseRows finds a candidate's rows in a table, as an erasure finds them.
func whoseRows(table string) string {
	for _, b := range belongings() {
		if b.table == table {
			return b.whose
		}
	}
	return "false"
}

func scanJSON(row pgx.CollectableRow) (raw json.RawMessage, err error) {
	var text []byte
	err = row.Scan(&text)
	return text, err
}
