package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// awaitLockWaiters returns when that many transactions of the test's database wait for a lock.
func (b *bundle) awaitLockWaiters(t *testing.T, n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), b.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		var waiting int
		err := conn.QueryRow(t.Context(), `select count(*) from pg_stat_activity
			where datname = current_database() and wait_event_type = 'Lock'`).Scan(&waiting)
		if err != nil {
			t.Fatal(err)
		}
		if waiting >= n {
			return
		}
	}
	t.Fatalf("there are no %d who wait for a lock", n)
}

// race is a merge that others run into.
type race struct {
	*bundle
	from, into, run, message, task, event string
}

// Whoever waited for the lock of a candidate who was merged meanwhile goes on under the survivor's.
func TestMergeRaces(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(context.Context, *race) error{
		"a decision": func(ctx context.Context, r *race) error {
			turn, err := r.Begin(ctx, r.run, 0)
			if err != nil {
				return err
			}
			defer turn.Rollback() //nolint:contextcheck // a rollback has to work when the context has ended
			f := turn.Facts()
			if f.Candidate.ID != r.into || f.Enrollment.CandidateID != r.into {
				return fmt.Errorf("decided for %s, a run of %s", f.Candidate.ID, f.Enrollment.CandidateID)
			}
			done, err := r.Dispatch(ctx, r.into, func(*crm.Inbox) (*crm.Dispatched, error) { return nil, errors.New("dispatched") })
			if done || err != nil {
				return fmt.Errorf("the survivor is not locked: %w", err)
			}
			return nil
		},
		"a sender": func(ctx context.Context, r *race) error {
			return r.Accept(ctx, r.message, store.Acceptance{Provider: "p", ProviderID: "1", At: r.now()})
		},
		"a refusal": func(ctx context.Context, r *race) error { return r.Refuse(ctx, r.message, "no", r.now()) },
		"a release": func(ctx context.Context, r *race) error { return r.Release(ctx, r.message, r.now()) },
		"a task": func(ctx context.Context, r *race) error {
			return r.CompleteTask(ctx, r.task, "done", "", "maya", r.now())
		},
		"an event's fault": func(ctx context.Context, r *race) error { return r.SetAside(ctx, r.event, "poison") },
		"a pool": func(ctx context.Context, r *race) error {
			n, err := r.AddToPool(ctx, "evening", []string{"ATS-1"}, "maya", r.now())
			if n != 1 {
				err = errors.Join(err, fmt.Errorf("%d entered", n))
			}
			return err
		},
		"an upsert": func(ctx context.Context, r *race) error {
			got, err := r.UpsertCandidates(ctx, []store.Write{{Candidate: crm.Candidate{ExternalID: "ATS-1", City: "Leeds"}}}, r.now())
			if err == nil && (got[0].ID != r.into || got[0].Created) {
				err = fmt.Errorf("wrote %+v", got[0])
			}
			return err
		},
		"an opt-out": func(ctx context.Context, r *race) error {
			out := store.OptOut{Channel: crm.Email, CandidateID: r.from, Reason: crm.SuppressedUnsubscribe, Purpose: "news", Source: "link", At: r.now()}
			_, err := r.ReceiveWithOptOuts(ctx, nil, []store.OptOut{out})
			if err != nil {
				return err
			}
			_, consents, err := r.Candidate(ctx, r.into)
			if err == nil && crm.ConsentFor(consents, "news", crm.Email) != crm.ConsentRevoked {
				err = fmt.Errorf("the consent stands: %+v", consents)
			}
			return err
		},
		"a consent": func(ctx context.Context, r *race) error {
			got, err := r.Receive(ctx, []crm.Event{r.bundle.event("consent.revoked", "ATS-1", map[string]any{"purpose": "news"})})
			if err == nil && got[0].Event.CandidateID != r.into {
				err = fmt.Errorf("the consent is of %q", got[0].Event.CandidateID)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			r := &race{bundle: b}
			r.from = b.candidate(t, "ATS-1", grant("news", crm.Email))
			b.pass(time.Second) // ids go by time: the one who goes is locked first
			r.into = b.candidate(t, "ATS-2")
			r.run = b.enroll(t, r.from, "nurture")
			b.decide(t, r.run, func(f *crm.Facts, d *crm.Decision) {
				d.Messages = []crm.Message{intent(f, d, "hello", crm.Email)}
				r.message, r.task = d.Messages[0].ID, crm.NewID(crm.PrefixTask, d.At)
				d.Tasks = []crm.Task{{ID: r.task, CandidateID: r.from, EnrollmentID: r.run, Title: "Call", CreatedAt: d.At}}
			})
			b.claimAll(t)
			r.event = b.receive(t, b.event("page.viewed", r.from, nil))[0].Event.ID
			merged, acted := make(chan error, 1), make(chan error, 1)
			b.holding(t, "select from candidates where id = $1 for no key update", r.into, func() {
				go func() {
					_, err := b.Merge(t.Context(), r.from, r.into, "maya", b.now(), nil)
					merged <- err
				}()
				b.awaitLockWaiters(t, 1)
				go func() { acted <- act(t.Context(), r) }()
				b.awaitLockWaiters(t, 2)
			})
			if err := errors.Join(<-merged, <-acted); err != nil {
				t.Error(err)
			}
			if _, _, err := b.Candidate(t.Context(), "ATS-1"); err != nil {
				t.Error(err)
			}
		})
	}
}

// An event that was being received while its candidate was merged is still committed as theirs.
func TestEventOfMergedCandidate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	from, into := b.candidate(t, "ATS-1"), b.candidate(t, "ATS-2")
	late := b.receive(t, b.event("page.viewed", from, nil))[0].Event.ID
	b.merge(t, from, into)
	b.drain(t, into)
	b.exec(t, "update events set candidate_id = $2, position = null, dispatched_at = null where id = $1", late, from)
	pending, err := b.PendingCandidates(t.Context(), 10)
	if err != nil || !slices.Equal(pending, []string{from}) {
		t.Fatalf("pending are %v, %v", pending, err)
	}
	b.dispatch(t, from, func(*crm.Inbox) (*crm.Dispatched, error) { return nil, errors.New("there is nobody to dispatch for") })
	if events := b.drain(t, into); len(events) != 1 || events[0].ID != late {
		t.Errorf("the survivor got %+v", events)
	}
}

// Everything goes on while five candidates become one. Nothing is lost, no two events get one position, nothing is sent twice.
func TestMergeUnderLoad(t *testing.T) {
	t.Parallel()
	b := setup(t)
	m := &mix{bundle: b, other: b.open(t)}
	var names []string
	for i := range 6 {
		names = append(names, fmt.Sprintf("ATS-%d", i))
		id := b.candidate(t, names[i], grant("talent-community", crm.Email))
		m.candidates = append(m.candidates, names[i]) // events name them so
		m.runs = append(m.runs, b.enroll(t, id, fmt.Sprint("seq", i%2)))
	}
	before := b.number(t, "select count(*) from events")
	var received int
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var wg sync.WaitGroup
	for name, act := range map[string]func(context.Context) error{
		"receive": func(ctx context.Context) error { received++; return m.receive(ctx) }, "dispatch": m.dispatchAll, "dispatch elsewhere": m.dispatchAll,
		"decide": m.decideAny, "decide elsewhere": m.decideAny, "claim": m.claimAndSend, "upsert": func(ctx context.Context) error {
			w := store.Write{Candidate: crm.Candidate{ExternalID: names[rand.IntN(len(names))], City: fmt.Sprint("city", rand.IntN(9))}}
			got, err := b.UpsertCandidates(ctx, []store.Write{w}, b.now())
			if err == nil && got[0].Created {
				err = fmt.Errorf("%s was created again", w.Candidate.ExternalID)
			}
			return err
		},
	} {
		wg.Go(func() {
			for ctx.Err() == nil {
				if err := act(context.WithoutCancel(ctx)); err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
			}
		})
	}
	for i := range 5 {
		time.Sleep(200 * time.Millisecond) // the others get on meanwhile
		b.merge(t, names[i], names[i+1])
	}
	stop()
	wg.Wait()
	survivor := b.read(t, names[0]).ID
	// An event that was being received while its candidate was merged may still be named after the one who went: what is
	// dispatched is whatever is pending, as in production.
	for pending := []string{survivor}; len(pending) > 0; {
		if err := m.dispatchAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		var err error
		if pending, err = b.PendingCandidates(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}
	if n := b.number(t, "select count(*) from events where candidate_id is distinct from $1 or position is null", survivor); n != 0 {
		t.Errorf("%d events are not the survivor's", n)
	}
	if n := b.number(t, "select count(position) - count(distinct position) from events"); n != 0 {
		t.Errorf("%d events share a position", n)
	}
	if n := b.number(t, "select count(*) from events where source = 'ats'"); n < before/4 || received == 0 {
		t.Errorf("%d events: the test does not test what it should", n)
	}
	m.sent.Range(func(id, _ any) bool {
		if c := b.message(t, id.(string)).CandidateID; c != survivor {
			t.Errorf("message %s is of %s", id, c)
		}
		return true
	})
}
