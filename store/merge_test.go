package store_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

func (b *bundle) merge(t *testing.T, from, into string) store.Merged {
	t.Helper()
	m, err := b.Merge(t.Context(), from, into, "maya", b.now(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (b *bundle) read(t *testing.T, name string) crm.Candidate {
	t.Helper()
	c, _, err := b.Candidate(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// count runs a query that gives one number.
func (b *bundle) number(t *testing.T, sql string, arguments ...any) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), b.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if err := conn.QueryRow(t.Context(), sql, arguments...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestMergeFields(t *testing.T) {
	t.Parallel()
	b := setup(t)
	writes := []store.Write{
		{Candidate: crm.Candidate{
			ExternalID: "ATS-1", FirstName: "Ana", Email: "ana@example.org", Tags: []string{"a"}, Score: 5, Attributes: map[string]any{"band": "5"},
			CreatedAt: start().Add(-time.Hour),
		}},
		{Candidate: crm.Candidate{
			ExternalID: "ATS-2", FirstName: "Anna", LastName: "Diaz", Email: "a.diaz@example.org", Phone: "+447700900002", Tags: []string{"b"}, Score: 3,
			Attributes: map[string]any{"band": "6", "visa": "yes"}, LegalHold: true, CreatedAt: start().Add(-time.Hour * 48), LastActivityAt: start(),
		}},
	}
	written := b.upsert(t, writes...)
	into, from := written[0].ID, written[1].ID
	b.drain(t, into)
	b.drain(t, from)
	b.exec(t, "update candidates set last_contacted_at = $2 where id = $1", from, start())
	b.pass(time.Minute)
	worth := func(c *crm.Candidate) float64 { return c.Score / 2 }
	merged, err := b.Merge(t.Context(), "ATS-2", into, "maya", b.now(), worth)
	if err != nil || merged.ID != into || merged.Already {
		t.Fatalf("got %+v, %v", merged, err)
	}
	want := crm.Candidate{
		ID: into, ExternalID: "ATS-1", FirstName: "Ana", LastName: "Diaz", Email: "ana@example.org", Phone: "+447700900002", Tags: []string{"a", "b"},
		Score: 4, ScoredAt: b.now(), Attributes: map[string]any{"band": "5", "visa": "yes"}, LegalHold: true, CreatedAt: start().Add(-time.Hour * 48),
		UpdatedAt: b.now(), LastActivityAt: start(), LastContactedAt: start(),
	}
	if diff := cmp.Diff(want, b.read(t, into)); diff != "" {
		t.Errorf("the survivor (-want +got):\n%s", diff)
	}
	for address, n := range map[string]int{"ana@example.org": 1, "a.diaz@example.org": 0} {
		if found, err := b.CandidatesByAddress(t.Context(), crm.Email, address); err != nil || len(found) != n {
			t.Errorf("%s reaches %v, %v", address, found, err)
		}
	}
	if found, err := b.CandidatesByAddress(t.Context(), crm.SMS, "+447700900002"); err != nil || len(found) != 1 || found[0].ID != into {
		t.Errorf("the number reaches %v, %v", found, err)
	}
	events := b.drain(t, into)
	if len(events) != 2 || events[0].Type != "candidate.merged" || events[0].Text("into") != into || events[0].Text("from") != from || events[0].Text("by") != "maya" ||
		events[1].Type != "candidate.updated" || fmt.Sprint(events[1].Data["changed"]) != "[attributes last_name legal_hold phone score tags]" {
		t.Errorf("told %+v", events)
	}
}

func TestMergedNamesReachTheSurvivor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, second, third := b.candidate(t, "ATS-1"), b.candidate(t, "ATS-2"), b.candidate(t, "ATS-3")
	b.merge(t, "ATS-1", "ATS-2")
	b.merge(t, second, third)
	for _, name := range []string{first, "ATS-1", second, "ATS-2", third, "ATS-3"} {
		if c := b.read(t, name); c.ID != third || c.ExternalID != "ATS-3" {
			t.Errorf("%s is %s %s", name, c.ID, c.ExternalID)
		}
		if got := b.receive(t, b.event("page.viewed", name, nil), b.event("consent.granted", name, map[string]any{"purpose": "news"})); got[0].Event.CandidateID != third || got[1].Event.CandidateID != third {
			t.Errorf("events of %s are of %s and %s", name, got[0].Event.CandidateID, got[1].Event.CandidateID)
		}
	}
	if got := b.upsert(t, store.Write{Candidate: crm.Candidate{ExternalID: "ATS-1", City: "Leeds"}}, store.Write{Candidate: crm.Candidate{ID: second, Region: "Yorkshire"}}); got[0].ID != third || got[1].ID != third {
		t.Errorf("upserts: %+v", got)
	}
	if c := b.read(t, third); c.City != "Leeds" || c.Region != "Yorkshire" || c.ExternalID != "ATS-3" {
		t.Errorf("after the upserts: %+v", c)
	}
	_, err := b.CreateCandidate(t.Context(), store.Write{Candidate: crm.Candidate{ExternalID: "ATS-2"}}, b.now())
	wantCode(t, err, crm.CodeConflict)
	if n, err := b.AddToPool(t.Context(), "evening", []string{first, "ATS-2"}, "maya", b.now()); err != nil || n != 1 {
		t.Errorf("put %d into the pool, %v", n, err)
	}
	out := store.OptOut{Channel: crm.Email, CandidateID: first, Reason: crm.SuppressedUnsubscribe, Purpose: "news", Source: "link", At: b.now()}
	if _, err := b.ReceiveWithOptOuts(t.Context(), nil, []store.OptOut{out}); err != nil {
		t.Fatal(err)
	}
	_, consents, err := b.Candidate(t.Context(), third)
	if err != nil || crm.ConsentFor(consents, "news", crm.Email) != crm.ConsentRevoked {
		t.Errorf("an opt-out by the old id: %v, %v", consents, err)
	}
	if again := b.merge(t, "ATS-1", third); again != (store.Merged{ID: third, Already: true}) {
		t.Errorf("merging again: %+v", again)
	}
	_, err = b.Merge(t.Context(), "ATS-3", third, "maya", b.now(), nil)
	wantCode(t, err, crm.CodeInvalid)
	_, err = b.Merge(t.Context(), "ATS-9", third, "maya", b.now(), nil)
	wantCode(t, err, crm.CodeNotFound)
	_, err = b.Merge(t.Context(), third, "ATS-9", "maya", b.now(), nil)
	wantCode(t, err, crm.CodeNotFound)
}

// A survivor without an external id gets the other's, which then is no former name.
func TestMergeTakesExternalID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	into := b.upsert(t, store.Write{Candidate: crm.Candidate{FirstName: "Ana"}})[0].ID
	b.candidate(t, "ATS-1")
	b.merge(t, "ATS-1", into)
	if c := b.read(t, "ATS-1"); c.ID != into || c.ExternalID != "ATS-1" {
		t.Errorf("got %+v", c)
	}
	if n := b.number(t, "select count(*) from aliases where name = 'ATS-1'"); n != 0 {
		t.Error("the external id is kept as a former one")
	}
}

func TestMergeConsents(t *testing.T) {
	t.Parallel()
	said := func(day int, granted bool) []crm.Consent {
		return []crm.Consent{{Purpose: "news", Channel: crm.Email, Granted: granted, Source: "form", At: start().Add(time.Duration(day-100) * 24 * time.Hour)}}
	}
	for name, tc := range map[string]struct {
		into, from []crm.Consent
		optOut     string // who unsubscribed, now
		want       crm.ConsentState
		told       bool // of a revocation
	}{
		"nobody said anything":                  {want: crm.ConsentNone},
		"only the other agreed":                 {from: said(1, true), want: crm.ConsentGranted},
		"only the other refused":                {from: said(1, false), want: crm.ConsentRevoked},
		"both agreed":                           {into: said(1, true), from: said(2, true), want: crm.ConsentGranted},
		"the last word is the other's no":       {into: said(1, true), from: said(2, false), want: crm.ConsentRevoked, told: true},
		"the last word is the survivor's no":    {into: said(2, false), from: said(1, true), want: crm.ConsentRevoked, told: true},
		"the last word is yes":                  {into: said(1, false), from: said(2, true), want: crm.ConsentGranted},
		"yes and no at once are a no":           {into: said(1, true), from: said(1, false), want: crm.ConsentRevoked, told: true},
		"no and yes at once are a no":           {into: said(1, false), from: said(1, true), want: crm.ConsentRevoked, told: true},
		"the other's opt-out outweighs":         {into: said(1, true), from: said(2, true), optOut: "from", want: crm.ConsentRevoked, told: true},
		"the survivor's opt-out outweighs":      {into: said(1, true), from: said(2, true), optOut: "into", want: crm.ConsentRevoked, told: true},
		"the same line in both is one":          {into: said(1, true), from: said(1, true), want: crm.ConsentGranted},
		"both refused: there is nothing to end": {into: said(1, false), from: said(2, false), want: crm.ConsentRevoked},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			ids := map[string]string{"into": b.candidate(t, "ATS-1", tc.into...), "from": b.candidate(t, "ATS-2", tc.from...)}
			if tc.optOut != "" {
				out := store.OptOut{Channel: crm.Email, CandidateID: ids[tc.optOut], Reason: crm.SuppressedUnsubscribe, Purpose: "news", Source: "link", At: b.now()}
				if _, err := b.ReceiveWithOptOuts(t.Context(), nil, []store.OptOut{out}); err != nil {
					t.Fatal(err)
				}
				b.drain(t, ids[tc.optOut])
			}
			b.merge(t, ids["from"], ids["into"])
			_, consents, err := b.Candidate(t.Context(), ids["into"])
			if err != nil {
				t.Fatal(err)
			}
			if got := crm.ConsentFor(consents, "news", crm.Email); got != tc.want {
				t.Errorf("the state is %v, want %v: %+v", got, tc.want, consents)
			}
			told := slices.ContainsFunc(b.drain(t, ids["into"]), func(e crm.Event) bool { return e.Type == "consent.revoked" && e.Text("purpose") == "news" })
			if told != tc.told {
				t.Errorf("told of a revocation: %v", told)
			}
		})
	}
}

// seen are the external ids of the events that a run sees.
func (b *bundle) seen(t *testing.T, run string) []string {
	t.Helper()
	var ids []string
	b.decide(t, run, func(f *crm.Facts, d *crm.Decision) {
		for _, e := range f.Events {
			ids = append(ids, e.ExternalID)
		}
		d.Awaits = []string{"message.clicked"}
	})
	return ids
}

func (b *bundle) replied(t *testing.T, candidate, externalID string) {
	t.Helper()
	e := b.event("message.replied", candidate, nil)
	e.ExternalID = externalID
	b.receive(t, e)
}

func TestInheritedEvents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a, c, e := b.candidate(t, "A"), b.candidate(t, "C"), b.candidate(t, "E")
	runA, runC, runE := b.enroll(t, a, "alpha"), b.enroll(t, c, "gamma"), b.enroll(t, e, "epsilon")
	for name, id := range map[string]string{"a1": a, "c1": c, "e1": e} {
		b.replied(t, id, name)
		b.drain(t, id)
	}
	b.replied(t, a, "a pending")
	b.replied(t, c, "c pending")
	b.merge(t, a, c)
	if got := b.drain(t, c); len(got) < 2 || got[0].ExternalID != "a pending" || got[1].ExternalID != "c pending" {
		t.Errorf("dispatched %+v, want what was pending of both, in the order of receipt", got)
	}
	want := map[string][]string{
		runA: {"a1", "a pending", "c pending"}, // its own past, and what is new
		runC: {"c1", "a pending", "c pending"},
	}
	b.sees(t, want)
	b.replied(t, a, "after")
	b.drain(t, c)
	b.merge(t, c, e)
	b.replied(t, c, "last")
	b.drain(t, e)
	want[runA] = append(want[runA], "after", "last")
	want[runC] = append(want[runC], "after", "last")
	want[runE] = []string{"e1", "last"}
	b.sees(t, want)
	entries, _, err := b.Timeline(t.Context(), e, 500, "")
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	positions := map[int64]bool{}
	for _, x := range entries {
		if x.Kind == store.EntryEvent {
			told = append(told, x.EventType)
			if x.Position == 0 || positions[x.Position] {
				t.Errorf("position %d of %s is not one of its own", x.Position, x.EventType)
			}
			positions[x.Position] = true
		}
	}
	if n := strings.Count(strings.Join(told, " "), "message.replied"); n != 7 {
		t.Errorf("%d replies on the timeline, want all 7: %v", n, told)
	}
	if n := strings.Count(strings.Join(told, " "), "candidate.merged"); n != 2 {
		t.Errorf("%d merges on the timeline: %v", n, told)
	}
}

func (b *bundle) sees(t *testing.T, want map[string][]string) {
	t.Helper()
	for run, events := range want {
		if diff := cmp.Diff(events, b.seen(t, run)); diff != "" {
			t.Errorf("the run of %s sees (-want +got):\n%s", b.run(t, run).Definition, diff)
		}
	}
}

// The cursor of a run that came along moves with the events that it has seen.
func TestMovedCursor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	from, into := b.candidate(t, "ATS-1"), b.candidate(t, "ATS-2")
	b.enroll(t, into, "other")
	run := b.enroll(t, from, "nurture")
	b.decide(t, run, func(f *crm.Facts, d *crm.Decision) {
		d.Progress = crm.Progress{At: "x", ReachedPos: f.Position, Checked: f.Position, Seen: f.Position, Steps: map[string]crm.StepState{"hello": {Position: f.Position, Occurrence: 1}}}
	})
	before := b.run(t, run)
	b.merge(t, from, into)
	after := b.run(t, run)
	const by = 2 // the survivor's events: created, and the one that enrolled
	p := after.Progress
	if after.Position != before.Position+by || p.ReachedPos != before.Progress.ReachedPos+by || p.Checked != p.ReachedPos || p.Seen != p.ReachedPos || p.Steps["hello"].Position != p.ReachedPos {
		t.Errorf("%+v became %+v", before, after)
	}
	if after.CandidateID != into || after.Event == nil || after.Event.CandidateID != into || after.Event.Position != after.Position {
		t.Errorf("the run is %+v", after)
	}
	if before.WorkflowID() != after.WorkflowID() {
		t.Errorf("the workflow %s is now called %s", before.WorkflowID(), after.WorkflowID())
	}
}
