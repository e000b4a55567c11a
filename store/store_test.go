package store_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"net/url"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/deploy/embedded/postgres/postgrestest"
	"github.com/rapport-crm/rapport/store"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Run(m)) }

// bundle is a store on a database of its own, on a clock that stands still until it is moved.
type bundle struct {
	*store.Store
	dsn   string
	clock atomic.Pointer[time.Time]
	count atomic.Int64
}

// receiptKey signs the receipts of tests.
func receiptKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) }

func publicKey() ed25519.PublicKey { return ed25519.PublicKey(receiptKey()[ed25519.SeedSize:]) }

func start() time.Time { return time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC) }

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{dsn: patient(t, postgrestest.New(t, "store", store.Migrate))}
	b.set(start())
	b.Store = b.open(t)
	return b
}

// patient makes whoever waits for a lock for too long fail, so that a test that would hang says where.
func patient(t *testing.T, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set("lock_timeout", "20s")
	u.RawQuery = query.Encode()
	return u.String()
}

// open opens the database once more, as another process would.
func (b *bundle) open(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), b.dsn, store.Options{Now: b.now, MaxConns: 8, Receipts: receiptKey()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func (b *bundle) now() time.Time          { return *b.clock.Load() }
func (b *bundle) set(at time.Time)        { b.clock.Store(&at) }
func (b *bundle) pass(some time.Duration) { b.set(b.now().Add(some)) }

// candidate creates a candidate and returns their id.
func (b *bundle) candidate(t *testing.T, externalID string, consents ...crm.Consent) string {
	t.Helper()
	c, err := b.CreateCandidate(t.Context(), store.Write{Consents: consents, Candidate: crm.Candidate{
		ExternalID: externalID, FirstName: "Ana", Email: externalID + "@Example.org", Phone: "+4477009" + strconv.Itoa(int(10000+b.count.Add(1))),
	}}, b.now())
	if err != nil {
		t.Fatal(err)
	}
	b.drain(t, c.ID)
	return c.ID
}

func grant(purpose string, channel crm.Channel) crm.Consent {
	return crm.Consent{Purpose: purpose, Channel: channel, Granted: true, Source: "form", Wording: "Yes please", At: start().Add(-time.Hour)}
}

// event is a new event of a candidate.
func (b *bundle) event(eventType, subject string, data map[string]any) crm.Event {
	return crm.Event{
		Source: "ats", ExternalID: "e" + strconv.FormatInt(b.count.Add(1), 10), Type: eventType, Subject: subject, Time: b.now(), Data: data,
	}
}

func (b *bundle) receive(t *testing.T, events ...crm.Event) []store.Received {
	t.Helper()
	received, err := b.Receive(t.Context(), events)
	if err != nil {
		t.Fatal(err)
	}
	return received
}

// drain dispatches a candidate's events without any effect and returns them.
func (b *bundle) drain(t *testing.T, candidateID string) []crm.Event {
	t.Helper()
	var events []crm.Event
	b.dispatch(t, candidateID, func(in *crm.Inbox) (*crm.Dispatched, error) {
		out := positions(in)
		events = out.Events
		return out, nil
	})
	return events
}

func (b *bundle) dispatch(t *testing.T, candidateID string, decide func(*crm.Inbox) (*crm.Dispatched, error)) {
	t.Helper()
	done, err := b.Dispatch(t.Context(), candidateID, decide)
	if err != nil {
		t.Fatal(err)
	}
	if !done {
		t.Fatalf("candidate %s was not dispatched", candidateID)
	}
}

// positions is what every dispatch does: give the events their positions.
func positions(in *crm.Inbox) *crm.Dispatched {
	out := &crm.Dispatched{}
	for i, e := range in.Events {
		e.Position = in.Position + int64(i) + 1
		out.Events = append(out.Events, e)
	}
	return out
}

// enroll begins a run by an event and returns its id.
func (b *bundle) enroll(t *testing.T, candidateID, definition string) string {
	t.Helper()
	id := crm.NewID(crm.PrefixEnrollment, b.now())
	b.receive(t, b.event("application.rejected", candidateID, map[string]any{"reason": "silver_medallist"}))
	b.dispatch(t, candidateID, func(in *crm.Inbox) (*crm.Dispatched, error) {
		out := positions(in)
		last := out.Events[len(out.Events)-1]
		out.Enrollments = []crm.Enrollment{{
			ID: id, Definition: definition, Hash: "hash-of-" + definition, CandidateID: candidateID, N: len(in.Runs) + 1,
			Status: crm.EnrollmentStarting, StartedAt: b.now(), Event: &last, Position: last.Position,
			Listens: []string{"message.clicked", "message.replied"},
		}}
		return out, nil
	})
	return id
}

// decide commits one decision of a run.
func (b *bundle) decide(t *testing.T, runID string, fill func(f *crm.Facts, d *crm.Decision)) *crm.Decision {
	t.Helper()
	d, err := b.tryDecide(t.Context(), runID, fill)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (b *bundle) tryDecide(ctx context.Context, runID string, fill func(f *crm.Facts, d *crm.Decision)) (*crm.Decision, error) {
	turn, err := b.Begin(ctx, runID, 0)
	if err != nil {
		return nil, err
	}
	defer turn.Rollback() //nolint:contextcheck // a rollback has to work when the context has ended
	f := turn.Facts()
	d := &crm.Decision{
		EnrollmentID: runID, Seq: f.Enrollment.Seq + 1, At: b.now(), Command: crm.CommandWait, Seen: f.Enrollment.Wake,
		Until: b.now().Add(24 * time.Hour), Progress: f.Enrollment.Progress,
	}
	if fill != nil {
		fill(f, d)
	}
	return d, turn.Commit(ctx, d)
}

// intent is a message that a decision plans.
func intent(f *crm.Facts, d *crm.Decision, step string, channel crm.Channel) crm.Message {
	return crm.Message{
		ID: crm.NewID(crm.PrefixMessage, d.At), CandidateID: f.Candidate.ID, EnrollmentID: f.Enrollment.ID,
		Definition: f.Enrollment.Definition, Hash: f.Enrollment.Hash, Step: step, Occurrence: 1, Channel: channel,
		Purpose: "talent-community", Priority: 5, State: crm.MessagePlanned, PlannedAt: d.At, NotBefore: d.At,
		NotAfter: d.At.Add(48 * time.Hour),
	}
}

// plan has a run plan one message and returns its id.
func (b *bundle) plan(t *testing.T, runID, step string, channel crm.Channel) string {
	t.Helper()
	d := b.decide(t, runID, func(f *crm.Facts, d *crm.Decision) {
		d.Messages = []crm.Message{intent(f, d, step, channel)}
		d.Awaits = []string{"message.settled"}
	})
	return d.Messages[0].ID
}

// claimAll claims whatever is due.
func (b *bundle) claimAll(t *testing.T) []store.Claim {
	t.Helper()
	return b.claimWith(t, store.Verdict{State: crm.MessageClaimed, Address: "ana@example.org"})
}

func (b *bundle) message(t *testing.T, id string) crm.Message {
	t.Helper()
	m, err := b.MessageByID(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (b *bundle) run(t *testing.T, id string) crm.Enrollment {
	t.Helper()
	run, err := b.Enrollment(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func wantCode(t *testing.T, err error, code crm.ErrorCode) {
	t.Helper()
	if crm.CodeOf(err) != code {
		t.Fatalf("got error %v, want one with code %q", err, code)
	}
}

func TestMigrateTwiceAtOnce(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.New(t, "empty", nil)
	done := make(chan error, 3)
	for range cap(done) {
		go func() { done <- store.Migrate(t.Context(), dsn) }()
	}
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestOpenUnreachable(t *testing.T) {
	t.Parallel()
	_, err := store.Open(t.Context(), "postgres://nobody@127.0.0.1:1/none?connect_timeout=2", store.Options{})
	if err == nil {
		t.Fatal("opened a database that is not there")
	}
}

func TestSQLState(t *testing.T) {
	t.Parallel()
	b := setup(t)
	e := b.event("page.viewed", "x", map[string]any{"url": "a\x00b"})
	_, err := b.Receive(t.Context(), []crm.Event{e})
	wantCode(t, err, crm.CodeInvalid)
	if state := store.SQLState(err); state != "22P05" {
		t.Errorf("SQLState is %q, want 22P05", state)
	}
	if state := store.SQLState(errors.New("other")); state != "" {
		t.Errorf("SQLState of another error is %q", state)
	}
}

// exec runs a statement behind the store's back.
func (b *bundle) exec(t *testing.T, sql string, arguments ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), b.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), sql, arguments...); err != nil {
		t.Fatal(err)
	}
}

// awaitLockWaiter returns when some transaction of the test's database waits for a lock.
func (b *bundle) awaitLockWaiter(t *testing.T) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), b.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		var waiting bool
		err := conn.QueryRow(t.Context(), `select exists (select from pg_stat_activity
			where datname = current_database() and wait_event_type = 'Lock')`).Scan(&waiting)
		if err != nil {
			t.Fatal(err)
		}
		if waiting {
			return
		}
	}
	t.Fatal("nobody waits for a lock")
}

// holding runs a function while somebody else's transaction holds what a statement locks.
func (b *bundle) holding(t *testing.T, sql string, argument any, while func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), b.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), sql, argument); err != nil {
		t.Fatal(err)
	}
	while()
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
}
