package store_test

import (
	"context"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
)

// sampled are columns of candidates' tables that the planner may keep samples of, beside those in ours: they hold ids, hashes and words of our
// own. The ids of events are sampled too: it needs them to plan, and with every vacuum after an erasure they are taken anew.
func sampled() []string {
	return []string{
		"applications.id", "applications.candidate_id", "assignments.enrollment_id", "audit_openings.candidate_id", "audit_openings.name", "aliases.candidate_id",
		"calls.enrollment_id", "calls.outcome", "candidates.id", "consents.candidate_id", "consents.purpose", "consents.cause", "contact_points.candidate_id",
		"decisions.definition", "decisions.hash", "enrollments.id", "enrollments.hash", "enrollments.candidate_id", "enrollments.application_id", "enrollments.ending",
		"enrollments.event_id", "enrollments.awaits", "enrollments.listens", "enrollments.pool", "enrollments.workflow_id",
		"events.id", "events.external_id", "legal_holds.id", "legal_holds.candidate_id", "legal_holds.application_id",
		"meeting_seats.meeting_id", "meeting_seats.interviewer_id", "meetings.id", "meetings.enrollment_id", "meetings.round", "meetings.state",
		"message_evidence.message_id", "message_evidence.source", "message_evidence.result", "messages.id", "messages.candidate_id", "messages.enrollment_id",
		"messages.hash", "messages.purpose", "messages.template", "messages.template_hash", "messages.reason", "messages.provider", "messages.provider_id",
		"messages.unknown_reason", "messages.meeting_id", "messages.calendar", "notes.id", "notes.candidate_id", "notes.kind",
		"pool_members.pool", "pool_members.candidate_id", "privacy_requests.id", "privacy_requests.candidate_id", "privacy_requests.kind", "privacy_requests.state",
		"privacy_requests.purpose", "privacy_requests.ground", "retention_acts.candidate_id", "retention_notices.message_id", "retention_notices.candidate_id",
		"retention_notices.policy", "tasks.id", "tasks.candidate_id", "tasks.enrollment_id", "tasks.definition", "tasks.step", "tasks.via", "tasks.state",
	}
}

// The planner's samples of a table that has become empty stay. So it keeps none of what says something of a candidate: whoever adds a column has
// it left out, or adds it above.
func TestPlannerSamplesNothingPersonal(t *testing.T) {
	t.Parallel()
	b := setup(t)
	conn, err := pgx.Connect(t.Context(), b.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	rows, err := conn.Query(t.Context(), `select r.relname || '.' || a.attname, coalesce(a.attstattarget, -1) = 0 from pg_attribute a join pg_class r on r.oid = a.attrelid
		where r.relkind = 'r' and r.relnamespace = 'public'::regnamespace and a.attnum > 0 and not a.attisdropped
			and a.atttypid in ('text'::regtype, 'text[]'::regtype, 'jsonb'::regtype, 'bytea'::regtype) and r.relname = any($1) order by 1`, b.tablesOfCandidates(t))
	if err != nil {
		t.Fatal(err)
	}
	type column struct {
		Name string
		Left bool
	}
	columns, err := pgx.CollectRows(rows, pgx.RowToStructByPos[column])
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	for _, c := range columns {
		known := slices.Contains(ours(), c.Name) || slices.Contains(sampled(), c.Name)
		if c.Left {
			left++
		}
		if !known && !c.Left {
			t.Errorf("the planner keeps samples of %s: alter it in a migration (set statistics 0), or add it to sampled", c.Name)
		}
	}
	if left < 60 {
		t.Errorf("of only %d columns no samples are kept", left)
	}
}

// tablesOfCandidates lists the tables that an erasure deletes from.
func (b *bundle) tablesOfCandidates(t *testing.T) (names []string) {
	t.Helper()
	for name := range b.tables(t) {
		if remaining()[name] == "" {
			names = append(names, name)
		}
	}
	return names
}
