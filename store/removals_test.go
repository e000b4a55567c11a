package store_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// asks is a reply of a candidate that asks to be left alone, and what is to follow.
func (b *bundle) asks(id, externalID string, spared ...string) ([]crm.Event, []store.Removal) {
	e := b.event("message.replied", id, nil)
	e.ExternalID = externalID
	return []crm.Event{e}, []store.Removal{{CandidateID: id, Event: externalID, Title: "asks to be removed: stop", Spared: spared, At: b.now()}}
}

func TestRemoval(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id, other := b.candidate(t, "ATS-1"), b.candidate(t, "ATS-2")
	if _, err := b.UpsertCandidates(t.Context(), []store.Write{{Present: map[string]bool{"external_id": true, "owner": true}, Candidate: crm.Candidate{ExternalID: "ATS-1", Owner: "maya@north.example"}}}, b.now()); err != nil {
		t.Fatal(err)
	}
	nurture, survey, theirs := b.enroll(t, id, "nurture"), b.enroll(t, id, "survey"), b.enroll(t, other, "nurture")
	message := b.plan(t, nurture, "thanks", crm.Email)
	b.drain(t, id)
	events, removals := b.asks(id, "mail/1", b.run(t, survey).Hash)
	for i, duplicate := range []bool{false, true} {
		received, err := b.ReceiveWithRemovals(t.Context(), events, removals)
		if err != nil || len(received) != 1 || received[0].Duplicate != duplicate {
			t.Fatalf("%d: %+v, %v", i, received, err)
		}
	}
	if !b.run(t, nurture).Paused || b.run(t, survey).Paused || b.run(t, theirs).Paused {
		t.Error("the nurture is to rest, and nothing else")
	}
	if claims := b.claimAll(t); len(claims) != 0 || b.message(t, message).State != crm.MessagePlanned {
		t.Errorf("%d messages were claimed", len(claims))
	}
	var controls []string
	for _, e := range b.drain(t, id) {
		if e.Source == crm.SourceControl {
			controls = append(controls, fmt.Sprint(e.Type, " ", e.Data["enrollment"] == nurture, " ", e.Data["reason"], " by ", e.Data["by"]))
		}
	}
	if diff := cmp.Diff([]string{"enrollment.paused true asks_to_be_removed by rapport"}, controls); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	tasks, _, err := b.ListTasks(t.Context(), store.TaskFilter{Candidate: id})
	if err != nil || len(tasks) != 1 || tasks[0].Assignee != "maya@north.example" || tasks[0].Title != "asks to be removed: stop" || tasks[0].State != crm.TaskOpen {
		t.Errorf("tasks: %+v, %v", tasks, err)
	}
	entries, _, err := b.Timeline(t.Context(), id, 100, "")
	if err != nil || !slices.ContainsFunc(entries, func(e store.Entry) bool {
		return e.EventType == crm.ControlPause && e.Reason == crm.ReasonAsksRemoval && e.EnrollmentID == nurture
	}) {
		t.Errorf("the timeline does not say why: %v", err)
	}
}

// A removal follows a candidate who was merged meanwhile, and one of nobody is only an event.
func TestRemovalOfOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	from, into := b.candidate(t, "ATS-1"), b.candidate(t, "ATS-2")
	run := b.enroll(t, into, "nurture")
	if _, err := b.Merge(t.Context(), from, into, "maya", b.now(), nil); err != nil {
		t.Fatal(err)
	}
	for i, candidate := range []string{from, "cnd_nobody"} {
		events, removals := b.asks(candidate, fmt.Sprint("mail/", i))
		if _, err := b.ReceiveWithRemovals(t.Context(), events, removals); err != nil {
			t.Fatal(err)
		}
	}
	tasks, _, err := b.ListTasks(t.Context(), store.TaskFilter{})
	if err != nil || len(tasks) != 1 || tasks[0].CandidateID != into || !b.run(t, run).Paused {
		t.Errorf("tasks: %+v, %v", tasks, err)
	}
}

// Senders claim what is due while replies ask for the end of it: nothing is claimed once such a reply is in.
func TestRemovalAgainstDueSends(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const people = 60
	candidates, messages := make([]string, people), make([]string, people)
	for i := range candidates {
		candidates[i] = b.candidate(t, fmt.Sprint("ATS-", i))
		messages[i] = b.plan(t, b.enroll(t, candidates[i], "nurture"), "thanks", crm.Email)
	}
	b.pass(time.Minute)
	var done sync.Map // candidates whose reply is committed
	var late atomic.Int64
	var left atomic.Int64
	left.Store(people)
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for left.Load() > 0 {
				before := map[string]bool{}
				done.Range(func(id, _ any) bool { before[id.(string)] = true; return true })
				claims, err := b.Claim(t.Context(), b.now(), crm.Email, 1, time.Minute, func(*store.Claim) store.Verdict {
					return store.Verdict{State: crm.MessageClaimed, Address: "a@example.org"}
				})
				if err != nil {
					t.Error(err)
					return
				}
				for i := range claims {
					if before[claims[i].Message.CandidateID] {
						late.Add(1)
					}
				}
			}
		})
	}
	all.Go(func() {
		for i, id := range slices.Backward(candidates) {
			events, removals := b.asks(id, fmt.Sprint("mail/", i))
			if _, err := b.ReceiveWithRemovals(t.Context(), events, removals); err != nil {
				t.Error(err)
			}
			done.Store(id, true)
			left.Add(-1)
		}
	})
	all.Wait()
	b.claimAll(t)
	states := map[crm.MessageState]int{}
	for _, id := range messages {
		states[b.message(t, id).State]++
	}
	if late.Load() > 0 || states[crm.MessageClaimed]+states[crm.MessagePlanned] != people {
		t.Errorf("%d were claimed after the reply; states: %v", late.Load(), states)
	}
	t.Logf("states: %v", states)
}
