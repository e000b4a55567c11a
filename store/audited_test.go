package store_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// byHand is somebody who changes things about a candidate.
type byHand struct {
	*bundle
	run, message, note, request string
}

// change is one thing that they do, with what the log says of it, and a query that tells whether it was done.
type change struct {
	do   func(ctx context.Context) error
	want string
	done string
}

// newByHand makes what there is to change.
func newByHand(t *testing.T) *byHand {
	t.Helper()
	b := &byHand{bundle: setup(t)}
	id, message := b.lost(t, "ATS-1")
	b.message, b.run = message, b.bundle.message(t, message).EnrollmentID
	b.apply(t, crm.Document{Kind: crm.KindSequence, Name: "nurture", Hash: "hash-of-nurture", Source: "x"})
	b.decide(t, b.run, func(_ *crm.Facts, d *crm.Decision) {
		d.Tasks = []crm.Task{{ID: "tsk_1", CandidateID: id, EnrollmentID: b.run, Definition: "nurture", Step: "call", Occurrence: 1, Title: "Call Ana", CreatedAt: d.At}}
	})
	b.exec(t, "insert into retention_runs (policy, day, hash, workflow_id, state, at) values ('leads', '2026-11-01', '', 'w', 'asked', $1)", b.now())
	return b
}

// opens opens a request, of which the following speak.
func (b *byHand) opens(r crm.PrivacyRequest) func(context.Context) error {
	r.CandidateID, r.Source = "ATS-1", "staff"
	return func(ctx context.Context) (err error) {
		r, _, err := b.OpenRequest(ctx, r)
		b.request = r.ID
		return err
	}
}

// failure leaves out what a change answers.
func failure[T any](_ T, err error) error { return err }

func (b *byHand) aboutThem() []change {
	const notes, pool, events = "select count(*)::text from notes", "select count(*)::text from pool_members", "select count(*)::text from events"
	return []change{
		{func(ctx context.Context) error {
			n, _, err := b.AddNote(ctx, crm.Remark{CandidateID: "ATS-1", Kind: crm.RemarkCall, Text: "called", At: b.now()})
			b.note = n.ID
			return err
		}, "create note NOTE", notes},
		{func(ctx context.Context) error { return b.DeleteNote(ctx, "ATS-1", b.note) }, "remove note NOTE", notes},
		{func(ctx context.Context) error {
			return failure(b.AddToPool(ctx, "nurses", []string{"ATS-1"}, "lena", b.now()))
		}, "change pool nurses 1 entered", pool},
		{func(ctx context.Context) error {
			return failure(b.RemoveFromPool(ctx, "nurses", []string{"ATS-1"}, "lena", b.now()))
		}, "change pool nurses 1 left", pool},
		{func(ctx context.Context) error {
			return failure(b.RequestEnrollment(ctx, "ATS-1", "nurture", "", "lena", b.now()))
		}, "create enrollment sequence/nurture", events},
		{func(ctx context.Context) error { return b.Control(ctx, b.run, crm.ControlPause, "lena", b.now()) }, "pause enrollment RUN", events},
		{func(ctx context.Context) error { return b.Control(ctx, b.run, crm.ControlResume, "lena", b.now()) }, "resume enrollment RUN", events},
		{func(ctx context.Context) error { return b.Control(ctx, b.run, crm.ControlStop, "lena", b.now()) }, "stop enrollment RUN", events},
		{func(ctx context.Context) error {
			return b.SettleMessage(ctx, b.message, true, crm.Evidence{At: b.now(), By: "lena", Note: "seen"})
		}, "change message MESSAGE sent", "select state from messages"},
		{func(ctx context.Context) error { return b.CompleteTask(ctx, "tsk_1", "told Ana", "x", "lena", b.now()) }, "change task tsk_1 done", "select state from tasks where id = 'tsk_1'"},
	}
}

func (b *byHand) aboutRequests() []change {
	const requests = "select coalesce(string_agg(state || due_at::text, ' ' order by id), '') from privacy_requests"
	return []change{
		{b.opens(crm.PrivacyRequest{Kind: crm.RequestRectification, Wish: "I am Anna."}), "create request REQUEST rectification verifying", requests},
		{func(ctx context.Context) error { return failure(b.VerifyRequest(ctx, b.request, "lena")) }, "change request REQUEST rectification open", requests},
		{func(ctx context.Context) error { return failure(b.ExtendRequest(ctx, b.request, "it is complex")) }, "change request REQUEST rectification extended", requests},
		{func(ctx context.Context) error {
			return failure(b.AnswerRequest(ctx, b.request, "You are Anna now.", "lena"))
		}, "change request REQUEST rectification answered", requests},
		{b.opens(crm.PrivacyRequest{Kind: crm.RequestAccess}), "create request REQUEST access verifying", requests},
		{func(ctx context.Context) error { return failure(b.WithdrawRequest(ctx, b.request, "lena")) }, "change request REQUEST access withdrawn", requests},
		{b.opens(crm.PrivacyRequest{Kind: crm.RequestRestriction, VerifiedBy: "lena"}), "create request REQUEST restriction open", requests},
		{func(ctx context.Context) error { return failure(b.AdvanceRequest(ctx, b.request, "")) }, "change request REQUEST restriction answered", requests},
		{func(ctx context.Context) error { return b.LiftRestriction(ctx, "ATS-1") }, "release restriction", "select count(*)::text from candidates where restricted_at is null"},
		{b.opens(crm.PrivacyRequest{Kind: crm.RequestDeletion, VerifiedBy: "lena"}), "create request REQUEST deletion open", requests},
		{func(ctx context.Context) error {
			return failure(b.RefuseRequest(ctx, b.request, crm.Decline{Ground: crm.RefusalObligation, Answer: "We have to keep it.", By: "lena"}))
		}, "change request REQUEST deletion refused legal_obligation", requests},
	}
}

func (b *byHand) aboutRetention() []change {
	const runs = "select string_agg(state || day, ' ' order by day) from retention_runs"
	return []change{
		{func(ctx context.Context) error {
			return failure(b.AskRetention(ctx, "leads", "2026-11-02.090000", "lena"))
		}, "run retention leads/2026-11-02.090000", runs},
		{func(ctx context.Context) error { return b.ConfirmRetention(ctx, "leads", "2026-11-01", "lena") }, "confirm retention leads/2026-11-01", runs},
		{func(ctx context.Context) error { return b.EndRetention(ctx, "leads", "2026-11-01", "", "lena") }, "stop retention leads/2026-11-01", runs},
	}
}

// What people do by hand and the entry that tells of it are there together or not at all.
func TestChangesAndTheirEntriesAreOne(t *testing.T) {
	t.Parallel()
	b := newByHand(t)
	ctx := crm.WithActor(t.Context(), "key_1")
	conn, err := pgx.Connect(t.Context(), b.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	state := func(query string) (state string) {
		if err := conn.QueryRow(t.Context(), query).Scan(&state); err != nil {
			t.Fatal(err)
		}
		return state
	}
	for _, c := range append(append(b.aboutThem(), b.aboutRequests()...), b.aboutRetention()...) {
		before, request := state(c.done), b.request // the one that failed may have set another
		b.exec(t, "alter table audit_head rename to audit_gone")
		if err := c.do(ctx); err == nil || state(c.done) != before {
			t.Fatalf("%s: without an audit log it was done: %v", c.want, err)
		}
		b.exec(t, "alter table audit_gone rename to audit_head")
		b.request = request
		if err := c.do(ctx); err != nil || state(c.done) == before {
			t.Fatalf("%s: it was not done: %v", c.want, err)
		}
		lines, _, err := b.ListAudit(t.Context(), &store.AuditFilter{Actor: "key_1", Limit: 1})
		if err != nil || len(lines) != 1 {
			t.Fatalf("%s: the log has %d entries: %v", c.want, len(lines), err)
		}
		l := lines[0]
		want := strings.NewReplacer("NOTE", b.note, "RUN", b.run, "MESSAGE", b.message, "REQUEST", b.request).Replace(c.want)
		if got := strings.Join(strings.Fields(l.Action+" "+l.Kind+" "+l.Object+" "+l.Detail), " "); got != want {
			t.Errorf("the log says %q, want %q", got, want)
		}
		if l.Kind != "retention" && len(l.Openings) != 1 {
			t.Errorf("%s: the log does not say of whom", want)
		}
	}
	whole(t, b.Store)
}

// What was not done leaves nothing.
func TestNothingIsToldOfWhatChangesNothing(t *testing.T) {
	t.Parallel()
	b := newByHand(t)
	ctx := crm.WithActor(t.Context(), "key_1")
	note := crm.Remark{CandidateID: "ATS-1", Kind: crm.RemarkCall, Text: "called", Source: "crm", ExternalID: "1", At: b.now()}
	if _, _, err := b.AddNote(ctx, note); err != nil {
		t.Fatal(err)
	}
	before := whole(t, b.Store).Last
	if _, duplicate, err := b.AddNote(ctx, note); err != nil || !duplicate {
		t.Fatalf("duplicate: %v, %v", duplicate, err)
	}
	if n, err := b.RemoveFromPool(ctx, "nurses", []string{"ATS-1"}, "lena", b.now()); err != nil || n != 0 {
		t.Fatal(n, err)
	}
	wantCode(t, b.DeleteNote(ctx, "ATS-1", "note_none"), crm.CodeNotFound)
	wantCode(t, b.LiftRestriction(ctx, "ATS-1"), crm.CodeConflict)
	wantCode(t, b.CompleteTask(ctx, "tsk_none", "", "", "", b.now()), crm.CodeNotFound)
	wantCode(t, b.ConfirmRetention(ctx, "leads", "2026-11-02", "lena"), crm.CodeConflict)
	wantCode(t, b.EndRetention(ctx, "leads", "2026-11-02", "", "lena"), crm.CodeConflict)
	wantCode(t, failure(b.AskRetention(ctx, "leads", "2026-11-01", "lena")), crm.CodeConflict)
	if after := whole(t, b.Store).Last; after != before {
		t.Errorf("%d entries tell of what was not done", after-before)
	}
}
