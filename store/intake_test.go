package store_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

func TestReceive(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	first := b.event("page.viewed", "ATS-1", map[string]any{"seconds": 3})
	again := first
	byID := b.event("page.viewed", id, nil)
	unknown := b.event("page.viewed", "ATS-nobody", nil)

	got := b.receive(t, first, byID, again, unknown)
	if got[0].Duplicate || got[1].Duplicate || !got[2].Duplicate || got[3].Duplicate {
		t.Errorf("duplicates are %v %v %v %v, want only the third", got[0].Duplicate, got[1].Duplicate, got[2].Duplicate, got[3].Duplicate)
	}
	if got[2].Event.ID != got[0].Event.ID || got[2].Event.CandidateID != id {
		t.Errorf("the duplicate is answered with %+v, want the first one's id %s", got[2].Event, got[0].Event.ID)
	}
	if got[0].Event.CandidateID != id || got[1].Event.CandidateID != id || got[3].Event.CandidateID != "" {
		t.Errorf("candidates are %q %q %q", got[0].Event.CandidateID, got[1].Event.CandidateID, got[3].Event.CandidateID)
	}
	later := b.receive(t, again)
	if !later[0].Duplicate || later[0].Event.ID != got[0].Event.ID {
		t.Errorf("a later duplicate is answered with %+v", later[0])
	}
	pending := b.drain(t, id)
	if len(pending) != 2 || pending[0].ID != got[0].Event.ID || pending[1].ID != got[1].Event.ID {
		t.Errorf("pending are %+v, want the two events in the order of the call", pending)
	}
}

func TestReceiveKeepsOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	var events []crm.Event
	for i := range 150 { // more than the front merges
		e := b.event("page.viewed", "ATS-1", nil)
		e.ExternalID = fmt.Sprintf("x%03d", 150-i) // the key's order is the reverse
		events = append(events, e)
	}
	b.receive(t, events...)
	for i, e := range b.drain(t, id) {
		if e.ExternalID != events[i].ExternalID || e.Position != int64(i)+2 { // candidate.created has position 1
			t.Fatalf("event %d is %s at position %d, want %s", i, e.ExternalID, e.Position, events[i].ExternalID)
		}
	}
}

func TestReceiveRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	good := b.event("page.viewed", "ATS-1", nil)
	for name, spoil := range map[string]func(*crm.Event){
		"no source": func(e *crm.Event) { e.Source = "" },
		"no id":     func(e *crm.Event) { e.ExternalID = "" },
		"no type":   func(e *crm.Event) { e.Type = "" },
	} {
		bad := good
		spoil(&bad)
		_, err := b.Receive(t.Context(), []crm.Event{good, bad})
		if crm.CodeOf(err) != crm.CodeInvalid {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if got := b.receive(t, good); got[0].Duplicate {
		t.Error("an event of a refused call was stored")
	}
}

// One bad event must not harm the calls that it happens to be merged with.
func TestReceiveConcurrently(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	const callers, each, distinct = 16, 25, 100
	var wg sync.WaitGroup
	var mu sync.Mutex
	fresh := map[string]int{}
	ids := map[string]string{}
	for c := range callers {
		wg.Go(func() {
			for i := range each {
				if i%10 == 9 {
					bad := crm.Event{Source: "load", ExternalID: fmt.Sprintf("bad%d-%d", c, i), Type: "page.viewed", Subject: "\x00"}
					if _, err := b.Receive(t.Context(), []crm.Event{bad}); err == nil {
						t.Error("an event that cannot be stored was stored")
					}
					continue
				}
				e := crm.Event{Source: "load", ExternalID: fmt.Sprintf("e%d", (c*each+i)%distinct), Type: "page.viewed", Subject: "ATS-1"}
				got, err := b.Receive(t.Context(), []crm.Event{e})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if !got[0].Duplicate {
					fresh[e.ExternalID]++
				}
				if first, ok := ids[e.ExternalID]; ok && first != got[0].Event.ID {
					t.Errorf("event %s was answered with %s and %s", e.ExternalID, first, got[0].Event.ID)
				}
				ids[e.ExternalID] = got[0].Event.ID
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for name, n := range fresh {
		if n != 1 {
			t.Errorf("event %s was new %d times", name, n)
		}
	}
	stored := 0
	for more := b.drain(t, id); len(more) > 0; more = b.drain(t, id) {
		stored += len(more)
	}
	if stored != len(ids) {
		t.Errorf("stored %d events, want %d", stored, len(ids))
	}
}

// Two processes that send the same events in opposite orders must not deadlock.
func TestReceiveCrosswise(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.open(t)
	for round := range 10 {
		var forth []crm.Event
		for i := range 200 {
			forth = append(forth, crm.Event{Source: "s", ExternalID: fmt.Sprintf("r%d-%d", round, i), Type: "page.viewed", Subject: "ATS-1"})
		}
		back := slices.Clone(forth)
		slices.Reverse(back)
		var wg sync.WaitGroup
		fresh := make([]int, 2)
		for i, call := range []func() ([]store.Received, error){
			func() ([]store.Received, error) { return b.Receive(t.Context(), forth) },
			func() ([]store.Received, error) { return other.Receive(t.Context(), back) },
		} {
			wg.Go(func() {
				got, err := call()
				if err != nil {
					t.Error(err)
				}
				for j := range got {
					if !got[j].Duplicate {
						fresh[i]++
					}
				}
			})
		}
		wg.Wait()
		if fresh[0]+fresh[1] != len(forth) {
			t.Errorf("round %d: %d + %d events were new, want %d", round, fresh[0], fresh[1], len(forth))
		}
	}
}

func TestReceiveCancelled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Receive(ctx, []crm.Event{b.event("page.viewed", "x", nil)}); err == nil {
		t.Error("a cancelled call succeeded")
	}
	b.receive(t, b.event("page.viewed", "x", nil))
}

func TestConsentEvents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	at := func(minutes int, eventType, purpose string, channels ...string) crm.Event {
		data := map[string]any{"purpose": purpose, "wording": "Yes"}
		if len(channels) > 0 {
			data["channels"] = channels
		}
		e := b.event(eventType, "ATS-1", data)
		e.Time = start().Add(time.Duration(minutes) * time.Minute)
		return e
	}
	b.pass(time.Hour)
	b.receive(t, at(10, "consent.granted", "news", "email", "sms"), at(20, "consent.revoked", "news", "sms"))
	b.receive(t, at(15, "consent.granted", "news", "sms"))      // late: the revocation stays in force
	b.receive(t, at(1000, "consent.granted", "ahead", "email")) // a clock that is ahead
	b.pass(time.Minute)
	b.receive(t, at(61, "consent.revoked", "ahead"))  // no channels: all
	b.receive(t, at(30, "consent.granted", "simple")) // no channels: email

	_, history, err := b.Candidate(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		purpose string
		channel crm.Channel
		state   crm.ConsentState
	}{
		{"news", crm.Email, crm.ConsentGranted},
		{"news", crm.SMS, crm.ConsentRevoked},
		{"ahead", crm.Email, crm.ConsentRevoked},
		{"ahead", crm.SMS, crm.ConsentRevoked},
		{"simple", crm.Email, crm.ConsentGranted},
		{"simple", crm.SMS, crm.ConsentNone},
	} {
		if got := crm.ConsentFor(history, want.purpose, want.channel); got != want.state {
			t.Errorf("%s by %s is %d, want %d", want.purpose, want.channel, got, want.state)
		}
	}
}
