package play_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"github.com/rapport-crm/rapport/activities"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/deploy/embedded/postgres/postgrestest"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
	"github.com/rapport-crm/rapport/worker"
)

// inPostgres is the store of production, on a database of the test's own that is emptied for every script.
type inPostgres struct {
	*store.Store
	conn      *pgx.Conn // beside the store, for what only the test wants to read
	candidate string
	clock     func() time.Time
}

func openPostgres(t *testing.T) *inPostgres {
	t.Helper()
	dsn := postgrestest.New(t, "differential", store.Migrate)
	k := &inPostgres{}
	var err error
	if k.Store, err = store.Open(t.Context(), dsn, store.Options{Now: func() time.Time { return k.clock() }, MaxConns: 4}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	if k.conn, err = pgx.Connect(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.conn.Close(context.WithoutCancel(t.Context())) })
	return k
}

// begin empties the database and adds a candidate, whose id is given so that the same script gives the same ids.
func (k *inPostgres) begin(ctx context.Context, clock func() time.Time, bare crm.Candidate) error {
	k.clock, k.candidate = clock, bare.ID
	_, err := k.conn.Exec(ctx, `delete from candidates; delete from events; delete from decisions; delete from suppressions;
		delete from published; delete from definitions; delete from settled; delete from jobs; delete from job_marks`)
	if err != nil {
		return err
	}
	_, err = k.conn.Exec(ctx, `insert into candidates (id, first_name, last_name, email, phone, country, region, city, time_zone, locale,
		status, source, owner, seniority, functions, skills, tags, score, attributes, legal_hold, created_at, updated_at)
		values ($1, '', '', '', '', '', '', '', '', '', '', '', '', '', '{}', '{}', '{}', 0, '{}', false, $2, $3)`,
		bare.ID, bare.CreatedAt, bare.UpdatedAt)
	return err
}

func (k *inPostgres) library(t *testing.T) *activities.Library {
	t.Helper()
	return activities.NewLibrary(worker.Published(k.Store), func(err error) { t.Error(err) })
}

func (k *inPostgres) Begin(ctx context.Context, run string, after int64) (activities.Turn, error) {
	turn, err := k.Store.Begin(ctx, run, after)
	if err != nil {
		return nil, err
	}
	return turn, nil
}

func (k *inPostgres) receive(ctx context.Context, e crm.Event, o *optOut) error {
	if o == nil {
		_, err := k.Receive(ctx, []crm.Event{e})
		return err
	}
	_, err := k.ReceiveWithOptOuts(ctx, []crm.Event{e}, []store.OptOut{{
		Channel: o.channel, CandidateID: k.candidate, Reason: o.reason, Source: e.Source, Event: e.ExternalID, At: o.at,
	}})
	return err
}

// change writes what memory.Store.Change is told, as a source would: by an import.
func (k *inPostgres) change(ctx context.Context, set map[string]any, at time.Time) error {
	w := store.Write{Candidate: crm.Candidate{ID: k.candidate}, Present: map[string]bool{}}
	if err := w.Candidate.Apply(&crm.CandidateChange{Set: set}); err != nil {
		return err
	}
	for field, value := range set {
		if name, ok := strings.CutPrefix(field, "attributes."); ok {
			field = "attributes"
			if value == nil { // says that there is none
				w.Candidate.Attributes = map[string]any{name: nil}
			}
		}
		w.Present[field] = true
	}
	done, err := k.UpsertCandidates(ctx, []store.Write{w}, at)
	if err == nil {
		err = done[0].Err
	}
	return err
}

func (k *inPostgres) enroll(ctx context.Context, definition, application string, at time.Time) error {
	_, err := k.RequestEnrollment(ctx, k.candidate, definition, application, "test", at)
	return err
}

func (k *inPostgres) control(ctx context.Context, run, controlType string, at time.Time) error {
	return k.Control(ctx, run, controlType, "test", at)
}

func (k *inPostgres) complete(ctx context.Context, task, outcome string, at time.Time) error {
	return k.CompleteTask(ctx, task, outcome, "spoken", "test", at)
}

func (k *inPostgres) settle(ctx context.Context, definition, step, arm string, at time.Time) error {
	_, err := k.Settle(ctx, definition, step, arm, at)
	return err
}

// look asks all queues at once, which each has an index for: one by one they would take most of the time of a drive.
func (k *inPostgres) look(ctx context.Context) (q queues, err error) {
	err = k.conn.QueryRow(ctx, `select exists (select from events where position is null and candidate_id is not null),
		exists (select from enrollments where status = 'starting'),
		exists (select from enrollments where status = 'running' and wake > wake_sent),
		(select min(due) from enrollments where status <> 'closed'),
		(select min(not_before) from messages m join enrollments r on r.id = m.enrollment_id where m.state = 'planned' and not r.paused)`).
		Scan(&q.pending, &q.starting, &q.woken, (*zeronull.Timestamptz)(&q.due), (*zeronull.Timestamptz)(&q.send))
	return q, err
}

func (k *inPostgres) dispatch(ctx context.Context, decide func(*crm.Inbox) (*crm.Dispatched, error)) (bool, error) {
	return k.Dispatch(ctx, k.candidate, decide)
}

func (k *inPostgres) starting(ctx context.Context) ([]wake, error) {
	runs, err := k.Starting(ctx, 100)
	return wakes(runs), err
}

func (k *inPostgres) woken(ctx context.Context) ([]wake, error) {
	woken, err := k.Unsignalled(ctx, 100)
	list := make([]wake, len(woken))
	for i := range woken {
		list[i] = wake{woken[i].EnrollmentID, woken[i].Wake}
	}
	return byRun(list), err
}

func (k *inPostgres) claim(ctx context.Context, now time.Time, check func(*crm.Message, *crm.Facts) dsl.Clearance) ([]crm.Message, error) {
	// The store in memory has one queue for both channels, so here too the message that was planned first goes first.
	next, err := read[crm.Message](ctx, k.conn, `select to_jsonb(m) from messages m join enrollments r on r.id = m.enrollment_id
		where m.state = 'planned' and m.not_before <= $1 and not r.paused order by m.priority, m.planned_at, m.id limit 1`, now)
	if err != nil || len(next) == 0 {
		return nil, err
	}
	claims, err := k.Claim(ctx, now, next[0].Channel, 10, time.Minute, func(c *store.Claim) store.Verdict {
		v := check(&c.Message, &c.Facts)
		return store.Verdict{State: v.State, Reason: v.Reason, NotBefore: v.NotBefore, NotAfter: v.NotAfter, Address: c.Facts.Candidate.Address(c.Message.Channel)}
	})
	claimed := make([]crm.Message, len(claims))
	for i := range claims {
		claimed[i] = claims[i].Message
	}
	return claimed, err
}

func (k *inPostgres) accept(ctx context.Context, m *crm.Message, at time.Time) error {
	return k.Accept(ctx, m.ID, store.Acceptance{Provider: "played", Address: m.Address, At: at})
}

func (k *inPostgres) refuse(ctx context.Context, m *crm.Message, at time.Time) error {
	return k.Refuse(ctx, m.ID, "invalid", at)
}

func (k *inPostgres) unknown(ctx context.Context, m *crm.Message, at time.Time) error {
	return k.Unknown(ctx, m.ID, "timeout", at)
}

func (k *inPostgres) runs(ctx context.Context) ([]crm.Enrollment, error) {
	runs, _, err := k.ListEnrollments(ctx, store.EnrollmentFilter{Candidate: k.candidate, Limit: 500})
	slices.Reverse(runs)
	return runs, err
}

func (k *inPostgres) messages(ctx context.Context) ([]crm.Message, error) {
	return read[crm.Message](ctx, k.conn, `select to_jsonb(m) from messages m order by planned_at, id`)
}

func (k *inPostgres) tasks(ctx context.Context) ([]crm.Task, error) {
	tasks, _, err := k.ListTasks(ctx, store.TaskFilter{Candidate: k.candidate, Limit: 500})
	slices.Reverse(tasks)
	return tasks, err
}

func (k *inPostgres) arms(ctx context.Context, run string) ([]armed, error) {
	return read[armed](ctx, k.conn, `select jsonb_build_object('step', step, 'arm', arm, 'at', at, 'measured_at', measured_at) from assignments
		where enrollment_id = $1 order by step`, run)
}

// lines are the explanations in the order in which they were written.
func (k *inPostgres) lines(ctx context.Context) ([]line, error) {
	return read[line](ctx, k.conn, `select jsonb_build_object('run', enrollment_id, 'seq', seq, 'definition', definition, 'at', at,
		'notes', notes) from decisions order by id`)
}

// read reads rows of one JSON value each.
func read[T any](ctx context.Context, conn *pgx.Conn, sql string, arguments ...any) ([]T, error) {
	rows, err := conn.Query(ctx, sql, arguments...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[T])
}
