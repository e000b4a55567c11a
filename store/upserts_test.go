package store_test

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

func (b *bundle) upsert(t *testing.T, writes ...store.Write) []store.Upserted {
	t.Helper()
	done, err := b.UpsertCandidates(t.Context(), writes, b.now())
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func full() crm.Candidate {
	return crm.Candidate{
		ExternalID: "ATS-1", FirstName: "Ana", LastName: "Núñez", Email: "Ana@example.org", Phone: "+447700900001", Country: "GB",
		Region: "North West", City: "Leeds", TimeZone: "Europe/London", Locale: "en-GB", Status: "applicant", Source: "referral",
		Owner: "maya@trust.example", Seniority: "senior", Functions: []string{"nursing"}, Skills: []string{"theatre", "icu"},
		Tags: []string{"alumni"}, Score: 7, Attributes: map[string]any{"band": "6", "miles": 12.5}, LegalHold: true,
		CreatedAt: start().Add(-240 * time.Hour), LastActivityAt: start().Add(-24 * time.Hour),
	}
}

func TestUpsertRoundTrip(t *testing.T) {
	t.Parallel()
	b := setup(t)
	done := b.upsert(t, store.Write{Candidate: full(), Consents: []crm.Consent{grant("news", crm.Email)}})
	if !done[0].Created || done[0].Err != nil {
		t.Fatalf("got %+v", done[0])
	}
	want := full()
	want.ID, want.UpdatedAt, want.ScoredAt = done[0].ID, b.now(), b.now()
	for _, name := range []string{"ATS-1", done[0].ID} {
		got, consents, err := b.Candidate(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("candidate %s differs (-want +got):\n%s", name, diff)
		}
		line := grant("news", crm.Email)
		line.CandidateID = want.ID
		if len(consents) == 1 { // proof of which address it is for, and not the address
			line.AddressHash = consents[0].AddressHash
		}
		if len(line.AddressHash) != 64 {
			t.Errorf("the address that the consent is for: %q", line.AddressHash)
		}
		if diff := cmp.Diff([]crm.Consent{line}, consents); diff != "" {
			t.Errorf("consents differ (-want +got):\n%s", diff)
		}
	}
	if got := types(b.drain(t, want.ID)); !slices.Equal(got, []string{"candidate.created"}) {
		t.Errorf("events are %v", got)
	}
	_, _, err := b.Candidate(t.Context(), "nobody")
	wantCode(t, err, crm.CodeNotFound)
}

func TestUpsertChanges(t *testing.T) {
	t.Parallel()
	revoked := grant("news", crm.Email)
	revoked.Granted, revoked.At = false, start()
	older := revoked
	older.Granted, older.At = true, start().Add(-48*time.Hour)
	for name, test := range map[string]struct {
		write   store.Write
		changed []string
		events  []string
	}{
		"the same again": {
			store.Write{Candidate: full(), Consents: []crm.Consent{grant("news", crm.Email)}}, nil, nil,
		},
		"less is no change": {
			store.Write{Candidate: crm.Candidate{ExternalID: "ATS-1"}}, nil, nil,
		},
		"fields": {
			store.Write{Candidate: crm.Candidate{ExternalID: "ATS-1", City: "York", Tags: []string{"a", "b"}}},
			[]string{"city", "tags"},
			[]string{"candidate.updated"},
		},
		"a field given empty is cleared": {
			store.Write{Candidate: crm.Candidate{ExternalID: "ATS-1"}, Present: map[string]bool{"phone": true, "legal_hold": true}},
			[]string{"legal_hold", "phone"},
			[]string{"candidate.updated"},
		},
		"attributes are merged": {
			store.Write{Candidate: crm.Candidate{ExternalID: "ATS-1", Attributes: map[string]any{"band": nil, "miles": 12.5, "new": true}}},
			[]string{"attributes"},
			[]string{"candidate.updated"},
		},
		"the same consent, later": {
			store.Write{Candidate: crm.Candidate{ExternalID: "ATS-1"}, Consents: []crm.Consent{{Purpose: "news", Channel: crm.Email, Granted: true}}},
			nil, nil,
		},
		"a consent is revoked": {
			store.Write{Candidate: crm.Candidate{ExternalID: "ATS-1"}, Consents: []crm.Consent{revoked}},
			[]string{"consents"},
			[]string{"consent.revoked"},
		},
		"later activity is no change of fields": {
			store.Write{Candidate: crm.Candidate{ExternalID: "ATS-1", LastActivityAt: start()}}, nil, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			first := b.upsert(t, store.Write{Candidate: full(), Consents: []crm.Consent{grant("news", crm.Email)}})
			b.drain(t, first[0].ID)
			b.pass(time.Minute)
			for i, want := range [][]string{test.changed, nil} { // the second time nothing is left to change
				done := b.upsert(t, test.write)
				if done[0].Created || done[0].ID != first[0].ID || !slices.Equal(done[0].Changed, want) {
					t.Errorf("time %d: got %+v, want changed %v", i+1, done[0], want)
				}
			}
			events := b.drain(t, first[0].ID)
			if got := types(events); !slices.Equal(got, test.events) {
				t.Errorf("events are %v, want %v", got, test.events)
			}
			for _, e := range events {
				if e.Type == "candidate.updated" && fmt.Sprint(e.Data["changed"]) != fmt.Sprint(test.changed) {
					t.Errorf("the event says %v changed, want %v", e.Data["changed"], test.changed)
				}
			}
		})
	}
}

func TestUpsertBatch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	byExternal := func(name, city string) store.Write {
		return store.Write{Candidate: crm.Candidate{ExternalID: name, City: city}}
	}
	done := b.upsert(t,
		byExternal("ATS-2", "Leeds"), byExternal("ATS-1", "Leeds"), byExternal("ATS-2", "York"),
		store.Write{Candidate: crm.Candidate{FirstName: "Nobody's"}},
		store.Write{Candidate: crm.Candidate{ID: "cnd_unknown", City: "York"}},
	)
	if !done[0].Created || !done[1].Created || done[2].Created || done[2].ID != done[0].ID || !done[3].Created {
		t.Errorf("got %+v", done)
	}
	wantCode(t, done[4].Err, crm.CodeNotFound)
	got, _, err := b.Candidate(t.Context(), "ATS-2")
	if err != nil || got.City != "York" {
		t.Errorf("got %+v, %v, want the later city", got, err)
	}
	named := b.upsert(t, store.Write{Candidate: crm.Candidate{ID: done[3].ID, ExternalID: "ATS-3"}})
	if named[0].ID != done[3].ID || !slices.Equal(named[0].Changed, []string{"external_id"}) {
		t.Errorf("naming a candidate gave %+v", named[0])
	}
	_, err = b.CreateCandidate(t.Context(), byExternal("ATS-3", "Hull"), b.now())
	wantCode(t, err, crm.CodeConflict)
}

func TestUpsertConcurrently(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const people = 40
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			var writes []store.Write
			for j := range people {
				n := (j*7 + i*11) % people // each in another order
				writes = append(writes, store.Write{Candidate: crm.Candidate{ExternalID: fmt.Sprintf("ATS-%02d", n), City: strconv.Itoa(i)}})
			}
			if _, err := b.UpsertCandidates(t.Context(), writes, b.now()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	items, _, err := b.ListCandidates(t.Context(), store.CandidateFilter{Limit: 500})
	if err != nil || len(items) != people {
		t.Errorf("there are %d candidates, %v, want %d", len(items), err, people)
	}
}

func TestAdoption(t *testing.T) {
	t.Parallel()
	b := setup(t)
	at := func(minutes int, eventType string) crm.Event {
		e := b.event(eventType, "ATS-1", map[string]any{"purpose": "news"})
		e.Time = start().Add(time.Duration(minutes) * time.Minute)
		return e
	}
	b.pass(time.Hour)
	got := b.receive(t, at(20, "consent.revoked"), at(1, "page.viewed"), at(10, "consent.granted"))
	if got[0].Event.CandidateID != "" {
		t.Fatalf("got %+v", got[0])
	}
	id := b.upsert(t, store.Write{Candidate: crm.Candidate{ExternalID: "ATS-1"}})[0].ID
	if b.state(t, id, "news", crm.Email) != crm.ConsentRevoked {
		t.Error("the later consent event is not in force")
	}
	want := []string{"consent.revoked", "page.viewed", "consent.granted", "candidate.created"}
	if got := types(b.drain(t, id)); !slices.Equal(got, want) {
		t.Errorf("events are %v, want %v", got, want)
	}
}

// Events that arrive while their candidate is being created may see no candidate, and be seen by none.
func TestAdoptionRace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const people = 60
	var wg sync.WaitGroup
	for i := range people {
		name := fmt.Sprintf("ATS-%d", i)
		consent, view := b.event("consent.granted", name, map[string]any{"purpose": "news"}), b.event("page.viewed", name, nil)
		for _, call := range []func() error{
			func() error {
				_, err := b.UpsertCandidates(t.Context(), []store.Write{{Candidate: crm.Candidate{ExternalID: name}}}, b.now())
				return err
			},
			func() error { _, err := b.Receive(t.Context(), []crm.Event{consent}); return err },
			func() error { _, err := b.Receive(t.Context(), []crm.Event{view}); return err },
		} {
			wg.Go(func() {
				if err := call(); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	for {
		n, err := b.AdoptEvents(t.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
	}
	for i := range people {
		c, history, err := b.Candidate(t.Context(), fmt.Sprintf("ATS-%d", i))
		if err != nil {
			t.Fatal(err)
		}
		if crm.ConsentFor(history, "news", crm.Email) != crm.ConsentGranted {
			t.Errorf("candidate %d has lost their consent", i)
		}
		if events := b.drain(t, c.ID); len(events) != 3 {
			t.Errorf("candidate %d has events %v, want 3", i, types(events))
		}
	}
}

func TestAdoptEvents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	b.receive(t, b.event("page.viewed", "ATS-later", nil), b.event("page.viewed", "ATS-never", nil))
	b.exec(t, "update candidates set external_id = 'ATS-later' where id = $1", id) // as the race would leave it
	if n, err := b.AdoptEvents(t.Context(), 10); n != 1 || err != nil {
		t.Errorf("adopted %d, %v, want 1", n, err)
	}
	if got := types(b.drain(t, id)); !slices.Equal(got, []string{"page.viewed"}) {
		t.Errorf("events are %v", got)
	}
	if n, err := b.AdoptEvents(t.Context(), 10); n != 0 || err != nil {
		t.Errorf("adopted %d more, %v", n, err)
	}
}

// However many events of strangers there are, every kept event is looked at in time.
func TestAdoptEventsAmongMany(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	b.receive(t, b.event("page.viewed", "ATS-later", nil))
	b.exec(t, `insert into events (id, seq, source, external_id, type, subject, time, received_at, record_only, data)
		select 'evt_' || i, nextval('events_seq'), 'noise', i::text, 'page.viewed', 'nobody' || i, $1, $1, false, '{}'
		from generate_series(1, 12000) i`, b.now())
	b.exec(t, "update events set seq = 6000 where subject = 'ATS-later'")
	b.exec(t, "update candidates set external_id = 'ATS-later' where id = $1", id)
	for call := 1; len(b.drain(t, id)) == 0; call++ {
		if call > 5 {
			t.Fatal("the event was not found")
		}
		if _, err := b.AdoptEvents(t.Context(), 10); err != nil {
			t.Fatal(err)
		}
	}
}

func TestListCandidates(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var ids []string
	for i, name := range []string{"Ana", "Bea", "Cy 100%", "Dan", "Eve"} {
		b.pass(time.Second)
		ids = append(ids, b.upsert(t, store.Write{Candidate: crm.Candidate{
			ExternalID: fmt.Sprintf("ATS-%d", i), FirstName: name, LastName: "Smith", Email: fmt.Sprintf("p%d@example.org", i), Status: []string{"lead", "hired"}[i%2],
		}})[0].ID)
	}
	slices.Reverse(ids)
	var got []string
	after := ""
	for {
		items, next, err := b.ListCandidates(t.Context(), store.CandidateFilter{Limit: 2, After: after})
		if err != nil {
			t.Fatal(err)
		}
		for i := range items {
			got = append(got, items[i].ID)
		}
		if after = next; next == "" {
			break
		}
	}
	if !slices.Equal(got, ids) {
		t.Errorf("pages give %v, want %v", got, ids)
	}
	for _, test := range []struct {
		filter store.CandidateFilter
		want   int
	}{
		{store.CandidateFilter{Status: "hired"}, 2},
		{store.CandidateFilter{Query: "bea smi"}, 1},
		{store.CandidateFilter{Query: "P3@EXAMPLE"}, 1},
		{store.CandidateFilter{Query: "ats-"}, 5},
		{store.CandidateFilter{Query: "100%"}, 1},
		{store.CandidateFilter{Query: "_"}, 0},
	} {
		items, _, err := b.ListCandidates(t.Context(), test.filter)
		if err != nil || len(items) != test.want {
			t.Errorf("%+v gives %d candidates, %v, want %d", test.filter, len(items), err, test.want)
		}
	}
}

// A score that is imported is worth that much now. The same number again is nothing new.
func TestUpsertScore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	write := store.Write{Candidate: crm.Candidate{ExternalID: "ATS-1", Score: 8}}
	b.pass(time.Hour)
	scored := b.now()
	if done := b.upsert(t, write); !slices.Equal(done[0].Changed, []string{"score"}) {
		t.Errorf("changed %v, want the score", done[0].Changed)
	}
	b.pass(time.Hour)
	if done := b.upsert(t, write); len(done[0].Changed) != 0 {
		t.Errorf("the same again changed %v, want nothing", done[0].Changed)
	}
	c, _, err := b.Candidate(t.Context(), id)
	if err != nil || c.Score != 8 || !c.ScoredAt.Equal(scored) {
		t.Errorf("the score is %v of %v, %v, want 8 of %v", c.Score, c.ScoredAt, err, scored)
	}
}
