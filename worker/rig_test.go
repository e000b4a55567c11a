package worker_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"github.com/rapport-crm/rapport/activities"
	"github.com/rapport-crm/rapport/activities/booking"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/deploy/embedded/postgres/postgrestest"
	"github.com/rapport-crm/rapport/deploy/embedded/temporal/temporaltest"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
	"github.com/rapport-crm/rapport/worker"
)

func TestMain(m *testing.M) { os.Exit(temporaltest.Run(m)) }

// rig is an installation for one test: a database of its own on a real Postgres, a task queue of its own on a real Temporal
// server, and a provider that writes down what it is given.
type rig struct {
	t           *testing.T
	dsn         string
	store       *store.Store
	temporal    client.Client
	mailbox     *mailbox
	texts       worker.Provider         // nil: the mailbox takes texts too
	rates       map[crm.Channel]float64 // of the providers' accounts
	calls       activities.Requester    // nil: none are made
	scale       crm.Scale
	queue       string
	inbound     string // the domain that answers go to
	tracking    worker.Tracking
	erasures    worker.ErasureLog
	checkpoints worker.ErasureLog // of the audit log; nil: none
	mail        worker.Provider   // nil: the mailbox takes mail
	opens       booking.Open      // people's calendars; nil: nobody can be reached
	log         *slog.Logger
}

// newRig makes an installation in which a virtual day passes in the given real time; zero is real time.
func newRig(t *testing.T, day time.Duration) *rig {
	t.Helper()
	r := &rig{t: t, mailbox: &mailbox{}, queue: crm.NewID("queue", time.Now()), log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	if day > 0 {
		// A Friday morning, so that windows are open.
		r.scale = crm.Scale{Real: time.Now(), Virtual: time.Date(2026, 10, 2, 9, 0, 0, 0, time.UTC), Factor: float64(24*time.Hour) / float64(day)}
	}
	r.dsn = postgrestest.New(t, "rapport", store.Migrate)
	var err error
	if r.store, err = store.Open(t.Context(), r.dsn, store.Options{Now: r.now, Log: r.log, Receipts: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), Holding: (&dsl.Holding{}).Holds}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.store.Close)
	server := temporaltest.New(t)
	r.temporal, err = client.Dial(client.Options{HostPort: server.Address(), Namespace: server.Namespace(), Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.temporal.Close)
	return r
}

func (r *rig) now() time.Time { return r.scale.Now(time.Now()) }

// work runs a worker until stop is called, or the test ends.
func (r *rig) work() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	texts := r.texts
	if texts == nil {
		texts = r.mailbox
	}
	var mail worker.Provider = r.mailbox
	if r.mail != nil {
		mail = r.mail
	}
	w := worker.New(worker.Config{
		CalendarDomain:  "north.example",
		InterviewerPage: func(meeting, person string) string { return "http://localhost/v/" + meeting + "." + person },
		SchedulePage:    func(run string) string { return "http://localhost/i/" + run },
		Store:           r.store, Temporal: r.temporal, Scale: r.scale, TaskQueue: r.queue, PublicURL: "http://localhost", ReplyDomain: r.inbound,
		Providers:  map[crm.Channel]worker.Provider{crm.Email: mail, crm.SMS: texts},
		Rates:      r.rates,
		Tracking:   r.tracking,
		Calls:      r.calls,
		ErasureLog: r.erasures, Checkpoints: r.checkpoints,
		Calendars:   r.opens,
		Unsubscribe: func(id string) string { return "http://localhost/u/" + id },
		SurveyLink:  func(id string) string { return "http://localhost/s/" + id },
		ConfirmLink: func(id string) string { return "http://localhost/c/" + id },
		RequestLink: func(id, sequence string) string { return "http://localhost/" + sequence + "/" + id },
		Preferences: func(id string, _ time.Time) string { return "http://localhost/p/" + id },
		Grace:       500 * time.Millisecond, Log: r.log,
	})
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Errorf("worker: %v", err)
		}
	})
	r.t.Cleanup(stop)
	return stop
}

const workspace = `
workspace: north
calendar: {days: mon-sun, hours: "00:00-24:00", zone: Europe/London}
quiet: {sms: none, email: none}
limit: 100/7d
purposes: {news: {basis: consent, wording: "Hear from us"}}
from: {email: "North <careers@north.example>", sms: "+447700900000", address: "1 Way, Leeds"}
statuses: [lead, applicant, hired]
team: {maya@north.example: {name: "Maya Lee, RN"}}
---
`

// apply publishes definitions, with a workspace that never defers.
func (r *rig) apply(text string) {
	r.t.Helper()
	r.applyAll(workspace + text)
}

// applyAll publishes definitions, with what workspace they bring.
func (r *rig) applyAll(text string) {
	r.t.Helper()
	set, problems := dsl.Check([]dsl.File{{Path: "test.yaml", Text: []byte(text)}}, nil)
	if set == nil {
		r.t.Fatalf("definitions: %v", problems)
	}
	if _, err := r.store.ApplyDefinitions(r.t.Context(), set.Documents, r.now()); err != nil {
		r.t.Fatal(err)
	}
}

// candidate adds a candidate who agreed to everything.
func (r *rig) candidate(externalID string) string {
	r.t.Helper()
	written, err := r.store.UpsertCandidates(r.t.Context(), []store.Write{{
		Candidate: crm.Candidate{
			ExternalID: externalID, FirstName: "Zebedee", LastName: "Quillfeather", Email: externalID + "@zebra.example",
			Phone: "+4477009" + fmt.Sprintf("%05d", len(externalID)*7), TimeZone: "Europe/London", Status: "lead",
		},
		Consents: []crm.Consent{
			{Purpose: "news", Channel: crm.Email, Granted: true, At: r.now()}, {Purpose: "news", Channel: crm.SMS, Granted: true, At: r.now()},
		},
	}}, r.now())
	if err != nil || written[0].Err != nil {
		r.t.Fatal(err, written)
	}
	return written[0].ID
}

// event receives an event of a candidate.
func (r *rig) event(subject, eventType string, data ...any) string {
	r.t.Helper()
	e := crm.Event{
		Source: "test", ExternalID: crm.NewID("x", time.Now()), Type: eventType, Subject: subject, Time: r.now(), ReceivedAt: r.now(),
		Data: map[string]any{},
	}
	for i := 0; i+1 < len(data); i += 2 {
		e.Data[data[i].(string)] = data[i+1]
	}
	received, err := r.store.Receive(r.t.Context(), []crm.Event{e})
	if err != nil {
		r.t.Fatal(err)
	}
	return received[0].Event.ID
}

// run returns the candidate's only run.
func (r *rig) run(candidate string) crm.Enrollment {
	r.t.Helper()
	runs, _, err := r.store.ListEnrollments(r.t.Context(), store.EnrollmentFilter{Candidate: candidate, Limit: 10})
	if err != nil {
		r.t.Fatal(err)
	}
	if len(runs) == 0 {
		return crm.Enrollment{}
	}
	run, err := r.store.Enrollment(r.t.Context(), runs[0].ID)
	if err != nil {
		r.t.Fatal(err)
	}
	return run
}

// waiting returns the candidate's run once it waits for a click.
func (r *rig) waiting(candidate string) crm.Enrollment {
	r.t.Helper()
	r.until(func() string { return differ("at", r.run(candidate).Progress.At, "heard") })
	return r.run(candidate)
}

// ended waits until the candidate's run has ended with an outcome.
func (r *rig) ended(candidate, outcome string) crm.Enrollment {
	r.t.Helper()
	r.until(func() string { return differ("outcome", r.run(candidate).Outcome, outcome) })
	return r.run(candidate)
}

func differ[T comparable](what string, got, want T) string {
	if got == want {
		return ""
	}
	return fmt.Sprintf("%s is %#v, want %#v", what, got, want)
}

// until waits for a condition; what it returns says what is missing.
func (r *rig) until(missing func() string) {
	r.t.Helper()
	deadline := time.Now().Add(40 * time.Second)
	for {
		what := missing()
		if what == "" {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("gave up waiting: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// decider decides as a worker would, called by the test.
func (r *rig) decider() *activities.Decider {
	return worker.New(worker.Config{Store: r.store, Scale: r.scale, Log: r.log}).Decider()
}

// sql runs a statement beside the store, as an administrator would.
func (r *rig) sql(statement string, args ...any) int {
	r.t.Helper()
	conn, err := pgx.Connect(r.t.Context(), r.dsn)
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if strings.HasPrefix(strings.ToLower(statement), "select") {
		var n int
		if err := conn.QueryRow(r.t.Context(), statement, args...).Scan(&n); err != nil {
			r.t.Fatalf("%s: %v", statement, err)
		}
		return n
	}
	if _, err := conn.Exec(r.t.Context(), statement, args...); err != nil {
		r.t.Fatalf("%s: %v", statement, err)
	}
	return 0
}

// dispatchOnly dispatches without a worker.
func (r *rig) dispatchOnly(candidate string) {
	r.t.Helper()
	library := activities.NewLibrary(worker.Published(r.store), func(err error) { r.t.Error(err) })
	set, err := library.Active(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	r.until(func() string { // what a stopped worker was at may still hold the candidate for a moment
		done, err := r.store.Dispatch(r.t.Context(), candidate, func(in *crm.Inbox) (*crm.Dispatched, error) {
			return dsl.Dispatch(set, in, r.now()), nil
		})
		if err != nil {
			r.t.Fatalf("dispatch: %v", err)
		}
		return differ("dispatched", done, true)
	})
}

// mailbox is a provider that takes everything and writes it down.
type mailbox struct {
	mu   sync.Mutex
	sent []crm.Outgoing
}

// Send takes the message.
func (m *mailbox) Send(_ context.Context, out crm.Outgoing) (crm.Receipt, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent = append(m.sent, out)
	return crm.Receipt{Provider: "test", ProviderID: out.MessageID}, nil
}

func (m *mailbox) all() []crm.Outgoing {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]crm.Outgoing(nil), m.sent...)
}

// got counts the messages to an address with a subject.
func (m *mailbox) got(to, subject string) (n int) {
	for _, out := range m.all() {
		if out.To == to && out.Subject == subject {
			n++
		}
	}
	return n
}
