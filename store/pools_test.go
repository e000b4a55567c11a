package store_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// members lists who is in a pool.
func (b *bundle) members(t *testing.T, pool string) []string {
	t.Helper()
	items, _, err := b.PoolMembers(t.Context(), pool, "", 500)
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]string, len(items))
	for i := range items {
		ids[i] = items[i].CandidateID
	}
	return ids
}

// told writes events of pools as "pool.entered P by X".
func told(events []crm.Event) []string {
	lines := []string{}
	for i := range events {
		if e := &events[i]; e.Text("pool") != "" {
			lines = append(lines, e.Type+" "+e.Text("pool")+" by "+e.Text("by"))
		}
	}
	return lines
}

func TestPoolByHand(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ana, ben := b.candidate(t, "ATS-1"), b.candidate(t, "ATS-2")
	add := func(names ...string) (int, error) { return b.AddToPool(t.Context(), "evening", names, "maya", b.now()) }
	if n, err := add("ATS-1"); n != 1 || err != nil {
		t.Fatalf("added %d, %v", n, err)
	}
	if n, err := add(ana, "ATS-1", ben); n != 1 || err != nil {
		t.Fatalf("added %d, %v; Ana was in it, Ben was not", n, err)
	}
	if got := told(b.drain(t, ana)); !slices.Equal(got, []string{"pool.entered evening by maya"}) {
		t.Errorf("of Ana is told %v", got)
	}
	_, err := add("ATS-3", "ATS-1", "ATS-4")
	wantCode(t, err, crm.CodeNotFound)
	if n, err := b.RemoveFromPool(t.Context(), "evening", []string{"ATS-2"}, "maya", b.now()); n != 1 || err != nil {
		t.Fatalf("removed %d, %v", n, err)
	}
	if n, err := b.RemoveFromPool(t.Context(), "evening", []string{ben}, "maya", b.now()); n != 0 || err != nil {
		t.Fatalf("removed %d again, %v", n, err)
	}
	if got := told(b.drain(t, ben)); !slices.Equal(got, []string{"pool.entered evening by maya", "pool.left evening by maya"}) {
		t.Errorf("of Ben is told %v", got)
	}
	if got := b.members(t, "evening"); !slices.Equal(got, []string{ana}) {
		t.Errorf("members are %v, want Ana", got)
	}
}

func TestPoolMembers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var names []string
	for i := range 5 {
		names = append(names, fmt.Sprint("ATS-", i))
		b.candidate(t, names[i])
	}
	if _, err := b.AddToPool(t.Context(), "evening", names, "maya", b.now()); err != nil {
		t.Fatal(err)
	}
	var got []string
	after := ""
	for {
		items, next, err := b.PoolMembers(t.Context(), "evening", after, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range items {
			got = append(got, m.ExternalID)
			if m.FirstName != "Ana" || !m.Since.Equal(b.now()) {
				t.Errorf("the member is %+v", m)
			}
		}
		if after = next; next == "" {
			break
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, names) {
		t.Errorf("pages have %v, want %v", got, names)
	}
	sizes, err := b.PoolSizes(t.Context())
	if err != nil || len(sizes) != 1 || sizes["evening"] != 5 {
		t.Errorf("sizes are %v, %v", sizes, err)
	}
}

// A step of a run puts the candidate into pools and takes them out; only what really changes is told.
func TestDecisionChangesPools(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	run := b.enroll(t, id, "nurture")
	if _, err := b.AddToPool(t.Context(), "old", []string{id}, "maya", b.now()); err != nil {
		t.Fatal(err)
	}
	b.drain(t, id)
	b.decide(t, run, func(f *crm.Facts, d *crm.Decision) {
		if !slices.Equal(f.Pools, []string{"old"}) {
			t.Errorf("the candidate is in %v before", f.Pools)
		}
		d.Change = &crm.CandidateChange{Enter: []string{"new", "new", "old"}, Leave: []string{"other"}}
	})
	if got := told(b.drain(t, id)); !slices.Equal(got, []string{"pool.entered new by " + run}) {
		t.Errorf("entering is told by %v", got)
	}
	b.decide(t, run, func(f *crm.Facts, d *crm.Decision) {
		if !slices.Equal(f.Pools, []string{"new", "old"}) {
			t.Errorf("the candidate is in %v, want new and old", f.Pools)
		}
		d.Change = &crm.CandidateChange{Leave: []string{"old"}}
	})
	if got := told(b.drain(t, id)); !slices.Equal(got, []string{"pool.left old by " + run}) {
		t.Errorf("leaving is told by %v", got)
	}
	if got := b.members(t, "old"); len(got) != 0 {
		t.Errorf("the pool that was left has %v", got)
	}
}

// The dispatcher's changes of pools are written with the events that tell of them, which are dispatched like any other; a run
// is asked to end.
func TestDispatchedPools(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	run := b.enroll(t, id, "nurture")
	entered := b.event("pool.entered", id, map[string]any{"pool": "nurses"})
	entered.ID, entered.CandidateID = crm.NewID(crm.PrefixEvent, b.now()), id
	scored := b.now().Add(-time.Minute)
	b.receive(t, b.event("message.clicked", id, nil))
	b.dispatch(t, id, func(in *crm.Inbox) (*crm.Dispatched, error) {
		out := positions(in)
		out.Pools = []crm.PoolChange{{Pool: "nurses", Entered: true}, {Pool: "doctors", Entered: true}, {Pool: "doctors"}}
		out.New = []crm.Event{entered}
		out.Candidate.Score = &crm.Score{Points: 12.5, At: scored}
		return out, nil
	})
	if got := b.members(t, "nurses"); !slices.Equal(got, []string{id}) {
		t.Errorf("members are %v", got)
	}
	if got := b.members(t, "doctors"); len(got) != 0 {
		t.Errorf("members of a pool that was entered and left are %v", got)
	}
	c, _, err := b.Candidate(t.Context(), id)
	if err != nil || c.Score != 12.5 || !c.ScoredAt.Equal(scored) {
		t.Errorf("the score is %v of %v, %v", c.Score, c.ScoredAt, err)
	}
	pending, err := b.PendingCandidates(t.Context(), 10)
	if err != nil || !slices.Equal(pending, []string{id}) {
		t.Fatalf("pending are %v, %v", pending, err)
	}
	b.dispatch(t, id, func(in *crm.Inbox) (*crm.Dispatched, error) {
		if got := told(in.Events); len(got) != 1 || !slices.Equal(in.Pools, []string{"nurses"}) || !slices.Equal(in.Enrolled, []string{"nurture"}) {
			t.Errorf("the inbox has %v, of a candidate in %v and %v", got, in.Pools, in.Enrolled)
		}
		out := positions(in)
		out.Controls = []crm.ControlledRun{{EnrollmentID: run, Ending: crm.OutcomeLeft}}
		return out, nil
	})
	if r := b.run(t, run); r.Ending != crm.OutcomeLeft || r.Wake != 1 {
		t.Errorf("the run is %+v", r)
	}
}

func TestEventsOfDecision(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	run := b.enroll(t, id, "nurture")
	fill := func(_ *crm.Facts, d *crm.Decision) {
		d.Seq = 1
		d.Events = []crm.Event{
			{Source: crm.SourceRapport, Type: "custom.kept_warm", Data: map[string]any{"by": run}},
			{Source: crm.SourceControl, Type: crm.ControlEnroll, Data: map[string]any{"by": run, "definition": "other"}},
		}
		for i := range d.Events {
			e := &d.Events[i]
			e.ID, e.ExternalID = crm.DeriveID(crm.PrefixEvent, d.At, run, strconv.Itoa(i)), run+"/"+strconv.Itoa(i)
			e.CandidateID, e.Subject, e.Time, e.ReceivedAt = id, id, d.At, d.At
		}
	}
	b.decide(t, run, fill)
	if _, err := b.tryDecide(t.Context(), run, fill); store.SQLState(err) != "23505" {
		t.Errorf("the same decision again: %v, want that its number is taken", err)
	}
	if got := types(b.drain(t, id)); !slices.Equal(got, []string{"custom.kept_warm", crm.ControlEnroll}) {
		t.Errorf("events are %v", got)
	}
	if got := types(b.drain(t, id)); len(got) != 0 {
		t.Errorf("events are there twice: %v", got)
	}
}
