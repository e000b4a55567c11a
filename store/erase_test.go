package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// erasure asks for the erasure of somebody by a request of theirs.
func (b *bundle) erasure(name string) crm.Erasure {
	return crm.Erasure{Candidate: name, Mode: crm.RetentionErase, Rule: "request", Reason: "art-17", By: "lena", At: b.now()}
}

func (b *bundle) erase(t *testing.T, name string) crm.ErasureReceipt {
	t.Helper()
	erased, err := b.Erase(t.Context(), b.erasure(name))
	if err != nil {
		t.Fatal(err)
	}
	r, err := erased.Receipt.Verify(publicKey())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEraseIsRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before func(t *testing.T, b *bundle, id string)
		change func(e *crm.Erasure)
		code   crm.ErrorCode
		after  func(t *testing.T, b *bundle, id string) // after which it is done
	}{
		"under a hold": {
			before: func(t *testing.T, b *bundle, id string) { t.Helper(); b.hold(t, id) }, code: crm.CodeConflict,
			after: func(t *testing.T, b *bundle, _ string) {
				t.Helper()
				b.exec(t, "update legal_holds set lifted_at = $1", b.now())
			},
		},
		"under a hold until tomorrow": {
			before: func(t *testing.T, b *bundle, id string) {
				t.Helper()
				b.hold(t, id)
				b.exec(t, "update legal_holds set until = $1", b.now().Add(time.Hour))
			},
			code: crm.CodeConflict, after: func(_ *testing.T, b *bundle, _ string) { b.pass(2 * time.Hour) },
		},
		"under a hold that the applicant tracking system has told of": {
			before: func(t *testing.T, b *bundle, id string) {
				t.Helper()
				b.upsert(t, store.Write{Candidate: crm.Candidate{ID: id, LegalHold: true}})
			},
			code: crm.CodeConflict, after: func(t *testing.T, b *bundle, id string) {
				t.Helper()
				b.upsert(t, store.Write{Candidate: crm.Candidate{ID: id}, Present: map[string]bool{"legal_hold": true}})
			},
		},
		"while a message is being sent": {
			before: func(t *testing.T, b *bundle, id string) {
				t.Helper()
				b.plan(t, b.enroll(t, id, "nurture"), "hello", crm.Email)
				b.claimAll(t)
			},
			code: crm.CodeUnavailable, after: func(_ *testing.T, b *bundle, _ string) { b.pass(time.Hour) }, // its lease is over
		},
		"for a reason in words": {change: func(e *crm.Erasure) { e.Reason = "Ana Diaz has asked" }, code: crm.CodeInvalid},
		"by nobody":             {change: func(e *crm.Erasure) { e.By = "" }, code: crm.CodeInvalid},
		"in no known way":       {change: func(e *crm.Erasure) { e.Mode = "shred" }, code: crm.CodeInvalid},
		"of nobody":             {change: func(e *crm.Erasure) { e.Candidate = "ATS-9" }, code: crm.CodeNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.candidate(t, "ATS-1")
			if tc.before != nil {
				tc.before(t, b, id)
			}
			what := b.erasure(id)
			if tc.change != nil {
				tc.change(&what)
			}
			_, err := b.Erase(t.Context(), what)
			wantCode(t, err, tc.code)
			if c := b.read(t, id); c.FirstName != "Ana" {
				t.Errorf("afterwards they are %+v", c)
			}
			if tc.after != nil {
				tc.after(t, b, id)
				b.erase(t, id)
			}
		})
	}
}

func TestEraseNeedsAKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	keyless, err := store.Open(t.Context(), b.dsn, store.Options{Now: b.now})
	if err != nil {
		t.Fatal(err)
	}
	defer keyless.Close()
	_, err = keyless.Erase(t.Context(), b.erasure(id))
	wantCode(t, err, crm.CodeConflict)
}

// Whoever asks again, also by a former name, also at the same time, gets the one receipt; others stay as they are.
func TestEraseTwice(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.candidate(t, "ATS-3")
	b.merge(t, b.candidate(t, "ATS-2"), b.candidate(t, "ATS-1"))
	var receipts sync.Map
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			erased, err := b.Erase(t.Context(), b.erasure([]string{"ATS-1", "ATS-2"}[i%2]))
			if err != nil {
				t.Errorf("erasure %d: %v", i, err)
				return
			}
			receipts.Store(string(erased.Receipt.Receipt), erased.Already)
		})
	}
	all.Wait()
	n := 0
	receipts.Range(func(_, _ any) bool { n++; return true })
	if n != 1 || b.number(t, "select count(*) from erasures") != 1 {
		t.Errorf("%d receipts for one erasure", n)
	}
	if c := b.read(t, other); c.FirstName != "Ana" {
		t.Errorf("somebody else is %+v", c)
	}
	if _, _, err := b.Candidate(t.Context(), "ATS-1"); crm.CodeOf(err) != crm.CodeNotFound {
		t.Errorf("they are still there: %v", err)
	}
}

// Receipts follow each other, and one that is changed or left out is noticed.
func TestReceiptsAreAChain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 4 {
		b.erase(t, b.candidate(t, fmt.Sprint("ATS-", i)))
		b.pass(time.Minute)
	}
	var receipts []crm.SignedReceipt
	for after := ""; ; {
		page, next, err := b.ListErasures(t.Context(), store.ErasureFilter{Limit: 3, After: after})
		if err != nil {
			t.Fatal(err)
		}
		receipts = append(receipts, page...)
		if after = next; after == "" {
			break
		}
	}
	if err := crm.VerifyChain(receipts, publicKey()); err != nil || len(receipts) != 4 {
		t.Fatalf("%d receipts: %v", len(receipts), err)
	}
	if err := crm.VerifyChain(slices.Delete(slices.Clone(receipts), 1, 2), publicKey()); err == nil {
		t.Error("a receipt that is missing is not noticed")
	}
	changed := slices.Clone(receipts)
	changed[2].Receipt = []byte(strings.Replace(string(changed[2].Receipt), `"rule":"request"`, `"rule":"another"`, 1))
	if err := crm.VerifyChain(changed, publicKey()); !errors.Is(err, crm.ErrSignature) {
		t.Errorf("a receipt that was changed: %v", err)
	}
	found, _, err := b.ListErasures(t.Context(), store.ErasureFilter{Candidate: "ATS-2"})
	if err != nil || len(found) != 1 || string(found[0].Receipt) != string(receipts[2].Receipt) {
		t.Errorf("by a name there are %v, %v", found, err)
	}
}

// Whoever was erased is not brought back by an import, by whatever they are recognised from; only by an application of their own.
func TestErasedAreRecognised(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.merge(t, b.candidate(t, "ATS-0"), b.candidate(t, "ATS-1", grant("news", crm.Email)))
	phone := b.read(t, "ATS-1").Phone
	b.receive(t, b.event("page.viewed", "ATS-1", nil))
	b.erase(t, "ATS-1")
	b.pass(time.Hour)
	write := func(externalID, email, phone string) store.Write {
		return store.Write{
			Consents:  []crm.Consent{{Purpose: "news", Channel: crm.Email, Granted: true, At: start().Add(-time.Hour)}},
			Candidate: crm.Candidate{ExternalID: externalID, FirstName: "Ana", Email: email, Phone: phone},
		}
	}
	for name, w := range map[string]store.Write{
		"by external id": write("ATS-1", "", ""), "by a former one": write("ATS-0", "", ""), "by mail": write("ATS-7", "ats-1@EXAMPLE.org", ""), "by number": write("", "", phone),
	} {
		got := b.upsert(t, w)[0]
		if wantCode(t, got.Err, crm.CodeConflict); !strings.Contains(got.Err.Error(), "erased on 2026-11-02 under the rule request") {
			t.Errorf("%s: %v", name, got.Err)
		}
	}
	if got := b.upsert(t, write("ATS-8", "ben@example.org", ""))[0]; got.Err != nil {
		t.Errorf("somebody else: %v", got.Err)
	}
	before := b.event("application.submitted", "ATS-1", nil)
	before.Time = start().Add(-time.Hour)
	for _, r := range b.receive(t, b.event("page.viewed", "ATS-1", nil), b.event("consent.granted", "ATS-0", map[string]any{"purpose": "news"}), before) {
		if !r.Erased || !r.Duplicate || r.Event.ID != "" {
			t.Errorf("an event of theirs: %+v", r)
		}
	}
	if n := b.number(t, "select count(*) from events where subject like 'ATS-_' and subject <> 'ATS-8' and candidate_id is null"); n != 0 {
		t.Errorf("%d events were kept", n)
	}
	if r := b.receive(t, b.event("application.submitted", "ATS-1", nil)); r[0].Erased {
		t.Errorf("a new application: %+v", r[0])
	}
	back := b.upsert(t, write("ATS-1", "ats-1@example.org", ""))[0]
	if back.Err != nil || !back.Created {
		t.Fatalf("after an application of their own: %+v", back)
	}
	b.wantBack(t, back.ID)
}

// wantBack checks that somebody who came back is only written to once they agree anew.
func (b *bundle) wantBack(t *testing.T, id string) {
	t.Helper()
	run := b.enroll(t, id, "nurture")
	if got := b.suppressions(t, run); !slices.Equal(got, []crm.SuppressionReason{crm.SuppressedErased}) {
		t.Errorf("suppressed for %v", got)
	}
	b.receive(t, b.event("consent.granted", "ATS-1", map[string]any{"purpose": "news"}))
	if got := b.suppressions(t, run); len(got) != 0 {
		t.Errorf("after a new consent suppressed for %v", got)
	}
	b.pass(time.Hour)
	if again := b.erase(t, "ATS-1"); again.Number != 2 || again.Candidate != id {
		t.Errorf("erased again: %+v", again)
	}
}

// A mailbox that somebody else has too stays theirs.
func TestEraseSparesSharedMailbox(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ids := []string{}
	for _, name := range []string{"ATS-1", "ATS-2"} {
		ids = append(ids, b.upsert(t, store.Write{Candidate: crm.Candidate{ExternalID: name, Email: "home@example.org"}})[0].ID)
	}
	b.erase(t, ids[0])
	if got := b.suppressions(t, b.enroll(t, ids[1], "nurture")); len(got) != 0 {
		t.Errorf("the other one is suppressed for %v", got)
	}
}

// What meets an erasure under way waits for it, and then keeps nothing.
func TestEraseRaces(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(context.Context, *race) error{
		"a decision": func(ctx context.Context, r *race) error {
			_, err := r.Begin(ctx, r.run, 0)
			return unless(err, crm.CodeNotFound)
		},
		"a sender": func(ctx context.Context, r *race) error {
			return unless(r.Accept(ctx, r.message, store.Acceptance{Provider: "p", At: r.now()}), crm.CodeConflict)
		},
		"a note": func(ctx context.Context, r *race) error {
			_, _, err := r.AddNote(ctx, crm.Remark{CandidateID: r.from, Text: "x", At: r.now()})
			return unless(err, crm.CodeNotFound)
		},
		"an upsert": func(ctx context.Context, r *race) error {
			got, err := r.UpsertCandidates(ctx, []store.Write{{Candidate: crm.Candidate{ExternalID: "ATS-1", City: "Leeds"}}}, r.now())
			if err == nil {
				err = unless(got[0].Err, crm.CodeConflict)
			}
			return err
		},
		"a consent": func(ctx context.Context, r *race) error {
			got, err := r.Receive(ctx, []crm.Event{r.bundle.event("consent.granted", "ATS-1", map[string]any{"purpose": "news"})})
			if err == nil && !got[0].Erased {
				err = fmt.Errorf("it was kept: %+v", got[0])
			}
			return err
		},
		"a merge": func(ctx context.Context, r *race) error {
			_, err := r.Merge(ctx, r.from, r.into, "maya", r.now(), nil)
			return unless(err, crm.CodeNotFound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			r := &race{bundle: b, from: b.candidate(t, "ATS-1"), into: b.candidate(t, "ATS-2")}
			r.run = b.enroll(t, r.from, "nurture")
			r.message = b.plan(t, r.run, "hello", crm.Email)
			erased, acted := make(chan error, 1), make(chan error, 1)
			b.holding(t, "select from erasure_chain where $1::text <> '' for update", "x", func() {
				go func() {
					_, err := b.Erase(t.Context(), b.erasure(r.from))
					erased <- err
				}()
				b.awaitLockWaiters(t, 1) // it has the candidate's lock
				go func() { acted <- act(t.Context(), r) }()
				b.awaitLockWaiters(t, 2)
			})
			if err := errors.Join(<-erased, <-acted); err != nil {
				t.Error(err)
			}
			for _, table := range []string{"events", "messages", "notes", "consents", "decisions"} {
				if n := b.number(t, "select count(*) from "+table+" where candidate_id = $1", r.from); n != 0 {
					t.Errorf("%d rows of %s", n, table)
				}
			}
		})
	}
}

// unless lets an error pass that is expected, and makes none of none.
func unless(err error, code crm.ErrorCode) error {
	if err == nil {
		return fmt.Errorf("no error, want %s", code)
	}
	if crm.CodeOf(err) == code {
		return nil
	}
	return err
}

// An event that was being received while its candidate was erased goes as soon as it is to be dispatched.
func TestEventOfErasedCandidate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	b.erase(t, id)
	b.exec(t, `insert into events (id, seq, source, external_id, type, subject, candidate_id, time, received_at, record_only, data)
		values ('evt_late', 99, 'ats', 'late', 'page.viewed', 'ATS-1', $1, now(), now(), false, '{}')`, id)
	b.dispatch(t, id, func(*crm.Inbox) (*crm.Dispatched, error) { return nil, errors.New("there is nobody to dispatch for") })
	if n := b.number(t, "select count(*) from events"); n != 0 {
		t.Errorf("%d events are left", n)
	}
}

// A planned message of somebody who is being erased is never claimed once that is done.
func TestEraseAgainstSenders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const people = 30
	var ids, names []string
	for i := range people {
		names = append(names, fmt.Sprint("ATS-", i))
		ids = append(ids, b.candidate(t, names[i]))
		b.plan(t, b.enroll(t, ids[i], "nurture"), "hello", crm.Email)
	}
	var gone sync.Map // candidates whose erasure is committed
	var all sync.WaitGroup
	all.Go(func() {
		for i, id := range ids {
			for {
				_, err := b.Erase(t.Context(), b.erasure(id))
				if crm.CodeOf(err) == crm.CodeUnavailable {
					continue // a message is on its way
				}
				if err != nil {
					t.Errorf("erase %s: %v", names[i], err)
				}
				gone.Store(id, true)
				break
			}
		}
	})
	for range 2 {
		all.Go(func() {
			for left := people; left > 0; {
				check := func(*store.Claim) store.Verdict {
					return store.Verdict{State: crm.MessageClaimed, Address: "ana@example.org"}
				}
				claims, err := b.Claim(t.Context(), b.now(), crm.Email, 3, time.Minute, check)
				if err != nil {
					t.Errorf("claim: %v", err)
					return
				}
				for i := range claims {
					m := &claims[i].Message
					if _, erased := gone.Load(m.CandidateID); erased {
						t.Errorf("message %s would be sent after its candidate was erased", m.ID)
					}
					if err := b.Accept(t.Context(), m.ID, store.Acceptance{Provider: "p", ProviderID: m.ID, At: b.now()}); err != nil {
						t.Errorf("accept: %v", err)
					}
				}
				left = b.number(t, "select count(*) from candidates")
			}
		})
	}
	all.Wait()
	if n := b.number(t, "select count(*) from erasures"); n != people {
		t.Errorf("%d were erased", n)
	}
}

// What is counted of people who were anonymized shows from five on, and stays in what is counted of experiments.
func TestAnonymizedAreCounted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	past := func() map[string]int64 {
		counts, err := b.PastCounts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int64{}
		for _, c := range counts {
			got[strings.Join([]string{c.Kind, c.Definition, c.Step, c.Outcome, c.Month.Format("2006-01")}, " ")] = c.N
		}
		return got
	}
	var ids []string
	for i := range 6 {
		id := b.candidate(t, fmt.Sprint("ATS-", i))
		b.exec(t, "update applications set role_function = 'nursing' where id = $1", b.application(t, id, "APP-1"))
		ids = append(ids, id)
	}
	b.exec(t, "update applications set role_function = 'midwife to the queen' where id = $1", b.application(t, ids[0], "APP-2"))
	for i, id := range ids {
		run := b.enroll(t, id, "nurture")
		b.decide(t, run, func(f *crm.Facts, d *crm.Decision) {
			d.Messages = []crm.Message{intent(f, d, "hello", crm.Email)}
			d.Assigned = []crm.Assignment{{Step: "try", Arm: []string{"a", "b"}[i/5], At: d.At}}
			d.Command, d.Outcome = crm.CommandExit, crm.OutcomeCompleted
		})
		what := b.erasure(id)
		what.Mode = crm.RetentionAnonymize
		if i == 4 {
			if got := past(); len(got) != 0 {
				t.Errorf("of four there is shown %v", got)
			}
		}
		if _, err := b.Erase(t.Context(), what); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]int64{
		"run nurture  completed 2026-11": 6, "message nurture hello planned 2026-11": 6, "arm nurture try a 2026-11": 5, "application nursing  open 1970-01": 6,
	}
	if got := past(); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if n := b.number(t, "select count(*) from past_counts where definition like '%queen%'"); n != 0 {
		t.Error("a word that one person's application had is kept in the counts")
	}
	arms, err := b.ExperimentArms(t.Context(), "nurture", nil)
	if err != nil || len(arms) != 1 || arms[0].Arm != "a" || arms[0].Assigned != 5 || arms[0].Mature != 5 {
		t.Errorf("the arms are %+v, %v", arms, err)
	}
}
